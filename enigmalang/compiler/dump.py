"""Every stage as text, for people and golden files: `enig dump STAGE FILE`."""

from collections.abc import Callable

from enigmalang.compiler.compiler import Compilation
from enigmalang.diagnostics import Sink


def _tokens(job: Compilation) -> str | None:
    from enigmalang.syntax.parser import tokens

    source = job.get("source")
    return None if source is None else tokens(source, job.sink)


def _ast(job: Compilation) -> str | None:
    from enigmalang.syntax.printer import format_tree

    module = job.get("module")
    return None if module is None else format_tree(module)


def _types(job: Compilation) -> str | None:
    from enigmalang.semantics.dump import dump_types

    checked = job.get("checked")
    return None if checked is None else dump_types(checked)


def _secrecy(job: Compilation) -> str | None:
    analysed = job.get("analysed")
    return None if analysed is None else str(analysed.secrecy.dump())


def _ranges(job: Compilation) -> str | None:
    analysed = job.get("analysed")
    return None if analysed is None else str(analysed.ranges.dump())


def _ir(job: Compilation) -> str | None:
    from enigmalang.ir.text import print_program

    program = job.get("optimised")
    return None if program is None else print_program(program)


def _plan(job: Compilation) -> str | None:
    from enigmalang.plan.text import print_plan

    plan = job.get("plan")
    return None if plan is None else print_plan(plan)


#: Stage names of `enig dump`; "circuit" needs inputs to run and is made by the command itself.
DUMPS: dict[str, Callable[[Compilation], str | None]] = {
    "tokens": _tokens,
    "ast": _ast,
    "types": _types,
    "secrecy": _secrecy,
    "ranges": _ranges,
    "ir": _ir,
    "plan": _plan,
}


def dump(stage: str, path: str, sink: Sink) -> str | None:
    """The text form of `stage` for the file at `path`; None, and errors in `sink`, when it has none."""
    return DUMPS[stage](Compilation(path, sink))
