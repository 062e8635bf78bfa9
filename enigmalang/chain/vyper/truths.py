"""Truths: `and`, `or`, `not`, plain comparisons, and the choice between two values by a truth."""

from enigmalang.chain.vyper.body import Body
from enigmalang.chain.vyper.convert import coerced
from enigmalang.chain.vyper.expr import AND, COMPARE, NOT, OR, TERNARY, Expr, constant, made
from enigmalang.chain.vyper.scalars import Args, Scalar
from enigmalang.chain.vyper.types import BOOL, VInt, VName, VText
from enigmalang.ir.ir import Operation


def chosen(condition: Expr, a: Expr, b: Expr) -> Expr:
    """`a if condition else b`, as a truth's shorter forms where it is one."""
    parts = (condition, a, b)
    if a.type == BOOL and b.value is False:
        return made(f"{condition.at(AND)} and {a.at(NOT)}", BOOL, parts, AND)
    if a.type == BOOL and a.value is True:
        return made(f"{condition.at(OR)} or {b.at(AND)}", BOOL, parts, OR)
    if b.type == BOOL and a.value is False:
        return made(f"{negated(condition).at(AND)} and {b.at(NOT)}", BOOL, parts, AND)
    if b.type == BOOL and b.value is True:
        return made(f"{negated(condition).at(OR)} or {a.at(AND)}", BOOL, parts, OR)
    text = f"{a.at(OR)} if {condition.at(OR)} else {b.at(TERNARY)}"
    return made(text, a.type, parts, TERNARY)


_OPPOSITE = {" == ": " != ", " != ": " == ", " in ": " not in ", " not in ": " in "}


def negated(condition: Expr) -> Expr:
    if condition.strength == NOT and condition.text.startswith("not "):
        return Expr(condition.text[4:], BOOL, COMPARE, condition.reads, condition.fails)
    if condition.strength == COMPARE and condition.text.count(" ") == 2:
        for sign, opposite in _OPPOSITE.items():
            if sign in condition.text:
                return Expr(condition.text.replace(sign, opposite), BOOL, COMPARE, condition.reads, condition.fails)
    return made(f"not {condition.at(COMPARE)}", BOOL, (condition,), NOT)


def plainly(sign: str, a: Expr, b: Expr) -> Expr:
    return made(f"{a.at(COMPARE + 1)} {sign} {b.at(COMPARE + 1)}", BOOL, (a, b), COMPARE)


def _strictly(body: Body, args: Args) -> list[Expr]:
    return [body.kept(a) if a.fails and n else a for n, a in enumerate(args)]


def _and(body: Body, op: Operation, args: Args) -> Expr:
    a, b = _strictly(body, args)
    return made(f"{a.at(AND)} and {b.at(NOT)}", BOOL, (a, b), AND)


def _or(body: Body, op: Operation, args: Args) -> Expr:
    a, b = _strictly(body, args)
    return made(f"{a.at(OR)} or {b.at(AND)}", BOOL, (a, b), OR)


def _xor(body: Body, op: Operation, args: Args) -> Expr:
    return plainly("!=", *args)


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


TRUTHS: dict[str, Scalar] = {"and": _and, "or": _or, "xor": _xor, "not": _not, "select": _select}
