"""A call of a contract's function, from request to effect (architecture.md, "A job, from call to effect").

A function without a private part is one transaction. With one it is a job: checks that need public state alone; the
range of each private argument, in the dark; the secret program against an overlay of the state; then the ledger
program, with the opened values attested, and the new private state, all in one transaction. A failure anywhere
leaves nothing but itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from enigmalang.execute.delivery import announce, seals_of
from enigmalang.execute.domain import Bound, Envelope, ShapeDomain
from enigmalang.execute.failures import Revert, diagnose, revert
from enigmalang.execute.handlers import CONTRACT
from enigmalang.execute.machine import Context, Machine
from enigmalang.execute.secret import Secret
from enigmalang.execute.state import NeedsAttested
from enigmalang.execute.world import World
from enigmalang.ir.ir import Function, Operation, Tensor
from enigmalang.ir.leaves import leaves_of
from enigmalang.plan.plan import PlanFunction
from enigmalang.types.types import BoolT, EnumT, FixedT, IntT


@dataclass(frozen=True, slots=True)
class Request:
    """A call as its client makes it. `args` are leaves, private ones already secret."""

    op: Operation  # where, for messages
    function: PlanFunction
    address: str
    contract: str
    sender: str
    value: int
    args: tuple[Any, ...]


def make_request(world: World, op: Operation, name: str, address: str, contract: str, value: int,
                 args: Sequence[Any]) -> Request:
    """Mask the private arguments. Raises a revert for a function that does not exist."""
    function = world.plan.functions.get(name)
    if function is None:
        raise revert(op, "E0516", f"the contract at {address} has no function {name.rpartition('.')[2]}")
    masked = []
    for value_, argument in zip(_private_leaves(function.public), args, strict=True):
        if value_ is not None and not isinstance(argument, Secret):
            argument = world.domain.share(argument, value_, client=True)
        masked.append(argument)
    return Request(op, function, address, contract, world.actor.address, value, tuple(masked))


def _private_leaves(function: Function) -> list[Tensor | None]:
    """For each leaf of the parameters its type if it is private, else None."""
    found: list[Tensor | None] = []
    for param in function.params:
        for leaf in leaves_of(param.type, param.private):
            found.append(leaf.type if leaf.private and isinstance(leaf.type, Tensor) else None)
    return found


def run_request(world: World, request: Request) -> list[Any]:
    """The leaves of the result. Raises Revert, after undoing everything."""
    ledger = world.ledger
    mark, held = ledger.checkpoint(), dict(world.held)
    try:
        _pay(world, request)
        _check_public_ranges(request)
        if request.function.secret is None:
            result = _run(world, request, _context(request, "whole"), request.function.public, request.args)
        else:
            result = _job(world, request)
    except Revert:
        ledger.rollback(mark)
        world.held = held
        raise
    if request.function.public.kind == "view":
        ledger.rollback(mark)
    else:
        ledger.seal()
    return result


def _pay(world: World, request: Request) -> None:
    if not request.value:
        return
    if not request.function.public.payable:
        raise revert(request.op, "E0501", f"{request.function.name} takes no payment: it is not `payable`")
    if not world.ledger.transfer(request.sender, request.address, request.value):
        balance = world.ledger.balance(request.sender)
        raise revert(request.op, "E0512", f"{request.value} wei cannot be paid: the balance is {balance}")


def _context(request: Request, mode: str) -> Context:
    return Context(mode, request.contract, request.address, request.sender, request.value)


def _run(world: World, request: Request, context: Context, function: Function, args: Sequence[Any]) -> list[Any]:
    domain = ShapeDomain() if context.mode == "ledger" else world.domain
    result = Machine(world, domain, context, CONTRACT).run(function, args)
    if context.mode == "whole":
        commit(world, context)
    return result


def commit(world: World, context: Context) -> None:
    """Private state written becomes current."""
    for full, secret in context.writes.items():
        world.ledger.put(*full, secret)


def _shapes(request: Request) -> list[Any]:
    """The arguments as the ledger sees them."""
    shapes = ShapeDomain()
    kinds = _private_leaves(request.function.public)
    return [shapes.zero(kind, a.shape) if kind is not None else a for kind, a in zip(kinds, request.args, strict=True)]


def _job(world: World, request: Request) -> list[Any]:
    ledger, function = world.ledger, request.function
    assert function.secret is not None
    before = ledger.checkpoint()
    _check_public(world, request)
    ledger.rollback(before)
    _check_ranges(world, request)
    context = _context(request, "secret")
    try:
        private = _run(world, request, context, function.secret, request.args)
        secrets = [_as_secret(world, v, leaf.type) for v, leaf in zip(
            private, (leaf for leaf in function.result_leaves if leaf.private), strict=True)]
        caller = world.identities.at(request.sender)
        key = caller.public_key if caller is not None else b""
        results = [(s, t, key) for s, t in secrets]
        deliveries = seals_of(world, context)
        envelopes = world.domain.finish(list(context.writes.values()), [*results, *deliveries])
    finally:
        ledger.rollback(before)
    machine = Machine(world, world.domain, context, CONTRACT)
    public = _context(request, "ledger")
    public.attested = [machine.forced(v) for v in context.revealed]
    shown = _run(world, request, public, function.public, _shapes(request))
    if function.public.kind != "view":
        commit(world, context)
    announce(world, world.domain, context, envelopes[len(results) :])
    return _joined(world, request, shown, envelopes[: len(results)])


def _as_secret(world: World, value: Any, type: Any) -> tuple[Secret, Tensor]:
    assert isinstance(type, Tensor)
    return (value if isinstance(value, Secret) else world.domain.share(value, type, client=False)), type


def _joined(world: World, request: Request, shown: list[Any], envelopes: Sequence[Envelope]) -> list[Any]:
    """Public leaves from the ledger, private ones opened with the caller's key, in the result's order."""
    caller = world.identities.at(request.sender)
    assert caller is not None
    sealed, public = iter(envelopes), iter(shown)
    return [
        world.domain.unseal(next(sealed), caller.private_key) if leaf.private else next(public)
        for leaf in request.function.result_leaves]


def _check_public(world: World, request: Request) -> None:
    """Checks that need only public state, up to the first value the nodes must open."""
    context = _context(request, "ledger")
    try:
        _run(world, request, context, request.function.public, _shapes(request))
    except NeedsAttested:
        return


def _check_public_ranges(request: Request) -> None:
    """E0501 unless every public argument is inside its parameter's range (`in low..high`)."""
    arguments = iter(request.args)
    for param in request.function.public.params:
        for leaf in leaves_of(param.type, param.private):
            argument = next(arguments)
            limits = _limits(leaf.type, param.range) if param.range is not None else None
            if leaf.private or limits is None:
                continue
            low, high = limits
            if not low <= argument <= high:
                raise revert(request.op, "E0501", f"`{param.name}` of {request.function.name} is {argument}, outside "
                             f"of its range {low}..{high}")


def _check_ranges(world: World, request: Request) -> None:
    """E0509 unless every private argument is inside its parameter's range; nothing else is learnt."""
    bounds: list[Bound] = []
    arguments = iter(request.args)
    for param in request.function.public.params:
        for leaf in leaves_of(param.type, param.private):
            argument = next(arguments)
            limits = _limits(leaf.type, param.range)
            if leaf.private and limits is not None:
                bounds.append(Bound(argument, *limits))
    if bounds and not world.domain.inside(bounds):
        names = " or ".join(f"`{p.name}`" for p in request.function.public.params
                            if any(leaf.private for leaf in leaves_of(p.type, p.private)))
        found = diagnose(request.op, "E0509", f"a private argument of {request.function.name} ({names}) is outside "
                         "its range", "which one, and by how much, stays secret")
        raise Revert(found)


def _limits(type: Any, range: Any) -> tuple[int, int] | None:
    match type:
        case Tensor(element=BoolT()):
            return None
        case Tensor(element=IntT() | FixedT() as element):
            low, high = element.low, element.high
            return (max(low, range.low), min(high, range.high)) if range is not None else (low, high)
        case Tensor(element=EnumT(members=members)):
            return 0, len(members) - 1
        case _:
            return None
