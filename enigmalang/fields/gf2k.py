"""GF(2^k) for 2 <= k <= 8, bit-sliced: numbers of N lanes are k planes of words, (k, words).

A single public number is a Python int below 2^k, bit i the coefficient of X^i. A public factor is a k x k matrix over
GF(2), so linear combinations are XORs of planes.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from enigmalang.fields.field import Raw
from enigmalang.fields.gf2 import Rows
from enigmalang.fields.warm import kernels

Matrix = npt.NDArray[np.uint8]
#: An irreducible polynomial of each degree (Lidl, Niederreiter: Finite Fields, table C).
MODULI = {2: 0b111, 3: 0b1011, 4: 0b10011, 5: 0b100101, 6: 0b1000011, 7: 0b10000011, 8: 0b100011011}


def times(degree: int, a: int, b: int) -> int:
    """a * b."""
    out = 0
    for i in reversed(range(degree)):
        out <<= 1
        if out >> degree:
            out ^= MODULI[degree]
        if b >> i & 1:
            out ^= a
    return out


def power(degree: int, a: int, exponent: int) -> int:
    """a^exponent, exponent >= 0; 0^0 = 1."""
    out = 1
    for bit in bin(exponent)[2:]:
        out = times(degree, out, out)
        if bit == "1":
            out = times(degree, out, a)
    return out


def inverse(degree: int, a: int) -> int:
    """1/a. Raises ValueError for 0."""
    if a == 0:
        raise ValueError("0 has no inverse")
    return power(degree, a, (1 << degree) - 2)


def spread(degree: int, table: Sequence[Sequence[int]]) -> Matrix:
    """Public coefficients m x r to the matrix (m * degree, r * degree) that acts on planes."""
    m, r = len(table), len(table[0])
    out = np.zeros((m, degree, r, degree), np.uint8)
    for i, line in enumerate(table):
        for j, factor in enumerate(line):
            for b in range(degree):
                column = times(degree, factor, 1 << b)
                for a in range(degree):
                    out[i, a, j, b] = column >> a & 1
    return out.reshape(m * degree, r * degree)


@lru_cache(maxsize=256)
def low_form(degree: int, factor: int) -> Matrix:
    """The matrix M with (lowest coefficient of factor * x * y) = XOR over a, b of M[a, b] x_a y_b."""
    out = np.zeros((degree, degree), np.uint8)
    for a in range(degree):
        for b in range(degree):
            out[a, b] = times(degree, factor, times(degree, 1 << a, 1 << b)) & 1
    return out


def combine(matrix: Matrix, rows: Raw) -> Raw:
    """XORs of rows: matrix (m, r) of 0/1, rows (r, words) -> (m, words)."""
    out = np.empty((len(matrix), rows.shape[1]), np.uint64)
    kernels().xor_rows(matrix, np.ascontiguousarray(rows), out)
    return out


def product(degree: int, x: Raw, rows_x: Rows, y: Raw, rows_y: Rows) -> Raw:
    """x[:, rows_x] * y[:, rows_y]: (degree, planes, words) -> (degree, m, words)."""
    out = np.empty((degree, len(rows_x), x.shape[2]), np.uint64)
    kernels().mul_gf2k(np.ascontiguousarray(x), rows_x, np.ascontiguousarray(y), rows_y, MODULI[degree], out)
    return out
