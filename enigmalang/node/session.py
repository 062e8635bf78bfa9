"""What a node does between the links and the protocols: circuits, masks, kept shares, agreement on what is
run.

The coordinator is not trusted to tell all nodes the same: before a circuit runs, the nodes compare digests
of it and of everything public that goes with it, in one round among themselves; decoding and checking the
circuit fill the time until the others' digests are there.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b

from enigmalang.circuits.circuit import Circuit
from enigmalang.fields import field_named, warm
from enigmalang.mpc.ahead import begin, replenish
from enigmalang.mpc.machine import Agreement, MachineError, Plan, Runs, execute, make_plan
from enigmalang.mpc.party import Party
from enigmalang.mpc.setup import exchange_keys
from enigmalang.mpc.shuffle import OrderError
from enigmalang.node.admission import Admission
from enigmalang.node.blocks import NodeBlock
from enigmalang.node.durable import points
from enigmalang.node.durable.masks import Given, Masks, MemoryMasks
from enigmalang.node.masking import (
    InputsDigest,
    Mask,
    Slot,
    draw_masks,
    mask_message,
    needs_input,
    slots_of,
    unmask_share,
)
from enigmalang.node.receivers import check_receivers
from enigmalang.sharing import Keys, Share
from enigmalang.transport.network import Network
from enigmalang.wire import messages as msg
from enigmalang.wire.arrays import encode_array
from enigmalang.wire.codec import DIGEST_BYTES, digest
from enigmalang.wire.errors import WireError
from enigmalang.wire.frames import Buffer
from enigmalang.wire.structures import Reader

#: Tags of the data plane from here on belong to the node; the protocols' are below.
NODE_TAGS = 1 << 63


@dataclass(frozen=True, slots=True)
class _Kept:
    """A circuit and what running it again need not work out again."""

    circuit: Circuit
    plan: Plan
    slots: dict[int, Slot]


@dataclass(slots=True)
class _Prepared:
    """A circuit that runs next; masks are dropped as the inputs come."""

    number: int
    digest: bytes
    kept: _Kept
    masks: list[Mask]  # the next one last
    shares: dict[int, Share] = field(default_factory=dict, repr=False)
    inputs: InputsDigest = field(default_factory=InputsDigest)


@dataclass(frozen=True, slots=True)
class Lasting:
    """What a session has that was there before it and stays after it: a committee's keys, its masks."""

    keys: Keys
    masks: Masks
    at: points.Hook = points.unwatched


class Session:
    """One node's side of a cluster, from the agreement of keys on. Used by the executing thread only."""

    def __init__(self, field: str, threshold: int, network: Network, runs: Runs | None = None,
                 lasting: Lasting | None = None, keys: Keys | None = None) -> None:
        """Agrees keys with the other nodes, for this session alone, and loads the kernels. `runs`: see `execute`.
        Without `lasting` masks end with the session. `keys`: none are agreed, for where nothing is secret. Raises
        PeerError.
        """
        keys = keys or exchange_keys(network, threshold, NODE_TAGS)
        lasting = lasting or Lasting(keys, MemoryMasks())
        warm()
        self.name = keys.derive(b"name").everyone()  # known to all nodes, and of no other session
        self._network = network
        self._runs = runs
        self._party = Party(network, keys, field_named(field), b"cluster")
        self._circuits: dict[bytes, _Kept] = {}
        self._reader = Reader(lambda circuit: (make_plan(circuit), slots_of(circuit)))
        self._memory: dict[int, Share] = {}
        self._prepared: _Prepared | None = None
        self._asked = bytes(DIGEST_BYTES)
        self._block = NodeBlock(self._party)
        self._admission = Admission(self._party, lasting.keys.derive(b"masks"), lasting.masks, lasting.at)
        begin(self._party)

    def answer(self, request: msg.Request) -> msg.Reply | None:
        """Do what is asked. Raises WireError when the request does not make sense here, PeerError when
        another node is gone or broke the protocol.
        """
        match request:
            case msg.Prepare():
                return self._prepare(request)
            case msg.Input():
                raise WireError("an input without its value")
            case msg.Run():
                return self._run(request)
            case msg.Job():
                return self._job(request)
            case msg.Replenish():
                self._remember(b"replenish", request.number)
                return msg.Stocked(request.number, replenish(self._party))
            case msg.Reserve():
                if self._admission.draws:
                    self._remember(msg.encode_message(request), request.number)
                return msg.Masks(request.number, self._admission.reserve(
                    request.number, request.size, request.owner, request.receiver))
            case msg.Admit():
                self.admit(request)
                return None
            case msg.Forget():
                for handle in request.handles:
                    self._memory.pop(handle, None)
                return None
            case msg.Enlist() | msg.Consent() | msg.Execute() | msg.Refute():
                raise WireError("a request for who serves a ledger")
            case msg.AskStats():
                return self._stats(request)

    def mask(self, number: int) -> Given | None:
        """What mask `number` is bound to; None for one that is not there."""
        return self._admission.known(number)

    def adopt_mask(self, number: int, given: Given) -> None:
        """Take over from the other nodes what a mask is bound to: it was given while this one was away."""
        self._admission.adopt(number, given)

    def close_masks(self, jobs: Collection[int]) -> None:
        """These jobs have ended: the masks that they used are not needed any more."""
        self._admission.close(jobs)

    @property
    def can_adopt(self) -> bool:
        return not self._admission.draws

    def hold(self, handle: int, share: Share) -> None:
        """Keep a share that no request brought: what an earlier session left, and for rehearsals (`node.costing`)."""
        self._memory[handle] = share

    def share(self, handle: int) -> Share:
        """What is kept under `handle`. KeyError for nothing."""
        return self._memory[handle]

    @property
    def pieces(self) -> int:
        """Of a shared bit, that this node has."""
        return self._party.pieces

    def tell_all(self, row: bytes) -> dict[int, bytes]:
        """One round: `row` to all others, and from each as many bytes. Raises PeerError."""
        peers = [peer for peer in self._party.structure.parties if peer != self._party.me]
        received = self._party.swap(dict.fromkeys(peers, memoryview(row)), dict.fromkeys(peers, len(row)))
        return {peer: bytes(data) for peer, data in received.items()}

    def admit(self, request: msg.Admit, job: int | None = None) -> None:
        """Keep the shares of an input that came over the ledger, for `job`; the next agreement shows whether all nodes
        saw one, with one mask. Raises WireError.
        """
        if len(request.handles) != len(request.shapes):
            raise WireError("an input with another number of handles than of arrays")
        binding = self._admission.binding(request.mask)
        shares = self._admission.admit(request.mask, request.masked, request.shapes, job)
        self._remember(msg.encode_message(request) + binding, request.number)
        self._memory.update(zip(request.handles, shares, strict=True))

    def _prepare(self, request: msg.Prepare) -> msg.Masks | None:
        kept, party = self._circuit(request), self._party
        self._remember(request.digest, request.number)
        masks = draw_masks(party, list(kept.slots.values()))
        self._prepared = _Prepared(request.number, request.digest, kept, masks[::-1])
        if not masks:
            return None
        return msg.Masks(request.number, [mask_message(mask, party.structure) for mask in masks])

    def _remember(self, what: bytes, number: int) -> None:
        """What moves the streams without an agreement; the next one shows whether all nodes were asked alike."""
        person = b"enig asked"
        self._asked = blake2b(
            self._asked + number.to_bytes(8, "big") + what, digest_size=DIGEST_BYTES, person=person).digest()

    def _circuit(self, request: msg.Prepare | msg.Job) -> _Kept:
        for old in request.drop:
            self._circuits.pop(old, None)
        if request.circuit and digest(request.circuit) != request.digest:
            raise WireError("a circuit's digest is not the digest of its bytes")
        kept = self._circuits.get(request.digest)
        if kept is not None:
            return kept
        if not request.circuit:
            raise WireError("a circuit was named that this node does not have")
        circuit, (plan, slots) = self._reader.read(request.circuit)
        if circuit.field != self._party.field.name:
            raise WireError(f"a circuit over {circuit.field} for a cluster over {self._party.field.name}")
        kept = self._circuits[request.digest] = _Kept(circuit, plan, slots)
        return kept

    def take(self, request: msg.Input, masked: Buffer) -> None:
        """The next input of the prepared circuit. Raises WireError when none is due, or another one."""
        prepared = self._prepared
        if prepared is None or prepared.number != request.number or not prepared.masks:
            raise WireError("an input that no circuit waits for")
        if not needs_input(self._party.structure, self._party.me):
            raise WireError("an input that this node does not need")
        if len(masked) != request.size:
            raise WireError(f"an input of {len(masked)} bytes, announced were {request.size}")
        prepared.inputs.add(masked)
        self._unmask(prepared, masked)

    def _unmask(self, prepared: _Prepared, masked: Buffer | None) -> None:
        slot = list(prepared.kept.slots)[len(prepared.shares)]
        prepared.shares[slot] = self._share(slot, prepared.masks.pop(), masked)  # a mask is used once

    def _run(self, request: msg.Run) -> msg.Done:
        prepared, self._prepared = self._prepared, None
        if prepared is None or prepared.number != request.number:
            raise WireError("a run without its preparation")
        inputs = request.inputs
        if needs_input(self._party.structure, self._party.me):
            if prepared.masks:
                raise WireError(f"{len(prepared.shares)} inputs where the circuit has {len(prepared.kept.slots)}")
            inputs = prepared.inputs.digest()
        agreement = self._agreement(prepared.digest, inputs, request)
        while prepared.masks:
            self._unmask(prepared, None)
        return self._executed(agreement, prepared.kept, prepared.shares, request)

    def _job(self, request: msg.Job) -> msg.Done:
        self._prepared = None
        agreement = self._agreement(request.digest, InputsDigest(request.masked).digest(), request)
        kept = self._circuit(request)
        if len(request.masked) != len(kept.slots):
            raise WireError(f"{len(request.masked)} inputs where the circuit has {len(kept.slots)}")
        masks = zip(kept.slots, self._block.take(kept.slots.values()), request.masked, strict=True)
        inputs = {slot: self._share(slot, mask, masked) for slot, mask, masked in masks}
        return self._executed(agreement, kept, inputs, request)

    def _share(self, slot: int, mask: Mask, masked: Buffer | None) -> Share:
        party = self._party
        try:
            return unmask_share(mask, masked, party.field, party.structure, party.me)
        except ValueError as error:
            raise WireError(f"input {slot}: {error}") from None

    def _executed(
        self, agreement: Agreement, kept: _Kept, inputs: dict[int, Share], request: msg.Run | msg.Job
    ) -> msg.Done:
        try:
            check_receivers(kept.circuit, request.recipients)
        except ValueError as error:
            raise WireError(str(error)) from None
        agreement.reach()
        try:
            with self._party.counters.phase("node: run"), self._named(kept.circuit, request.handles) as memory:
                result = execute(
                    self._party, kept.circuit, inputs, memory, request.recipients, plan=kept.plan, runs=self._runs)
        except (MachineError, OrderError) as error:
            raise WireError(str(error)) from None
        opened = [encode_array(value) for value in result.opened]
        return msg.Done(request.number, opened, list(result.sealed), self._block.renewed())

    @contextmanager
    def _named(self, circuit: Circuit, handles: list[int]) -> Iterator[dict[int, Share]]:
        """The kept shares under the circuit's own handles; those that it keeps are taken over at the end."""
        if not handles:
            yield self._memory
            return
        if any(not 0 <= handle < len(handles) for _, handle in circuit.keeps):
            raise WireError("a handle to keep a value under is missing")
        memory = {own: self._memory[handle] for own, handle in enumerate(handles) if handle in self._memory}
        yield memory
        self._memory.update({handles[own]: memory[own] for _, own in circuit.keeps})

    def _agreement(self, circuit: bytes, inputs: bytes, request: msg.Run | msg.Job) -> Agreement:
        # Different requests have different encodings. The nodes' streams and stocks must be at one place, and have come
        # there by the same steps.
        party, at = self._party, self._block.position
        numbers = (party.drawn, party.stock.taken, party.tables.taken, at.numbers, at.bits)
        run = msg.Run(request.number, inputs, request.recipients, request.handles)
        hashed = blake2b(circuit + self._asked, digest_size=DIGEST_BYTES, person=b"enig run")
        hashed.update(b"".join(number.to_bytes(8, "big") for number in numbers))
        hashed.update(msg.encode_message(run))
        return Agreement(party, hashed.digest())

    def _stats(self, request: msg.AskStats) -> msg.Stats:
        online, ahead = self._party.counters, self._party.ahead
        counters, apart = ({name: getattr(c, name) for name in msg.COUNTERS} for c in (online, ahead))
        return msg.Stats(request.number, counters, online.seconds, apart)
