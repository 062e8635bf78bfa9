"""How much memory a worker needs beside the shares it works on: `python -m benchmarks memory`.

A worker's peak (VmHWM) above what it had when it was up, as a multiple of the bytes of shares that it must hold: those
of the inputs and the result, and those that the circuit holds at once (`holding.held`). Where a program is one
operation these are much the same; a formula or a join has values of its own, which are shares as well. The aim counts
what is held at once; the other multiple is beside it. Each workload has workers of its own.

Protocols work in pieces of some megabytes whatever the size: beside arrays that are not much larger `PIECES` is
allowed for those.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.check import WrongResult, check
from benchmarks.holding import held
from benchmarks.ours import Given, plan_of, results
from benchmarks.workloads import WORKLOADS, Data
from enigmalang.circuits.circuit import Circuit
from enigmalang.cli.columns import columns
from enigmalang.cli.measure import Bench
from enigmalang.cli.programs import compiled
from enigmalang.execute.world import World
from enigmalang.plan.plan import Plan

Array = npt.NDArray[Any]

#: Elements of inputs and result for a size; each is 8 bytes of a share. Results of comparisons are bits.
SHARES: dict[str, Callable[[int], int]] = {
    "products": lambda n: 3 * n,
    "comparisons59": lambda n: 2 * n,
    "sort1m": lambda n: 2 * n,
    "matrix1000": lambda n: 3 * n * n,
    "group_sum": lambda n: 4 * n,  # keys, values, groups and sums; the groups' sizes are not counted
    "lookup": lambda n: 4 * n,
}
#: Where it is not the workload's own.
SIZES = {"group_sum": 1_000_000, "lookup": 1_000_000}
#: Aimed for: the peak is at most so many times the shares held at once, and, of middle-sized arrays, so many bytes.
AIM, PIECES = 3.0, 16 << 20


@dataclass(frozen=True, slots=True)
class Middle:
    """A program of one line on `size` pairs x, y, and what it makes of them, within `tolerance`. `words`: of a share;
    `module`: of the standard library, whose functions the line calls."""

    size: int
    type: str
    line: str
    result: Callable[[Array, Array], Array]
    words: int = 1
    module: str = ""
    tolerance: float = 0.0

    @property
    def source(self) -> str:
        name = self.line.partition("(")[0]
        first = f"from {self.module} import {name}\n" if self.module else ""
        lists = "".join(f'private {name}s: list[{self.type}, 10000000] = input("{name}")\n' for name in "xy")
        return f'{first}{lists}L["found"] = reveal([{self.line} for x, y in zip(xs, ys)])\n'


MIDDLES = {
    "quotients": Middle(1 << 16, "uint32", "x // y", lambda x, y: x // y),
    "remainders": Middle(1 << 16, "uint32", "x % y", lambda x, y: x % y),
    "tenths": Middle(1 << 17, "uint32", "(x + y) // 10", lambda x, y: (x + y) // 10),
    "shifts": Middle(1 << 17, "uint32", "(x + y) >> 5", lambda x, y: (x + y) >> 5),
    "xors": Middle(1 << 16, "uint32", "x ^ y", np.bitwise_xor),
    "maxima": Middle(1 << 17, "uint32", "max(x, y)", np.maximum),
    "fixed": Middle(1 << 17, "fixed", "x * y", lambda x, y: (x * y + (1 << 15)) >> 16, 2),
    "sigmoid": Middle(
        1 << 17, "fixed", "sigmoid(x)", lambda x, y: 65536 / (1 + np.exp(-x / 65536)), 2, "fixed_math", 2),
    "exp": Middle(1 << 17, "fixed", "exp(x)", lambda x, y: 65536 * np.exp(x / 65536), 2, "fixed_math", 40),
    "log": Middle(1 << 17, "fixed", "log(y)", lambda x, y: 65536 * np.log(y / 65536), 2, "fixed_math", 2),
    "sqrt": Middle(1 << 17, "fixed", "sqrt(x)", lambda x, y: np.floor(256 * np.sqrt(x)), 2, "fixed_math"),
}


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes at the worker that needs most. `shares`: of inputs and result; `held`: by the circuit at once."""

    name: str
    size: int
    idle: int
    peak: int
    shares: int
    held: int
    pieces: int = 0  # allowed beside

    @property
    def above(self) -> int:
        return max(0, self.peak - self.idle - self.pieces)

    @property
    def of_ends(self) -> float:
        """Times inputs and result."""
        return self.above / self.shares

    @property
    def ratio(self) -> float:
        """Times what is held at once; inputs and results are, at the ends."""
        return self.above / max(self.held, self.shares)


def measure_memory(nodes: int = 3, names: Sequence[str] = tuple(SHARES), size: int | None = None) -> list[Memory]:
    """One run of each, checked. Raises WrongResult, EngineError."""
    found = []
    for name in names:
        workload = WORKLOADS[name]
        count = size or SIZES.get(name, workload.size)
        data = workload.data(count)
        shape, world = _measured(plan_of(workload, count), data, nodes)
        check(workload, data, results(world, workload, data))
        found.append(Memory(name, count, *shape[:2], 8 * SHARES[name](count), shape[2]))
    return found


def measure_middles(nodes: int = 3, names: Sequence[str] = tuple(MIDDLES), size: int | None = None) -> list[Memory]:
    """The same of middle-sized arrays. Raises WrongResult, EngineError."""
    found = []
    for name in names:
        middle = MIDDLES[name]
        count = size or middle.size
        rng = np.random.default_rng(1)
        data = {"x": rng.integers(0, 1 << 18, count), "y": rng.integers(1, 1 << 18, count)}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"{name}.enig")
            path.write_text(middle.source, "utf-8")
            plan = compiled(str(path))
        shape, world = _measured(plan, data, nodes)
        (told,) = world.ledger.read_log(("found",))[-1].value.leaves
        if not np.all(np.abs(told - middle.result(data["x"], data["y"])) <= middle.tolerance):
            raise WrongResult(f"{name}: not what NumPy says")
        found.append(Memory(name, count, *shape[:2], 3 * 8 * middle.words * count, shape[2], PIECES))
    return found


def _measured(plan: Plan, data: Data, nodes: int) -> tuple[tuple[int, int, int], World]:
    """The largest resident size before and after, and the most that a circuit holds at once."""
    most = 0

    def seen(circuit: Circuit) -> None:
        nonlocal most
        most = max(most, held(circuit, nodes))

    with Bench(plan, nodes, seen=seen) as bench:
        idle = bench.peak_memory()
        _, world = bench.run(Given(data))
        return (idle, bench.peak_memory(), most), world


def memory_table(found: Sequence[Memory]) -> str:
    """A line each, in MB, and whether the aim is reached."""
    lines = [
        (m.name, f"{m.size:,}", *(f"{value / 1e6:.0f} MB" for value in (m.idle, m.peak, m.pieces, m.above, m.shares)),
         f"{m.of_ends:.1f}", f"{m.held / 1e6:.0f} MB", f"{m.ratio:.1f}", "✓" if m.ratio <= AIM else "✗")
        for m in found
    ]
    heads = ("memory of a worker", "size", "idle", "peak", "pieces", "above", "in and out", "times", "at once", "times",
             f"≤ {AIM:.0f}")
    return columns(heads, lines)


if __name__ == "__main__":
    print(memory_table([*measure_memory(), *measure_middles()]))
