"""Masks that were given to clients of a ledger: what each is bound to, and which job used it.

A mask is a function of the committee's keys and of all that it is bound to (`node.admission`): its number, whose jobs
may use it, its size, and the key of who is told. So it need not be kept itself, and members that were told different
owners for a number make different masks, of which no owner learns another's.

A mask that came with its job from another committee (`durable.handed`) is kept as a share of it, under the job's number
with a minus.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Protocol

from enigmalang.wire.errors import WireError

#: Masks in memory for clients who never came back; the oldest goes first.
MOST = 4096
#: Numbers that can be kept.
NUMBERS = 1 << 63


class NumberTaken(WireError):
    """A mask of a number that is not above all numbers given before. Nothing was given; another number will do."""


@dataclass(frozen=True, slots=True)
class Given:
    """A mask of `size` numbers for jobs of `owner` (an address), told under `receiver` (a raw X25519 key); `job` is the
    one that used it. `pieces`: this node's share, of a mask that is not made from the committee's keys.
    """

    owner: str
    size: int
    receiver: bytes
    job: int | None = None
    pieces: bytes = field(default=b"", repr=False)


class Masks(Protocol):
    """The masks that a committee gave, at one member. What is kept is durable when a method returns."""

    def highest(self) -> int:
        """No number up to here will be given (again)."""
        ...

    def skip(self, number: int) -> None:
        """Give no number up to `number` from now on."""
        ...

    def give(self, number: int, given: Given) -> None:
        """Raises NumberTaken for a number that is not above `highest`."""
        ...

    def adopt(self, number: int, given: Given) -> None:
        """Keep a mask that the other members gave while this one was away. Nothing happens when it is there."""
        ...

    def get(self, number: int) -> Given | None:
        """None for one that was never given, or is forgotten."""
        ...

    def use(self, number: int, job: int) -> bool:
        """From now on it is this job's alone. False when it is another's, or not there."""
        ...

    def drop(self, number: int) -> None:
        """Forget it; its number is not given again."""
        ...

    def close(self, jobs: Collection[int]) -> None:
        """Forget the masks that these jobs used: they have ended."""
        ...


class MemoryMasks:
    """`Masks` of a node that ends with its process."""

    def __init__(self, most: int = MOST) -> None:
        self._most, self._highest = most, 0
        self._masks: dict[int, Given] = {}

    def highest(self) -> int:
        return self._highest

    def skip(self, number: int) -> None:
        self._highest = max(self._highest, number)

    def give(self, number: int, given: Given) -> None:
        """See `Masks.give`. The oldest that no job uses goes when there are too many."""
        check_number(number, self._highest)
        self._highest = number
        if len(self._masks) >= self._most:
            unused = (old for old, mask in self._masks.items() if mask.job is None)
            self._masks.pop(next(unused, next(iter(self._masks))))
        self._masks[number] = given

    def adopt(self, number: int, given: Given) -> None:
        self._masks.setdefault(number, given)
        self.skip(number)

    def get(self, number: int) -> Given | None:
        return self._masks.get(number)

    def use(self, number: int, job: int) -> bool:
        mask = self._masks.get(number)
        if mask is None or mask.job not in (None, job):
            return False
        self._masks[number] = replace(mask, job=job)
        return True

    def drop(self, number: int) -> None:
        self._masks.pop(number, None)

    def close(self, jobs: Collection[int]) -> None:
        for number in [number for number, mask in self._masks.items() if mask.job in jobs]:
            del self._masks[number]


def check_number(number: int, highest: int) -> None:
    """Raises NumberTaken unless `number` can be given next."""
    if not highest < number < NUMBERS:
        raise NumberTaken(f"mask {number} cannot be given: masks up to {highest} were")
