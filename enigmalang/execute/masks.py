"""Inputs on their way over the ledger: x - r modulo the prime, as bytes; and masks for engines of one process."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Protocol

import numpy as np

from enigmalang.circuits.circuit import Array
from enigmalang.execute.secret import Shape

#: Bits of a field's prime 2^q - 1, and bytes of an element.
_BITS = {"M61": 61, "M127": 127}
_BYTES = {"M61": 8, "M127": 16}


@dataclass(frozen=True, slots=True)
class Masked:
    """What a request carries of its private arguments: public bytes, and the mask that was used."""

    mask: int
    content: bytes
    shapes: tuple[Shape, ...]


def masked_bytes(field: str, values: Sequence[Array], mask: Array) -> bytes:
    """x - r, the arrays `values` one after the other; `mask` is flat."""
    p, width = (1 << _BITS[field]) - 1, _BYTES[field]
    flat = [int(v) for value in values for v in np.asarray(value).ravel()]
    return b"".join(((x - int(r)) % p).to_bytes(width, "little") for x, r in zip(flat, mask.tolist(), strict=True))


def unmasked(field: str, content: bytes, mask: Array, shapes: Sequence[Shape]) -> list[Array]:
    """The arrays x, as centred integers: for engines that compute in the clear."""
    p, width = (1 << _BITS[field]) - 1, _BYTES[field]
    numbers = [(int.from_bytes(content[at : at + width], "little") + int(r)) % p
               for at, r in zip(range(0, len(content), width), mask.tolist(), strict=True)]
    centred = np.array([x - p if x > p // 2 else x for x in numbers], dtype=object)
    made, start = [], 0
    for shape in shapes:
        made.append(centred[start : start + prod(shape)].reshape(shape))
        start += prod(shape)
    return made


def are_elements(field: str, content: bytes, size: int) -> bool:
    """Whether `content` is `size` elements of the field, each in its one form."""
    p, width = (1 << _BITS[field]) - 1, _BYTES[field]
    return len(content) == width * size and all(
        int.from_bytes(content[at : at + width], "little") < p for at in range(0, len(content), width))


class Reserves(Protocol):
    """Whatever gives masks: an engine, or `LocalMasks`."""

    @property
    def field(self) -> str: ...

    def reserve(self, size: int) -> tuple[int, Array]: ...


def mask_for(source: Reserves, values: Sequence[Any]) -> Masked:
    """Mask a client's values with a fresh mask of `source`."""
    arrays = [np.asarray(value) for value in values]
    number, mask = source.reserve(sum(array.size for array in arrays))
    return Masked(number, masked_bytes(source.field, arrays, mask), tuple(array.shape for array in arrays))


class LocalMasks:
    """Masks of an engine that has no nodes to draw them."""

    def __init__(self, field: str) -> None:
        self.field = field
        self._masks: dict[int, Array] = {}
        self._number = 0

    def reserve(self, size: int) -> tuple[int, Array]:
        self._number += 1
        p = (1 << _BITS[self.field]) - 1
        mask = self._masks[self._number] = np.array([secrets.randbelow(p) for _ in range(size)], dtype=object)
        return self._number, mask

    def admit(self, mask: int, content: bytes, shapes: Sequence[Shape]) -> list[Array]:
        """The arrays; KeyError for a mask that was used."""
        return unmasked(self.field, content, self._masks.pop(mask), shapes)

    def __repr__(self) -> str:
        return "<LocalMasks>"
