"""Opaque values: identities, contract references, values of any type."""

from typing import Any

import numpy as np

from enigmalang.execute.failures import revert
from enigmalang.execute.numbers import scalar
from enigmalang.execute.ports import Identity
from enigmalang.execute.values import AnyValue, ContractRef
from enigmalang.execute.world import World
from enigmalang.ir.ir import Opaque, Operation, Tensor
from enigmalang.types.types import (
    AddressT,
    AnyT,
    BoolT,
    BytesNT,
    BytesT,
    ContractT,
    EnumT,
    FixedT,
    IdentityT,
    IntT,
    StringT,
)

_KINDS: tuple[tuple[type, ...], ...] = ((BoolT,), (IntT,), (AddressT,), (BytesNT, BytesT), (StringT,))


def convert_opaque(world: World, op: Operation, value: Any) -> Any:
    """To or from an opaque type."""
    source, target = op.operands[0].type, op.result.type
    if isinstance(value, AnyValue):
        return _from_any(op, value, target)
    if isinstance(target, Tensor):
        return value.address if isinstance(value, Identity | ContractRef) else value
    match target.type:
        case AnyT():
            kind = source.element if isinstance(source, Tensor) else source.type
            return AnyValue(kind, (value,))
        case ContractT(name=name, interface=interface):
            address = value.address if isinstance(value, ContractRef | Identity) else value
            found = world.ledger.contract_at(address)
            if found is None or (not interface and found != name):
                raise revert(op, "E0516", f"there is no contract {name} at {address}")
            return ContractRef(address, found)
        case IdentityT() if isinstance(value, str):
            known = world.identities.at(value)
            if known is None:
                raise revert(op, "E0516", f"no local identity has the address {value}")
            return known
        case _:
            return value


def _from_any(op: Operation, value: AnyValue, target: Tensor | Opaque) -> Any:
    if isinstance(target, Opaque):
        return value if isinstance(target.type, AnyT) else value.leaves[0]
    if len(value.leaves) == 1:
        leaf = value.leaves[0]
        rank = leaf.ndim if isinstance(leaf, np.ndarray) else 0
        element: Any = value.type
        while rank and not isinstance(element, AnyT) and hasattr(element, "element"):
            element = element.element
        if rank == target.rank and _same_kind(element, target.element) and _fits(leaf, target.element):
            return scalar(leaf)
    raise revert(op, "E0201", f"a value of type {value.type} is no {target}")


def _same_kind(a: Any, b: Any) -> bool:
    if isinstance(a, FixedT | EnumT):
        return bool(a == b)
    return any(isinstance(a, kinds) and isinstance(b, kinds) for kinds in _KINDS)


def _fits(leaf: Any, element: Any) -> bool:
    if not isinstance(element, IntT):
        return True
    array = np.asarray(leaf, dtype=object)
    return array.size == 0 or (element.low <= array.min() and array.max() <= element.high)


def plain_of(value: Any) -> Any:
    """What counts when opaque values are compared."""
    if isinstance(value, AnyValue):
        return tuple(scalar(v) if not isinstance(v, np.ndarray) else tuple(v.tolist()) for v in value.leaves)
    if isinstance(value, Identity | ContractRef):
        return (value.address,)
    return (tuple(value.tolist()) if isinstance(value, np.ndarray) else value,)


def compare_opaque(a: Any, b: Any) -> bool:
    return bool(plain_of(a) == plain_of(b))


def index_opaque(op: Operation, args: tuple[Any, ...]) -> Any:
    """Lists of opaque values are Python lists."""
    match op.op:
        case "len":
            value = args[0].leaves[0] if isinstance(args[0], AnyValue) else args[0]
            return len(value)
        case "index":
            items = args[0].leaves[0] if isinstance(args[0], AnyValue) else args[0]
            if not 0 <= args[1] < len(items):
                raise revert(op, "E0504", f"index {args[1]} is outside of the {len(items)} elements")
            return scalar(items[args[1]])
        case "stack":
            return list(args)
        case "empty":
            return []
        case "append":
            return [*args[0], args[1]]
        case "concat":
            return [*args[0], *args[1]]
        case "slice":
            return args[0][args[1] : args[2]]
        case "reverse":
            return args[0][::-1]
        case "contains":
            return any(compare_opaque(item, args[1]) for item in args[0])
        case _:
            raise revert(op, "E0207", f"`{op.op}` does not work on {op.operands[0].type if op.operands else 'this'}")
