"""The interface of a prime field on arrays.

A *raw* array holds residues: `uint64` of shape S for M61, of shape S + (2,) for M127 (low limb first). S is
the value's shape; every method below speaks of S only. Residues are canonical (0 <= x < p) everywhere.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from enigmalang.fields import residues
from enigmalang.fields.arithmetic import Layout
from enigmalang.fields.layout import layout
from enigmalang.fields.warm import kernels

Raw = npt.NDArray[np.uint64]
_WORDS = np.dtype("<u8")
Ints = npt.NDArray[Any]


class Field(ABC):
    """Integers modulo the Mersenne prime p = 2^q - 1; signed values are centred, |v| <= (p - 1) / 2."""

    name: str
    q: int
    p: int
    tail: tuple[int, ...]  # the limb axis: () or (2,)
    limbs: int  # uint64 words per element
    nbytes: int  # bytes per element on the wire

    def __repr__(self) -> str:
        return self.name

    # ------------------------------------------------------------ shapes

    def shape_of(self, raw: Raw) -> tuple[int, ...]:
        """The value's shape S."""
        return raw.shape[: raw.ndim - len(self.tail)]

    def size_of(self, raw: Raw) -> int:
        """Number of elements."""
        return raw.size // self.limbs

    def zeros(self, shape: tuple[int, ...]) -> Raw:
        return np.zeros(shape + self.tail, np.uint64)

    def empty(self, shape: tuple[int, ...]) -> Raw:
        return np.empty(shape + self.tail, np.uint64)

    def reshape(self, raw: Raw, shape: tuple[int, ...]) -> Raw:
        return raw.reshape(shape + self.tail)

    def flat(self, raw: Raw) -> Raw:
        """One contiguous axis of elements."""
        if raw.ndim == self.limbs and raw.flags.c_contiguous:  # small arrays: every call counts
            return raw
        return np.ascontiguousarray(raw).reshape((-1, *self.tail))

    def broadcast(self, raw: Raw, shape: tuple[int, ...]) -> Raw:
        return np.broadcast_to(raw, shape + self.tail)

    # ------------------------------------------------------------ integers and bytes

    @abstractmethod
    def from_ints(self, values: Any) -> Raw:
        """Signed integers (an int, an integer, bool or object array) to residues modulo p."""

    @abstractmethod
    def to_ints(self, raw: Raw) -> Ints:
        """Residues to centred integers: int64 for M61, an object array of Python ints for M127."""

    def to_public(self, raw: Raw) -> Ints:
        """As `to_ints`; many integers that all fit are int64 in every field, for Python's take six times as much."""
        return self.to_ints(raw)

    def to_bytes(self, raw: Raw) -> memoryview:
        """Little-endian words, C order; a view of a contiguous array, not a copy."""
        return np.ascontiguousarray(raw, dtype="<u8").reshape(-1).view(np.uint8).data

    def from_bytes(self, data: bytes | bytearray | memoryview, shape: tuple[int, ...]) -> Raw:
        """The inverse of `to_bytes`. Raises ValueError for a wrong length or a residue not below p."""
        wanted = prod(shape) * self.nbytes
        if len(data) != wanted:
            raise ValueError(f"{len(data)} bytes where {wanted} were expected")
        raw = words_from(data).reshape(shape + self.tail)
        if not self.is_canonical(raw):
            raise ValueError(f"a number is not reduced modulo {self.name}'s prime")
        return raw

    @abstractmethod
    def divide(self, raw: Raw, divisor: int) -> tuple[Raw, Raw]:
        """Quotient and remainder of the residues, as integers in [0, p], by a public 1 <= divisor <= p."""

    @abstractmethod
    def shift(self, raw: Raw, f: int) -> Raw:
        """The residues, as integers in [0, p], shifted right by 0 <= f < q."""

    @abstractmethod
    def is_canonical(self, raw: Raw) -> bool:
        """Whether every element is below p."""

    @abstractmethod
    def mask_words(self, words: Raw) -> npt.NDArray[np.bool_]:
        """Clear the bits above q of flat words in place; True where the element is all ones (p itself)."""

    # ------------------------------------------------------------ arithmetic, elementwise with broadcasting

    def add(self, x: Raw, y: Raw) -> Raw:
        return self._linear(x, y, False)

    def sub(self, x: Raw, y: Raw) -> Raw:
        return self._linear(x, y, True)

    def neg(self, x: Raw) -> Raw:
        return self._linear(self.zeros(()), x, True)

    def _linear(self, x: Raw, y: Raw, subtract: bool) -> Raw:
        if not x.ndim and not y.ndim:  # one element of one limb: a fifth of what calling a kernel takes
            return np.array((int(x) - int(y) if subtract else int(x) + int(y)) % self.p, np.uint64)
        x, y, out, how = self._ends(x, y)
        kernels().prime[self.q].add(x, y, out, how, subtract)
        return out

    def mul(self, x: Raw, y: Raw) -> Raw:
        x, y, out, how = self._ends(x, y)
        kernels().prime[self.q].mul(x, y, out, how)
        return out

    def _ends(self, x: Raw, y: Raw) -> tuple[Raw, Raw, Raw, Layout]:
        """Contiguous operands, an empty result, and how a kernel walks over them."""
        if x.shape == y.shape and x.flags.c_contiguous and y.flags.c_contiguous:
            return x, y, np.empty(x.shape, np.uint64), (1, x.size // self.limbs, 0, 1, 0, 1)
        shape_x, shape_y = self.shape_of(x), self.shape_of(y)
        shape = np.broadcast_shapes(shape_x, shape_y)
        how = layout(shape_x, shape_y, shape)
        if how is None:
            x, y = self.broadcast(x, shape), self.broadcast(y, shape)
            how = 1, prod(shape), 0, 1, 0, 1
        return np.ascontiguousarray(x), np.ascontiguousarray(y), self.empty(shape), how

    def scale(self, x: Raw, factor: Any) -> Raw:
        """x times public integers, broadcast; a single integer is cheapest."""
        if isinstance(factor, int):
            return self.mul(x, self.reshape(self._table(((factor,),)), ()))
        return self.mul(x, self.from_ints(factor))

    def sum(self, x: Raw, axis: int) -> Raw:
        """Sum over one axis of S (at most 2^31 terms)."""
        shape = self.shape_of(x)
        axis = axis % len(shape)
        rest = (*shape[:axis], *shape[axis + 1 :])
        if not x.size:
            return self.zeros(rest)
        out = self.empty(rest)
        sizes = prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])
        kernels().prime[self.q].sum(np.ascontiguousarray(x), out, *sizes)
        return out

    def matmul(self, x: Raw, y: Raw) -> Raw:
        """(..., m, k) @ (..., k, n); leading axes broadcast."""
        sx, sy = self.shape_of(x), self.shape_of(y)
        batch = np.broadcast_shapes(sx[:-2], sy[:-2])
        (m, k), n = sx[-2:], sy[-1]
        if n == 1 and k:
            return self.reshape(self.dot(x, self.reshape(y, (*sy[:-2], 1, k))), (*batch, m, 1))
        out = self.empty((*batch, m, n))
        if not k:
            out[...] = 0
            return out
        x, step_x = self._matrices(x, batch)
        y, step_y = self._matrices(y, batch)
        if residues.pays(self.q, m, k, n):
            xs, ys, outs = (self.reshape(a, (-1, *self.shape_of(a)[-2:])) for a in (x, y, out))
            for b, part in enumerate(outs):
                residues.matmul(self.q, xs[b if step_x else 0], ys[b if step_y else 0], part)
            return out
        kernels().prime[self.q].matmul(x, step_x, y, step_y, out, (prod(batch), m, k, n))
        return out

    def _matrices(self, x: Raw, batch: tuple[int, ...]) -> tuple[Raw, int]:
        """Contiguous matrices and how many elements they are apart: 0 when there is one for all of the batch."""
        shape = self.shape_of(x)
        size = shape[-2] * shape[-1]
        if prod(shape[:-2]) == 1:
            return np.ascontiguousarray(x), 0
        return np.ascontiguousarray(self.broadcast(x, batch + shape[-2:])), size

    def dot(self, x: Raw, y: Raw) -> Raw:
        """Products summed over the last axis; x and y broadcast."""
        shape = np.broadcast_shapes(self.shape_of(x), self.shape_of(y))
        if not prod(shape):
            return self.zeros(shape[:-1])
        out = self.empty(shape[:-1])
        how = self._rows(x, y, shape)
        kernels().prime[self.q].dot(*how, out, prod(shape[:-1]), shape[-1])
        return out

    def _rows(self, x: Raw, y: Raw, shape: tuple[int, ...]) -> tuple[Raw, int, Raw, int]:
        """Contiguous operands of `dot` and how many elements their rows are apart."""
        sx, sy = self.shape_of(x), self.shape_of(y)
        if sx[-1:] == sy[-1:] == shape[-1:]:
            how = layout((*sx[:-1], 1), (*sy[:-1], 1), (*shape[:-1], 1))
            if how is not None and how[0] == 1:
                _, _, _, dx, _, dy = how
                return np.ascontiguousarray(x), dx * shape[-1], np.ascontiguousarray(y), dy * shape[-1]
        x, y = self.broadcast(x, shape), self.broadcast(y, shape)
        return np.ascontiguousarray(x), shape[-1], np.ascontiguousarray(y), shape[-1]

    def combine(self, coefficients: Sequence[Sequence[int]], rows: Raw) -> Raw:
        """Public linear combinations: coefficients m x k, rows (k, N) -> (m, N)."""
        return self.combine_raw(self._table(tuple(map(tuple, coefficients))), rows)

    @lru_cache(maxsize=1024)  # noqa: B019  # there are two fields
    def _table(self, coefficients: tuple[tuple[int, ...], ...]) -> Raw:
        table = self.from_ints(np.array([[c % self.p for c in line] for line in coefficients], dtype=object))
        table.flags.writeable = False
        return table

    def combine_raw(self, table: Raw, rows: Raw) -> Raw:
        """As `combine`, with the coefficients already residues, shape (m, k)."""
        return self.matmul(table, rows)

    def inverse(self, value: int) -> int:
        """1/value modulo p for a public integer. Raises ValueError for a multiple of p."""
        return pow(value, -1, self.p)


def words_from(data: bytes | bytearray | memoryview) -> Raw:
    """Little-endian words; a view where the machine allows it."""
    words = np.frombuffer(data, _WORDS)
    return words if _WORDS.isnative and words.flags.aligned else words.astype(np.uint64)
