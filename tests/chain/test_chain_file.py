"""The embedded chain in a file: everything comes back, whatever ended it, and from what an earlier version kept."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from time import monotonic

import pytest

from enigmalang.chain import development
from enigmalang.chain.anvil import find_anvil
from enigmalang.chain.chainfile import ChainFile
from enigmalang.chain.client import Chain
from enigmalang.chain.embedded import EmbeddedEvm, faucet_key
from enigmalang.chain.errors import ChainError, ChainUnreachable, RpcError
from enigmalang.chain.hub import Hub, deploy_hub
from enigmalang.chain.kept import KeptEvm
from enigmalang.chain.rpc import RpcEvm
from enigmalang.ethereum.keys import SigningKey
from enigmalang.node.devnet import chain as chains

BOB = SigningKey(b"bob".ljust(32, b"\0")).address
SERVE = ("import sys; from pathlib import Path; from enigmalang.node.devnet.chain import serve; "
         "serve(Path(sys.argv[1]), sys.argv[2])")
START_SECONDS = 60.0


def used(evm):
    """Blocks with and without transactions, logs, moved time, a snapshot gone back to and one to go back to."""
    chain = Chain(evm)
    hub = deploy_hub(chain, faucet_key())
    development.fund(chain, BOB, 10)
    hub.write(faucet_key(), bytes(32), "nat", b"one")
    mark = development.snapshot(chain)
    hub.write(faucet_key(), bytes(32), "nat", b"forgotten")
    development.restore(chain, mark)
    development.advance(chain, blocks=3, seconds=500)
    hub.write(faucet_key(), bytes(32), "nat", b"two")
    mark = development.snapshot(chain)
    chain.send(faucet_key(), BOB, b"", 90)
    evm.request("evm_increaseTime", (77,))
    return hub, mark


def whole(evm, hub):
    """All that there is to see, now and as of each block."""
    chain = Chain(evm)
    blocks = [chain.ask("eth_getBlockByNumber", hex(number), True) for number in range(chain.block_number() + 1)]
    sent = [each["hash"] for block in blocks for each in block["transactions"] if isinstance(each, dict)]
    receipts = [chain.ask("eth_getTransactionReceipt", hash) for hash in sent]
    hashes = [chain.ask("eth_getBlockByHash", block["hash"], True) for block in blocks]
    owned = [chain.balance(BOB, number) for number in range(len(blocks))]
    return blocks, hashes, receipts, owned, chain.logs(), chain.logs(hub.address, first=2, last=7)


def test_everything_comes_back(tmp_path):
    path = tmp_path / "chain.db"
    with EmbeddedEvm(store=ChainFile(path)) as evm, EmbeddedEvm() as other:
        hub, mark = used(evm)
        twin, _ = used(other)
        before = whole(evm, hub)
        assert before == whole(other, twin)
        assert path.stat().st_mode & 0o777 == 0o600
        ends = []
        for each in (evm, other):
            Chain(each).send(faucet_key(), BOB, b"", 1)
            ends.append(Chain(each).block())
        assert ends[0] == ends[1]
    with EmbeddedEvm(store=ChainFile(path)) as evm:
        chain = Chain(evm)
        assert chain.block() == ends[0] and chain.balance(BOB) == 101
        assert [block["hash"] for block in whole(evm, hub)[0]][:-1] == [block["hash"] for block in before[0]]
        development.restore(chain, mark)
        assert chain.balance(BOB) == 10
        with pytest.raises(ChainError, match="no snapshot"):
            development.restore(chain, mark)
    with EmbeddedEvm(store=ChainFile(path)) as evm:
        assert Chain(evm).balance(BOB) == 10
        again = Hub(Chain(evm), hub.address)
        assert [again.entry(bytes(32), index).value for index in range(again.count(bytes(32)))] == [b"one", b"two"]
        assert len(again.events(["Written"])) == 2


def test_pending_time_comes_back(tmp_path):
    path, times = tmp_path / "chain.db", []
    with EmbeddedEvm(store=ChainFile(path)) as evm:
        before = Chain(evm).block().time
        evm.request("evm_increaseTime", (1000,))
        evm.request("anvil_setBalance", (BOB, "0x7"))
    with EmbeddedEvm(store=ChainFile(path)) as evm:
        assert Chain(evm).balance(BOB) == 7
        evm.request("evm_mine")
        times.append(Chain(evm).block().time)
    assert times == [before + 1001]


def test_a_disk_that_is_full(tmp_path):
    """What cannot be kept has not happened, and is said."""
    path = tmp_path / "chain.db"
    with EmbeddedEvm(store=(store := ChainFile(path))) as evm:
        chain = Chain(evm)
        chain.send(faucet_key(), BOB, b"", 1)
        before = chain.block()
        store._db.execute(f"PRAGMA max_page_count={store._db.execute('PRAGMA page_count').fetchone()[0]}")
        with pytest.raises(RpcError, match="cannot be kept"):
            evm.request("anvil_mine", ("0x200",))
        assert chain.block() == before and chain.balance(BOB) == 1
        store._db.execute("PRAGMA max_page_count=1000000")
        chain.send(faucet_key(), BOB, b"", 1)
    with EmbeddedEvm(store=ChainFile(path)) as evm:
        assert Chain(evm).balance(BOB) == 2 and Chain(evm).block_number() == before.number + 1


def test_a_file_of_another_version(tmp_path):
    path = tmp_path / "chain.db"
    ChainFile(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(ChainError, match="another version"):
        ChainFile(path)
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(ChainError, match="cannot be kept"):
        ChainFile(path)


# ---- real processes


class Served:
    """A chain's process, as `enig devnet up` starts it."""

    def __init__(self, folder, kind):
        self.folder, self.kind = folder, kind
        folder.mkdir(exist_ok=True)

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, "-c", SERVE, str(self.folder), self.kind],
                                        stdout=subprocess.DEVNULL)
        deadline, pause = monotonic() + START_SECONDS, threading.Event()
        while not chains.answers(self.folder):
            assert self.process.poll() is None and monotonic() < deadline
            pause.wait(0.01)
        return self

    def connect(self):
        return RpcEvm(str(self.folder / chains.SOCKET))

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def __exit__(self, *exc):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


@pytest.mark.parametrize("kind", [
    chains.EMBEDDED,
    pytest.param(chains.ANVIL, marks=pytest.mark.skipif(find_anvil() is None, reason="anvil is not installed"))])
def test_a_chain_that_is_killed_at_any_time(tmp_path, kind):
    """Whoever was told that something is mined finds it there, after each of several kills in the midst of sending."""
    told = []
    for _ in range(3):
        with Served(tmp_path / "chain", kind) as served:
            with served.connect() as evm:
                chain = Chain(evm)
                for hash, block in told:
                    receipt = chain.ask("eth_getTransactionReceipt", hash)
                    assert receipt is not None and receipt["blockHash"] == block
                assert len(told) <= chain.balance(BOB) <= len(told) + 3
            killer = threading.Timer(0.4, served.kill)
            killer.start()
            with served.connect() as evm, pytest.raises(ChainUnreachable):
                while True:
                    receipt = Chain(evm).send(faucet_key(), BOB, b"", 1)
                    told.append((receipt.hash, receipt.block_hash))
            killer.join()
    assert told


def test_what_an_earlier_version_kept(tmp_path):
    """Its requests are done once more, into the file; killed meanwhile, it begins anew."""
    folder = tmp_path / "chain"
    folder.mkdir()
    with EmbeddedEvm() as evm, KeptEvm(evm, folder / chains.KEPT) as kept:
        hub, _ = used(kept)
        before = whole(kept, hub)
    (folder / f"{chains.CHAIN}.part").write_bytes(b"half of it")
    for _ in range(2):
        with Served(folder, chains.EMBEDDED) as served, served.connect() as evm:
            assert whole(evm, hub) == before
        assert not (folder / chains.KEPT).exists() and (folder / f"{chains.KEPT}.done").exists()
