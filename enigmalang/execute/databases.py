"""Handlers of the three databases and of predicates (language.md §6)."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
import numpy as np

from enigmalang.execute.failures import Revert, revert
from enigmalang.execute.machine import Context, Handler, Machine
from enigmalang.execute.ports import Entry, Identity, Predicate, Record
from enigmalang.execute.secret import Secret
from enigmalang.execute.stored import may_be
from enigmalang.execute.values import AnyValue, ContractRef, data_from, hashable, leaves_from
from enigmalang.execute.world import Held
from enigmalang.ir.ir import Operation, Tensor
from enigmalang.ir.leaves import leaves_of
from enigmalang.plan.calls import LedgerError
from enigmalang.types.types import AnyT, ListT, Type

Args = tuple[Any, ...]
T = TypeVar("T")


def key_of(values: Sequence[Any]) -> tuple[Any, ...]:
    made = []
    for value in values:
        value = value.leaves[0] if isinstance(value, AnyValue) else value
        made.append(value.address if isinstance(value, Identity | ContractRef) else hashable(value))
    return tuple(made)


def shown_key(key: tuple[Any, ...]) -> str:
    return ", ".join(repr(k) if isinstance(k, str) else str(k) for k in key)


# ---- predicates


def _predicate(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    flat: list[Any] = []
    for arg in args:
        if isinstance(arg, list | np.ndarray):
            flat += [a.address if isinstance(a, Identity) else a for a in arg]
        else:
            flat.append(arg.address if isinstance(arg, Identity | ContractRef) else arg)
    return (machine.world.identities.predicate(op.attrs["name"], tuple(flat)),)


def askers(machine: Machine) -> tuple[str, ...]:
    """Who acts, then who else signs for it."""
    if machine.context.sender:
        return (machine.context.sender,)
    who = machine.world.actor.address
    return (who, *sorted(machine.world.signers - {who}))


def permits(machine: Machine, db: str, key: Args, data: Held | Record | None, action: str) -> bool:
    """Whether whoever acts may do `action` with what is under `key`: asked of the chain, where there is one. `data` is
    what is there; raw data of `MPC`, and writing, are for its owner alone."""
    asking, chain = askers(machine), machine.world.chain
    if chain is not None:
        return chain.permits(asking, db, key, action)
    if data is None:
        return action == "write"
    own = may_together(machine, asking, data.owner, action)
    if own or not (action == "compute" or (action == "read" and db == "DHT")):
        return own
    return may(machine, asking, data.predicate, data.owner, action)


def may_together(machine: Machine, asking: Sequence[str], owner: str, action: str = "act") -> bool:
    """Whether the first of `asking` is `owner` or may act for it, all of them having signed."""
    return may(machine, asking, machine.world.identities.predicate("owner"), owner, action)


def may(machine: Machine, asking: Sequence[str], predicate: Predicate, owner: str, action: str) -> bool:
    """Whether `predicate` lets the first of `asking` do `action` with what belongs to `owner`."""
    world = machine.world

    def own(asked: Predicate, asker: str) -> bool:
        function = world.plan.bodies.get(asked.name)
        if function is None:
            return False
        wanted = sum(len(p.values) for p in function.params)
        args = [asker, *asked.args] if len(asked.args) < wanted else list(asked.args)
        context = Context("whole", sender=asker)
        try:
            (answer,) = Machine(world, machine.domain, context, machine.handlers).run(function, args[:wanted])
        except Revert:
            return False
        return bool(answer)

    return world.identities.allows(
        predicate, who=asking[0], signers=frozenset(asking), owner=owner, action=action, now=world.ledger.time, own=own)


def _check(machine: Machine, op: Operation, db: str, key: Args, data: Held | Record | None, action: str, what: str
           ) -> None:
    """Raises a revert unless whoever acts may do `action`; on a chain, a node records that it refused."""
    chain = machine.world.chain
    if permits(machine, db, key, data, action):
        return
    if chain is not None:
        _sent(op, lambda: chain.refuse(askers(machine)[0], db, key, action))
    raise revert(op, "E0510", f"not permitted: {what}")


def _sent(op: Operation, transaction: Callable[[], T]) -> T:
    """What a transaction of a script gives; a refused one is a revert."""
    try:
        return transaction()
    except LedgerError as error:
        raise revert(op, "E0501", f"reverted: {error.text}") from None


# ---- writing


def _set(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    count = op.attrs["keys"]
    key, leaves = key_of(args[:count]), list(args[count:])
    predicate = leaves.pop() if op.attrs["predicate"] else machine.world.identities.predicate("owner")
    owner = machine.context.sender or machine.world.actor.address
    match op.attrs["db"]:
        case "L":
            entry, world = typed(op.attrs["type"], leaves), machine.world
            if machine.context.mode == "client" and world.chain is not None:
                chain = world.chain
                _sent(op, lambda: chain.publish(world.actor, key, entry))
            else:
                _sent(op, lambda: world.ledger.write_log(key, entry))
        case "MPC":
            if machine.context.mode != "ledger":
                _hold(machine, op, key, leaves, owner, predicate)
        case _:
            if machine.context.mode != "secret":
                _store(machine, op, key, leaves, owner, predicate)
    return ()


def typed(type: Type, leaves: Sequence[Any]) -> AnyValue:
    """What is written, with its type; a value of any type keeps its own."""
    if isinstance(type, AnyT) and isinstance(leaves[0], AnyValue):
        return leaves[0]
    return AnyValue(type, tuple(leaves))


def _hold(machine: Machine, op: Operation, key: Args, leaves: list[Any], owner: str, predicate: Predicate) -> None:
    world, chain = machine.world, machine.world.chain
    _check(machine, op, "MPC", key, world.held.get(key), "write", f"MPC[{shown_key(key)}] belongs to another dealer")
    rule = _sent(op, lambda: chain.declare(world.actor, predicate)) if chain is not None else b""
    secrets = []
    for value, leaf in zip(leaves, leaves_of(op.attrs["type"]), strict=True):
        assert isinstance(leaf.type, Tensor)
        client = machine.context.mode == "client"
        secrets.append(value if isinstance(value, Secret) else machine.domain.share(value, leaf.type, client=client))
    machine.domain.finish(secrets, ())
    if chain is not None:
        about = f"{op.attrs['type']} {[secret.shape for secret in secrets]}".encode()
        _sent(op, lambda: chain.point(world.actor, "MPC", key, about, rule))
    world.held[key] = Held(tuple(secrets), owner, predicate, op.attrs["type"])


def _store(machine: Machine, op: Operation, key: Args, leaves: list[Any], owner: str, predicate: Predicate) -> None:
    world, chain = machine.world, machine.world.chain
    _check(machine, op, "DHT", key, world.store.get(key), "write",
           f"DHT[{shown_key(key)}] was written by another identity")
    rule = _sent(op, lambda: chain.declare(world.actor, predicate)) if chain is not None else b""
    value = typed(op.attrs["type"], leaves)
    content = msgspec.msgpack.encode(_packed(data_from(value.leaves, value.type)))
    readers = None if predicate.name == "anyone" else _readers(machine, predicate, owner)
    world.store.put(key, content, readers=readers, owner=owner, type=value.type, predicate=predicate)
    if chain is not None:
        _sent(op, lambda: chain.point(world.actor, "DHT", key, world.store.commitment(key), rule))


#: Who holds the keys of what a predicate decides at the time of reading, in this twin: the store itself.
GATE = "dht gate"


def _readers(machine: Machine, predicate: Predicate, owner: str) -> list[bytes]:
    """Receive keys that the content's key is wrapped for: the owner's, those the predicate names, and, where it
    depends on more than names, the gate's."""
    identities = machine.world.identities
    found = [identities.at(address) for address in (owner, *_named(predicate))]
    keys = [identity.public_key for identity in found if identity is not None]
    return [*keys, identities.get(GATE).public_key]


def _named(predicate: Predicate) -> list[str]:
    if predicate.name in ("only", "members"):
        return [str(a) for a in predicate.args]
    return [name for arg in predicate.args if isinstance(arg, Predicate) for name in _named(arg)]


def _packed(data: Any) -> Any:
    """Python data with integers of any size."""
    match data:
        case bool() | str() | bytes() | None:
            return data
        case int():
            return {"int": str(data)}
        case list() | tuple():
            return [_packed(d) for d in data]
        case _:
            return {"text": str(data)}


def _unpacked(data: Any) -> Any:
    if isinstance(data, dict):
        return int(data["int"]) if "int" in data else data["text"]
    return [_unpacked(d) for d in data] if isinstance(data, list) else data


# ---- reading


def _logged(op: Operation, entry: Entry) -> AnyValue:
    """What was written; anyone may have written it, so that it may be nothing of a known type."""
    try:
        value: AnyValue = entry.value
    except LedgerError as error:
        raise revert(op, "E0201", error.text) from None
    return value


def _given(machine: Machine, op: Operation, value: AnyValue, type: Type) -> Sequence[Any]:
    """A stored value as the type that is asked for."""
    if isinstance(type, AnyT):
        return (value,)
    return _asked(op, value.leaves, value.type, type)


def _asked(op: Operation, leaves: Sequence[Any], stored: Type, type: Type) -> Sequence[Any]:
    if not may_be(leaves, stored, type):
        raise revert(op, "E0201", f"a value of type {stored} is no {type}")
    return leaves


def _missing(op: Operation, db: str, key: Args) -> Revert:
    return revert(op, "E0511", f"{db}[{shown_key(key)}] does not exist")


def _get(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    key = key_of(args)
    match op.attrs["db"]:
        case "L":
            entries = machine.world.ledger.read_log(key)
            if not entries:
                raise _missing(op, "L", key)
            return _given(machine, op, _logged(op, entries[-1]), op.attrs["type"])
        case "MPC":
            held = machine.world.held.get(key)
            if held is None:
                raise _missing(op, "MPC", key)
            _check(machine, op, "MPC", key, held, "compute", f"computing with MPC[{shown_key(key)}]")
            return _asked(op, held.leaves, held.type, op.attrs["type"])
        case _:
            return _given(machine, op, _fetch(machine, op, key), op.attrs["type"])


def _fetch(machine: Machine, op: Operation, key: Args) -> AnyValue:
    found = machine.world.store.get(key)
    if found is None:
        raise _missing(op, "DHT", key)
    _check(machine, op, "DHT", key, found, "read", f"reading DHT[{shown_key(key)}]")
    me, gate = machine.world.actor, machine.world.identities.get(GATE)
    tried = (machine.world.store.open(key, i.public_key, i.private_key) for i in (me, gate))
    content = next((c for c in tried if c is not None), None)
    if content is None:
        raise revert(op, "E0510", f"not permitted: reading DHT[{shown_key(key)}]")
    return AnyValue(found.type, tuple(leaves_from(_unpacked(msgspec.msgpack.decode(content)), found.type)))


def _get_at(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    """`L.get(k, t)`: t is a block number when it is small, else a time."""
    when, *rest = args
    key = key_of(rest)
    past = [e for e in machine.world.ledger.read_log(key) if (e.time if when >= 1 << 30 else e.block) <= when]
    if not past:
        raise _missing(op, op.attrs["db"], key)
    return _given(machine, op, _logged(op, past[-1]), op.attrs["type"])


def _has(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    key = key_of(args)
    match op.attrs["db"]:
        case "L":
            return (bool(machine.world.ledger.read_log(key)),)
        case "MPC":
            return (key in machine.world.held,)
        case _:
            return (machine.world.store.get(key) is not None,)


def _history(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    """All values, oldest first, as a list of the asked type."""
    key, type = key_of(args), op.attrs["type"]
    values = [_logged(op, e) for e in machine.world.ledger.read_log(key)]
    if isinstance(type, ListT) and type.max is not None and len(values) > type.max:
        raise revert(op, "E0508", f"L[{shown_key(key)}] has {len(values)} values, and {type} holds {type.max}")
    if isinstance(type, ListT) and not isinstance(type.element, AnyT):
        rows = [data_from(_given(machine, op, v, type.element), type.element) for v in values]
        return leaves_from(rows, type)
    return (values,)


def _declassify(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    """Raw data, for its dealer alone (or a member of a shared dealer whose policy gives it more than computing)."""
    key = key_of(args)
    world = machine.world
    held = world.held.get(key)
    if held is None:
        raise _missing(op, "MPC", key)
    _check(machine, op, "MPC", key, held, "read", f"reading the raw data of MPC[{shown_key(key)}]")
    me, found = world.actor, _asked(op, held.leaves, held.type, op.attrs["type"])
    kinds = [leaf.type for leaf in leaves_of(op.attrs["type"])]
    seals = []
    for secret, kind in zip(found, kinds, strict=True):
        tensor = kind if isinstance(kind, Tensor) else None
        assert tensor is not None
        seals.append((secret, tensor, me.public_key))
    return [world.domain.unseal(e, me.private_key) for e in world.domain.finish((), seals)]


DATABASES: dict[str, Handler] = {
    "predicate": _predicate,
    "db_set": _set,
    "db_get": _get,
    "db_get_at": _get_at,
    "db_has": _has,
    "db_history": _history,
    "declassify": _declassify,
}
