"""Running a script or test of a plan."""

import gc
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from enigmalang.execute.client import CLIENT, finish_queue
from enigmalang.execute.handlers import CONTRACT
from enigmalang.execute.machine import Context, Machine
from enigmalang.execute.world import World
from enigmalang.ir.ir import Function


def run_function(world: World, function: Function) -> None:
    """Run a script or test as its client; then the jobs that were submitted and never awaited.

    Raises EnigmaError for a failure of the program, EngineError for one of the nodes.
    """
    machine = Machine(world, world.domain, Context("client"), {**CONTRACT, **CLIENT})
    with _calm_collector():
        machine.run(function, ())
        finish_queue(world)


def run_input(
    world: World, function: Function, arguments: Sequence[Any], shown: Collection[int] = (),
) -> list[Any]:
    """Run one input of an interactive session on the leaves of its variables; the leaves of those that it changed.
    `shown`: places of leaves that are only shown, as `print` shows them: the exact numbers that were opened.

    What it revealed is there; other private results may still be uncomputed. When it raises (as `run_function`, or
    KeyboardInterrupt), nothing that it wanted to reveal is opened later.
    """
    for worked_out in (world.steps, world.repeats, world.loops):
        worked_out.clear()
    machine = Machine(world, world.domain, Context("client"), {**CONTRACT, **CLIENT})
    try:
        with _calm_collector():
            return machine.run(function, arguments, shown)
    except BaseException:
        world.domain.abandon()
        raise


@contextmanager
def _calm_collector() -> Iterator[None]:
    """A trace is many small objects without cycles, of which Python would look for cycles every 700."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)
