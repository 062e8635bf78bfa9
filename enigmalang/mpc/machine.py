"""The machine: runs a circuit on one party's shares, layer by layer, with all parties in step.

A layer's operations of a kind are flattened, joined into one protocol call, one message to a peer and round,
and split again. Layers that do not await each other run beside each other, in the same rounds (`mpc.beside`). Local
operations act on shares directly. A value is dropped after its last use.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from enigmalang.circuits.circuit import Array, Circuit, Form, Node
from enigmalang.circuits.layers import Layer, Schedule, schedule
from enigmalang.circuits.table import table_of
from enigmalang.fields import unpack_bits
from enigmalang.mpc import heap
from enigmalang.mpc.beside import Beside
from enigmalang.mpc.local import LOCAL, Values, constant, made_when_used
from enigmalang.mpc.multiply import masked_product
from enigmalang.mpc.opening import open_elements, open_words
from enigmalang.mpc.ordered import ORDERED
from enigmalang.mpc.outputs import seal
from enigmalang.mpc.party import Finish, Party, Round
from enigmalang.mpc.pipeline import Rounds, run
from enigmalang.mpc.planned import Step, Steps, plan_steps
from enigmalang.mpc.sums import WeightedSum, weighted_sums
from enigmalang.mpc.together import PHASES, together
from enigmalang.sharing import ArithShare, BitShare, Share
from enigmalang.sharing.secret import join_arith, join_bits, split_arith, split_bits
from enigmalang.transport.network import PeerError

DIGEST_BYTES = 32
#: A large constant of more uses is made once.
FEW_USES = 2


class MachineError(Exception):
    """The circuit cannot run on what it was given; the text names the node."""


@dataclass(frozen=True, slots=True)
class Result:
    """`opened[i]` is the value of `circuit.opens[i]`: int64, in M127 objects where not all of many fit, bool for BITS.

    `sealed[i]` is this party's piece of `circuit.outputs[i]`, for `outputs.unseal`.
    """

    opened: tuple[Array, ...]
    sealed: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What running a circuit needs not work out again: the same for every party."""

    schedule: Schedule
    steps: dict[int, Step]
    shared_slots: frozenset[int] = frozenset()  # of more than one input node
    sums: dict[int, WeightedSum] = field(default_factory=dict)  # by the node whose bits become integers
    moved: int = 0  # elements of the longest columns that are sorted, shuffled or permuted


def make_plan(circuit: Circuit) -> Plan:
    """The plan of a circuit."""
    cut = schedule(circuit)
    table = table_of(circuit.nodes)
    slots = Counter(table[number].attrs["slot"] for number in table.where("input").tolist())
    shared = frozenset(slot for slot, count in slots.items() if count > 1)
    moved = (table[i] for layer in cut.layers if layer.protocol in ORDERED for i in layer.together)
    longest = max((table[node.args[0]].size for node in moved), default=0)
    return Plan(cut, plan_steps(circuit, cut), shared, weighted_sums(table, cut.uses), longest)


def execute(
    party: Party,
    circuit: Circuit,
    inputs: dict[int, Share],
    memory: dict[int, Share],
    recipients: Sequence[bytes] = (),
    digest: bytes | None = None,
    plan: Plan | None = None,
    runs: Runs | None = None,
) -> Result:
    """Run the circuit with the other parties, who must call this with the same circuit.

    `inputs[slot]` are this party's shares, and are taken out of it when they are used; `memory[handle]` holds kept
    shares, and gets those of `circuit.keeps` when everything has succeeded; `recipients` are raw X25519 public keys.
    With a `digest` (32 bytes, of the circuit) the parties first compare it, in one round. `plan` is the circuit's, if
    it was worked out before; `runs` makes the `Run`, where someone wants to watch it.
    Raises MachineError, and PeerError when a peer is gone, broke the protocol, or runs another circuit.
    """
    if circuit.field != party.field.name:
        raise MachineError(f"a circuit over {circuit.field} for parties over {party.field.name}")
    if digest is not None:
        agree(party, digest)
    plan = plan or make_plan(circuit)
    with heap.apart(heap.LARGE if large(party, plan) else 0):
        return _executed(party, circuit, (runs or Run)(party, circuit, plan, inputs, memory), plan, memory, recipients)


def _executed(
    party: Party, circuit: Circuit, going: Run, plan: Plan, memory: dict[int, Share], recipients: Sequence[bytes]
) -> Result:
    for number, layer in enumerate(plan.schedule.layers):
        going.layer(number, layer)
    going.end()
    opened = going.open()
    sealed = tuple(seal(party, going.values.share(out.node), recipients[out.recipient]) for out in circuit.outputs)
    memory.update({handle: going.values.share(node) for node, handle in circuit.keeps})
    party.counters.circuits += 1
    return Result(opened, sealed)


def large(party: Party, plan: Plan) -> bool:
    """Whether large columns are sorted, shuffled or permuted: memory then counts for more than new pages or a round."""
    return party.field.nbytes * plan.moved >= heap.LARGE


def agree(party: Party, digest: bytes) -> None:
    """All parties are about to run the same. One round. Raises PeerError naming the first who is not."""
    Agreement(party, digest).reach()


class Agreement:
    """An `agree` in two halves: the digest is told when this is made, and compared by `reach`. What lies between must
    be local, so that nothing about a secret is told before all are known to run the same.
    """

    __slots__ = ("_digest", "_party", "_peers", "_tag")

    def __init__(self, party: Party, digest: bytes) -> None:
        if len(digest) != DIGEST_BYTES:
            raise ValueError(f"a digest of {len(digest)} bytes")
        self._party, self._digest = party, digest
        self._peers = [peer for peer in party.structure.parties if peer != party.me]
        self._tag = party.tell(dict.fromkeys(self._peers, memoryview(digest)))

    def reach(self) -> None:
        """Raises PeerError naming the first who is about to run something else."""
        received = self._party.hear(self._tag, dict.fromkeys(self._peers, DIGEST_BYTES))
        for peer, theirs in received.items():
            if bytes(theirs) != self._digest:
                raise PeerError(peer, "runs another circuit")


Runs = Callable[[Party, Circuit, Plan, dict[int, Share], Mapping[int, Share]], "Run"]


class Run:
    """One execution: the values so far and how many uses of each remain.

    A layer's joint work is done by `ordered`, `step` or `rounds`, and the openings by `open`: what costs messages.
    """

    def __init__(
        self,
        party: Party,
        circuit: Circuit,
        plan: Plan,
        inputs: dict[int, Share],
        memory: Mapping[int, Share],
    ) -> None:
        self.party = party
        self.circuit = circuit
        self.inputs = inputs
        self.memory = memory
        self.values = Values(party, circuit, plan.schedule.known)
        self.values.sums = plan.sums
        self._summed = frozenset(i for found in plan.sums.values() for i in (found.scale, found.sum))
        self._uses = plan.schedule.uses.copy()
        self._only_opened = plan.schedule.only_opened  # their values here are local products, of degree 2t
        self._steps = Steps(party, plan.steps)
        self._kept = plan.shared_slots
        self._beside = Beside(party)
        self._layers = plan.schedule.layers
        self._apart = large(party, plan)

    def layer(self, number: int, layer: Layer) -> None:
        """Local nodes, then those done together begin; they are done when a later layer awaits them, or at the end."""
        nodes, values = self.circuit.nodes, self.values
        if self._beside:
            self._beside.until(layer.awaits)
        for i in layer.local:
            if i in self._summed:
                continue  # it is there since its bits became integers
            node = nodes[i]
            if made_when_used(node) and self._uses[i] <= FEW_USES:
                continue
            values[i] = LOCAL[node.op](values, node) if node.args else self._leaf(i, node)
            self._drop(node)
        if not layer.together:
            return
        if layer.protocol in ORDERED:  # in rounds of its own
            self.ordered(layer)
            self._done(layer)
        elif self._beside or not self._awaited_next(number):
            self._beside.start(number, PHASES[layer.protocol], self.rounds(number, layer))
        elif self.step(number, layer):
            self._done(layer)
        else:
            with self.party.counters.phase(PHASES[layer.protocol]):
                run(self.rounds(number, layer))

    def end(self) -> None:
        """What is still under way."""
        self._beside.end()

    def _awaited_next(self, number: int) -> bool:
        """Whether nothing begins before this layer is done."""
        layers = self._layers
        return number + 1 == len(layers) or number in layers[number + 1].awaits

    def ordered(self, layer: Layer) -> None:
        """A layer with rounds of its own."""
        self.values.ending = self._ending(layer)
        ORDERED[layer.protocol](self.values, layer.together)

    def step(self, number: int, layer: Layer) -> bool:
        """A small layer of products, in one round; False for any other layer."""
        return self._steps.run(number, self.values, layer.together)

    def rounds(self, number: int, layer: Layer) -> Rounds[None]:
        """A layer told round by round."""
        planned = self._steps.rounds(number, self.values, layer.together)
        if planned:
            yield from planned
            self._done(layer)
            return
        for nodes in self._parts(layer):
            yield from together(self.values, layer.protocol, nodes)
            for i in nodes:
                self._drop(self.circuit.nodes[i])

    def _parts(self, layer: Layer) -> Sequence[Sequence[int]]:
        """Products of large columns one by one, where columns are moved: each lets go of what it was made of."""
        nodes, field = layer.together, self.party.field
        alone = layer.protocol == "products" and self._apart
        if alone and all(field.nbytes * self.circuit.nodes[i].size >= heap.LARGE for i in nodes):
            return [(i,) for i in nodes]
        return [nodes]

    def _done(self, layer: Layer) -> None:
        for i in layer.together:
            self._drop(self.circuit.nodes[i])

    def _ending(self, layer: Layer) -> frozenset[int]:
        """What a layer uses once, and nothing after it."""
        uses = Counter(arg for i in layer.together for arg in self.circuit.nodes[i].args)
        return frozenset(arg for arg, count in uses.items() if count == self._uses[arg] == 1)

    def _drop(self, node: Node) -> None:
        uses = self._uses
        for arg in node.args:
            left = uses[arg] = uses[arg] - 1
            if not left:
                self.values.drop(arg)

    def _leaf(self, number: int, node: Node) -> Share:
        if node.op == "const":
            return constant(self.party, node)
        name, where = ("slot", self.inputs) if node.op == "input" else ("handle", self.memory)
        key = node.attrs[name]
        share = self.inputs.pop(key, None) if node.op == "input" and key not in self._kept else where.get(key)
        if share is None:
            raise MachineError(f"node {number} ({node.op}): nothing under {name} {key}")
        form = Form.ARITH if isinstance(share, ArithShare) else Form.BITS
        if share.shape != node.shape or form is not node.form:
            raise MachineError(
                f"node {number} ({node.op}): {name} {key} holds {form.value} {share.shape},"
                f" wanted {node.form.value} {node.shape}"
            )
        return share

    def open(self) -> tuple[Array, ...]:
        """The openings, all in one round; public nodes need none."""
        results: dict[int, Array] = {}
        hidden = sorted({i for i in self.circuit.opens if not self.values.known[i]})
        for i in set(self.circuit.opens) - set(hidden):
            results[i] = self._clear(i, self.values[i])
        with self.party.counters.phase("openings"):
            for i, share in self._open_shares(hidden).items():
                results[i] = self._clear(i, share)
        return tuple(results[i] for i in self.circuit.opens)

    def _open_shares(self, nodes: list[int]) -> dict[int, Share]:
        """Values as one-piece shares of themselves."""
        party, values = self.party, self.values
        elements = [i for i in nodes if self.circuit.nodes[i].form is Form.ARITH]
        bits = [i for i in nodes if self.circuit.nodes[i].form is Form.BITS]
        if not nodes:
            return {}
        round_ = party.round()
        products = [i for i in elements if i in self._only_opened]
        finishers = [
            self._begin_opening(round_, [i for i in elements if i not in self._only_opened], party.t),
            self._begin_opening(round_, products, 2 * party.t),
        ]
        if bits:
            lanes = join_bits([values.bits(i) for i in bits])
            finish_words = open_words(party, round_, lanes.words)
        round_.run()
        out: dict[int, Share] = {}
        for finish in finishers:
            out.update(finish())
        if bits:
            opened = BitShare(finish_words()[None], lanes.shape)
            out.update(zip(bits, split_bits(opened, [self.circuit.nodes[i].shape for i in bits]), strict=True))
        return out

    def _begin_opening(self, round_: Round, nodes: list[int], degree: int) -> Finish[dict[int, Share]]:
        """Integers' openings; those of degree 2t, local products, are added to shares of zero first."""
        if not nodes:
            return dict
        party, field = self.party, self.party.field
        joined = join_arith(field, [self.values.arith(i).raw for i in nodes])
        if degree > party.t:
            joined = masked_product(party, joined)
        opened = open_elements(party, round_, joined, party.structure.parties, degree)

        def finish() -> dict[int, Share]:
            raw = opened()
            if raw is None:
                raise AssertionError("every party receives")
            parts = split_arith(field, raw, [self.circuit.nodes[i].shape for i in nodes])
            return {i: ArithShare(field, part) for i, part in zip(nodes, parts, strict=True)}

        return finish

    def _clear(self, number: int, value: Share) -> Array:
        shape = self.circuit.nodes[number].shape
        if isinstance(value, ArithShare):
            return self.party.field.to_public(value.raw).reshape(shape)
        return unpack_bits(value.words[0], value.size).astype(np.bool_).reshape(shape)
