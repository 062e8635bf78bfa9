"""node.toml: what is written is read again, and what cannot be is said with the nearest that can."""

import tomllib
from dataclasses import asdict, fields

import pytest

from enigmalang.node.daemon.config import (
    FILE,
    SECTIONS,
    BadConfig,
    Config,
    LimitOptions,
    config_of,
    read_config,
    with_options,
    written,
)
from enigmalang.node.daemon.endpoints import BadEndpoint, Endpoint, read_endpoint
from enigmalang.transport.peering.limits import Limits

HUB = "0x" + "ab" * 20
GIVEN = {"chain": {"url": "http://127.0.0.1:8545", "hub": HUB}}


def test_what_is_written_is_read_again(tmp_path):
    config = with_options(Config(tmp_path), "chain", url='a "quoted"\\path\n', hub=HUB)
    config = with_options(config, "node", deposit=2**80, endpoint="node.example:7400")
    (tmp_path / FILE).write_text(written(config))
    assert read_config(tmp_path) == config


def test_every_option_is_written_with_what_it_means(tmp_path):
    text = written(config_of(tmp_path, GIVEN))
    tables = tomllib.loads(text)
    lines = text.splitlines()
    for name, kind in SECTIONS.items():
        assert set(tables[name]) == {each.name for each in fields(kind)}
        for each in fields(kind):
            (at,) = [i for i, line in enumerate(lines) if line.startswith(f"{each.name} = ")
                     and lines[:i].count(f"[{name}]")
                     and not any(line.startswith("[") for line in lines[lines.index(f"[{name}]") + 1 : i])]
            assert lines[at - 1].startswith("# ") and len(each.metadata["doc"]) > 10
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("given, said", [
    ({"chain": {"url": "x", "hub": HUB, "confirmation": 3}},
     "there is no option chain.confirmation; did you mean chain.confirmations?"),
    ({**GIVEN, "cain": {}}, "there is no option [cain]; did you mean [chain]?"),
    ({**GIVEN, "node": {"confirmations": 3}}, "no option node.confirmations; did you mean chain.confirmations?"),
    ({**GIVEN, "port": 3}, "there is no option port; did you mean monitor.port?"),
    ({**GIVEN, "node": {"xyzzy": 3}}, "there is no option node.xyzzy"),
    ({**GIVEN, "log": 3}, "log is a section"),
    ({**GIVEN, "log": {"format": "xml"}}, 'log.format is "xml": it is one of "text", "json"'),
    ({**GIVEN, "log": {"files": "many"}}, "log.files has to be an integer, not 'many'"),
    ({**GIVEN, "log": {"files": True}}, "log.files has to be an integer, not True"),
    ({**GIVEN, "node": {"endpoint": "nowhere"}}, "no HOST:PORT"),
    ({**GIVEN, "node": {"endpoint": "h:99999"}}, "a port is a number up to 65535"),
    ({**GIVEN, "node": {"endpoint": "h" * 200 + ":1"}}, "more than 128 bytes"),
    ({**GIVEN, "node": {"stop_seconds": -1}}, "from 0 to 3600"),
    ({**GIVEN, "limits": {"frame_bytes": 1 << 30}}, "limits.memory_per_peer has to be limits.frame_bytes at least"),
    ({"chain": {"url": "x"}}, "chain.hub is \"\": it has to be 0x and 40 hexadecimal digits"),
    ({"chain": {"hub": HUB}}, "chain.url is \"\": it has to be said"),
])
def test_what_cannot_be(tmp_path, given, said):
    with pytest.raises(BadConfig) as error:
        config_of(tmp_path, given)
    assert said in str(error.value)


def test_all_that_is_wrong_is_said_at_once(tmp_path):
    with pytest.raises(BadConfig) as error:
        config_of(tmp_path, {"chain": {"url": "x", "hub": "y", "pole_seconds": 3}, "log": {"level": "loud"}})
    assert all(word in str(error.value) for word in ("chain.hub", "did you mean chain.poll_seconds", "log.level"))


@pytest.mark.parametrize("text, said", [
    (None, "enig node init"), ("[chain", "is not TOML"), ("\ud800", "cannot be read")])
def test_files_that_cannot_be_read(tmp_path, text, said):
    if text is not None:
        (tmp_path / FILE).write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(BadConfig, match=said):
        read_config(tmp_path)


def test_the_limits_are_those_of_the_channels():
    assert asdict(LimitOptions()) == asdict(Limits())


def test_where_the_node_listens(tmp_path):
    def listen(**node):
        return config_of(tmp_path, {**GIVEN, "node": node}).listen

    assert listen(endpoint="node.example:7400") == Endpoint("0.0.0.0", 7400)
    assert listen(endpoint="[::1]:7400") == Endpoint("127.0.0.1", 7400)
    assert listen(endpoint="node.example:7400", listen="10.0.0.1:1") == Endpoint("10.0.0.1", 1)


@pytest.mark.parametrize("text", ["", "host", ":5", "host:", "host:-1", "host:٣", "a b:1", "user@host:1", "::1:5",
                                  "[::1]", "http://host:1", "höst:1", "[a:1"])
def test_texts_that_are_no_endpoint(text):
    with pytest.raises(BadEndpoint):
        read_endpoint(text)


@pytest.mark.parametrize("text", ["localhost:1", "10.0.0.1:65535", "[::1]:7400", "node-1.example:0"])
def test_endpoints_are_written_as_they_are_read(text):
    assert str(read_endpoint(text)) == text
