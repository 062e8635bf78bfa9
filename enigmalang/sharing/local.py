"""What a party deals: values of its own as the operands of a product, which the dealing kernel multiplies itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from enigmalang.fields import Field, Raw
from enigmalang.fields.arithmetic import GIVEN, PIECE, PRODUCT, SELECT, at
from enigmalang.fields.warm import kernels
from enigmalang.sharing.draws import Use


@dataclass(frozen=True, slots=True, repr=False)
class Local:
    """`count` values of one party: x, x * y or x * (y - z) by `kind`; flat arrays, of so many elements or of one."""

    kind: int
    x: Raw
    y: Raw
    z: Raw
    count: int

    def value(self, field: Field) -> Raw:
        """The values, (count,)."""
        if self.kind == GIVEN:
            return self.x
        return field.mul(self.x, self.y if self.kind == PRODUCT else field.sub(self.y, self.z))

    def part(self, field: Field, start: int, stop: int) -> Local:
        """Some of the values, without a copy."""
        ends = (self.x, self.y, self.z)
        x, y, z = (raw[start:stop] if field.size_of(raw) == self.count else raw for raw in ends)
        return Local(self.kind, x, y, z, stop - start)


def given(field: Field, raw: Raw) -> Local:
    """Values worked out before."""
    flat = field.flat(raw)
    return Local(GIVEN, flat, flat, flat, field.size_of(flat))


def product(field: Field, x: Raw, y: Raw) -> Local:
    """x * y; without a copy when the shapes are equal or one is a single element."""
    sizes = field.size_of(x), field.size_of(y)
    if x.shape != y.shape and 1 not in sizes:
        return given(field, field.mul(x, y))
    left = field.flat(x)
    return Local(PRODUCT, left, field.flat(y), left, max(sizes))


def selection(field: Field, c: Raw, x: Raw, y: Raw) -> Local | None:
    """c * (x - y), to which the resharing adds y; None when the shapes differ."""
    if not c.shape == x.shape == y.shape:
        return None
    return Local(SELECT, field.flat(c), field.flat(x), field.flat(y), field.size_of(c))


def between(field: Field, locals_: Sequence[Local], start: int, stop: int) -> list[Local]:
    """Of all the values one after the other, those from `start` to `stop`."""
    found, before = [], 0
    for local in locals_:
        low, high = max(start - before, 0), min(stop - before, local.count)
        if low < high:
            found.append(local.part(field, low, high))
        before += local.count
    return found


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a party makes of each value: rows of `table` (its address) times the value and `drawn` random elements.

    The last row is its own, the others are messages; to its own it adds `others` more random elements. The elements
    come `per` from a stream.
    """

    table: Any
    messages: int
    drawn: int
    others: int
    per: int = 1


def dealer(field: Field, locals_: Sequence[Local], recipe: Recipe, messages: Raw, own: Raw) -> Use:
    """For `use_elements`: writes the values' messages (rows, count) and this party's own shares (count,)."""
    kernel = kernels().prime[field.q].reshare
    scratch = np.empty(PIECE, np.uint64)
    ends = [(local.kind, *_operands(field, local), local.count) for local in locals_]
    work, per = at(scratch), recipe.per
    to = at(messages) if messages.size else work
    before = recipe.drawn, recipe.others
    after = recipe.table, to, recipe.messages, field.size_of(own), at(own)

    def deal(first: int, size: int, words: Any, stride: int) -> bool:
        void, start = False, 0
        for *end, length in ends:
            low, high = max(first, start), min(first + size, start + length)
            if low < high:
                there = words + field.nbytes * (low - first)
                rows = stride, per, size
                void |= kernel(*end, low - start, there, *before, *rows, *after, low, high - low, work)
            start += length
        return void

    return deal


def _operands(field: Field, local: Local) -> list[Any]:
    """Address and step of each."""
    out: list[Any] = []
    for raw in (local.x, local.y, local.z):
        out += [at(raw), int(field.size_of(raw) == local.count)]
    return out
