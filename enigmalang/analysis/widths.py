"""The bits that an operation needs on the way to its result, where what the nodes compute first may be wider.

A field that holds every value of a program must hold these too: see `analysis.ranges.choose_field`.
"""

from collections.abc import Iterator, Sequence

from enigmalang.analysis.arrays import wide_product
from enigmalang.analysis.fact import NEAR_BITS, Fact, element, is_private
from enigmalang.analysis.scalars import MOST_FACTORS, converted, scaled
from enigmalang.ir.ir import Operation, Value
from enigmalang.types.ranges import Range, absolute, mul, nominal, rounded_shift, sub
from enigmalang.types.types import fraction


def working_bits(op: Operation) -> int:
    """What an operation needs on the way to its result."""
    if len(op.results) != 1 or not op.operands or any(v.range is None for v in op.operands):
        return 0
    ranges = [v.range for v in op.operands if v.range is not None]
    return max((wide.bits for wide in _on_the_way(op, ranges)), default=0)


def _on_the_way(op: Operation, ranges: Sequence[Range]) -> Iterator[Range]:
    """What the nodes compute before the result of `op`, where that may be wider (`execute.rules`)."""
    x, y, bits = ranges[0], ranges[-1], fraction(element(op.result))
    match op.op:
        case "mul" if bits and (product := mul(x, y)):
            yield _before_rounding(product, bits)
        case "dot" | "matmul" if bits and (product := wide_product(op, [Fact(v.range, v.lens) for v in op.operands])):
            yield _before_rounding(product, bits)
        case "pow" if bits and y.high <= MOST_FACTORS:
            yield from _factors(x, y.high, bits)
        case "floordiv" | "mod" | "div":  # magnitudes are divided; a public one may be greater than what is left of it
            size = absolute(scaled(x, bits) if op.op == "div" else x)
            yield Range(size.low, size.high + _is_far(op.operands[1]))
        case "wrap" | "clamp" if (found := converted(op, x)) and (bound := nominal(element(op.result))):
            yield found
            if op.op == "wrap" and not found.within(bound):
                yield sub(found, Range(bound.low, bound.low))
        case "lt" | "le" | "gt" | "ge" | "eq" | "ne" | "min" | "max" | "contains" if any(map(_is_far, op.operands)):
            yield from (Range(x.low - 1, x.high + 1) for v, x in zip(op.operands, ranges, strict=True) if is_private(v))
        case _:
            pass


def _is_far(value: Value) -> bool:
    """Whether a public number may be put next to what it is compared with, or divides (`execute.rules.near`)."""
    return not is_private(value) and value.range is not None and value.range.bits > NEAR_BITS


def _factors(x: Range, exponent: int, bits: int) -> Iterator[Range]:
    """The products of a power of fixed point, before each is rounded."""
    power = x
    for _ in range(exponent - 1):
        product = mul(power, x)
        if product is None:
            return
        yield _before_rounding(product, bits)
        power = rounded_shift(product, bits)


def _before_rounding(x: Range, bits: int) -> Range:
    """With the half that makes a shift round to the nearest."""
    return Range(x.low, x.high + (1 << (bits - 1)))
