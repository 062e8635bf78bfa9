"""What a node does for a ledger: it reads jobs from the chain, computes them with the other nodes, and signs.

Nothing that the operator says is taken on trust. He names a job and a block; the node reads from the chain itself what
was asked for, by whom, of which contract, on which state, and checks that the plan is the one the contract attached to,
that the contract's code was generated from it, that the job is its committee's and the next of its contract, and that
the mask belongs to who asks. Only then it computes, once for each version of the state, and signs. From then on a node
runs no circuit for the operator. What the operator tells the nodes differently, their agreement before each circuit
finds out (`node.session`).

Private state that a job wrote is staged before its outcome is signed, and current when the hub says that this outcome
was taken. That, masks and plans lie behind `durable.state.State`; all else here can be lost, and a `Service` be built
again on another mesh, or in another process.
"""

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from msgspec.structs import replace

from enigmalang.chain.client import Chain
from enigmalang.chain.deployed import Contracts
from enigmalang.chain.digests import Work as Done
from enigmalang.chain.digests import consent_digest, revealed_digest
from enigmalang.chain.errors import ChainError
from enigmalang.chain.hub import OPEN, Hub
from enigmalang.chain.ledger import EvmLedger
from enigmalang.chain.outcomes import Job, work_of
from enigmalang.chain.requested import NoSuchJob, Requested, find_opened, read_requested, served_by
from enigmalang.chain.rpc import RpcEvm
from enigmalang.chain.vault import vault_plan
from enigmalang.diagnostics import EnigmaError
from enigmalang.ethereum.keys import SigningKey
from enigmalang.execute.onchain import TRIES, Work, outcome, words_of
from enigmalang.execute.requests import Computed, Request
from enigmalang.execute.trace import Tracer
from enigmalang.execute.world import World
from enigmalang.node.admitting import Inadmissible, admitted
from enigmalang.node.attesting import failed, fulfilled, text_of, unsigned
from enigmalang.node.devchain import LeafValues
from enigmalang.node.directory import Directory
from enigmalang.node.durable import points
from enigmalang.node.durable.errors import StateError
from enigmalang.node.durable.keeping import Keeper, run_root
from enigmalang.node.durable.masks import Given
from enigmalang.node.durable.muster import Row, Standing, decide
from enigmalang.node.durable.state import MemoryState, State
from enigmalang.node.engine import NodeEngine
from enigmalang.node.mustering import input_size, standing_of, work_digest
from enigmalang.node.no_store import NoStore
from enigmalang.node.refuting import Group, Refused, objection
from enigmalang.node.reserved import split_mask, told_digest
from enigmalang.node.session import Session
from enigmalang.node.sitting import Peers, Seat
from enigmalang.node.undisturbed import undisturbed
from enigmalang.node.vaults import NOBODY, OrderJob, Vaults, read_order_job
from enigmalang.plan.calls import Attested, LedgerError
from enigmalang.plan.codec import PlanError, decode_plan
from enigmalang.plan.plan import Plan
from enigmalang.wire import messages as msg
from enigmalang.wire.errors import WireError

#: How often a job is begun at all, also on the same block: sessions that end in the middle of it begin it again.
MAX_RUNS = 64


@dataclass(slots=True)
class _Program:
    """A plan, and its contracts' state as this node has it."""

    plan: Plan
    contracts: Contracts
    ledger: EvmLedger


@dataclass(slots=True)
class _Known:
    """A job that was begun: its arguments as shares, what came out last on a version of the state, and its block.
    `mask`: the number here of its inputs' mask; a job of another committee's brought its own.
    """

    requested: Requested
    program: _Program | None  # none for orders
    mask: int
    order: OrderJob | None = None  # of a vault
    problem: str = ""  # why an order fails
    request: Request | None = None
    replies: dict[int, tuple[int, msg.Executed]] = field(default_factory=dict)
    masked: bool = True  # no member says anything against its mask


class Service:
    """A node's part in a ledger. Used by the executing thread only. Methods raise WireError for what an honest
    operator does not ask, PeerError when another node is gone or was told something else, StateError when the state
    cannot be written. After each of these a new session and service go on where this one stood.
    """

    def __init__(self, session: Session, peers: Peers, seat: Seat | None = None, state: State | None = None,
                 at: points.Hook = points.unwatched) -> None:
        """Without a seat the node makes a key, and gets its place by `Enlist` and `Consent`. Nodes that have one muster
        before each job (`durable.muster`). `at`: see `durable.points`.
        """
        self._session, self._peers, self._seat, self._at = session, peers, seat, at
        self._key = SigningKey.generate() if seat is None else seat.key
        self._receiving = X25519PrivateKey.generate()
        self._engine = NodeEngine(session, peers.field)
        self._tracer = Tracer(self._engine)
        self._state: State = state or MemoryState()
        self._keeper = Keeper(self._state, self._engine, self._tracer, at)
        self._vaults = Vaults(session, self._engine, self._state, at, len(seat.members) if seat is not None else 1)
        self._hub = None if seat is None else seat.hub
        self._members = () if seat is None else seat.members  # of the committee that this node agreed to
        self._programs: dict[bytes, _Program] = {}
        self._jobs: dict[int, _Known] = {}
        self._block = self._state.last_block()  # nothing is computed on what was before

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
        digest = told_digest(hub.domain, request.number, request.size, request.owner, request.receiver, told.shares[0],
                             request.nonce)
        return replace(told, signature=self._key.sign(digest).to_bytes())

    # ---- jobs

    def _execute(self, request: msg.Execute) -> msg.Executed:
        hub, known, version, reason = self._on_hub(), None, 0, ""
        try:
            known = self._known(hub, request)
            version = self._ready(hub, known, request)
            known.problem = self._vaults.problem(hub, known.order, request.block) if known.order else ""
            reason = self._begun_too_often(known, version, request) or self._held(known)
        except (Refused, NoSuchJob, ChainError, EnigmaError, StateError) as error:  # before anything is computed
            reason = str(error)
        if self._seat is not None:
            reason = self._mustered(known, version, request, reason)
        if reason or known is None:
            return unsigned(request.number, reason)
        if known.replies.get(version, (-1, None))[0] != request.block:  # what is read elsewhere has no version
            self._at(points.JOB_READY)
            self._state.begin(known.requested.opened.contract, request.job, request.block)
            self._at(points.JOB_BEGUN)
            try:
                with undisturbed():
                    known.replies[version] = request.block, self._computed(hub, known, version, request)
            except ChainError as error:
                raise WireError(f"the chain was lost while a job was computed: {error}") from None
        return replace(known.replies[version][1], number=request.number)

    def _begun_too_often(self, known: _Known, version: int, request: msg.Execute) -> str:
        """Each time it is computed it may open something else, unless it is on the same block. A committee that takes
        an open job over counts from 0."""
        if known.replies.get(version, (-1, None))[0] == request.block:
            return ""
        begun = self._state.begun(request.job)
        if len(begun.blocks | {request.block}) > TRIES:
            return f"job {request.job} was computed {TRIES} times"
        return f"job {request.job} was begun {MAX_RUNS} times" if begun.runs >= MAX_RUNS else ""

    def _held(self, known: _Known) -> str:
        return self._seat.held(known.requested.opened.contract) if self._seat is not None else ""

    def _mustered(self, known: _Known | None, version: int, request: msg.Execute, reason: str) -> str:
        """Whether all members are about to compute the same; one round. Why not."""
        row = Row(False, bytes(32))
        if known is not None and not reason:
            root = self._state.root(known.requested.opened.contract)
            standing = standing_of(self._session, known.requested.job, known.mask)
            row = Row(True, work_digest(request, version, root, known.problem), *standing)
        rows = self._session.tell_all(row.encode())
        verdict = decide({**rows, self._peers.me: row.encode()}, self._peers.threshold)
        if known is None or reason or verdict.refused:
            return reason or verdict.refused
        known.masked = verdict.receiver is not None
        if row.mask is Standing.UNKNOWN and verdict.receiver is not None:
            job = known.requested.job
            self._session.adopt_mask(known.mask, Given(job.call.sender.address, input_size(job), verdict.receiver))
        return ""

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
        except (Refused, ChainError, StateError) as error:
            return unsigned(request.number, str(error))
        done = failed(hub.domain, self._key, known.requested, version, text, Done(*reply.work))
        return replace(done, number=request.number)

    def _known(self, hub: Hub, request: msg.Execute) -> _Known:
        """The job as it was requested. Raises Refused, NoSuchJob, ChainError."""
        known, opened = self._jobs.get(request.job), find_opened(hub.chain, hub.address, request.job, request.opened)
        if known is not None and known.requested.opened == served_by(opened, known.requested.opened.committee) and (
                known.order is None or known.order.problem != NOBODY or not request.plan):
            return known  # and not of a job whose number is another's since the chain lost blocks
        attached = hub.attachment(opened.contract, request.block)
        committee = hub.committee(attached.committee, request.block)
        if self._seat is not None and attached.committee != self._seat.committee:
            raise Refused(f"job {opened.job} is for another committee")
        if not self._members or committee.members != self._members or committee.threshold != self._peers.threshold:
            raise Refused(f"job {opened.job} is for another committee")
        opened = served_by(opened, attached.committee)
        if attached.plan != request.digest:
            raise Refused(f"the contract at {opened.contract} is attached to another plan")
        if request.digest == vault_plan():
            job = read_order_job(hub.chain, opened, request.plan)
            known = self._jobs[opened.job] = _Known(job.requested, None, self._mask_of(job.requested.job), job)
            return known
        program = self._program(hub, request)
        requested = read_requested(hub.chain, program.contracts, program.plan, LeafValues(), opened)
        known = self._jobs[opened.job] = _Known(requested, program, self._mask_of(requested.job))
        return known

    def _mask_of(self, job: Job) -> int:
        committee, number = split_mask(job.mask)
        if self._seat is None or committee in (0, self._seat.committee):
            return number
        return -job.number

    def _program(self, hub: Hub, request: msg.Execute) -> _Program:
        if request.digest in self._programs:
            return self._programs[request.digest]
        data = request.plan or self._state.plan(request.digest) or b""
        try:
            plan = decode_plan(data)
        except PlanError as error:
            raise Refused(f"the plan cannot be read: {error}") from None
        ledger = EvmLedger(hub.chain, hub.address, plan, LeafValues())
        if ledger.contracts.hash != request.digest:
            raise Refused("the plan is not the one that was named")
        if plan.field != self._peers.field:
            raise Refused(f"the plan computes over {plan.field}, these nodes over {self._peers.field}")
        self._state.keep_plan(request.digest, data)
        made = self._programs[request.digest] = _Program(plan, ledger.contracts, ledger)
        return made

    def _ready(self, hub: Hub, known: _Known, request: msg.Execute | msg.Refute) -> int:
        """The version of the state to compute on, when it is this job's turn at that block."""
        address, block = known.requested.opened.contract, request.block
        if block < max(known.requested.opened.block, self._block) or hub.chain.find_block(block) is None:
            raise Refused(f"block {block} is not there, or older than the job or what was computed before")
        if self._seat is not None and self._seat.depth and block > hub.chain.block_number() - self._seat.depth:
            raise Refused(f"block {block} is not final yet")
        if hub.job(request.job, block).status != OPEN or hub.attachment(address, block).oldest != request.job:
            raise Refused(f"job {request.job} is not the next one of its contract")
        self._block = block
        if known.program is not None:
            known.program.ledger.pin(block)
        self._keeper.settle(hub, address, request.job, block)
        ended = {n for n, k in self._jobs.items() if k.requested.opened.contract == address and n < request.job}
        self._session.close_masks(ended)
        for number in ended:
            del self._jobs[number]
        if known.requested.contract.private_root(block) != self._state.root(address):
            raise Refused(f"these nodes do not have the private state of the contract at {address}")
        return known.requested.contract.version(block)

    # ---- computing

    def _computed(self, hub: Hub, known: _Known, version: int, request: msg.Execute) -> msg.Executed:
        """The outcome of a job on the pinned state, signed. All nodes come here with the same state, or their circuits
        differ, which they notice.
        """
        if known.order is not None:
            return self._vaults.computed(hub, self._key, known.order, known.problem, known.mask, known.masked, version,
                                         request.block)
        assert known.program is not None
        return self._of_contract(hub, known, known.program, version, request)

    def _of_contract(self, hub: Hub, known: _Known, program: _Program, version: int, request: msg.Execute
                     ) -> msg.Executed:
        self._engine.job = request.job
        self._keeper.load(known.requested.opened.contract, program.ledger)
        world = self._world(hub, program, request.block)
        work = Work(world)
        try:
            if known.request is None:
                known.request = admitted(world, self._session, known.requested.job, known.mask, known.masked)
            made = outcome(world, known.request)
        except (EnigmaError, LedgerError, Inadmissible) as failure:
            done = work_of(work.attested((), ()))
            return failed(hub.domain, self._key, known.requested, version, text_of(failure), done)
        attested = work.attested(words_of(made.said), tuple(made.context.writes))
        self._at(points.JOB_COMPUTED)
        try:
            root = self._staged(known.requested, program.ledger, version, made, attested)
        except StateError as error:  # the others can do without this node's signature
            return unsigned(request.number, str(error))
        others = [address for _, _, address in made.context.deliveries if world.identities.at(address) is not None]
        signed = fulfilled(hub.domain, self._key, known.requested, version, root, attested, made, others)
        self._at(points.JOB_SIGNED)
        return signed

    def _staged(self, requested: Requested, ledger: EvmLedger, version: int, made: Computed, attested: Attested
                ) -> bytes:
        """Keep what the job wrote; the root that the contract's private state has then."""
        root = ledger.private_root(requested.opened.contract, requested.opened.job, attested.written)
        if not attested.written:
            return root
        root = run_root(root, self._engine.run_name)
        self._keeper.stage(requested, version, revealed_digest(attested.words), root, made.context.writes)
        self._at(points.JOB_STAGED)
        return root

    def _world(self, hub: Hub, program: _Program, block: int) -> World:
        directory = Directory(hub.chain, hub.address, block)
        return World(program.plan, program.ledger, NoStore(), directory, self._engine, out=_silent,
                     tracer=self._tracer)


def _silent(text: str) -> None:
    """A contract has nobody to print to."""
