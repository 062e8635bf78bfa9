"""One round of small products: what lies before the messages in one pass, what lies after them in another."""

from typing import Any

import numpy as np

from enigmalang.fields.kernels import prime61, prime127
from enigmalang.fields.kernels.build import ONES, P61, TOP63, N, U, W, carray, kernel


@kernel(W, N, W, N, W, W, N, N, W, N, N)
def deal_61(
    x: Any, nx: int, y: Any, ny: int, weights: Any, masks: Any, total: int, first: int, out: Any, rows: int, n: int
) -> None:
    """out[r] = weights[r] * x * y + masks[r, first:first + n]; an operand of length 1 is repeated."""
    dx = np.int64(nx != 1)
    dy = np.int64(ny != 1)
    for i in range(n):
        z = prime61.times(x[i * dx], y[i * dy])
        for r in range(rows):
            out[r * n + i] = prime61.once(prime61.times(weights[r], z) + masks[r * total + first + i])


@kernel(W, N, W, N, W, W, N, N, W, N, N)
def deal_127(
    px: Any, nx: int, py: Any, ny: int, pw: Any, pmasks: Any, total: int, first: int, pout: Any, rows: int, n: int
) -> None:
    """As `deal_61`, two limbs on the last axis."""
    x, y, weights = carray(px, (nx, 2)), carray(py, (ny, 2)), carray(pw, (rows, 2))
    masks, out = carray(pmasks, (rows, total, 2)), carray(pout, (rows, n, 2))
    dx = np.int64(nx != 1)
    dy = np.int64(ny != 1)
    for i in range(n):
        z0, z1 = prime127.times(x[i * dx, 0], x[i * dx, 1], y[i * dy, 0], y[i * dy, 1])
        for r in range(rows):
            s0, s1 = prime127.times(weights[r, 0], weights[r, 1], z0, z1)
            out[r, i, 0], out[r, i, 1] = prime127.plus(s0, s1, masks[r, first + i, 0], masks[r, first + i, 1])


@kernel(W, W, N, returns=U)
def absorb_61(total: Any, told: Any, n: int) -> Any:
    """total += told; not 0 if a number of `told` is not below p."""
    bad = np.uint64(0)
    for i in range(n):
        if told[i] >= P61:
            bad = np.uint64(1)
        s = total[i] + (told[i] & P61)
        total[i] = s - P61 if s >= P61 else s
    return bad


@kernel(W, W, N, returns=U)
def absorb_127(ptotal: Any, ptold: Any, n: int) -> Any:
    """As `absorb_61`, two limbs on the last axis."""
    total, told = carray(ptotal, (n, 2)), carray(ptold, (n, 2))
    bad = np.uint64(0)
    for i in range(n):
        high = told[i, 1]
        if high > TOP63 or (high == TOP63 and told[i, 0] == ONES):
            bad = np.uint64(1)
        total[i, 0], total[i, 1] = prime127.plus(total[i, 0], total[i, 1], told[i, 0], high & TOP63)
    return bad
