"""A chain with a hub in this process, served at a socket for daemons in others; and nodes on it."""

import threading
from contextlib import ExitStack
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import benchmarks
from enigmalang.chain import development
from enigmalang.chain import digests as d
from enigmalang.chain.client import Chain
from enigmalang.chain.compiling import compile_source
from enigmalang.chain.embedded import EmbeddedEvm, faucet_key
from enigmalang.chain.hub import EMPTY, Hub, Parameters, deploy_hub
from enigmalang.chain.interface import Interface
from enigmalang.chain.server import Server
from enigmalang.ethereum.keys import SigningKey
from enigmalang.node.daemon.config import Config, with_options
from enigmalang.node.daemon.folders import make_folder

ETHER = 10**18
PARAMETERS = Parameters(minimum_deposit=ETHER, unbonding=2000, job_time=100, max_job_time=1000)
PASSWORD = "correct horse"
#: scrypt's cost: the tests open many keys.
WORK = 2
PASSING = Path(benchmarks.__file__).with_name("contracts").joinpath("Passing.vy")


def key_of(name: str) -> SigningKey:
    return SigningKey(d.keccak(name.encode()))


def print_of(name: str) -> bytes:
    """What stands for the fingerprint of a node's certificate."""
    return sha256(name.encode()).digest()


class World:
    """`chain`, `hub`, and the path of the `socket` that serves both."""

    def __enter__(self) -> "World":
        self._stack = ExitStack()
        self.folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="enig-")))
        self.evm = self._stack.enter_context(EmbeddedEvm())
        self.chain = Chain(self.evm)
        self.hub = deploy_hub(self.chain, faucet_key(), PARAMETERS)
        self.socket = self.folder / "chain.sock"
        self._stack.enter_context(Server(self.evm, self.socket))
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def deep(self, confirmations: int) -> Hub:
        """The same hub, seen by one who waits for confirmations."""
        return Hub(Chain(self.evm, confirmations=confirmations), self.hub.address)

    def register(self, name: str, endpoint: str = "localhost:1000", fingerprint: bytes | None = None,
                 deposit: int = ETHER) -> str:
        key = key_of(name)
        development.fund(self.chain, key.address, 10 * ETHER)
        self.hub.register(key, d.keccak(name.encode()), fingerprint or print_of(name), endpoint, deposit)
        return key.address

    def form(self, *names: str) -> int:
        keys = [key_of(name) for name in names]
        members, salt = [key.address for key in keys], d.keccak("".join(names).encode())
        digest = d.consent_digest(self.hub.domain, members, 1, salt, 2**40)
        return self.hub.form(faucet_key(), members, 1, salt, 2**40, [d.sign(digest, key.reveal()) for key in keys])

    def slash(self, committee: int, accused: str, *accusers: str) -> None:
        """Take the deposit of `accused` by what the others of its committee sign."""
        passing = compile_source(PASSING.read_text("utf-8"), "Passing")
        interface = Interface(passing.abi)
        from eth_abi.abi import encode

        contract = self.chain.deploy(faucet_key(), passing.init,
                                     encode(interface.constructor, (self.hub.address, committee, 0))).contract
        data = interface.methods["request"].encode((d.function_digest("C", "f"), EMPTY, 0))
        self.chain.send(faucet_key(), contract, data, 10**15)
        job = self.hub.events(["Opened"])[-1].fields["job"]
        digest = d.accusation_digest(self.hub.domain, job, key_of(accused).address, EMPTY)
        self.hub.accuse(faucet_key(), job, key_of(accused).address, EMPTY,
                        [d.sign(digest, key_of(name).reveal()) for name in accusers])

    def node(self, folder: Path, name: str | None = None, funds: int = 10 * ETHER, **chain: Any) -> Config:
        """A node's folder on this chain, which has money."""
        config = with_options(Config(folder), "chain", url=str(self.socket), hub=self.hub.address,
                              **({"poll_seconds": 0.02} | chain))
        config = with_options(config, "node", endpoint="127.0.0.1:0", stop_seconds=10.0)
        config = with_options(config, "monitor", port=0)
        keys = make_folder(config, PASSWORD, key_of(name) if name else None, WORK)
        if funds:
            development.fund(self.chain, keys.address, funds)
        return config


def changed(config: Config, section: str, **options: Any) -> Config:
    """Write other options into a node's folder."""
    from enigmalang.node.daemon.config import FILE, written

    other = with_options(config, section, **options)
    (config.folder / FILE).write_text(written(other))
    return replace(other)


def until(condition: Any, what: str, seconds: float = 60.0) -> Any:
    """Wait until `condition()` is true, and give it."""
    deadline, pause = monotonic() + seconds, threading.Event()
    while True:
        found = condition()
        if found:
            return found
        assert monotonic() < deadline, f"{what} does not happen"
        pause.wait(0.01)
