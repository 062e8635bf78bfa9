"""Ranges of parameters: which values an argument may have."""

from collections.abc import Sequence
from typing import Any

from enigmalang.execute.failures import revert
from enigmalang.ir.ir import Function, IRType, Operation, Tensor
from enigmalang.ir.leaves import leaves_of
from enigmalang.types.ranges import Range
from enigmalang.types.types import EnumT, FixedT, IntT


def limits(type: IRType, range: Range | None) -> tuple[int, int] | None:
    """The least and greatest element of an argument: of its type, and of `in low..high`. None: anything goes."""
    match type:
        case Tensor(element=IntT() | FixedT() as element):
            low, high = element.low, element.high
        case Tensor(element=EnumT(members=members)):
            low, high = 0, len(members) - 1
        case _:
            return None
    return (low, high) if range is None else (max(low, range.low), min(high, range.high))


def check_arguments(op: Operation, function: Function, args: Sequence[Any]) -> None:
    """E0501 unless every public argument is inside its parameter's range. `args`: leaves of all parameters."""
    arguments = iter(args)
    for param in function.params:
        for leaf in leaves_of(param.type, param.private):
            argument = next(arguments)
            found = limits(leaf.type, param.range) if param.range is not None else None
            if leaf.private or found is None:
                continue
            low, high = found
            if not low <= argument <= high:
                raise revert(op, "E0501", f"`{param.name}` of {function.name} is {argument}, outside of its range "
                             f"{low}..{high}")
