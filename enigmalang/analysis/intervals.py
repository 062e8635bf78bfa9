"""The abstract interpreter of range analysis: facts forward through regions, loops by growth.

A loop of few steps is run step by step. Of a longer one, one step shows how far each carried value moves (its
*offset* from what it was); so many steps move it at most so many times as far. A second run, with the values that
this gives, must confirm the offsets; if it does not within a few rounds, the value is unbounded.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TypeAlias

from enigmalang.analysis.fact import Fact, declared, element, full_lens, is_private, kept
from enigmalang.analysis.flow import returned, terminator
from enigmalang.analysis.growth import Guess
from enigmalang.analysis.orders import ORDERED, ordered
from enigmalang.analysis.refine import refinements
from enigmalang.analysis.scalars import converted
from enigmalang.analysis.transfer import transfer
from enigmalang.ir.ir import Function, Operation, Program, Region, Slot, Value
from enigmalang.ir.leaves import leaves_of
from enigmalang.types.ranges import ZERO, Range, nominal

#: What a loop does at the start of a step: sets its items, or runs its condition.
Step: TypeAlias = Callable[[int | None], None]
#: Loops of at most so many steps are followed one by one, and all nested ones together at most so often.
FEW_STEPS = 64
MOST_RUNS = 2048
#: Rounds of widening before a carried value counts as unbounded.
ROUNDS = 5
#: Private `if`s nested deeper than this do not narrow ranges: the work doubles with each.
DEEPEST_PROMISE = 6


@dataclass(slots=True, eq=False)
class Loop:
    """What leaves a loop's body other than by its end."""

    op: Operation
    broken: list[list[Fact]] = field(default_factory=list)
    continued: list[list[Fact]] = field(default_factory=list)


class Interpreter:
    """`facts`: of the step being run. `all`: joined over every recorded step; that is what values get."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.facts: dict[Value, Fact] = {}
        self.all: dict[Value, Fact] = {}
        self.items: dict[Value, list[Range]] = {}
        self.defs: dict[Value, Operation] = {}
        self.stored: dict[Operation, Range] = {}  # by `convert`: the interval that must fit, in the branch it is in
        self.unbounded: dict[Operation, list[Value]] = {}
        self.loops: list[Loop] = []
        self.scopes: list[list[list[Fact]]] = []
        self.recording = True
        self.guessing = False  # in the trial runs of a long loop
        self.always = False  # in a private branch, run whether it is chosen or not
        self.nested = 0  # private branches around
        self.runs = 1
        self.results: dict[str, list[Fact]] = {}
        self.function: Function

    # ---- functions

    def run(self, function: Function) -> None:
        self.function = function
        for param in function.params:
            for value, leaf in zip(param.values, leaves_of(param.type, param.private), strict=True):
                bound, lens = nominal(element(value)), leaf.lens
                if function.kind == "script":  # of a session: what earlier inputs gave it, which a type may not hold
                    bound, lens = param.range or bound, value.lens or lens
                elif bound is not None and param.range is not None:
                    bound = bound.meet(param.range) or bound
                self.set(value, Fact(bound, lens))
        self.region(function.body)

    def recursive_result(self, function: Function) -> list[Fact]:
        """Results of recursive functions have the range of their types."""
        return [declared(v) for v in returned(function)]

    # ---- facts

    def set(self, value: Value, fact: Fact) -> None:
        self.facts[value] = fact
        if self.recording:
            known = self.all.get(value)
            self.all[value] = replace(fact if known is None else known.join(fact), base=None, offset=ZERO)

    def get(self, value: Value) -> Fact:
        return self.facts[value]

    def gets(self, values: Sequence[Value]) -> list[Fact]:
        return [self.facts[v] for v in values]

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Runs whose facts are not kept."""
        before, self.recording = self.recording, False
        yield
        self.recording = before

    # ---- regions

    def region(self, region: Region) -> list[Fact]:
        """The facts of what the region yields; None of them when it ends otherwise."""
        for op in region.ops:
            self.operation(op)
        last = terminator(region)
        return self.gets(last.operands) if last.op == "yield" else []

    def operation(self, op: Operation) -> None:
        for value in op.results:
            self.defs[value] = op
        match op.op:
            case "if":
                self.branches(op)
            case "for":
                self.for_loop(op)
            case "while":
                self.while_loop(op)
            case "map":
                self.comprehension(op)
            case "scope":
                self.scopes.append([])
                fallen = self.region(op.regions[0])
                self.join_results(op, [f for f in (fallen, *self.scopes.pop()) if f or not op.results])
            case "acting" | "expect_revert" | "expect_leak":
                self.join_results(op, [self.region(op.regions[0])])
            case "break" | "continue":
                loop = self.loops[-1]
                (loop.broken if op.op == "break" else loop.continued).append(self.gets(op.operands))
            case "leave":
                self.scopes[-1].append(self.gets(op.operands))
            case "call":
                self.call(op)
            case "yield":
                pass
            case _:
                self.plain(op)

    def plain(self, op: Operation) -> None:
        """An operation without regions."""
        facts = self.chosen(op) if op.op == "select" else self.gets(op.operands)
        made = ordered(op, facts) if op.op in ORDERED else transfer(op, facts, self.slot(op))
        for value, fact in zip(op.results, made, strict=True):
            self.set(value, fact)
        self.remember_items(op)
        if op.op == "convert":
            self.remember_stored(op)

    def remember_stored(self, op: Operation) -> None:
        """What a conversion must prove in the branch it is in. Where it runs unchosen it changes nothing."""
        found = converted(op, self.get(op.operands[0]).range)
        if self.always and found is not None and is_private(op.result):
            self.set(op.result, replace(self.get(op.result), range=found, base=None, offset=ZERO))
        elif found is not None and not self.guessing:
            before = self.stored.get(op)
            self.stored[op] = found if before is None else before.join(found)

    def slot(self, op: Operation) -> Slot | None:
        contract = self.program.contracts.get(self.function.contract or "")
        return contract.slots.get(op.attrs["slot"]) if contract and "slot" in op.attrs else None

    def call(self, op: Operation) -> None:
        for value, fact in zip(op.results, self.recursive_result(self.program.functions[op.attrs["function"]]),
                               strict=True):
            self.set(value, fact)

    def join_results(self, op: Operation, columns: Sequence[list[Fact]]) -> None:
        for number, value in enumerate(op.results):
            facts = [c[number] for c in columns if number < len(c)]
            joined = facts[0] if facts else declared(value)
            for fact in facts[1:]:
                joined = joined.join(fact)
            self.set(value, kept(value, joined))

    def branches(self, op: Operation) -> None:
        columns = [
            self.branch(region, is_private(op.operands[0]), refinements(op.operands[0], held, self.defs, self.facts))
            for region, held in zip(op.regions, (True, False), strict=True)]
        self.join_results(op, [c for c, r in zip(columns, op.regions, strict=True) if _goes_on(r)])

    def branch(self, region: Region, private: bool, narrowed: dict[Value, Fact]) -> list[Fact]:
        """One side of an `if`. Both sides of a private one run: what is inside has the ranges of running it always,
        only what comes out and what is stored has those that the condition promises. Each nesting runs the inside
        twice, so deep inside the condition promises nothing any more."""
        if self.nested >= DEEPEST_PROMISE:
            narrowed = {}
        self.nested += private
        made = self.side(region, private, narrowed)
        self.nested -= private
        return made

    def side(self, region: Region, private: bool, narrowed: dict[Value, Fact]) -> list[Fact]:
        """`branch`, with the facts that the condition promises."""
        if private and narrowed:
            before, self.always = self.always, True
            self.region(region)
            self.always = before
        kept_facts = {value: self.facts[value] for value in narrowed}
        self.facts.update(narrowed)
        if private and narrowed:
            with self.trial():
                made = self.region(region)
        else:
            made = self.region(region)
        self.facts.update(kept_facts)
        return made

    def chosen(self, op: Operation) -> list[Fact]:
        """Operands of `select`, each with what the condition says where it is chosen."""
        condition, *values = op.operands
        sides = (refinements(condition, held, self.defs, self.facts) for held in (True, False))
        return [self.get(condition), *(side.get(v, self.get(v)) for side, v in zip(sides, values, strict=True))]

    # ---- items of a loop that are known one by one

    def remember_items(self, op: Operation) -> None:
        if len(op.results) != 1 or op.result.rank != 1 or nominal(element(op.result)) is None:
            return
        found: list[Range] | None = None
        match op.op:
            case "const":
                values = op.attrs["value"]
                found = [Range(int(v), int(v)) for v in values] if len(values) <= FEW_STEPS else None
            case "stack" if len(op.operands) <= FEW_STEPS:
                known = [self.get(v).range for v in op.operands]
                found = [k for k in known if k is not None]
                found = found if len(found) == len(known) else None
            case "range":
                ends = [self.get(v).range for v in op.operands]
                if all(e is not None and e.low == e.high for e in ends):
                    low, high, step = (e.low for e in ends if e is not None)
                    if step and abs(high - low) <= FEW_STEPS * abs(step) and len(range(low, high, step)) <= FEW_STEPS:
                        found = [Range(i, i) for i in range(low, high, step)]
            case "convert" | "reverse":
                found = self.items.get(op.operands[0])
                if found is not None and op.op == "convert" and type(element(op.operands[0])) is not type(
                        element(op.result)):
                    found = None
                found = found[::-1] if found is not None and op.op == "reverse" else found
            case _:
                pass
        if found is not None:
            self.items[op.result] = found
        else:
            self.items.pop(op.result, None)

    # ---- comprehensions and loops

    def row(self, tensor: Value, item: Value) -> Fact:
        fact = self.get(tensor)
        return replace(fact, lens=full_lens(fact, tensor)[1:]) if tensor.rank else declared(item)

    def trips(self, tensors: Sequence[Value]) -> int | None:
        """The most steps of a loop over `tensors` in step."""
        bounds = [full_lens(self.get(v), v)[0] for v in tensors if v.rank]
        known = [b for b in bounds if b is not None]
        return min(known) if known else None

    def comprehension(self, op: Operation) -> None:
        (region,) = op.regions
        for tensor, item in zip(op.operands, region.params, strict=True):
            self.set(item, kept(item, self.row(tensor, item)))
        yielded = self.region(region)[1 if op.attrs["filtered"] else 0:]
        most = self.trips(op.operands)
        for value, fact in zip(op.results, yielded, strict=False):
            inner = fact.lens if len(fact.lens) == value.rank - 1 else (None,) * (value.rank - 1)
            self.set(value, kept(value, replace(fact, lens=(most, *inner)[:value.rank])))

    def for_loop(self, op: Operation) -> None:
        number = op.attrs["iterated"]
        (region,) = op.regions
        tensors, items = op.operands[:number], region.params[:number]
        rows = [kept(i, self.row(t, i)) for t, i in zip(tensors, items, strict=True)]
        known = [self.items.get(t) for t in tensors]

        def step(turn: int | None) -> None:
            for row, item, exact in zip(rows, items, known, strict=True):
                found = row if exact is None or turn is None or turn >= len(exact) else replace(
                    row, range=exact[turn])
                self.set(item, found)

        self.loop(op, region.params[number:], op.operands[number:], self.trips(tensors), step, any(known))

    def while_loop(self, op: Operation) -> None:
        head, body = op.regions

        def step(number: int | None) -> None:
            for param, outer in zip(head.params, body.params, strict=True):
                self.set(param, self.facts[outer])
            self.region(head)

        self.loop(op, body.params, op.operands, op.attrs["max"], step, False)

    def loop(self, op: Operation, params: Sequence[Value], first: Sequence[Value], trips: int | None,
             step: Step, exact: bool) -> None:
        start = [kept(p, f) for p, f in zip(params, self.gets(first), strict=True)]
        if trips is not None and trips <= FEW_STEPS and self.runs * max(trips, 1) <= MOST_RUNS:
            ends = self.few(op, params, start, trips, step, exact)
        else:
            ends = self.many(op, params, start, trips, step)
        for value, fact in zip(op.results, ends, strict=True):
            self.set(value, kept(value, fact))

    def body(self, op: Operation, params: Sequence[Value], inputs: Sequence[Fact], step: Step,
             number: int | None) -> tuple[list[Fact], list[Fact] | None]:
        """One step: what it hands to the next one, and what a `break` in it hands out."""
        for param, fact in zip(params, inputs, strict=True):
            self.set(param, kept(param, fact))
        self.loops.append(Loop(op))
        step(number)
        region = op.regions[-1]
        ended = self.region(region)
        left = self.loops.pop()
        columns = ([ended] if _goes_on(region) else []) + left.continued
        made = [kept(p, f) for p, f in zip(params, _join_all(columns) if columns else inputs, strict=True)]
        return made, _join_all(left.broken) if left.broken else None

    def few(self, op: Operation, params: Sequence[Value], start: list[Fact], trips: int, step: Step,
            exact: bool) -> list[Fact]:
        """Step by step. `exact`: each step has items of its own, and takes what the one before it made."""
        self.runs *= max(trips, 1)
        now, ends = start, start
        for number in range(max(trips, 1)):  # at least once, so that every value has a fact
            made, broken = self.body(op, params, now, step, number)
            if trips == 0:
                break
            joined = _join_all([ends, made] if broken is None else [ends, made, broken])
            if not exact and joined == ends:
                break
            now, ends = (made if exact else joined), joined
        self.runs //= max(trips, 1)
        return ends

    def many(self, op: Operation, params: Sequence[Value], start: list[Fact], trips: int | None,
             step: Step) -> list[Fact]:
        """By growth. The facts it ends with hold at the start of every step and after the last one."""
        guess = [Guess(p, f, trips) for p, f in zip(params, start, strict=True)]
        for number in count():
            before = [g.now for g in guess]
            guessing, self.guessing = self.guessing, True
            with self.trial():
                made, _ = self.body(op, params, [g.input() for g in guess], step, None)
            self.guessing = guessing
            for g, fact in zip(guess, made, strict=True):
                if number == ROUNDS:
                    g.widen_to_type(fact)
                else:
                    g.widen(fact, last=number > ROUNDS)
            if [g.now for g in guess] == before:
                break
        self.note_unbounded(op, guess)
        _, broken = self.body(op, params, [g.now for g in guess], step, None)
        ends = [g.result() for g in guess]
        return ends if broken is None else _join_all([ends, broken])

    def note_unbounded(self, op: Operation, guess: Sequence[Guess]) -> None:
        found = [g.param for g in guess if g.lost and is_private(g.param)]
        if self.recording and found:
            self.unbounded[op] = found


def _goes_on(region: Region) -> bool:
    """Ends by yielding, and not after a `raise` that yields anything."""
    ops = region.ops
    return ops[-1].op == "yield" and not any(op.op == "raise" for op in ops)


def _join_all(columns: Sequence[Sequence[Fact]]) -> list[Fact]:
    joined = list(columns[0])
    for column in columns[1:]:
        joined = [a.join(b) for a, b in zip(joined, column, strict=True)]
    return joined
