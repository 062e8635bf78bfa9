"""What the analyses found, by place of the text: private or public, and the range of numbers."""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import reduce

from enigmalang.ir.ir import Function, Operation, Program, Value, operations
from enigmalang.lsp.names import within
from enigmalang.lsp.shift import Shift
from enigmalang.plan.cost import KINDS, Cost
from enigmalang.source import SourceFile, Span
from enigmalang.types.ranges import Range
from enigmalang.types.types import Label


@dataclass(frozen=True, slots=True)
class Fact:
    """One value that the text makes at a place: joined over all calls of its function."""

    private: bool
    range: Range | None

    def join(self, other: "Fact") -> "Fact":
        joined = None if self.range is None or other.range is None else self.range.join(other.range)
        return Fact(self.private or other.private, joined)


@dataclass(frozen=True, slots=True)
class Step:
    """One secure operation of a function: its kind, where it stands, and the calls it was reached through."""

    kind: str
    function: str
    span: Span
    via: tuple[Span, ...]


@dataclass(slots=True, eq=False)
class Part:
    """The same for one function; see Facts."""

    at: dict[Span, Fact] = field(default_factory=dict)
    named: list[tuple[tuple[str, str], Span, Fact]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    @classmethod
    def of(cls, function: Function) -> "Part":
        part = cls()
        for param in function.params:
            part._add(param.values)
        for op in operations(function.body):
            part._add(op.results)
            part._step(op, function.name)
            for region in op.regions:
                part._add(region.params)
        return part

    def _add(self, values: Iterable[Value]) -> None:
        for value in values:
            fact = Fact(value.label is Label.PRIVATE, value.range)
            known = self.at.get(value.span)
            self.at[value.span] = fact if known is None else known.join(fact)
            if value.hint:
                self.named.append(((value.span.path, value.hint.split(".")[0]), value.span, fact))

    def _step(self, op: Operation, function: str) -> None:
        kind = KINDS.get(op.op)
        if kind is not None and any(value.label is Label.PRIVATE for value in op.operands):
            self.steps.append(Step(kind, function, op.span, op.via))


@dataclass(slots=True, eq=False)
class Facts:
    """`at`: by the place of an expression; `named`: by path and name, the places where it gets a value."""

    at: dict[Span, Fact] = field(default_factory=dict)
    named: dict[tuple[str, str], list[tuple[Span, Fact]]] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    parts: dict[Function, Part] = field(default_factory=dict)

    source: SourceFile | None = None  # the main file's text that the places are of
    shift: Shift | None = None  # from there to the text that is asked about

    @classmethod
    def of(cls, program: Program, source: SourceFile, before: "Facts") -> "Facts":
        """The facts of the analysed `program`, whose main file is `source`; of functions that `before` has, its own."""
        facts = cls(source=source)
        for function in program.functions.values():
            part = facts.parts[function] = before.parts.get(function) or Part.of(function)
            facts._join(part)
        for places in facts.named.values():
            places.sort(key=lambda place: place[0])
        return facts

    def _join(self, part: Part) -> None:
        for span, fact in part.at.items():
            known = self.at.get(span)
            self.at[span] = fact if known is None else known.join(fact)
        for key, span, fact in part.named:
            self.named.setdefault(key, []).append((span, fact))
        self.steps += part.steps

    def moved(self, source: SourceFile) -> "Facts":
        """The same, to be asked about places of `source`, a later text of the main file."""
        shift = None if self.source is None else Shift.between(self.source, source)
        return replace(self, shift=shift)

    def _there(self, span: Span) -> Span:
        own = self.shift is not None and self.source is not None and span.path == self.source.path
        return self.shift.span_back(span) if own and self.shift is not None else span

    def value(self, span: Span) -> Fact | None:
        """What is known of the expression at `span`."""
        return self.at.get(self._there(span))

    def cost(self, extent: Span) -> Cost | None:
        """What the text at `extent` costs each time it runs (loops count once); None when nothing in it is secret.

        Of several ways in which its function is called, the dearest.
        """
        extent = self._there(extent)
        ways: dict[tuple[str, tuple[Span, ...]], Counter[str]] = defaultdict(Counter)
        for step in self.steps:
            if within(extent, step.span) or any(within(extent, span) for span in step.via):
                outside = tuple(span for span in step.via if not within(extent, span))
                ways[step.function, outside][step.kind] += 1
        if not ways:
            return None
        return Cost(tuple(max(ways.values(), key=Counter.total).items()))

    def of_name(self, name: str, extent: Span, given: Iterable[Span], use: Span) -> Fact | None:
        """What is known of the variable `name` of the function at `extent` where it is used.

        It gets the values at `given`; those before the use count, or (in a loop) all of them.
        """
        extent, use = self._there(extent), self._there(use)
        given = [self._there(span) for span in given]
        places = self.named.get((extent.path, name), [])
        low = bisect_left(places, (extent.line, extent.column), key=lambda p: (p[0].line, p[0].column))
        high = bisect_right(places, (extent.end_line, extent.end_column), key=lambda p: (p[0].line, p[0].column))
        inside = [*places[low:high], *((span, self.at[span]) for span in given if span in self.at)]
        earlier = [f for span, f in inside if span.line <= use.line] or [f for _, f in inside]
        return reduce(Fact.join, earlier) if earlier else None
