"""Calling a contract on a chain as its client: what is public is a transaction; a job is requested, awaited, and what
it gave is read from the chain and opened with the caller's key.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from enigmalang.chain import development
from enigmalang.chain.client import Chain, Log
from enigmalang.chain.errors import ChainError, Reverted
from enigmalang.chain.evm import unhexed
from enigmalang.chain.follow import Follower
from enigmalang.chain.hub import OPEN, hub_interface, read_event
from enigmalang.chain.ledger import FEE, EvmLedger
from enigmalang.chain.receiving import publish_receiving_key
from enigmalang.circuits.circuit import Form
from enigmalang.dht.memory import MemoryStore
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
from enigmalang.node.remote import Remote, RemoteError, connect, keep_plan, open_contract
from enigmalang.node.remote_forming import SIZE, service_at, with_committee
from enigmalang.node.reserved import read_parcels
from enigmalang.plan.calls import LedgerError
from enigmalang.plan.plan import Plan, PlanFunction
from enigmalang.sharing import structure
from enigmalang.sharing.faults import SharingError
from enigmalang.source import Span
from enigmalang.wire.messages import Parcel

#: Seconds between looks at the chain, at first and at most.
SOON, LATER = 0.05, 1.0
#: Seconds after a job's deadline in which its nodes may end it themselves, and for which a service may be behind.
GRACE = 3.0


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
           value: int = 0, fee: int = FEE, say: Callable[[str], None] = lambda text: None, size: int = SIZE) -> str:
    """A new contract `name` of `plan`, served by the network's committee, or by `size` nodes drawn for it: its address.
    An `init` with a private part is its first job. Raises EnigmaError (Revert), RemoteError, ChainError.
    """
    jobs = [f for f in plan.contracts[name].functions if f in plan.functions and plan.functions[f].secret is not None]
    if network.drawn:
        network = with_committee(chain, network, identity, plan.field, say, size)
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
    return World(plan, ledger, MemoryStore(), identities, chain=ledger, out=sys.stderr.write)


class Caller:
    """Calls a contract for one identity. `say` gets what is worth telling while one waits."""

    def __init__(self, remote: Remote, identity: Identity, say: Callable[[str], None] = lambda text: None) -> None:
        self.remote, self._identity, self._say = remote, identity, say
        self._world = world_of(remote.plan, remote.ledger, identity)

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
        world, remote = self._world, self.remote
        remote.served()
        self._check(request)
        if self._receives():
            publish_receiving_key(remote.chain, remote.hub.address, self._key(), self._identity.public_key)
        masked, mask = self._masked(request)
        try:
            job = remote.ledger.request(call_of(world, request), masked, mask)
        except LedgerError as error:
            raise RemoteError("E0501", f"the request was refused: {error.text}") from None
        log = self._ended(job)
        event = read_event(log)
        if event.name == "Failed":
            raise RemoteError("E0501", f"reverted: {event.fields['error']}",
                              f"job {job} was computed by the nodes, and undone as a whole; what was paid with it, and "
                              "what is left of the fee, is yours again")
        if event.name == "Expired":
            back, why = self._refund(), self._complaint(job)
            raise RemoteError("E0711", f"the nodes did not end job {job} in time{f' ({why})' if why else ''}: nothing "
                              "was changed", f"fee and payment came back ({back} wei); try again when the nodes are up")
        public = self._shown(request.function, log)
        results, learned = self._received(job, request.function)
        private = iter(results)
        leaves = [next(private) if leaf.private else next(public) for leaf in request.function.result_leaves]
        return Done(leaves, job, log.transaction, int(event.fields["paid"]), learned)

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
        remote, plan, committee = self.remote, self.remote.plan, self.remote.committee()
        number, mask = remote.served().reserve(
            plan.field, sum(v.size for v in values), request.sender, X25519PrivateKey.generate(), committee.members,
            committee.threshold, remote.hub.domain)
        return masked_bytes(plan.field, values, mask), number

    def _ended(self, job: int) -> Log:
        """The event that ended `job`; after its deadline it is ended from here."""
        chain, hub = self.remote.chain, self.remote.hub
        topics = [[hub_interface().event(name).topic for name in ("Settled", "Failed", "Expired")],
                  job.to_bytes(32, "big")]
        start, began, pause = chain.block(), monotonic(), SOON
        follower = Follower(chain, hub.address, topics, start=max(0, start.number - 1))
        deadline = hub.job(job).deadline
        self._say(f"job {job} is with the nodes, who have {max(0, deadline - start.time)} seconds")
        told = ""
        while True:
            for notice in follower.poll():
                if not notice.removed:
                    return notice.log
            if pause >= LATER and not told and (told := self._complaint(job)):
                self._say(f"job {job} will not be done: {told}; fee and payment come back when its time is over")
            if monotonic() - began > deadline - start.time + GRACE and hub.job(job).status == OPEN:
                deadline = hub.job(job).deadline  # an accusation prolongs it
                if monotonic() - began > deadline - start.time + GRACE:
                    self._give_up(job, deadline)
            sleep(pause)
            pause = min(pause * 1.2, LATER)

    def _complaint(self, job: int) -> str:
        """What the service says is wrong with a job; empty when it says nothing, or is gone."""
        try:
            return str(self.remote.served().result(job).get("error") or "")
        except RemoteError as error:
            return error.text

    def _give_up(self, job: int, deadline: int) -> None:
        """End a job that its nodes did not end: anyone may. On a development chain time stands still between blocks."""
        chain = self.remote.chain
        late = deadline - chain.block().time
        if late >= 0 and chain.development:
            development.advance(chain, seconds=late + 1)
        try:
            self.remote.hub.fail(self._key(), job)
        except Reverted:
            return  # it was ended meanwhile, or its time is not over for the chain

    def _refund(self) -> int:
        """Fetch what the hub owes the caller; how much."""
        hub = self.remote.hub
        return hub.claim(self._key()) if hub.owed(self._identity.address) else 0

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

    def _received(self, job: int, function: PlanFunction) -> tuple[list[Any], list[Any]]:
        """What the nodes sealed for the caller, opened here: the private leaves of the result, and what the program
        revealed to them by name.
        """
        expected = sum(leaf.private for leaf in function.result_leaves)
        if not expected and not _names_receivers(function):
            return [], []
        members = self.remote.committee().members
        try:
            results, parcels = read_parcels(self._result(job), job, members, self.remote.hub.domain)
            mine = [[p for p in row if p.receiver.lower() == self._identity.address] for row in parcels]
            return ([self._value(pieces) for pieces in zip(*results, strict=True)],
                    [self._value(pieces) for pieces in zip(*mine, strict=True)])
        except (MaskError, SharingError, ValueError) as error:
            raise RemoteError("E0706", f"what the nodes sealed for {self._identity.name} does not fit together: "
                              f"{error}", f"job {job} is done; ask who runs the nodes") from None

    def _result(self, job: int) -> Mapping[str, Any]:
        """What the service has for `job`; it may learn a little after the chain that the job is done."""
        began, service = monotonic(), self.remote.served()
        while True:
            found = service.result(job)
            if found.get("status") == "fulfilled":
                return found
            if monotonic() - began > GRACE:
                raise RemoteError("E0709", f"the nodes' service no longer has the private result of job {job}",
                                  "call again: the nodes compute it anew")
            sleep(SOON)

    def _value(self, parcels: Sequence[Parcel]) -> Any:
        """The value of which these are all nodes' pieces. Raises SharingError, ValueError."""
        first, committee = parcels[0], self.remote.committee()
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
