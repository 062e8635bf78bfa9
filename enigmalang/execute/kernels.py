"""Elementwise operations in the clear, on public values and (for the clear engine) on the values of private ones.

A public operation checks its result against the nominal type and reverts; a private one is exact, and divides by
zero to zero. `fixed` values are raw integers: `mul` rounds to the nearest (halves up), `div` truncates toward zero,
a conversion to fewer fraction bits truncates toward zero.
"""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from enigmalang.execute import numbers as n
from enigmalang.execute.failures import revert
from enigmalang.ir.ir import Operation, Tensor
from enigmalang.types.types import AddressT, BoolT, BytesNT, BytesT, EnumT, FixedT, IntT, StringT, fraction

#: Powers and shifts beyond this many bits overflow every type.
MOST_BITS = 4096


def element_of(op: Operation, number: int | None = None) -> Any:
    """The scalar type of operand `number`, or of the first result."""
    type = op.results[0].type if number is None else op.operands[number].type
    return type.element if isinstance(type, Tensor) else None


def check(op: Operation, value: Any, element: Any) -> Any:
    """A public result: reverts (E0502) where it does not fit its type."""
    if isinstance(element, IntT | FixedT):
        low, high = element.low, element.high
        bad = _outside(value, low, high)
        if bad is not None:
            raise revert(op, "E0502", f"overflow: {_shown(bad, element)} does not fit {element}")
    return value


def _outside(value: Any, low: int, high: int) -> int | None:
    if not isinstance(value, np.ndarray):
        return None if low <= value <= high else int(value)
    if value.size == 0:
        return None
    least, most = int(value.min()), int(value.max())
    return least if least < low else most if most > high else None


def _shown(value: int, element: Any) -> str:
    return str(value / (1 << element.fraction)) if isinstance(element, FixedT) else (
        str(value) if abs(value) < 1 << 300 else "a number of more than 300 bits")


# ---- arithmetic


def _add(op: Operation, private: bool, a: Any, b: Any) -> Any:
    if isinstance(element_of(op), StringT | BytesT | BytesNT):
        return a + b
    return n.add(a, b)


def _mul(op: Operation, private: bool, a: Any, b: Any) -> Any:
    return n.round_shift(n.mul(a, b), fraction(element_of(op)))


def _zero_divisor(op: Operation, private: bool, b: Any) -> None:
    if not private and bool(np.any(np.asarray(b == 0))):
        raise revert(op, "E0503", "division by zero")


def _floordiv(op: Operation, private: bool, a: Any, b: Any) -> Any:
    _zero_divisor(op, private, b)
    return n.trunc_div(a, b)


def _mod(op: Operation, private: bool, a: Any, b: Any) -> Any:
    _zero_divisor(op, private, b)
    return n.trunc_mod(a, b)


def _div(op: Operation, private: bool, a: Any, b: Any) -> Any:
    _zero_divisor(op, private, b)
    return n.trunc_div(n.shift_left(a, fraction(element_of(op))), b)


def _pow(op: Operation, private: bool, a: Any, exponent: Any) -> Any:
    if isinstance(exponent, np.ndarray):
        wide, powers = np.broadcast_arrays(n.wide(np.asarray(a)), exponent)
        made = [_pow(op, private, x, int(e)) for x, e in zip(wide.flat, powers.flat, strict=True)]
        return n.shrink(np.array(made, dtype=object).reshape(wide.shape))
    exponent = checked_exponent(op, exponent)
    bits, size = fraction(element_of(op)), n.top(a).bit_length()
    if not bits and size > 1 and exponent * (size - 1) > MOST_BITS:
        raise revert(op, "E0502", f"overflow: the power does not fit {element_of(op)}")
    return _fixed_power(op, a, exponent, bits) if bits else n.power(a, exponent)


def checked_exponent(op: Operation, exponent: Any) -> int:
    """The exponent of a power. Raises Revert for one that is negative."""
    if exponent < 0:
        raise revert(op, "E0502", f"a power of {exponent}: exponents are 0 or more")
    return int(exponent)


def _fixed_power(op: Operation, a: Any, exponent: int, bits: int) -> Any:
    result: Any = 1 << bits
    for _ in range(exponent):
        result = n.round_shift(n.mul(result, a), bits)
        if n.top(result).bit_length() > MOST_BITS:
            raise revert(op, "E0502", f"overflow: the power does not fit {element_of(op)}")
        if not isinstance(result, np.ndarray) and result in (0, 1 << bits) and result == a:
            break
    return result


def check_shift(op: Operation, count: Any) -> None:
    """Raises Revert for a count that is negative, or that no type has bits for."""
    for end in (int(np.min(count, initial=0)), int(np.max(count, initial=0))):
        if not 0 <= end <= MOST_BITS:
            raise revert(op, "E0502", f"a shift by {end} bits")


def _shl(op: Operation, private: bool, a: Any, count: Any) -> Any:
    check_shift(op, count)
    if isinstance(count, np.ndarray):
        return n.shrink(np.asarray(n.wide(np.asarray(a)) << n.wide(count), dtype=object))
    return n.shift_left(a, int(count))


def _shr(op: Operation, private: bool, a: Any, count: Any) -> Any:
    check_shift(op, count)
    if isinstance(count, np.ndarray):
        return n.shrink(np.asarray(n.wide(np.asarray(a)) >> n.wide(count), dtype=object))
    return n.floor_shift(a, int(count))


def _bnot(op: Operation, private: bool, a: Any) -> Any:
    element = element_of(op)
    return n.sub(element.high if not element.signed else -1, a)


def _bits(operation: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """Both are numbers of the result's type first: uint256 with a signed number has bits that no int256 holds."""
    def kernel(op: Operation, private: bool, a: Any, b: Any) -> Any:
        if not private:
            for number, x in enumerate((a, b)):
                if _wider(op, number):
                    check(op, x, element_of(op))
        return n.bitwise(operation, a, b)
    return kernel


def _wider(op: Operation, number: int) -> bool:
    """Whether an operand may be what the result's type does not hold: uint256 where a signed number is, too."""
    own, result = element_of(op, number), element_of(op)
    return isinstance(own, IntT) and isinstance(result, IntT) and own.high > result.high


def _compared(operation: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    return lambda op, private, a, b: n.compare(operation, a, b)


def _logic(operation: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    return lambda op, private, a, b: operation(a, b)


def _not(op: Operation, private: bool, a: Any) -> Any:
    return np.logical_not(a) if isinstance(a, np.ndarray) else not a


def _select(op: Operation, private: bool, c: Any, a: Any, b: Any) -> Any:
    if not isinstance(c, np.ndarray):
        shape = np.broadcast_shapes(np.shape(a), np.shape(b))
        chosen = a if c else b
        return np.broadcast_to(chosen, shape) if shape and np.shape(chosen) != shape else chosen
    if any(isinstance(v, int) and not isinstance(v, bool) and abs(v) >= 1 << 62 for v in (a, b)):
        a, b = (np.asarray(v, dtype=object) for v in (a, b))
    return n.shrink(np.where(c, a, b)) if isinstance(element_of(op), IntT | FixedT | EnumT) else np.where(c, a, b)


# ---- conversions


def _convert(op: Operation, private: bool, x: Any) -> Any:
    source, target = element_of(op, 0), element_of(op)
    match source, target:
        case (IntT() | FixedT() | EnumT() | BoolT(), IntT() | FixedT()):
            value = rescaled(as_ints(x), fraction(source), fraction(target))
            return value if private else _fits(op, value, target)
        case (IntT() | EnumT(), EnumT()):
            return _member(op, x, target)
        case _:
            return _each(lambda item: _convert_text(op, item, source, target), x)


def as_ints(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        return x.astype(np.int64) if x.dtype == np.bool_ else x
    return int(x)


def rescaled(x: Any, source: int, target: int) -> Any:
    """From `source` fraction bits to `target`; toward zero where bits are lost."""
    if target >= source:
        return n.shift_left(x, target - source) if target > source else x
    return n.trunc_div(x, 1 << (source - target))


def _fits(op: Operation, value: Any, target: Any) -> Any:
    bad = _outside(value, target.low, target.high)
    if bad is None:
        return value
    what = op.attrs.get("implicit")
    where = f" for {what}" if what else ""
    raise revert(op, "E0502", f"{_shown(bad, target)} does not fit {target}{where}")


def _member(op: Operation, x: Any, target: EnumT) -> Any:
    bad = _outside(x, 0, len(target.members) - 1)
    if bad is not None:
        raise revert(op, "E0502", f"{target.name} has no member number {bad}")
    return x


def _each(function: Callable[[Any], Any], x: Any) -> Any:
    if not isinstance(x, np.ndarray):
        return function(x)
    made = np.empty(x.size, dtype=object)
    made[:] = [function(item) for item in x.flat]
    return n.shrink(made.reshape(x.shape)) if made.size and isinstance(made.flat[0], int) else made.reshape(x.shape)


def _convert_text(op: Operation, x: Any, source: Any, target: Any) -> Any:
    """Texts, bytes and addresses."""
    value = x
    match source, target:
        case (AddressT(), IntT()):
            return check(op, int(x, 16), target)
        case (IntT(), AddressT()):
            return f"0x{x & ((1 << 160) - 1):040x}"
        case (BytesNT() | BytesT(), IntT()):
            return check(op, int.from_bytes(x, "big"), target)
        case (IntT(), BytesNT(size=size)):
            return (x & ((1 << 8 * size) - 1)).to_bytes(size, "big")
        case (AddressT(), BytesT() | BytesNT()):
            value = bytes.fromhex(x[2:])
        case (StringT(), BytesT() | BytesNT()):
            value = x.encode()
        case (BytesT() | BytesNT(), StringT()):
            value = x.decode("utf-8", "replace")
        case (BytesNT(size=20) | BytesT(), AddressT()):
            return "0x" + x[-20:].rjust(20, b"\0").hex()
        case _:
            pass
    return _fits_text(op, value, target)


def _fits_text(op: Operation, value: Any, target: Any) -> Any:
    size = len(value.encode() if isinstance(value, str) else value)
    if isinstance(target, BytesNT) and size != target.size:
        raise revert(op, "E0502", f"{size} bytes are not the {target.size} of {target}")
    if isinstance(target, BytesT | StringT) and target.max is not None and size > target.max:
        raise revert(op, "E0502", f"{size} bytes do not fit {target}")
    return value


def wrapped(value: Any, target: Any) -> Any:
    """Modulo 2^bits of the target."""
    bits = (target.high - target.low).bit_length()
    shifted = n.sub(value, target.low)
    return n.add(n.sub(shifted, n.shift_left(n.floor_shift(shifted, bits), bits)), target.low)


def _wrap(op: Operation, private: bool, x: Any) -> Any:
    target = element_of(op)
    return wrapped(rescaled(as_ints(x), fraction(element_of(op, 0)), fraction(target)), target)


def _clamp(op: Operation, private: bool, x: Any) -> Any:
    target = element_of(op)
    value = rescaled(as_ints(x), fraction(element_of(op, 0)), fraction(target))
    return n.maximum(n.minimum(value, target.high), target.low)


Kernel = Callable[..., Any]

ELEMENTWISE: dict[str, Kernel] = {
    "add": _add,
    "sub": lambda op, private, a, b: n.sub(a, b),
    "mul": _mul,
    "neg": lambda op, private, a: n.sub(0, a),
    "abs": lambda op, private, a: n.maximum(a, n.sub(0, a)),
    "pow": _pow,
    "floordiv": _floordiv,
    "mod": _mod,
    "div": _div,
    "min": lambda op, private, a, b: n.minimum(a, b),
    "max": lambda op, private, a, b: n.maximum(a, b),
    "band": _bits(operator.and_),
    "bor": _bits(operator.or_),
    "bxor": _bits(operator.xor),
    "bnot": _bnot,
    "shl": _shl,
    "shr": _shr,
    "lt": _compared(operator.lt),
    "le": _compared(operator.le),
    "gt": _compared(operator.gt),
    "ge": _compared(operator.ge),
    "eq": _compared(operator.eq),
    "ne": _compared(operator.ne),
    "and": _logic(operator.and_),
    "or": _logic(operator.or_),
    "xor": _logic(operator.xor),
    "not": _not,
    "select": _select,
    "convert": _convert,
    "wrap": _wrap,
    "clamp": _clamp,
}

CHECKED = frozenset(["add", "sub", "mul", "neg", "abs", "pow", "floordiv", "div", "shl", "shr", "bnot"])
#: Gives one of its operands.
_PICKS = frozenset(["select", "min", "max"])


def elementwise(op: Operation, private: bool, args: tuple[Any, ...]) -> Any:
    """The result of an elementwise operation; scalars are plain Python values."""
    value = n.scalar(ELEMENTWISE[op.op](op, private, *args))
    if private:
        return value
    if op.op in CHECKED or (op.op in _PICKS and any(_wider(op, i) for i in range(len(args)))):
        return check(op, value, element_of(op))
    return value
