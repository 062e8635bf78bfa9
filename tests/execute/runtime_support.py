"""Single IR operations run in the clear and as circuits; `.enig` text run on both engines."""

from pathlib import Path
from typing import Any

import numpy as np

from enigmalang.compiler import compile_file
from enigmalang.diagnostics import Sink
from enigmalang.execute.circuit_engine import CircuitEngine
from enigmalang.execute.domain import ClearDomain, Domain
from enigmalang.execute.runner import run_function
from enigmalang.execute.secret import Pending, Secret
from enigmalang.execute.trace import Tracer
from enigmalang.execute.traced import TracedDomain
from enigmalang.execute.world import World
from enigmalang.ir.ir import Operation, Tensor, Value
from enigmalang.ir.ops import OPS
from enigmalang.node.local import local_world
from enigmalang.plan.plan import Plan
from enigmalang.source import Span
from enigmalang.types.ranges import Range
from enigmalang.types.types import BOOL, BoolT, Label

HERE = Span("test.enig", 1, 1, 1, 2)


def operation(op: str, operands: list[tuple[Tensor, Range | None]], results: list[Tensor], **attrs: Any) -> Operation:
    values = tuple(Value(t, HERE, Label.PRIVATE, r) for t, r in operands)
    made = tuple(Value(t, HERE, Label.PRIVATE) for t in results)
    return Operation(op, values, made, HERE, dict.fromkeys(OPS[op].attrs) | attrs)


def traced(field: str) -> TracedDomain:
    return TracedDomain(Tracer(CircuitEngine(field)))


def shared(domain: Domain, value: Any, type: Tensor) -> Secret:
    return domain.share(value, type, client=True)


def opened(domain: Domain, secret: Any, type: Tensor) -> Any:
    if not isinstance(secret, Secret):
        return secret.tolist() if isinstance(secret, np.ndarray) else secret
    value = domain.reveal(secret, type)
    if isinstance(value, Pending):
        domain.flush()
        value = value.value
    return value.tolist() if isinstance(value, np.ndarray) else value


def run_on(domain: Domain, op: Operation, values: list[Any], public: set[int]) -> list[Any]:
    args = [v if n in public else shared(domain, v, op.operands[n].type) for n, v in enumerate(values)]  # type: ignore[arg-type]
    return [opened(domain, r, v.type) for r, v in zip(domain.apply(op, tuple(args)), op.results, strict=True)]  # type: ignore[arg-type]


def agree(op: Operation, values: list[Any], public: set[int] | None = None, field: str = "M61") -> list[Any]:
    """The results, the same in the clear and as a circuit."""
    clear = run_on(ClearDomain(), op, values, public or set())
    assert run_on(traced(field), op, values, public or set()) == clear
    return clear


def numbers(element: Any, rank: int = 0) -> Tensor:
    return Tensor(element, rank)


TRUTHS, TRUTH = Tensor(BOOL, 1), Tensor(BOOL)


def is_truth(type: Tensor) -> bool:
    return isinstance(type.element, BoolT)


def compiled(text: str, folder: Path) -> Plan:
    path = folder / "program.enig"
    path.write_text(text)
    sink = Sink()
    plan = compile_file(str(path), sink)
    assert plan is not None, sink.diagnostics
    return plan


def run_both(text: str, folder: Path) -> list[str]:
    """What the program prints: its script and its tests, the same in the clear and as circuits."""
    plan = compiled(text, folder)
    outputs = []
    for engine in (None, CircuitEngine(plan.field)):
        lines: list[str] = []
        if plan.script is not None:
            run_function(local_world(plan, engine, out=lines.append), plan.script)
        for test in plan.tests:
            run_function(local_world(plan, engine, out=lines.append), plan.functions[test].public)
        outputs.append("".join(lines).splitlines())
    assert outputs[0] == outputs[1]
    return outputs[0]


def worlds(text: str, folder: Path) -> list[World]:
    """The world after the first test, on both engines."""
    plan = compiled(text, folder)
    made = []
    for engine in (None, CircuitEngine(plan.field)):
        world = local_world(plan, engine, out=lambda text: None)
        run_function(world, plan.functions[plan.tests[0]].public)
        made.append(world)
    return made
