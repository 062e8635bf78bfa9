"""Bringing an expression to another type: `convert`, literals, element by element for arrays, and the ABI's forms."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from enigmalang.chain.vyper.expr import Expr, constant, fixed, listed, made
from enigmalang.chain.vyper.types import (
    UINT256,
    VDyn,
    VInt,
    VName,
    VStatic,
    VText,
    VType,
    abi_type,
    bound_of,
    innermost,
    leaf_type,
)
from enigmalang.ir.leaves import leaves_of
from enigmalang.types.types import ArrayT, ListT, StructT, TupleT, Type

if TYPE_CHECKING:
    from enigmalang.chain.vyper.body import Body


def coerced(body: "Body", expr: Expr, type: VType) -> Expr:
    """`expr` as a `type`; reverts where the value does not fit."""
    if expr.type == type:
        return expr
    match expr.type, type:
        case VInt(), VInt():
            return as_int(expr, type)
        case VText(), VText():
            if expr.type.max <= type.max:
                return replace(expr, type=type, cheap=expr.cheap)
            return made(f"abi_decode(abi_encode({expr.text}), {type})", type, [expr], fails=True)
        case (VStatic() | VDyn()), (VStatic() | VDyn()):
            return _array(body, expr, type)
        case _:
            return expr


def as_int(expr: Expr, type: VInt) -> Expr:
    assert isinstance(expr.type, VInt)
    if expr.type == type:
        return expr
    if expr.literal and type.low <= expr.value <= type.high:
        return constant(expr.value, type)
    text = expr.text if not expr.literal else f"convert({expr.text}, {expr.type})"
    return made(f"convert({text}, {type})", type, [expr], fails=not type.holds(expr.type))


def _array(body: "Body", expr: Expr, type: "VStatic | VDyn") -> Expr:
    assert isinstance(expr.type, VStatic | VDyn)
    if expr.items is not None and (len(expr.items) == type.size if isinstance(type, VStatic) else True):
        return listed([coerced(body, i, type.element) for i in expr.items], type)
    if isinstance(expr.type, VDyn) and isinstance(type, VDyn) and expr.type.element == type.element and (
            expr.type.max <= type.max):
        return replace(expr, type=type)
    source = body.kept(expr) if not expr.place else expr
    target = body.declare("items", type)
    if isinstance(type, VStatic) and isinstance(expr.type, VDyn):
        body.say(f"assert len({source.text}) == {type.size}, \"wrong length\"")
    with counted(body, source) as where:
        item = row(source, where)
        fill(body, target, where, coerced(body, item, type.element))
    return target


class counted:
    """A loop over the places of `xs`; gives the counter."""

    def __init__(self, body: "Body", xs: Expr) -> None:
        self._body, self._xs = body, xs

    def __enter__(self) -> Expr:
        body, xs = self._body, self._xs
        name = body.names.new("i")
        size = xs.type.size if isinstance(xs.type, VStatic) else None
        reach = f"{size}" if size is not None else f"len({xs.text}), bound={max(1, bound_of(xs.type))}"
        body.say(f"for {name}: uint256 in range({reach}):")
        self._block = body.out.block()
        self._block.__enter__()
        return fixed(name, UINT256)

    def __exit__(self, *_: object) -> None:
        self._block.__exit__(None, None, None)


def row(xs: Expr, where: Expr) -> Expr:
    """`xs[where]`, in place."""
    assert isinstance(xs.type, VStatic | VDyn)
    inner = xs.type.element
    made_ = made(f"{xs.text}[{where.text}]", inner, [xs, where])
    return replace(made_, place=isinstance(inner, VStatic | VDyn | VText))


def fill(body: "Body", target: Expr, where: Expr, item: Expr) -> None:
    """The next element of an array under construction."""
    if isinstance(target.type, VDyn):
        body.say(f"{target.text}.append({item.text})")
    else:
        body.say(f"{target.text}[{where.text}] = {item.text}")


# ---- the ABI's forms: `fixed` is int256, a struct is a struct


def from_abi(body: "Body", type: Type, expr: Expr) -> list[Expr]:
    """The leaves of an ABI value."""
    match type:
        case StructT(fields=fields):
            return [e for f in fields for e in from_abi(body, f.type, member(expr, f.name, abi_type(f.type)))]
        case TupleT(items=items):
            return [e for n, t in enumerate(items) for e in from_abi(body, t, member(expr, str(n), abi_type(t)))]
        case (ArrayT() | ListT()) if isinstance(innermost(expr.type), VName) and _has_struct(type):
            return _columns(body, type, expr)
        case _:
            (leaf,) = leaves_of(type)
            return [coerced(body, expr, leaf_type(leaf))]


def member(expr: Expr, name: str, type: VType) -> Expr:
    place = isinstance(type, VStatic | VDyn | VText)
    return Expr(f"{expr.text}.{name}", type, reads=expr.reads, fails=expr.fails, cheap=True, place=place)


def _has_struct(type: Type) -> bool:
    match type:
        case ArrayT(element=element) | ListT(element=element):
            return _has_struct(element)
        case _:
            return isinstance(type, StructT)


def _row_type(type: "ArrayT | ListT") -> Type:
    return ArrayT(type.element, type.dims[1:]) if isinstance(type, ArrayT) and len(type.dims) > 1 else type.element


def _columns(body: "Body", type: "ArrayT | ListT", expr: Expr) -> list[Expr]:
    """A list of structs, as one list a leaf."""
    targets = [body.declare(leaf.path[-1] if leaf.path else "items", leaf_type(leaf)) for leaf in leaves_of(type)]
    with counted(body, expr) as where:
        rows = from_abi(body, _row_type(type), row(expr, where))
        for target, item in zip(targets, rows, strict=True):
            fill(body, target, where, item)
    return targets


def to_abi(body: "Body", type: Type, leaves: Sequence[Expr]) -> Expr:
    """The ABI value of some leaves."""
    wanted = abi_type(type)
    match type:
        case StructT(name=name, fields=fields):
            parts, rest = [], list(leaves)
            for field in fields:
                count = len(leaves_of(field.type))
                parts.append((field.name, to_abi(body, field.type, rest[:count])))
                rest = rest[count:]
            inside = ", ".join(f"{n}={e.text}" for n, e in parts)
            return made(f"{name}({inside})", wanted, [e for _, e in parts])
        case (ArrayT() | ListT()) if _has_struct(type):
            columns = [body.kept(e) if not e.place else e for e in leaves]
            target = body.declare("rows", wanted)
            with counted(body, columns[0]) as where:
                fill(body, target, where, to_abi(body, _row_type(type), [row(c, where) for c in columns]))
            return target
        case _:
            return coerced(body, leaves[0], wanted)
