"""What a contract on a chain cannot reach: data off the chain. (On the ledger in memory it can.)

The chain runs a contract's public part, and every node a job's, where nobody's keys are: what `DHT` holds is sealed for
its readers, and `MPC` entries belong to who dealt them.
"""

from collections.abc import Iterable

from enigmalang.analysis.paths import called_from
from enigmalang.diagnostics import Diagnostic, Sink
from enigmalang.ir.ir import Function, operations

_HELP = {
    "DHT": "use `L`, or the contract's own state; or let a script read and write DHT, and hand the contract what it "
           "needs",
    "MPC": "use the contract's own private state",
}


def off_chain(functions: Iterable[Function]) -> list[Diagnostic]:
    """An E0803 wherever a contract's function or a predicate among `functions` would read or write `DHT` or `MPC`."""
    sink = Sink()
    for function in functions:
        if function.contract is None and function.kind != "predicate":
            continue
        who = "a predicate" if function.contract is None else "a contract"
        for op in operations(function.body):
            db = "MPC" if op.op == "declassify" else op.attrs.get("db", "L")
            if db != "L":
                sink.error("E0803", f"{db} lies off the chain: {who} cannot reach it", op.span,
                           notes=called_from(op), help=_HELP[db])
    return sink.errors
