"""What to copy and what to drop after nodes came and went: pure, the same on every node with the same view.

Each value should be on the `replicas` living nodes that placement prefers for it. A step copies to those that lack
it, the values with the fewest living copies first, and lets the others drop theirs only when all that should have it
do: so no step makes copies fewer than they were unless enough are left. With no further changes it ends: every step
with something left to do either fills a place or empties one, and none makes work for a later one.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

#: The living nodes, the best for a key first. Must depend on nothing else.
Placement = Callable[[bytes, Collection[str]], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Held:
    """A value: its key, its size in bytes, and who holds it whole, as far as is known."""

    key: bytes
    size: int
    holders: frozenset[str]


@dataclass(frozen=True, slots=True)
class Copy:
    """`source` gives the value under `key` to `target`."""

    key: bytes
    size: int
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Drop:
    """`node` need not keep the value under `key`."""

    key: bytes
    node: str


@dataclass(frozen=True, slots=True)
class Budget:
    """The most of one step: copies and bytes altogether, and bytes that one node has to send or take."""

    copies: int = 64
    bytes: int = 256 * 2**20
    bytes_per_node: int = 128 * 2**20


@dataclass(frozen=True, slots=True)
class Step:
    """What to do now. `lost`: values of which no living copy is known; `waiting`: copies left for later steps."""

    copies: tuple[Copy, ...]
    drops: tuple[Drop, ...]
    lost: tuple[bytes, ...]
    waiting: int

    def of(self, node: str) -> "Step":
        """The part that `node` does: it sends what it is the source of, and drops its own."""
        return Step(tuple(c for c in self.copies if c.source == node), tuple(d for d in self.drops if d.node == node),
                    self.lost, self.waiting)

    @property
    def done(self) -> bool:
        return not self.copies and not self.drops and not self.waiting


def next_step(values: Iterable[Held], alive: Collection[str], replicas: int, place: Placement,
              budget: Budget | None = None) -> Step:
    """What is missing most first. ValueError unless `replicas` is at least 1.

    A value larger than a budget is copied all the same when it is the first of its step, or it would never be.
    """
    if replicas < 1:
        raise ValueError("at least one replica")
    living = frozenset(alive)
    wanted: list[tuple[int, bytes, str, Held]] = []  # living copies, key, target
    drops: list[Drop] = []
    lost: list[bytes] = []
    for held in values:
        have = held.holders & living
        if not have:
            lost.append(held.key)
            continue
        best = [node for node in place(held.key, living) if node in living][:replicas]
        lacking = [node for node in best if node not in have]
        # The n-th missing copy counts as if those before it were made: first one of each value, then the next ones.
        wanted += [(len(have) + done, held.key, node, held) for done, node in enumerate(lacking)]
        if not lacking:
            drops += [Drop(held.key, node) for node in sorted(have.difference(best))]
    wanted.sort(key=lambda want: want[:3])
    copies = _within([(target, held) for _, _, target, held in wanted], living, budget or Budget())
    return Step(copies, tuple(drops), tuple(lost), len(wanted) - len(copies))


def _within(wanted: Sequence[tuple[str, Held]], living: frozenset[str], budget: Budget) -> tuple[Copy, ...]:
    """As many as the budget has room for, each from the holder with the least to send so far."""
    copies: list[Copy] = []
    sending: Counter[str] = Counter()
    taking: Counter[str] = Counter()
    total = 0
    for target, held in wanted:
        if len(copies) >= budget.copies:
            break
        source = min(held.holders & living, key=lambda node: (sending[node], node))
        loads = (total, sending[source], taking[target])
        mosts = (budget.bytes, budget.bytes_per_node, budget.bytes_per_node)
        if any(load and load + held.size > most for load, most in zip(loads, mosts, strict=True)):
            continue
        copies.append(Copy(held.key, held.size, source, target))
        sending[source] += held.size
        taking[target] += held.size
        total += held.size
    return tuple(copies)
