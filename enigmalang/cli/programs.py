"""Compiling and running one program: what `run`, `test` and `dump circuit` share."""

import sys
from collections.abc import Iterable, Iterator

from enigmalang.chain.errors import ChainError
from enigmalang.cli.inputs import Inputs
from enigmalang.cli.progress import Progress
from enigmalang.cli.report import show
from enigmalang.compiler import Compilation
from enigmalang.diagnostics import Diagnostic, EnigmaError, Sink
from enigmalang.execute.ports import EngineError
from enigmalang.ir.ir import operations
from enigmalang.plan.plan import Plan
from enigmalang.source import Span
from enigmalang.syntax.ast import has_budgets


class Refused(Exception):
    """The program has errors."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        super().__init__()
        self.diagnostics = list(diagnostics)


def compiled(path: str) -> Plan:
    """The plan of the file at `path`, whose functions keep to their budgets. Raises Refused."""
    job = Compilation(path, Sink())
    plan: Plan | None = job.get("plan")
    if plan is None:
        raise Refused(job.sink.errors)
    over = [d for d in budget_faults(job) if d.code != NOT_TOLD]
    if over:
        raise Refused(over)
    return plan


def check_reach(plan: Plan) -> None:
    """Before anything of a program runs on a chain: raise Refused for contracts that would use what is off it."""
    from enigmalang.analysis.reach import off_chain

    bodies = [body for f in plan.functions.values() for body in (f.secret, f.public) if body is not None]
    if found := off_chain(bodies):
        raise Refused({(d.code, d.span): d for d in found}.values())


#: What depends on inputs that nobody knows before a run is no reason not to run.
NOT_TOLD = "E1002"


def budget_faults(job: Compilation) -> list[Diagnostic]:
    """Budgets of a compiled program that are exceeded, or cannot be checked; nothing heavy is loaded for none."""
    if not has_budgets(job.need("module")):
        return []
    from enigmalang.node.costing.budgets import over_budget

    return over_budget(job.need("plan"), job.need("module"))


def check_inputs(plan: Plan, inputs: Inputs) -> None:
    """Raise EnigmaError E0607 for an input that the program does not read."""
    inputs.refuse_unknown(input_names(plan), Span(plan.path, 1, 1, 1, 1))


def input_names(plan: Plan) -> Iterator[str]:
    for function in plan.functions.values():
        for op in operations(function.public.body):
            if op.op == "input":
                yield str(op.attrs["name"])


def tell(error: Refused | EnigmaError | EngineError | ChainError, path: str, progress: Progress) -> int:
    """Show why nothing came of the file at `path`; the exit status."""
    with progress.paused():
        sys.stdout.flush()
        show(error.diagnostics if isinstance(error, Refused) else [as_diagnostic(error, path)])
    return 1


def as_diagnostic(error: EnigmaError | EngineError | ChainError, path: str) -> Diagnostic:
    """What to show of what went wrong with the program at `path`."""
    if isinstance(error, EnigmaError):
        return error.diagnostic
    if isinstance(error, ChainError):
        return error.diagnosed("E0708", path)
    return error.diagnosed(error.code, path, _WAYS_OUT.get(error.code))


_WAYS_OUT = {
    "E0701": "run it again; all workers have been ended, and nothing of the failed computation was shown",
    "E0702": "run it again; a machine under heavy load can be the cause",
    "E0705": "check that this machine lets processes listen on its loopback address",
}


def head_of(plan: Plan, name: str) -> Span:
    """Where function `name` begins."""
    span = plan.functions[name].public.span
    return Span(span.path, span.line, span.column, span.line, span.column + 1)
