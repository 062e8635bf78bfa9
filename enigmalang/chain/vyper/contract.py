"""The source of one contract, section by section: state, events, init, functions, jobs, getters."""

import json
from dataclasses import dataclass

from enigmalang.chain.vyper.declarations import head, structs_of
from enigmalang.chain.vyper.foreign import called
from enigmalang.chain.vyper.functions import constructor, plain_functions, predicates
from enigmalang.chain.vyper.getters import getters, renamed_slots, tracked_slots
from enigmalang.chain.vyper.jobs import job_functions
from enigmalang.chain.vyper.lines import Lines, rendered
from enigmalang.chain.vyper.names import MODULE, check_names
from enigmalang.chain.vyper.problems import Unsupported
from enigmalang.chain.vyper.unit import Unit
from enigmalang.diagnostics import EnigmaError
from enigmalang.plan.plan import Plan
from enigmalang.source import Span


@dataclass(frozen=True)
class Generated:
    """Vyper source of a contract. `lines`: which line came from where in the `.enig` file. `tracked`: map slots that
    have a getter `has_…`."""

    name: str
    source: str
    lines: dict[int, Span]
    tracked: frozenset[str]

    def line_table(self) -> str:
        """`lines` as JSON: line -> [path, line, column]."""
        return json.dumps({n: [s.path, s.line, s.column] for n, s in sorted(self.lines.items())})


def generate(plan: Plan, contract: str) -> Generated:
    """The Vyper source of a contract of `plan`. Raises EnigmaError (E08xx) for what cannot live on the chain."""
    try:
        return _generate(plan, contract)
    except Unsupported as problem:
        raise EnigmaError(problem.diagnostic) from None


def _generate(plan: Plan, name: str) -> Generated:
    contract = plan.contracts[name]
    functions = tuple(plan.functions[f] for f in contract.functions if f in plan.functions)
    unit = Unit(plan, contract, functions, tracked_slots(plan, contract), renamed_slots(contract))
    unit.taken = MODULE | frozenset(contract.events) | {s.name for s in structs_of(unit)} | frozenset(called(unit))
    check_names(unit)
    init = next((f for f in functions if f.public.kind == "init"), None)
    external = [f for f in functions if f.public.kind in ("external", "view")]
    jobs = [f for f in functions if f.secret is not None]
    parts = Lines()
    constructor(unit, parts, init)
    plain_functions(unit, parts, [f for f in external if f.secret is None], init)
    predicates(unit, parts)
    if jobs:
        parts.title("Jobs: requested by a caller, fulfilled with what the nodes attest")
        job_functions(unit, parts, jobs, init)
    getters(unit, parts)
    top = Lines()
    head(unit, top, jobs, init)
    helper_rows = Lines()
    if unit.helpers:
        helper_rows.title("Arithmetic with the language's meaning")
        for text in unit.helpers.values():
            helper_rows.add("@internal")
            helper_rows.add_all(text)
            helper_rows.add("")
            helper_rows.add("")
    source, lines = rendered([*top.rows, *parts.rows, *helper_rows.rows])
    return Generated(name, source.rstrip() + "\n", lines, unit.tracked)
