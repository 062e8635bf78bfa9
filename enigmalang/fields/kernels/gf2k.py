"""GF(2^k), bit-sliced: a number is k planes of words, lane i in bit i % 64 of word i // 64 of each."""

from typing import Any

import numpy as np

from enigmalang.fields.kernels.build import B, N, R, W, carray, kernel

_PIECE = 256  # words of a row handled at a time, so that all rows of a piece stay in the cache


@kernel(B, W, W, N, N, N)
def xor_rows(ptable: Any, prows: Any, pout: Any, m: int, k: int, words: int) -> None:
    """out[i] = XOR over j with table[i, j] of rows[j]: table (m, k), rows (k, words), out (m, words)."""
    table, rows, out = carray(ptable, (m, k)), carray(prows, (k, words)), carray(pout, (m, words))
    for start in range(0, words, _PIECE):
        stop = min(words, start + _PIECE)
        for i in range(m):
            for w in range(start, stop):
                out[i, w] = np.uint64(0)
            for j in range(k):
                if table[i, j]:
                    for w in range(start, stop):
                        out[i, w] ^= rows[j, w]


@kernel(W, R, N, W, R, N, W, N, N, N, N)
def mul_gf2k(
    px: Any, rows_x: Any, planes_x: int, py: Any, rows_y: Any, planes_y: int, pout: Any,
    count: int, degree: int, words: int, modulus: int,
) -> None:
    """out[:, r] = x[:, rows_x[r]] * y[:, rows_y[r]] in GF(2^degree): x, y (degree, planes, words), Horner in y."""
    x, y = carray(px, (degree, planes_x, words)), carray(py, (degree, planes_y, words))
    out = carray(pout, (degree, count, words))
    for r in range(count):
        i = rows_x[r]
        j = rows_y[r]
        for start in range(0, words, _PIECE):
            stop = min(words, start + _PIECE)
            for b in range(degree - 1, -1, -1):
                if b == degree - 1:
                    for a in range(degree):
                        for w in range(start, stop):
                            out[a, r, w] = x[a, i, w] & y[b, j, w]
                    continue
                for w in range(start, stop):  # the old sum times X, and x times the next coefficient of y
                    top = out[degree - 1, r, w]
                    factor = y[b, j, w]
                    for a in range(degree - 1, 0, -1):
                        low = out[a - 1, r, w] ^ (x[a, i, w] & factor)
                        out[a, r, w] = low ^ top if (modulus >> a) & 1 else low
                    out[0, r, w] = top ^ (x[0, i, w] & factor)
