"""What a script cannot do on a network, found before anything of it runs; and whether it needs a vault there.

On a network a script's `L`, `DHT`, identities, predicates and payments are the network's. What it computes in private
is computed by the workers of its own command, and ends with them; if it uses `MPC`, by the nodes of a vault.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from enigmalang.analysis.paths import called_from
from enigmalang.diagnostics import Diagnostic, Sink
from enigmalang.execute.databases import NAME_THEM
from enigmalang.execute.readers import Unsealable, check_sealable
from enigmalang.ir.ir import Opaque, Operation, Value, operations
from enigmalang.plan.plan import Plan
from enigmalang.types.types import PredicateT

_CALLS = "`enig deploy` puts a contract on the network, and `enig call` calls it"
_REFUSED = {
    "deploy": ("a script does not deploy contracts on a network", _CALLS),
    "call_contract": ("a script does not call contracts on a network", _CALLS),
    "external_call": ("a script does not call contracts on a network", _CALLS),
    "submit": ("a script does not call contracts on a network", _CALLS),
}


@dataclass(frozen=True, slots=True)
class _Seen:
    """A predicate as the program writes it; addresses are not known before it runs."""

    name: str
    args: tuple[Any, ...]


def off_network(plan: Plan) -> list[Diagnostic]:
    """An E0803 for everything in the script that is not possible there."""
    sink = Sink()
    for op, made in _operations(plan):
        refused = _REFUSED.get(op.op)
        if refused is not None:
            sink.error("E0803", refused[0], op.span, notes=called_from(op), help=refused[1])
        elif op.op == "db_set" and op.attrs["db"] == "DHT" and op.attrs["predicate"]:
            _sealable(op, made, sink)
    return sink.errors


def uses_entries(plan: Plan) -> bool:
    """Whether the script uses `MPC` anywhere."""
    return any(op.op == "declassify" or op.attrs.get("db") == "MPC" for op, _ in _operations(plan))


def _operations(plan: Plan) -> Iterator[tuple[Operation, dict[Value, Operation]]]:
    """Those of the script, and of recursive functions, each with what makes the values of its function."""
    for function in plan.functions.values():
        if function.public.contract is None and function.public.kind in ("script", "def"):
            made = {value: op for op in operations(function.public.body) for value in op.results}
            for op in operations(function.public.body):
                yield op, made


def _sealable(op: Operation, made: dict[Value, Operation], sink: Sink) -> None:
    """What cannot be seen here, since it depends on what happens, is found when it is stored."""
    predicate = _predicate(op.operands[-1], made)
    if predicate is None:
        return
    try:
        check_sealable(predicate)
    except Unsealable as error:
        sink.error("E0803", str(error), op.span, notes=called_from(op), help=NAME_THEM)


def _predicate(value: Value, made: dict[Value, Operation]) -> _Seen | None:
    op = made.get(value)
    if op is None or op.op != "predicate":
        return None
    args: list[Any] = []
    for operand in op.operands:
        inner = _predicate(operand, made) if operand.type == Opaque(PredicateT()) else "?"
        if inner is None:
            return None
        args.append(inner)
    return _Seen(str(op.attrs["name"]), tuple(args))
