"""Lowering: the checked tree to IR. Structs split into leaves, control flow into SSA, storage into slots."""

from enigmalang.lowering.frame import LoweringError
from enigmalang.lowering.program import lower

__all__ = ["LoweringError", "lower"]
