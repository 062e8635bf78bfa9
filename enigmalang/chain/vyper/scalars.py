"""Elementwise operations on scalars: checked exactly as the interpreter checks them (execute/kernels.py)."""

from collections.abc import Callable, Sequence
from typing import Any

from enigmalang.chain.vyper import helpers
from enigmalang.chain.vyper.body import Body, place_of
from enigmalang.chain.vyper.control import chosen, negated
from enigmalang.chain.vyper.convert import as_int, coerced
from enigmalang.chain.vyper.expr import (
    AND,
    BITAND,
    BITOR,
    BITXOR,
    COMPARE,
    NOT,
    OR,
    POWER,
    PRODUCT,
    SHIFT,
    SUM,
    UNARY,
    Expr,
    constant,
    made,
)
from enigmalang.chain.vyper.problems import Unsupported
from enigmalang.chain.vyper.types import (
    BOOL,
    INT256,
    UINT256,
    VInt,
    VName,
    VText,
    VType,
    join_types,
    scalar_type,
)
from enigmalang.ir.ir import Operation, Tensor
from enigmalang.types.types import AddressT, BoolT, BytesNT, BytesT, EnumT, FixedT, IntT, StringT

Args = Sequence[Expr]
Scalar = Callable[[Body, Operation, Args], Expr]


def element(op: Operation, number: int | None = None) -> Any:
    type = op.result.type if number is None else op.operands[number].type
    return type.element if isinstance(type, Tensor) else type.type


def fraction(kind: Any) -> int:
    return kind.fraction if isinstance(kind, FixedT) else 0


def target_of(op: Operation) -> VInt:
    found = scalar_type(element(op))
    assert isinstance(found, VInt)
    return found


def within(body: Body, op: Operation, expr: Expr, kind: Any) -> Expr:
    """A `fixed` value whose bits are no multiple of 8 is held in int256: its bounds are checked by name."""
    if isinstance(kind, FixedT) and (kind.integer + kind.fraction) % 8:
        return made(helpers.bounded(body.unit, kind.low, kind.high, expr.text), INT256, [expr], fails=True)
    return expr


def _both(body: Body, op: Operation, args: Args) -> tuple[Expr, Expr]:
    target = target_of(op)
    a, b = (as_int(x, target) for x in args)
    if a.literal and b.literal:
        a = body.kept(Expr(a.text, a.type))
    return a, b


def _arithmetic(sign: str, strength: int) -> Scalar:
    def emit(body: Body, op: Operation, args: Args) -> Expr:
        if target_of(op) == INT256 and any(x.type == UINT256 and not x.literal for x in args):
            return _halves(body, sign, args)
        a, b = _both(body, op, args)
        text = f"{a.at(strength)} {sign} {b.at(strength + 1)}"
        return within(body, op, made(text, target_of(op), (a, b), strength, fails=True), element(op))
    return emit


def _halves(body: Body, sign: str, args: Args) -> Expr:
    """uint256 with a signed number: by sign and magnitude, as neither type holds the other."""
    texts = []
    for x in args:
        assert isinstance(x.type, VInt)
        if x.literal:
            texts += [str(x.value < 0), str(abs(x.value))]
        elif x.type.signed:
            x = body.kept(as_int(x, INT256))
            texts += [f"{x.at(COMPARE + 1)} < 0", helpers.magnitude(body.unit, x.text)]
        else:
            texts += ["False", as_int(x, UINT256).text]
    return made(helpers.by_magnitude(body.unit, sign, texts), INT256, args, fails=True)


def _add(body: Body, op: Operation, args: Args) -> Expr:
    if isinstance(element(op), StringT | BytesT | BytesNT):
        return joined(args)
    return _arithmetic("+", SUM)(body, op, args)


def joined(args: Args) -> Expr:
    """Texts one after the other."""
    kind = "String" if any(isinstance(a.type, VText) and a.type.kind == "String" for a in args) else "Bytes"
    most = sum(a.type.max if isinstance(a.type, VText) else int(str(a.type)[5:]) for a in args)
    return made(f"concat({', '.join(a.text for a in args)})", VText(kind, most), args)


def _mul(body: Body, op: Operation, args: Args) -> Expr:
    bits = fraction(element(op))
    if not bits:
        return _arithmetic("*", PRODUCT)(body, op, args)
    kind = element(op)
    if kind.integer + kind.fraction > 128:
        raise _too_wide(op, kind)
    a, b = (as_int(x, INT256) for x in args)
    if a.literal and b.literal:
        a = body.kept(Expr(a.text, a.type))
    text = f"({a.at(PRODUCT)} * {b.at(UNARY)} + {1 << (bits - 1)}) >> {bits}"
    return _narrowed(body, op, made(text, INT256, (a, b), SHIFT, fails=True))


def _too_wide(op: Operation, kind: FixedT) -> Unsupported:
    return Unsupported("E0804", f"products of {kind} need more than the 256 bits of the chain's numbers", place_of(op),
                       "use a `fixed[I, F]` of at most 128 bits")


def _narrowed(body: Body, op: Operation, expr: Expr) -> Expr:
    return within(body, op, as_int(expr, target_of(op)), element(op))


def _div(body: Body, op: Operation, args: Args) -> Expr:
    kind = element(op)
    if kind.integer + 2 * kind.fraction > 256:
        raise _too_wide(op, kind)
    a, b = (as_int(x, INT256) for x in args)
    if a.literal:
        a = constant(a.value << kind.fraction, INT256)
        text = f"{a.text} // {b.at(UNARY)}"
        if b.literal:
            b = body.kept(Expr(b.text, b.type))
            text = f"{a.text} // {b.at(UNARY)}"
    else:
        text = f"{a.at(PRODUCT)} * {1 << kind.fraction} // {b.at(UNARY)}"
    return _narrowed(body, op, made(text, INT256, (a, b), PRODUCT, fails=True))


def _neg(body: Body, op: Operation, args: Args) -> Expr:
    if args[0].type == UINT256 and not args[0].literal and target_of(op) == INT256:
        return made(helpers.signed(body.unit, "True", args[0].text), INT256, args, fails=True)
    x = as_int(args[0], target_of(op))
    if target_of(op).signed and not x.literal:
        made_ = made(f"-{x.at(ATOM_OR_CALL)}", x.type, args, UNARY, fails=True)
    else:
        made_ = made(f"0 - {x.at(UNARY)}", x.type, args, SUM, fails=True)
    return within(body, op, made_, element(op))


ATOM_OR_CALL = POWER


def _abs(body: Body, op: Operation, args: Args) -> Expr:
    target = target_of(op)
    if not target.signed:
        held = args[0].type
        if not isinstance(held, VInt) or not held.signed or args[0].literal:
            return as_int(args[0], target)
        size = helpers.magnitude(body.unit, as_int(args[0], INT256).text)
        return as_int(made(size, UINT256, args), target)
    x = body.kept(as_int(args[0], target)) if not args[0].cheap else as_int(args[0], target)
    minus = made(f"-{x.at(POWER)}", target, [x], UNARY, fails=True)
    positive = made(f"{x.at(COMPARE + 1)} >= 0", BOOL, [x], COMPARE)
    return within(body, op, chosen(positive, x, minus), element(op))


def _pow(body: Body, op: Operation, args: Args) -> Expr:
    target, (a, e) = target_of(op), args
    if fraction(element(op)):
        raise Unsupported("E0803", "powers of `fixed` values cannot run on the chain", place_of(op),
                          "multiply them out")
    a = as_int(a, target)
    if e.literal and 0 <= e.value < 256 and not a.literal:
        return made(f"{a.at(POWER + 1)} ** {e.value}", target, [a], POWER, fails=True)
    wide = INT256 if target.signed else UINT256
    text = helpers.power(body.unit, wide.signed, as_int(a, wide).text, as_int(e, UINT256).text)
    return as_int(made(text, wide, args, fails=True), target)


def _extreme(name: str) -> Scalar:
    def emit(body: Body, op: Operation, args: Args) -> Expr:
        if target_of(op) == INT256 and any(x.type == UINT256 and not x.literal for x in args):
            a, b = (body.kept(x) for x in args)
            less = _numbers(body, "<" if name == "min" else ">", a, b)
            return chosen(less, as_int(a, INT256), as_int(b, INT256))
        a, b = _both(body, op, args)
        return made(f"{name}({a.text}, {b.text})", target_of(op), (a, b))
    return emit


def _bitwise(sign: str, strength: int) -> Scalar:
    def emit(body: Body, op: Operation, args: Args) -> Expr:
        a, b = _both(body, op, args)
        return made(f"{a.at(strength)} {sign} {b.at(strength + 1)}", target_of(op), (a, b), strength)
    return emit


def _bnot(body: Body, op: Operation, args: Args) -> Expr:
    target = target_of(op)
    x = as_int(args[0], target)
    start = str(-1 if target.signed else target.high)
    return made(f"{start} - {x.at(UNARY)}", target, [x], SUM, fails=x.literal)


def _shift(left: bool) -> Scalar:
    def emit(body: Body, op: Operation, args: Args) -> Expr:
        target, (a, count) = target_of(op), args
        wide = INT256 if target.signed else UINT256
        a = as_int(a, wide)
        count = as_int(count, UINT256)
        text = helpers.shifted(body.unit, wide.signed, left, a.text, count.text)
        return as_int(made(text, wide, (a, count), fails=True), target)
    return emit


# ---- comparisons


_SIGNS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}


def compared(body: Body, op: Operation, args: Args) -> Expr:
    sign, (a, b) = _SIGNS[op.op], args
    match a.type, b.type:
        case VInt(), VInt():
            return _numbers(body, sign, a, b)
        case (VText(), _) | (_, VText()):
            return _texts(body, op, sign, a, b)
        case _ if sign in ("==", "!="):
            return _equal(sign, a, b)
        case _ if a.type == BOOL:
            wide = [made(f"convert({x.text}, uint8)", VInt(False, 8), [x]) for x in args]
            return _plainly(sign, *wide)
        case _ if str(a.type) == "address" or str(a.type).startswith("bytes"):
            wide = [made(f"convert({x.text}, uint256)", UINT256, [x]) for x in args]
            return _plainly(sign, *wide)
    raise Unsupported("E0803", f"`{sign}` on {a.type} cannot run on the chain", place_of(op))


def _plainly(sign: str, a: Expr, b: Expr) -> Expr:
    return made(f"{a.at(COMPARE + 1)} {sign} {b.at(COMPARE + 1)}", BOOL, (a, b), COMPARE)


def _equal(sign: str, a: Expr, b: Expr) -> Expr:
    if (a.type == BOOL and b.literal) or (a.literal and a.type == BOOL):
        known, other = (b, a) if b.literal else (a, b)
        return other if known.value == (sign == "==") else negated(other)
    return _plainly(sign, a, b)


def _numbers(body: Body, sign: str, a: Expr, b: Expr) -> Expr:
    assert isinstance(a.type, VInt) and isinstance(b.type, VInt)
    if a.literal and b.literal:
        return constant({"<": a.value < b.value, "<=": a.value <= b.value, ">": a.value > b.value,
                         ">=": a.value >= b.value, "==": a.value == b.value, "!=": a.value != b.value}[sign], BOOL)
    for x, y, flip in ((a, b, False), (b, a, True)):
        if y.literal:
            assert isinstance(x.type, VInt)
            if not x.type.low <= y.value <= x.type.high:
                return _outside(sign, y.value > x.type.high, flip)
            y = constant(y.value, x.type)
            return _plainly(sign, *((y, x) if flip else (x, y)))
    common = join_types(a.type, b.type)
    assert isinstance(common, VInt)
    if common.holds(a.type) and common.holds(b.type):
        return _plainly(sign, as_int(a, common), as_int(b, common))
    return _mixed(body, sign, a, b)


def _outside(sign: str, above: bool, flip: bool) -> Expr:
    """Against a literal that lies outside of the type: the answer is known."""
    if sign in ("==", "!="):
        return constant(sign == "!=", BOOL)
    less = sign in ("<", "<=")
    return constant((above == less) != flip, BOOL)


def _mixed(body: Body, sign: str, a: Expr, b: Expr) -> Expr:
    """uint256 against a signed number."""
    a, b = (x if x.cheap else body.kept(x) for x in (a, b))
    signed, unsigned = (a, b) if a.type.signed else (b, a)  # type: ignore[union-attr]
    negative = made(f"{signed.at(COMPARE + 1)} < 0", BOOL, [signed], COMPARE)
    positive = made(f"{signed.at(COMPARE + 1)} >= 0", BOOL, [signed], COMPARE)
    wide = made(f"convert({signed.text}, uint256)", UINT256, [signed])
    both = _plainly(sign, *((wide, as_int(unsigned, UINT256)) if signed is a else (as_int(unsigned, UINT256), wide)))
    when_negative = sign == "!=" or ((sign in ("<", "<=")) == (signed is a) and sign != "==")
    if when_negative:
        return made(f"{negative.text} or {both.text}", BOOL, (a, b), OR)
    return made(f"{positive.text} and {both.text}", BOOL, (a, b), AND)


def _texts(body: Body, op: Operation, sign: str, a: Expr, b: Expr) -> Expr:
    if sign not in ("==", "!="):
        raise Unsupported("E0803", "texts are not ordered on the chain", place_of(op))
    if not (isinstance(a.type, VText) and isinstance(b.type, VText)):
        a, b = (x if isinstance(x.type, VText) else made(f"concat({x.text}, b\"\")", VText("Bytes", 32), [x])
                for x in (a, b))
    return _plainly(sign, a, b)


# ---- truths


def _strictly(body: Body, args: Args) -> list[Expr]:
    return [body.kept(a) if a.fails and n else a for n, a in enumerate(args)]


def _and(body: Body, op: Operation, args: Args) -> Expr:
    a, b = _strictly(body, args)
    return made(f"{a.at(AND)} and {b.at(NOT)}", BOOL, (a, b), AND)


def _or(body: Body, op: Operation, args: Args) -> Expr:
    a, b = _strictly(body, args)
    return made(f"{a.at(OR)} or {b.at(AND)}", BOOL, (a, b), OR)


def _xor(body: Body, op: Operation, args: Args) -> Expr:
    return _plainly("!=", *args)


def _not(body: Body, op: Operation, args: Args) -> Expr:
    if args[0].literal:
        return constant(not args[0].value, BOOL)
    return negated(args[0])


def _select(body: Body, op: Operation, args: Args) -> Expr:
    condition, a, b = args
    kind = body.types[op.result]
    while not isinstance(kind, VInt | VName | VText):
        kind = kind.element
    # Both sides are evaluated, as far as they fail; what is not chosen need not fit the result's type.
    a, b = (body.kept(x) if x.fails else x for x in (a, b))
    a, b = coerced(body, a, kind), coerced(body, b, kind)
    if (a.literal and b.literal) or isinstance(kind, VText):
        a, b = (body.kept(Expr(x.text, x.type, x.strength, x.reads, x.fails)) for x in (a, b))
    if isinstance(kind, VText):
        picked = body.declare("text", kind)
        body.say(f"if {condition.text}:")
        with body.out.block():
            body.say(f"{picked.text} = {a.text}")
        body.say("else:")
        with body.out.block():
            body.say(f"{picked.text} = {b.text}")
        return picked
    return chosen(condition, a, b)


# ---- conversions


def converted(body: Body, op: Operation, args: Args) -> Expr:
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
            return as_int(made(f"convert({x.text}, uint256)", UINT256, [x]), scalar_type(target))  # type: ignore[arg-type]
        case (IntT(), AddressT()):
            low = _low_bits(x, 160)
            return made(f"convert(convert({low.text}, uint160), address)", kind, [x])
        case (IntT(), BytesNT(size=size)):
            low = _low_bits(x, 8 * size)
            whole = made(f"convert({low.text}, bytes32)", VName("bytes32"), [x])
            return whole if size == 32 else made(
                f"convert(convert({low.text}, uint{8 * size}), bytes{size})", kind, [x])
        case (BytesNT(), IntT()):
            return as_int(made(f"convert({x.text}, uint256)", UINT256, [x]), scalar_type(target))  # type: ignore[arg-type]
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


SCALARS: dict[str, Scalar] = {
    "add": _add, "sub": _arithmetic("-", SUM), "mul": _mul, "div": _div, "neg": _neg, "abs": _abs, "pow": _pow,
    "floordiv": _arithmetic("//", PRODUCT), "mod": _arithmetic("%", PRODUCT),
    "min": _extreme("min"), "max": _extreme("max"),
    "band": _bitwise("&", BITAND), "bor": _bitwise("|", BITOR), "bxor": _bitwise("^", BITXOR), "bnot": _bnot,
    "shl": _shift(True), "shr": _shift(False),
    **dict.fromkeys(_SIGNS, compared),
    "and": _and, "or": _or, "xor": _xor, "not": _not, "select": _select,
    "convert": converted, "wrap": _wrap, "clamp": _clamp, "like": _like,
}
