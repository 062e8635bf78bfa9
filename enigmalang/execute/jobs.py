"""A call of a contract's function, from request to effect (architecture.md, "A job, from call to effect"), on a ledger
that the interpreter itself is: `onchain` has the same for a chain that runs contracts.

A function without a private part is one transaction. With one it is a job: checks that need public state alone; the
range of each private argument, in the dark; the secret program against an overlay of the state; then the ledger
program, with the opened values attested, and the new private state, all in one transaction. A failure anywhere
leaves nothing but itself.
"""

from typing import Any

from enigmalang.execute import onchain
from enigmalang.execute.delivery import announce
from enigmalang.execute.failures import Revert
from enigmalang.execute.requests import (
    Request,
    check_public,
    check_public_ranges,
    check_ranges,
    commit,
    compute,
    context_of,
    joined,
    pay,
    run_program,
    run_public,
    shared,
)
from enigmalang.execute.world import World


def run_request(world: World, request: Request) -> list[Any]:
    """The leaves of the result. Raises Revert, after undoing everything."""
    if world.chain is not None:
        return onchain.run_request(world, world.chain, request)
    ledger = world.ledger
    mark, held = ledger.checkpoint(), dict(world.held)
    try:
        pay(world, request)
        check_public_ranges(request)
        if request.function.secret is None:
            result = run_program(world, request, context_of(request, "whole"), request.function.public, request.args)
        else:
            result = _job(world, shared(world, request))
    except BaseException as error:
        world.store.discard()
        if isinstance(error, Revert):
            ledger.rollback(mark)
            world.held = held
        raise
    if request.function.public.kind == "view":
        ledger.rollback(mark)
    else:
        ledger.seal()
        world.store.publish()
    return result


def _job(world: World, request: Request) -> list[Any]:
    check_public(world, request)
    check_ranges(world, request)
    made = compute(world, request)
    shown = run_public(world, request, made.revealed)
    if request.function.public.kind != "view":
        commit(world, made.context)
    announce(world, world.domain, made.context, made.deliveries)
    return joined(world, request, shown, made.results)
