"""Shuffling in a committee with too many sets for each to shuffle: t + 1 parties do, one after the other, through
switching networks.

A Benes network (1964; Waksman, JACM 1968) of N inputs, a power of two, can set its 2 log2(N) - 1 layers of N/2 switches
for every permutation. A party draws a uniform one, works out the switches and deals them as shared bits; a switch of
shared values is one product. One of t + 1 parties is not among any t, so the whole is uniform to those, whatever the
others do. Padding stays at the end: it is switched like everything else, by a permutation that leaves it in place.

Adversary: honest but curious, at most t parties together, n >= 2t + 1. Perfect hiding: shares are dealt, and products
made, as everywhere. Rounds: (t + 1)(1 + 2 log2(N) - 1), products in many cases take two (`wide.kings`). Products:
(t + 1)(2 log2(N) - 1) N/2 for each column.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from enigmalang.fields import Raw
from enigmalang.mpc.deal import deal_elements, reshare_products
from enigmalang.mpc.party import Party, alone
from enigmalang.sharing.orders import uniform_orders
from enigmalang.sharing.secret import join_arith, split_arith
from enigmalang.sharing.streams import Stream

if TYPE_CHECKING:
    from enigmalang.mpc.shuffle import Table

Order = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint8]


# ------------------------------------------------------------ the network, in the clear


def strides(size: int) -> list[int]:
    """The layers: layer h switches x and x XOR h. `size` is a power of two."""
    down = [size >> k for k in range(1, size.bit_length())]
    return [*down, *reversed(down[:-1])]


def route(target: Order, size: int) -> list[Bits]:
    """The switches of every layer that take item x to target[x], for rows of `size` items, flat with flat targets.

    Entry i of a layer belongs to the i-th x without the bit h; 1 exchanges x and x XOR h.
    """
    first, last = [], []
    for h in strides(size)[: size.bit_length() - 1]:
        base = np.flatnonzero(np.arange(len(target)) & h == 0)
        if h == 1:
            first.append((target[base] != base).astype(np.uint8))
            break
        lower, source = _halves(target, h)
        first.append(lower[base].astype(np.uint8))
        last.append(lower[source[base]].astype(np.uint8))
        here = np.arange(len(target)) & ~h | np.where(lower, h, 0)
        inner = np.empty_like(target)
        inner[here] = target & ~h | np.where(lower, h, 0)
        target = inner
    return [*first, *reversed(last)]


def _halves(target: Order, h: int) -> tuple[npt.NDArray[np.bool_], Order]:
    """Which items go through the lower half, and the inverse of `target`.

    x and x XOR h take different halves, and so do the items for y and y XOR h. So x and f(x) = the item for
    target[x XOR h] XOR h take the same one; the orbits of f are found by doubling, and of the orbits of x and
    x XOR h the one with the least member takes the upper half.
    """
    items = np.arange(len(target))
    source = np.empty_like(target)
    source[target] = items
    step = source[target[items ^ h] ^ h]
    least = np.minimum(items, step)
    for _ in range(len(target).bit_length()):
        step = step[step]
        least = np.minimum(least, least[step])
    return least > least[items ^ h], source


# ------------------------------------------------------------ on shares


@dataclass(slots=True, repr=False)
class _Lines:
    """A table on its network: `raw` (columns, rows * size), padded."""

    raw: Raw
    rows: int
    n: int
    size: int

    @property
    def switches(self) -> int:
        """Of all layers."""
        return len(strides(self.size)) * self.rows * self.size // 2


def shuffle(party: Party, tables: list[Table]) -> list[Raw]:
    """The flat columns of each table, each row in a fresh uniform order, (columns, rows * n)."""
    lines = [_padded(party, table) for table in tables]
    for dealer in party.structure.parties[: party.t + 1]:
        controls = _dealt(party, dealer, lines)
        for number in range(max((len(strides(line.size)) for line in lines), default=0)):
            _switch(party, lines, controls, number)
    return [_cut(party, line) for line in lines]


def _padded(party: Party, table: Table) -> _Lines:
    columns, rows, n = table.shape
    size = 1 << max(n - 1, 0).bit_length()
    raw = party.field.zeros((columns, rows, size))
    raw[:, :, :n] = table.raw
    return _Lines(party.field.reshape(raw, (columns, rows * size)), rows, n, size)


def _cut(party: Party, line: _Lines) -> Raw:
    columns = party.field.shape_of(line.raw)[0]
    raw = party.field.reshape(line.raw, (columns, line.rows, line.size))[:, :, : line.n]
    return party.field.reshape(np.ascontiguousarray(raw), (columns, line.rows * line.n))


def _dealt(party: Party, dealer: int, lines: list[_Lines]) -> list[Iterator[Raw]]:
    """For each table its layers' shared switches, from an order that the dealer draws now. One round."""
    mine = None
    if party.me == dealer:
        stream = Stream(os.urandom(16))
        stream.seek(0)
        bits = [bit for line in lines for bit in _random_switches(stream, line)]
        mine = party.field.from_ints(np.concatenate(bits)) if bits else party.field.empty((0,))
    count = sum(line.switches for line in lines)
    shares = alone(party, lambda r: deal_elements(party, r, (dealer,), mine, count))[dealer]
    parts = split_arith(party.field, shares, [(line.switches,) for line in lines])
    return [_layers(line, part) for line, part in zip(lines, parts, strict=True)]


def _layers(line: _Lines, share: Raw) -> Iterator[Raw]:
    each = line.rows * line.size // 2
    for number in range(len(strides(line.size))):
        yield share[number * each : (number + 1) * each]


def _random_switches(stream: Stream, line: _Lines) -> list[Bits]:
    target = np.arange(line.rows * line.size).reshape(line.rows, line.size)
    order = np.asarray(uniform_orders(stream, line.rows, line.n), np.int64).reshape(line.rows, line.n)
    starts = np.arange(line.rows)[:, None]
    target[:, : line.n] = order - starts * line.n + starts * line.size
    return route(target.reshape(-1), line.size)


def _switch(party: Party, lines: list[_Lines], controls: list[Iterator[Raw]], number: int) -> None:
    """One layer of every table that has so many, in place: a round of products."""
    field = party.field
    active, locals_ = [], []
    for line, layers in zip(lines, controls, strict=True):
        layer = next(layers, None)
        if layer is not None and line.raw.size:
            halves = _pairs(party, line, strides(line.size)[number])
            bits = field.reshape(layer, halves[0].shape[1:3])
            locals_.append(field.mul(field.sub(halves[1], halves[0]), bits))
            active.append(halves)
    if not active:
        return
    joined = join_arith(field, locals_)
    products = alone(party, lambda r: reshare_products(party, r, joined))
    shapes = [field.shape_of(local) for local in locals_]
    for (upper, lower), change in zip(active, split_arith(field, products, shapes), strict=True):
        upper[...], lower[...] = field.add(upper, change), field.sub(lower, change)


def _pairs(party: Party, line: _Lines, h: int) -> tuple[Raw, Raw]:
    """Views of the upper and lower items, (columns, blocks, h) each."""
    field = party.field
    columns = field.shape_of(line.raw)[0]
    raw = field.reshape(line.raw, (columns, line.rows * line.size // (2 * h), 2, h))
    return raw[:, :, 0], raw[:, :, 1]
