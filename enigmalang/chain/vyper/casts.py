"""`convert`, `wrap` and `clamp`: a scalar as another type."""

from typing import Any

from enigmalang.chain.vyper import helpers
from enigmalang.chain.vyper.body import Body, place_of
from enigmalang.chain.vyper.convert import as_int, coerced
from enigmalang.chain.vyper.expr import BITAND, PRODUCT, Expr, constant, made
from enigmalang.chain.vyper.problems import Unsupported
from enigmalang.chain.vyper.scalars import Args, Scalar, element, joined, target_of, within
from enigmalang.chain.vyper.types import INT256, UINT256, VInt, VName, VText, VType, scalar_type
from enigmalang.ir.ir import Operation
from enigmalang.types.types import AddressT, BoolT, BytesNT, BytesT, EnumT, FixedT, IntT, StringT, fraction


def _converted(body: Body, op: Operation, args: Args) -> Expr:
    (x,) = args
    source, target = element(op, 0), element(op)
    match source, target:
        case (IntT() | FixedT() | EnumT() | BoolT(), IntT() | FixedT()):
            return _number(body, op, _counted(x), fraction(source), target)
        case (IntT() | EnumT(), EnumT()):
            if x.literal:
                return constant(x.value, VInt(False, 8))
            text = helpers.bounded(body.unit, 0, len(target.members) - 1, as_int(x, INT256).text)
            return made(f"convert({text}, uint8)", VInt(False, 8), [x], fails=True)
        case _ if source == target:
            return x
    return _text(body, op, x, source, target)


def _counted(x: Expr) -> Expr:
    """A truth as 0 or 1."""
    return x if isinstance(x.type, VInt) else made(f"convert({x.text}, uint256)", UINT256, [x])


def _number(body: Body, op: Operation, x: Expr, have: int, kind: Any) -> Expr:
    want, held = fraction(kind), scalar_type(kind)
    assert isinstance(held, VInt)
    if have == want:
        checked = as_int(x, held)
    elif x.literal and have < want:
        checked = constant(x.value << (want - have), INT256)
    elif have < want:
        wide = as_int(x, INT256)
        checked = made(f"{wide.at(PRODUCT)} * {1 << (want - have)}", INT256, [x], PRODUCT, fails=True)
    else:
        wide = as_int(x, INT256)
        wide = body.kept(Expr(wide.text, wide.type)) if wide.literal else wide
        checked = made(f"{wide.at(PRODUCT)} // {1 << (have - want)}", INT256, [x], PRODUCT)
    return within(body, op, as_int(checked, held), kind)


def _text(body: Body, op: Operation, x: Expr, source: Any, target: Any) -> Expr:
    """Texts, bytes and addresses."""
    held = body.types.get(op.result) if not getattr(op.result.type, "rank", 0) else None
    kind: VType = held if held is not None else scalar_type(target)
    match source, target:
        case (AddressT(), IntT()):
            return as_int(made(f"convert({x.text}, uint256)", UINT256, [x]), target_of(op))
        case (IntT(), AddressT()):
            low = _low_bits(x, 160)
            return made(f"convert(convert({low.text}, uint160), address)", kind, [x])
        case (IntT(), BytesNT(size=size)):
            low = _low_bits(x, 8 * size)
            whole = made(f"convert({low.text}, bytes32)", VName("bytes32"), [x])
            return whole if size == 32 else made(
                f"convert(convert({low.text}, uint{8 * size}), bytes{size})", kind, [x])
        case (BytesNT(), IntT()):
            return as_int(made(f"convert({x.text}, uint256)", UINT256, [x]), target_of(op))
        case (StringT() | BytesT(), StringT() | BytesT()):
            assert isinstance(kind, VText) and isinstance(x.type, VText)
            if x.type.kind != kind.kind:
                x = made(f"convert({x.text}, {kind.kind}[{max(1, x.type.max)}])", VText(kind.kind, x.type.max), [x])
            return coerced(body, x, kind)
        case (BytesNT(), BytesT()):
            return coerced(body, joined([x, Expr('b""', VText("Bytes", 0))]), kind)
        case (AddressT(), BytesNT(size=20)):
            return made(f"convert({x.text}, bytes20)", kind, [x])
        case (AddressT(), BytesT()):
            as_bytes = made(f"convert({x.text}, bytes20)", VName("bytes20"), [x])
            return coerced(body, joined([as_bytes, Expr('b""', VText("Bytes", 0))]), kind)
        case (BytesNT(size=20), AddressT()):
            return made(f"convert({x.text}, address)", kind, [x])
        case (BytesT(), BytesNT(size=size)):
            text = helpers.exactly(body.unit, size, x.type, x.text)
            return made(text, kind, [x], fails=True)
    raise Unsupported("E0803", f"{source} cannot become {target} on the chain", place_of(op))


def _low_bits(x: Expr, bits: int) -> Expr:
    """The low bits of an integer, as uint256."""
    assert isinstance(x.type, VInt)
    if x.literal:
        return constant(x.value & ((1 << bits) - 1), UINT256)
    if not x.type.signed and x.type.bits <= bits:
        return as_int(x, UINT256)
    wide = made(f"convert(convert({as_int(x, INT256).text}, bytes32), uint256)", UINT256, [x]) if x.type.signed else (
        as_int(x, UINT256))
    return wide if bits == 256 else made(f"{wide.at(BITAND)} & {(1 << bits) - 1}", UINT256, [x], BITAND)


def _wrap(body: Body, op: Operation, args: Args) -> Expr:
    target = element(op)
    x = _scaled(body, op, args[0])
    held = scalar_type(target)
    assert isinstance(held, VInt)
    bits = (target.high - target.low).bit_length()
    if x.literal:
        return constant((x.value - target.low) % (1 << bits) + target.low, held)
    low = _low_bits(x, bits)
    if target.low == 0:
        return as_int(low, held) if held != UINT256 else low
    return as_int(made(helpers.signed_low(body.unit, bits, low.text), INT256, [x]), held)


def _scaled(body: Body, op: Operation, x: Expr) -> Expr:
    have, want = fraction(element(op, 0)), fraction(element(op))
    x = _counted(x)
    if have == want:
        return x
    wide = as_int(x, INT256)
    if have < want:
        return made(f"{wide.at(PRODUCT)} * {1 << (want - have)}", INT256, [x], PRODUCT, fails=True)
    return made(f"{wide.at(PRODUCT)} // {1 << (have - want)}", INT256, [x], PRODUCT)


def _clamp(body: Body, op: Operation, args: Args) -> Expr:
    target = element(op)
    x, held = _scaled(body, op, args[0]), scalar_type(element(op))
    assert isinstance(held, VInt) and isinstance(x.type, VInt)
    if x.literal:
        return constant(max(target.low, min(target.high, x.value)), held)
    text, type = x, x.type
    if type.high > target.high:
        text = made(f"min({text.text}, {target.high})", type, [x])
    if type.low < target.low:
        text = made(f"max({text.text}, {constant(target.low, type).text})", type, [x])
    return as_int(Expr(text.text, type, text.strength, x.reads, x.fails), held)


def _like(body: Body, op: Operation, args: Args) -> Expr:
    return as_int(args[0], target_of(op)) if isinstance(args[0].type, VInt) else args[0]


CASTS: dict[str, Scalar] = {"convert": _converted, "wrap": _wrap, "clamp": _clamp, "like": _like}
