"""What goes into the state machine of a DHT node (events) and what comes out of it (effects).

Whoever drives the machine (the daemon, the simulator) hands it events one at a time and carries its effects out. Nodes
are named by their registered addresses (0x-hex, lower case). Times are seconds on any clock that does not go back.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from enigmalang.dht.placement import Standing
from enigmalang.wire.dht_messages import FindValue, Nodes, Offer, Reply, Request, Store


class Members(Protocol):
    """Who is registered on the hub, as the driver knows it at the moment. Must answer at once."""

    def place(self, address: str) -> int | None:
        """Where an active node stands (`ids.node_id`); None for everybody else."""

    def address(self, place: int) -> str | None:
        """The active node that stands there, None if there is none."""

    def standing(self, address: str) -> Standing | None:
        """What speaks for storing on this node; None if it is not an active node."""


class Chore(Enum):
    """What is done again and again."""

    REFRESH = auto()
    REPUBLISH = auto()
    EXPIRE = auto()


@dataclass(frozen=True, slots=True)
class NoReply:
    """The timer of a request."""

    number: int


@dataclass(frozen=True, slots=True)
class Every:
    """The timer of a chore."""

    chore: Chore


Timer = NoReply | Every


# --- events ---


@dataclass(frozen=True, slots=True)
class Heard:
    """A message came over the authenticated channel from `sender`. May be myself, where an `Ask` went to me."""

    sender: str
    message: Request | Reply


@dataclass(frozen=True, slots=True)
class Lost:
    """Request `number` to `peer` will not be answered: unreachable, or what came was no DHT message. To say so is
    optional and saves waiting for the timer.
    """

    peer: str
    number: int


@dataclass(frozen=True, slots=True)
class Fired:
    """The time of a `SetTimer` has come."""

    timer: Timer


@dataclass(frozen=True, slots=True)
class Judged:
    """Storage's word on the record of `Check` `number`: its version, None if it is not valid."""

    number: int
    version: int | None


@dataclass(frozen=True, slots=True)
class Left:
    """The node that stood at `place` is not registered any more."""

    address: str
    place: int


@dataclass(frozen=True, slots=True)
class Room:
    """Storage can take `free` bytes more on this node."""

    free: int


@dataclass(frozen=True, slots=True)
class Join:
    """Local request, once: start, and find one's place through these nodes. Answered by `Found`, with myself as target;
    it is tried again later if nobody was reached.
    """

    ticket: int
    bootstrap: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Find:
    """Local request: the k nodes nearest to a place. Answered by `Found`."""

    ticket: int
    target: int


@dataclass(frozen=True, slots=True)
class Rank:
    """Local request: which nodes should hold `size` bytes under `key`, the best first. Answered by `Found`.
    Whoever stores goes down this list until enough have taken it.
    """

    ticket: int
    key: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Get:
    """Local request: the record under `key`; ends when `copies` valid ones were seen, or all of the nearest
    nodes asked. Answered by `Got`. The driver looks on its own shelf first.
    """

    ticket: int
    key: bytes
    copies: int = 1


@dataclass(frozen=True, slots=True)
class Put:
    """Local request: `Rank`, then store the record on `copies` of these nodes, trying the next where one refuses.
    Answered by `Placed`. The driver may find itself among those asked.
    """

    ticket: int
    key: bytes
    record: bytes
    copies: int


LocalRequest = Join | Find | Rank | Get | Put
Event = Heard | Lost | Fired | Judged | Left | Room | LocalRequest


# --- effects ---


@dataclass(frozen=True, slots=True)
class Ask:
    """Send a request, and report the reply by `Heard`. If `peer` is this node, hand it back to the machine at once."""

    peer: str
    message: Request


@dataclass(frozen=True, slots=True)
class Answer:
    """Send a reply to the request with the same number that came from `peer`."""

    peer: str
    message: Reply


@dataclass(frozen=True, slots=True)
class Hand:
    """A request from `peer` for storage, which answers with `Stored`, `Have` or `Value`; when it has no such record,
    with `otherwise` (there for `FindValue` only).
    """

    peer: str
    request: Store | Offer | FindValue
    otherwise: Nodes | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A record that a peer sent for `key`: storage checks signature and pointer and answers by `Judged`."""

    number: int
    key: bytes
    record: bytes


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Report `Fired(timer)` at `at`."""

    at: float
    timer: Timer


@dataclass(frozen=True, slots=True)
class Due:
    """Time for storage to republish what it holds, or to look what has expired."""

    chore: Chore


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A node came among the k nearest to me that I know, or left them (`here` is False): records may have to move."""

    address: str
    here: bool


@dataclass(frozen=True, slots=True)
class Found:
    """Answers `Join`, `Find` and `Rank`. `nodes`: those that answered, the nearest (`Rank`: the best) first. `hops`:
    how many had to be asked one after the other to find the nearest; `messages`: requests sent and replies received.
    """

    ticket: int
    nodes: tuple[str, ...]
    hops: int
    messages: int


@dataclass(frozen=True, slots=True)
class Got:
    """Answers `Get`. `record` is the valid one with the highest version, None if there is none; `holders` sent it."""

    ticket: int
    record: bytes | None
    holders: tuple[str, ...]
    hops: int
    messages: int


@dataclass(frozen=True, slots=True)
class Placed:
    """Answers `Put`: who accepted the record, and who refused it or did not answer."""

    ticket: int
    holders: tuple[str, ...]
    refused: tuple[str, ...]


Effect = Ask | Answer | Hand | Check | SetTimer | Due | Neighbour | Found | Got | Placed
