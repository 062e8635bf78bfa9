"""Budgets of an open document: what `enig check` counts once a program is right so far (E1001, E1002).

A plan is made anew for it, since its passes write on the operations, and those of `Found` are kept for the next text.
"""

from enigmalang.compiler import Compilation
from enigmalang.diagnostics import Diagnostic, Severity, Sink
from enigmalang.lsp.snapshot import Found
from enigmalang.syntax.ast import has_budgets


def counts(found: Found) -> bool:
    """Whether there is anything to count: the program has budgets and no errors."""
    module = found.snapshot.module
    return module is not None and found.program is not None and has_budgets(module) and not any(
        d.severity is Severity.ERROR and d.code != "E0803" for d in found.snapshot.diagnostics)


def texts(found: Found) -> object:
    """All that the program is made of: with equal texts, it costs the same."""
    return tuple((path, source.text) for path, source in sorted(found.snapshot.others.items()))


def budget_faults(found: Found) -> tuple[Diagnostic, ...]:
    """What is wrong with the budgets of a program that `counts`; takes as long as a whole compilation, and more."""
    from enigmalang.node.costing.budgets import over_budget

    source, module = found.snapshot.source, found.snapshot.module
    assert module is not None and found.checked is not None
    job = Compilation(source.path, Sink(), {"source": source, "module": module, "checked": found.checked})
    if job.get("analysed") is None:
        return ()
    before = len(job.sink.diagnostics)
    plan = job.get("plan")
    later = job.sink.diagnostics[before:]
    return (*later, *(over_budget(plan, module) if plan is not None else ()))
