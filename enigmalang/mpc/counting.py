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
from enigmalang.mpc.shuffle import Table, permute

if TYPE_CHECKING:
    from enigmalang.mpc.sort import Ranges

#: Keys with at most so many values together are counted: K - 1 products and K^2 public factors an item are then far
#: less than log2(m) comparisons.
FEW_VALUES = 16


def sort_few_values(party: Party, table: Table, ranges: Ranges) -> Table:
    """As `sort.sort` for keys of 1 to FEW_VALUES values together, all ranks."""
    if prod(high - low + 1 for low, high in ranges) == 1:
        return table
    _, rows, n = table.shape
    places = _places(party, _one_key(table, ranges), ranges, rows)
    raw = np.concatenate([party.field.reshape(places, (1, rows, n)), table.raw])
    (result,) = permute(party, [Table(party.field, raw)])
    return result


def _one_key(table: Table, ranges: Ranges) -> Raw:
    """The keys as one of the values 0, …, K - 1, lexicographically: (rows * n,)."""
    field, offset, weight = table.field, 0, 1
    weights: list[int] = []
    for low, high in reversed(ranges):
        weights.insert(0, weight)
        offset += weight * low
        weight *= high - low + 1
    key = field.combine([weights], table.flat()[: len(ranges)])[0]
    return field.sub(key, field.from_ints(offset))


def _places(party: Party, key: Raw, ranges: Ranges, rows: int) -> Raw:
    """Each item's place in its row, (rows * n,)."""
    field, count = party.field, prod(high - low + 1 for low, high in ranges)
    items = field.size_of(key)
    powers = _powers(party, key, count - 1)
    coefficients = _indicators(field.p, count)
    total = field.zeros((items,))
    smaller = field.zeros((rows, 1))
    for line in coefficients:
        indicator = field.combine([line], powers)[0]
        until = running_sum(field, field.reshape(indicator, (rows, items // rows)))
        before = field.sub(field.add(until, smaller), field.reshape(indicator, (rows, items // rows)))
        smaller = field.add(smaller, until[:, -1:])
        total = field.add(total, field.mul(indicator, field.flat(before)))
    return alone(party, lambda r: reshare_products(party, r, total))


def _powers(party: Party, key: Raw, degree: int) -> Raw:
    """key^0, …, key^degree: (degree + 1, items). ceil(log2 degree) rounds, degree - 1 products an item."""
    field, items = party.field, party.field.size_of(key)
    powers = field.empty((degree + 1, items))
    powers[0] = field.from_ints(1)
    powers[1] = key
    done = 1
    while done < degree:
        more = min(done, degree - done)
        local = field.mul(powers[1 : more + 1], np.broadcast_to(powers[done], powers[1 : more + 1].shape))
        made = alone(party, lambda r: reshare_products(party, r, field.flat(local)))  # noqa: B023
        powers[done + 1 : done + more + 1] = field.reshape(made, (more, items))
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
