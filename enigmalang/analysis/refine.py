"""What a condition says of the values it compares: `if x > 0` leaves x positive in one branch."""

from enigmalang.analysis.fact import Fact, is_private
from enigmalang.ir.ir import Operation, Tensor, Value
from enigmalang.types.ranges import Range

_NOT = {"lt": "ge", "ge": "lt", "gt": "le", "le": "gt", "eq": "ne", "ne": "eq"}
_MIRROR = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le", "eq": "eq", "ne": "ne"}


def refinements(
    condition: Value, held: bool, defs: dict[Value, Operation], facts: dict[Value, Fact],
) -> dict[Value, Fact]:
    """Narrower facts of scalar values where `condition` is known to be `held`."""
    op = defs.get(condition)
    if op is None:
        return {}
    if op.op == "not":
        return refinements(op.operands[0], not held, defs, facts)
    if op.op == ("and" if held else "or"):
        found = refinements(op.operands[0], held, defs, facts)
        return found | refinements(op.operands[1], held, defs, {**facts, **found})
    if op.op not in _NOT:
        return {}
    x, y = op.operands
    name = op.op if held else _NOT[op.op]
    return _narrow(x, name, y, facts) | _narrow(y, _MIRROR[name], x, facts)


def _narrow(x: Value, name: str, y: Value, facts: dict[Value, Fact]) -> dict[Value, Fact]:
    fact, other = facts.get(x), facts.get(y)
    if fact is None or other is None or fact.range is None or other.range is None:
        return {}
    if any(isinstance(v.type, Tensor) and v.type.rank for v in (x, y)):
        return {}
    narrowed = fact.range.meet(_allowed(name, fact.range, other.range))
    if narrowed is None or narrowed == fact.range:
        return {}
    return {x: Fact(narrowed, fact.lens, fact.base if is_private(x) else None, fact.offset)}


def _allowed(name: str, x: Range, y: Range) -> Range:
    """The interval that holds every v of `x` for which `v name w` is true for some w of `y`."""
    low, high = min(x.low, y.low), max(x.high, y.high)
    match name:
        case "lt":
            return Range(min(low, y.high - 1), y.high - 1)
        case "le":
            return Range(low, y.high)
        case "gt":
            return Range(y.low + 1, max(high, y.low + 1))
        case "ge":
            return Range(y.low, high)
        case "eq":
            return y
        case _:
            if y.low == y.high == x.low:
                return Range(x.low + 1, max(high, x.low + 1))
            return Range(x.low, x.high - 1) if y.low == y.high == x.high else x
