"""Running a plan: its script, or one of its tests."""

from collections.abc import Callable
from typing import Any

from enigmalang.circuits.circuit import Circuit
from enigmalang.execute.client import CLIENT, run_queue
from enigmalang.execute.handlers import CONTRACT
from enigmalang.execute.machine import Context, Machine
from enigmalang.execute.ports import Engine
from enigmalang.execute.world import InputReader, World
from enigmalang.ir.ir import Function
from enigmalang.plan.plan import Plan


def make_world(
    plan: Plan, engine: Engine | None = None, *, inputs: InputReader | None = None,
    out: Callable[[str], Any] | None = None, on_learn: Callable[[str, str], None] | None = None,
    watch: Callable[[Circuit], None] | None = None,
) -> World:
    """A fresh ledger, store and keystore around `engine` (None: the clear engine).

    `out` gets each printed text with its end of line; `on_learn(name, text)` what a local identity learnt from
    `reveal(e, to=name)` (by default printed as "alice learns 42"); `watch` each circuit before it runs.
    """
    world = World(plan, engine, on_learn=on_learn, watch=watch)
    world.inputs = inputs or world.inputs
    world.out = out or world.out
    return world


def run_function(world: World, function: Function) -> None:
    """Run a script or test as its client; then the jobs that were submitted and never awaited.

    Raises EnigmaError for a failure of the program, EngineError for one of the nodes.
    """
    machine = Machine(world, world.domain, Context("client"), {**CONTRACT, **CLIENT})
    machine.run(function, ())
    run_queue(world)


def run_script(
    plan: Plan, engine: Engine | None = None, *, inputs: InputReader | None = None,
    out: Callable[[str], Any] | None = None, on_learn: Callable[[str, str], None] | None = None,
    watch: Callable[[Circuit], None] | None = None,
) -> World:
    """Run the statements of the file, from top to bottom; the world afterwards. A file without any does nothing."""
    world = make_world(plan, engine, inputs=inputs, out=out, on_learn=on_learn, watch=watch)
    if plan.script is not None:
        run_function(world, plan.script)
    return world


def run_test(
    plan: Plan, test: str, engine: Engine | None = None, *, inputs: InputReader | None = None,
    out: Callable[[str], Any] | None = None, on_learn: Callable[[str, str], None] | None = None,
    watch: Callable[[Circuit], None] | None = None,
) -> World:
    """Run one test (a name of `plan.tests`) on a ledger of its own. Raises as `run_function`."""
    world = make_world(plan, engine, inputs=inputs, out=out, on_learn=on_learn, watch=watch)
    run_function(world, plan.functions[test].public)
    return world
