"""Places: what can be read and assigned. Nested targets are read, updated functionally, and written back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from enigmalang.ir.ir import IRType, Slot, Tensor, Value
from enigmalang.ir.leaves import Leaf, field_slice, leaves_of
from enigmalang.lowering.convert import as_address, element_type, fit, is_unknown, share, share_private, store_as
from enigmalang.lowering.frame import Bundle, Frame, LoweringError, hinted
from enigmalang.semantics.model import Kind
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.types.types import (
    ADDRESS,
    ERROR,
    ArrayT,
    BytesNT,
    BytesT,
    ContractT,
    IdentityT,
    Label,
    ListT,
    MapT,
    StringT,
    StructT,
    TupleT,
    Type,
)


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


# ------------------------------------------------------------------------------------------ reading and writing


def load(f: Frame, place: Place) -> Bundle:
    return _chain(f, place)[-1]


def _chain(f: Frame, place: Place) -> list[Bundle]:
    """The values on the way: of the root, and after each step."""
    values = [load_root(f, place.root, place.types[0], place.span)]
    for step, type in zip(place.steps, place.types[1:], strict=True):
        values.append(_take(f, values[-1], step, type, place.span))
    return values


def load_root(f: Frame, root: Root, type: Type, span: Span) -> Bundle:
    match root:
        case Local(name=name):
            return f.env[name]
        case Given(bundle=bundle):
            return bundle
        case State():
            return Bundle(type, tuple(_load_slot(f, root, slot, span) for slot in root.slots))
        case Database(db=db, keys=keys):
            types = [leaf.type for leaf in leaves_of(type)]
            op = f.build.emit("db_get", keys, span, types=types, attrs={"db": db, "type": type})
            _mark(op.results, db == "MPC")
            for value, leaf in zip(op.results, leaves_of(type), strict=True):
                value.lens = leaf.lens
            return Bundle(type, op.results)


def _mark(values: Sequence[Value], private: bool) -> None:
    if private:
        for value in values:
            value.label = Label.PRIVATE


def _load_slot(f: Frame, root: State, slot: Slot, span: Span) -> Value:
    hint = slot.name
    if root.contract is not None:
        return f.build.value(
            "read_contract", (root.contract, *root.keys), span, type=slot.type, hint=hint, slot=slot.name)
    if len(root.keys) != len(slot.keys):
        raise LoweringError(span, f"`{slot.name}` is read with {len(root.keys)} of its {len(slot.keys)} keys")
    op = "map_get" if slot.keys else "state_load"
    value = f.build.value(op, root.keys, span, type=slot.type, hint=hint, slot=slot.name)
    value.label, value.lens = slot.label, slot.lens
    return value


def axis_of(value: Value) -> int | None:
    """The first axis, counted from the end; None for texts and opaque lists."""
    return -value.type.rank if isinstance(value.type, Tensor) and value.type.rank else None


def row_type(value: Value, leaf: Leaf) -> IRType:
    if isinstance(value.type, Tensor) and value.type.rank:
        return Tensor(value.type.element, value.type.rank - 1)
    return leaf.type


def _take(f: Frame, whole: Bundle, step: Step, type: Type, span: Span) -> Bundle:
    match step:
        case FieldStep(index=index):
            return whole.member(index)
        case IndexStep(index=index):
            return index_bundle(f, whole, index, type, span)


def index_bundle(f: Frame, whole: Bundle, index: Value, type: Type, span: Span) -> Bundle:
    """Row `index` of every leaf."""
    made = (
        f.build.value("index", (value, index), span, type=row_type(value, leaf), axis=axis_of(value))
        for value, leaf in zip(whole.leaves, leaves_of(type), strict=True)
    )
    return Bundle(type, tuple(made))


def _put(f: Frame, whole: Bundle, step: Step, part: Bundle, span: Span) -> Bundle:
    """`whole` with one part replaced; leaves that did not change stay the same values."""
    match step:
        case FieldStep(index=index):
            assert isinstance(whole.type, StructT | TupleT)
            leaves = list(whole.leaves)
            leaves[field_slice(whole.type, index)] = part.leaves
            return Bundle(whole.type, tuple(leaves))
        case IndexStep(index=index):
            made = (
                f.build.value("set_index", (value, index, new), span, type=value.type, hint=value.hint,
                              axis=axis_of(value))
                for value, new in zip(whole.leaves, part.leaves, strict=True)
            )
            return Bundle(whole.type, tuple(made))


def describe(f: Frame, place: Place) -> str | None:
    """The destination in a message; None for a local whose type nobody wrote."""
    if place.steps and isinstance(step := place.steps[-1], FieldStep) and isinstance(owner := place.types[-2], StructT):
        return f"the field {owner.fields[step.index].name} of {owner.name}"
    match place.root:
        case Local(name=name):
            declared = name in f.declared
            return f"the variable {name}: {place.types[0]}" if declared else None
        case State(name=name):
            return f"the state variable {name}"
        case Database(db="MPC"):
            return entry_of(place.type)
        case _:
            return None


def entry_of(type: Type) -> str:
    """An entry of MPC in a message: its first write says of what type it is."""
    return f"this entry of MPC: {type}"


def store(f: Frame, place: Place, bundle: Bundle, span: Span, *, converted: bool = False) -> None:
    """Assign: convert to the place's type, share what is private there (unless both are done), and write."""
    if not converted:
        destination = describe(f, place)
        if destination is not None:
            bundle = store_as(f, bundle, place.type, span, destination)
        elif not isinstance(place.root, Database) and place.type != ERROR and not is_unknown(place.type):
            bundle = fit(f, bundle, place.type, span)
        bundle = _shared(f, place, bundle, span)
    if not place.steps:
        _store_root(f, place.root, bundle, None, span)
        return
    values = _chain(f, Place(place.root, place.steps[:-1], place.types[:-1], place.span))
    for step, whole in zip(reversed(place.steps), reversed(values), strict=True):
        bundle = _put(f, whole, step, bundle, span)
    _store_root(f, place.root, bundle, values[0], span)


def _shared(f: Frame, place: Place, bundle: Bundle, span: Span) -> Bundle:
    """Private destinations take shares: private state, `private` locals, private fields, MPC."""
    match place.root:
        case Local(name=name):
            private = name in f.instance.private_locals
        case State(slots=slots):
            private = bool(slots) and all(slot.label is Label.PRIVATE for slot in slots)
            if not place.steps:
                return share(f, bundle, span, [s.label is Label.PRIVATE for s in slots]) if any(
                    s.label is Label.PRIVATE for s in slots) else bundle
        case Database(db=db):
            private = db == "MPC"
        case Given():
            private = False
    if not private and (step := place.steps[-1:]) and isinstance(step[0], FieldStep):
        outer = place.types[-2]
        private = isinstance(outer, StructT) and outer.fields[step[0].index].private
    return share_private(f, bundle, private, span)


def _store_root(f: Frame, root: Root, bundle: Bundle, before: Bundle | None, span: Span) -> None:
    match root:
        case Local(name=name):
            hinted(bundle.leaves, name, bundle.type)
            f.env[name] = bundle
        case State(slots=slots, keys=keys):
            for number, (slot, value) in enumerate(zip(slots, bundle.leaves, strict=True)):
                if before is None or before.leaves[number] is not value:
                    op = "map_set" if slot.keys else "state_store"
                    f.build.emit(op, (*keys, value), span, attrs={"slot": slot.name})
        case Database(db=db, keys=keys):
            store_database(f, db, keys, bundle, None, span)
        case Given():
            raise LoweringError(span, "this cannot be assigned to")


def store_database(
    f: Frame, db: str, keys: tuple[Value, ...], bundle: Bundle, predicate: Value | None, span: Span,
) -> None:
    """Identities and contracts are kept as their addresses: databases outlive a program's names for them."""
    named = isinstance(bundle.type, IdentityT) or (isinstance(bundle.type, ContractT) and not bundle.type.interface)
    type = ADDRESS if named else bundle.type
    leaves = bundle.leaves if not named else tuple(as_address(f, leaf, span) for leaf in bundle.leaves)
    attrs = {"db": db, "keys": len(keys), "type": type, "predicate": predicate is not None}
    last = () if predicate is None else (predicate,)
    f.build.emit("db_set", (*keys, *leaves, *last), span, attrs=attrs)


def map_has(f: Frame, place: Place, key: Bundle, span: Span) -> Value | None:
    """`key in place`, when the place is a map of state."""
    if not isinstance(place.type, MapT) or not isinstance(place.root, State):
        return None
    given = store_as(f, key, place.type.key, span, f"the key of `{place.root.name}`")
    keys = (*place.root.keys, *given.leaves)
    return f.build.value("map_has", keys, span, slot=place.root.slots[0].name)
