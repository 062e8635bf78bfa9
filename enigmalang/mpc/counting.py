"""Sorting by keys of few values, without comparisons: each item's place is counted.

The place of an item with key v is the number of items with smaller keys and of those before it with key v: shared
sums of the indicators [key = u], which are polynomials in the key. One inner product over v picks an item's own place,
and the columns are permuted: shuffled together with the places, which then are opened, a uniform permutation.

Adversary: honest but curious, at most t parties together, n >= 2t + 1; perfect hiding. Rounds, for K values:
ceil(log2(K - 1)) + 1, then those of a shuffle and an opening; 5 for K = 2 and n = 3. Products of an item: K - 1.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from enigmalang.fields import Field, Raw
from enigmalang.mpc.deal import reshare_products
from enigmalang.mpc.party import Party, alone
from enigmalang.mpc.shuffle import Table, place, shuffle

if TYPE_CHECKING:
    from enigmalang.mpc.sort import Ranges

#: Keys with at most so many values together are counted: K - 1 products and K^2 public factors an item are then far
#: less than log2(m) comparisons.
FEW_VALUES = 16
#: Indicators that are counted at a time.
AT_ONCE = 1 << 16


def sort_few_values(party: Party, tables: list[Table], ranges: Ranges) -> Table:
    """As `sort.sort` of the one table, which is taken out of the list and has room for a column: for keys of 1 to
    FEW_VALUES values together, all ranks. For K values K + 3 arrays are held at once beside the table.
    """
    table = tables.pop()
    if prod(high - low + 1 for low, high in ranges) == 1:
        return Table(table.field, table.raw[:-1], spare=True)
    field, (_, rows, n) = party.field, table.shape
    keys = list(table.raw[: len(ranges)])
    table.raw[-1] = field.reshape(places_of(party, keys, ranges, rows), (rows, n))
    given = iter([table])
    del table  # what follows works in its memory
    (shuffled,) = shuffle(party, given)
    (result,) = place(party, [Table(field, shuffled.raw[-1:])], [Table(field, shuffled.raw[:-1], spare=True)])
    return result


def _one_key(field: Field, keys: list[Raw], ranges: Ranges) -> Raw:
    """The keys, (rows, n) each, as one of the values 0, …, K - 1, lexicographically: (rows * n,)."""
    if len(keys) == 1 and ranges[0][0] == 0:
        return field.flat(keys[0])
    offset, weight = 0, 1
    weights: list[int] = []
    for low, high in reversed(ranges):
        weights.insert(0, weight)
        offset += weight * low
        weight *= high - low + 1
    key = field.combine([weights], np.stack([field.flat(key) for key in keys]))[0]
    return field.sub(key, field.from_ints(offset))


def places_of(party: Party, keys: list[Raw], ranges: Ranges, rows: int) -> Raw:
    """Each item's place in its row, (rows * n,), by keys of (rows, n), which are taken out of the list."""
    field, count = party.field, prod(high - low + 1 for low, high in ranges)
    key = _one_key(field, keys, ranges)
    keys.clear()
    items = field.size_of(key)
    powers = _powers(party, key, count - 1)
    del key
    total = _counted(field, field.reshape(powers, (count - 1, rows, items // rows)), _indicators(field.p, count))
    del powers
    return alone(party, lambda r: reshare_products(party, r, field.flat(total)))


def _counted(field: Field, powers: Raw, coefficients: list[list[int]]) -> Raw:
    """This party's part of the places, of degree 2t, (rows, n), from the powers 1, …, K - 1 of the keys, (K - 1, rows,
    n). Column after column, some at a time: the sums of those before are carried along.
    """
    degree, rows, n = field.shape_of(powers)
    constants = field.from_ints(np.array([[line[0]] for line in coefficients], dtype=object))
    higher = [line[1:] for line in coefficients]
    sizes = field.add(field.combine(higher, field.sum(powers, 2)), field.scale(constants, n))  # of each value's items
    before = field.sub(running_sum(field, _turned(sizes)), _turned(sizes))  # those with smaller keys, (rows, K)
    carried = _turned(before)[:, :, None]
    total, step = field.empty((rows, n)), max(1, AT_ONCE // (rows * len(coefficients)))
    for start in range(0, n, step):
        part = np.ascontiguousarray(powers[:, :, start : start + step])
        shape = (len(coefficients), rows, min(step, n - start))
        flat = field.combine(higher, field.reshape(part, (degree, prod(shape[1:]))))
        indicators = field.reshape(field.add(flat, constants), shape)
        until = field.add(running_sum(field, indicators), carried)
        carried = until[:, :, -1:]
        total[:, start : start + step] = field.sum(field.mul(indicators, field.sub(until, indicators)), 0)
    return total


def _turned(raw: Raw) -> Raw:
    """(m, n) to (n, m)."""
    return np.ascontiguousarray(np.swapaxes(raw, 0, 1))


def _powers(party: Party, key: Raw, degree: int) -> Raw:
    """key^1, …, key^degree: (degree, items). ceil(log2 degree) rounds, degree - 1 products an item."""
    field, items = party.field, party.field.size_of(key)
    if degree == 1:
        return field.reshape(key, (1, items))
    powers = field.empty((degree, items))
    powers[0] = key
    done = 1
    while done < degree:
        more = min(done, degree - done)
        local = field.mul(powers[:more], np.broadcast_to(powers[done - 1], powers[:more].shape))
        made = alone(party, lambda r: reshare_products(party, r, field.flat(local)))  # noqa: B023
        powers[done : done + more] = field.reshape(made, (more, items))
        done += more
    return powers


def _indicators(p: int, count: int) -> list[list[int]]:
    """Coefficients of the polynomials of degree count - 1 that are 1 at v and 0 at the other of 0, …, count - 1."""
    lines = []
    for v in range(count):
        line, scale = [1], 1
        for u in range(count):
            if u != v:
                line = [(a - u * b) % p for a, b in zip([0, *line], [*line, 0], strict=True)]
                scale = scale * (v - u) % p
        lines.append([a * pow(scale, -1, p) % p for a in line])
    return lines


def running_sum(field: Field, raw: Raw) -> Raw:
    """Sums of the first 1, 2, … elements along the last axis (at most 2^32 of them), by 32-bit pieces."""
    shape = field.shape_of(raw)
    pieces = np.ascontiguousarray(raw).view(np.uint32).reshape(*shape, 2 * field.limbs)
    total = field.zeros(shape)
    for k in range(2 * field.limbs):
        sums = np.cumsum(pieces[..., k], axis=-1, dtype=np.uint64)
        total = field.add(total, field.scale(field.from_ints(sums), 1 << (32 * k)))
    return total
