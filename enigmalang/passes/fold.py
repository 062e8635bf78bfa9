"""Constant folding: public scalars known at compile time, where the operation cannot fail; and conversions that
change nothing."""

import operator
from collections.abc import Callable
from typing import Any

from enigmalang.ir.ir import Operation, Program, Region, Tensor, Value
from enigmalang.types.ranges import Range
from enigmalang.types.types import BoolT, IntT, Label


def fold_constants(program: Program) -> Program:
    """Fold in every function of `program`, in place."""
    for function in program.functions.values():
        _region(function.body, {}, {})
    return program


def _region(region: Region, constants: dict[Value, Any], known: dict[Value, Value]) -> None:
    made: list[Operation] = []
    for op in region.ops:
        op.operands = tuple(known.get(v, v) for v in op.operands)
        if op.op == "const":
            constants[op.result] = op.attrs["value"]
        elif _is_identity(op):
            known[op.result] = op.operands[0]
            continue
        elif _foldable(op) and all(v in constants for v in op.operands):
            op = _folded(op, [constants[v] for v in op.operands])
            if op.op == "const":
                constants[op.result] = op.attrs["value"]
        for inner in op.regions:
            _region(inner, constants, known)
        made.append(op)
    region.ops = made


def _is_identity(op: Operation) -> bool:
    """A conversion to the type that a value has, public (it was checked when it was made) or proven private."""
    if op.op != "convert":
        return False
    source, target = op.operands[0], op.result
    if source.label is not target.label:
        return False
    return source.type == target.type and (
        source.label is Label.PUBLIC or (source.range is not None and source.range == target.range))


#: All of these are exact on Python's integers and booleans, and cannot fail.
_FOLDS: dict[str, Callable[..., Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "neg": operator.neg, "abs": abs,
    "min": min, "max": max, "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
    "eq": operator.eq, "ne": operator.ne, "and": operator.and_, "or": operator.or_, "xor": operator.xor,
    "not": operator.not_, "convert": lambda value: value,
}


def _foldable(op: Operation) -> bool:
    if op.op not in _FOLDS or op.result.label is not Label.PUBLIC:
        return False
    types = [v.type for v in (*op.operands, op.result)]
    if not all(isinstance(t, Tensor) and t.rank == 0 for t in types):
        return False
    elements = [t.element for t in types if isinstance(t, Tensor)]
    whole = all(isinstance(e, IntT) for e in elements[:-1]) or all(isinstance(e, BoolT) for e in elements[:-1])
    return whole and isinstance(elements[-1], IntT | BoolT) and (
        op.op != "convert" or isinstance(elements[0], IntT) is isinstance(elements[-1], IntT))


def _folded(op: Operation, values: list[Any]) -> Operation:
    """`op` as a constant; unchanged when its checked result does not fit (it fails when it runs)."""
    value = _FOLDS[op.op](*values)
    type = op.result.type
    assert isinstance(type, Tensor)
    if isinstance(type.element, IntT) and not type.element.low <= value <= type.element.high:
        return op
    if not isinstance(value, bool):
        op.result.range = Range(value, value)
    return Operation("const", (), op.results, op.span, {"value": value}, (), op.via)
