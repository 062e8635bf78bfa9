"""Pivots for sorting by comparisons with public outcomes (`mpc.segments`): which, and where the others lie among them.

Public work on NumPy arrays over all segments at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from enigmalang.mpc import heap

Items = npt.NDArray[np.int32]  # half the memory of what NumPy counts with; there are fewer than 2^31
Less = Callable[[Items, Items], npt.NDArray[np.bool_]]

#: For three parties in M61 a batch takes as long as so many more comparisons would: 9 rounds of 0.2 ms against 0.4 µs.
BATCH = 5000
#: Segments of so few items compare all pairs, whatever is going on elsewhere.
FEW = 4
#: Of a segment in which few positions are wanted, the sample has at least so many items.
SAMPLE = 128
#: Items that are searched for together, at most: each needs some 30 bytes, and its comparison some 100.
TOGETHER = 7 << 14
#: How many standard deviations a wanted place may lie off without falling into a larger segment.
DEVIATIONS = 1.5


@dataclass(frozen=True, slots=True)
class Judge:
    """Who compares: `less`, and how many more comparisons in a batch are as dear as one batch more."""

    less: Less
    batch: int = BATCH


@dataclass(frozen=True, slots=True)
class Segments:
    """Consecutive items of `order` known to lie between their neighbours: `starts` and `lengths`."""

    starts: Items
    lengths: Items

    def __len__(self) -> int:
        return len(self.starts)

    def where(self, mask: npt.NDArray[np.bool_]) -> Segments:
        return Segments(self.starts[mask], self.lengths[mask])

    def places(self) -> Items | slice:
        """The places of all their items, segment by segment; a slice where nothing lies between."""
        first, stop = int(self.starts[0]), int(self.starts[-1] + self.lengths[-1])
        if stop - first == int(self.lengths.sum()):
            return slice(first, stop)
        return spread(self.starts, self.lengths)

    def place_of(self, items: Items) -> Items:
        """The places of some of their items, numbered through."""
        before = summed(self.lengths) - self.lengths
        owners = np.searchsorted(before, items, side="right") - 1
        out: Items = items + (self.starts - before)[owners]
        return out


def spread(starts: Items, lengths: Items) -> Items:
    """start, start + 1, … of each, one after the other."""
    ends = summed(lengths)
    total = int(ends[-1]) if len(ends) else 0
    out: Items = np.arange(total, dtype=np.int32)
    out += np.repeat(starts - (ends - lengths), lengths)
    return out


def summed(lengths: Items) -> Items:
    """As numpy.cumsum."""
    out: Items = np.cumsum(lengths, dtype=np.int32)
    return out


def counted(numbers: Items) -> tuple[Items, Items]:
    """The different ones, ascending, and how often each is there. `numpy.unique` would load `numpy.ma`: 5 MB."""
    ordered = np.sort(numbers)
    first = np.flatnonzero(np.diff(ordered, prepend=np.int32(-1)))
    return ordered[first], np.diff(first, append=len(ordered)).astype(np.int32)


# ------------------------------------------------------------ which


def sampling(judge: Judge, segments: Segments, wanted: Items | None) -> tuple[Items, Items | None]:
    """How many items of each segment are its sample, and which places of the sorted samples, one after the other,
    become pivots: all (None), or where few places of a segment are wanted, those around them.
    """
    sizes = _part_of_all(judge, segments)
    if wanted is None:
        return sizes, None
    thin = np.maximum(np.minimum(segments.lengths // 4, SAMPLE), (segments.lengths ** (2 / 3) / 16).astype(np.int32))
    thin = np.maximum(3, thin)
    around, covered = _around(segments, thin, wanted)
    few = 2 * covered <= thin
    if not few.any():
        return sizes, None
    sizes = np.where(few, thin, sizes)
    chosen = np.ones(int(sizes.sum()), np.bool_)
    chosen[np.repeat(few, sizes)] = around[np.repeat(few, thin)]
    return sizes, np.flatnonzero(chosen).astype(np.int32)


def _part_of_all(judge: Judge, segments: Segments) -> Items:
    """A large part where comparisons count, for then each tells most; a smaller one where batches count."""
    part = 2 if int(segments.lengths.sum()) > 8 * judge.batch else 8
    return np.maximum(3, segments.lengths // part)


def _around(segments: Segments, sizes: Items, wanted: Items) -> tuple[npt.NDArray[np.bool_], Items]:
    """Marks on the sorted samples' places: the ends of the stretches that wanted places are expected in. And how
    many places of each sample are in such stretches.
    """
    owners = (np.searchsorted(segments.starts, wanted, side="right") - 1).astype(np.int32)
    inside = (owners >= 0) & (wanted < (segments.starts + segments.lengths)[owners])
    owners, wanted = owners[inside], wanted[inside]
    share = (wanted - segments.starts[owners] + 0.5) / segments.lengths[owners]
    size = sizes[owners]
    off = 1 + DEVIATIONS * np.sqrt(size * share * (1 - share))
    first = np.clip(np.floor(share * size - 0.5 - off), -1, size).astype(np.int32)
    last = np.clip(np.ceil(share * size - 0.5 + off), -1, size).astype(np.int32)
    ends = summed(sizes + 2)  # a place more at either end, outside the sample
    base = (ends - sizes - 1)[owners]
    steps = np.zeros(int(ends[-1]) + 1, np.int32)
    np.add.at(steps, base + first, 1)
    np.add.at(steps, base + last + 1, -1)
    cover = summed(steps)[:-1] > 0
    inner = spread(ends - sizes - 1, sizes)
    marks = cover[inner] & ~(cover[inner - 1] & cover[inner + 1])
    covered = np.add.reduceat(cover[inner], summed(sizes) - sizes, dtype=np.int32)
    return marks, covered


@dataclass(frozen=True, slots=True)
class Pivots:
    """Sorted pivots of segments: `items[first[s] : first[s + 1]]` are those of segment s, from `places` (None: all) of
    the sorted samples, which lie one after the other and are `sizes` long. `left` and `right` are where each gap's
    ends are expected, when the pivots are some of the samples' items.
    """

    items: Items
    first: Items
    sizes: Items
    places: Items | None = None
    left: Items | None = None
    right: Items | None = None

    @staticmethod
    def of(sample: Items, sizes: Items, chosen: Items | None) -> Pivots:
        """From the sorted samples (at the places chosen) and their sizes."""
        ends = np.concatenate([np.zeros(1, np.int32), summed(sizes)])
        if chosen is None:
            return Pivots(sample, ends, sizes)
        first = np.searchsorted(chosen, ends).astype(np.int32)
        left = np.sort(np.concatenate([chosen, ends[:-1] - 1]), kind="stable")
        right = np.insert(chosen, first[1:], ends[1:])
        return Pivots(sample[chosen], first, sizes, chosen, left, right)

    def slots_of_sample(self) -> Items:
        """Of each item of the samples, as `search` numbers slots; a pivot has that of the gap before it."""
        total = int(self.sizes.sum())
        below = np.arange(total, dtype=np.int32)
        if self.places is not None:
            below = np.searchsorted(self.places, below).astype(np.int32)
        below += np.repeat(np.arange(len(self.sizes), dtype=np.int32), self.sizes)
        return below


# ------------------------------------------------------------ where


def search(judge: Judge, items: Items, lengths: Items, pivots: Pivots, out: Items) -> None:
    """Puts into `out` which slot each item falls into: m pivots make m + 1 of a segment.

    Slots are numbered through; the first lengths[0] items belong to segment 0, and so on. Each batch compares an item
    with one pivot, that halves what is left, or with several when items are few. Of many, TOGETHER are searched for at
    a time.
    """
    ends = summed(lengths)
    step = -(-len(items) // max(1, -(-len(items) // TOGETHER)))
    for start in range(0, len(items), max(1, step)):
        heap.trim(8 * len(items))
        part = slice(start, min(start + step, len(items)))
        owners = np.searchsorted(ends, np.arange(part.start, part.stop), side="right").astype(np.int32)
        out[part] = owners
        out[part] += _gaps_of(judge, items[part], owners, pivots)


def _gaps_of(judge: Judge, items: Items, owners: Items, pivots: Pivots) -> Items:
    """How many pivots are below each item, those of earlier segments counted."""
    found = pivots.first[owners]
    low, high, left = found.copy(), pivots.first[owners + 1], np.arange(len(items), dtype=np.int32)
    while True:
        more = low < high
        if not more.all():
            found[left[~more]] = low[~more]
            items, owners, low, high, left = (array[more] for array in (items, owners, low, high, left))
        if not len(left):
            return found
        probes = _probes(low, high, owners, pivots, _ways(judge, len(left), int((high - low).max())))
        _narrow(judge.less, items, low, high, probes, pivots)


def _narrow(less: Less, items: Items, low: Items, high: Items, probes: list[Items], pivots: Pivots) -> None:
    """One batch: compare each item with its probes, ascending, and move `low` and `high` in place."""
    first, *others = probes
    asked = [np.flatnonzero(probe > before) for before, probe in pairwise(probes)]
    probed, probing = first, items
    if others:
        probed = np.concatenate([first, *(probe[who] for probe, who in zip(others, asked, strict=True))])
        probing = np.concatenate([items, *(items[who] for who in asked)])
    below = less(pivots.items[probed], probing)
    passed, start = below[: len(items)], len(items)
    low += (first + 1 - low) * passed  # half of them, at random: faster than a choice
    high += (first - high) * ~passed
    for probe, who in zip(others, asked, strict=True):
        passed = below[start : start + len(who)]
        start += len(who)
        low[who[passed]] = probe[who[passed]] + 1
        stopped = who[~passed]
        high[stopped] = np.minimum(high[stopped], probe[stopped])


def _ways(judge: Judge, count: int, pivots: int) -> int:
    """Into how many parts a batch should cut what is left of so many items: the most bits for its price."""
    ways = [w for w in (2, 4, 8, 16) if w == 2 or w <= 2 * pivots]
    return max(ways, key=lambda w: np.log2(w) / (judge.batch + (w - 1) * count))


def _probes(low: Items, high: Items, owners: Items, pivots: Pivots, ways: int) -> list[Items]:
    """Pivots to compare with, ascending, that cut the gaps low..high into parts of equal expectation."""
    if pivots.places is None or pivots.left is None or pivots.right is None:
        return [low + (high - low) * j // ways for j in range(1, ways)]
    left, right = pivots.left[low + owners], pivots.right[high + owners]
    probes = []
    for j in range(1, ways):
        target = left + (right - left) * j / ways
        above = np.clip(np.searchsorted(pivots.places, target).astype(np.int32), low, high - 1)
        below = np.maximum(above - 1, low)
        nearer = pivots.places[above] - target <= target - pivots.places[below]
        probes.append(np.where(nearer, above, below))
    return probes
