"""From a traced circuit to the one that runs: simplified, gathered, cut free of what the client knows; built once.

Traced circuits of one structure (the same operations, shapes, constants, openings, whoever receives) are built once:
a loop that calls a function, or a statement entered again, finds the circuit that the nodes already have. Handles are
no part of the structure: in a traced circuit they count from 0, and each run tells which shares they name.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from enigmalang.circuits.circuit import Array, Circuit
from enigmalang.circuits.gather import Gathered, gather
from enigmalang.circuits.simplify import drop_dead, simplify
from enigmalang.circuits.table import Rows, Table, table_of

#: Circuits that are remembered, and bytes of what tells them apart: large public arrays are held some four times, as
#: traced, as built, and to be told apart.
KEPT_CIRCUITS = 256
KEPT_BYTES = 1 << 24


@dataclass(frozen=True, slots=True)
class Built:
    """A circuit ready to run and how to go in and out of it.

    `known`: the openings of the traced circuit that need no engine, by place; `slots`: the traced circuit's inputs
    that are still used. `shown` is the circuit with all openings, for dumps. `additions` counts elements of sums and
    differences: what a node works without talking.
    """

    gathered: Gathered
    slots: tuple[int, ...]
    known: dict[int, Array]
    shown: Circuit
    additions: int

    @property
    def circuit(self) -> Circuit:
        return self.gathered.circuit

    @property
    def idle(self) -> bool:
        """Whether there is nothing for an engine to do."""
        return not (self.circuit.opens or self.circuit.outputs or self.circuit.keeps)

    def inputs(self, values: Sequence[Array]) -> list[Array]:
        return self.gathered.stacked([values[slot] for slot in self.slots])

    def opened(self, values: Sequence[Array]) -> list[Array]:
        """All openings of the traced circuit from those of the run."""
        found = iter(self.gathered.split(values))
        count = len(self.known) + len(self.gathered.opens)
        return [self.known[place] if place in self.known else next(found) for place in range(count)]


def build(traced: Circuit) -> Built:
    """The circuit that does what `traced` does, in the fewest rounds and nodes that we know of."""
    small = simplify(traced)
    known = {
        place: np.asarray(small.nodes[number].attrs["value"])
        for place, number in _constants(small)}
    secret = tuple(number for place, number in enumerate(small.opens) if place not in known)
    alive = drop_dead(replace(small, opens=secret)) if known else small
    slots, renumbered = _used_inputs(alive)
    gathered = gather(renumbered)
    return Built(gathered, slots, known, small, additions_of(gathered.circuit))


def additions_of(circuit: Circuit) -> int:
    """Elements of its sums and differences."""
    table = table_of(circuit.nodes)
    sizes = [prod(shape) for shape in table.shape_list]
    return sum([sizes[shape] for shape in table.shapes[table.where("add", "sub", "sum")].tolist()])


def _constants(circuit: Circuit) -> list[tuple[int, int]]:
    """The openings that are constants by now: places and nodes."""
    table = table_of(circuit.nodes)
    opens = np.array(circuit.opens, np.int64)
    const = np.zeros(len(table), np.bool_)
    const[table.where("const")] = True
    return [(place, circuit.opens[place]) for place in np.nonzero(const[opens])[0].tolist()]


def _used_inputs(circuit: Circuit) -> tuple[tuple[int, ...], Circuit]:
    """The slots that are left after simplification, and the circuit with its slots counted afresh."""
    table = table_of(circuit.nodes)
    numbers = table.where("input").tolist()
    used = sorted({table.attr_list[table.attrs[number]]["slot"] for number in numbers})
    if used == list(range(len(used))):
        return tuple(used), circuit
    fresh = {slot: number for number, slot in enumerate(used)}
    nodes = table.with_attrs(numbers, lambda attrs: {"slot": fresh[attrs["slot"]]})
    return tuple(used), replace(circuit, nodes=nodes)


class Builder:
    """Builds circuits and remembers them. `hits` and `misses` count."""

    def __init__(self) -> None:
        self._built: OrderedDict[Any, tuple[Built, int]] = OrderedDict()
        self._bytes = 0
        self.hits = 0
        self.misses = 0

    def built(self, field: str, rows: Rows, table: Table, ends: tuple[Any, Any, Any]) -> Built:
        """The circuit for a traced table, whose shapes and attributes are those of `rows`; `ends` are the openings,
        outputs and keeps.
        """
        columns = tuple(column.tobytes() for column in (
            table.ops, table.forms, table.shapes, table.attrs, table.starts, table.args))
        key = field, columns, tuple(rows.shape_list), rows.attr_keys, ends
        found = self._built.get(key)
        if found is not None:
            self._built.move_to_end(key)
            self.hits += 1
            return found[0]
        self.misses += 1
        made = build(Circuit(field, table, *ends))
        self._remember(key, made, sum(map(len, columns)) + rows.attr_bytes)
        return made

    def _remember(self, key: Any, made: Built, size: int) -> None:
        if size > KEPT_BYTES // 4:
            return
        self._built[key] = made, size
        self._bytes += size
        while len(self._built) > KEPT_CIRCUITS or self._bytes > KEPT_BYTES:
            _, (_, gone) = self._built.popitem(last=False)
            self._bytes -= gone
