"""A call of a contract's function on a chain that runs contracts itself (architecture.md, "A job, from call to
effect").

What is public is a transaction of the chain. A job is requested there with its masked inputs, computed by the nodes
against the state as it is, and fulfilled there: the public program runs in one transaction with the opened values
attested. When the state moved on meanwhile the nodes compute again. When the chain refuses, the interpreter runs the
same program on the same state, which tells why, and where in the source.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from enigmalang.execute.delivery import announce
from enigmalang.execute.failures import Revert, revert
from enigmalang.execute.masks import Masked
from enigmalang.execute.ports import Chain
from enigmalang.execute.requests import (
    Computed,
    Request,
    check_public,
    check_public_ranges,
    check_ranges,
    compute,
    context_of,
    joined,
    make_request,
    private_leaves,
    rehearse,
    run_program,
)
from enigmalang.execute.secret import Secret
from enigmalang.execute.values import ContractRef
from enigmalang.execute.world import World
from enigmalang.ir.ir import Operation, Tensor
from enigmalang.plan.calls import ESCROW, Attested, LedgerCall, LedgerError

#: Where a contract would have been that was never made.
NOWHERE = "0x" + "0" * 40
#: How often a job is computed again because the contract's state moved on.
TRIES = 8


def run_request(world: World, chain: Chain, request: Request) -> list[Any]:
    """The leaves of the result. Raises Revert; then the chain's state is as before."""
    held = dict(world.held)
    try:
        _check_payment(world, request)
        check_public_ranges(request)
        if request.function.secret is None:
            return _public(world, chain, request)
        return _job(world, chain, request)
    except Revert:
        world.held = held
        raise


def deploy_on_chain(world: World, chain: Chain, op: Operation, contract: str, args: Sequence[Any], wei: int
                    ) -> ContractRef:
    """A new contract; an `init` with a private part is its first job. Raises Revert."""
    init = world.plan.functions.get(f"{contract}.init")
    split = init is not None and init.secret is not None
    creator = world.actor
    if init is not None and wei and not init.public.payable:
        raise revert(op, "E0501", f"{init.name} takes no payment: it is not `payable`")
    if wei and (balance := world.ledger.balance(creator.address)) < wei:
        raise revert(op, "E0512", f"{wei} wei cannot be paid: the balance is {balance}")
    try:
        address = chain.create(contract, creator, 0 if split else wei, () if split else tuple(args))
    except LedgerError as error:
        if init is None:
            raise revert(op, "E0501", f"reverted: {error.text}") from None
        request = make_request(world, op, init.name, NOWHERE, contract, wei, args)
        raise _explained(world, request, error) from None
    if split:
        run_request(world, chain, make_request(world, op, f"{contract}.init", address, contract, wei, args))
    return ContractRef(address, contract)


def call_of(world: World, request: Request) -> LedgerCall:
    """As the chain sees it."""
    sender = world.identities.at(request.sender)
    if sender is None:
        raise revert(request.op, "E0516", f"there is no key here for {request.sender}")
    kinds = private_leaves(request.function.public)
    args = tuple(None if kind is not None else arg for kind, arg in zip(kinds, request.args, strict=True))
    shapes = tuple(_shape(arg) for kind, arg in zip(kinds, request.args, strict=True) if kind is not None)
    return LedgerCall(request.address, request.contract, request.function, sender, request.value, args, shapes)


def _shape(arg: Any) -> tuple[int, ...]:
    return arg.shape if isinstance(arg, Secret) else np.shape(arg)


def _check_payment(world: World, request: Request) -> None:
    if request.value and not request.function.public.payable:
        raise revert(request.op, "E0501", f"{request.function.name} takes no payment: it is not `payable`")
    if request.value and (balance := world.ledger.balance(request.sender)) < request.value:
        raise revert(request.op, "E0512", f"{request.value} wei cannot be paid: the balance is {balance}")


def _public(world: World, chain: Chain, request: Request) -> list[Any]:
    call = call_of(world, request)
    try:
        return chain.view(call) if request.function.public.kind == "view" else chain.transact(call)
    except LedgerError as error:
        raise _explained(world, request, error) from None


def _explained(world: World, request: Request, error: LedgerError) -> Revert:
    """What the interpreter says about a transaction that the chain refused."""
    before = world.ledger.checkpoint()
    try:
        if request.value:
            world.ledger.transfer(request.sender, request.address, request.value)
        run_program(world, request, context_of(request, "whole"), request.function.public, request.args)
    except Revert as found:
        return found
    finally:
        world.ledger.rollback(before)
    return revert(request.op, "E0501", f"reverted: {error.text}")


# ---- jobs


def _job(world: World, chain: Chain, request: Request) -> list[Any]:
    check_public(world, request)
    masked, kinds = _masked(world, request)
    try:
        job = chain.request(call_of(world, request), masked.content, masked.mask)
    except LedgerError as error:
        raise revert(request.op, "E0501", f"reverted: {error.text}") from None
    admitted = iter(world.domain.admit(masked, kinds) if kinds else ())
    arguments = tuple(arg if kind is None or isinstance(arg, Secret) else next(admitted)
                      for kind, arg in zip(private_leaves(request.function.public), request.args, strict=True))
    return _fulfilled(world, chain, replace(request, args=arguments), job)


def _masked(world: World, request: Request) -> tuple[Masked, list[Tensor]]:
    """The private arguments that the client still has in the clear, masked, and their types. Those that are references
    already are with the nodes.
    """
    pairs = [(arg, kind) for kind, arg in zip(private_leaves(request.function.public), request.args, strict=True)
             if kind is not None and not isinstance(arg, Secret)]
    if not pairs:
        return Masked(0, b"", ()), []
    return world.domain.mask([arg for arg, _ in pairs]), [kind for _, kind in pairs]


def _fulfilled(world: World, chain: Chain, request: Request, job: int) -> list[Any]:
    work = Work(world)
    for _ in range(TRIES):
        version = chain.version(request.address)
        try:
            made = outcome(world, request)
        except Revert as failure:
            text = failure.text or failure.diagnostic.message
            if not _reported(chain, request, job, version, text, work.attested((), ())):
                continue
            raise
        attested = work.attested(words_of(made.said), tuple(made.context.writes))
        try:
            shown = chain.fulfil(job, version, attested)
        except LedgerError as error:
            if error.stale:
                continue
            refused = _refused(chain, request, job, error)
            if refused.diagnostic.code != "E0518" and not _reported(
                    chain, request, job, version, error.text, work.attested((), ())):
                continue
            raise refused from None
        return _done(world, chain, request, made, shown)
    text = (f"{request.function.name} was computed {TRIES} times, and each time the contract's state had moved on when "
            "the result was ready")
    any(_reported(chain, request, job, chain.version(request.address), text, work.attested((), ()))
        for _ in range(TRIES))  # else the job ends at its deadline
    raise revert(request.op, "E0517", text)


def _reported(chain: Chain, request: Request, job: int, version: int, text: str, attested: Attested) -> bool:
    """End `job` as failed, so that payment and fee go back; False when the state moved on since `version`."""
    try:
        chain.report_failure(job, version, text, attested)
    except LedgerError as error:
        if error.stale:
            return False
        raise _refused(chain, request, job, error) from None
    return True


def _refused(chain: Chain, request: Request, job: int, error: LedgerError) -> Revert:
    """Why the outcome of `job` was not taken: most often, its time was over."""
    if chain.expire(job):
        return revert(request.op, "E0518", f"{request.function.name} was not done in time: the job has ended without "
                      "effect, and its payment and fee came back")
    return revert(request.op, "E0501", f"reverted: {error.text}")


def outcome(world: World, request: Request) -> Computed:
    """What the nodes make of a job whose private arguments they have: nothing of it is to be published when this raises
    Revert.
    """
    check_ranges(world, request, truths=True)
    made = compute(world, request)
    made.said = _try_public(world, request, made.revealed)
    return made


def _try_public(world: World, request: Request, revealed: Sequence[Any]) -> list[Any]:
    """What is attested. Raises Revert when the public program would fail: then nothing that was opened is published."""
    before = world.ledger.checkpoint()
    try:
        if request.value:
            world.ledger.transfer(ESCROW, request.address, request.value)
        return rehearse(world, request, revealed)[1]
    finally:
        world.ledger.rollback(before)


def _done(world: World, chain: Chain, request: Request, made: Computed, shown: list[Any]) -> list[Any]:
    if request.function.public.kind != "view":
        chain.keep(made.context.writes)
    announce(world, world.domain, made.context, made.deliveries)
    return joined(world, request, shown, made.results)


def words_of(revealed: Sequence[Any]) -> tuple[int, ...]:
    """Opened values as the generated contract reads them: arrays begin with the length of each axis."""
    words: list[int] = []
    for value in revealed:
        if isinstance(value, np.ndarray):
            words += value.shape
            words += (int(v) for v in value.ravel().tolist())
        else:
            words.append(int(value))
    return tuple(words)


class Work:
    """What the nodes did since this was made."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._before = self._counts()

    def _counts(self) -> tuple[int, int, int]:
        """Rounds, products, additions; the clear engine does nothing that has a price."""
        world = self._world
        if world.engine is None or world.tracer is None:
            return 0, 0, 0
        stats = world.engine.stats()
        return stats.rounds, stats.products, world.tracer.additions

    def attested(self, words: tuple[int, ...], written: tuple[Any, ...]) -> Attested:
        """With the work until now."""
        rounds, products, additions = (now - old for now, old in zip(self._counts(), self._before, strict=True))
        return Attested(words, written, rounds, products, additions)
