"""A world on this machine: an engine, and in-memory twins of everything else. Running plans in it."""

import sys
from collections.abc import Callable
from typing import Any

from enigmalang.chain.memory import MemoryLedger
from enigmalang.circuits.circuit import Circuit
from enigmalang.dht.memory import MemoryStore
from enigmalang.execute.lazy import LazyLedger
from enigmalang.execute.ports import Engine, Identities, Store
from enigmalang.execute.runner import run_function
from enigmalang.execute.trace import Tracer
from enigmalang.execute.world import Entries, InputReader, NoInputs, World
from enigmalang.identity.keys import Keystore
from enigmalang.plan.plan import Plan


def local_world(
    plan: Plan, engine: Engine | None = None, *, inputs: InputReader | None = None,
    out: Callable[[str], Any] | None = None, on_learn: Callable[[str, str], None] | None = None,
    watch: Callable[[Circuit], None] | None = None, tracer: Tracer | None = None,
    chain: Callable[[], Any] | None = None, bounded: bool = True, store: Store | None = None,
    identities: Identities | None = None, entries: Entries | None = None,
) -> World:
    """A fresh ledger, store and keystore around `engine` (None: the clear engine).

    `out` gets each printed text with its end of line; `on_learn(name, text)` what a local identity learnt from
    `reveal(e, to=name)` (by default printed as "alice learns 42"); `watch` each circuit before it runs.
    `tracer` is shared between worlds that use one engine. `chain` makes an `EvmLedger`, when the program first needs
    its ledger, that takes the place of the one in memory. `bounded`: `L` takes values of a chain's size, at most.
    `store`, `identities` and `entries` take the places of the ones in memory.
    """
    lazy = LazyLedger(chain) if chain is not None else None
    return World(
        plan, lazy or MemoryLedger(bounded=bounded), store or MemoryStore(), identities or Keystore(), engine,
        inputs or NoInputs(),
        out or sys.stdout.write, on_learn, watch, lazy, tracer, entries)


def run_script(
    plan: Plan, engine: Engine | None = None, *, inputs: InputReader | None = None,
    out: Callable[[str], Any] | None = None, on_learn: Callable[[str, str], None] | None = None,
    watch: Callable[[Circuit], None] | None = None,
) -> World:
    """Run the statements of the file, from top to bottom; the world afterwards. A file without any does nothing."""
    world = local_world(plan, engine, inputs=inputs, out=out, on_learn=on_learn, watch=watch)
    if plan.script is not None:
        run_function(world, plan.script)
    return world


def run_test(
    plan: Plan, test: str, engine: Engine | None = None, *, inputs: InputReader | None = None,
    out: Callable[[str], Any] | None = None, on_learn: Callable[[str, str], None] | None = None,
    watch: Callable[[Circuit], None] | None = None,
) -> World:
    """Run one test (a name of `plan.tests`) on a ledger of its own. Raises as `run_function`."""
    world = local_world(plan, engine, inputs=inputs, out=out, on_learn=on_learn, watch=watch)
    run_function(world, plan.functions[test].public)
    return world
