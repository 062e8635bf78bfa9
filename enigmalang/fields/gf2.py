"""GF(2) on packed words: 64 lanes in a uint64, lane i in bit i % 64 of word i // 64; padding lanes are 0."""

import numpy as np
import numpy.typing as npt

from enigmalang.fields.field import Field, Raw
from enigmalang.fields.warm import kernels

Bits = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.int64]


def words_for(lanes: int) -> int:
    """Words that hold so many lanes."""
    return (lanes + 63) // 64


def pack_bits(bits: npt.NDArray[np.generic]) -> Raw:
    """0/1 values (..., lanes) to words (..., words_for(lanes))."""
    lanes = bits.shape[-1]
    packed = np.packbits(bits.astype(np.uint8, copy=False), axis=-1, bitorder="little")
    out = np.zeros((*bits.shape[:-1], 8 * words_for(lanes)), np.uint8)
    out[..., : packed.shape[-1]] = packed
    return out.view("<u8").astype(np.uint64, copy=False)


def unpack_bits(words: Raw, lanes: int) -> Bits:
    """Words (..., W) to 0/1 bytes (..., lanes), lanes <= 64 * W."""
    octets = np.ascontiguousarray(words, dtype="<u8").view(np.uint8)
    return np.unpackbits(octets, axis=-1, count=lanes, bitorder="little")


def bit_planes(field: Field, raw: Raw, first: int = 0, count: int | None = None) -> Raw:
    """Elements (N,) to bit planes, least significant first: (q, words_for(N)), or (count, …): bits `first`,
    first + 1, … modulo q.
    """
    lanes = field.size_of(raw)
    out = np.empty((field.q if count is None else count, words_for(lanes)), np.uint64)
    kernels().to_planes(np.ascontiguousarray(raw).reshape(lanes, field.limbs), out, field.q, first)
    return out


def bit_integers(field: Field, planes: Raw, lanes: int) -> Raw:
    """Bit planes (m, words) as elements 0 and 1: (m * lanes,)."""
    out = field.empty((len(planes), lanes))
    for plane, row in zip(planes, out, strict=True):
        kernels().to_lanes(np.ascontiguousarray(plane), row, field.limbs)
    return field.reshape(out, (len(planes) * lanes,))


def and_cross(x: Raw, rows_x: Rows, y: Raw, rows_y: Rows, mine: npt.NDArray[np.bool_]) -> Raw:
    """XOR over pieces (a, b) with mine[a, b] of x[a, rows_x] AND y[b, rows_y].

    x, y: (pieces, planes, words); rows: plane numbers of the m products; result (m, words).
    """
    out = np.empty((len(rows_x), x.shape[2]), np.uint64)
    kernels().cross_and(np.ascontiguousarray(x), rows_x, np.ascontiguousarray(y), rows_y, mine, out)
    return out
