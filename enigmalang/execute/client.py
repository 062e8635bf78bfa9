"""Handlers of scripts and tests: printing, inputs, identities, deploying and calling contracts, time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from enigmalang.execute.defaults import slot_shape, zero_of
from enigmalang.execute.external import callee_of
from enigmalang.execute.failures import Revert, fault, revert
from enigmalang.execute.jobs import run_request
from enigmalang.execute.machine import Handler, Machine
from enigmalang.execute.onchain import deploy_on_chain
from enigmalang.execute.permitting import may_together
from enigmalang.execute.requests import Request, make_request
from enigmalang.execute.secret import Secret
from enigmalang.execute.values import AnyValue, ContractRef, hashable, leaves_from, show
from enigmalang.execute.world import World
from enigmalang.ir.ir import Operation
from enigmalang.ir.leaves import leaves_of
from enigmalang.plan.calls import LedgerError
from enigmalang.types.types import AnyT

Args = tuple[Any, ...]


@dataclass(slots=True, eq=False)
class Job:
    """A submitted call: queued, then done or failed. It runs when it, or one submitted after it to the same contract,
    is awaited, before the next direct call of that contract, or at the end of the program."""

    request: Request
    done: bool = False
    result: list[Any] | None = None
    failure: Revert | None = None
    awaited: bool = False


# ---- printing and inputs


def _print(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    parts: list[str] = []
    leaves = list(args)
    for item in op.attrs["items"]:
        if isinstance(item, str):
            parts.append(item)
            continue
        count = len(leaves_of(item))
        parts.append(shown(leaves[:count], item))
        leaves = leaves[count:]
    sep, end = op.attrs.get("sep"), op.attrs.get("end")
    text = (" " if sep is None else sep).join(parts)
    machine.world.out(text + ("\n" if end is None else end))
    return ()


def shown(leaves: Sequence[Any], type: Any) -> str:
    """As `print` writes it; a private value only as such."""
    if any(isinstance(leaf, Secret) for leaf in leaves):
        return "<private>"
    if isinstance(type, AnyT) and isinstance(leaves[0], AnyValue):
        return show(leaves[0].leaves, leaves[0].type)
    return show(leaves, type)


def _input(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    data = machine.world.inputs.read(op.attrs["name"], op.attrs["type"], op.span)
    return leaves_from(data, op.attrs["type"])


def _assert(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    condition, *message = args
    if not condition:
        text = f": {message[0]}" if message else ""
        raise fault(op, "E0505", f"the assertion does not hold{text}")
    return ()


# ---- contracts


def _deploy(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    world, name = machine.world, op.attrs["contract"]
    init = f"{name}.init"
    function = world.plan.functions.get(init)
    count = sum(len(p.values) for p in function.public.params) if function is not None else 0
    wei = int(args[count]) if len(args) > count else 0
    if world.chain is not None:
        return (deploy_on_chain(world, world.chain, op, name, args[:count], wei),)
    mark = world.ledger.checkpoint()
    address = world.ledger.deploy(name, world.actor.address)
    if function is None:
        world.ledger.seal()
        return (ContractRef(address, name),)
    try:
        run_request(world, make_request(world, op, init, address, name, wei, args[:count]))
    except Revert:
        world.ledger.rollback(mark)
        raise
    return (ContractRef(address, name),)


def _request(machine: Machine, op: Operation, args: Args) -> Request:
    reference, *rest = args
    wei = int(rest.pop(0)) if op.attrs["value"] else 0
    name = f"{reference.name}.{op.attrs['function'].rpartition('.')[2]}"
    return make_request(machine.world, op, name, reference.address, reference.name, wei, rest)


def _call(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    request = _request(machine, op, args)
    run_queue(machine.world, request.address)
    return run_request(machine.world, request)


def _submit(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    job = Job(_request(machine, op, args))
    machine.world.queue.append(job)
    machine.world.submitted.append(job)
    return (job,)


def _await(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    (job,) = args
    run_queue(machine.world, job.request.address, job)
    job.awaited = True
    if job.failure is not None:
        raise job.failure
    return job.result or ()


def run_queue(world: World, address: str | None = None, last: Job | None = None) -> None:
    """Run submitted jobs in order: those of one contract (up to `last`), or all."""
    for job in list(world.queue):
        if address is not None and job.request.address != address:
            continue
        if last is not None and last.done:
            break
        world.queue.remove(job)
        try:
            job.result = run_request(world, job.request)
        except Revert as failure:
            job.failure = failure
        job.done = True
        if job is last:
            break


def finish_queue(world: World) -> None:
    """At the end of a program: run what is still queued. Raises the first failure that nobody awaited."""
    run_queue(world)
    for job in world.submitted:
        if job.failure is not None and not job.awaited:
            raise job.failure


def _read(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    reference, *keys = args
    world = machine.world
    run_queue(world, reference.address)
    slot = world.plan.contracts[reference.name].slots[op.attrs["slot"]]
    found = world.ledger.get(reference.address, slot.name, tuple(hashable(k) for k in keys))
    return (zero_of(slot.type, slot_shape(slot)) if found is None else found,)


def _external(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    """A script's call through an interface: a transaction of its own."""
    address, contract, name, wei, rest = callee_of(machine, op, args)
    return run_request(machine.world, make_request(machine.world, op, name, address, contract, wei, rest))


# ---- identities and time


def _identity(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    return (machine.world.identities.get(op.attrs["name"]),)


def _shared_identity(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    world, members = machine.world, tuple(zip(args[::2], args[1::2], strict=True))
    policies = tuple((who.address, p) for who, p in members)
    chain = world.chain
    if chain is None:
        return (world.identities.share(policies),)
    try:
        return (world.identities.share(policies, lambda: chain.share(world.actor, members)),)
    except LedgerError as error:
        raise revert(op, "E0510", f"the shared identity cannot be made: {error.text}") from None


def _acting(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    """Acting as a shared identity is for members whose policies let them; anyone acts as itself."""
    (identity,), world = args, machine.world
    members = world.identities.local_members(identity)
    if members is None:
        return ()
    if world.chain is not None:
        allowed = world.chain.can_act(identity)
    else:
        together = [(m, *(o for o in members if o != m)) for m in members]
        allowed = any(may_together(machine, asks, identity.address) for asks in [*((m,) for m in members), *together])
    if not allowed:
        raise revert(op, "E0510", f"not permitted: nobody here may act as {identity.address}")
    return ()


def _advance(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    try:
        machine.world.ledger.advance(int(args[0]), op.attrs["unit"])
    except LedgerError as error:
        raise fault(op, "E0708", error.text) from None
    return ()


CLIENT: dict[str, Handler] = {
    "print": _print,
    "input": _input,
    "assert": _assert,
    "deploy": _deploy,
    "call_contract": _call,
    "submit": _submit,
    "await": _await,
    "read_contract": _read,
    "external_call": _external,
    "identity": _identity,
    "shared_identity": _shared_identity,
    "advance": _advance,
    "acting": _acting,
}
