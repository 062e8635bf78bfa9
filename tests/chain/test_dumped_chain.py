"""An anvil that is brought back from what it said of its state, and from the requests after that."""

import json
import shutil
from contextlib import contextmanager

import pytest

from enigmalang.chain import development, kept
from enigmalang.chain.anvil import Anvil, find_anvil
from enigmalang.chain.client import Chain
from enigmalang.chain.embedded import faucet_key
from enigmalang.chain.errors import ChainError
from enigmalang.chain.evm import LocalEvm
from enigmalang.chain.kept import BadDump, KeptEvm, NotTheSame
from enigmalang.ethereum.keys import SigningKey

pytestmark = pytest.mark.skipif(find_anvil() is None, reason="anvil is not installed")
BOB = SigningKey(b"bob".ljust(32, b"\0")).address
#: Creation code of a contract whose every call logs what it is called with.
LOGS = bytes.fromhex("600d80600a3d393df3" + "00" + "3660006000376001366000a100")


class Counted(LocalEvm):
    """How much is asked of a chain."""

    def __init__(self, evm):
        self.evm, self.methods = evm, []

    def request(self, method, params=()):
        self.methods.append(method)
        return self.evm.request(method, params)

    @property
    def sent(self):
        return sum(method.startswith("eth_send") for method in self.methods)


@contextmanager
def opened(path, dumps=True):
    with Anvil() as anvil, anvil.connect() as evm:
        counted = Counted(evm)
        with KeptEvm(counted, path, dumps) as chain:
            chain.counted = counted
            yield chain


@pytest.fixture
def path(tmp_path, monkeypatch):
    """Of requests that are dumped often."""
    monkeypatch.setattr(kept, "STEP", 6)
    monkeypatch.setattr(kept, "HISTORY", 3)
    return tmp_path / "requests"


def pay(evm, times):
    for _ in range(times):
        Chain(evm).send(faucet_key(), BOB, b"", 1)


def whole(evm):
    """All that there is to see."""
    chain = Chain(evm)
    blocks = [chain.ask("eth_getBlockByNumber", hex(number), True) for number in range(chain.block_number() + 1)]
    return blocks, chain.balance(BOB), chain.balance(faucet_key().address), chain.logs()


def places(path):
    return sorted(int(each.suffix[1:]) for each in path.parent.glob("requests.*"))


def test_only_the_rest_is_done_again(path):
    with opened(path) as chain:
        pay(chain, 25)
        before = whole(chain)
    assert places(path) == [18, 24] and (path.parent / "requests.24").stat().st_mode & 0o777 == 0o600
    with opened(path) as chain:
        assert whole(chain) == before and chain.counted.sent == 7
        assert [Chain(chain).balance(BOB, tag) for tag in (22, 23, 25)] == [22, 23, 25]  # HISTORY
        pay(chain, 2)
        before = whole(chain)
    with opened(path) as chain:
        assert whole(chain) == before and chain.counted.sent == 3
    with opened(path, dumps=False) as chain:
        assert whole(chain) == before and chain.counted.sent == 27


def test_it_goes_on_as_if_it_had_never_stopped(path):
    """Time, logs, snapshots: what is done after a dump gives the same blocks as what is done after the requests."""
    with opened(path) as chain:
        chain.request("anvil_setBalance", (BOB, "0x5"))
        made = Chain(chain).deploy(faucet_key(), LOGS).contract
        development.advance(Chain(chain), blocks=2, seconds=1000)
        Chain(chain).send(faucet_key(), made, b"seven")
        development.restore(Chain(chain), development.snapshot(Chain(chain)))
        pay(chain, 8)
    assert places(path)
    other = path.parent / "other" / "requests"
    other.parent.mkdir()
    shutil.copy(path, other)
    seen = []
    for each, dumps in ((path, True), (other, False)):
        with opened(each, dumps) as chain:
            assert ("anvil_loadState" in chain.counted.methods) == dumps
            mark = development.snapshot(Chain(chain))
            Chain(chain).send(faucet_key(), made, b"eight")
            development.advance(Chain(chain), seconds=50)
            development.restore(Chain(chain), mark)
            development.advance(Chain(chain), blocks=1, seconds=70)
            Chain(chain).send(faucet_key(), made, b"nine")
            seen.append((mark, whole(chain)))
    assert seen[0] == seen[1]
    assert [log.data for log in seen[0][1][3]] == [b"seven", b"nine"]


def test_snapshots_live_on(path):
    """While one can be gone back to, nothing is dumped."""
    with opened(path) as chain:
        pay(chain, 10)
        dumped = places(path)
        mark = development.snapshot(Chain(chain))
        pay(chain, 20)
        assert places(path) == dumped
    with opened(path) as chain:
        pay(chain, 1)
        development.restore(Chain(chain), mark)
        assert Chain(chain).balance(BOB) == 10
        pay(chain, 20)
        assert places(path) != dumped
        before = whole(chain)
    for _ in range(2):
        with opened(path) as chain:
            assert whole(chain) == before and chain.counted.sent < 20
            with pytest.raises(ChainError, match="no snapshot"):
                development.restore(Chain(chain), mark)


def test_snapshots_that_are_given_up(path, monkeypatch):
    monkeypatch.setattr(kept, "SNAPSHOT_REQUESTS", 8)
    with opened(path) as chain:
        mark = development.snapshot(Chain(chain))
        pay(chain, 15)
        assert places(path)
        with pytest.raises(ChainError, match="no snapshot"):
            development.restore(Chain(chain), mark)
        later = development.snapshot(Chain(chain))
        assert later != mark
        pay(chain, 1)
        development.restore(Chain(chain), later)
        before = whole(chain)
    with opened(path) as chain:
        assert whole(chain) == before


@pytest.mark.parametrize(("method", "params"), [
    ("anvil_setCode", (BOB, "0x00")), ("anvil_setNonce", (BOB, "0x7")), ("anvil_setNextBlockBaseFeePerGas", ("0x0",))])
def test_what_a_dump_may_lack(path, method, params):
    """Settings are in none: they are made again."""
    with opened(path) as chain:
        chain.request(method, params)
        pay(chain, 14)
        assert not places(path)


def test_a_transaction_that_waits(path, monkeypatch):
    monkeypatch.setattr(kept, "SETTLE_SECONDS", 0.1)
    with opened(path) as chain:
        from enigmalang.ethereum.transactions import Transaction, sign_transaction

        waiting = sign_transaction(Transaction(1337, 9, 0, 0, 21_000, BOB, 1, b""), faucet_key())
        chain.request("eth_sendRawTransaction", ("0x" + waiting.raw.hex(),))
        pay(chain, 8)
        assert not places(path)
        before = whole(chain)
    with opened(path) as chain:
        assert whole(chain) == before and chain.request("txpool_status")["queued"] == "0x1"


def damaged(file):
    file.write_bytes(file.read_bytes()[:-1])


def another_version(file):
    head, rest = file.read_bytes().split(b"\n", 1)
    file.write_bytes(json.dumps(json.loads(head) | {"version": 0}).encode() + b"\n" + rest)


def none(file):
    file.write_bytes(b"")


@pytest.mark.parametrize("change", [damaged, another_version, none])
def test_a_dump_that_cannot_be_used(path, change):
    with opened(path) as chain:
        pay(chain, 16)
        before = whole(chain)
    for place in places(path):
        change(path.parent / f"requests.{place}")
    with opened(path) as chain:
        assert whole(chain) == before and chain.counted.sent == 16


def test_a_dump_of_another_chain(path):
    with opened(path) as chain:
        pay(chain, 16)
        before = whole(chain)
    lines = path.read_bytes().splitlines(keepends=True)
    entry = json.loads(lines[-2])
    path.write_bytes(b"".join(lines[:-2]) + json.dumps(["0x11", *entry[1:]]).encode() + b"\n" + lines[-1])
    with pytest.raises(BadDump, match="line 15"), opened(path):
        pass
    with pytest.raises(NotTheSame, match="line 15") as other, opened(path):  # the dump is gone; the older one is tried
        pass
    path.write_bytes(b"".join(lines))
    with opened(path) as chain:
        assert whole(chain) == before
    assert isinstance(other.value, BadDump)


def test_a_disk_that_takes_no_dump(path, monkeypatch):
    def full(self, place, data):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(kept.Dumps, "write", full)
        with opened(path) as chain:
            pay(chain, 13)
            before = whole(chain)
    assert not places(path)
    with opened(path) as chain:
        assert whole(chain) == before
