"""Where in the source a node's messages come from: a `Run` that reads the party's counters around each layer.

Nodes of a layer share its messages in proportion to their elements; each line has all rounds that a layer with an
operation of it takes part in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from enigmalang.circuits.circuit import Array, Circuit
from enigmalang.circuits.layers import Layer
from enigmalang.mpc.counters import Counters
from enigmalang.mpc.machine import Plan, Run
from enigmalang.mpc.party import Party, Round
from enigmalang.mpc.pipeline import Rounds
from enigmalang.sharing import Share
from enigmalang.source import Span

Place = tuple[str, int]
#: Of what has no place in the source: nothing that we know of, but no count may be lost.
NOWHERE: Place = ("", 0)
COUNTED = ("bytes_sent", "products", "ands", "comparisons")
Counts = tuple[int, ...]


@dataclass(slots=True)
class Spent:
    """By one line: exact fractions of what its layers spent, and the numbers of its rounds."""

    counts: list[float] = field(default_factory=lambda: [0.0] * len(COUNTED))
    rounds: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Meter:
    """Of one node. `spans` has the place of each node of the circuit that runs: it is not told to the nodes."""

    spans: Sequence[Span | None] = ()
    lines: dict[Place, Spent] = field(default_factory=dict)

    def add(self, circuit: Circuit, nodes: Sequence[int], counts: Counts, rounds: Sequence[int]) -> None:
        """These nodes spent `counts` (see COUNTED) in the rounds of these numbers."""
        sizes: dict[Place, int] = {}
        for number in nodes:
            place = self._place(number)
            sizes[place] = sizes.get(place, 0) + max(1, circuit.nodes[number].size)
        total = sum(sizes.values())
        for place, size in sizes.items():
            spent = self.lines.setdefault(place, Spent())
            spent.rounds.update(rounds)
            for which, count in enumerate(counts):
                spent.counts[which] += count * size / total

    def _place(self, number: int) -> Place:
        span = self.spans[number] if number < len(self.spans) else None
        return NOWHERE if span is None else (span.path, span.line)


class MeteredRun(Run):
    """A run that tells a meter what each layer costs."""

    def __init__(
        self, meter: Meter, party: Party, circuit: Circuit, plan: Plan, inputs: dict[int, Share],
        memory: Mapping[int, Share],
    ) -> None:
        super().__init__(party, circuit, plan, inputs, memory)
        self._meter = meter

    def ordered(self, layer: Layer) -> None:
        before = _read(self.party.counters)
        super().ordered(layer)
        self._tell(layer.together, before)

    def step(self, number: int, layer: Layer) -> bool:
        before = _read(self.party.counters)
        done = super().step(number, layer)
        if done:
            self._tell(layer.together, before)
        return done

    def rounds(self, number: int, layer: Layer) -> Rounds[None]:
        """Rounds may be shared with other layers: what is queued counts here, and the round's number for both."""
        going = super().rounds(number, layer)
        while True:
            before = _read(self.party.counters)
            round_ = next(going, None)
            self._tell(layer.together, before, round_)
            if round_ is None:
                return
            yield round_

    def open(self) -> tuple[Array, ...]:
        before = _read(self.party.counters)
        opened = super().open()
        hidden = [number for number in set(self.circuit.opens) if not self.values.known[number]]
        if hidden:
            self._tell(hidden, before)
        return opened

    def _tell(self, nodes: Sequence[int], before: tuple[int, Counts], queued: Round | None = None) -> None:
        first, old = before
        last, new = _read(self.party.counters)
        counts = [now - then for now, then in zip(new, old, strict=True)]
        if queued is not None:
            counts[0] += queued.queued
        rounds = range(first, last + (queued is not None))
        if rounds or any(counts):
            self._meter.add(self.circuit, nodes, tuple(counts), rounds)


def _read(counters: Counters) -> tuple[int, Counts]:
    """Rounds so far, and COUNTED."""
    return counters.rounds, (counters.bytes_sent, counters.products, counters.ands, counters.comparisons)
