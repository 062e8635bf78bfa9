"""Budgets: whether functions cost no more than `@budget(…)` above them says.

Counted for three nodes, seconds on a local network. A contract's function is a call of it; a `def` that others call is
what its own lines cost in a run of the script, a test or a contract's function: of those, the most.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from math import ceil

from enigmalang.diagnostics import Diagnostic, EnigmaError, Note
from enigmalang.ir.ir import Operation, operations
from enigmalang.node.costing.cost import LINKS, Cost, LineCost
from enigmalang.node.costing.functions import cost_of, priced_functions
from enigmalang.node.costing.unknown import BadLet, Missing
from enigmalang.plan.plan import Plan
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.types.types import Label

NODES, LINK = 3, LINKS["lan"]
#: A budget's word -> the name in `Cost`, and how a message says it.
_LIMITED = {
    "rounds": ("rounds", "rounds"), "bytes": ("bytes_sent", "bytes a node"), "products": ("products", "products"),
    "ands": ("ands", "ANDs"), "comparisons": ("comparisons", "comparisons"), "seconds": ("seconds", "seconds"),
}


def over_budget(plan: Plan, module: ast.Module) -> list[Diagnostic]:
    """E1001 for each limit that a function of `module` exceeds, E1002 for what cannot be told."""
    costs = _Costs(plan)
    found: list[Diagnostic] = []
    for owner, function, budget in ast.budgeted(module):
        try:
            found += _exceeded(costs.of(owner, function), function, budget, module)
        except (Missing, BadLet, Unreached, EnigmaError) as error:
            why = error.diagnostic.message if isinstance(error, EnigmaError) else str(error)
            found.append(Diagnostic(
                "E1002", f"whether `{function.name}` keeps to its budget cannot be told: {why}", budget.span, (),
                "remove the budget, and see `enig cost` with --let"))
    return found


class Unreached(Exception):
    """No run that is counted comes to a function; the text says why."""


@dataclass(slots=True)
class _Costs:
    """Costs of a plan's functions, each counted once."""

    plan: Plan
    known: dict[str, Cost] = field(default_factory=dict)

    def named(self, name: str) -> Cost:
        if name not in self.known:
            self.known[name] = cost_of(self.plan, name, NODES)
        return self.known[name]

    def of(self, owner: str | None, function: ast.FunctionDef) -> list[Cost]:
        """Of a call; of a `def`, in each of those that use it. Raises Unreached."""
        names = priced_functions(self.plan)
        own = f"{owner}.{function.name}"
        if owner is not None and own in names:
            return [self.named(own)]
        users = {name: self._uses(name, function.span) for name in names}
        if not any(users.values()):
            raise Unreached("nothing calls it that `enig cost` could count")
        found = {name: self.named(name).within(function.span) for name, ops in users.items() if ops}
        if not any(cost.lines for cost in found.values()) and any(map(_is_secret, chain(*users.values()))):
            raise Unreached("the run that is counted, with zeros for inputs, does not come to it")
        return list(found.values())

    def _uses(self, name: str, span: Span) -> list[Operation]:
        """The operations of a function that the lines of `span` became."""
        found = self.plan.functions[name]
        bodies = [f.body for f in (found.public, found.secret) if f is not None]
        return [op for body in bodies for op in operations(body) if op.span.path == span.path
                and span.line <= op.span.line <= span.end_line]


def _is_secret(op: Operation) -> bool:
    return any(value.label is Label.PRIVATE for value in (*op.operands, *op.results))


def _exceeded(costs: list[Cost], function: ast.FunctionDef, budget: ast.Budget, module: ast.Module
              ) -> Iterator[Diagnostic]:
    for limit in budget.limits:
        what, words = _LIMITED[limit.name]
        most = max(costs, key=lambda cost: _amount(cost, what), default=None)
        allowed = _number(limit.value)
        if most is None or _amount(most, what) <= allowed:
            continue
        needed = _shown(_amount(most, what), limit.name)
        line = most.dearest(what, LINK)
        notes = () if line is None else (Note(_whole(line, module), _takes(most, line, what, words)),)
        enough = f"{limit.name}={needed.replace(',', '_')}"
        help = f"make that line cheaper, or allow `{enough}`; `enig cost` shows every line"
        yield Diagnostic(
            "E1001", f"`{function.name}` takes {needed} {words}, and its budget is {_shown(allowed, limit.name)}",
            limit.span, notes, help)


def _amount(cost: Cost, what: str) -> float:
    return cost.seconds(LINK) if what == "seconds" else float(getattr(cost, what))


def _number(value: ast.Expr) -> float:
    match value:
        case ast.IntLit(value=number):
            return float(number)
        case ast.FixedLit(text=text):
            return float(text.replace("_", ""))
        case _:
            raise AssertionError("the parser takes numbers only")


def _shown(amount: float, name: str) -> str:
    """Seconds are rounded up: what is shown as needed is enough."""
    return f"{ceil(amount * 1e6) / 1e6:.6f}" if name == "seconds" else f"{round(amount):,}"


def _takes(cost: Cost, line: LineCost, what: str, words: str) -> str:
    amount = cost.seconds_of(line, LINK) if what == "seconds" else float(getattr(line, what))
    return f"this line takes most of them: {_shown(amount, what)} {words}"


def _whole(line: LineCost, module: ast.Module) -> Span:
    """The text of a line."""
    text = module.source.line(line.line) if line.path == module.source.path else ""
    start = len(text) - len(text.lstrip()) + 1
    return Span(line.path, line.line, start, line.line, max(start + 1, len(text) + 1))
