"""GF(2): 64 lanes a word."""

from typing import Any

import numpy as np

from enigmalang.fields.kernels.build import B, N, R, W, carray, inline, kernel

SIDE = 4  # words transposed side by side: the width of a vector register
PART = 256  # words of each plane that stay in the nearest cache while they are combined


@inline
def _swap(block: Any, width: int, mask: Any) -> None:
    """Swap the off-diagonal quarters of all squares of 2*width rows and columns, in SIDE blocks at once."""
    shift = np.uint64(width)
    for start in range(0, 64 * SIDE, 2 * SIDE * width):
        for i in range(start, start + SIDE * width):
            swap = ((block[i] >> shift) ^ block[i + SIDE * width]) & mask
            block[i + SIDE * width] ^= swap
            block[i] ^= swap << shift


@inline
def _transpose(block: Any) -> None:
    """64x64 bits, SIDE blocks side by side (Hacker's Delight, 7-3)."""
    _swap(block, 32, np.uint64(0x00000000FFFFFFFF))
    _swap(block, 16, np.uint64(0x0000FFFF0000FFFF))
    _swap(block, 8, np.uint64(0x00FF00FF00FF00FF))
    _swap(block, 4, np.uint64(0x0F0F0F0F0F0F0F0F))
    _swap(block, 2, np.uint64(0x3333333333333333))
    _swap(block, 1, np.uint64(0x5555555555555555))


@kernel(W, W, W, N, N, N, N, N, N)
def to_planes(
    px: Any, pout: Any, block: Any, lanes: int, limbs: int, words: int, q: int, first: int, count: int
) -> None:
    """Lane-major integers (lanes, limbs) to `count` bit planes (count, words): bits first, first + 1, … modulo q.

    Missing lanes are 0. `block`: 64 * SIDE words.
    """
    x, out = carray(px, (lanes, limbs)), carray(pout, (count, words))
    for limb in range(limbs):
        for w in range(0, words, SIDE):
            if (w + SIDE) * 64 <= lanes:
                for v in range(SIDE):
                    for i in range(64):
                        block[i * SIDE + v] = x[(w + v) * 64 + i, limb]
            else:
                for v in range(SIDE):
                    for i in range(64):
                        lane = (w + v) * 64 + i
                        block[i * SIDE + v] = x[lane, limb] if lane < lanes else np.uint64(0)
            _transpose(block)
            wide = min(SIDE, words - w)
            for i in range(64):
                bit = limb * 64 + i
                row = bit - first if bit >= first else bit - first + q
                if bit < q and row < count:
                    for v in range(wide):
                        out[row, w + v] = block[i * SIDE + v]


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
        for start in range(0, words, PART):
            stop = min(words, start + PART)
            for w in range(start, stop):
                out[r, w] = np.uint64(0)
            for a in range(pieces):
                b = 0
                while b < pieces:
                    if not mine[a, b]:
                        b += 1
                        continue
                    c = b + 1  # another term of the same left piece, if there is one
                    while c < pieces and not mine[a, c]:
                        c += 1
                    if c < pieces:
                        for w in range(start, stop):
                            out[r, w] ^= x[a, i, w] & (y[b, j, w] ^ y[c, j, w])
                    else:
                        for w in range(start, stop):
                            out[r, w] ^= x[a, i, w] & y[b, j, w]
                    b = c + 1


@kernel(W, R, W, N, N, N)
def spread(pout: Any, rows: Any, px: Any, kept: int, count: int, words: int) -> None:
    """out[rows[r]] ^= x[r] for r < kept, = x[r] for the others; x is (count, words)."""
    x = carray(px, (count, words))
    for r in range(count):
        start = rows[r] * words
        if r < kept:
            for w in range(words):
                pout[start + w] ^= x[r, w]
        else:
            for w in range(words):
                pout[start + w] = x[r, w]


@kernel(W, W, N, N, N)
def to_lanes(pwords: Any, pout: Any, lanes: int, limbs: int, words: int) -> None:
    """Planes (count, words) to integers 0 and 1 (count, lanes, limbs) of one plane: bit i % 64 of word i // 64."""
    for w in range(words):
        word = pwords[w]
        base = w * 64
        for i in range(min(64, lanes - base)):
            pout[(base + i) * limbs] = (word >> np.uint64(i)) & np.uint64(1)
            if limbs == 2:
                pout[(base + i) * 2 + 1] = np.uint64(0)
