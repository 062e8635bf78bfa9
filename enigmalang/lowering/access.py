"""Reading and writing of places. Nested targets are read, updated functionally, and written back."""

from collections.abc import Sequence

from enigmalang.ir.ir import IRType, Slot, Tensor, Value
from enigmalang.ir.leaves import Leaf, field_slice, leaves_of
from enigmalang.lowering.convert import as_address, fit, is_unknown, share, share_private, store_as
from enigmalang.lowering.frame import Bundle, Frame, LoweringError, hinted
from enigmalang.lowering.places import Database, FieldStep, Given, IndexStep, Local, Place, Root, State, Step
from enigmalang.source import Span
from enigmalang.types.types import ADDRESS, ERROR, ContractT, IdentityT, Label, MapT, StructT, TupleT, Type


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
    return -value.rank or None


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
