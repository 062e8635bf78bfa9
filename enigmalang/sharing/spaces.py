"""The two fields that values are shared over, in one form for protocols that treat them alike: F_p and GF(2^k).

A vector has `size` units: field elements, or words of 64 lanes. Rows of vectors have one more axis in front.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from enigmalang.fields import Field, Raw, gf2k, words_from
from enigmalang.sharing import binary, shamir
from enigmalang.sharing.streams import Stream

Table = tuple[tuple[int, ...], ...]


class Space(ABC):
    """Vectors over one field. `unit` is their bytes a unit."""

    unit: int

    @abstractmethod
    def empty(self, rows: int, size: int) -> Raw:
        """Rows of vectors, not initialised."""

    @abstractmethod
    def size_of(self, vector: Raw) -> int:
        """Units."""

    @abstractmethod
    def draw(self, stream: Stream, out: Raw) -> None:
        """Fill a vector, or rows, with uniform numbers."""

    @abstractmethod
    def read(self, data: memoryview, size: int) -> Raw:
        """A vector from its bytes. Raises ValueError for numbers that are not reduced."""

    @abstractmethod
    def combine(self, table: Table, rows: Raw) -> Raw:
        """Public linear combinations: m x k and k rows to m rows."""

    @abstractmethod
    def add(self, x: Raw, y: Raw) -> Raw: ...

    @abstractmethod
    def sub(self, x: Raw, y: Raw) -> Raw: ...

    @abstractmethod
    def part(self, vector: Raw, start: int, stop: int) -> Raw:
        """Some units of a vector, contiguous."""

    @abstractmethod
    def joined(self, rows: Sequence[Raw]) -> Raw:
        """Vectors one after the other."""

    @abstractmethod
    def lagrange(self, points: tuple[int, ...], at: int) -> tuple[int, ...]:
        """As `shamir.lagrange`."""

    @abstractmethod
    def power(self, point: int, exponent: int) -> int:
        """point^exponent."""

    @abstractmethod
    def inverse(self, value: int) -> int:
        """1/value. Raises ValueError for 0."""


class Elements(Space):
    """Integers modulo p: `Raw` of shape (size, *tail)."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self.unit = field.nbytes

    def empty(self, rows: int, size: int) -> Raw:
        return self.field.empty((rows, size))

    def size_of(self, vector: Raw) -> int:
        return self.field.size_of(vector)

    def draw(self, stream: Stream, out: Raw) -> None:
        stream.elements(self.field, out)

    def read(self, data: memoryview, size: int) -> Raw:
        return self.field.from_bytes(data, (size,))

    def combine(self, table: Table, rows: Raw) -> Raw:
        return self.field.combine(table, rows)

    def add(self, x: Raw, y: Raw) -> Raw:
        return self.field.add(x, y)

    def sub(self, x: Raw, y: Raw) -> Raw:
        return self.field.sub(x, y)

    def part(self, vector: Raw, start: int, stop: int) -> Raw:
        return vector[start:stop]

    def joined(self, rows: Sequence[Raw]) -> Raw:
        return np.concatenate(rows)

    def lagrange(self, points: tuple[int, ...], at: int) -> tuple[int, ...]:
        return shamir.lagrange(self.field.p, points, at)

    def power(self, point: int, exponent: int) -> int:
        out: int = pow(point, exponent, self.field.p)
        return out

    def inverse(self, value: int) -> int:
        return self.field.inverse(value)


class Planes(Space):
    """GF(2^k), bit-sliced: words of shape (k, size)."""

    def __init__(self, degree: int) -> None:
        self.degree = degree
        self.unit = 8 * degree

    def empty(self, rows: int, size: int) -> Raw:
        return np.empty((rows, self.degree, size), np.uint64)

    def size_of(self, vector: Raw) -> int:
        return int(vector.shape[1])

    def draw(self, stream: Stream, out: Raw) -> None:
        stream.fill(out)

    def read(self, data: memoryview, size: int) -> Raw:
        return words_from(data).reshape(self.degree, size)

    def combine(self, table: Table, rows: Raw) -> Raw:
        size = rows.shape[2]
        return gf2k.combine(_spread(self.degree, table), rows.reshape(-1, size)).reshape(-1, self.degree, size)

    def add(self, x: Raw, y: Raw) -> Raw:
        return x ^ y

    def sub(self, x: Raw, y: Raw) -> Raw:
        return x ^ y

    def part(self, vector: Raw, start: int, stop: int) -> Raw:
        return np.ascontiguousarray(vector[:, start:stop])

    def joined(self, rows: Sequence[Raw]) -> Raw:
        return np.concatenate(rows, axis=1)

    def lagrange(self, points: tuple[int, ...], at: int) -> tuple[int, ...]:
        return binary.lagrange(self.degree, points, at)

    def power(self, point: int, exponent: int) -> int:
        return gf2k.power(self.degree, point, exponent)

    def inverse(self, value: int) -> int:
        return gf2k.inverse(self.degree, value)


@lru_cache(maxsize=1024)
def _spread(degree: int, table: Table) -> gf2k.Matrix:
    return gf2k.spread(degree, table)


@lru_cache(maxsize=8)
def elements(field: Field) -> Elements:
    """The interned space of a prime field."""
    return Elements(field)


@lru_cache(maxsize=8)
def planes(degree: int) -> Planes:
    """The interned space GF(2^degree)."""
    return Planes(degree)
