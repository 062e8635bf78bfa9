"""The kernels that both prime fields have, from the loops of each: elementwise operations, linear combinations,
sums and products, and the two ends of a round in which shares are dealt or opened.

They go over memory once, in pieces that stay in the cache.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from enigmalang.fields.kernels import prime61, prime127
from enigmalang.fields.kernels.build import FLAG, WS, N, U, W, kernel

PIECE = 1024  # words of elements handled at a time

#: What a dealt value is: x, x * y, x * (y - z), or 0.
GIVEN, PRODUCT, SELECT, NOTHING = range(4)


Made = dict[Any, Callable[[Any], Any]]


def _elementwise(field: ModuleType) -> Made:
    """Products, sums and differences of elements."""
    product, total = field.product, field.total
    strided = (W, N, N, W, N, N, W, N, N)

    def mul(x: Any, ox: int, dx: int, y: Any, oy: int, dy: int, out: Any, rows: int, n: int) -> None:
        """x * y, (rows, n): an operand's rows are `ox` apart, its columns dx = 0 or 1."""
        for r in range(rows):
            product(x, r * ox, dx, y, r * oy, dy, out, r * n, n)

    def add(x: Any, ox: int, dx: int, y: Any, oy: int, dy: int, out: Any, rows: int, n: int, flip: bool) -> None:
        """x + y, or x - y when `flip`, as `mul`."""
        for r in range(rows):
            total(x, r * ox, dx, y, r * oy, dy, flip, out, r * n, n)

    return {mul: kernel(*strided), add: kernel(*strided, FLAG)}


def _sums(field: ModuleType, limbs: int) -> Made:
    """Sums along an axis, inner products, products of matrices."""
    added, pair, single, inner, summed = field.added, field.pair, field.single, field.inner, field.summed
    piece = PIECE // limbs

    def sum_(x: Any, out: Any, outer: int, m: int, n: int) -> None:
        """(outer, m, n) over the middle axis, m >= 1."""
        for r in range(outer):
            if n == 1:
                summed(x, r * m, out, r, m)
                continue
            for start in range(0, n, piece):
                size = min(piece, n - start)
                here = r * n + start
                for i in range(limbs * size):
                    out[limbs * here + i] = x[limbs * (r * m * n + start) + i]
                for k in range(1, m):
                    added(x, (r * m + k) * n + start, 1, out, here, size)

    def dot(x: Any, ox: int, y: Any, oy: int, out: Any, rows: int, n: int) -> None:
        """Inner products of rows, which are `ox` and `oy` apart."""
        for r in range(rows):
            inner(x, r * ox, y, r * oy, out, r, n)

    def matmul(x: Any, ox: int, y: Any, oy: int, out: Any, batch: int, m: int, k: int, n: int) -> None:
        """(m, k) @ (k, n), `batch` times; operands' matrices are `ox` and `oy` apart. k >= 1."""
        for b in range(batch):
            for start in range(0, n, piece):
                size = min(piece, n - start)
                for i in range(m):
                    row, here = b * ox + i * k, (b * m + i) * n + start
                    for j in range(0, k, 2):
                        line = b * oy + j * n + start
                        if j + 1 < k:
                            pair(y, line, y, line + n, x, row + j, row + j + 1, j > 0, out, here, size)
                        else:
                            single(y, line, x, row + j, j > 0, out, here, size)

    return {sum_: kernel(W, W, N, N, N), dot: kernel(W, N, W, N, W, N, N), matmul: kernel(W, N, W, N, W, N, N, N, N)}


def _dealing(field: ModuleType, limbs: int) -> Made:
    """The beginning of a round."""
    product, difference_product, added = field.product, field.difference_product, field.added
    pair, single, masked = field.pair, field.single, field.masked
    piece = PIECE // limbs

    def reshare(
        kind: int, x: Any, dx: int, y: Any, dy: int, z: Any, dz: int, first: int, draws: Any, drawn: int, others: int,
        stride: int, per: int, line: int, table: Any, messages: Any, spoken: int, count: int, own: Any, place: int,
        n: int, scratch: Any,
    ) -> Any:  # fmt: skip
        """The shares of n values that a party deals, and what it has of its own share after the round.

        Value i is `kind` of the elements i of x, y and z, the first of them number `first`. Each share is a row of
        `table` times (value, `drawn` random elements): rows 0.. go to messages (spoken, count), the last to `own`,
        where `others` more random elements are added, and z for SELECT; both from column `place`.
        Random elements are words of key stream, masked here: `per` rows from each of the streams, which are `stride`
        elements apart, the rows `line`. `scratch` has PIECE words. Returns 0, or not 0 if one of them was p, and
        all that was written is void.
        """
        bad = np.uint64(0)
        terms = 1 + drawn
        for start in range(0, n, piece):
            size = min(piece, n - start)
            at = first + start
            to = place + start
            if kind == PRODUCT:
                product(x, at * dx, dx, y, at * dy, dy, scratch, 0, size)
            elif kind == SELECT:
                difference_product(x, at * dx, dx, y, at * dy, dy, z, at * dz, dz, scratch, 0, size)
            elif kind == NOTHING:
                for i in range(limbs * size):
                    scratch[i] = np.uint64(0)
            value = x if kind == GIVEN else scratch
            iv = at if kind == GIVEN else 0
            for k in range(drawn + others):
                bad |= masked(draws, (k // per) * stride + (k % per) * line + start, size)
            for r in range(spoken + 1):
                target = own if r == spoken else messages
                here = to if r == spoken else r * count + to
                for k in range(-1, drawn, 2):  # terms in pairs: the value first, then random elements
                    left = value if k < 0 else draws
                    one = iv if k < 0 else (k // per) * stride + (k % per) * line + start
                    two = ((k + 1) // per) * stride + ((k + 1) % per) * line + start
                    j = r * terms + 1 + k
                    if k + 1 < drawn:
                        pair(left, one, draws, two, table, j, j + 1, k > 0, target, here, size)
                    else:
                        single(left, one, table, j, k > 0, target, here, size)
            for k in range(drawn, drawn + others):
                added(draws, (k // per) * stride + start, 1, own, to, size)
            if kind == SELECT:
                added(z, at * dz, dz, own, to, size)
        return bad

    return {reshare: kernel(N, W, N, W, N, W, N, N, W, N, N, N, N, N, W, W, N, N, W, N, N, W, returns=U)}


def _receiving(field: ModuleType, limbs: int) -> Made:
    """The end of a round, and checks of what came."""
    added, pair, single, masked, unreduced = field.added, field.pair, field.single, field.masked, field.unreduced
    piece = PIECE // limbs

    def gather(own: Any, parts: Any, k: int, n: int) -> Any:
        """own += the k parts, in place; not 0 if one has a word that is no residue."""
        bad = np.uint64(0)
        for start in range(0, n, piece):
            size = min(piece, n - start)
            for j in range(k):
                bad |= unreduced(parts[j], start, size)
                added(parts[j], start, 1, own, start, size)
        return bad

    def combine(table: Any, parts: Any, k: int, out: Any, n: int) -> Any:
        """The sum of table[j] * parts[j]; not 0 if a part has a word that is no residue."""
        bad = np.uint64(0)
        for start in range(0, n, piece):
            size = min(piece, n - start)
            for j in range(0, k, 2):
                bad |= unreduced(parts[j], start, size)
                if j + 1 < k:
                    bad |= unreduced(parts[j + 1], start, size)
                    pair(parts[j], start, parts[j + 1], start, table, j, j + 1, j > 0, out, start, size)
                else:
                    single(parts[j], start, table, j, j > 0, out, start, size)
        return bad

    def mask(x: Any, n: int) -> Any:
        """Clear the bits above q in place; not 0 if an element is p."""
        return masked(x, 0, n)

    def check(x: Any, n: int) -> Any:
        """Not 0 if an element is no residue."""
        return unreduced(x, 0, n)

    return {
        gather: kernel(W, WS, N, N, returns=U),
        combine: kernel(W, WS, N, W, N, returns=U),
        mask: kernel(W, N, returns=U),
        check: kernel(W, N, returns=U),
    }


def _make(q: int, field: ModuleType, limbs: int) -> None:
    """Compile the kernels of one field."""
    made = _elementwise(field) | _sums(field, limbs) | _dealing(field, limbs) | _receiving(field, limbs)
    for function, compile_it in made.items():
        function.__name__ = f"{function.__name__.rstrip('_')}_{q}"
        compile_it(function)


_make(61, prime61, 1)
_make(127, prime127, 2)
