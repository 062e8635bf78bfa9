"""Copies of functions with values of their own."""

from dataclasses import replace

from enigmalang.ir.ir import Function, Operation, Region, Value


def clone(function: Function) -> Function:
    """A deep copy: no value, operation or region is shared with `function`."""
    known: dict[Value, Value] = {}
    params = tuple(replace(p, values=tuple(_value(v, known) for v in p.values)) for p in function.params)
    return replace(function, params=params, body=_region(function.body, known))


def _value(value: Value, known: dict[Value, Value]) -> Value:
    if value not in known:
        known[value] = replace(value)
    return known[value]


def _region(region: Region, known: dict[Value, Value]) -> Region:
    params = [_value(v, known) for v in region.params]
    return Region(params, [_operation(op, known) for op in region.ops])


def _operation(op: Operation, known: dict[Value, Value]) -> Operation:
    return replace(
        op, operands=tuple(_value(v, known) for v in op.operands), results=tuple(_value(v, known) for v in op.results),
        attrs=dict(op.attrs), regions=tuple(_region(r, known) for r in op.regions))
