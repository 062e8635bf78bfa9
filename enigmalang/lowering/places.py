"""Places: what can be read and assigned, and which of them an expression designates."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from enigmalang.ir.ir import Slot, Tensor, Value
from enigmalang.ir.leaves import field_slice
from enigmalang.lowering.convert import as_address, element_type, store_as
from enigmalang.lowering.frame import Bundle, Frame, LoweringError
from enigmalang.semantics.model import Kind
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.types.types import ERROR, ArrayT, BytesNT, BytesT, ListT, MapT, StringT, StructT, TupleT, Type


@dataclass(frozen=True, slots=True)
class Local:
    """A variable of the function."""

    name: str


@dataclass(frozen=True, slots=True)
class State:
    """Slots of contract state, with the map keys given so far. `contract`: a reference, when read from outside."""

    name: str
    slots: tuple[Slot, ...]
    keys: tuple[Value, ...] = ()
    contract: Value | None = None


@dataclass(frozen=True, slots=True)
class Database:
    """An entry of L, DHT or MPC."""

    db: str
    keys: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Given:
    """An intermediate value; it can be read only."""

    bundle: Bundle


@dataclass(frozen=True, slots=True)
class FieldStep:
    index: int


@dataclass(frozen=True, slots=True)
class IndexStep:
    index: Value


Root: TypeAlias = Local | State | Database | Given
Step: TypeAlias = FieldStep | IndexStep


@dataclass(frozen=True, slots=True)
class Place:
    """`types` are those of the root and after each step; the last one is the place's own."""

    root: Root
    steps: tuple[Step, ...]
    types: tuple[Type, ...]
    span: Span

    @property
    def type(self) -> Type:
        return self.types[-1]

    def step(self, step: Step, type: Type, span: Span) -> "Place":
        return Place(self.root, (*self.steps, step), (*self.types, type), span)


# ------------------------------------------------------------------------------------------------ resolving


def find_place(f: Frame, node: ast.Expr) -> Place:
    """The place that `node` designates; its keys and indices are evaluated here, once."""
    match node:
        case ast.Name():
            return _named(f, node)
        case ast.Attribute():
            return _attribute(f, node)
        case ast.Index():
            return _indexed(f, node)
        case _:
            return _given(f, node)


def _given(f: Frame, node: ast.Expr) -> Place:
    bundle = f.expr(node)
    return Place(Given(bundle), (), (bundle.type,), node.span)


def _named(f: Frame, node: ast.Name) -> Place:
    symbol = f.symbol(node)
    if symbol is not None and symbol.kind is Kind.STATE:
        return own_state(f, node.id, node.span)
    if symbol is None or symbol.kind in (Kind.LOCAL, Kind.PARAM):
        current = f.env.get(node.id)
        declared = f.instance.variables.get(node.id, ERROR)
        type = f.variable_type(node.id, current.type) if current else declared
        return Place(Local(node.id), (), (type,), node.span)
    return _given(f, node)


def own_state(f: Frame, name: str, span: Span) -> Place:
    contract = f.instance.contract
    if contract is None:
        raise LoweringError(span, f"`{name}` is state, but this function has no contract")
    layout = f.unit.layouts[contract.name][name]
    return Place(State(name, layout.slots), (), (layout.type,), span)


def _attribute(f: Frame, node: ast.Attribute) -> Place:
    member = f.instance.members.get(node)
    kind = member.kind if member else "field"
    if kind == "field":
        outer = find_place(f, node.value)
        if isinstance(outer.type, StructT):
            return _member(outer, _field_index(outer.type, node), node.span)
        if isinstance(outer.type, TupleT) and member is not None:
            return _member(outer, member.index, node.span)
    if kind == "state" and member is not None:
        if isinstance(node.value, ast.Name) and node.value.id == "self":
            return own_state(f, member.name or node.name, node.span)
        return _foreign_state(f, node, member.name or node.name)
    symbol = member.symbol if member else None
    if symbol is not None and symbol.kind is Kind.STATE:
        return own_state(f, node.name, node.span)
    return _given(f, node)


def _field_index(type: StructT, node: ast.Attribute) -> int:
    for index, field in enumerate(type.fields):
        if field.name == node.name:
            return index
    raise LoweringError(node.span, f"{type} has no field `{node.name}`")


def _member(outer: Place, index: int, span: Span) -> Place:
    assert isinstance(outer.type, StructT | TupleT)
    inner = outer.type.fields[index].type if isinstance(outer.type, StructT) else outer.type.items[index]
    if isinstance(outer.root, State) and not outer.steps:
        slots = outer.root.slots[field_slice(outer.type, index)]
        return Place(replace(outer.root, slots=slots), (), (inner,), span)
    return outer.step(FieldStep(index), inner, span)


def _foreign_state(f: Frame, node: ast.Attribute, name: str) -> Place:
    receiver = f.expr(node.value)
    layout = f.unit.layouts[str(receiver.type)][name]
    return Place(State(name, layout.slots, (), receiver.only), (), (layout.type,), node.span)


def _indexed(f: Frame, node: ast.Index) -> Place:
    if (name := database_of(f, node.value)) is not None:
        return Place(Database(name, database_keys(f, node)), (), (f.type_of(node),), node.span)
    place = find_place(f, node.value)
    for index in node.indices:
        place = _one_index(f, place, index, node)
    return place


def _one_index(f: Frame, place: Place, index: ast.Expr, node: ast.Index) -> Place:
    span = node.span
    match place.type:
        case MapT(key=key, value=value) if isinstance(place.root, State) and not place.steps:
            given = store_as(f, f.expr(index), key, index.span, f"the key of `{place.root.name}`")
            root = replace(place.root, keys=place.root.keys + given.leaves)
            return Place(root, (), (value,), span)
        case TupleT():
            return _member(place, int(f.instance.constants[index]), span)
        case ListT() | ArrayT():
            return place.step(IndexStep(f.value(index)), element_type(place.type), span)
        case BytesT() | BytesNT() | StringT():
            stated = f.type_of(node)
            element = text_element(place.type) if stated == ERROR else stated
            return place.step(IndexStep(f.value(index)), element, span)
        case _:
            raise LoweringError(span, f"{place.type} cannot be indexed")


def text_element(type: Type) -> Type:
    """What indexing text gives: a one-letter string, or a one-byte `bytes`."""
    return StringT(1) if isinstance(type, StringT) else BytesT(1)


def database_of(f: Frame, node: ast.Expr) -> str | None:
    """"L", "DHT" or "MPC" when `node` is one of the databases (or a table of one)."""
    if isinstance(node, ast.Name) and node.id in ("L", "DHT", "MPC"):
        symbol = f.symbol(node)
        return node.id if symbol is None or symbol.kind is Kind.BUILTIN else None
    if table := _table_call(f, node):
        return database_of(f, table.function.value) if isinstance(table.function, ast.Attribute) else None
    return None


def _table_call(f: Frame, node: ast.Expr) -> ast.Call | None:
    """`MPC.table("hr")` written in place."""
    if isinstance(node, ast.Call) and isinstance(node.function, ast.Attribute) and node.function.name == "table":
        return node
    return None


def database_keys(f: Frame, node: ast.Index) -> tuple[Value, ...]:
    """The leaves of an entry's keys. A table's path goes in front of a text key, with a slash."""
    keys = list(keys_of(f, node.indices))
    if table := _table_call(f, node.value):
        keys[0] = under_table(f, table, keys[0])
    return tuple(keys)


def under_table(f: Frame, table: ast.Call, key: Value) -> Value:
    text = Tensor(StringT(None))
    slash = f.build.const("/", text, table.span)
    prefix = f.build.value("add", (f.value(table.args[0]), slash), table.span, type=text)
    if isinstance(table.function, ast.Attribute) and (outer := _table_call(f, table.function.value)):
        prefix = under_table(f, outer, prefix)
    return f.build.value("add", (prefix, key), table.span, type=text)


def keys_of(f: Frame, nodes: Sequence[ast.Expr]) -> tuple[Value, ...]:
    return tuple(as_address(f, leaf, node.span) for node in nodes for leaf in f.expr(node).leaves)
