"""One function on the way through its operations: where it stands, what holds there, and the entries found."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from enigmalang.compiler.disclosure.dependence import (
    Dependence,
    Length,
    Node,
    Origin,
    Source,
)
from enigmalang.compiler.disclosure.manifest import Audience, Entry, Kind
from enigmalang.compiler.disclosure.places import Places, within
from enigmalang.compiler.disclosure.recipe import recipe
from enigmalang.ir.ir import Function, Opaque, Operation, Program, Region, Slot, Value
from enigmalang.passes.facts import Facts
from enigmalang.source import Span
from enigmalang.source.shipped import STDLIB
from enigmalang.types.ranges import nominal
from enigmalang.types.types import Label

_ALL = Audience.EVERYONE
_LOOPS = ("for", "while", "map")
#: After these nothing of the region around runs, so a condition that leads here does not hold for what follows: until
#: after the operation named here, where control comes back.
_ENDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"raise": (), "leave": ("scope",), "break": _LOOPS, "continue": _LOOPS})
#: What is public, but was a secret or a secret's length.
PUBLIC = (Origin.LEARNT, Origin.CLIENT, Origin.LENGTH)
#: What a client or everyone came to know.
KNOWN = (Origin.LEARNT, Origin.CLIENT)


@dataclass(slots=True)
class Surroundings:
    """What the rules look things up in."""

    program: Program
    dependence: Dependence
    facts: Facts
    places: Places
    visit: Callable[["Listing", Operation], None]  # what an operation adds to a listing (rules.py)


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition that holds at the operation at hand, and the values that decide it.

    `until`: after such an operation around it, it need not hold any more; nothing where the call fails otherwise.
    `reached`: what decides whether it is asked for at all, which counts once that is left.
    """

    text: str
    checks: tuple[Value, ...]
    until: tuple[str, ...] = ()
    reached: tuple[Value, ...] = ()


@dataclass(slots=True)
class Listing:
    """The entries of one function, as they are found."""

    around: Surroundings
    function: Function
    entries: dict[Entry, None] = field(default_factory=dict)
    via: tuple[Span, ...] = ()  # calls of recursive functions that led here
    guards: list[Guard] = field(default_factory=list)
    times: int | None = 1  # at most how often the operation at hand runs; None: unknown

    @property
    def script(self) -> bool:
        return self.function.kind == "script"

    # ---- names

    def text(self, span: Span) -> str:
        return self.around.places.text(span)

    def name(self, value: Value) -> str:
        """The value as the source writes it."""
        return self.text(value.span) or value.hint or "this"

    def source(self, source: Source) -> str:
        if source.name:
            return source.name
        own = [s for s in (*source.via, source.span) if not s.path.startswith(STDLIB)]
        span = own[-1] if own else source.span
        what = "the length of " if source.origin is Origin.LENGTH else ""
        return what + (self.text(span) or f"what line {span.line} has")

    def sources(self, nodes: Sequence[Node], *origins: Origin) -> tuple[str, ...]:
        found = self.around.dependence.sources(nodes, *(origins or PUBLIC))
        return tuple(dict.fromkeys(self.source(s) for s in found))

    def slot(self, op: Operation) -> Slot | None:
        contract = self.around.program.contracts.get(self.function.contract or "")
        return contract.slots.get(op.attrs["slot"]) if contract else None

    # ---- entries

    def after(self, op: Operation, values: Sequence[Value], *origins: Origin) -> tuple[str, ...]:
        """What was learnt before and decides `values`, their lengths, or whether `op` runs."""
        nodes: list[Node] = [*self.around.dependence.controls.get(op, ()), *values, *(Length(v) for v in values)]
        return self.sources(nodes, *origins)

    def add(self, op: Operation, kind: Kind, what: str, *, who: str = _ALL, span: Span | None = None,
            whole: bool = False, secrets: tuple[str, ...] = (), steps: tuple[str, ...] = (),
            after: tuple[str, ...] = (), guards: tuple[str, ...] = (), made: str = "") -> None:
        places = self.around.places
        via = tuple(places.place(s) for s in (*self.via, *op.via))
        at = places.statement(op.span) if whole else places.place(span or op.span)
        self.put(Entry(who, kind, at, what, via, secrets, steps, after, guards, made))

    def put(self, entry: Entry) -> None:
        self.entries.setdefault(entry)

    def change(self, op: Operation, kind: Kind, what: str, *, whole: bool = False, steps: tuple[str, ...] = (),
               after: tuple[str, ...] = ()) -> None:
        """Something is written, paid or called: with the public conditions under which anyone gets so far."""
        made = dict.fromkeys(recipe(self.around.dependence, guard.checks) for guard in self.guards)
        self.add(op, kind, what, whole=whole, steps=steps, after=after, guards=self.conditions(), made=" ".join(made))

    def value(self, op: Operation, value: Value, what: str, who: str, kind: Kind = Kind.VALUE,
              span: Span | None = None) -> None:
        """A value that is computed from secrets goes to `who`."""
        self.add(op, kind, what, who=who, span=span, secrets=self.sources([value], Origin.SECRET),
                 steps=self.steps(value, span or op.span), after=self.after(op, [value], *KNOWN),
                 guards=self.conditions(), made=recipe(
                     self.around.dependence, [value, *(check for guard in self.guards for check in guard.checks)]))

    def conditions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(guard.text for guard in self.guards))

    def steps(self, value: Value, at: Span) -> tuple[str, ...]:
        """The statements that compute `value`, but for the one of `at`, and the constants in them."""
        made = [op for op in self.around.dependence.behind(value) if op.op != "const" and not (
            op.op == "share" and op.operands[0].label is Label.PUBLIC)]
        spans = [s for op in made for s in (*op.via, op.span)]
        return (*self.around.places.steps(spans, at), *self.constants(value))

    def constants(self, value: Value) -> Iterator[str]:
        """Named constants that take part, with their values: the text of an expression does not tell them."""
        found = {}
        for made in self.around.dependence.behind(value):
            if made.op == "const" and (name := self.text(made.span)).isidentifier() and name not in ("True", "False"):
                found[name] = made.attrs["value"]
        yield from sorted(f"{name} = {shown}" for name, shown in found.items())

    # ---- walking

    def collect(self) -> None:
        """The entries of the whole function; `guards` are then those of its result."""
        self.region(self.function.body)

    def region(self, region: Region, around: Operation | None = None) -> None:
        for op in region.ops:
            self.around.visit(self, op)
            if op.op in ("require", "assert"):
                self.guard(op, op.operands[0], text=self.required(op))
            elif op.op == "raise" and around is not None and around.op in (*_LOOPS, "scope"):
                self.unraised(op)
            self.inside(op)
            if op.op == "if":
                for number, inner in enumerate(op.regions):
                    last = next((each.op for each in inner.ops if each.op in _ENDS), None)
                    if last is not None:
                        self.guard(op, op.operands[0], holds=number != 0, until=_ENDS[last])

    def inside(self, op: Operation) -> None:
        outer, self.times = self.times, _product(self.times, _steps(op))
        after: list[Guard] = []
        for number, inner in enumerate(op.regions):
            held = len(self.guards)
            if op.op == "if":
                self.guard(op, op.operands[0], holds=number == 0)
            branch = self.guards[held:]
            self.region(inner, op)
            gained = self.guards[held + len(branch):]
            del self.guards[held:]
            after += self.afterwards(op, branch, gained)
        self.guards += after
        self.times = outer

    def afterwards(self, op: Operation, branch: Sequence[Guard], gained: Sequence[Guard]) -> Iterator[Guard]:
        """What of the guards `gained` in a region of `op` holds after it; `branch`: the condition for that region."""
        if op.op == "if" and branch:  # where control came through it
            for guard in gained:
                where = f"{guard.text}, where {branch[0].text}"
                yield replace(guard, text=where, checks=(*guard.checks, *branch[0].checks))
        elif op.op == "acting":
            yield from gained
        elif op.op in _LOOPS or op.op == "scope":
            before = self.deciding(op)
            where = ", unless it returned before" if op.op == "scope" else ", each time in a loop"
            for guard in gained:
                if op.op not in guard.until:
                    reached = (v for v in guard.reached if v not in before)
                    yield replace(guard, text=guard.text + (where if guard.checks else ""),
                                  checks=tuple(dict.fromkeys((*guard.checks, *reached))))

    def required(self, op: Operation) -> str:
        """The condition of a `require` as it is written there: what it is computed by may stand in another function."""
        condition = op.operands[0].span
        if within(condition, op.span) or op.span.path.startswith(STDLIB):
            return self.text(condition)
        return self.text(op.span).removeprefix(op.op).strip()

    def guard(self, op: Operation, condition: Value, holds: bool = True, text: str | None = None,
              until: tuple[str, ...] = ()) -> None:
        """What follows `op`, in this region and those within, happens only if the condition (`text`) holds."""
        text = self.text(condition.span) if text is None else text
        text = "" if condition.span.path.startswith(STDLIB) else text
        if text and condition.label is Label.PUBLIC:
            constants = ", ".join(self.constants(condition))
            text = (text if holds else f"not ({text})") + (f", {constants}" if constants else "")
            self.guards.append(Guard(text, (condition,), until, self.deciding(op)))

    def unraised(self, op: Operation) -> None:
        """What follows the loop, or the called function, around this `raise` happens only where nothing came to it."""
        text = "" if op.span.path.startswith(STDLIB) else self.text(op.span)
        if text:
            self.guards.append(Guard(f"it does not come to `{text}`", (), (), self.deciding(op)))

    def deciding(self, op: Operation) -> tuple[Value, ...]:
        return tuple(v for v in self.around.dependence.controls.get(op, ()) if isinstance(v, Value))

    def often(self) -> str:
        """How often a loop does this."""
        return "" if self.times == 1 else ", in a loop" if self.times is None else f", up to {self.times} times"

    def count(self, value: Value) -> str:
        return count_of(value, self.times)


def _product(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a * b


def _steps(op: Operation) -> int | None:
    """At most how often the regions of `op` run."""
    if op.op == "while":
        limit = op.attrs["max"]
        return int(limit) if limit is not None else None
    if op.op not in ("for", "map"):
        return 1
    firsts = [v.lens[0] for v in op.operands[: op.attrs["iterated"]] if v.lens]
    known = [n for n in firsts if n is not None]
    return min(known) if known else None


def described(value: Value) -> str:
    """The type of a value, and what it is known to be within: how much its receiver can learn."""
    if isinstance(value.type, Opaque):
        return str(value.type.type)
    known = value.range is not None and value.range != nominal(value.type.element)
    low_high = f" in {value.range}" if known else ""
    return f"{value.type.element}{low_high}{_many(value)}"


def _many(value: Value) -> str:
    if not value.rank:
        return ""
    return f", {' by '.join(f'up to {n}' if n is not None else 'any number' for n in _lens(value))} of them"


def _lens(value: Value) -> tuple[int | None, ...]:
    """One entry for each axis, also when nothing is known."""
    return value.lens if len(value.lens) == value.rank else (None,) * value.rank


def count_of(value: Value, times: int | None = 1) -> str:
    """How many numbers a value is, in a loop of so many steps."""
    total = times
    for length in _lens(value):
        total = None if total is None or length is None else total * length
    if total is None:
        return "the values"
    return "1 value" if total == 1 and not value.rank else f"up to {total} values"
