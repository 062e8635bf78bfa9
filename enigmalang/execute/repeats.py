"""Loops whose iterations trace alike: traced once, repeated as a block.

What an iteration adds to the trace depends on the public values that its private operations use, and on the shapes
and forms of the private ones. So where no private operation of a loop uses a public value that changes between
iterations, one iteration is traced on placeholders; the public operations alone run as often as the loop asks. And a
loop within a loop that is entered again with the same public values is taken over whole.

Only operations without effects are looked at, so it does not matter when they run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from enigmalang.execute import wires as w
from enigmalang.execute.blocks import Block
from enigmalang.execute.secret import Pending, Secret
from enigmalang.execute.trace import Cut, Traced, Tracer, Wire, numbered
from enigmalang.execute.traced import TracedDomain
from enigmalang.ir.ir import Operation, Region, Value, operations
from enigmalang.ir.ops import OPS, Effect
from enigmalang.types.types import Label

if TYPE_CHECKING:
    from enigmalang.execute.machine import Machine

#: Iterations that must be left for tracing one on placeholders to be worth it.
LEAST = 16
#: Entries of loops remembered whole, and elements of public arrays that are compared for it.
KEPT_LOOPS = 1024
COMPARED = 64

_EFFECTS = frozenset({Effect.NONE, Effect.FAILS, Effect.RANDOM})
_CONTROL = frozenset({"for", "while", "map", "if", "yield"})
_LEAVING = frozenset({"break", "continue"})
_PLAIN = (bool, int, str, bytes, type(None))


def _pure(op: Operation, leaving: bool) -> bool:
    """Whether `op` and all within only compute. `leaving`: loops within may be left early."""
    for found in (op, *(o for region in op.regions for o in operations(region))):
        if not (found.op in _CONTROL or found.op == "share" or (leaving and found.op in _LEAVING)
                or (OPS[found.op].effect in _EFFECTS and not OPS[found.op].regions)):
            return False
    return True


def used(op: Operation) -> list[Value]:
    """The values that `op` and all within use, in order."""
    within = (v for region in op.regions for inner in operations(region) for v in inner.operands)
    return list(dict.fromkeys([*op.operands, *within]))


def _outer(op: Operation) -> list[Value]:
    """The values from outside that the regions of `op` use."""
    inside: set[Value] = set()
    for region in op.regions:
        inside.update(region.params)
        for inner in operations(region):
            inside.update(inner.results)
            for nested in inner.regions:
                inside.update(nested.params)
    return [v for v in used(op) if v not in inside]


def pure_condition(region: Region) -> bool:
    """Whether a loop's condition is public and only computes."""
    return all(_pure(op, False) and all(map(_public, (*op.results, *used(op)))) for op in region.ops)


# ---- placeholders


@dataclass(slots=True)
class _Hole:
    """A private value that comes in, and what stands for it meanwhile: `params` for `wires`."""

    value: Traced
    standing: Traced
    wires: list[Wire]
    params: list[Wire]


def _wires(value: Traced) -> list[Wire]:
    return [wire for wire in (value.arith, value.bits) if wire is not None]


def _is_not(wire: Wire | None) -> bool:
    return wire is not None and wire.op == "not" and bool(wire.args)


def _shape_of(value: Traced) -> tuple[Any, ...]:
    """What the trace of a computation can depend on."""
    return value.shape, value.truth, value.arith is not None, value.bits is not None


def _is_const(value: Traced) -> bool:
    return any(wire.op == "const" and wire.handle is None for wire in _wires(value))


def _waiting(value: Any) -> bool:
    return type(value) is Pending and not value.ready


def _param(wire: Wire) -> Wire:
    """A placeholder of the same form and shape, which is nobody's value and made of nothing."""
    made = Wire("param", (), wire.shape, wire.form, w.NO_ATTRS)
    made.span = wire.span
    return made


def _like(value: Traced) -> Traced:
    arith, bits = (None if wire is None else _param(wire) for wire in (value.arith, value.bits))
    return Traced(arith, bits, value.truth)


def _hole(value: Traced, through: bool) -> _Hole:
    """`through`: for a negation stands the negation of a placeholder, so that negating it again costs nothing."""
    if through and _is_not(value.bits):
        assert value.bits is not None
        inner = value.bits.args[0]
        arith = None if value.arith is None else _param(value.arith)
        bits = _param(inner)
        standing = Traced(arith, w.not_(bits), value.truth)
        known = [] if arith is None or value.arith is None else [(value.arith, arith)]
        pairs = [*known, (inner, bits)]
        return _Hole(value, standing, [a for a, _ in pairs], [b for _, b in pairs])
    standing = _like(value)
    return _Hole(value, standing, _wires(value), _wires(standing))


def _again(value: Traced) -> Traced:
    """The same constant, made now: a trace begins with its placeholders."""
    arith, bits = (None if wire is None else Wire("const", (), wire.shape, wire.form, wire.attrs)
                   for wire in (value.arith, value.bits))
    return Traced(arith, bits, value.truth)


@dataclass(slots=True)
class _Traces:
    """What was traced on placeholders: nodes, and what comes out, as references (see `Block`)."""

    cut: Cut
    params: int
    outs: list[int]


def _traces(params: Sequence[Wire], outs: Sequence[Wire]) -> _Traces | None:
    """None where something but the placeholders and constants goes in."""
    with numbered([*params, *outs]) as order:
        if any(wire.op in ("input", "load") or wire.handle is not None for wire in order):
            return None
        if [wire.number for wire in params] != list(range(len(params))):  # a constant from outside comes first
            return None
        return _Traces(Cut(order), len(params), [wire.number for wire in outs])


def _block(traces: _Traces, count: int, carried: Sequence[int]) -> Block | None:
    table, params = traces.cut.table, traces.params
    keep = np.ones(len(table), np.bool_)
    keep[:params] = False
    try:
        return Block(traces.cut.rows, table.only(keep, np.arange(len(table))), params, count, carried)
    except ValueError:
        return None


def _put(block: Block, args: Sequence[Wire]) -> Wire:
    return Wire("block", tuple(args), (), w.A, {"block": block})


def _came_out(tracer: Tracer, standing: Traced, found: Sequence[Wire]) -> Traced:
    """A traced value with the forms of `standing`."""
    wires = iter(found)
    arith, bits = (None if wire is None else next(wires) for wire in (standing.arith, standing.bits))
    made = Traced(arith, bits, standing.truth)
    tracer.live.add(made)
    return made


def _out(made: Wire, args: Sequence[Wire], like: Wire, inner: bool, number: int) -> Wire:
    if not inner:
        return args[number]
    wire = Wire("out", (made,), like.shape, like.form, {"place": number})
    wire.span = like.span
    return wire


# ---- iterations


@dataclass(slots=True)
class Split:
    """A loop's body in two: what is public, and what is private and uses nothing public that changes."""

    public: Region
    private: Region
    runs: bool  # whether the public part does anything
    outer: list[Value]  # what the private part uses from around the loop
    params: list[Value]  # carried, without what is iterated over
    failures: int = 0


def _split(op: Operation, body: Region, iterated: int) -> Split | None:
    end = body.ops[-1]
    if end.op != "yield" or not all(_pure(inner, False) for inner in body.ops):
        return None
    params = body.params[iterated:]
    changing = set(body.params[:iterated])
    changing.update(p for p, given in zip(params, end.operands, strict=True) if _public(p) and p is not given)
    changed = len(changing) > iterated
    public: list[Operation] = []
    private: list[Operation] = []
    hidden: set[Value] = set()  # public, but worked out beside what is private
    for inner in body.ops[:-1]:
        uses = used(inner)
        moving = not changing.isdisjoint(uses)
        if not all(map(_public, (*inner.results, *uses))):
            if moving:
                return None
            private.append(inner)
            hidden.update(v for v in inner.results if _public(v))
        elif not hidden.isdisjoint(uses):
            if moving:
                return None
            private.append(inner)
            hidden.update(inner.results)
        else:
            public.append(inner)
            if moving:
                changing.update(inner.results)
                changed = True
            else:
                private.append(inner)
    given = [v for p, v in zip(params, end.operands, strict=True) if _public(p)]
    kept = [v for p, v in zip(params, end.operands, strict=True) if not _public(p)]
    if any(v in hidden or not _public(v) for v in given) or any(v in changing for v in kept):
        return None
    alone, beside = (Region(body.params, [*ops, _yield(end, ends)]) for ops, ends in ((public, given), (private, kept)))
    split = Split(alone, beside, changed, [], params)
    inside = {*body.params, *(v for inner in body.ops for v in inner.results)}
    wanted = dict.fromkeys(v for inner in split.private.ops for v in _outer_of(inner))
    split.outer = [v for v in wanted if v not in inside]
    return split


def _outer_of(op: Operation) -> list[Value]:
    return [*op.operands, *_outer(op)] if op.regions else list(op.operands)


def _public(value: Value) -> bool:
    return value.label is not Label.PRIVATE


def _yield(end: Operation, values: Sequence[Value]) -> Operation:
    return Operation("yield", tuple(values), (), end.span)


def split_of(machine: "Machine", op: Operation, body: Region, iterated: int) -> Split | None:
    """The two parts of a loop of the traced domain, if it can be done in two."""
    if not isinstance(machine.domain, TracedDomain):
        return None
    known = machine.world.repeats
    if op not in known:
        known[op] = _split(op, body, iterated)
    split: Split | None = known[op]
    return split if split is not None and split.failures < 3 else None


class Iterations:
    """The rest of one loop: an iteration traced on placeholders, whose public values run on alone."""

    def __init__(self, machine: "Machine", split: Split, carried: Sequence[Any]) -> None:
        self.machine, self.split = machine, split
        assert isinstance(machine.domain, TracedDomain)
        self.tracer = machine.domain.tracer
        self.public = [value for p, value in zip(split.params, carried, strict=True) if _public(p)]
        self.private = [value for p, value in zip(split.params, carried, strict=True) if not _public(p)]
        self.count = 0
        self.holes: list[_Hole] = []
        self.traces: _Traces | None = None
        self.ends: list[Traced] = []
        self.args: list[Wire] = []

    def able(self) -> bool:
        """Trace one iteration. False where what comes out is not like what goes in; then nothing has changed."""
        if self._traced():
            return True
        self.split.failures += 1
        return False

    def _traced(self) -> bool:
        machine, split = self.machine, self.split
        env = machine.env
        if any(isinstance(value, Secret) or _waiting(value) for value in self.public) or not self.private:
            return False
        if not all(isinstance(value, Traced) and not _is_const(value) for value in self.private):
            return False
        outer = {v: env[v] for v in split.outer if v in env}
        if len(outer) < len(split.outer) or not all(
                isinstance(value, Traced) != _public(v) and not _waiting(value)
                for v, value in outer.items()):
            return False
        self.holes = [_hole(value, False) for value in self.private]
        captured = {v: _hole(value, True) for v, value in outer.items()
                    if isinstance(value, Traced) and not _is_const(value)}
        standing = [hole.standing for hole in self.holes]
        self._enter(standing)
        env.update((v, hole.standing) for v, hole in captured.items())
        env.update((v, _again(value)) for v, value in outer.items() if isinstance(value, Traced) and v not in captured)
        shapes = [_shape_of(value) for value in standing]
        try:
            _, ends = machine.region(split.private)
        finally:
            env.update(outer)
        for value, shape in zip(ends, shapes, strict=True):
            if not isinstance(value, Traced) or _is_const(value) or _shape_of(value)[:2] != shape[:2] or (
                    (shape[2] and value.arith is None) or (shape[3] and value.bits is None)):
                return False
        self.ends = ends
        carried = [param for hole in self.holes for param in hole.params]
        outs, self.args = self._forms(), [wire for hole in self.holes for wire in hole.wires]
        self._negations(carried, outs)
        self.args += [wire for hole in captured.values() for wire in hole.wires]
        self.traces = _traces([*carried, *(p for hole in captured.values() for p in hole.params)], outs)
        if self.traces is None or self.traces.cut.inputs:
            return False
        return _block(self.traces, 2, self.traces.outs) is not None

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
            if wire.args and wire.args[0] in ends and _is_not(end := ends[wire.args[0]][0]):
                self.args.append(w.not_(ends[wire.args[0]][1]))
                carried.append(wire)
                outs.append(end.args[0])
                wire.op, wire.args, wire.serial = "param", (), first + number / (len(twice) + 1)

    def _enter(self, private: Sequence[Any]) -> None:
        public, hidden = iter(self.public), iter(private)
        for param in self.split.params:
            self.machine.env[param] = next(public) if _public(param) else next(hidden)

    def condition(self, region: Region) -> Any:
        """The public condition of a `while`, as the carried values are now."""
        self.machine.env.update(zip(region.params, self.carried(self.private), strict=True))
        _, (going,) = self.machine.region(region)
        return self.machine.forced(going)

    def step(self) -> None:
        """One more iteration: the public part runs."""
        self.count += 1
        if self.split.runs:
            self._enter(self.private)
            _, self.public = self.machine.region(self.split.public)

    def carried(self, private: Sequence[Any]) -> list[Any]:
        public, hidden = iter(self.public), iter(private)
        return [next(public) if _public(param) else next(hidden) for param in self.split.params]

    def done(self) -> list[Any]:
        """What is carried out of the loop."""
        if not self.count:
            return self.carried(self.private)
        assert self.traces is not None
        block = _block(self.traces, self.count, self.traces.outs)
        assert block is not None
        made = _put(block, self.args)
        found = iter([_out(made, self.args, like, *block.last(reference))
                      for like, reference in zip(self._forms(), self.traces.outs, strict=False)])
        ends = []
        for hole in self.holes:
            wires = [next(found) for _ in hole.wires]
            ends.append(_came_out(self.tracer, hole.value, wires))
        return self.carried(ends)


# ---- whole loops


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
            pure = isinstance(self.machine.domain, TracedDomain) and _pure(self.op, True)
            known[place] = list(dict.fromkeys([*self.op.operands, *_outer(self.op)])) if pure else None
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
                if _is_const(found):
                    return None
                parts.append((number, *_shape_of(found), _is_not(found.bits)))
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
        return None if found is _NEVER else self._put(found)

    def _holes(self) -> dict[Value, _Hole]:
        assert self.values is not None
        return {v: _hole(found, True) for v in self.values if isinstance(found := self.machine.env[v], Traced)}

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
        if any(map(_waiting, results)) or any(_is_const(found) for _, found in private):
            return None
        traces = _traces(params, [wire for _, found in private for wire in _wires(found)])
        if traces is None or traces.cut.inputs:
            return None
        outs = iter(traces.outs)
        kept = [(place, _like(found), [next(outs) for _ in _wires(found)]) for place, found in private]
        shown = [None if isinstance(found, Traced) else found for found in results]
        return _Whole(_block(traces, 1, ()), shown, kept)

    def _put(self, whole: _Whole) -> list[Any]:
        assert whole.block is not None and isinstance(self.machine.domain, TracedDomain)
        args = [wire for hole in self._holes().values() for wire in hole.wires]
        made = _put(whole.block, args)
        results = list(whole.results)
        for place, like, references in whole.private:
            wires = [_out(made, args, wire, *whole.block.last(reference))
                     for wire, reference in zip(_wires(like), references, strict=True)]
            results[place] = _came_out(self.machine.domain.tracer, like, wires)
        return results
