"""Calls of other contracts, as the plan's interfaces declare them."""

from enigmalang.chain.vyper.body import WORLD, Body
from enigmalang.chain.vyper.convert import as_int, coerced, from_abi, to_abi
from enigmalang.chain.vyper.types import UINT256, VType, abi_type
from enigmalang.chain.vyper.unit import Unit
from enigmalang.ir.ir import Foreign, Operation, operations
from enigmalang.ir.leaves import leaves_of
from enigmalang.types.types import NoneT, TupleT, Type


def external_call(body: Body, op: Operation) -> None:
    """`staticcall` of a view, `extcall` of anything else."""
    interface, function = op.attrs["interface"], op.attrs["function"]
    declared = body.unit.plan.interfaces[interface].functions[function]
    contract, *rest = op.operands
    address = body.use(contract)
    wei = body.use(rest.pop(0)) if op.attrs["value"] else None
    leaves = [body.use(v) for v in rest]
    args = []
    for _, type in declared.params:
        count = len(leaves_of(type))
        args.append(coerced(body, to_abi(body, type, leaves[:count]), abi_type(type)))
        leaves = leaves[count:]
    body.barrier((WORLD,), textual=True)
    texts = [a.text for a in args] + ([f"value={as_int(wei, UINT256).text}"] if wei is not None else [])
    how = "staticcall" if declared.view else "extcall"
    _results(body, op, declared, f"{how} {interface}({address.text}).{function}({', '.join(texts)})")


def _results(body: Body, op: Operation, declared: Foreign, call: str) -> None:
    types = returned(declared.result)
    hint = op.results[0].hint if len(op.results) == 1 else ""
    if not types:
        return body.say(call)
    found = [body.declare(hint or "found", abi_type(t)) for t in types]
    body.say(f"{', '.join(f.text for f in found)} = {call}")
    values = [e for type, expr in zip(types, found, strict=True) for e in from_abi(body, type, expr)]
    for value, expr in zip(op.results, values, strict=True):
        body.define_value(value, coerced(body, expr, body.types[value]))


def returned(result: Type) -> list[Type]:
    """What a call gives: the items of a tuple."""
    match result:
        case NoneT():
            return []
        case TupleT(items=items):
            return list(items)
        case _:
            return [result]


def called(unit: Unit) -> dict[str, dict[str, Foreign]]:
    """The interfaces that this contract uses, with the functions that it calls."""
    found: dict[str, dict[str, Foreign]] = {}
    for planned in (*unit.functions, *(f for f in unit.plan.functions.values() if f.public.kind == "predicate")):
        for op in operations(planned.public.body):
            if op.op == "external_call":
                name, function = op.attrs["interface"], op.attrs["function"]
                found.setdefault(name, {})[function] = unit.plan.interfaces[name].functions[function]
    return dict(sorted(found.items()))


def declaration(name: str, function: Foreign) -> str:
    """As an interface of Vyper has it."""
    params = ", ".join(f"x{n}: {abi_type(type)}" for n, (_, type) in enumerate(function.params))
    types: list[VType] = [abi_type(t) for t in returned(function.result)]
    result = "" if not types else f" -> {types[0] if len(types) == 1 else '(' + ', '.join(map(str, types)) + ')'}"
    return f"def {name}({params}){result}: {_kind(function)}"


def _kind(function: Foreign) -> str:
    return "view" if function.view else ("payable" if function.payable else "nonpayable")
