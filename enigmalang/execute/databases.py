"""Handlers of the three databases and of predicates (language.md §6)."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from enigmalang.execute.domain import Envelope
from enigmalang.execute.failures import Revert, fault, revert
from enigmalang.execute.machine import Handler, Machine
from enigmalang.execute.packed import pack, unpack
from enigmalang.execute.permitting import check, sent
from enigmalang.execute.ports import EngineError, Entry, Identity, Predicate, StoreError
from enigmalang.execute.readers import Unsealable, readers_of
from enigmalang.execute.secret import Secret
from enigmalang.execute.stored import may_be
from enigmalang.execute.values import AnyValue, ContractRef, data_from, hashable, leaves_from
from enigmalang.execute.world import Entries, Held, World
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
        if isinstance(value, str | int):  # most keys; asking whether it is an `Identity` takes long
            made.append(value)
        else:
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
                sent(op, lambda: chain.publish(world.actor, key, entry))
            else:
                sent(op, lambda: world.ledger.write_log(key, entry))
        case "MPC":
            if machine.context.mode != "ledger":
                _hold(machine, op, key, leaves, owner, predicate)
        case _:
            _reachable(machine, op)
            _store(machine, op, key, leaves, owner, predicate)
    return ()


def _reachable(machine: Machine, op: Operation) -> None:
    """On a chain a contract's function runs where nobody's keys are (`analysis.reach` says so before anything runs)."""
    if machine.context.mode != "client" and machine.world.chain is not None:
        raise revert(op, "E0803", f"{op.attrs['db']} lies off the chain: a contract cannot reach it")


def typed(type: Type, leaves: Sequence[Any]) -> AnyValue:
    """What is written, with its type; a value of any type keeps its own."""
    if isinstance(type, AnyT) and isinstance(leaves[0], AnyValue):
        return leaves[0]
    return AnyValue(type, tuple(leaves))


def _hold(machine: Machine, op: Operation, key: Args, leaves: list[Any], owner: str, predicate: Predicate) -> None:
    world, chain = machine.world, machine.world.chain
    check(machine, op, "MPC", key, world.held.get(key), "write", f"MPC[{shown_key(key)}] belongs to another dealer")
    rule = sent(op, lambda: chain.declare(world.actor, predicate)) if chain is not None else b""
    secrets = []
    for value, leaf in zip(leaves, leaves_of(op.attrs["type"]), strict=True):
        assert isinstance(leaf.type, Tensor)
        client = machine.context.mode == "client"
        secrets.append(value if isinstance(value, Secret) else machine.domain.share(value, leaf.type, client=client))
    if world.entries is not None:
        entries = world.entries
        sent(op, lambda: _engaged(op, lambda: entries.write(world.actor, key, secrets, op.attrs["type"], rule)))
        return
    machine.domain.finish(secrets, ())
    if chain is not None:
        about = f"{op.attrs['type']} {[secret.shape for secret in secrets]}".encode()
        sent(op, lambda: chain.point(world.actor, "MPC", key, about, rule))
    world.held[key] = Held(tuple(secrets), owner, predicate, op.attrs["type"])


def _store(machine: Machine, op: Operation, key: Args, leaves: list[Any], owner: str, predicate: Predicate) -> None:
    """In two steps: what is prepared takes the place of what was there when the ledger has taken its pointer; what a
    contract's function writes, when the whole of it is done (`jobs.run_request`)."""
    world, chain, store = machine.world, machine.world.chain, machine.world.store
    check(machine, op, "DHT", key, _kept(op, lambda: store.get(key)) if chain is None else None, "write",
           f"DHT[{shown_key(key)}] was written by another identity")
    value, readers = typed(op.attrs["type"], leaves), _readers(machine, op, predicate, owner)
    rule = sent(op, lambda: chain.declare(world.actor, predicate)) if chain is not None else b""
    content = pack(value.leaves, value.type)
    commitment = _kept(op, lambda: store.stage(
        key, content, readers=readers, owner=owner, type=value.type, predicate=predicate, rule=rule))
    if machine.context.mode != "client":
        return
    try:
        if chain is not None:
            sent(op, lambda: chain.point(world.actor, "DHT", key, commitment, rule))
        _kept(op, store.publish)
    finally:
        store.discard()


def _engaged(op: Operation, asked: Callable[[], T]) -> T:
    """What the nodes give; what they do not permit is a revert."""
    try:
        return asked()
    except EngineError as error:
        if error.code != "E0510":
            raise
        raise revert(op, error.code, str(error)) from None


def _kept(op: Operation, asked: Callable[[], T]) -> T:
    """What the store gives; what a user can mend in the program is a revert, and a store that is not there a fault."""
    try:
        return asked()
    except StoreError as error:
        failed = revert if error.code in _REFUSALS else fault
        raise failed(op, error.code, error.text, error.help) from None


_REFUSALS = frozenset({"E0201", "E0510", "E0511", "E0608", "E0803"})
NAME_THEM = "name the readers, as in `only(alice, bob)`, or let `anyone` read"
#: Who holds the keys of what a predicate decides at the time of reading, in a store that asks it: the store itself.
GATE = "dht gate"


def _readers(machine: Machine, op: Operation, predicate: Predicate, owner: str) -> list[bytes] | None:
    """Receive keys that the content's key is wrapped for: those of whom the predicate may let read. A store that asks
    the predicate when somebody reads holds a key as well. None: in the clear, for anyone.
    """
    identities, store = machine.world.identities, machine.world.store
    if predicate.name == "anyone":
        return None
    if store.asks:
        found = [identities.at(address) for address in (owner, *_named(predicate))]
        return [*(identity.public_key for identity in found if identity), identities.get(GATE).public_key]
    try:
        people = readers_of(predicate, owner, identities.members) or ()
    except Unsealable as error:
        raise fault(op, "E0803", str(error), NAME_THEM) from None
    return [_key_for(machine, op, address) for address in people]


def _key_for(machine: Machine, op: Operation, address: str) -> bytes:
    identity = machine.world.identities.at(address)
    key = identity.public_key if identity is not None else _kept(op, lambda: machine.world.store.published(address))
    if key is None:
        raise revert(op, "E0510", f"{address} has published no key that data could be sealed for",
                     "whoever has that address publishes one by `enig dht reader --publish`")
    return key


def _named(predicate: Predicate) -> list[str]:
    if predicate.name in ("only", "members"):
        return [str(a) for a in predicate.args]
    return [name for arg in predicate.args if isinstance(arg, Predicate) for name in _named(arg)]


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
            held = _held(machine, op, key)
            check(machine, op, "MPC", key, held, "compute", f"computing with MPC[{shown_key(key)}]")
            return _asked(op, held.leaves, held.type, op.attrs["type"])
        case _:
            return _given(machine, op, _fetch(machine, op, key), op.attrs["type"])


def _held(machine: Machine, op: Operation, key: Args) -> Held:
    entries = machine.world.entries
    held = machine.world.held.get(key) if entries is None else _kept(op, lambda: entries.find(key))
    if held is None:
        raise _missing(op, "MPC", key)
    return held


def _fetch(machine: Machine, op: Operation, key: Args) -> AnyValue:
    _reachable(machine, op)
    store = machine.world.store
    found = _kept(op, lambda: store.get(key))
    if found is None:
        raise _missing(op, "DHT", key)
    check(machine, op, "DHT", key, found, "read", f"reading DHT[{shown_key(key)}]")
    opened = (_kept(op, lambda who=who: store.open(key, who)) for who in _openers(machine))  # type: ignore[misc]
    content = next((each for each in opened if each is not None), None)
    if content is None:
        raise revert(op, "E0510", f"not permitted: reading DHT[{shown_key(key)}]")
    try:
        return AnyValue(found.type, tuple(unpack(content, found.type)))
    except ValueError as error:
        raise revert(op, "E0201", f"DHT[{shown_key(key)}] holds what is {error}") from None


def _openers(machine: Machine) -> list[Identity]:
    """Whose keys are tried: a shared identity reads by those of its members that are here."""
    world, me = machine.world, machine.world.actor
    if world.store.asks:
        return [me, world.identities.get(GATE)]
    members = world.identities.local_members(me)
    found = [me] if members is None else [world.identities.at(address) for address in members]
    return [each for each in found if each is not None]


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
            entries = machine.world.entries
            return (key in machine.world.held if entries is None else _kept(op, lambda: entries.has(key)),)
        case _:
            _reachable(machine, op)
            return (_kept(op, lambda: machine.world.store.get(key)) is not None,)


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
    held = _held(machine, op, key)
    check(machine, op, "MPC", key, held, "read", f"reading the raw data of MPC[{shown_key(key)}]")
    me, found = world.actor, _asked(op, held.leaves, held.type, op.attrs["type"])
    kinds = [leaf.type for leaf in leaves_of(op.attrs["type"])]
    seals = []
    for secret, kind in zip(found, kinds, strict=True):
        tensor = kind if isinstance(kind, Tensor) else None
        assert tensor is not None
        seals.append((secret, tensor, me.public_key))
    envelopes = world.domain.finish((), seals) if world.entries is None else _read_raw(op, world, world.entries, seals)
    return [world.domain.unseal(envelope, me.private_key) for envelope in envelopes]


def _read_raw(op: Operation, world: World, entries: Entries, seals: Sequence[tuple[Secret, Tensor, bytes]]
              ) -> list[Envelope]:
    """Apart from all that is computed: nodes give an entry away as it is, or not at all."""
    world.domain.flush()
    with entries.raw():
        return _engaged(op, lambda: world.domain.finish((), seals))


DATABASES: dict[str, Handler] = {
    "predicate": _predicate,
    "db_set": _set,
    "db_get": _get,
    "db_get_at": _get_at,
    "db_has": _has,
    "db_history": _history,
    "declassify": _declassify,
}
