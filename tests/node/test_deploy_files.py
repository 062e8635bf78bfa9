"""examples/deploy: every command, option, path and port that its files name is one that there is; drift is noticed."""

import configparser
import json
import re
import shlex
import shutil
import urllib.error
import urllib.request
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest
from run_support import ROOT

from enigmalang.cli.app import enig
from enigmalang.cli.node import MISTAKE
from enigmalang.node.daemon import config, keys
from enigmalang.node.daemon.endpoints import read_endpoint
from enigmalang.node.daemon.metrics import Metrics
from enigmalang.node.daemon.monitor import Monitor

UNIT, CONTAINER, MANIFEST, README = "enigmalang-node.service", "Containerfile", "kubernetes.yaml", "README.md"
NODE, CHAIN, MONITOR = config.NodeOptions(), config.ChainOptions(), config.MonitorOptions()
PEERS = read_endpoint(NODE.endpoint).port


@pytest.fixture
def deploy(tmp_path):
    """A copy of the folder, which a test may change."""
    return Path(shutil.copytree(ROOT / "examples" / "deploy", tmp_path / "deploy"))


# ---- what the files are


def unit_of(folder: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False, delimiters=("=",))
    parser.optionxform = str
    parser.read_string((folder / UNIT).read_text("utf-8"))
    return parser


def container_of(folder: Path) -> dict[str, str]:
    """Instruction -> what follows it; the last one of each, for that is what counts."""
    text = (folder / CONTAINER).read_text("utf-8").replace("\\\n", " ")
    lines = [line.partition(" ") for line in text.splitlines() if line and not line.startswith("#")]
    return {name: rest.strip() for name, _, rest in lines}


def manifests_of(folder: Path) -> dict[str, Any]:
    """Kind -> what is to be made."""
    texts = (folder / MANIFEST).read_text("utf-8").split("\n---\n")
    return {made["kind"]: made for made in map(read_yaml, texts)}


def read_yaml(text: str) -> Any:
    """YAML as far as kubernetes.yaml uses it: mappings, sequences, `>-`, plain scalars and JSON."""
    lines = [(len(line) - len(line.lstrip()), line.strip()) for line in text.splitlines()
             if line.strip() and not line.lstrip().startswith("#")]
    found, rest = _block(lines, 0)
    assert not rest, f"cannot read {rest[0][1]!r}"
    return found


Lines = list[tuple[int, str]]


def _block(lines: Lines, indent: int) -> tuple[Any, Lines]:
    return _sequence(lines, indent) if lines[0][1].startswith("- ") else _mapping(lines, indent)


def _sequence(lines: Lines, indent: int) -> tuple[list[Any], Lines]:
    found = []
    while lines and lines[0][0] == indent and lines[0][1].startswith("- "):
        entry = lines[0][1][2:]
        if re.match(r"[\w./-]+:( |$)", entry):
            value, lines = _mapping([(indent + 2, entry), *lines[1:]], indent + 2)
        else:
            value, lines = _value(entry, lines[1:], indent)
        found.append(value)
    return found, lines


def _mapping(lines: Lines, indent: int) -> tuple[dict[str, Any], Lines]:
    found: dict[str, Any] = {}
    while lines and lines[0][0] == indent and not lines[0][1].startswith("- "):
        name, colon, rest = lines[0][1].partition(":")
        assert colon and name not in found, lines[0][1]
        found[name], lines = _value(rest.strip(), lines[1:], indent)
    return found, lines


def _value(text: str, lines: Lines, indent: int) -> tuple[Any, Lines]:
    if text == ">-":
        folded = lines[: next((i for i, line in enumerate(lines) if line[0] <= indent), len(lines))]
        return " ".join(line for _, line in folded), lines[len(folded):]
    if not text:
        return _block(lines, lines[0][0])
    text = text.partition(" # ")[0].strip()
    try:
        return json.loads(text), lines
    except ValueError:
        return text, lines


# ---- what they say


def checked(arguments: list[str]) -> click.Context:
    """The command of `enig` that these arguments are for, which must take them."""
    command: click.Command = enig
    made, rest = click.Context(enig, info_name="enig"), list(arguments)
    while isinstance(command, click.Group):
        name = rest.pop(0)
        found = command.get_command(made, name)
        assert found is not None, f"there is no command {name}"
        command, made = found, click.Context(found, info_name=name, parent=made)
    return command.make_context(made.info_name, rest, parent=made.parent)


def commands(line: str) -> list[list[str]]:
    """The arguments of each `enig` in a shell's line."""
    words, found = shlex.split(line), []
    for place, word in enumerate(words):
        if Path(word).name == "enig":
            rest = words[place + 1 :]
            found.append(rest[: next((i for i, w in enumerate(rest) if w in ("<", "&&", "||", ";")), len(rest))])
    return found


def check_unit(folder: Path) -> None:
    service = unit_of(folder)["Service"]
    (arguments,) = commands(service["ExecStart"])
    context = checked(arguments)
    assert context.command_path == "enig node start"
    assert context.params["folder"] == Path("/var/lib") / service["StateDirectory"]
    assert int(service["StateDirectoryMode"], 8) & 0o007 == 0, "the node refuses a folder that is open to all"
    assert service["Environment"] == f"XDG_CACHE_HOME=/var/cache/{service['CacheDirectory']}"
    credential, _, path = service["LoadCredential"].partition(":")
    assert credential == keys.CREDENTIAL and f"> {path})" in (folder / README).read_text("utf-8")
    assert f"useradd --system --home-dir /var/lib/{service['StateDirectory']}" in (folder / README).read_text("utf-8")
    assert service["User"] == service["StateDirectory"] == "enigmalang"
    assert int(service["RestartPreventExitStatus"]) == MISTAKE
    assert int(service["TimeoutStopSec"]) > NODE.stop_seconds + CHAIN.timeout_seconds
    for hardening in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices"):
        assert service[hardening] == "yes"
    assert service["ProtectSystem"] == "strict" and "MemoryDenyWriteExecute" not in service


def check_container(folder: Path) -> None:
    said = container_of(folder)
    context = checked([*json.loads(said["ENTRYPOINT"]), *json.loads(said["CMD"])][1:])
    assert context.command_path == "enig node start"
    data = Path(json.loads(said["VOLUME"])[0])
    assert data in context.params["folder"].parents
    health = checked(json.loads(said["HEALTHCHECK"].partition("CMD ")[2])[1:])
    assert health.command_path == "enig node status" and health.params["folder"] == context.params["folder"]
    variables = dict(each.split("=") for each in said["ENV"].split())
    assert set(variables) == {keys.PASSWORD_VARIABLE, "XDG_CACHE_HOME"}
    assert variables[keys.PASSWORD_VARIABLE] + ":ro" in (folder / README).read_text("utf-8")
    assert said["EXPOSE"].split() == [str(PEERS), str(MONITOR.port)]
    for copied in re.findall(r"^COPY ([\w. ]+) /src", (folder / CONTAINER).read_text("utf-8"), re.M):
        assert all((ROOT / each).exists() for each in copied.split())


def check_manifest(folder: Path) -> None:
    made = manifests_of(folder)
    assert set(made) == {"Service", "StatefulSet"}
    whole = made["StatefulSet"]["spec"]
    pod = whole["template"]["spec"]
    (first,), (node,) = pod["initContainers"], pod["containers"]
    start = checked(node["args"])
    assert start.command_path == "enig node start"
    (arguments,) = commands(first["command"][2])
    init = checked(arguments)
    folder_of_node = start.params["folder"]
    assert init.command_path == "enig node init" and init.params["folder"] == folder_of_node
    assert f"test -e {folder_of_node / config.FILE} ||" in first["command"][2]
    check_ports(made["Service"]["spec"], node, init.params)
    scraped = whole["template"]["metadata"]["annotations"]
    assert scraped["prometheus.io/port"] == str(init.params["monitor_port"])
    answered([scraped["prometheus.io/path"]])
    check_volumes(whole, [first, node], folder_of_node, (folder / README).read_text("utf-8"))
    assert whole["replicas"] == 1
    assert whole["selector"]["matchLabels"] == whole["template"]["metadata"]["labels"] == made["Service"]["spec"][
        "selector"]
    assert whole["serviceName"] == made["Service"]["metadata"]["name"]
    assert pod["terminationGracePeriodSeconds"] > NODE.stop_seconds + CHAIN.timeout_seconds
    user = container_of(folder)["USER"]
    assert user == f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}"


def check_ports(service: Any, node: Any, init: dict[str, Any]) -> None:
    ports = {port["name"]: port["containerPort"] for port in node["ports"]}
    assert ports == {"peers": read_endpoint(init["listen"]).port, "monitor": init["monitor_port"]}
    assert (ports["peers"], ports["monitor"]) == (PEERS, MONITOR.port)
    assert read_endpoint(init["endpoint"]).port == service["ports"][0]["port"]
    assert [port["targetPort"] for port in service["ports"]] == ["peers"], "health and metrics are nobody else's"
    assert init["monitor_address"] == "0.0.0.0", "probes come from outside the pod"
    paths = {name: node[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert {probe["port"] for probe in paths.values()} == {"monitor"}
    assert {name: probe["path"] for name, probe in paths.items()} == {
        "startup": "/live", "liveness": "/live", "readiness": "/health"}
    answered([probe["path"] for probe in paths.values()])


def check_volumes(whole: Any, containers: list[Any], folder: Path, readme: str) -> None:
    pod = whole["template"]["spec"]
    claimed = {claim["metadata"]["name"] for claim in whole["volumeClaimTemplates"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    for container in containers:
        mounts = {mount["name"]: Path(mount["mountPath"]) for mount in container["volumeMounts"]}
        assert set(mounts) == claimed | set(volumes)
        assert mounts["data"] in folder.parents and claimed == {"data"}
        given = {each["name"]: each["value"] for each in container["env"]}
        assert set(given) == {keys.PASSWORD_VARIABLE, "XDG_CACHE_HOME"}
        password = Path(given[keys.PASSWORD_VARIABLE])
        assert password.parent == mounts["password"] and mounts["scratch"] in Path(given["XDG_CACHE_HOME"]).parents
        secret = volumes["password"]["secret"]["secretName"]
        assert f"create secret generic {secret} --from-file={password.name}=" in readme


def check_readme(folder: Path) -> None:
    text = (folder / README).read_text("utf-8")
    lines = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    found = [arguments for line in lines for arguments in commands(line)]
    found += [shlex.split(line)[1:] for line in re.findall(r"`(enig [^`]+)`", text) if len(line.split()) > 3]
    found += [["node", *shlex.split(line.partition(" enigmalang node ")[2])] for line in lines
              if " enigmalang node " in line]  # of an image whose entry point is `enig`
    used = {checked(arguments).command_path for arguments in found}
    assert {"enig node init", "enig node status", "enig node rotate", "enig node leave"} <= used
    options = {f"{name}.{each.name}" for name, kind in config.SECTIONS.items() for each in fields(kind)}
    option = re.compile(rf"(?<![-\w.])(?:{'|'.join(config.SECTIONS)})\.[a-z_]+\b")
    for file in (README, UNIT, MANIFEST):
        named = set(option.findall((folder / file).read_text("utf-8")))
        assert named and named - {"node.toml", "node.example"} <= options
    assert set(re.findall(r"127\.0\.0\.1:(\d+)", text)) == {str(MONITOR.port)}
    answered(re.findall(r"`(?:http://127\.0\.0\.1:\d+)?(/[a-z]+)`", text))
    for name in re.findall(r"[\w.-]+\.(?:service|yaml)\b|tests/[\w/]+\.py|examples/deploy/\w+", text):
        assert (folder / name).exists() or (ROOT / name).exists(), name


def answered(paths: list[str]) -> None:
    """Each of `paths` is one that the monitor knows."""
    assert paths
    with Monitor("127.0.0.1", 0, Metrics(), lambda: (True, {})) as monitor:
        for path in set(paths):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{monitor.port}{path}", timeout=30).close()
            except urllib.error.HTTPError as error:
                error.close()
                raise AssertionError(f"there is no {path}") from None


CHECKS = {UNIT: check_unit, CONTAINER: check_container, MANIFEST: check_manifest, README: check_readme}


@pytest.mark.parametrize("name", CHECKS)
def test_what_is_named_is_there(deploy, name):
    CHECKS[name](deploy)


@pytest.mark.parametrize("name, was, now", [
    (UNIT, "node start", "node begin"), (UNIT, "start /var/lib/enigmalang", "start /srv/enigmalang"),
    (UNIT, "enigmalang-password:", "password:"), (UNIT, "ExitStatus=2", "ExitStatus=1"), (UNIT, "Sec=90", "Sec=30"),
    (UNIT, "start /var", "start --quietly /var"),
    (CONTAINER, "7401", "9000"), (CONTAINER, "_PASSWORD_FILE", "_PASSWORD"), (CONTAINER, '"start"', '"run"'),
    (CONTAINER, '"status", "/data/node"', '"status", "/data"'), (CONTAINER, "COPY stdlib", "COPY library"),
    (MANIFEST, '/port: "7401"', '/port: "7402"'), (MANIFEST, "path: /health", "path: /healthy"),
    (MANIFEST, "--confirmations 12", "--confirm 12"),
    (MANIFEST, "containerPort: 7400", "containerPort: 7000"), (MANIFEST, "--monitor-port 7401", "--monitor-port 9000"),
    (MANIFEST, "mountPath: /run/secrets/enigmalang", "mountPath: /run/secrets"),
    (MANIFEST, "test -e /data/node/node.toml", "test -e /data/node.toml"),
    (MANIFEST, "GracePeriodSeconds: 90", "GracePeriodSeconds: 30"), (MANIFEST, "runAsUser: 10001", "runAsUser: 1000"),
    (MANIFEST, "secretName: enigmalang-password", "secretName: password"),
    (README, "--withdraw`", "--take`"), (README, "log.format", "log.form"), (README, "`/live`", "`/alive`"),
    (README, "--password-file -", "--password -"), (README, ":7401/health", ":9090/health"),
    (README, "enigmalang node init", "enigmalang node make"),
])
def test_drift_is_noticed(deploy, name, was, now):
    text = (deploy / name).read_text("utf-8")
    assert was in text
    (deploy / name).write_text(text.replace(was, now), "utf-8")
    with pytest.raises((AssertionError, click.UsageError, KeyError)):
        CHECKS[name](deploy)


def test_yaml():
    text = "a: 1\nb:\n  - x: [\"y\"]\n    z: {}\n  - >-\n    one\n    two\n  - plain # note\nc:\n- 0x10\nd: \"q\"\n"
    assert read_yaml(text) == {"a": 1, "b": [{"x": ["y"], "z": {}}, "one two", "plain"], "c": ["0x10"], "d": "q"}
    with pytest.raises(AssertionError):
        read_yaml("a: 1\n  b: 2\n")
