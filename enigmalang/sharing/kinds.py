"""What is public of a shared array: numbers of a field or bits, and the shape. How many bytes a part of it takes."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from enigmalang.fields import Field, Raw, words_for
from enigmalang.sharing.secret import ArithShare, BitShare, Share
from enigmalang.sharing.spaces import Space, elements, planes
from enigmalang.sharing.structure import Structure


@dataclass(frozen=True, slots=True)
class Kind:
    """An array of integers modulo `field.p`, or of bits when `field` is None."""

    field: Field | None
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Numbers, or bits."""
        return prod(self.shape)

    def units(self) -> int:
        """Of a vector of a `Space`, or of one piece: elements, or words."""
        return self.size if self.field is not None else words_for(self.size)

    def space(self, shape: Structure) -> Space | None:
        """Over what its Shamir shares are in a committee; None when they are replicated pieces."""
        if self.field is not None:
            return elements(self.field)
        return planes(shape.degree) if shape.wide else None

    def describe(self) -> bytes:
        """Different kinds have different bytes."""
        name = "bits" if self.field is None else self.field.name
        return f"{name}{list(self.shape)}".encode()

    def share_of(self, vector: Raw) -> Share:
        """The share that holds a flat vector: (size,) elements, (k, words) planes, or (pieces, words)."""
        if self.field is not None:
            return ArithShare(self.field, self.field.reshape(vector, self.shape))
        return BitShare(vector, self.shape)


def kind_of(share: Share) -> Kind:
    return Kind(share.field if isinstance(share, ArithShare) else None, share.shape)


def vector_of(share: Share) -> Raw:
    """The inverse of `Kind.share_of`."""
    return share.flat() if isinstance(share, ArithShare) else share.words
