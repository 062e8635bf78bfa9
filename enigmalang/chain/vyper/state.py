"""Contract state: read and written in place where nothing lies between the reading and the writing."""

from collections.abc import Sequence
from dataclasses import replace

from enigmalang.chain.vyper.arrays import place_index
from enigmalang.chain.vyper.body import Body, assignment, place_of
from enigmalang.chain.vyper.convert import coerced, counted, fill, row
from enigmalang.chain.vyper.expr import Expr, constant, made, variable
from enigmalang.chain.vyper.names import plain
from enigmalang.chain.vyper.problems import Unsupported
from enigmalang.chain.vyper.shapes import public_shape
from enigmalang.chain.vyper.types import BOOL, UINT256, VDyn, VStatic, VText, VType, leaf_type, scalar_type
from enigmalang.ir.ir import Operation, Region, Slot, Tensor, Value, operations
from enigmalang.types.types import Label

_EXITS = frozenset({"break", "continue", "leave"})


def slot_of(body: Body, op: Operation) -> Slot:
    return body.unit.contract.slots[op.attrs["slot"]]


def length_names(slot: Slot) -> list[tuple[int, str]]:
    """For each list axis of a private slot, where its length is stored."""
    axes = [n for n, exact in enumerate(slot.exact) if not exact]
    stem = f"length_{plain(slot.name)}"
    return [(axis, stem if len(axes) == 1 else f"{stem}_{n}") for n, axis in enumerate(axes)]


def keyed(body: Body, keys: Sequence[Expr], slot: Slot) -> tuple[str, list[Expr]]:
    """`[key][key]`, and the keys as the map has them."""
    made_ = [coerced(body, k, scalar_type(t)) for k, t in zip(keys, slot.keys, strict=True)]
    return "".join(f"[{k.text}]" for k in made_), made_


def _place(text: str, type: VType, slot: Slot, parts: Sequence[Expr] = ()) -> Expr:
    found = made(text, type, parts)
    return replace(found, reads=found.reads | {f"slot:{slot.name}"}, place=isinstance(type, VStatic | VDyn | VText))


def _lengths(body: Body, slot: Slot, suffix: str, keys: Sequence[Expr]) -> list[Expr]:
    names = dict(length_names(slot))
    return [
        _place(f"self.{names[axis]}{suffix}", UINT256, slot, keys) if axis in names else constant(size or 0, UINT256)
        for axis, size in enumerate(slot.lens)]


# ---- reading


def state_load(body: Body, op: Operation) -> None:
    slot = slot_of(body, op)
    if slot.label is Label.PRIVATE:
        body.define(op, *_lengths(body, slot, "", ()))
    else:
        body.define(op, _place(body.unit.storage(slot.name), leaf_type(slot), slot))


def _batched(op: Operation) -> bool:
    return any(isinstance(v.type, Tensor) and v.type.rank for v in op.operands)


def map_get(body: Body, op: Operation) -> None:
    slot = slot_of(body, op)
    keys = [body.use(v) for v in op.operands]
    if _batched(op):
        if slot.label is Label.PRIVATE:
            sizes = [made(f"len({k.text})", UINT256, [k]) for k, v in zip(keys, op.operands, strict=True)
                     if isinstance(v.type, Tensor) and v.type.rank]
            body.define(op, sizes[0], *(constant(n or 0, UINT256) for n in slot.lens))
            return
        return _batch(body, op, keys, slot, body.unit.storage(slot.name), leaf_type(slot))
    if body.left[op.result] > 1 or not isinstance(leaf_type(slot), VStatic | VDyn):
        keys = [k if body.left[op.result] == 1 else body.kept(k, "key") for k in keys]
    suffix, exprs = keyed(body, keys, slot)
    if slot.label is Label.PRIVATE:
        body.define(op, *_lengths(body, slot, suffix, exprs))
    else:
        body.define(op, _place(f"{body.unit.storage(slot.name)}{suffix}", leaf_type(slot), slot, exprs))


def _batch(body: Body, op: Operation, keys: list[Expr], slot: Slot, storage: str, type: VType) -> None:
    """A value for each of several keys."""
    many = [isinstance(v.type, Tensor) and v.type.rank > 0 for v in op.operands]
    keys = [k if k.cheap or k.place else body.kept(k, "keys") for k in keys]
    target = body.declare(op.result.hint or "items", body.types[op.result])
    first = next(k for k, m in zip(keys, many, strict=True) if m)
    with counted(body, first) as where:
        suffix, _ = keyed(body, [row(k, where) if m else k for k, m in zip(keys, many, strict=True)], slot)
        fill(body, target, where, Expr(f"{storage}{suffix}", type))
    body.define(op, target)


def map_has(body: Body, op: Operation) -> None:
    slot = slot_of(body, op)
    keys = [body.use(v) for v in op.operands]
    storage = f"self.has_{plain(slot.name)}"
    if _batched(op):
        return _batch(body, op, keys, slot, storage, BOOL)
    suffix, exprs = keyed(body, keys, slot)
    body.define(op, replace(_place(f"{storage}{suffix}", BOOL, slot, exprs)))


# ---- writing


def state_store(body: Body, op: Operation) -> None:
    slot = slot_of(body, op)
    _store(body, op, slot, "")


def map_set(body: Body, op: Operation) -> None:
    slot = slot_of(body, op)
    if _batched(replace(op, operands=op.operands[:-1])):
        raise Unsupported("E0803", "many keys cannot be written at once on the chain", place_of(op), "write a loop")
    keys = [body.use(v) for v in op.operands[:-1]]
    if slot.name in body.unit.tracked:
        keys = [body.kept(k, "key") for k in keys]
    suffix, _ = keyed(body, keys, slot)
    _store(body, op, slot, suffix)
    if slot.name in body.unit.tracked:
        body.say(f"self.has_{plain(slot.name)}{suffix} = True")


def _store(body: Body, op: Operation, slot: Slot, suffix: str) -> None:
    parts = body.use_parts(op.operands[-1])
    if slot.label is Label.PRIVATE:
        if not all(slot.exact) and body.public(op.operands[-1]):
            parts = public_shape(body, op.operands[-1], parts[0])
        names = length_names(slot)
        values = [parts[axis] for axis, _ in names]
        body.barrier((f"slot:{slot.name}",))
        if len(values) > 1:
            values = [body.kept(v, "length") for v in values]
        for (_, name), value in zip(names, values, strict=True):
            target = Expr(f"self.{name}{suffix}", UINT256)
            body.say(assignment(target, value))
        return
    body.barrier((f"slot:{slot.name}",))
    type = leaf_type(slot)
    value = coerced(body, parts[0], type)
    target = Expr(f"{body.unit.storage(slot.name)}{suffix}", type)
    if target.text != value.text:
        body.say(assignment(target, value))


# ---- in place


def in_place(body: Body, op: Operation) -> bool:
    """`self.xs.append(x)`, `self.xs[i] = x`, `self.xs.pop()`: when the changed array only goes back to where it came
    from. True when that was written."""
    chain = _chain(body, op)
    if chain is None:
        return False
    spot, slot, marks = chain
    items = [body.use(v) for v in op.operands[1:]]
    body.left[op.operands[0]] -= 1
    for skipped in marks:
        body.skip.add(skipped)
        for value in skipped.operands:
            body.left[value] -= 1
    for value in [v for v in body.pending if body.left[v] <= 0]:
        del body.pending[value]
    _write(body, op, spot, items, slot)
    keyed_store = marks[-1]
    if keyed_store.op == "map_set" and slot.name in body.unit.tracked:
        suffix, _ = keyed(body, [body.env[v][0] for v in keyed_store.operands[:-1]], slot)
        body.say(f"self.has_{plain(slot.name)}{suffix} = True")
    return True


def _write(body: Body, op: Operation, spot: Expr, items: list[Expr], slot: Slot) -> None:
    changed = (f"slot:{slot.name}",)
    match op.op:
        case "append":
            body.barrier(changed)
            assert isinstance(spot.type, VDyn)
            most = op.attrs.get("max")
            if most is not None and most < spot.type.max:
                body.say(f'assert len({spot.text}) < {most}, "the list is full"')
            body.say(f"{spot.text}.append({coerced(body, items[0], spot.type.element).text})")
        case "set_index":
            body.barrier(changed)
            target = row(spot, place_index(body, items[0]))
            body.say(assignment(target, coerced(body, items[1], target.type)))
        case _:
            body.barrier(changed)
            assert isinstance(spot.type, VDyn)
            last = op.results[1]
            if not body.left[last]:
                body.say(f"{spot.text}.pop()")
                return
            found = body.names.new(last.hint or "last")
            body.say(f"{found}: {spot.type.element} = {spot.text}.pop()")
            body.owned[found] = body.level
            body.define_value(last, variable(found, spot.type.element))


def _chain(body: Body, op: Operation) -> tuple[Expr, Slot, list[Operation]] | None:
    """The place that `op` changes, its slot, and the operations that only carry the change home."""
    region, number = body.here
    base = op.operands[0]
    if not body.public(base) or not isinstance(base.type, Tensor) or op.attrs["axis"] != -base.type.rank:
        return None
    path: list[Operation] = []
    source = body.defined.get(base)
    while source is not None and source.op == "index" and isinstance(source.operands[0].type, Tensor) and (
            source.attrs["axis"] == -source.operands[0].type.rank):
        path.append(source)
        source = body.defined.get(source.operands[0])
    if source is None or source.op not in ("state_load", "map_get") or _batched(source):
        return None
    marks: list[Operation] = []
    result = op.results[0]
    for taken in path:
        (user,) = body.users(result) if len(body.users(result)) == 1 else (None,)
        if user is None or user.op != "set_index" or user.operands[2] is not result or not (
                user.operands[0] is taken.operands[0] and same(body, user.operands[1], taken.operands[1])):
            return None
        marks.append(user)
        result = user.result
    if len(body.users(result)) != 1:
        return None
    store = body.users(result)[0]
    wanted = {"state_load": "state_store", "map_get": "map_set"}[source.op]
    if store.op != wanted or store.attrs["slot"] != source.attrs["slot"] or store.operands[-1] is not result:
        return None
    if not all(same(body, a, b) for a, b in zip(store.operands[:-1], source.operands, strict=True)):
        return None
    marks.append(store)
    slot = slot_of(body, source)
    spot = body.env.get(base, ())
    if not spot or not spot[0].place or f"slot:{slot.name}" not in spot[0].reads:
        return None
    return (spot[0], slot, marks) if _clear_way(body, region, number, store, slot, marks) else None


def _clear_way(body: Body, region: Region, number: int, store: Operation, slot: Slot, marks: list[Operation]) -> bool:
    """Nothing between here and the store may see the difference."""
    if store not in region.ops:
        return False
    for between in region.ops[number + 1 : region.ops.index(store)]:
        if between in marks:
            continue
        inner = [between, *(o for r in between.regions for o in operations(r))]
        for op in inner:
            if op.op in _EXITS or op.op == "external_call" or op.attrs.get("slot") == slot.name:
                return False
    return True


def same(body: Body, a: Value, b: Value) -> bool:
    """Whether two values are surely equal."""
    if a is b:
        return True
    x, y = body.defined.get(a), body.defined.get(b)
    if x is None or y is None or x.op != y.op:
        return False
    if x.op == "const":
        return a.type == b.type and x.attrs["value"] == y.attrs["value"]
    return x.op == "context" and x.attrs["name"] == y.attrs["name"] and x.attrs["name"] != "balance"
