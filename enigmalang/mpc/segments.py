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

from enigmalang.mpc.pivots import FEW, Items, Judge, Pivots, Segments, sampling, search, spread


def sorted_places(judge: Judge, rows: int, n: int, ranks: Items | None = None) -> Items:
    """The items 0..rows * n - 1, each row of n sorted: (rows * n,). With `ranks`, ascending, at least those of each
    row are the right items.
    """
    order = np.arange(rows * n)
    starts = np.arange(rows) * n
    wanted = None if ranks is None else (starts[:, None] + ranks).reshape(-1)
    _refine(judge, order, Segments(starts, np.full(rows, n)), wanted)
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
    sizes, counts = np.unique(lengths, return_counts=True)
    more = np.cumsum(counts * (sizes * (sizes - 1) / 2 - sizes * np.log2(sizes)).clip(min=0))
    fits = np.searchsorted(more, 3 * judge.batch, side="right")
    return max(FEW, int(sizes[fits - 1]) if fits else 0)


# ------------------------------------------------------------ short segments: all pairs


def _compare_pairs(judge: Judge, order: Items, groups: list[Segments]) -> None:
    """Sort segments in place, in one batch; of each length together."""
    lengths = np.concatenate([group.lengths for group in groups])
    starts = np.concatenate([group.starts for group in groups])
    blocks = []
    for m in np.unique(lengths).tolist():
        places = starts[lengths == m][:, None] + np.arange(m)
        left, right = np.triu_indices(m, 1)
        blocks.append((places, left, right, order[places]))
    if not blocks:
        return
    outcomes = judge.less(
        np.concatenate([items[:, left].reshape(-1) for _, left, _, items in blocks]),
        np.concatenate([items[:, right].reshape(-1) for _, _, right, items in blocks]),
    )
    start = 0
    for places, left, right, items in blocks:
        count, m = items.shape
        stop = start + count * len(left)
        smaller = outcomes[start:stop].reshape(count, -1)
        start = stop
        beaten = np.zeros((count, m, m), np.bool_)
        beaten[:, left, right] = ~smaller
        beaten[:, right, left] = smaller
        ranks = beaten.sum(axis=2)
        np.put_along_axis(items, ranks, items.copy(), axis=1)
        order[places] = items


# ------------------------------------------------------------ long segments: pivots and search


def _split(judge: Judge, order: Items, segments: Segments, wanted: Items | None) -> Segments:
    """Split each segment by pivots from a sample of its own; the new segments, in order."""
    sizes, chosen = sampling(judge, segments, wanted)
    sample = order[spread(segments.starts, sizes)]
    _refine(judge, sample, Segments(np.cumsum(sizes) - sizes, sizes), chosen)
    pivots = Pivots.of(sample, sizes, chosen)
    lengths = segments.lengths - sizes
    rest = order[spread(segments.starts + sizes, lengths)]
    owners = np.repeat(np.arange(len(segments)), lengths)
    gaps = np.concatenate([search(judge, rest, owners, pivots), pivots.gaps_of_sample])
    items = np.concatenate([rest, sample])  # the sample last: what is known of it is no random order
    keys = 2 * (gaps + np.concatenate([owners, pivots.owners]))
    keys[len(rest) :][pivots.places] += 1
    places = segments.places()
    order[places] = items[np.argsort(keys, kind="stable")]
    return _gaps(places, keys, len(pivots.items) + len(segments))


def _gaps(places: Items, keys: Items, count: int) -> Segments:
    """Of keys 2g for the items in gap g and 2g + 1 for the pivot after it: the gaps of several items, in order."""
    of_key = np.bincount(keys, minlength=2 * count)
    starts, lengths = (np.cumsum(of_key) - of_key)[::2], of_key[::2]
    several = lengths > 1
    return Segments(places[starts[several]], lengths[several])
