"""Loops whose iterations trace alike: traced once, repeated as a block.

What an iteration adds to the trace depends on the public values that its private operations use, and on the shapes
and forms of the private ones. Where a public value that changes between iterations is but a constant in the private
part, or names a row that it reads, one iteration is traced on placeholders (`iterations`); the public operations alone
run as often as the loop asks (`splits`). And a loop within a loop that is entered again with the same public values is
taken over whole: that is here.

Only operations without effects are looked at, so it does not matter when they run.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from enigmalang.execute import placeholders as hold
from enigmalang.execute.blocks import Block
from enigmalang.execute.placeholders import Hole, is_const, is_not, shape_of, waiting, wires_of
from enigmalang.execute.splits import is_pure, outer_values
from enigmalang.execute.trace import Traced
from enigmalang.execute.traced import TracedDomain
from enigmalang.ir.ir import Operation, Value

if TYPE_CHECKING:
    from enigmalang.execute.machine import Machine

#: Iterations that must be left for tracing one on placeholders to be worth it.
LEAST = 16
#: Entries of loops remembered whole, and elements of public arrays that are compared for it.
KEPT_LOOPS = 1024
COMPARED = 64

_PLAIN = (bool, int, str, bytes, type(None))


@dataclass(slots=True)
class _Whole:
    """A loop that ran with certain public values: what came out. Places of `results` that are None are private."""

    block: Block | None
    results: list[Any]
    private: list[tuple[int, Traced, list[int]]]  # place, forms, references


_SEEN, _NEVER = "seen", "never"


class Whole:
    """A loop as it is entered now, remembered by what its trace depends on."""

    def __init__(self, machine: "Machine", op: Operation) -> None:
        self.machine, self.op = machine, op
        self.values = self._values()
        self.key = self._key()

    def _values(self) -> list[Value] | None:
        known = self.machine.world.repeats
        place = ("values", self.op)
        if place not in known:
            pure = isinstance(self.machine.domain, TracedDomain) and is_pure(self.op, True)
            known[place] = list(dict.fromkeys([*self.op.operands, *outer_values(self.op)])) if pure else None
        found: list[Value] | None = known[place]
        return found

    def _key(self) -> Any:
        """None: not to be remembered."""
        if self.values is None:
            return None
        env, parts = self.machine.env, list[Any]()
        for number, value in enumerate(self.values):
            found = env.get(value, self)
            kind = type(found)
            if kind is Traced:
                if is_const(found):
                    return None
                parts.append((number, *shape_of(found), is_not(found.bits)))
            elif kind in _PLAIN:
                parts.append((kind, found))
            elif kind is np.ndarray and found.size <= COMPARED and found.dtype != object:
                parts.append((found.dtype.str, found.shape, found.tobytes()))
            else:
                return None
        return self.op, tuple(parts)

    def again(self) -> list[Any] | None:
        """The loop's results if it is known; it is traced for that when it is entered the second time."""
        if self.key is None:
            return None
        known = self.machine.world.loops
        found = known.get(self.key)
        if found is None:
            if len(known) >= KEPT_LOOPS:
                known.clear()
            known[self.key] = _SEEN
            return None
        if found is _SEEN:
            known[self.key] = _NEVER
            found = self._run()
            if found is None:
                return None
            known[self.key] = found
        return None if found is _NEVER else self.put(found)

    def _holes(self) -> dict[Value, Hole]:
        assert self.values is not None
        return {v: hold.hole_for(found, True) for v in self.values if isinstance(found := self.machine.env[v], Traced)}

    def _run(self) -> _Whole | None:
        """The loop on placeholders."""
        machine, env, holes = self.machine, self.machine.env, self._holes()
        params = [param for hole in holes.values() for param in hole.params]
        env.update((v, hole.standing) for v, hole in holes.items())
        try:
            control = machine.for_loop if self.op.op == "for" else machine.while_loop
            signal = control(self.op)
            results = [machine.forced(env[v]) for v in self.op.results]
        finally:
            env.update((v, hole.value) for v, hole in holes.items())
        if signal is not None:
            return None
        private = [(place, found) for place, found in enumerate(results) if isinstance(found, Traced)]
        if any(map(waiting, results)) or any(is_const(found) for _, found in private):
            return None
        traces = hold.traces_of(params, [wire for _, found in private for wire in wires_of(found)])
        if traces is None or traces.cut.inputs:
            return None
        outs = iter(traces.outs)
        kept = [(place, hold.stand_in(found), [next(outs) for _ in wires_of(found)]) for place, found in private]
        shown = [None if isinstance(found, Traced) else found for found in results]
        return _Whole(hold.block_of(traces, 1, ()), shown, kept)

    def put(self, whole: _Whole) -> list[Any]:
        assert whole.block is not None and isinstance(self.machine.domain, TracedDomain)
        args = [wire for hole in self._holes().values() for wire in hole.wires]
        made = hold.put(whole.block, args)
        results = list(whole.results)
        for place, like, references in whole.private:
            wires = [hold.came_from(made, args, wire, *whole.block.last(reference))
                     for wire, reference in zip(wires_of(like), references, strict=True)]
            results[place] = hold.came_out(self.machine.domain.tracer, like, wires)
        return results