"""What every call of a contract's function has, on whatever ledger: the request, the checks before it, and what the
nodes compute for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from enigmalang.execute.delivery import seals_of
from enigmalang.execute.domain import Bound, Envelope, ShapeDomain
from enigmalang.execute.failures import Revert, diagnose, revert
from enigmalang.execute.handlers import CONTRACT
from enigmalang.execute.machine import Context, Machine
from enigmalang.execute.ranges import check_arguments, limits
from enigmalang.execute.secret import Secret
from enigmalang.execute.state import NeedsAttested
from enigmalang.execute.world import World
from enigmalang.ir.ir import Function, Operation, Tensor
from enigmalang.ir.leaves import leaves_of
from enigmalang.plan.plan import PlanFunction


@dataclass(frozen=True, slots=True)
class Request:
    """A call as its client makes it. `args` are leaves; private ones are secret, or what the client has yet to mask."""

    op: Operation  # where, for messages
    function: PlanFunction
    address: str
    contract: str
    sender: str
    value: int
    args: tuple[Any, ...] = field(repr=False)


def make_request(world: World, op: Operation, name: str, address: str, contract: str, value: int,
                 args: Sequence[Any]) -> Request:
    """Raises a revert for a function that does not exist."""
    function = world.plan.functions.get(name)
    if function is None:
        raise revert(op, "E0516", f"the contract at {address} has no function {name.rpartition('.')[2]}")
    return Request(op, function, address, contract, world.actor.address, value, tuple(args))


def shared(world: World, request: Request) -> Request:
    """The request with its private arguments made secret by the client."""
    masked = []
    for type, argument in zip(private_leaves(request.function.public), request.args, strict=True):
        if type is not None and not isinstance(argument, Secret):
            argument = world.domain.share(argument, type, client=True)
        masked.append(argument)
    return replace(request, args=tuple(masked))


def private_leaves(function: Function) -> list[Tensor | None]:
    """For each leaf of the parameters its type if it is private, else None."""
    found: list[Tensor | None] = []
    for param in function.params:
        for leaf in leaves_of(param.type, param.private):
            found.append(leaf.type if leaf.private and isinstance(leaf.type, Tensor) else None)
    return found


def pay(world: World, request: Request) -> None:
    if not request.value:
        return
    if not request.function.public.payable:
        raise revert(request.op, "E0501", f"{request.function.name} takes no payment: it is not `payable`")
    if not world.ledger.transfer(request.sender, request.address, request.value):
        balance = world.ledger.balance(request.sender)
        raise revert(request.op, "E0512", f"{request.value} wei cannot be paid: the balance is {balance}")


def context_of(request: Request, mode: str) -> Context:
    return Context(mode, request.contract, request.address, request.sender, request.value)


def run_program(world: World, request: Request, context: Context, function: Function, args: Sequence[Any]) -> list[Any]:
    domain = ShapeDomain() if context.mode == "ledger" else world.domain
    result = Machine(world, domain, context, CONTRACT).run(function, args)
    if context.mode == "whole":
        commit(world, context)
    return result


def commit(world: World, context: Context) -> None:
    """Private state written becomes current."""
    for full, secret in context.writes.items():
        world.ledger.put(*full, secret)


def shapes_of(request: Request) -> list[Any]:
    """The arguments as the ledger sees them."""
    shapes = ShapeDomain()
    kinds = private_leaves(request.function.public)
    return [shapes.zero(kind, np.shape(arg)) if kind is not None else arg
            for kind, arg in zip(kinds, request.args, strict=True)]


def check_public(world: World, request: Request) -> None:
    """Checks that need only public state, up to the first value the nodes must open; nothing changes. Raises Revert."""
    before = world.ledger.checkpoint()
    try:
        run_program(world, request, context_of(request, "ledger"), request.function.public, shapes_of(request))
    except NeedsAttested:
        pass
    finally:
        world.ledger.rollback(before)
        world.store.discard()


def check_public_ranges(request: Request) -> None:
    """E0501 unless every public argument is inside its parameter's range (`in low..high`)."""
    check_arguments(request.op, request.function.public, request.args)


def check_ranges(world: World, request: Request, truths: bool = False) -> None:
    """E0509 unless every private argument is inside its parameter's range; nothing else is learnt. `truths`: booleans
    came as numbers, so they are looked at too.
    """
    bounds: list[Bound] = []
    arguments = iter(request.args)
    for param in request.function.public.params:
        for leaf in leaves_of(param.type, param.private):
            argument = next(arguments)
            reach = limits(leaf.type, param.range)
            if truths and reach is None and leaf.private:
                reach = 0, 1
            if leaf.private and reach is not None:
                bounds.append(Bound(argument, *reach))
    if bounds and not world.domain.inside(bounds):
        names = " or ".join(f"`{p.name}`" for p in request.function.public.params
                            if any(leaf.private for leaf in leaves_of(p.type, p.private)))
        found = diagnose(request.op, "E0509", f"a private argument of {request.function.name} ({names}) is outside "
                         "its range", "which one, and by how much, stays secret")
        raise Revert(found)


@dataclass(slots=True)
class Computed:
    """What the nodes made of a job: `context` has the private writes and what is for others, `revealed` was opened;
    `results` are the caller's private leaves, on their way."""

    context: Context
    revealed: list[Any]
    said: list[Any]  # what the nodes attest: the ledger program's words
    results: list[Envelope]
    deliveries: list[Envelope]


def compute(world: World, request: Request) -> Computed:
    """Run the secret program against the state as it is; the ledger is as before afterwards. Raises Revert."""
    ledger, function = world.ledger, request.function
    assert function.secret is not None
    before = ledger.checkpoint()
    context = context_of(request, "secret")
    try:
        private = run_program(world, request, context, function.secret, request.args)
        secrets = [_as_secret(world, v, leaf.type) for v, leaf in zip(
            private, (leaf for leaf in function.result_leaves if leaf.private), strict=True)]
        caller = world.identities.at(request.sender)
        key = caller.public_key if caller is not None else b""
        results = [(s, t, key) for s, t in secrets]
        envelopes = world.domain.finish(list(context.writes.values()), [*results, *seals_of(world, context)])
    finally:
        ledger.rollback(before)
        world.store.discard()
    machine = Machine(world, world.domain, context, CONTRACT)
    revealed = [machine.forced(v) for v in context.revealed]
    return Computed(context, revealed, [], envelopes[: len(results)], envelopes[len(results) :])


def run_public(world: World, request: Request, revealed: Sequence[Any]) -> list[Any]:
    """The ledger program, with the values that the nodes opened. Raises Revert."""
    return rehearse(world, request, revealed)[0]


def rehearse(world: World, request: Request, revealed: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """As `run_public`; with the result all that the nodes attest: opened values, times, digests of what was read."""
    context = context_of(request, "ledger")
    context.attested = list(revealed)
    return run_program(world, request, context, request.function.public, shapes_of(request)), context.said


def _as_secret(world: World, value: Any, type: Any) -> tuple[Secret, Tensor]:
    assert isinstance(type, Tensor)
    return (value if isinstance(value, Secret) else world.domain.share(value, type, client=False)), type


def joined(world: World, request: Request, shown: list[Any], envelopes: Sequence[Envelope]) -> list[Any]:
    """Public leaves from the ledger, private ones opened with the caller's key, in the result's order."""
    caller = world.identities.at(request.sender)
    assert caller is not None
    sealed, public = iter(envelopes), iter(shown)
    return [
        world.domain.unseal(next(sealed), caller.private_key) if leaf.private else next(public)
        for leaf in request.function.result_leaves]
