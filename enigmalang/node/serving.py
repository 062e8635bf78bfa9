"""What a node does for a ledger: it reads jobs from the chain, computes them with the other nodes, and signs.

Nothing that the operator says is taken on trust. He names a job and a block; the node reads from the chain itself what
was asked for, by whom, of which contract, on which state, and checks that the plan is the one the contract attached to,
that the contract's code was generated from it, that the job is its committee's and the next of its contract, and that
the mask belongs to who asks. Only then it computes, once for each version of the state, and signs. From then on a node
runs no circuit for the operator. What the operator tells the nodes differently, their agreement before each circuit
finds out (`node.session`).

Private state that a job wrote is current when the hub says that the job was fulfilled; which version of it, too.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from msgspec.structs import replace

from enigmalang.chain.client import Chain
from enigmalang.chain.deployed import Contracts
from enigmalang.chain.digests import Work as Done
from enigmalang.chain.digests import consent_digest, failure_digest, result_digest, revealed_digest
from enigmalang.chain.errors import ChainError
from enigmalang.chain.hub import EMPTY, FULFILLED, OPEN, Hub, hub_interface
from enigmalang.chain.ledger import EvmLedger
from enigmalang.chain.outcomes import work_of
from enigmalang.chain.requested import NoSuchJob, Requested, find_opened, read_requested
from enigmalang.chain.rpc import RpcEvm
from enigmalang.dht.memory import MemoryStore
from enigmalang.diagnostics import EnigmaError
from enigmalang.ethereum.keys import SigningKey
from enigmalang.execute.domain import Envelope
from enigmalang.execute.failures import Revert
from enigmalang.execute.masks import Masked, are_elements
from enigmalang.execute.onchain import TRIES, Work, outcome, words_of
from enigmalang.execute.requests import Computed, Request, private_leaves
from enigmalang.execute.trace import Tracer
from enigmalang.execute.world import World
from enigmalang.node.devchain import LeafValues
from enigmalang.node.directory import Directory
from enigmalang.node.engine import NodeEngine
from enigmalang.node.refuting import Group, Refused, objection
from enigmalang.node.reserved import delivered_digest, told_digest
from enigmalang.node.session import Session
from enigmalang.plan.calls import Attested, Key, LedgerError
from enigmalang.plan.codec import PlanError, decode_plan
from enigmalang.plan.plan import Plan
from enigmalang.wire import messages as msg
from enigmalang.wire.errors import WireError

#: Bytes of a failure's text on the chain.
MAX_ERROR = 256


@dataclass(frozen=True, slots=True)
class Peers:
    """Who this node is in its cluster: its number, all nodes' TLS fingerprints in order, and what was agreed."""

    me: int
    threshold: int
    field: str
    fingerprints: tuple[bytes, ...]


@dataclass(slots=True)
class _Program:
    """A plan, and its contracts' state as this node has it."""

    plan: Plan
    contracts: Contracts
    ledger: EvmLedger


@dataclass(slots=True)
class _Known:
    """A job that was begun: its arguments as shares, what came out last on a version of the state, and its block."""

    requested: Requested
    program: _Program
    request: Request | None = None
    replies: dict[int, tuple[int, msg.Executed]] = field(default_factory=dict)
    writes: dict[tuple[int, bytes], dict[Key, Any]] = field(default_factory=dict)  # by version, and what is attested
    computed: int = 0  # times


class Service:
    """A node's part in a ledger. Used by the executing thread only. Methods raise WireError for what an honest
    operator does not ask, PeerError when another node is gone or was told something else.
    """

    def __init__(self, session: Session, peers: Peers) -> None:
        self._session, self._peers = session, peers
        self._key = SigningKey.generate()
        self._receiving = X25519PrivateKey.generate()
        self._engine = NodeEngine(session, peers.field)
        self._tracer = Tracer(self._engine)
        self._hub: Hub | None = None
        self._members: tuple[str, ...] = ()  # of the committee that this node agreed to
        self._programs: dict[bytes, _Program] = {}
        self._jobs: dict[int, _Known] = {}
        self._roots: dict[str, bytes] = {}  # contract -> the private state that this node has
        self._block = 0  # the last one computed on: nothing is computed on what was before

    def answer(self, request: msg.Request) -> msg.Reply | None:
        """See `Session.answer`."""
        match request:
            case msg.Enlist():
                return self._enlist(request)
            case msg.Consent():
                return self._consent(request)
            case msg.Execute():
                return self._execute(request)
            case msg.Refute():
                return self._refute(request)
            case msg.Reserve():
                return self._reserve(request)
            case msg.Replenish() | msg.AskStats():
                return self._session.answer(request)
            case _:
                raise WireError("a request to a node that serves a ledger, and nobody else")

    # ---- becoming a member

    def _enlist(self, request: msg.Enlist) -> msg.Signer:
        try:
            if self._hub is None:
                self._hub = Hub(Chain(RpcEvm(request.url)), request.hub)
            if self._hub.address != request.hub:
                raise WireError("a node serves one hub")
            if int(request.deposit) and not self._hub.is_active(self._key.address):
                fingerprint = self._peers.fingerprints[self._peers.me - 1]
                self._hub.register(self._key, self._receiving.public_key().public_bytes_raw(), fingerprint,
                                   request.endpoint, int(request.deposit))
        except ChainError as error:
            raise WireError(f"cannot enlist: {error}") from None
        return msg.Signer(request.number, self._key.address)

    def _consent(self, request: msg.Consent) -> msg.Signed:
        """Only to a committee of the nodes that this one is linked up with, by what the hub knows of them."""
        hub, peers = self._on_hub(), self._peers
        if len(request.members) != len(peers.fingerprints) or request.threshold != peers.threshold:
            raise WireError("a committee of another size than the cluster")
        if request.members[peers.me - 1] != self._key.address or self._members:
            raise WireError("a committee that this node is not asked for")
        try:
            known = tuple(hub.node(member).fingerprint for member in request.members)
        except ChainError as error:
            raise WireError(f"cannot consent: {error}") from None
        if known != peers.fingerprints:
            raise WireError("a committee of other nodes than those of the cluster")
        self._members = tuple(request.members)
        digest = consent_digest(hub.domain, request.members, request.threshold, request.salt, request.until)
        return msg.Signed(request.number, self._key.sign(digest).to_bytes())

    def _on_hub(self) -> Hub:
        if self._hub is None:
            raise WireError("a node that has not enlisted")
        return self._hub

    def _reserve(self, request: msg.Reserve) -> msg.Masks:
        """Told to the client alone, and signed."""
        hub = self._on_hub()
        if not request.receiver:
            raise WireError("a mask that everyone would know")
        told = self._session.answer(request)
        assert isinstance(told, msg.Masks)
        digest = told_digest(hub.domain, request.number, request.size, request.owner, request.receiver, told.shares[0])
        return replace(told, signature=self._key.sign(digest).to_bytes())

    # ---- jobs

    def _execute(self, request: msg.Execute) -> msg.Executed:
        hub = self._on_hub()
        try:
            known = self._known(hub, request)
            version = self._ready(hub, known, request)
        except (Refused, NoSuchJob, ChainError, EnigmaError) as error:  # before anything is computed
            return _unsigned(request.number, str(error))
        if known.replies.get(version, (-1, None))[0] != request.block:  # what is read elsewhere has no version
            if known.computed >= TRIES:  # each time may open something else
                return _unsigned(request.number, f"job {request.job} was computed {TRIES} times")
            known.computed += 1
            try:
                with _undisturbed():
                    known.replies[version] = request.block, self._computed(hub, known, version, request)
            except ChainError as error:
                raise WireError(f"the chain was lost while a job was computed: {error}") from None
        return replace(known.replies[version][1], number=request.number)

    def _refute(self, request: msg.Refute) -> msg.Executed:
        """A failure for an outcome that the committee attested and the chain, asked by this node, does not take: then
        the job makes room for the next one.
        """
        hub, known = self._on_hub(), self._jobs.get(request.job)
        try:
            if known is None:
                raise Refused(f"job {request.job} was not computed here")
            version = self._ready(hub, known, request)
            _, reply = known.replies.get(version, (0, None))
            if reply is None:
                raise Refused(f"job {request.job} was not computed on block {request.block}")
            text = objection(hub, known.requested, reply, request, Group(self._members, self._peers.threshold))
        except (Refused, ChainError) as error:
            return _unsigned(request.number, str(error))
        return replace(self._failure(hub, known, version, text, Done(*reply.work)), number=request.number)

    def _known(self, hub: Hub, request: msg.Execute) -> _Known:
        """The job as it was requested. Raises Refused, NoSuchJob, ChainError."""
        if request.job in self._jobs:
            return self._jobs[request.job]
        opened = find_opened(hub.chain, hub.address, request.job, request.opened)
        committee = hub.committee(opened.committee, request.block)
        if not self._members or committee.members != self._members or committee.threshold != self._peers.threshold:
            raise Refused(f"job {opened.job} is for another committee")
        attached = hub.attachment(opened.contract, request.block)
        if attached.committee != opened.committee or attached.plan != request.digest:
            raise Refused(f"the contract at {opened.contract} is attached to another plan")
        program = self._program(hub, request)
        requested = read_requested(hub.chain, program.contracts, program.plan, LeafValues(), opened)
        known = self._jobs[opened.job] = _Known(requested, program)
        return known

    def _program(self, hub: Hub, request: msg.Execute) -> _Program:
        if request.digest in self._programs:
            return self._programs[request.digest]
        try:
            plan = decode_plan(request.plan)
        except PlanError as error:
            raise Refused(f"the plan cannot be read: {error}") from None
        ledger = EvmLedger(hub.chain, hub.address, plan, LeafValues())
        if ledger.contracts.hash != request.digest:
            raise Refused("the plan is not the one that was named")
        if plan.field != self._peers.field:
            raise Refused(f"the plan computes over {plan.field}, these nodes over {self._peers.field}")
        made = self._programs[request.digest] = _Program(plan, ledger.contracts, ledger)
        return made

    def _ready(self, hub: Hub, known: _Known, request: msg.Execute | msg.Refute) -> int:
        """The version of the state to compute on, when it is this job's turn at that block."""
        address, block = known.requested.opened.contract, request.block
        if block < max(known.requested.opened.block, self._block) or hub.chain.find_block(block) is None:
            raise Refused(f"block {block} is not there, or older than the job or what was computed before")
        if hub.job(request.job, block).status != OPEN or hub.attachment(address, block).oldest != request.job:
            raise Refused(f"job {request.job} is not the next one of its contract")
        self._block = block
        known.program.ledger.pin(block)
        self._settle(hub, address, block)
        if known.requested.contract.private_root(block) != self._roots.get(address, EMPTY):
            raise Refused(f"these nodes do not have the private state of the contract at {address}")
        return known.requested.contract.version(block)

    def _settle(self, hub: Hub, address: str, block: int) -> None:
        """What earlier jobs of the contract wrote becomes current, or is forgotten."""
        for number, known in list(self._jobs.items()):
            if known.requested.opened.contract != address:
                continue
            status = hub.job(number, block).status
            if status == OPEN:
                continue
            if status == FULFILLED:
                self._keep(hub, address, number, known)
            del self._jobs[number]

    def _keep(self, hub: Hub, address: str, number: int, known: _Known) -> None:
        event = hub_interface().event("Settled")
        log = hub.chain.logs(hub.address, [event.topic, number.to_bytes(32, "big")], known.requested.opened.block)[-1]
        settled = event.decode(log.topics, log.data)
        written = known.writes.get((settled["version"], settled["revealed"]))
        if written:
            known.program.ledger.keep(written)
            self._roots[address] = settled["root"]

    # ---- computing

    def _computed(self, hub: Hub, known: _Known, version: int, request: msg.Execute) -> msg.Executed:
        """The outcome of a job on the pinned state, signed. All nodes come here with the same state, or their circuits
        differ, which they notice.
        """
        world = self._world(hub, known.program, request.block)
        work = Work(world)
        try:
            if known.request is None:
                known.request = self._admitted(world, known.requested)
            made = outcome(world, known.request)
        except (EnigmaError, LedgerError, _Fails) as failure:
            return self._failed(hub, known, version, _text(failure), work)
        attested = work.attested(words_of(made.said), tuple(made.context.writes))
        known.writes[version, revealed_digest(attested.words)] = dict(made.context.writes)
        return self._signed(hub, known, version, (world, made, attested))

    def _world(self, hub: Hub, program: _Program, block: int) -> World:
        directory = Directory(hub.chain, hub.address, block)
        return World(program.plan, program.ledger, MemoryStore(), directory, self._engine, out=_silent,
                     tracer=self._tracer)

    def _admitted(self, world: World, requested: Requested) -> Request:
        """The request with its private arguments as shares. Raises _Fails for what only the requester can have done
        wrong; no mask is used up then.
        """
        call, job = requested.job.call, requested.job
        kinds = [kind for kind in private_leaves(call.function.public) if kind is not None]
        secrets: Iterator[Any] = iter(())
        if any(leaf.private for leaf in call.function.result_leaves) and (
                world.identities.at(call.sender.address) is None):
            raise _Fails("the requester has published no key to receive its result under")
        if kinds:
            self._check_mask(job.mask, call.sender.address, job.masked, sum(prod(shape) for shape in call.shapes))
            secrets = iter(world.domain.admit(Masked(job.mask, job.masked, call.shapes), kinds))
        args = tuple(next(secrets) if kind is not None else arg
                     for kind, arg in zip(private_leaves(call.function.public), call.args, strict=True))
        op = call.function.public.body.ops[0]
        return Request(op, call.function, call.address, call.contract, call.sender.address, call.value, args)

    def _check_mask(self, mask: int, sender: str, masked: bytes, size: int) -> None:
        known = self._session.mask(mask)
        if known is None or known[0] != sender:
            raise _Fails("the inputs' mask is not the requester's, or was used")
        if known[1] != size or not are_elements(self._peers.field, masked, size):
            raise _Fails("the inputs do not fit their mask")

    # ---- signing

    def _failed(self, hub: Hub, known: _Known, version: int, text: str, work: Work) -> msg.Executed:
        return self._failure(hub, known, version, text, work_of(work.attested((), ())))

    def _failure(self, hub: Hub, known: _Known, version: int, text: str, done: Done) -> msg.Executed:
        error = text.encode()[:MAX_ERROR].decode(errors="ignore") or "failed"
        digest = failure_digest(hub.domain, known.requested.digests, version, error, done)
        return msg.Executed(0, version, [], EMPTY, [done.rounds, done.products, done.additions], error,
                            self._key.sign(digest).to_bytes(), [], [])

    def _signed(self, hub: Hub, known: _Known, version: int, out: tuple[World, Computed, Attested]) -> msg.Executed:
        (world, made, attested), number = out, known.requested.opened.job
        root = known.program.ledger.private_root(known.requested.opened.contract, number, attested.written)
        done = work_of(attested)
        revealed = revealed_digest(attested.words)
        digest = result_digest(hub.domain, known.requested.digests, version, revealed, root, done)
        sender = known.requested.opened.requester
        results = [_parcel(sender, envelope) for envelope in made.results]
        others = [address for _, _, address in made.context.deliveries if world.identities.at(address) is not None]
        parcels = [_parcel(address, e) for address, e in zip(others, made.deliveries, strict=True)]
        return msg.Executed(
            0, version, [word.to_bytes(32, "big", signed=word < 0) for word in attested.words], root,
            [done.rounds, done.products, done.additions], "", self._key.sign(digest).to_bytes(), results, parcels,
            self._key.sign(delivered_digest(hub.domain, number, results, parcels)).to_bytes())


class _Fails(Exception):
    """A job that fails before it is computed."""


def _text(failure: Exception) -> str:
    """What the requester is told: on the chain, for everyone."""
    if isinstance(failure, Revert):
        return failure.text
    return failure.diagnostic.message if isinstance(failure, EnigmaError) else str(failure)


def _parcel(receiver: str, envelope: Envelope) -> msg.Parcel:
    sealed, bits, truth = envelope.content
    (piece,) = sealed.pieces
    return msg.Parcel(receiver, list(sealed.shape), bits, truth, piece)


def _unsigned(number: int, reason: str) -> msg.Executed:
    return msg.Executed(number, 0, [], b"", [], reason, b"", [], [])


def _silent(text: str) -> None:
    """A contract has nobody to print to."""


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Which values are kept depends on which are alive: the collector must not run at one node here, at another there.
    """
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


