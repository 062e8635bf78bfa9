"""What a node does between the links and the protocols: circuits, masks, kept shares, agreement on what is
run.

The coordinator is not trusted to tell all nodes the same: before a circuit runs, the nodes compare digests
of it and of everything public that goes with it, in one round among themselves.
"""

from dataclasses import dataclass
from hashlib import blake2b

from enigmalang.circuits.circuit import Circuit
from enigmalang.fields import field_named, warm
from enigmalang.mpc.machine import MachineError, Plan, agree, execute, make_plan
from enigmalang.mpc.party import Party
from enigmalang.mpc.setup import exchange_keys
from enigmalang.mpc.shuffle import OrderError
from enigmalang.node.masking import Mask, Slot, draw_masks, mask_message, slots_of, unmask_share
from enigmalang.node.receivers import check_receivers
from enigmalang.sharing import Share
from enigmalang.transport.tls import TlsNetwork
from enigmalang.wire import messages as msg
from enigmalang.wire.arrays import encode_array
from enigmalang.wire.codec import DIGEST_BYTES, decode_circuit, digest
from enigmalang.wire.errors import WireError

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
    number: int
    digest: bytes
    kept: _Kept
    masks: list[Mask]


class Session:
    """One node's side of a cluster, from the agreement of keys on. Used by the executing thread only."""

    def __init__(self, field: str, threshold: int, network: TlsNetwork) -> None:
        """Agrees keys with the other nodes and loads the kernels. Raises PeerError."""
        keys = exchange_keys(network, threshold, NODE_TAGS)
        warm()
        self._network = network
        self._party = Party(network, keys, field_named(field), b"cluster")
        self._circuits: dict[bytes, _Kept] = {}
        self._memory: dict[int, Share] = {}
        self._prepared: _Prepared | None = None
        self._drawn = 0  # masks so far: the nodes' streams must be at one place

    def answer(self, request: msg.Request) -> msg.Reply | None:
        """Do what is asked. Raises WireError when the request does not make sense here, PeerError when
        another node is gone or broke the protocol.
        """
        match request:
            case msg.Prepare():
                return self._prepare(request)
            case msg.Run():
                return self._run(request)
            case msg.Forget():
                for handle in request.handles:
                    self._memory.pop(handle, None)
                return None
            case msg.AskStats():
                return self._stats(request)

    def _prepare(self, request: msg.Prepare) -> msg.Masks | None:
        for old in request.drop:
            self._circuits.pop(old, None)
        kept = self._circuit(request)
        party = self._party
        masks = draw_masks(party, list(kept.slots.values()))
        self._drawn += len(masks)
        self._prepared = _Prepared(request.number, request.digest, kept, masks)
        if not masks:
            return None
        return msg.Masks(request.number, [mask_message(mask, party.structure, party.me) for mask in masks])

    def _circuit(self, request: msg.Prepare) -> _Kept:
        if not request.circuit:
            if request.digest not in self._circuits:
                raise WireError("a circuit was named that this node does not have")
            return self._circuits[request.digest]
        if digest(request.circuit) != request.digest:
            raise WireError("a circuit's digest is not the digest of its bytes")
        circuit = decode_circuit(request.circuit)
        if circuit.field != self._party.field.name:
            raise WireError(f"a circuit over {circuit.field} for a cluster over {self._party.field.name}")
        kept = self._circuits[request.digest] = _Kept(circuit, make_plan(circuit), slots_of(circuit))
        return kept

    def _run(self, request: msg.Run) -> msg.Done:
        prepared, self._prepared = self._prepared, None  # a mask is used once
        if prepared is None or prepared.number != request.number:
            raise WireError("a run without its preparation")
        self._agree(prepared, request)
        inputs = self._inputs(prepared, request)
        try:
            check_receivers(prepared.kept.circuit, request.recipients)
        except ValueError as error:
            raise WireError(str(error)) from None
        try:
            with self._party.counters.phase("node: run"):
                kept = prepared.kept
                result = execute(
                    self._party, kept.circuit, inputs, self._memory, request.recipients, plan=kept.plan
                )
        except (MachineError, OrderError) as error:
            raise WireError(str(error)) from None
        return msg.Done(request.number, [encode_array(value) for value in result.opened], list(result.sealed))

    def _agree(self, prepared: _Prepared, request: msg.Run) -> None:
        # Every list goes in with its lengths: different requests have different encodings.
        subject = prepared.digest + self._drawn.to_bytes(8, "big") + msg.encode_message(request)
        agree(self._party, blake2b(subject, digest_size=DIGEST_BYTES, person=b"enig run").digest())

    def _inputs(self, prepared: _Prepared, request: msg.Run) -> dict[int, Share]:
        slots = prepared.kept.slots
        if len(request.masked) != len(slots):
            raise WireError(f"{len(request.masked)} inputs where the circuit has {len(slots)}")
        party = self._party
        shares: dict[int, Share] = {}
        for slot, mask, masked in zip(slots, prepared.masks, request.masked, strict=True):
            try:
                shares[slot] = unmask_share(mask, masked, party.field, party.structure, party.me)
            except ValueError as error:
                raise WireError(f"input {slot}: {error}") from None
        return shares

    def _stats(self, request: msg.AskStats) -> msg.Stats:
        counted = self._party.counters
        counters = {name: getattr(counted, name) for name in msg.COUNTERS}
        return msg.Stats(request.number, counters, counted.seconds)
