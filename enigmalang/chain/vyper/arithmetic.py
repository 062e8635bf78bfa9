"""Sums, products, quotients, powers, extremes, bits and shifts of numbers."""

from enigmalang.chain.vyper import helpers
from enigmalang.chain.vyper.body import Body, place_of
from enigmalang.chain.vyper.comparisons import compared_numbers
from enigmalang.chain.vyper.convert import as_int
from enigmalang.chain.vyper.expr import (
    BITAND,
    BITOR,
    BITXOR,
    COMPARE,
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
from enigmalang.chain.vyper.scalars import Args, Scalar, element, joined, target_of, within
from enigmalang.chain.vyper.truths import chosen
from enigmalang.chain.vyper.types import BOOL, INT256, UINT256, VInt
from enigmalang.ir.ir import Operation
from enigmalang.types.types import BytesNT, BytesT, FixedT, StringT, fraction


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
        made_ = made(f"-{x.at(POWER)}", x.type, args, UNARY, fails=True)
    else:
        made_ = made(f"0 - {x.at(UNARY)}", x.type, args, SUM, fails=True)
    return within(body, op, made_, element(op))


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
            less = compared_numbers(body, "<" if name == "min" else ">", a, b)
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


ARITHMETIC: dict[str, Scalar] = {
    "add": _add, "sub": _arithmetic("-", SUM), "mul": _mul, "div": _div, "neg": _neg, "abs": _abs, "pow": _pow,
    "floordiv": _arithmetic("//", PRODUCT), "mod": _arithmetic("%", PRODUCT),
    "min": _extreme("min"), "max": _extreme("max"),
    "band": _bitwise("&", BITAND), "bor": _bitwise("|", BITOR), "bxor": _bitwise("^", BITXOR), "bnot": _bnot,
    "shl": _shift(True), "shr": _shift(False),
}
