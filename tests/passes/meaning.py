"""Runs one function of a source text before and after the passes, in the clear, with ranges checked."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from enigmalang.compiler.compiler import Compilation
from enigmalang.diagnostics import Sink, render
from enigmalang.execute.domain import ClearDomain, ClearSecret, peek
from enigmalang.execute.machine import Context, Machine
from enigmalang.execute.secret import Secret
from enigmalang.ir.ir import Function, Opaque, Operation, Program, Tensor, operations
from enigmalang.ir.verify import verify
from enigmalang.node.local import local_world
from enigmalang.passes.pipeline import optimise
from enigmalang.plan.plan import Plan
from enigmalang.types.types import BoolT, Label

Pass = Callable[[Program], Program]


def compiled(folder: Path, text: str) -> Program:
    """The analysed program of `text`, before any pass but inlining."""
    path = folder / "program.enig"
    path.write_text(text, "utf-8")
    sink = Sink()
    analysed = Compilation(str(path), sink).get("analysed")
    assert analysed is not None, render(sink.diagnostics)
    program: Program = analysed.program
    verify(program)
    return program


def optimised(folder: Path, text: str) -> Program:
    return optimise(compiled(folder, text), verify)


def function_of(program: Program) -> Function:
    (function,) = (f for f in program.functions.values() if f.kind == "def")
    return function


class Labelled(Machine):
    """Takes what is labelled private for a secret, also where it happens to be public (a loop without steps)."""

    def perform(self, op: Operation, args: tuple[Any, ...]) -> Sequence[Any]:
        hidden = tuple(
            a if v.label is Label.PUBLIC or isinstance(v.type, Opaque) or isinstance(a, Secret) else ClearSecret(a)
            for v, a in zip(op.operands, args, strict=True))
        if any(isinstance(a, Secret) for a in hidden):
            return self.domain.apply(op, hidden)
        return super().perform(op, hidden)


def run(program: Program, args: list[Any], check: bool = True) -> list[Any]:
    """What the only `def` of `program` gives for Python values `args`, one for each leaf of its parameters."""
    function = function_of(program)
    plan = Plan(program.path, "M127", {})
    machine = Labelled(local_world(plan), ClearDomain(check_ranges=check), Context("whole"), {"share": _share})
    values = [v for p in function.params for v in p.values]
    leaves = []
    for value, arg in zip(values, args, strict=True):
        assert isinstance(value.type, Tensor)
        held: Any = arg
        if value.type.rank:
            held = np.array(arg, dtype=bool if isinstance(value.type.element, BoolT) else object)
        leaves.append(ClearSecret(held) if value.label is Label.PRIVATE else held)
    return [plain(v) for v in machine.run(function, leaves)]


def _share(machine: Machine, op: Operation, args: tuple[Any, ...]) -> tuple[Any, ...]:
    return (ClearSecret(peek(args[0])),)


def plain(value: Any) -> Any:
    value = peek(value)
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def counts(program: Program) -> dict[str, int]:
    """How often each operation stands in the program, loops not unrolled."""
    found: dict[str, int] = {}
    for op in operations(function_of(program).body):
        found[op.op] = found.get(op.op, 0) + 1
    return found
