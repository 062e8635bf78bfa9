"""What all seats of a node share."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from time import monotonic

from enigmalang.chain.hub import Hub
from enigmalang.ethereum.keys import SigningKey
from enigmalang.node.daemon.log import Log
from enigmalang.node.daemon.parts import Channels
from enigmalang.node.daemon.seats import messages as sm
from enigmalang.node.daemon.seats.head import Head
from enigmalang.node.daemon.seats.kept import Kept
from enigmalang.node.daemon.seats.terms import Timing
from enigmalang.node.durable.sqlite import SqliteState
from enigmalang.node.reaching import TOPIC
from enigmalang.transport.peering.errors import PeeringError, PeerUnreachable, Refusal
from enigmalang.wire.errors import WireError
from enigmalang.wire.messages import Message


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. `ask`: for the answer to a short question; `work`: for a job; `poll`: between two looks at the chain,
    and at the jobs of a committee that is led here; `look`: at open jobs of others, where no block came; `behind`: that
    this node's view of the chain may be behind a leader's; `hand`: for a hand-over to another committee, while no job
    of the contract is begun; `turn`: that each lower seat has to lead it; `order`: until a job of a vault fails whose
    order nobody has handed over."""

    timing: Timing = field(default_factory=Timing)
    ask: float = 3.0
    work: float = 600.0
    poll: float = 0.25
    look: float = 3.0
    tick: float = 0.1
    behind: float = 10.0
    hand: float = 90.0
    turn: float = 20.0
    order: float = 10.0


@dataclass(frozen=True, slots=True)
class Place:
    """A committee, and this node's seat in it, from 1."""

    committee: int
    members: tuple[str, ...]
    threshold: int
    me: int

    @property
    def others(self) -> Mapping[int, str]:
        """Address by seat."""
        return {seat: address for seat, address in enumerate(self.members, 1) if seat != self.me}

    def seat_of(self, address: str) -> int:
        """Raises Refusal for who is no member."""
        try:
            return self.members.index(address) + 1
        except ValueError:
            raise Refusal("a node that is no member of the committee") from None


@dataclass(frozen=True, slots=True)
class Here:
    """One node. `pool` is for short questions; who asks for long has threads of its own."""

    key: SigningKey
    hub: Hub
    peering: Channels
    state: SqliteState
    kept: Kept
    head: Head
    log: Log
    pool: Executor
    pace: Pace
    stop: threading.Event

    def await_block(self, number: int) -> None:
        """Give this node's view of the chain a little time to be where another's is. Raises ChainError."""
        began = monotonic()
        while self.hub.chain.block_number() < number and monotonic() - began < self.pace.behind:
            if self.stop.wait(min(0.05, self.pace.poll)):
                return

    def ask(self, peer: str, request: Message, seconds: float) -> sm.Answer:
        """Raises PeeringError."""
        told = self.peering.ask(peer, bytes([TOPIC]) + sm.encode(request), seconds)
        try:
            return sm.decode_answer(told)
        except WireError as error:
            raise PeerUnreachable(peer, str(error)) from None

    def ask_all(self, peers: Mapping[int, str], make: Callable[[int], Message], seconds: float
                ) -> dict[int, "sm.Answer | PeeringError"]:
        """One question to several nodes at once: what each answers, or why it does not."""

        def one(number: int, peer: str) -> "sm.Answer | PeeringError":
            try:
                return self.ask(peer, make(number), seconds)
            except PeeringError as error:
                return error

        asked = {number: self.pool.submit(one, number, peer) for number, peer in peers.items()}
        return {number: future.result() for number, future in asked.items()}
