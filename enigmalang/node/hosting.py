"""A network on this machine, from `with` to the end of it: a chain, the hub, and a committee of worker processes.

What a command or a test starts with `Host.up`: `enig chain up` keeps one in the foreground.
"""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from enigmalang.chain import development
from enigmalang.chain.anvil import Anvil, find_anvil
from enigmalang.chain.client import Chain
from enigmalang.chain.embedded import EmbeddedEvm
from enigmalang.chain.errors import ChainError, Reverted, shown
from enigmalang.chain.evm import Evm
from enigmalang.chain.hub import Hub, Parameters, deploy_hub
from enigmalang.chain.memory import FUNDS
from enigmalang.chain.rpc import RpcEvm
from enigmalang.chain.server import Server
from enigmalang.ethereum.keys import SigningKey
from enigmalang.node.cluster import Cluster
from enigmalang.node.networks import Network, drop_record, folder, keep_record, record_of
from enigmalang.node.operator import Operator
from enigmalang.node.service import ServiceEvm
from enigmalang.node.teams import form_team

ANVIL, EMBEDDED, LOCAL = "anvil", "embedded", "local"


@dataclass(frozen=True, slots=True)
class HostSettings:
    """`chain`: "anvil", "embedded", "local" (anvil where there is one, else embedded), or the URL of a node. `port`: of
    a local anvil's HTTP. `state`: a folder in which a local anvil keeps its chain. `confirmations`: blocks that must
    follow before anything is acted on. `job_time`: seconds, of a new hub.
    """

    chain: str = LOCAL
    nodes: int = 3
    threshold: int | None = None
    field: str = "M61"
    timeout: float = 20.0
    hub: str | None = None
    socket: Path | None = None
    port: int | None = None
    state: Path | None = None
    confirmations: int = 0
    job_time: int = Parameters().job_time


class Host:
    """Use `up`. Attributes: `chain`, `hub`, `operator`, `cluster`, `network` (its record) and `stop`."""

    def __init__(self, settings: HostSettings, key: SigningKey | None, say: Callable[[str], None]) -> None:
        self.settings, self.stop = settings, threading.Event()
        self.key = key or SigningKey.generate()
        self._given_key, self._say = key is not None, say
        self._stack = ExitStack()

    @classmethod
    def up(cls, settings: HostSettings, key: SigningKey | None = None, say: Callable[[str], None] = lambda line: None
           ) -> "Host":
        """A network that is ready; its end is that of the `with` block. `key` pays for the operator's transactions; it
        is not needed on a development chain. Raises ChainError and EngineError.
        """
        host = cls(settings, key, say)
        try:
            host._start()
        except BaseException:
            host._stack.close()
            raise
        return host

    def __enter__(self) -> "Host":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End everything, in the order opposite to that in which it began."""
        self.stop.set()
        self._stack.close()

    def serve(self) -> None:
        """Serve jobs until `stop` is set."""
        self.operator.run(self.stop)

    def serving(self) -> threading.Thread:
        """Serve in a thread of its own, which ends with the host."""
        thread = threading.Thread(target=self.serve, name="operator", daemon=True)
        thread.start()
        self._stack.callback(thread.join)
        self._stack.callback(self.stop.set)
        return thread

    # ---- parts

    def _start(self) -> None:
        given = self.settings
        evm, url = self._evm()
        self.chain = Chain(evm, confirmations=given.confirmations)
        if not self.chain.development and not self._given_key:
            raise ChainError(f"{self.chain.client} is not a development chain: name a key that pays (--key NAME)")
        self._refuse_another()
        self.socket = (given.socket or folder() / f"{self.chain.id}.sock").absolute()
        service = ServiceEvm(evm, self.stop)
        self._stack.enter_context(Server(service, self.socket))
        self.cluster = self._stack.enter_context(
            Cluster.start(given.nodes, given.threshold, given.field, given.timeout))
        self.hub = self._hub()
        team = form_team(self.cluster, self.hub, self.key, url or str(self.socket), f"unix:{self.socket}")
        self.operator = Operator(self.hub, self.key, team, self._say)
        self.network = Network(self.chain.id, url or str(self.socket), self.hub.address, team.number, str(self.socket),
                               team.members, team.threshold, given.field)
        service.open(self.operator, self.network)
        keep_record(self.network)
        self._stack.callback(drop_record, self.network)

    def _refuse_another(self) -> None:
        """Clients find one network on a chain of a given number, and all development chains have the same."""
        from enigmalang.node.remote import answers

        found = record_of(self.chain.id)
        if found is None or not answers(found):
            return
        what, end = "devnet", "`enig devnet down` (with its --folder, if it has one)"
        if not found.drawn:
            what, end = "network of `enig chain up`", f"`enig chain down --chain {found.chain}`"
        raise ChainError(
            f"a {what} is up on this machine, on a chain of the same number ({found.chain}), at {shown(found.url)}, "
            f"with {len(found.nodes)} nodes on the hub {found.hub}: clients would no longer find it. Use that one "
            f"(`enig deploy` finds it by itself), or end it with {end}, or give this one records of its own: set "
            "ENIGMALANG_HOME to another folder, here and for its clients")

    def _evm(self) -> tuple[Evm, str]:
        """The chain, and where nodes and clients reach it: empty when that is our own socket."""
        chosen = self.settings.chain
        if chosen == LOCAL:
            chosen = ANVIL if find_anvil() else EMBEDDED
        if chosen == EMBEDDED:
            return self._stack.enter_context(EmbeddedEvm()), ""
        if chosen == ANVIL:
            state = self.settings.state
            if state is not None:
                state.mkdir(mode=0o700, parents=True, exist_ok=True)
            anvil = self._stack.enter_context(
                Anvil(state / "anvil.json" if state is not None else None, self.settings.port))
            where = anvil.url if self.settings.port is not None else anvil.socket
            return self._stack.enter_context(anvil.connect()), where
        return self._stack.enter_context(RpcEvm(chosen)), chosen

    def _hub(self) -> Hub:
        if self.chain.development:
            development.fund(self.chain, self.key.address, FUNDS)
        else:
            self._say("the nodes forget their keys, and lose with them their deposits and fees, when this ends")
        if self.settings.hub is not None:
            return self._found(self.settings.hub.lower())
        return deploy_hub(self.chain, self.key, Parameters(job_time=self.settings.job_time))

    def _found(self, address: str) -> Hub:
        from eth_abi.exceptions import DecodingError

        hub = Hub(self.chain, address)
        try:
            hub.minimum_deposit()
        except (Reverted, DecodingError):
            raise ChainError(f"there is no hub at {address}") from None
        return hub
