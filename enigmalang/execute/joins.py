"""Where branches join: uint256 with a signed number is an int256, which not every uint256 fits."""

from functools import lru_cache
from typing import Any

import numpy as np

from enigmalang.execute.kernels import check
from enigmalang.ir.ir import Operation, Tensor, Value
from enigmalang.types.types import IntT


@lru_cache(maxsize=4096)
def wider_joins(op: Operation) -> tuple[int, ...]:
    """The results of an `if` that a branch may yield more than they hold."""
    ends = [region.ops[-1] for region in op.regions]
    return tuple(
        number for number, result in enumerate(op.results)
        if any(end.op == "yield" and _wider(end.operands[number], result) for end in ends))


def _wider(value: Value, result: Value) -> bool:
    if not isinstance(value.type, Tensor) or not isinstance(result.type, Tensor):
        return False
    own, joined = value.type.element, result.type.element
    return isinstance(own, IntT) and isinstance(joined, IntT) and own.high > joined.high


def check_joined(op: Operation, number: int, value: Any) -> None:
    """Reverts (E0502) where a public value does not fit the result's type."""
    type = op.results[number].type
    if isinstance(value, int | np.ndarray) and isinstance(type, Tensor):
        check(op, value, type.element)
