"""The rest of a loop whose iterations trace alike: one traced on placeholders, all of them put as one block."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from enigmalang.execute import placeholders as hold
from enigmalang.execute import wires as w
from enigmalang.execute.blocks import Column
from enigmalang.execute.failures import Revert
from enigmalang.execute.numbers import scalar
from enigmalang.execute.placeholders import Hole, Traces, is_const, is_not, shape_of, waiting
from enigmalang.execute.secret import Secret
from enigmalang.execute.shapes import check_index
from enigmalang.execute.splits import Feed, Split, is_public
from enigmalang.execute.trace import Traced, Wire, numbered
from enigmalang.execute.traced import TracedDomain
from enigmalang.execute.traced_numbers import is_truth
from enigmalang.ir.ir import Region, Value

if TYPE_CHECKING:
    from enigmalang.execute.machine import Machine


class Iterations:
    """The rest of one loop: an iteration traced on placeholders, whose public values run on alone.

    `tensors` are what is iterated over, for `items`; the first iteration here is number `first`.
    """

    def __init__(self, machine: "Machine", split: Split, carried: Sequence[Any], items: Sequence[Value] = (),
                 tensors: Sequence[Any] = (), first: int = 0) -> None:
        self.machine, self.split = machine, split
        assert isinstance(machine.domain, TracedDomain)
        self.tracer = machine.domain.tracer
        self.public = [value for p, value in zip(split.params, carried, strict=True) if is_public(p)]
        self.private = [value for p, value in zip(split.params, carried, strict=True) if not is_public(p)]
        self.items = {item: tensor for item, tensor in zip(items, tensors, strict=True) if is_public(item)}
        self.first, self.count = first, 0
        self.holes: list[Hole] = []
        self.traces: Traces | None = None
        self.ends: list[Traced] = []
        self.args: list[Wire] = []
        self.told: list[list[Any]] = [[] for _ in split.told]
        self.lengths: list[int] = []  # of the lists that feeds read rows of; 0: of none

    def able(self) -> bool:
        """Trace one iteration. False where what comes out is not like what goes in; then nothing has changed."""
        if self._traced():
            return True
        self.split.failures += 1
        return False

    def _outer(self) -> dict[Value, Any] | None:
        """The values from around the loop; None where one is not what its label says."""
        env, split = self.machine.env, self.split
        if any(isinstance(value, Secret) or waiting(value) for value in [*self.public, *self.items.values()]):
            return None
        if not self.private or not all(isinstance(value, Traced) and not is_const(value) for value in self.private):
            return None
        outer = {v: env[v] for v in split.outer if v in env}
        if len(outer) < len(split.outer) or not all(
                isinstance(value, Traced) != is_public(v) and not waiting(value) for v, value in outer.items()):
            return None
        return outer

    def _traced(self) -> bool:
        outer = self._outer()
        if outer is None:
            return False
        self.holes = [hold.hole_for(value, False) for value in self.private]
        captured = {v: hold.hole_for(value, True) for v, value in outer.items()
                    if isinstance(value, Traced) and not is_const(value)}
        again = {v: hold.again(value) for v, value in outer.items() if isinstance(value, Traced) and v not in captured}
        standing = [hole.standing for hole in self.holes]
        shapes = [shape_of(value) for value in standing]
        fed = self._run({**{v: hole.standing for v, hole in captured.items()}, **again}, standing, outer)
        if not all(_fits(value, shape) for value, shape in zip(self.ends, shapes, strict=True)):
            return False
        carried = [param for hole in self.holes for param in hole.params]
        outs, self.args = self._forms(), [wire for hole in self.holes for wire in hole.wires]
        self._negations(carried, outs)
        self.args += [wire for hole in captured.values() for wire in hole.wires]
        params = [*carried, *(p for hole in captured.values() for p in hole.params)]
        self.traces = hold.traces_of(params, outs, _constants(fed, outs))
        if self.traces is None or self.traces.cut.inputs:
            return False
        return hold.block_of(self.traces, 2, self.traces.outs) is not None

    def _run(self, around: dict[Value, Traced], standing: Sequence[Traced], outer: dict[Value, Any]
             ) -> list[tuple[Feed, Wire]]:
        """Trace the private part: what its feeds are."""
        env = self.machine.env
        self._enter(standing)
        env.update(around)
        self.lengths = [0 if feed.source is None else env[feed.source].shape[0] for feed in self.split.feeds]
        fed = [(feed, self._fed(feed)) for feed in self.split.feeds]
        env.update((feed.value, value) for feed, value in fed)
        try:
            _, self.ends = self.machine.region(self.split.private)
        finally:
            env.update(outer)
        return [(feed, value.wire) for feed, value in fed]

    def _fed(self, feed: Feed) -> Traced:
        """A placeholder for a number, or some row: which one, the block says."""
        if feed.source is None:
            truth = is_truth(feed.value.type)
            return self.tracer.traced(Wire("param", (), (), w.B if truth else w.A, w.NO_ATTRS), truth)
        source = self.machine.env[feed.source]
        return self.tracer.traced(w.take_one(source.wire, 0, 0), source.truth)

    def _forms(self) -> list[Wire]:
        """What comes out, in the forms that go in."""
        found = []
        for hole, end in zip(self.holes, self.ends, strict=True):
            for given, wire in ((hole.value.arith, end.arith), (hole.value.bits, end.bits)):
                if given is not None:
                    assert wire is not None
                    found.append(wire)
        return found

    def _negations(self, carried: list[Wire], outs: list[Wire]) -> None:
        """What is negated at the end of an iteration and again in the next is carried without both: the negation of
        such a placeholder becomes one more.
        """
        with numbered(outs) as order:
            twice = [wire for wire in order if wire.op == "not"]
        ends = dict(zip(carried, zip(outs, self.args, strict=True), strict=True))
        first = carried[-1].serial
        for number, wire in enumerate(twice, start=1):
            if wire.args and wire.args[0] in ends and is_not(end := ends[wire.args[0]][0]):
                self.args.append(w.not_(ends[wire.args[0]][1]))
                carried.append(wire)
                outs.append(end.args[0])
                wire.op, wire.args, wire.serial = "param", (), first + number / (len(twice) + 1)

    def _enter(self, private: Sequence[Any]) -> None:
        public, hidden = iter(self.public), iter(private)
        for param in self.split.params:
            self.machine.env[param] = next(public) if is_public(param) else next(hidden)

    def condition(self, region: Region) -> Any:
        """The public condition of a `while`, as the carried values are now."""
        self.machine.env.update(zip(region.params, self.carried(self.private), strict=True))
        _, (going,) = self.machine.region(region)
        return self.machine.forced(going)

    def all(self, steps: int) -> None:
        """All iterations up to number `steps` of a loop over something."""
        reads = any(feed.op is not None for feed in self.split.feeds)
        if not self.split.runs and not reads:
            self.count = steps - self.first
            return
        if self.split.at_once and self._at_once(steps):
            return
        for number in range(self.first, steps):
            for item, tensor in self.items.items():
                self.machine.env[item] = scalar(tensor[number])
            self.step()

    def _at_once(self, steps: int) -> bool:
        """The public part on columns. False where something fails: which iteration does, they tell one by one."""
        env, known = self.machine.env, len(self.public)
        columns = {item: np.array(tensor[self.first : steps]) for item, tensor in self.items.items()}
        env.update(columns)
        self._enter(self.private)
        try:
            _, values = self.machine.region(self.split.public)
            told = dict(zip(self.split.told, values[known:], strict=True))
            for feed, length in zip(self.split.feeds, self.lengths, strict=True):
                if feed.op is not None and feed.place is not None:
                    check_index(feed.op, columns.get(feed.place, told.get(feed.place)), length)
        except Revert:
            return False
        self.count = steps - self.first
        self.told = [np.broadcast_to(value, (self.count,)).tolist() for value in told.values()]
        return True

    def step(self) -> None:
        """One more iteration: the public part runs, and the places that are read are looked at."""
        self.count += 1
        machine, env, known = self.machine, self.machine.env, len(self.public)
        told: list[Any] = []
        items = {item: env[item] for item in self.items}
        if self.split.runs:
            self._enter(self.private)
            _, values = machine.region(self.split.public)
            self.public = values[:known]
            told = [machine.forced(value) for value in values[known:]]
            for column, value in zip(self.told, told, strict=True):
                column.append(value)
        for feed, length in zip(self.split.feeds, self.lengths, strict=True):
            if feed.op is not None and feed.place is not None:
                place = items[feed.place] if feed.place in items else told[self.split.told.index(feed.place)]
                if not 0 <= place < length:
                    check_index(feed.op, place, length)

    def carried(self, private: Sequence[Any]) -> list[Any]:
        public, hidden = iter(self.public), iter(private)
        return [next(public) if is_public(param) else next(hidden) for param in self.split.params]

    def _columns(self) -> list[Column]:
        """What each feed was in every iteration."""
        steps = range(self.first, self.first + self.count)
        told = dict(zip(self.split.told, self.told, strict=True))
        found: list[Column] = []
        for feed in self.split.feeds:
            if feed.place is None:
                values: Sequence[Any] = steps
            elif feed.place in self.items:
                values = self.items[feed.place][steps.start : steps.stop]
            else:
                values = told[feed.place]
            form = w.B if feed.source is None and is_truth(feed.value.type) else w.A
            found.append([w.number(value, form) for value in values])
        return found

    def done(self) -> list[Any]:
        """What is carried out of the loop."""
        if not self.count:
            return self.carried(self.private)
        assert self.traces is not None
        block = hold.block_of(self.traces, self.count, self.traces.outs, self._columns())
        assert block is not None
        made = hold.put(block, self.args)
        found = iter([hold.came_from(made, self.args, like, *block.last(reference))
                      for like, reference in zip(self._forms(), self.traces.outs, strict=False)])
        ends = []
        for hole in self.holes:
            wires = [next(found) for _ in hole.wires]
            ends.append(hold.came_out(self.tracer, hole.value, wires))
        return self.carried(ends)


def _fits(value: Any, shape: tuple[Any, ...]) -> bool:
    """Whether what comes out of an iteration can go into the next."""
    return isinstance(value, Traced) and not is_const(value) and shape_of(value)[:2] == shape[:2] and not (
        (shape[2] and value.arith is None) or (shape[3] and value.bits is None))


def _constants(fed: Sequence[tuple[Feed, Wire]], outs: Sequence[Wire]) -> list[tuple[Wire, str, int]]:
    """The nodes that vary: rows taken, constants, and products with such, which become multiples."""
    numbers = {wire: which for which, (feed, wire) in enumerate(fed) if feed.source is None}
    varying = [(wire, "value" if feed.source is None else "indices", which) for which, (feed, wire) in enumerate(fed)]
    with numbered(outs) as order:
        products = [wire for wire in order if wire.op == "mul" and wire.args]
    for wire in products:
        for factor, other in (wire.args, wire.args[::-1]):
            if factor in numbers:
                wire.op, wire.args, wire.attrs = "scale", (other,), {"factor": np.array(0)}
                varying.append((wire, "factor", numbers[factor]))
                break
    for wire in numbers:
        wire.op, wire.attrs = "const", {"value": np.array(0)}
    return varying
