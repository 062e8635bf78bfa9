"""What the tests of costs share: programs run between real workers, and what they measured."""

import random
from pathlib import Path
from typing import Any

from run_support import ROOT

from enigmalang.cli.inputs import Inputs, parse_inputs
from enigmalang.cli.programs import compiled
from enigmalang.execute.ports import EngineStats
from enigmalang.execute.runner import run_function
from enigmalang.execute.trace import Tracer
from enigmalang.node.cluster import Cluster
from enigmalang.node.local import local_world
from enigmalang.plan.plan import Plan
from enigmalang.source import Span
from enigmalang.types.types import ArrayT, BoolT, IntT, ListT, Type

COUNTS = ("rounds", "bytes_sent", "products", "ands", "comparisons", "circuits")


class SomeData:
    """Values of every type, of lists as many as are said; the seed makes them the same again."""

    def __init__(self, lengths: dict[str, int]) -> None:
        self.lengths = lengths
        self.random = random.Random(7)

    def read(self, name: str, type: Type, span: Span) -> Any:
        match type:
            case ListT(element=element):
                return [self.read(name, element, span) for _ in range(self.lengths[name])]
            case ArrayT(element=element, dims=(count,)):
                return [self.read(name, element, span) for _ in range(count)]
            case BoolT():
                return bool(self.random.getrandbits(1))
            case IntT(low=low, high=high):
                return self.random.randint(low, high)
            case _:
                raise AssertionError(f"no data of {type}")


def measured(plan: Plan, nodes: int, inputs: Any) -> EngineStats:
    """What `enig run --stats` would say, in memory instead of on a chain."""
    with Cluster.start(nodes, field=plan.field, timeout=60.0) as cluster:
        tracer = Tracer(cluster)
        runs = [plan.script] if plan.script is not None else [plan.functions[name].public for name in plan.tests]
        for function in runs:
            run_function(local_world(plan, cluster, inputs=inputs, out=lambda text: None, tracer=tracer,
                                     on_learn=lambda name, text: None, bounded=False), function)
        return cluster.stats()


def given(arguments: tuple[str, ...]) -> Inputs:
    """The inputs of a `# run:` comment."""
    return Inputs(parse_inputs([word for word in arguments if word != "--input"], ()))


def counts(found: Any) -> dict[str, int]:
    return {name: getattr(found, name) for name in COUNTS}


def program(text: str, folder: Path) -> Plan:
    """The plan of a program."""
    path = folder / "program.enig"
    path.write_text(text, "utf-8")
    return compiled(str(path))


def benchmark(name: str) -> Plan:
    return compiled(str(ROOT / "benchmarks" / "programs" / f"{name}.enig"))
