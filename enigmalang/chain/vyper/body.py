"""One function's body: structured IR becomes statements, single-use values are folded back into expressions.

A value is *pending* until something uses it, as an expression that is written where it is used. Before a statement
that changes what a pending value depends on, or that can fail with a text before it, it is kept in a variable: so
results, and which failure comes first, are those of the interpreter.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from enigmalang.chain.vyper.expr import Expr, variable, zero
from enigmalang.chain.vyper.infer import Infer
from enigmalang.chain.vyper.lines import Lines
from enigmalang.chain.vyper.names import Names
from enigmalang.chain.vyper.problems import Unsupported
from enigmalang.chain.vyper.types import UINT256, VType
from enigmalang.chain.vyper.unit import Unit
from enigmalang.ir.ir import Function, Operation, Region, Value, operations
from enigmalang.ir.ops import OPS
from enigmalang.source import Span
from enigmalang.types.types import Label

Parts = tuple[Expr, ...]
Emit = Callable[["Body", Operation], None]
#: What an external call may change.
WORLD = "*"
_TEXTUAL = frozenset({"require", "raise", "external_call"})


@dataclass(slots=True)
class Frame:
    """A Vyper loop around the current statement. `target`: the IR operation it stands for."""

    target: Operation
    flags: dict[str, str] = field(default_factory=dict)  # what is asked of it from within -> variable
    mark: int = 0  # where its body begins
    carried: tuple[Parts, ...] = ()


class Body:
    """The statements of `function`, on `out`. `context` says what `sender`, `value`, … are here."""

    def __init__(self, unit: Unit, function: Function, out: Lines, names: Names, context: dict[str, Expr]) -> None:
        self.unit, self.function, self.out, self.names, self.context = unit, function, out, names, context
        self.types = Infer(function, unit.contract).types
        self.env: dict[Value, Parts] = {}
        self.held: dict[Value, Any] = {}  # what other emitters note about a value
        self.ways_out: dict[Operation, Callable[[Sequence[Value]], None]] = {}  # scopes whose `leave` is `return`
        self.counter = ""  # of the loop that is being opened
        self.words = 0  # attested so far, where each has its place
        self.pending: dict[Value, None] = {}
        self.left = Counter(v for op in operations(function.body) for v in op.operands)
        self.owned: dict[str, int] = {}  # variables that may be written again -> the loop they belong to
        self.level = 0
        self._levels = 0
        self.frames: list[Frame] = []
        self.skip: set[Operation] = set()
        self.span: Span | None = None
        self.returns: Callable[[Sequence[Parts]], None] | None = None
        self.cursor = ""
        self.attests = False  # a fulfilment: `words` are there
        self.static = False  # nothing may be changed: other contracts are only asked
        self.here: tuple[Region, int] = (function.body, 0)
        self.defined: dict[Value, Operation] = {}
        self._users: dict[Value, list[Operation]] = {}
        for op in operations(function.body):
            self.defined.update((v, op) for v in op.results)
            for value in op.operands:
                self._users.setdefault(value, []).append(op)

    # ---- values

    def new_level(self) -> int:
        """Another loop's body begins."""
        self._levels += 1
        return self._levels

    def users(self, value: Value) -> list[Operation]:
        return self._users.get(value, [])

    def public(self, value: Value) -> bool:
        return value.label is Label.PUBLIC

    def type_of(self, value: Value) -> VType:
        return self.types[value]

    def part_types(self, value: Value) -> list[VType]:
        """A public value is one expression; of a private one only the lengths are followed."""
        if self.public(value):
            return [self.types[value]]
        return [UINT256] * value.rank

    def use(self, value: Value) -> Expr:
        """The expression of a public value, for one use."""
        (expr,) = self.use_parts(value)
        return expr

    def use_parts(self, value: Value) -> Parts:
        self.left[value] -= 1
        if self.left[value] <= 0:
            self.pending.pop(value, None)
        return self.env[value]

    def define(self, op: Operation, *parts: Expr) -> None:
        self.define_value(op.result, *parts)

    def define_value(self, value: Value, *parts: Expr) -> None:
        uses = self.left[value]
        self.env[value] = parts
        if uses == 0:
            if any(p.fails for p in parts):
                self.materialise(value)
            return
        if uses > 1 and not all(p.cheap or p.place for p in parts):
            self.materialise(value)
        elif not all(p.cheap and not p.reads and not p.fails for p in parts):
            self.pending[value] = None

    def materialise(self, value: Value) -> None:
        """Keep the value in a variable from here on."""
        self.pending.pop(value, None)
        hint = value.hint or "x"
        self.env[value] = tuple(self.saved(p, hint if n == 0 else f"{hint}_{n}") for n, p in enumerate(self.env[value]))

    def kept(self, expr: Expr, hint: str = "x") -> Expr:
        """Something that may be written more than once: the expression itself, or a new variable."""
        return expr if expr.cheap else self.saved(expr, hint)

    def saved(self, expr: Expr, hint: str = "x") -> Expr:
        """The expression's value now, whatever is written later."""
        if expr.literal or (expr.cheap and not expr.reads):
            return expr
        name = self.names.new(hint)
        self.say(f"{name}: {expr.type} = {expr.text}")
        self.owned[name] = self.level
        return variable(name, expr.type)

    def declare(self, hint: str, type: VType, first: Expr | None = None) -> Expr:
        """A new variable that will be written again."""
        name = self.names.new(hint)
        start = zero(type) if first is None else self.coerced(first, type)
        self.say(f"{name}: {type} = {start.text}")
        self.owned[name] = self.level
        return variable(name, type)

    def say(self, text: str) -> None:
        self.out.add(text, self.span)

    def barrier(self, writes: Iterable[str] = (), textual: bool = False) -> None:
        """Keep every pending value that the next statement would change or overtake."""
        changed = frozenset(writes)
        for value in list(self.pending):
            parts = self.env[value]
            if any((textual and p.fails) or touches(changed, p.reads) for p in parts):
                self.materialise(value)

    def coerced(self, expr: Expr, type: VType) -> Expr:
        from enigmalang.chain.vyper.convert import coerced

        return coerced(self, expr, type)

    # ---- regions

    def run(self) -> bool:
        """The whole body. True when no statement can follow it."""
        return self.region(self.function.body)

    def region(self, region: Region) -> bool:
        """The operations of a region up to its terminator. True when control has left it."""
        for number, op in enumerate(region.ops):
            if OPS[op.op].terminator:
                return self.terminator(op, region)
            self.span = place_of(op)
            if op in self.skip:
                continue
            if op.op == "scope" and region is self.function.body and self.tail(op, region.ops[number + 1 :]):
                return True
            if self.operation(op, region, number):
                return True
        return False

    def operation(self, op: Operation, region: Region, number: int) -> bool:
        from enigmalang.chain.vyper.table import CONTROL, EMITTERS

        self.here = (region, number)
        control = CONTROL.get(op.op)
        if control is not None:
            return control(self, op)
        emitter = EMITTERS.get(op.op)
        if emitter is None:
            raise Unsupported("E0803", f"`{op.op}` cannot run on the chain", self.span or op.span,
                              "do it in a script, or in a function with a private part, and pass the result in")
        if not self.shapes_only(op):
            emitter(self, op)
        return op.op == "raise"

    def shapes_only(self, op: Operation) -> bool:
        """Operations on private values: only their lengths are worked out here."""
        from enigmalang.chain.vyper.shapes import KEPT, shape_of

        hidden = [v for v in (*op.operands, *op.results) if not self.public(v)]
        if not hidden or op.op in KEPT:
            return False
        shape_of(self, op)
        return True

    def terminator(self, op: Operation, region: Region) -> bool:
        from enigmalang.chain.vyper.loops import leave

        if op.op == "yield":
            return False
        self.span = place_of(op)
        leave(self, op)
        return True

    def yields(self, region: Region) -> list[Parts]:
        """What a region that has been written yields."""
        return [self.use_parts(v) for v in region.ops[-1].operands]

    def tail(self, op: Operation, rest: Sequence[Operation]) -> bool:
        """A scope whose results are the function's: `leave` is `return`."""
        if len(rest) != 1 or rest[0].op != "yield" or self.returns is None:
            return False
        if any(v in op.results and self.left[v] != 1 for v in rest[0].operands):
            return False
        shown = [op.results.index(v) if v in op.results else v for v in rest[0].operands]
        returns = self.returns

        def give(values: Sequence[Value]) -> None:
            returns([self.use_parts(values[p]) if isinstance(p, int) else self.env[p] for p in shown])

        self.ways_out[op] = give
        self.frames.append(Frame(op))
        done = self.region(op.regions[0])
        self.frames.pop()
        if not done:
            give(op.regions[0].ops[-1].operands)
        return True

    # ---- assignment

    def assign(self, targets: Sequence[Expr], values: Sequence[Expr]) -> None:
        """All at once: a value that reads a target written before it is kept first."""
        pairs = [(t, v) for t, v in zip(targets, values, strict=True) if t.text != v.text]
        ready: list[tuple[Expr, Expr]] = []
        for number, (target, value) in enumerate(pairs):
            earlier = frozenset(f"var:{t.text}" for t, _ in pairs[:number])
            ready.append((target, self.saved(value, target.text) if touches(earlier, value.reads) else value))
        for target, value in ready:
            self.say(assignment(target, self.coerced(value, target.type)))


def assignment(target: Expr, value: Expr) -> str:
    """`x += 1` where that is what `x = x + 1` says."""
    for sign in ("+", "-", "*"):
        start = f"{target.text} {sign} "
        if value.text.startswith(start) and value.items is None and not value.literal:
            rest = value.text[len(start) :]
            if _closed(rest):
                return f"{target.text} {sign}= {rest}"
    return f"{target.text} = {value.text}"


def _closed(text: str) -> bool:
    """One operand: no operator outside of brackets."""
    depth = 0
    for char in text:
        depth += (char in "([") - (char in ")]")
        if char == " " and depth == 0:
            return False
    return '"' not in text


def touches(changed: frozenset[str], reads: frozenset[str]) -> bool:
    if not reads or not changed:
        return False
    if WORLD in changed and any(not r.startswith("var:") for r in reads):
        return True
    return not changed.isdisjoint(reads)


def place_of(op: Operation) -> Span:
    """Where the program's own text brought the operation about."""
    return op.via[0] if op.via else op.span


def enter(body: Body, op: Operation, loop: bool) -> None:
    """Keep what the regions of `op` would change, evaluate again, or overtake."""
    writes, textual = writes_of(op.regions), is_textual(op.regions)
    inside = uses_in(op.regions)
    body.barrier(writes, textual)
    for value in list(body.pending):
        parts = body.env[value]
        again = loop and value in inside and not all(p.cheap or p.place for p in parts)
        if again or any(p.fails for p in parts):
            body.materialise(value)


def flat(parts: Sequence[Parts]) -> list[Expr]:
    return [e for p in parts for e in p]


def writes_of(regions: Iterable[Region]) -> frozenset[str]:
    """What the operations inside may change."""
    found: set[str] = set()
    for region in regions:
        for op in operations(region):
            match op.op:
                case "state_store" | "map_set":
                    found.add(f"slot:{op.attrs['slot']}")
                case "send":
                    found.add("balance")
                case "external_call":
                    found.add(WORLD)
                case "db_set":
                    found.add("L")
    return frozenset(found)


def is_textual(regions: Iterable[Region]) -> bool:
    return any(op.op in _TEXTUAL for region in regions for op in operations(region))


def uses_in(regions: Iterable[Region]) -> Counter[Value]:
    return Counter(v for region in regions for op in operations(region) for v in op.operands)
