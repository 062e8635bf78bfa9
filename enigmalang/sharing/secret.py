"""Types that hold one party's shares. They never show what they hold and refuse to be pickled."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from enigmalang.fields import Field, Raw, pack_bits, unpack_bits, words_for


class _Secret:
    """What every holder of shares refuses."""

    __slots__ = ()

    def __bool__(self) -> NoReturn:
        raise TypeError("a shared value has no truth value here: compare it with a protocol and open the result")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("shares are not pickled; `encode_share` gives their bytes")

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("shares are compared by a protocol, not by ==")

    __hash__ = None  # type: ignore[assignment]


class ArithShare(_Secret):
    """One party's Shamir shares of an array of integers modulo `field.p`; `raw` as in `fields.field`."""

    __slots__ = ("field", "raw")

    def __init__(self, field: Field, raw: Raw) -> None:
        self.field = field
        self.raw = raw

    @property
    def shape(self) -> tuple[int, ...]:
        return self.field.shape_of(self.raw)

    @property
    def size(self) -> int:
        return self.field.size_of(self.raw)

    def flat(self) -> Raw:
        """The shares on one contiguous axis."""
        return self.field.flat(self.raw)

    def __repr__(self) -> str:
        return f"<ArithShare {self.field.name} {self.shape}>"


class BitShare(_Secret):
    """One party's replicated pieces of an array of bits.

    `words` is (pieces held, words_for(size)); a piece is the array's bits in C order, 64 to a word, in the
    order of `Structure.held`.
    """

    __slots__ = ("shape", "words")

    def __init__(self, words: Raw, shape: tuple[int, ...]) -> None:
        self.words = words
        self.shape = shape

    @property
    def size(self) -> int:
        return prod(self.shape)

    def unpacked(self) -> npt.NDArray[np.uint8]:
        """0/1 bytes, (pieces, *shape)."""
        return unpack_bits(self.words, self.size).reshape((self.words.shape[0], *self.shape))

    @staticmethod
    def packed(bits: npt.NDArray[np.uint8]) -> BitShare:
        """From 0/1 bytes (pieces, *shape)."""
        shape = bits.shape[1:]
        return BitShare(pack_bits(bits.reshape(bits.shape[0], prod(shape))), shape)

    def __repr__(self) -> str:
        return f"<BitShare {self.shape}>"


Share = ArithShare | BitShare


def join_arith(field: Field, parts: Sequence[Raw]) -> Raw:
    """Flat concatenation; one part is passed on without a copy."""
    if len(parts) == 1:
        return field.flat(parts[0])
    return np.concatenate([field.flat(part) for part in parts])


def split_arith(field: Field, joined: Raw, shapes: Sequence[tuple[int, ...]]) -> list[Raw]:
    """The inverse of `join_arith`: views."""
    out, start = [], 0
    for shape in shapes:
        stop = start + prod(shape)
        out.append(field.reshape(joined[start:stop], shape))
        start = stop
    return out


def join_bits(parts: Sequence[BitShare]) -> BitShare:
    """Flat concatenation of lanes."""
    if len(parts) == 1:
        return BitShare(parts[0].words, (parts[0].size,))
    size = sum(part.size for part in parts)
    if all(part.size % 64 == 0 for part in parts[:-1]):
        return BitShare(np.concatenate([part.words for part in parts], axis=1), (size,))
    pieces = parts[0].words.shape[0]
    lanes = [part.unpacked().reshape(pieces, part.size) for part in parts]
    return BitShare.packed(np.concatenate(lanes, axis=1))


def split_bits(joined: BitShare, shapes: Sequence[tuple[int, ...]]) -> list[BitShare]:
    """The inverse of `join_bits`; no lane of a neighbour stays in the padding."""
    sizes = [prod(shape) for shape in shapes]
    starts = [0, *np.cumsum(sizes, dtype=np.int64).tolist()]
    if all(size % 64 == 0 for size in sizes[:-1]):
        return [
            BitShare(joined.words[:, start // 64 : start // 64 + words_for(size)], shape)
            for start, size, shape in zip(starts, sizes, shapes, strict=False)
        ]
    pieces = joined.words.shape[0]
    lanes = joined.unpacked().reshape(pieces, -1)
    return [
        BitShare.packed(lanes[:, start : start + size].reshape((pieces, *shape)))
        for start, size, shape in zip(starts, sizes, shapes, strict=False)
    ]


def encode_share(share: Share) -> bytes:
    """The bytes of one party's shares, for its own store. They are secret: encrypt them at rest."""
    body: Any = share.raw if isinstance(share, ArithShare) else share.words
    return np.ascontiguousarray(body, dtype="<u8").tobytes()


def decode_share(data: bytes, field: Field | None, shape: tuple[int, ...], pieces: int = 0) -> Share:
    """The inverse of `encode_share`: a field for integers, None and the number of pieces held for bits.

    Raises ValueError when the bytes do not fit.
    """
    if field is not None:
        return ArithShare(field, field.from_bytes(data, shape))
    words = words_for(prod(shape))
    if len(data) != 8 * words * pieces:
        raise ValueError(f"{len(data)} bytes where {8 * words * pieces} were expected")
    return BitShare(np.frombuffer(data, "<u8").astype(np.uint64).reshape(pieces, words), shape)
