"""GF(2): 64 lanes a word."""

from typing import Any

import numpy as np
from numba import carray  # type: ignore[attr-defined]

from enigmalang.fields.kernels.build import B, N, R, W, kernel


@kernel(W, W, W, N, N, N)
def to_planes(px: Any, pout: Any, block: Any, lanes: int, limbs: int, words: int) -> None:
    """Lane-major integers (lanes, limbs) to bit planes (64*limbs, words); missing lanes are 0. `block`: 64 words.

    64x64 block transposes by recursive swaps (Hacker's Delight, 7-3).
    """
    x, out = carray(px, (lanes, limbs)), carray(pout, (64 * limbs, words))
    for limb in range(limbs):
        for w in range(words):
            base = w * 64
            for i in range(64):
                block[i] = x[base + i, limb] if base + i < lanes else np.uint64(0)
            width = 32
            mask = np.uint64(0x00000000FFFFFFFF)
            while width:
                shift = np.uint64(width)
                for start in range(0, 64, 2 * width):
                    for i in range(start, start + width):
                        swap = ((block[i] >> shift) ^ block[i + width]) & mask
                        block[i + width] ^= swap
                        block[i] ^= swap << shift
                width >>= 1
                mask ^= mask << np.uint64(width)
            for i in range(64):
                out[limb * 64 + i, w] = block[i]


@kernel(W, R, N, W, R, N, B, W, N, N, N)
def cross_and(
    px: Any, rows_x: Any, planes_x: int, py: Any, rows_y: Any, planes_y: int, pmine: Any, pout: Any,
    count: int, pieces: int, words: int,
) -> None:
    """out[r] = XOR over pieces a, b with mine[a, b] of x[a, rows_x[r]] AND y[b, rows_y[r]].

    x and y are (pieces, planes, words); out is (rows, words).
    """
    x, y = carray(px, (pieces, planes_x, words)), carray(py, (pieces, planes_y, words))
    mine, out = carray(pmine, (pieces, pieces)), carray(pout, (count, words))
    for r in range(count):
        i = rows_x[r]
        j = rows_y[r]
        for w in range(words):
            out[r, w] = np.uint64(0)
        for a in range(pieces):
            for b in range(pieces):
                if mine[a, b]:
                    for w in range(words):
                        out[r, w] ^= x[a, i, w] & y[b, j, w]
