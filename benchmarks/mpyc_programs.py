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


#: By the name of the workload's `.enig` program.
PROGRAMS: dict[str, Program] = {
    program.__name__: program for program in (products, comparisons32, comparisons59, chain, matrix_product)
}
