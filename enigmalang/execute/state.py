"""Handlers of contract operations: state, context, checks, events, money, openings."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from enigmalang.execute.defaults import array_of, slot_shape, zero_of
from enigmalang.execute.delivery import deliver_all
from enigmalang.execute.failures import Revert, diagnose, revert
from enigmalang.execute.kernels import check
from enigmalang.execute.machine import Handler, Machine
from enigmalang.execute.numbers import scalar
from enigmalang.execute.ports import Identity
from enigmalang.execute.secret import Pending, Secret
from enigmalang.execute.stacking import stacked
from enigmalang.execute.values import ContractRef, hashable, show
from enigmalang.ir.ir import Operation, Slot, Tensor
from enigmalang.ir.leaves import leaves_of
from enigmalang.types.ranges import Range, held_by
from enigmalang.types.types import BOOL, FixedT, IntT, Label

Args = tuple[Any, ...]


class NeedsAttested(Exception):
    """The ledger program wants a revealed value that is not known yet: all checks before it have passed."""


# ---- state


def slot_of(machine: Machine, op: Operation) -> Slot:
    contract = machine.world.plan.contracts[machine.context.contract or ""]
    return contract.slots[op.attrs["slot"]]


def _full(machine: Machine, slot: Slot, keys: Args) -> tuple[str, str, Args]:
    return machine.context.address, slot.name, tuple(hashable(k) for k in keys)


def load(machine: Machine, slot: Slot, keys: Args) -> Any:
    """The leaf under `keys`, or its default."""
    full = _full(machine, slot, keys)
    if slot.label is Label.PUBLIC:
        found = machine.world.ledger.get(*full)
        return zero_of(slot.type, slot_shape(slot)) if found is None else found
    stored = machine.context.writes.get(full)
    if stored is None:
        stored = machine.world.ledger.get(*full)
    assert isinstance(slot.type, Tensor)
    if stored is None:
        return machine.domain.zero(slot.type, slot_shape(slot))
    return stored if machine.context.mode != "ledger" else machine.domain.zero(slot.type, stored.shape)


def save(machine: Machine, slot: Slot, keys: Args, value: Any) -> None:
    full = _full(machine, slot, keys)
    if slot.label is Label.PUBLIC:
        machine.world.ledger.put(*full, value)
        return
    if not isinstance(value, Secret):
        assert isinstance(slot.type, Tensor)
        value = machine.domain.share(value, slot.type, client=False)
    if machine.context.mode == "ledger" and isinstance(slot.type, Tensor):
        value = machine.domain.zero(slot.type, _kept_shape(slot, value.shape))
    machine.context.writes[full] = value


def _kept_shape(slot: Slot, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A stand-in for an array has no rows: its shape is the declared one."""
    return slot_shape(slot) if all(slot.exact) else shape


def _state_load(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    return (load(machine, slot_of(machine, op), ()),)


def _state_store(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    save(machine, slot_of(machine, op), (), args[0])
    return ()


def _batch(slot: Slot, keys: Args) -> int | None:
    """The length of a batch of keys; None for single ones."""
    sizes = [len(k) for k in keys if isinstance(k, np.ndarray)]
    return sizes[0] if sizes else None


def _at(keys: Args, number: int) -> Args:
    return tuple(scalar(k[number]) if isinstance(k, np.ndarray) else k for k in keys)


def _map_get(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    slot = slot_of(machine, op)
    count = _batch(slot, args)
    if count is None:
        return (load(machine, slot, args),)
    assert isinstance(op.result.type, Tensor)
    _prefetch(machine, slot, args, count)
    rows = [load(machine, slot, _at(args, n)) for n in range(count)]
    return (stacked(machine.domain, op.result.type, rows, slot.label is Label.PRIVATE),)


def _map_set(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    *keys, value = args
    save(machine, slot_of(machine, op), tuple(keys), value)
    return ()


def _has(machine: Machine, slot: Slot, keys: Args) -> bool:
    full = _full(machine, slot, keys)
    return full in machine.context.writes or machine.world.ledger.get(*full) is not None


def _map_has(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    slot = slot_of(machine, op)
    count = _batch(slot, args)
    if count is None:
        return (_has(machine, slot, args),)
    _prefetch(machine, slot, args, count)
    return (array_of(BOOL, [_has(machine, slot, _at(args, n)) for n in range(count)], (count,)),)


def _prefetch(machine: Machine, slot: Slot, args: Args, count: int) -> None:
    """All keys of a batch are read in one message, where a ledger is far away."""
    if slot.label is Label.PUBLIC:
        keys = [tuple(hashable(k) for k in _at(args, n)) for n in range(count)]
        machine.world.ledger.prefetch(machine.context.address, slot.name, keys)


# ---- context, checks, events


def _context(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    world, context = machine.world, machine.context
    match op.attrs["name"]:
        case "sender":
            return (context.sender or world.actor.address,)
        case "value":
            return (context.value,)
        case "now":
            return (_as_attested(machine, op, world.ledger.time),)
        case "block":
            return (_as_attested(machine, op, world.ledger.number),)
        case "self":
            return (context.address,)
        case "balance":
            return (world.ledger.balance(context.address or world.actor.address),)
        case "chain":
            return (world.ledger.chain,)
        case name:
            raise revert(op, "E0516", f"there is no `{name}` here")


def _as_attested(machine: Machine, op: Operation, value: int) -> int:
    if op.attrs.get("attested") and machine.context.attested is not None:
        machine.context.said.append(value)
    return value


def _witness(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    if machine.context.attested is not None:
        machine.context.said.append(machine.world.ledger.digest(args, op.attrs["type"]))
    return ()


def _require(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    condition, *rest = args
    if not condition:
        raise failure(machine, op, rest)
    return ()


def _raise(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    raise failure(machine, op, args)


def failure(machine: Machine, op: Operation, leaves: Sequence[Any]) -> Revert:
    """What a `require` that does not hold, or a `raise`, reverts with."""
    name = op.attrs.get("error")
    if name is None:
        text = str(leaves[0]) if leaves else ""
        message = f"reverted: {text}" if text else "reverted: a requirement does not hold"
        return Revert(diagnose(op, "E0501", message), text)
    text = f"{name}({', '.join(shown_fields(machine, name, leaves))})"
    return Revert(diagnose(op, "E0506", f"reverted with {text}"), text, name)


def shown_fields(machine: Machine, error: str, leaves: Sequence[Any]) -> list[str]:
    contract = machine.world.plan.contracts.get(machine.context.contract or "")
    fields = contract.errors.get(error, ()) if contract is not None else ()
    shown, rest = [], list(leaves)
    for field, type in fields:
        count = len(leaves_of(type))
        shown.append(f"{field}={show(rest[:count], type)}")
        rest = rest[count:]
    return shown


def _emit(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    if machine.context.mode != "secret":
        machine.world.ledger.emit(machine.context.address, op.attrs["event"], tuple(args))
    return ()


def _send(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    to, amount = args
    if isinstance(to, Identity | ContractRef):
        to = to.address
    world = machine.world
    source = machine.context.address or world.actor.address
    if (contract := world.ledger.contract_at(str(to))) is not None:
        raise revert(op, "E0501", f"reverted: {contract} takes money with a call of a `payable` function only")
    if machine.context.mode == "client" and world.chain is not None and world.ledger.balance(source) >= amount:
        world.chain.pay(world.actor, to, int(amount))
        return ()
    if not machine.world.ledger.transfer(source, to, int(amount)):
        raise revert(op, "E0512", f"{amount} wei cannot be sent: the balance is {machine.world.ledger.balance(source)}")
    return ()


# ---- secrets


def _share(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    (value,) = args
    if isinstance(value, Secret) or not isinstance(op.result.type, Tensor):
        return (value,)
    return (machine.domain.share(value, op.result.type, client=machine.context.mode == "client"),)


def _reveal(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    if machine.context.mode == "ledger":
        return _attested(machine, op, args)
    (value,) = args
    if isinstance(value, Secret):
        assert isinstance(op.result.type, Tensor)
        value = _checked(op, machine.domain.reveal(value, _opened(op.result.type, op.operands[0].range)))
    if machine.context.mode == "secret":
        machine.context.revealed.append(value)
    return (value,)


def _opened(type: Tensor, bounds: Range | None) -> Tensor:
    """The type of what is opened: wide enough for whatever the private value may be."""
    element = type.element
    if not isinstance(element, IntT) or bounds is None or held_by(element, bounds):
        return type
    wider = [IntT(bounds.low < 0, bits) for bits in range(element.bits, 257, 8)]
    return replace(type, element=next((found for found in wider if held_by(found, bounds)), element))


def _checked(op: Operation, value: Any) -> Any:
    """What is public fits its type: where the private range is wider, that is seen when the value is first used as one
    of its type, by every engine at the same place."""
    type = op.result.type
    if not isinstance(type, Tensor) or not isinstance(type.element, IntT | FixedT) or held_by(
            type.element, op.operands[0].range):
        return value
    if not isinstance(value, Pending):
        known, value = value, Pending(None, type.rank)
        value.resolve(known)
    value.check = partial(check, op, element=type.element)
    return value


def _attested(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    values = machine.context.attested
    if values is None:
        raise NeedsAttested
    machine.context.said.append(values[0])
    return (values.pop(0),)


def _reveal_to(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    value, who = args
    address = who.address if isinstance(who, Identity | ContractRef) else str(who)
    if machine.context.mode == "ledger":
        return ()
    type = op.operands[0].type
    assert isinstance(type, Tensor)
    if not isinstance(value, Secret):
        value = machine.domain.share(value, type, client=False)
    machine.context.deliveries.append((value, type, address))
    if machine.context.mode == "client":
        deliver_all(machine.world, machine.domain, machine.context)
    return ()


STATE: dict[str, Handler] = {
    "state_load": _state_load,
    "state_store": _state_store,
    "map_get": _map_get,
    "map_set": _map_set,
    "map_has": _map_has,
    "context": _context,
    "emit": _emit,
    "require": _require,
    "raise": _raise,
    "send": _send,
    "share": _share,
    "reveal": _reveal,
    "attested": _attested,
    "witness": _witness,
    "reveal_to": _reveal_to,
}
