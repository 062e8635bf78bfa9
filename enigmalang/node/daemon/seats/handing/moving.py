"""The shares of a contract on their way: t + 1 members of the old committee deal, all of the new one receive.

What moves are the private values, named as in `durable.handover`, and the masks of the contract's open jobs, one after
the other in parts that fit a frame (`mpc.reshare`, which says what an adversary can learn: nothing, with t members of
each committee). Every member of the new committee has all of it when this returns.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from enigmalang.fields import Field
from enigmalang.mpc.reshare import TAGS, Members, Move, reshare
from enigmalang.node.durable.handover import kinds_of
from enigmalang.node.durable.values import Name, Value
from enigmalang.sharing import Share
from enigmalang.sharing.kinds import Kind
from enigmalang.transport.network import Network

#: Words of shares that are dealt at once: a frame to each member, and memory for a few of them.
PART = 1 << 20
_MASK = "mask/"


@dataclass(frozen=True, slots=True)
class Party:
    """A committee by addresses, and its threshold."""

    members: tuple[str, ...]
    threshold: int


@dataclass(frozen=True, slots=True)
class Parcel:
    """What moves, alike at all: `run` (32 bytes) names this sharing; `dealers` are seats of the old committee; `kinds`
    what is public of each array, by name."""

    run: bytes
    old: Party
    new: Party
    dealers: tuple[int, ...]
    kinds: Mapping[str, Kind]

    @property
    def seats(self) -> tuple[str, ...]:
        """Who meets for it, in the order of their numbers."""
        dealing = [self.old.members[seat - 1] for seat in self.dealers]
        return tuple(dict.fromkeys((*dealing, *self.new.members)))


def kinds_to_move(layout: Mapping[Name, Value], masks: Mapping[int, int], field: Field) -> dict[str, Kind]:
    """What moves by name: shares of a layout, and masks (their sizes by job)."""
    return kinds_of(layout, field) | {mask_text(job): Kind(field, (size,)) for job, size in masks.items()}


def mask_text(job: int) -> str:
    """What the mask of a job is called on the way: no name of a value, which are hexadecimal."""
    return f"{_MASK}{job}"


def moved(network: Network, parcel: Parcel, shares: Mapping[str, Share] | None) -> dict[str, Share] | None:
    """A new member's shares by name; None for who is none. A dealer gives its own in `shares`. Raises PeerError naming
    a number in `parcel.seats`, and ValueError for shares that are not of `parcel.kinds`.
    """
    seats = parcel.seats
    old = _numbered(parcel.old, seats)
    new = _numbered(parcel.new, seats)
    received: dict[str, Share] = {}
    mine = False
    for part, names in enumerate(_parts(parcel.kinds)):
        move = Move(parcel.run + part.to_bytes(8, "big"), old, new, parcel.dealers,
                    tuple(parcel.kinds[name] for name in names))
        dealt = None if shares is None else [shares[name] for name in names]
        got = reshare(network, part * TAGS, move, dealt)
        if got is not None:
            mine = True
            received |= dict(zip(names, got, strict=True))
    return received if mine else None


def _numbered(party: Party, seats: Sequence[str]) -> Members:
    """Members as numbers on the network; who is not on it has one beyond."""
    beyond = iter(range(len(seats) + 1, len(seats) + 1 + len(party.members)))
    numbers = tuple(seats.index(member) + 1 if member in seats else next(beyond) for member in party.members)
    return Members(numbers, party.threshold)


def _parts(kinds: Mapping[str, Kind]) -> Iterator[list[str]]:
    """Names of what is dealt at once; one part at least, so that all have met and confirmed."""
    part: list[str] = []
    units = 0
    for name in sorted(kinds):
        size = kinds[name].units()
        if part and units + size > PART:
            yield part
            part, units = [], 0
        part.append(name)
        units += size
    yield part
