"""A node's part in vaults: orders of scripts, read from the chain, checked, run with the others, staged and signed.

What holds for jobs of contracts holds here (`node.serving`): nothing is taken on trust, what a job kept is staged under
the root that is signed, and current when the hub says that this outcome was taken.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from enigmalang.chain.client import Chain
from enigmalang.chain.digests import Work, revealed_digest
from enigmalang.chain.hub import Hub
from enigmalang.chain.outcomes import private_root
from enigmalang.chain.requested import Opened, Requested
from enigmalang.chain.vault import FIELD, find_ordered, ordered, words_of_outcome
from enigmalang.circuits.circuit import Array, Circuit, Form
from enigmalang.ethereum.keys import SigningKey
from enigmalang.execute.building import additions_of
from enigmalang.execute.ports import EngineStats
from enigmalang.fields import field_named
from enigmalang.node.admitting import Inadmissible, check_mask
from enigmalang.node.attesting import failed, signed_outcome, unsigned
from enigmalang.node.durable import points
from enigmalang.node.durable.errors import StateError
from enigmalang.node.durable.keeping import run_root
from enigmalang.node.durable.state import Stage, State
from enigmalang.node.durable.values import Value, shared_value
from enigmalang.node.engine import NodeEngine
from enigmalang.node.ordered import Checked, Checker
from enigmalang.node.receivers import check_keys
from enigmalang.node.session import Session
from enigmalang.node.turns import MAKES_WAY, holds_up, is_long
from enigmalang.plan.calls import Attested
from enigmalang.wire import messages as msg
from enigmalang.wire.errors import WireError
from enigmalang.wire.orders import (
    Order,
    SignedOrder,
    circuit_of,
    decode_opened,
    decode_order,
    encode_opened,
    opened_digest,
    order_name,
)

#: How often an order is begun: one that ends the nodes' session each time makes room for the next.
MAX_BEGUN = 6
#: Of opened and sealed values, from all members together.
TOLD_BYTES = 1_900_000
NOBODY = "nobody has handed over the order"
SPENT = f"the order could not be carried out in {MAX_BEGUN} attempts"
#: Of engine handles here, which no tracer gives.
_FIRST = 1 << 60


@dataclass(frozen=True, slots=True)
class OrderJob:
    """A job of a vault, and its order; without one `problem` says why it fails."""

    requested: Requested
    problem: str
    signed: SignedOrder | None = None
    order: Order | None = None
    circuit: Circuit | None = field(default=None, repr=False)


def read_order_job(chain: Chain, opened: Opened, data: bytes) -> OrderJob:
    """The job whose order has the bytes `data` (empty when nobody has them). Raises NoSuchJob, ChainError, and
    WireError for the bytes of another order."""
    name = find_ordered(chain, opened)
    if not data:
        return OrderJob(ordered(chain, opened, name, None), NOBODY)
    if order_name(data) != name:
        raise WireError("the bytes of another order")
    try:
        signed, order = decode_order(data)
        check_keys(order.recipients)
        circuit = circuit_of(order)
        if circuit is not None and circuit.field != FIELD:
            raise WireError(f"a circuit over {circuit.field}, and vaults compute over {FIELD}")
    except (WireError, ValueError) as error:
        return OrderJob(ordered(chain, opened, name, None), str(error))
    return OrderJob(ordered(chain, opened, name, order), "", signed, order, circuit)


class Vaults:
    """Used by the executing thread only, as `serving.Service`, which this is a part of."""

    def __init__(self, session: Session, engine: NodeEngine, state: State, at: points.Hook, members: int) -> None:
        """`members`: how many there are in the committee."""
        self._members = members
        self._session, self._engine, self._state, self._at = session, engine, state, at
        self._handles: Iterator[int] = count(_FIRST)

    def problem(self, hub: Hub, job: OrderJob, block: int) -> str:
        """Why the order is not begun as of `block`, and fails; the members compare it. Raises StateError, ChainError.
        """
        if job.problem:
            return job.problem
        opened = job.requested.opened
        runs = self._state.begun(opened.job).runs
        if runs >= MAX_BEGUN:
            return SPENT
        return MAKES_WAY if (runs or is_long(job.circuit)) and holds_up(hub, opened, block) else ""

    def computed(self, hub: Hub, key: SigningKey, job: OrderJob, problem: str, mask: int, masked: bool, version: int,
                 block: int) -> msg.Executed:
        """The outcome on the pinned state, signed. `mask`: the number here of its inputs' mask, `masked`: whether no
        member says anything against it. Raises ChainError, PeerError, WireError."""
        before = self._engine.stats()
        try:
            if problem or job.order is None or job.signed is None:
                raise Inadmissible(problem or job.problem)
            self._check_told(job.circuit)
            checked = Checker(hub, self._state, job.requested, block).check(job.signed, job.order, job.circuit)
            if job.order.inputs:
                check_mask(self._session, FIELD, job.requested.job, mask, masked)
        except Inadmissible as failure:
            return failed(hub.domain, key, job.requested, version, str(failure), Work())
        ran = self._run(job.requested.opened.job, job.order, job.circuit, checked, mask)
        words = words_of_outcome(opened_digest(ran.opened), checked.writes)
        attested = _attested(words, before, self._engine.stats(), job.circuit, checked.rounds)
        self._at(points.JOB_COMPUTED)
        try:
            root = self._staged(job.requested, version, checked, ran, attested)
        except StateError as error:  # the others can do without this node's signature
            return unsigned(0, str(error))
        told = [msg.Parcel("", [], False, False, ran.opened)] if job.circuit is not None and job.circuit.opens else []
        signed = signed_outcome(hub.domain, key, job.requested, version, root, attested, ran.sealed, told)
        self._at(points.JOB_SIGNED)
        return signed

    def _check_told(self, circuit: Circuit | None) -> None:
        """What all members tell goes into one frame, for each other and as JSON. Raises Inadmissible."""
        if circuit is None:
            return
        nodes = (*circuit.opens, *(output.node for output in circuit.outputs))
        told = sum(circuit.nodes[node].size for node in nodes)
        most = TOLD_BYTES // (self._members * field_named(FIELD).nbytes)
        if told > most:
            raise Inadmissible(f"{told} numbers are told at once, and {self._members} nodes tell {most} at most")

    def _run(self, number: int, order: Order, circuit: Circuit | None, checked: Checked, mask: int) -> "_Ran":
        """With the other members. Raises PeerError, WireError, StateError."""
        if circuit is None:
            return _Ran(encode_opened(()), [], [])
        engine, inputs, given = self._engine, len(order.inputs), len(order.inputs) + len(order.reads)
        handles = [next(self._handles) for _ in range(given + len(order.keeps))]
        engine.job = number
        if inputs:
            engine.admit(mask, order.masked, order.shapes, handles[:inputs])
        for value, handle in zip(checked.reads, handles[inputs:given], strict=True):
            engine.hold(handle, value.share(field_named(FIELD), engine.pieces))
        result = engine.run(circuit, (), order.recipients, handles)
        kept = [shared_value(engine.share(handle), False) for handle in handles[given:]]
        engine.forget(handles)
        sealed = [
            msg.Parcel(order.recipients[output.recipient].hex(), list(parcel.shape),
                       circuit.nodes[output.node].form is Form.BITS, False, parcel.pieces[0])
            for output, parcel in zip(circuit.outputs, result.sealed, strict=True)]
        return _Ran(encode_opened(result.opened), sealed, kept)

    def _staged(self, requested: Requested, version: int, checked: Checked, ran: "_Ran", attested: Attested) -> bytes:
        """Keep what the order changes; the root that the vault's state has then."""
        opened = requested.opened
        before = self._state.root(opened.contract)
        changed = {**checked.changes, **dict(zip(checked.keeps, ran.kept, strict=True))}
        if not changed:
            return before
        written = [(opened.contract, *name) for name in changed]
        root = run_root(private_root(before, opened.job, written), self._engine.run_name)
        stage = Stage(opened.contract, opened.job, opened.block, version, revealed_digest(attested.words), before, root)
        self._state.stage(stage, changed)
        self._at(points.JOB_STAGED)
        return root


@dataclass(frozen=True, slots=True)
class _Ran:
    """What came of a circuit: what was opened (`encode_opened`), this node's pieces of what was sealed, and what is
    kept, in the order of the order's `keeps`."""

    opened: bytes
    sealed: list[msg.Parcel] = field(repr=False)
    kept: list[Value] = field(repr=False)


def _attested(words: tuple[int, ...], before: EngineStats, after: EngineStats, circuit: Circuit | None, room: int
              ) -> Attested:
    """`room`: the rounds that what is kept is paid as."""
    additions = additions_of(circuit) if circuit is not None else 0
    return Attested(words, (), after.rounds - before.rounds + room, after.products - before.products, additions)


# ---- at the client


def opened_of(parcels: Sequence[Sequence[msg.Parcel]], digest: bytes) -> list[Array]:
    """What an order opened, from what the nodes handed over (`reserved.read_parcels`) and the digest that is on the
    chain (`chain.vault.Vault.opened`). Raises WireError when nobody told what has it."""
    for told in parcels:
        for parcel in told:
            if opened_digest(parcel.piece) == digest:
                return decode_opened(parcel.piece, digest)
    raise WireError("nobody told what was opened")
