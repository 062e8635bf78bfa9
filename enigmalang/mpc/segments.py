"""Sorting by comparisons with public outcomes: what is compared with what, in few batches of many comparisons.

Public work only. The items are numbers 0, 1, …; `Judge.less(i, j)` says of each pair from two arrays of items whether
the first is the smaller, for any number of pairs at the price of one batch of message rounds. Items are distinct and
come in a uniformly random order, so the first of a segment are a random sample of it.

A long segment is split by a sorted sample of its own (sample sort: Frazer, McKellar, JACM 1970): each other item finds
its gap by search, all items of all segments together; the gaps are the next segments. Short segments compare all
pairs in one batch. Where few positions are wanted, the pivots are two of the sample around each (Floyd, Rivest,
CACM 1975), and segments without a wanted position are left as they are.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from enigmalang.mpc.pivots import (
    FEW,
    Items,
    Judge,
    Pivots,
    Segments,
    counted,
    sampling,
    search,
    spread,
    summed,
)

#: Pairs of short segments that are compared at a time.
PAIRS = 1 << 17
#: Items that are put to their places at a time.
BLOCK = 1 << 15


def sorted_places(judge: Judge, rows: int, n: int, ranks: Items | None = None) -> Items:
    """The items 0..rows * n - 1, each row of n sorted: (rows * n,). With `ranks`, ascending, at least those of each
    row are the right items.
    """
    order = np.arange(rows * n, dtype=np.int32)
    starts = np.arange(rows, dtype=np.int32) * np.int32(n)
    wanted = None if ranks is None else (starts[:, None] + ranks.astype(np.int32)).reshape(-1)
    _refine(judge, order, Segments(starts, np.full(rows, n, np.int32)), wanted)
    return order


def _refine(judge: Judge, order: Items, segments: Segments, wanted: Items | None) -> None:
    """Sort the segments of `order` in place, as far as the wanted places ask."""
    short: list[Segments] = []
    while True:
        segments = segments.where((segments.lengths > 1) & _asked(segments, wanted))
        all_pairs = segments.lengths <= _longest_short(judge, segments.lengths)
        short.append(segments.where(all_pairs))
        segments = segments.where(~all_pairs)
        if not len(segments):
            break
        segments = _split(judge, order, segments, wanted)
    _compare_pairs(judge, order, short)


def _asked(segments: Segments, wanted: Items | None) -> npt.NDArray[np.bool_]:
    if wanted is None:
        return np.ones(len(segments), np.bool_)
    ends = segments.starts + segments.lengths
    return np.asarray(np.searchsorted(wanted, ends) > np.searchsorted(wanted, segments.starts))


def _longest_short(judge: Judge, lengths: Items) -> int:
    """Up to which length all pairs are compared: what that costs more than sorting is worth a few batches."""
    if not len(lengths):
        return FEW
    sizes, counts = counted(lengths)
    sizes = sizes.astype(np.float64)  # their squares are no small numbers
    more = np.cumsum(counts * (sizes * (sizes - 1) / 2 - sizes * np.log2(sizes)).clip(min=0))
    fits = np.searchsorted(more, 3 * judge.batch, side="right")
    return max(FEW, int(sizes[fits - 1]) if fits else 0)


# ------------------------------------------------------------ short segments: all pairs


def _compare_pairs(judge: Judge, order: Items, groups: list[Segments]) -> None:
    """Sort segments in place, in one batch unless there are many; of each length together."""
    lengths = np.concatenate([group.lengths for group in groups])
    starts = np.concatenate([group.starts for group in groups])
    groups.clear()
    batch: list[Items] = []
    room = PAIRS
    for m in counted(lengths)[0].tolist():
        whole = starts[lengths == m]
        while len(whole):
            count = max(1, room // (m * (m - 1) // 2))
            batch.append(whole[:count, None] + np.arange(m, dtype=np.int32))
            room -= len(batch[-1]) * (m * (m - 1) // 2)
            whole = whole[count:]
            if room <= 0 or len(whole):
                _compare_batch(judge, order, batch)
                batch, room = [], PAIRS
    if batch:
        _compare_batch(judge, order, batch)


def _compare_batch(judge: Judge, order: Items, blocks: list[Items]) -> None:
    """Sort the items at each block's places, (segments, their length), in one batch."""
    pairs = [np.triu_indices(places.shape[1], 1) for places in blocks]
    left, right = (
        np.concatenate([order[places[:, pair[side]]].reshape(-1) for places, pair in zip(blocks, pairs, strict=True)])
        for side in (0, 1)
    )
    outcomes = judge.less(left, right)
    start = 0
    for places, (left, right) in zip(blocks, pairs, strict=True):
        items = order[places]
        count, m = items.shape
        stop = start + count * len(left)
        smaller = outcomes[start:stop].reshape(count, -1)
        start = stop
        beaten = np.zeros((count, m, m), np.bool_)
        beaten[:, left, right] = ~smaller
        beaten[:, right, left] = smaller
        np.put_along_axis(items, beaten.sum(axis=2), items.copy(), axis=1)
        order[places] = items


# ------------------------------------------------------------ long segments: pivots and search


def _split(judge: Judge, order: Items, segments: Segments, wanted: Items | None) -> Segments:
    """Split each segment by pivots from a sample of its own; the new segments, in order."""
    sizes, chosen = sampling(judge, segments, wanted)
    lengths = segments.lengths - sizes
    rest = int(lengths.sum())
    items = np.empty(rest + int(sizes.sum()), np.int32)  # the sample last: what is known of it is no random order
    sample = items[rest:]
    sample[:] = order[spread(segments.starts, sizes)]
    _refine(judge, sample, Segments(summed(sizes) - sizes, sizes), chosen)
    pivots = Pivots.of(sample, sizes, chosen)
    items[:rest] = order[spread(segments.starts + sizes, lengths)]
    places = segments.places()
    keys = order[places] if isinstance(places, slice) else np.empty(len(items), np.int32)  # the items' memory
    search(judge, items[:rest], lengths, pivots, keys[:rest])
    keys[rest:] = pivots.slots_of_sample()
    keys *= 2
    keys[rest:][slice(None) if chosen is None else chosen] += 1
    ends = _place(items, keys, len(pivots.items) + len(segments))
    order[places] = items
    lengths = ends[::2].copy()
    lengths[1:] -= ends[1:-1:2]
    several = lengths > 1
    return Segments(segments.place_of(ends[::2][several] - lengths[several]), lengths[several])


def _place(items: Items, keys: Items, count: int) -> Items:
    """Put the items in the order of their keys, stably: 2g for those in gap g < count and 2g + 1 for the pivot after
    it. Where each key's items end. A block of items at a time: a sort of all takes more memory.
    """
    placed = np.empty_like(items)
    following, blocks = np.zeros(2 * count + 1, np.int32), range(0, len(items), BLOCK)
    for start in blocks:
        numbers, counts = counted(keys[start : start + BLOCK])
        following[numbers + 1] += counts
    np.cumsum(following, out=following)  # where the next item of each key goes
    for start in blocks:
        part = slice(start, start + BLOCK)
        joined = keys[part].astype(np.int64) << 32
        joined |= np.arange(len(joined))
        joined.sort()
        key = (joined >> 32).astype(np.int32)
        first = np.flatnonzero(np.diff(key, prepend=np.int32(-1)))  # of each key's items
        counts = np.diff(first, append=len(key)).astype(np.int32)
        at = following[key] + (np.arange(len(key)) - np.repeat(first, counts))
        placed[at] = items[part][joined & 0xFFFFFFFF]
        following[key[first]] += counts
    items[:] = placed
    return following[:-1]
