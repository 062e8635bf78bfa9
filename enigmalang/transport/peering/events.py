"""What happens on the channels, for logs and metrics."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """REFUSED: somebody was turned away, here or by a peer. CONNECTED and LOST: a connection began, ended.
    LIMITED: somebody is slowed, or lost a place, since a limit is reached."""

    REFUSED = "refused"
    CONNECTED = "connected"
    LOST = "lost"
    LIMITED = "limited"


@dataclass(frozen=True, slots=True)
class Event:
    """`peer` is an address, or empty for strangers and anonymous clients; `host` is where the other end is;
    `incoming` says that it dialled. `reason` has no secrets and no unprintable characters."""

    kind: Kind
    peer: str
    host: str
    reason: str = ""
    purpose: str = ""
    incoming: bool = True


#: Called by many threads at once: must be quick and must not raise.
Heard = Callable[[Event], None]


def unheard(_: Event) -> None:
    """For who wants to know nothing."""
