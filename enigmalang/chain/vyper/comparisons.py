"""Comparisons, of numbers by their values whatever types hold them."""

from enigmalang.chain.vyper.body import Body, place_of
from enigmalang.chain.vyper.convert import as_int
from enigmalang.chain.vyper.expr import AND, COMPARE, OR, Expr, constant, made
from enigmalang.chain.vyper.problems import Unsupported
from enigmalang.chain.vyper.scalars import Args, Scalar
from enigmalang.chain.vyper.truths import negated, plainly
from enigmalang.chain.vyper.types import BOOL, UINT256, VInt, VText, join_types
from enigmalang.ir.ir import Operation

_SIGNS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}


def _compared(body: Body, op: Operation, args: Args) -> Expr:
    sign, (a, b) = _SIGNS[op.op], args
    match a.type, b.type:
        case VInt(), VInt():
            return compared_numbers(body, sign, a, b)
        case (VText(), _) | (_, VText()):
            return _texts(body, op, sign, a, b)
        case _ if sign in ("==", "!="):
            return _equal(sign, a, b)
        case _ if a.type == BOOL:
            wide = [made(f"convert({x.text}, uint8)", VInt(False, 8), [x]) for x in args]
            return plainly(sign, *wide)
        case _ if str(a.type) == "address" or str(a.type).startswith("bytes"):
            wide = [made(f"convert({x.text}, uint256)", UINT256, [x]) for x in args]
            return plainly(sign, *wide)
    raise Unsupported("E0803", f"`{sign}` on {a.type} cannot run on the chain", place_of(op))


def _equal(sign: str, a: Expr, b: Expr) -> Expr:
    if (a.type == BOOL and b.literal) or (a.literal and a.type == BOOL):
        known, other = (b, a) if b.literal else (a, b)
        return other if known.value == (sign == "==") else negated(other)
    return plainly(sign, a, b)


def compared_numbers(body: Body, sign: str, a: Expr, b: Expr) -> Expr:
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
            return plainly(sign, *((y, x) if flip else (x, y)))
    common = join_types(a.type, b.type)
    assert isinstance(common, VInt)
    if common.holds(a.type) and common.holds(b.type):
        return plainly(sign, as_int(a, common), as_int(b, common))
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
    assert isinstance(a.type, VInt)
    signed, unsigned = (a, b) if a.type.signed else (b, a)
    negative = made(f"{signed.at(COMPARE + 1)} < 0", BOOL, [signed], COMPARE)
    positive = made(f"{signed.at(COMPARE + 1)} >= 0", BOOL, [signed], COMPARE)
    wide = made(f"convert({signed.text}, uint256)", UINT256, [signed])
    both = plainly(sign, *((wide, as_int(unsigned, UINT256)) if signed is a else (as_int(unsigned, UINT256), wide)))
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
    return plainly(sign, a, b)


COMPARISONS: dict[str, Scalar] = dict.fromkeys(_SIGNS, _compared)
