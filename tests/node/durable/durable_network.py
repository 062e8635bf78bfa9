"""A committee of three nodes in threads, whose processes die where a test says and come back with what is on the disk.

They meet in memory, on a chain in this process; the operator is stepped by the test.
"""

import shutil
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from service_client import Contract, Person

from enigmalang.chain import development
from enigmalang.chain.client import Chain
from enigmalang.chain.embedded import EmbeddedEvm
from enigmalang.chain.errors import RpcError
from enigmalang.chain.hub import OPEN, Hub, Parameters, deploy_hub
from enigmalang.chain.requested import read_opened, read_requested
from enigmalang.ethereum.keys import SigningKey
from enigmalang.execute.ports import EngineError
from enigmalang.node.devchain import LeafValues, form_committee
from enigmalang.node.durable.keys import Met, committee_keys
from enigmalang.node.durable.sqlite import CommitteeState, SqliteState
from enigmalang.node.networks import Network
from enigmalang.node.operator import Operator
from enigmalang.node.service import ServiceEvm
from enigmalang.node.serving import Service
from enigmalang.node.session import Lasting, Session
from enigmalang.node.sitting import Peers, Seat
from enigmalang.node.teams import Team
from enigmalang.plan.plan import Plan
from enigmalang.transport.memory import memory_networks
from enigmalang.transport.network import PeerError
from enigmalang.wire import messages as msg

N, T = 3, 1
PROGRAM = Path(__file__).parent / "kept.enig"
#: More often than this nothing has to be tried again when one node dies once.
TRIES = 6


class Died(BaseException):
    """The process of a node is gone."""


@dataclass
class Node:
    """A node's key, its disk, and what lives in its process."""

    number: int
    folder: Path
    committee: int = 0
    key: SigningKey = field(default_factory=SigningKey.generate)
    storage: bytes = b""
    fatal: str = ""  # the point at which it dies next
    deaths: int = 0
    service: Service | None = None
    last: Callable[[], object] = lambda: None  # what it waits for before it dies
    reached: dict[str, threading.Event] = field(default_factory=lambda: defaultdict(threading.Event))

    def __post_init__(self) -> None:
        self.storage = bytes([self.number]) * 32
        self.kept = SqliteState(self.folder / f"node{self.number}.0", self.storage, "test")

    @property
    def state(self) -> CommitteeState:
        return self.kept.committee(self.committee)

    def at(self, point: str) -> None:
        self.reached[point].set()
        if point == self.fatal:
            self.fatal = ""
            self.last()
            raise Died

    def die(self, disk: bool = True) -> None:
        """Come back with what a killed process leaves on the disk, or (`disk` False) with an empty one."""
        self.deaths += 1
        new = self.folder / f"node{self.number}.{self.deaths}"
        for suffix in ("", "-wal") if disk else ():
            if (old := Path(f"{self.kept.file.path}{suffix}")).exists():
                shutil.copy(old, f"{new}{suffix}")
        self.kept.close()
        self.kept, self.service = SqliteState(new, self.storage, "test"), None


class Committee:
    """The nodes, the hub that knows them, their operator, and what clients see: `contract` deploys one."""

    def __init__(self, folder: Path, evm: EmbeddedEvm | None = None) -> None:
        self.chain = Chain(evm or EmbeddedEvm())
        owner = SigningKey.generate()
        self.nodes = {number: Node(number, folder) for number in range(1, N + 1)}
        for key in (owner, *(node.key for node in self.nodes.values())):
            development.fund(self.chain, key.address, 10**21)
        self.hub = deploy_hub(self.chain, owner, Parameters())
        number = form_committee(self.hub, [node.key for node in self.nodes.values()], T)
        self.members = tuple(node.key.address for node in self.nodes.values())
        for node in self.nodes.values():
            node.committee = number
        self._number, self._terms, self.term, self._ends = 0, 0, 0, memory_networks(N)
        self._contracts: list[Contract] = []
        self.operator = Operator(self.hub, owner, Team(self, number, self.members, T))  # type: ignore[arg-type]
        network = Network(self.chain.id, "", self.hub.address, number, "", self.members, T, "M61")
        self.rpc = ServiceEvm(self.chain.evm, threading.Event())
        self.rpc.open(self.operator, network)
        self.host = SimpleNamespace(hub=self.hub, network=network, operator=self.operator)

    def contract(self, plan: Plan, owner: Person, name: str) -> Contract:
        self._contracts.append(Contract(self.host, plan, self.rpc, owner, name))  # type: ignore[arg-type]
        return self._contracts[-1]

    @property
    def masked(self) -> list[int]:
        """The numbers of the masks that fulfilled jobs used; 0 for those without inputs."""
        settled = {event.fields["job"] for event in self.hub.events(["Settled"])}
        made = []
        for contract in self._contracts:
            deployed = contract.ledger.contracts.find(contract.address)
            assert deployed is not None
            for log in self.chain.logs(contract.address, [deployed.requested]):
                job = int.from_bytes(log.topics[1], "big")
                opened = next(e for e in self.hub.events(["Opened"]) if e.fields["job"] == job)
                asked = read_requested(self.chain, contract.ledger.contracts, contract.plan, LeafValues(),
                                       read_opened(opened.log))
                made += [asked.job.mask] if job in settled else []
        return made

    def __enter__(self) -> "Committee":
        return self

    def __exit__(self, *raised: object) -> None:
        for node in self.nodes.values():
            node.kept.close()

    # ---- meeting, and asking

    def meet(self) -> bool:
        """A new mesh, sessions and services; False when a node died on the way."""
        self._ends = memory_networks(N)
        self.down()
        met = self._together({number: lambda n=node: self._begin(n) for number, node in self.nodes.items()})
        self._number = max([self._number, *(m.highest for m in met.values())])
        self._terms += 1
        self.term = self._terms if len(met) == N else 0
        return bool(self.term)

    def _begin(self, node: Node) -> Met:
        network, state = self._ends[node.number - 1], node.state
        met = committee_keys(network, T, state, state.masks.highest(), node.at)
        state.masks.skip(met.highest)
        session = Session("M61", T, network, lasting=Lasting(met.keys, state.masks, node.at))
        seat = Seat(Hub(Chain(self.chain.evm), self.hub.address), node.key, node.committee, self.members)
        node.service = Service(session, Peers(node.number, T, "M61", ()), seat, state, node.at)
        return met

    def down(self) -> None:
        self.term = 0
        for node in self.nodes.values():
            node.service = None

    def ask(self, make: Callable[[int], msg.Message], kind: type[Any], enough: object = None) -> dict[int, Any]:
        """As `Cluster.ask`."""
        if not self.term:
            raise EngineError("the nodes have not met")
        self._number += 1
        request: Any = make(self._number)
        replies = self._together({
            number: lambda n=node: n.service.answer(request) for number, node in self.nodes.items()})
        if len(replies) < N:
            self.down()
            raise EngineError("a node died")
        assert all(isinstance(reply, kind) for reply in replies.values())
        return replies

    def _together(self, work: dict[int, Callable[[], Any]]) -> dict[int, Any]:
        """What each node does, in a thread of its own; without those that died or lost another."""
        done: dict[int, Any] = {}
        errors: dict[int, BaseException] = {}

        def run(number: int) -> None:
            try:
                done[number] = work[number]()
            except BaseException as error:  # noqa: BLE001 — looked at below
                errors[number] = error
                self._ends[number - 1].fail()

        threads = [threading.Thread(target=run, args=(number,)) for number in work]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for number, error in errors.items():
            if isinstance(error, Died):
                self.nodes[number].die()
            elif not isinstance(error, PeerError):
                raise error
        return done

    # ---- what a patient client and operator do

    def done(self, job: int) -> int:
        """The job's status at its end."""
        for _ in range(TRIES):
            if self.term or self.meet():
                self.operator.step()
            if (status := self.hub.job(job).status) != OPEN:
                return status
        raise AssertionError("the job does not end")

    def asked(self, request: Callable[[], int]) -> int:
        """A job's number: its mask is asked for again when a node dies meanwhile."""
        for _ in range(TRIES):
            if self.term or self.meet():
                try:
                    return request()
                except RpcError:
                    continue
        raise AssertionError("no mask is given")

    def roots(self, contract: str) -> set[bytes]:
        return {node.state.root(contract) for node in self.nodes.values()}
