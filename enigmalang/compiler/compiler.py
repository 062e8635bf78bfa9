"""From a path to a plan: `SourceFile → Module → Checked → Program (raw, then optimised) → Plan`.

A stage that reports an error stops the ones after it; within a stage as many errors as possible are found.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from enigmalang.analysis.ranges import Ranges, choose_field, infer_ranges
from enigmalang.analysis.secrecy import Secrecy, infer_secrecy
from enigmalang.compiler.fixes import Labels, propose_fixes
from enigmalang.diagnostics import Sink
from enigmalang.ir.ir import Program
from enigmalang.lowering import lower
from enigmalang.partition import partition
from enigmalang.passes.inline import inline
from enigmalang.passes.pipeline import optimise
from enigmalang.plan.plan import Plan
from enigmalang.semantics import check as check_module
from enigmalang.semantics.loader import FileLoader
from enigmalang.semantics.model import Checked
from enigmalang.source import SourceFile
from enigmalang.syntax.ast import Module
from enigmalang.syntax.parser import parse, read_source

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Analysed:
    """The inlined program with labels and ranges on its values, and the tables that `enig dump` shows."""

    program: Program
    secrecy: Secrecy
    ranges: Ranges
    field: str  # "M61" | "M127"


def _read(job: "Compilation") -> SourceFile | None:
    return read_source(job.path, job.sink)


def _parse(job: "Compilation") -> Module | None:
    return parse(job.need("source"), job.sink)


def _check(job: "Compilation") -> Checked | None:
    return check_module(job.need("module"), FileLoader(job.path), job.sink)


def _lower(job: "Compilation") -> Program:
    return inline(lower(job.need("checked")))


def _analyse(job: "Compilation") -> Analysed:
    program = job.need("lowered")
    secrecy = infer_secrecy(program, job.sink)
    ranges = infer_ranges(program, job.sink)
    chosen = choose_field(program, job.sink)
    propose_fixes(lambda: [Labels.of(f) for f in program.functions.values()], job.made["checked"], job.sink)
    return Analysed(program, secrecy, ranges, chosen)


def _optimise(job: "Compilation") -> Program:
    return optimise(job.need("analysed").program)


def _partition(job: "Compilation") -> Plan:
    return partition(job.need("optimised"), job.need("analysed").field)


#: The order of the stages; each takes what the ones above it made.
STAGES: tuple[tuple[str, Callable[["Compilation"], Any]], ...] = (
    ("source", _read),
    ("module", _parse),
    ("checked", _check),
    ("lowered", _lower),
    ("analysed", _analyse),
    ("optimised", _optimise),
    ("plan", _partition),
)


class Stopped(Exception):
    """A stage reported errors; the ones after it have nothing to work on."""


@dataclass(slots=True)
class Compilation:
    """One file on its way to a plan; what a stage made is kept."""

    path: str
    sink: Sink
    made: dict[str, Any] = field(default_factory=dict)

    def need(self, stage: str) -> Any:
        """The result of `stage`, computed once. Raises Stopped when it, or one before it, reported errors."""
        if stage not in self.made:
            result = dict(STAGES)[stage](self)
            if result is None or self.sink.errors:
                raise Stopped(stage)
            self.made[stage] = result
        return self.made[stage]

    def get(self, stage: str) -> Any | None:
        """As `need`, but None when the file has errors."""
        try:
            return self.need(stage)
        except Stopped:
            return None


def check(path: str, sink: Sink) -> Checked | None:
    """Find every error of the file at `path` (names, types, secrecy, ranges); None when there are any."""
    job = Compilation(path, sink)
    return job.made["checked"] if job.get("analysed") is not None else None


def compile_file(path: str, sink: Sink) -> Plan | None:
    """Compile the file at `path`; None, and errors in `sink`, when it cannot be."""
    plan: Plan | None = Compilation(path, sink).get("plan")
    return plan


def plan_as_written(path: str, sink: Sink) -> Plan | None:
    """The plan of the program as it stands, without a pass over it: each operation is still where the source has it."""
    analysed: Analysed | None = Compilation(path, sink).get("analysed")
    return partition(analysed.program, analysed.field) if analysed is not None else None
