"""The workloads in MPyC 0.11, each in the fastest form that it has: arrays (`np_*`) where it has them.

Every party makes the same data from the same seed and only party 0's are taken, as one client's inputs. `run.input`
and `run.given` end the part that is compared with our masking of inputs.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np

from benchmarks.workloads import Data

P61 = (1 << 61) - 1


class Run:
    """What a program needs of MPyC, and when its inputs were there."""

    def __init__(self, mpc: Any, clock: Callable[[], float]) -> None:
        self.mpc = mpc
        self._clock = clock
        self.given_at = 0.0
        self.field = mpc.SecFld(P61)

    def integers(self, bits: int) -> Any:
        """Secure integers of so many bits; comparisons need them."""
        return self.mpc.SecInt(bits)

    def input(self, kind: Any, values: Any) -> Any:
        """An array of party 0's; numbers are Python's, as MPyC takes them."""
        return self.mpc.input(kind.array(np.asarray(values).astype(object)), senders=0)

    async def given(self, *inputs: Any) -> None:
        """All parties have their shares of the inputs."""
        await self.mpc.gather(list(inputs))
        await self.mpc.barrier()
        self.given_at = self._clock()

    async def output(self, value: Any) -> Any:
        """As signed integers."""
        opened = await self.mpc.output(value)
        return _plain(opened)


def _plain(opened: Any) -> Any:
    values = getattr(opened, "value", opened)
    numbers = np.array([int(v) for v in np.ravel(np.asarray(values, dtype=object))], dtype=object)
    if hasattr(opened, "value"):  # field elements
        modulus = int(type(opened).field.modulus if hasattr(type(opened), "field") else type(opened).modulus)
        numbers = np.array([n - modulus if n > modulus // 2 else n for n in numbers], dtype=object)
    return numbers.reshape(np.shape(values))


Program = Callable[[Run, Data], Awaitable[dict[str, Any]]]


async def products(run: Run, data: Data) -> dict[str, Any]:
    x, y = run.input(run.field, data["x"]), run.input(run.field, data["y"])
    await run.given(x, y)
    z = x * y
    return {"sums": await run.output(run.mpc.np_sum(z, axis=1)), "first": await run.output(z[0])}


async def comparisons32(run: Run, data: Data) -> dict[str, Any]:
    return await _comparisons(run, data, 32, 1)


async def comparisons59(run: Run, data: Data) -> dict[str, Any]:
    return await _comparisons(run, data, 59, 8)


async def _comparisons(run: Run, data: Data, bits: int, factor: int) -> dict[str, Any]:
    kind = run.integers(bits)
    x, y = run.input(kind, data["x"] * factor), run.input(kind, data["y"] * factor)
    await run.given(x, y)
    return {"less": await run.output(x < y)}


async def chain(run: Run, data: Data) -> dict[str, Any]:
    mpc, kind = run.mpc, run.field
    z = mpc.input(kind(int(data["x"])), senders=0)
    ys = mpc.input([kind(int(y)) for y in data["y"]], senders=0)
    await run.given(z, ys)
    for y in ys:
        z = 1 - z * y
    return {"last": await run.output(z)}


async def matrix_product(run: Run, data: Data) -> dict[str, Any]:
    a, b = run.input(run.field, data["a"]), run.input(run.field, data["b"])
    await run.given(a, b)
    return {"product": await run.output(run.mpc.np_matmul(a, b))}


async def sorting(run: Run, data: Data) -> dict[str, Any]:
    x = run.input(run.integers(32), data["x"])
    await run.given(x)
    return {"sorted": await run.output(run.mpc.np_sort(x))}


async def ranks(run: Run, data: Data) -> dict[str, Any]:
    mpc, n = run.mpc, len(data["x"])
    x = run.input(run.integers(32), data["x"])
    await run.given(x)
    # The quotient by a public number: MPyC has none for integers, and opening the sum first says no more.
    total = await run.output(mpc.np_sum(x))
    greater = mpc.np_reshape(x, (n, 1)) < mpc.np_reshape(x, (1, n))
    return {"mean": int(total) // n, "ranks": await run.output(mpc.np_sum(greater, axis=1)) + 1}


async def auction(run: Run, data: Data) -> dict[str, Any]:
    mpc, n = run.mpc, len(data["x"])
    x = run.input(run.integers(32), data["x"])
    await run.given(x)
    which, best = mpc.np_argmax(x, arg_unary=True, arg_only=False)
    price = mpc.np_amax(x - which * best)
    return {"winner": await run.output(mpc.np_sum(which * np.arange(n))), "price": await run.output(price)}


#: The sigmoid on [0, 11] in three pieces, each a polynomial of degree 5 in u from -1 to 1: within 4e-5.
_EDGES = (0.0, 2.5, 5.0, 11.0)


def _pieces() -> tuple[list[float], list[float], Any]:
    """Middles, half widths, and coefficients (piece, power)."""
    chebyshev, degree = np.polynomial.chebyshev, 5
    middles = [(a + b) / 2 for a, b in zip(_EDGES, _EDGES[1:], strict=False)]
    halves = [(b - a) / 2 for a, b in zip(_EDGES, _EDGES[1:], strict=False)]
    u = np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1))
    fits = [
        chebyshev.cheb2poly(chebyshev.chebfit(u, 1 / (1 + np.exp(-(m + h * u))), degree))
        for m, h in zip(middles, halves, strict=True)
    ]
    return middles, halves, np.array(fits)


async def logistic(run: Run, data: Data) -> dict[str, Any]:
    mpc = run.mpc
    kind = mpc.SecFxp(44, 20)  # a little finer than 2^-16: the polynomial's rounding errors add up
    rows, weights, bias = (
        mpc.input(kind.array(np.atleast_1d(data[name]) / 65536.0), senders=0) for name in ("rows", "weights", "bias")
    )
    await run.given(rows, weights, bias)
    z = mpc.np_reshape(mpc.np_matmul(rows, weights), (len(data["rows"]),)) + bias
    found = await mpc.output(_sigmoid(mpc, z))
    return {"probability": np.rint(np.asarray(found, dtype=float) * 65536).astype(np.int64)}


def _sigmoid(mpc: Any, z: Any) -> Any:
    negative = z < 0
    x = mpc.np_where(negative, -z, z)
    x = mpc.np_where(x < _EDGES[-1], x, _EDGES[-1])
    middles, halves, fits = _pieces()
    passed = [x >= edge for edge in _EDGES[1:-1]]

    def chosen(values: Any) -> Any:
        """Of one value a piece, that of x's piece: linear in the outcomes."""
        steps = np.diff(values).tolist()
        found = float(values[0])
        for outcome, step in zip(passed, steps, strict=True):
            found = outcome * step + found
        return found

    u = (x - chosen(middles)) * chosen([1 / h for h in halves])
    result = chosen(fits[:, -1])
    for power in range(fits.shape[1] - 2, -1, -1):
        result = result * u + chosen(fits[:, power])
    return mpc.np_where(negative, 1 - result, result)


async def statistics(run: Run, data: Data) -> dict[str, Any]:
    mpc, n = run.mpc, len(data["x"])
    x = run.input(run.integers(32), data["x"])
    await run.given(x)
    edges = [int(edge) for edge in data["edges"]]
    above = [mpc.np_sum(x >= edge) for edge in edges]
    bins = await mpc.output([a - b for a, b in zip(above, above[1:], strict=False)])
    ordered = mpc.np_sort(x)
    middle = await run.output(ordered[[(n - 1) // 2, n // 2]])
    return {"median": int(middle.sum()) // 2, "bins": np.array([int(b) for b in bins])}


#: By the name of the workload's `.enig` program.
PROGRAMS: dict[str, Program] = {
    program.__name__: program
    for program in (
        products, comparisons32, comparisons59, chain, matrix_product, sorting, ranks, auction, logistic, statistics,
    )
}
