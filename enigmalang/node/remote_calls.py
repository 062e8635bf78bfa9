"""Calling a contract on a chain as its client: what is public is a transaction; a job is requested, awaited, and what
it gave is read from the chain and opened with the caller's key.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from enigmalang.chain.client import Chain, Log
from enigmalang.chain.errors import ChainError
from enigmalang.chain.evm import unhexed
from enigmalang.chain.hub import Committee, read_event
from enigmalang.chain.ledger import FEE, EvmLedger
from enigmalang.chain.receiving import publish_receiving_key
from enigmalang.circuits.circuit import Form
from enigmalang.execute.masks import masked_bytes
from enigmalang.execute.onchain import call_of, deploy_on_chain, run_request
from enigmalang.execute.requests import (
    Request,
    check_public,
    check_public_ranges,
    check_ranges,
    make_request,
    private_leaves,
    shared,
)
from enigmalang.execute.traced import plain
from enigmalang.execute.world import World
from enigmalang.fields import field_named
from enigmalang.identity.keys import Identity, Keystore
from enigmalang.ir.ir import Operation, operations
from enigmalang.mpc.outputs import unseal
from enigmalang.node.devchain import LeafValues
from enigmalang.node.masking import MaskError
from enigmalang.node.networks import Network
from enigmalang.node.no_store import NoStore
from enigmalang.node.remote import Remote, RemoteError, connect, keep_plan, open_contract
from enigmalang.node.remote_forming import SIZE, service_at, with_committee
from enigmalang.node.remote_jobs import Watch, reserved_mask, result_of
from enigmalang.node.reserved import VOID, read_parcels
from enigmalang.plan.calls import LedgerError
from enigmalang.plan.plan import Plan, PlanFunction
from enigmalang.sharing import structure
from enigmalang.sharing.faults import SharingError
from enigmalang.source import Span
from enigmalang.wire.messages import Parcel


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a call: the leaves of its result; for a job its number, the transaction that ended it, what it cost
    of the fee, and what was revealed to the caller by name."""

    leaves: list[Any] = field(repr=False)
    job: int | None = None
    transaction: str = ""
    paid: int = 0
    learned: list[Any] = field(default_factory=list, repr=False)


def deploy(chain: Chain, network: Network, plan: Plan, name: str, identity: Identity, args: Sequence[Any], *,
           value: int = 0, fee: int = FEE, say: Callable[[str], None] = lambda text: None, size: int = SIZE,
           rotation: int = 0) -> str:
    """A new contract `name` of `plan`, served by the network's committee, or by `size` nodes drawn for it, and by
    others after each `rotation` jobs (0: as long as these are there): its address.
    An `init` with a private part is its first job. Raises EnigmaError (Revert), RemoteError, ChainError.
    """
    jobs = [f for f in plan.contracts[name].functions if f in plan.functions and plan.functions[f].secret is not None]
    if network.drawn:
        network = with_committee(chain, network, identity, plan.field, say, size, rotation)
    if jobs and plan.field != network.field:
        raise RemoteError("E0709", f"{name} computes over {plan.field}, and these nodes over {network.field}",
                          f"`enig chain up --field {plan.field}` starts nodes that can")
    service = service_at(chain, network)
    try:
        service.put_plan(plan)
    finally:
        service.close()
    keep_plan(plan)
    init = plan.functions.get(f"{name}.init")
    split = init is not None and init.secret is not None
    ledger = EvmLedger(chain, network.hub, plan, LeafValues(), committee=network.committee, fee=fee)
    world = world_of(plan, ledger, identity)
    with world.acting_as(identity):
        if not split:
            op = Operation("deploy", (), (), nowhere(name))
            return deploy_on_chain(world, ledger, op, name, args, value).address
        address = ledger.create(name, identity, 0, ())
    assert init is not None
    with open_contract(connect(network.url, chain.confirmations), address, fee) as remote:
        Caller(remote, identity, say).call(init, args, value)
    return address


def world_of(plan: Plan, ledger: EvmLedger, identity: Identity) -> World:
    """What the interpreter needs to try a call of `identity` before it is sent."""
    identities = Keystore()
    identities.add(identity)
    return World(plan, ledger, NoStore(), identities, chain=ledger, out=sys.stderr.write)


class Caller:
    """Calls a contract for one identity. `say` gets what is worth telling while one waits."""

    def __init__(self, remote: Remote, identity: Identity, say: Callable[[str], None] = lambda text: None) -> None:
        self.remote, self._identity, self._say = remote, identity, say
        self._world = world_of(remote.plan, remote.ledger, identity)
        self._watch = Watch(remote, self._key, say)

    def call(self, function: PlanFunction, args: Sequence[Any], value: int = 0) -> Done:
        """Call with these leaves. Raises EnigmaError (Revert), RemoteError, ChainError."""
        world, remote = self._world, self.remote
        with world.acting_as(self._identity):
            op = Operation("call", (), (), nowhere(f"{remote.name} at {remote.address}"))
            request = make_request(world, op, function.name, remote.address, remote.name, value, args)
            if function.secret is None:
                return Done(run_request(world, remote.ledger, request))
            return self._job(request)

    # ---- jobs

    def _job(self, request: Request) -> Done:
        remote = self.remote
        remote.follow()
        remote.served()
        self._check(request)
        if self._receives():
            publish_receiving_key(remote.chain, remote.hub.address, self._key(), self._identity.public_key)
        since = remote.chain.block_number()
        job, log = self._asked(request)
        event = read_event(log)
        if event.name == "Failed" and event.fields["error"] == VOID:  # the contract moved while we masked our inputs
            self._say(f"job {job}: another committee serves {remote.name} by now; asking again")
            job, log = self._asked(request)
            event = read_event(log)
        if event.name == "Failed":
            raise RemoteError("E0501", f"reverted: {event.fields['error']}",
                              f"job {job} was computed by the nodes, and undone as a whole; what was paid with it, and "
                              "what is left of the fee, is yours again")
        if event.name == "Expired":
            raise self._watch.expired(job)
        public = self._shown(request.function, log)
        results, learned = self._received(job, request.function, since, log)
        private = iter(results)
        leaves = [next(private) if leaf.private else next(public) for leaf in request.function.result_leaves]
        return Done(leaves, job, log.transaction, int(event.fields["paid"]), learned)

    def _asked(self, request: Request) -> tuple[int, Log]:
        """Request it, and wait for its end: the job's number, and the event that ended it."""
        masked, mask = self._masked(request)
        try:
            job = self.remote.ledger.request(call_of(self._world, request), masked, mask)
        except LedgerError as error:
            raise RemoteError("E0501", f"the request was refused: {error.text}") from None
        return job, self._watch.ended(job)

    def _receives(self) -> bool:
        """Whether some function of the contract seals values for anybody: then the caller says under which key."""
        plan = self.remote.plan
        functions = [plan.functions[name] for name in plan.contracts[self.remote.name].functions
                     if name in plan.functions]
        return any(any(leaf.private for leaf in f.result_leaves) or _names_receivers(f) for f in functions)

    def _key(self) -> Any:
        if self._identity.signing is None:
            raise RemoteError("E0710", f"{self._identity.name} has no key of its own")
        return self._identity.signing

    def _check(self, request: Request) -> None:
        """What can be known to fail before anything is sent, for the nodes' work is paid for."""
        if request.value and not request.function.public.payable:
            raise RemoteError("E0501", f"{request.function.name} takes no payment: it is not `payable`")
        world, remote = self._world, self.remote
        needed, balance = request.value + remote.fee, remote.ledger.balance(request.sender)
        if balance < needed and not remote.chain.development:  # which gives what is missing of a fee
            raise RemoteError("E0512", f"{self._identity.name} owns {balance} wei, and the fee for the nodes and the "
                              f"payment are {needed}", "send money to that address, or offer less: --fee WEI")
        check_public_ranges(request)
        check_ranges(world, shared(world, request), truths=True)  # in the clear, and here alone
        check_public(world, request)

    def _masked(self, request: Request) -> tuple[bytes, int]:
        """The private arguments less a mask that the nodes drew for them, and its number."""
        kinds = private_leaves(request.function.public)
        values = [np.asarray(a) for a, kind in zip(request.args, kinds, strict=True) if kind is not None]
        if not values:
            return b"", 0
        remote = self.remote
        number, mask = reserved_mask(remote, remote.plan.field, sum(v.size for v in values), request.sender)
        return masked_bytes(remote.plan.field, values, mask), number

    # ---- results

    def _shown(self, function: PlanFunction, log: Log) -> Any:
        """The public leaves of a job's result: what its transaction returned, run again where it ran."""
        remote = self.remote
        contract = remote.ledger.adopt(remote.address, remote.name)
        if not contract.returns(function):
            return iter(())
        sent = remote.chain.ask("eth_getTransactionByHash", log.transaction)
        try:
            raw = remote.chain.call(remote.address, unhexed(sent["input"]), sender=sent["from"], tag=log.block - 1)
        except ChainError as error:
            raise RemoteError("E0708", f"the job is done (transaction {log.transaction}), but the chain does not run "
                              f"it again to show its result: {error}", "ask a node that keeps its history") from None
        return iter(contract.decode(function, raw))

    def _received(self, job: int, function: PlanFunction, since: int, ended: Log) -> tuple[list[Any], list[Any]]:
        """What the nodes sealed for the caller, opened here: the private leaves of the result, and what the program
        revealed to them by name.
        """
        expected = sum(leaf.private for leaf in function.result_leaves)
        if not expected and not _names_receivers(function):
            return [], []
        hub, number = self.remote.hub, self.remote.ended_by(job, since, ended)
        committee = hub.committee(number)
        try:
            results, parcels = read_parcels(result_of(self.remote, job, number), job, committee.members, hub.domain)
            mine = [[p for p in row if p.receiver.lower() == self._identity.address] for row in parcels]
            return ([self._value(pieces, committee) for pieces in zip(*results, strict=True)],
                    [self._value(pieces, committee) for pieces in zip(*mine, strict=True)])
        except (MaskError, SharingError, ValueError) as error:
            raise RemoteError("E0706", f"what the nodes sealed for {self._identity.name} does not fit together: "
                              f"{error}", f"job {job} is done; ask who runs the nodes") from None

    def _value(self, parcels: Sequence[Parcel], committee: Committee) -> Any:
        """The value of which these are all nodes' pieces. Raises SharingError, ValueError."""
        first = parcels[0]
        pieces = dict(enumerate((parcel.piece for parcel in parcels), 1))
        form = Form.BITS if first.bits else Form.ARITH
        opened = unseal(pieces, self._identity.private_key, tuple(first.shape), form,
                        field_named(self.remote.plan.field), structure(len(committee.members), committee.threshold))
        return plain(opened, first.truth)


def _names_receivers(function: PlanFunction) -> bool:
    """Whether it reveals something to somebody it names."""
    return function.secret is not None and any(o.op == "reveal_to" for o in operations(function.secret.body))


def nowhere(words: str) -> Span:
    """For messages about something that stands in no text."""
    return Span(words, 0, 0, 0, 0)
