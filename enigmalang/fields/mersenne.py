"""The two prime fields: M61 (p = 2^61 - 1, one word) and M127 (p = 2^127 - 1, two words)."""

from typing import Any

import numpy as np
import numpy.typing as npt

from enigmalang.fields.field import Field, Ints, Raw
from enigmalang.fields.warm import kernels

_WORD = (1 << 64) - 1
_P61 = np.uint64((1 << 61) - 1)
#: Arrays of so few words are left to NumPy: the client of a small program loads no kernels.
_FEW = 1 << 10


class _Mersenne61(Field):
    name = "M61"
    q = 61
    p = (1 << 61) - 1
    tail = ()
    limbs = 1
    nbytes = 8

    def from_ints(self, values: Any) -> Raw:
        array = np.asarray(values)
        if array.dtype == object:
            return np.asarray(array % self.p, dtype=np.uint64)
        if array.dtype == np.uint64:
            return np.asarray(array % np.uint64(self.p))
        if array.dtype.kind in "bu":
            return array.astype(np.uint64)
        wide = np.ascontiguousarray(array, np.int64)
        if array.size <= _FEW:
            return np.asarray(np.mod(wide, np.int64(self.p))).astype(np.uint64).reshape(array.shape)
        out = self.empty(array.shape)
        kernels().prime[self.q].signed(wide, out, array.size)
        return out

    def to_ints(self, raw: Raw) -> Ints:
        if raw.size > _FEW:
            out = np.empty(raw.shape, np.int64)
            kernels().prime[self.q].centred(np.ascontiguousarray(raw), out, raw.size)
            return out
        values = raw.astype(np.int64)
        return np.asarray(values - np.where(values > self.p // 2, np.int64(self.p), np.int64(0)))

    def divide(self, raw: Raw, divisor: int) -> tuple[Raw, Raw]:
        quotient: Raw = raw // np.uint64(divisor)
        return quotient, raw - quotient * np.uint64(divisor)

    def shift(self, raw: Raw, f: int) -> Raw:
        return raw >> np.uint64(f)

    def is_canonical(self, raw: Raw) -> bool:
        return raw.size == 0 or int(raw.max()) < self.p

    def mask_words(self, words: Raw) -> npt.NDArray[np.bool_]:
        np.bitwise_and(words, _P61, out=words)
        return np.asarray(words == _P61)


class _Mersenne127(Field):
    name = "M127"
    q = 127
    p = (1 << 127) - 1
    tail = (2,)
    limbs = 2
    nbytes = 16

    def from_ints(self, values: Any) -> Raw:
        array = np.asarray(values)
        out = self.empty(array.shape)
        if array.dtype == object:
            residues = array % self.p
            out[..., 0] = np.asarray(residues & _WORD, dtype=np.uint64)
            out[..., 1] = np.asarray(residues >> 64, dtype=np.uint64)
        elif array.dtype.kind in "bu":
            out[..., 0], out[..., 1] = array, 0
        elif array.size > _FEW:
            kernels().prime[self.q].signed(np.ascontiguousarray(array, np.int64), out, array.size)
        else:
            signed = array.astype(np.int64)
            negative = (signed < 0).astype(np.uint64)  # p + v = (2^63 - 1) * 2^64 + (2^64 - 1 + v)
            out[..., 0] = signed.astype(np.uint64) - negative
            out[..., 1] = negative * np.uint64((1 << 63) - 1)
        return out

    def to_public(self, raw: Raw) -> Ints:
        if raw.size > _FEW:
            narrow = np.empty(self.shape_of(raw), np.int64)
            if kernels().prime[self.q].centred(np.ascontiguousarray(raw), narrow, narrow.size):
                return narrow
        return self._exact(raw)

    def to_ints(self, raw: Raw) -> Ints:
        return self.to_public(raw).astype(object, copy=False)

    def _exact(self, raw: Raw) -> Ints:
        low = np.asarray(raw[..., 0]).astype(object)
        high = np.asarray(raw[..., 1]).astype(object)
        values = np.asarray(high * (1 << 64) + low, dtype=object)
        negative = np.asarray(raw[..., 1]) >= np.uint64(1 << 62)  # p // 2 = 2^126 - 1
        return np.asarray(values - negative.astype(object) * self.p, dtype=object)

    def divide(self, raw: Raw, divisor: int) -> tuple[Raw, Raw]:
        flat = self.flat(raw)
        quotient, rest = np.empty_like(flat), np.empty_like(flat)
        kernels().divide_127(flat, divisor & _WORD, divisor >> 64, quotient, rest)
        shape = self.shape_of(raw)
        return self.reshape(quotient, shape), self.reshape(rest, shape)

    def shift(self, raw: Raw, f: int) -> Raw:
        out = np.zeros_like(raw)
        low, high = raw[..., 0], raw[..., 1]
        if f >= 64:
            out[..., 0] = high >> np.uint64(f - 64)
        elif f > 0:
            out[..., 0] = (low >> np.uint64(f)) | (high << np.uint64(64 - f))
            out[..., 1] = high >> np.uint64(f)
        else:
            out[...] = raw
        return out

    def is_canonical(self, raw: Raw) -> bool:
        if raw.size > _FEW:
            return kernels().prime[self.q].reduced(np.ascontiguousarray(raw), self.size_of(raw))
        if raw.size == 0:
            return True
        top = np.uint64((1 << 63) - 1)
        high = raw[..., 1]
        reaches = (high == top) & (raw[..., 0] == np.uint64(_WORD))
        return int(high.max()) <= int(top) and not bool(reaches.any())

    def mask_words(self, words: Raw) -> npt.NDArray[np.bool_]:
        high = words[..., 1]
        top = np.uint64((1 << 63) - 1)
        np.bitwise_and(high, top, out=high)
        return np.asarray((high == top) & (words[..., 0] == np.uint64(_WORD)))


M61: Field = _Mersenne61()
M127: Field = _Mersenne127()
FIELDS: dict[str, Field] = {"M61": M61, "M127": M127}


def field_named(name: str) -> Field:
    """M61 or M127. Raises ValueError for another name."""
    if name not in FIELDS:
        raise ValueError(f"no field is named {name!r}; there are {', '.join(FIELDS)}")
    return FIELDS[name]
