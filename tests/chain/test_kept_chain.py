"""A development chain that is kept: the same again after any end, whatever was being written."""

import json

import pytest

from enigmalang.chain import development, kept
from enigmalang.chain.anvil import Anvil, find_anvil
from enigmalang.chain.client import Chain
from enigmalang.chain.embedded import EmbeddedEvm, faucet_key
from enigmalang.chain.errors import ChainUnreachable, RpcError
from enigmalang.chain.kept import KeptEvm, NotTheSame
from enigmalang.ethereum.keys import SigningKey

needs_anvil = pytest.mark.skipif(find_anvil() is None, reason="anvil is not installed")
ALICE, BOB = (SigningKey(name.ljust(32, b"\0")) for name in (b"alice", b"bob"))


def used(evm):
    """Payments, one that is refused, moved time, a snapshot that is gone back to."""
    chain = Chain(evm)
    development.fund(chain, ALICE.address, 10**18)
    chain.send(ALICE, BOB.address, b"", 7)
    with pytest.raises(RpcError):
        evm.request("eth_sendRawTransaction", ("0x00",))
    development.advance(chain, blocks=2, seconds=100)
    mark = development.snapshot(chain)
    chain.send(ALICE, BOB.address, b"", 100)
    development.restore(chain, mark)
    chain.send(faucet_key(), BOB.address, b"", 1)
    return seen(chain)


def seen(chain):
    head = chain.ask("eth_getBlockByNumber", "latest", False)
    assert chain.balance(BOB.address) == 8
    return head["hash"], head["number"], head["timestamp"], chain.balance(ALICE.address)


def test_the_same_again(tmp_path):
    path = tmp_path / "requests"
    with EmbeddedEvm() as evm, KeptEvm(evm, path) as first:
        before = used(first)
    assert path.stat().st_mode & 0o777 == 0o600
    for _ in range(2):
        with EmbeddedEvm() as evm, KeptEvm(evm, path) as again:
            assert seen(Chain(again)) == before
    with EmbeddedEvm() as evm, KeptEvm(evm, path) as again:
        Chain(again).send(ALICE, BOB.address, b"", 5)
    with EmbeddedEvm() as evm, KeptEvm(evm, path) as again:
        assert Chain(again).balance(BOB.address) == 13


@needs_anvil
def test_the_same_again_with_anvil(tmp_path):
    path = tmp_path / "requests"
    with Anvil() as anvil, anvil.connect() as evm, KeptEvm(evm, path) as first:
        before = used(first)
    with Anvil() as anvil, anvil.connect() as evm, KeptEvm(evm, path) as again:
        assert seen(Chain(again)) == before


def test_it_is_on_disk_before_it_is_done(tmp_path):
    path = tmp_path / "requests"

    class Watched:
        def __init__(self, evm):
            self.evm, self.kept = evm, []

        def request(self, method, params=()):
            if method.startswith("evm_"):
                self.kept.append(json.loads(path.read_bytes().splitlines()[-1])[1:])
            return self.evm.request(method, params)

    with EmbeddedEvm() as evm:
        watched = Watched(evm)
        with KeptEvm(watched, path) as chain:
            chain.batch([("evm_increaseTime", (5,)), ("evm_mine", ())])
        assert watched.kept == [["evm_increaseTime", [5]], ["evm_mine", []]]


def test_a_line_that_was_cut_off(tmp_path):
    path = tmp_path / "requests"
    with EmbeddedEvm() as evm, KeptEvm(evm, path) as chain:
        chain.request("evm_mine")
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:-1])
    with EmbeddedEvm() as evm, KeptEvm(evm, path) as chain:
        assert chain.request("eth_blockNumber") == "0x1" and path.read_bytes() == whole
        chain.request("evm_mine")
    with EmbeddedEvm() as evm, KeptEvm(evm, path) as chain:
        assert chain.request("eth_blockNumber") == "0x2"


@pytest.mark.parametrize("change", [lambda text: text.replace("evm_mine", "anvil_mine", 1),
                                    lambda text: "{\n" + text, lambda text: "[1, 2]\n" + text])
def test_what_is_not_the_same(tmp_path, change):
    path = tmp_path / "requests"
    with EmbeddedEvm() as evm, KeptEvm(evm, path) as chain:
        chain.batch([("evm_increaseTime", (5,)), ("evm_mine", ()), ("evm_mine", ())])
    path.write_text(change(path.read_text()))
    with EmbeddedEvm() as evm, pytest.raises(NotTheSame, match="line"):
        KeptEvm(evm, path)


def test_a_full_disk(tmp_path, monkeypatch):
    path = tmp_path / "requests"
    with EmbeddedEvm() as evm, KeptEvm(evm, path) as chain:
        chain.request("evm_mine")
        whole, write, room = path.read_bytes(), kept.os.write, [10, 0]

        def full(file, data):
            left = room.pop(0)
            if not left:
                raise OSError(28, "No space left on device")
            return write(file, data[:left])

        with monkeypatch.context() as patched, pytest.raises(RpcError, match="No space left"):
            patched.setattr(kept.os, "write", full)
            chain.request("evm_mine")
        assert path.read_bytes() == whole and chain.request("eth_blockNumber") == "0x1"
        chain.request("evm_mine")
    with EmbeddedEvm() as evm, KeptEvm(evm, path) as chain:
        assert chain.request("eth_blockNumber") == "0x2"


def test_a_chain_that_dies(tmp_path):
    class Dying(EmbeddedEvm):
        dead = False

        def request(self, method, params=()):
            if self.dead:
                raise ChainUnreachable("here", "it died", "")
            return super().request(method, params)

    with Dying() as evm, KeptEvm(evm, tmp_path / "requests") as chain:
        assert not chain.lost.is_set()
        evm.dead = True
        with pytest.raises(ChainUnreachable):
            chain.request("eth_blockNumber")
        assert chain.lost.is_set()
