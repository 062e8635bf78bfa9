"""Expressions: literals, names, access, and the dispatch to the other modules."""

from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any, assert_never

from enigmalang.ir.ir import Opaque, Tensor
from enigmalang.lowering.access import axis_of, load
from enigmalang.lowering.builtins import builtin, list_literal
from enigmalang.lowering.calls import PREDICATES, await_job, call, deploy, predicate, submit
from enigmalang.lowering.comprehension import comprehension
from enigmalang.lowering.control import variable
from enigmalang.lowering.convert import constant, fit
from enigmalang.lowering.frame import NOTHING, Bundle, Frame, LoweringError
from enigmalang.lowering.iterate import length
from enigmalang.lowering.operators import binary, bool_op, compare, if_expr, unary
from enigmalang.lowering.places import find_place
from enigmalang.semantics.model import Kind, Symbol
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.types.types import (
    ADDRESS,
    BOOL,
    ERROR,
    INT256,
    UINT256,
    AddressT,
    ArrayT,
    BoolT,
    BytesNT,
    BytesT,
    EnumT,
    FixedT,
    IdentityT,
    IntT,
    Label,
    ListT,
    StringT,
    TupleT,
    Type,
)

CONTEXT: dict[str, Type] = {
    "sender": ADDRESS, "self": ADDRESS, "value": UINT256, "now": UINT256, "block": UINT256, "balance": UINT256,
    "chain": UINT256,
}
MEMBERS = {"number": "block", "timestamp": "now", "balance": "balance", "id": "chain", "sender": "sender",
           "value": "value", "chain": "chain"}
#: Types that a compile-time constant may be written as.
SIMPLE = (BoolT, IntT, FixedT, AddressT, BytesNT, BytesT, StringT, EnumT, ArrayT, ListT, TupleT)


def lower_expr(f: Frame, node: ast.Expr) -> Bundle:
    """`node` as a bundle of leaves."""
    if node in f.instance.constants and (folded := _folded(f, node)) is not None:
        return folded
    match node:
        case ast.IntLit() | ast.HexLit() | ast.FixedLit() | ast.StrLit() | ast.BytesLit() | ast.BoolLit():
            return literal(f, node)
        case ast.Name():
            return _name(f, node)
        case ast.Attribute():
            return _attribute(f, node)
        case ast.Index():
            return load(f, find_place(f, node))
        case ast.Slice():
            return _slice(f, node)
        case ast.ListLit(items=items):
            return list_literal(f, items, f.type_of(node), node.span)
        case ast.TupleLit(items=items):
            return _tuple(f, node, items)
        case ast.Unary():
            return unary(f, node)
        case ast.Binary():
            return binary(f, node.op, f.expr(node.left), f.expr(node.right), node.span, f.type_of(node))
        case ast.Compare():
            return compare(f, node)
        case ast.BoolOp():
            return bool_op(f, node)
        case ast.IfExpr():
            return if_expr(f, node)
        case _:
            return _calling(f, node)


def _calling(
    f: Frame, node: ast.Call | ast.Reveal | ast.Comprehension | ast.Deploy | ast.Submit | ast.Await | ast.DictLit,
) -> Bundle:
    match node:
        case ast.Call():
            name = f.instance.builtins.get(node)
            member = f.instance.members.get(node.function)
            if name is None or (member is not None and member.kind in ("list", "db", "method")):
                return call(f, node)
            return builtin(f, node, name)
        case ast.Reveal():
            return _reveal(f, node)
        case ast.Comprehension():
            return comprehension(f, node)
        case ast.Deploy():
            return deploy(f, node)
        case ast.Submit():
            return submit(f, node)
        case ast.Await():
            return await_job(f, node)
        case ast.DictLit():
            raise LoweringError(node.span, "a dictionary stands only in `shared_identity`")
        case _:
            assert_never(node)


# ------------------------------------------------------------------------------------------------- literals


def _folded(f: Frame, node: ast.Expr) -> Bundle | None:
    """An expression that the checker knows the value of."""
    type = f.type_of(node)
    value = f.instance.constants[node]
    if not isinstance(type, SIMPLE) or value is None:
        return None
    return constant(f, value, type, node.span)


def literal(
    f: Frame, node: ast.IntLit | ast.HexLit | ast.FixedLit | ast.StrLit | ast.BytesLit | ast.BoolLit,
) -> Bundle:
    type = f.type_of(node)
    match node:
        case ast.IntLit(value=value):
            return _number(f, value, INT256 if not isinstance(type, IntT | FixedT) else type, node.span)
        case ast.FixedLit(text=text):
            return _fixed(f, node, text, type if isinstance(type, FixedT | IntT) else FixedT())
        case ast.HexLit(text=text):
            return _hex(f, text, type, node.span)
        case ast.StrLit(value=text):
            given: Any = text.encode() if isinstance(type, BytesT | BytesNT) else text
            return constant(f, given, type if type != ERROR else StringT(None), node.span)
        case ast.BytesLit(value=data):
            return constant(f, data, type if type != ERROR else BytesT(None), node.span)
        case ast.BoolLit(value=truth):
            return constant(f, truth, BOOL, node.span)


def _number(f: Frame, value: int, type: IntT | FixedT, span: Span) -> Bundle:
    return constant(f, value << type.fraction if isinstance(type, FixedT) else value, type, span)


def _fixed(f: Frame, node: ast.FixedLit, text: str, type: FixedT | IntT) -> Bundle:
    known = f.instance.constants.get(node)
    if isinstance(known, int):
        return constant(f, known, type, node.span)
    return constant(f, raw_fixed(text, type), type, node.span)


def raw_fixed(text: str, type: FixedT | IntT) -> int:
    """The raw integer nearest to a decimal text."""
    scale = type.fraction if isinstance(type, FixedT) else 0
    with localcontext() as context:
        context.prec = 200
        return int((Decimal(text.replace("_", "")) * (1 << scale)).to_integral_value(ROUND_HALF_UP))


def _hex(f: Frame, text: str, type: Type, span: Span) -> Bundle:
    digits = text.removeprefix("0x").replace("_", "")
    match type:
        case IntT() | FixedT():
            return _number(f, int(digits, 16), type, span)
        case BytesNT() | BytesT():
            return constant(f, bytes.fromhex(digits), type, span)
        case AddressT():
            return constant(f, "0x" + digits.lower(), type, span)
        case _:
            return _hex(f, text, ADDRESS if len(digits) == 40 else UINT256, span)


def _tuple(f: Frame, node: ast.TupleLit, items: tuple[ast.Expr, ...]) -> Bundle:
    bundles = [f.expr(item) for item in items]
    made = Bundle(TupleT(tuple(b.type for b in bundles)), tuple(v for b in bundles for v in b.leaves))
    stated = f.type_of(node)
    fitting = isinstance(stated, TupleT) and len(stated.items) == len(bundles)
    return fit(f, made, stated, node.span) if fitting and ERROR not in getattr(stated, "items", ()) else made


# ---------------------------------------------------------------------------------------------------- names


def _name(f: Frame, node: ast.Name) -> Bundle:
    symbol = f.symbol(node)
    if symbol is None:
        return f.env[node.id] if node.id in f.env else _builtin_value(f, node.id, node.span)
    match symbol.kind:
        case Kind.LOCAL | Kind.PARAM:
            return variable(f, symbol.name, node.span)
        case Kind.CONST:
            return _constant_symbol(f, symbol, node)
        case Kind.STATE:
            return load(f, find_place(f, node))
        case Kind.IDENTITY:
            return f.env.get(node.id) or _identity(f, symbol.name, node.span)
        case Kind.BUILTIN:
            return _builtin_value(f, node.id, node.span)
        case Kind.PREDICATE:
            return predicate(f, symbol.name, (), node.span)
        case _:
            raise LoweringError(node.span, f"`{node.id}` is no value")


def _constant_symbol(f: Frame, symbol: Symbol, node: ast.Expr) -> Bundle:
    type = symbol.type or ERROR
    wanted = f.type_of(node)
    if isinstance(type, IntT) and isinstance(wanted, IntT):
        type = wanted
    if type == ERROR:
        type = wanted
    return constant(f, symbol.value, type, node.span)


def _identity(f: Frame, name: str, span: Span) -> Bundle:
    value = f.build.value("identity", (), span, type=Opaque(IdentityT()), hint=name, name=name)
    return Bundle(IdentityT(), (value,))


def _builtin_value(f: Frame, name: str, span: Span) -> Bundle:
    if name in PREDICATES:
        return predicate(f, name, (), span)
    return context(f, name, span)


def context(f: Frame, name: str, span: Span) -> Bundle:
    """`sender`, `now`, `value`, `block`, `self`, the contract's `balance`."""
    if name not in CONTEXT:
        raise LoweringError(span, f"`{name}` is no value")
    type = CONTEXT[name]
    element = type if isinstance(type, IntT) else ADDRESS
    return Bundle(type, (f.build.value("context", (), span, type=Tensor(element), hint=name, name=name),))


def _attribute(f: Frame, node: ast.Attribute) -> Bundle:
    member = f.instance.members.get(node)
    kind = member.kind if member else "field"
    if member is not None and kind == "enum":
        type = f.type_of(node)
        return constant(f, member.index, type, node.span)
    if member is not None and kind in ("block", "context"):
        name = MEMBERS.get(member.name, MEMBERS.get(node.name, member.name))
        return context(f, name, node.span)
    if member is not None and kind == "module" and member.symbol is not None:
        return _constant_symbol(f, member.symbol, node)
    place = find_place(f, node)
    return load(f, place)


def _slice(f: Frame, node: ast.Slice) -> Bundle:
    whole = f.expr(node.value)
    span = node.span
    low = f.value(node.low) if node.low else f.build.const(0, Tensor(UINT256), span)
    high = f.value(node.high) if node.high else length(f, whole.leaves[0], span)
    made = tuple(
        f.build.value("slice", (v, low, high), span, type=v.type, hint=v.hint, axis=axis_of(v)) for v in whole.leaves)
    stated = f.type_of(node)
    return Bundle(whole.type if stated == ERROR else stated, made)


def _reveal(f: Frame, node: ast.Reveal) -> Bundle:
    """`reveal(e)` opens each leaf; `reveal(e, to=who)` sends each to one identity and has no value."""
    bundle = f.expr(node.value)
    if node.audience is None:
        made = tuple(f.build.value("reveal", (v,), node.span, type=v.type, hint=v.hint) for v in bundle.leaves)
        for value, source in zip(made, bundle.leaves, strict=True):
            value.label, value.lens = Label.PUBLIC, source.lens
        return Bundle(bundle.type, made)
    who = f.value(node.audience)
    for value in bundle.leaves:
        f.build.emit("reveal_to", (value, who), node.span)
    return NOTHING
