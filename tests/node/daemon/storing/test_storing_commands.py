"""`enig dht` against nodes in this process."""

import pytest
from daemon_world import World
from storing_nodes import StoringNodes, filled

from enigmalang.chain.embedded import faucet_key
from enigmalang.chain.receiving import receiving_key
from enigmalang.chain.storage import deploy_storage
from enigmalang.cli.app import run


@pytest.fixture(scope="module")
def three(made: World, tmp_path_factory):
    with StoringNodes(made, tmp_path_factory.mktemp("three"), 3) as nodes:
        yield nodes


@pytest.fixture
def enig(three: StoringNodes, capfdbinary, monkeypatch, tmp_path):
    monkeypatch.setenv("ENIGMALANG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_COLOR", "1")

    def call(*arguments: str) -> tuple[int, bytes, str]:
        capfdbinary.readouterr()
        status = run(["dht", *arguments, "--chain", str(three.world.socket), "--hub", three.world.hub.address])
        out, err = capfdbinary.readouterr()
        return status, out, err.decode()

    return call


def test_a_file_goes_to_its_readers(enig, tmp_path):
    content = filled(600_000)
    (tmp_path / "report.pdf").write_bytes(content)
    status, out, err = enig("put", "report", str(tmp_path / "report.pdf"), "--readers", "bob", "--key", "alice")
    assert status == 0 and len(out.split()) == 3 and "600,000" not in out.decode() and "sealed for 2" in err
    assert enig("get", "report", "--key", "bob")[:2] == (0, content)
    copy = tmp_path / "copy.pdf"
    status, out, _ = enig("get", "report", "-o", str(copy), "--key", "alice")
    assert (status, out) == (0, b"") and copy.read_bytes() == content and copy.stat().st_mode & 0o777 == 0o600
    status, out, err = enig("get", "report", "-o", str(tmp_path / "no.pdf"), "--key", "eve")
    assert (status, out) == (1, b"") and "E0510" in err and not list(tmp_path.glob("*no.pdf*"))
    status, out, _ = enig("show", "report")
    assert status == 0 and b"600,000 bytes in 3 chunks, sealed for 2" in out and out.count(b"0x") >= 5


def test_a_file_for_anyone_and_one_that_is_not_there(enig, tmp_path):
    (tmp_path / "news").write_bytes(b"hello")
    assert enig("put", "news", str(tmp_path / "news"), "--anyone")[0] == 0
    assert enig("get", "news")[:2] == (0, b"hello")
    status, _, err = enig("get", "olds")
    assert status == 1 and "E0511" in err
    status, _, err = enig("put", "news", str(tmp_path / "missing"))
    assert status == 1 and "E0601" in err
    assert enig("put", "news", str(tmp_path / "news"), "--anyone", "--readers", "bob")[0] == 2


def test_who_publishes_a_key_is_found_by_the_address(enig, three):
    status, shown, _ = enig("reader", "--key", "dora", "--publish")
    address, _, public = shown.decode().strip().partition(":")
    assert status == 0
    assert receiving_key(three.world.chain, three.world.hub.address, address) == bytes.fromhex(public)


def test_a_reader_elsewhere_is_named_by_what_it_shows(enig, tmp_path):
    (tmp_path / "note").write_bytes(b"for carol")
    status, shown, _ = enig("reader", "--key", "carol")
    assert status == 0
    assert enig("put", "note", str(tmp_path / "note"), "--readers", shown.decode().strip())[0] == 0
    assert enig("get", "note", "--key", "carol")[:2] == (0, b"for carol")
    for wrong in ("no reader", "0x00:11", shown.decode()[:43] + "00" * 32):
        status, _, err = enig("put", "note", str(tmp_path / "note"), "--readers", wrong)
        assert status == 1 and "E0710" in err


def test_a_balance_for_rent_is_filled_and_emptied(enig, three):
    contract = deploy_storage(three.world.chain, faucet_key(), three.world.hub.address)
    rent = ("--rent", contract.address, "--key", "dora")
    assert enig("balance", *rent)[:2] == (0, b"0\n")
    assert enig("balance", *rent, "--deposit", "1_000")[:2] == (0, b"1000\n")
    assert enig("balance", *rent, "--deposit", "5")[:2] == (0, b"1005\n")
    assert enig("balance", *rent, "--deposit", "5", "--withdraw")[0] == 2
    status, out, err = enig("balance", *rent, "--withdraw")
    assert (status, out) == (0, b"0\n") and "1005 wei came back" in err


def test_money_goes_to_no_contract_that_takes_no_rent(enig, three, tmp_path):
    chain, hub = three.world.chain, three.world.hub.address
    (tmp_path / "note").write_bytes(b"for me")
    for wrong in (hub, "0x" + "11" * 20):
        before = chain.balance(wrong)
        for command in (("balance", "--deposit", "5"), ("put", "note", str(tmp_path / "note")), ("rent", "note")):
            status, out, err = enig(*command, "--rent", wrong, "--key", "dora")
            assert (status, out) == (1, b"") and "takes no rent" in err and "E0516" in err
        assert chain.balance(wrong) == before
