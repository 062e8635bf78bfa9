"""Who may do what with the data of the three databases, and transactions that a program sends (language.md §6)."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from enigmalang.execute.failures import Revert, revert
from enigmalang.execute.machine import Context, Machine
from enigmalang.execute.ports import Predicate, Record
from enigmalang.execute.world import Held
from enigmalang.ir.ir import Operation
from enigmalang.plan.calls import LedgerError

Args = tuple[Any, ...]
T = TypeVar("T")


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
    assert data.predicate is not None  # without a chain an entry has its own
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


def check(machine: Machine, op: Operation, db: str, key: Args, data: Held | Record | None, action: str, what: str
          ) -> None:
    """Raises a revert unless whoever acts may do `action`; on a chain, a node records that it refused."""
    chain = machine.world.chain
    if permits(machine, db, key, data, action):
        return
    if chain is not None:
        sent(op, lambda: chain.refuse(askers(machine)[0], db, key, action))
    raise revert(op, "E0510", f"not permitted: {what}")


def sent(op: Operation, transaction: Callable[[], T]) -> T:
    """What a transaction of a script gives; a refused one is a revert."""
    try:
        return transaction()
    except LedgerError as error:
        raise revert(op, "E0501", f"reverted: {error.text}") from None
