"""Intervals of all values, what they rule out, and the field that holds the private ones (language.md §3, Integers).

`infer_ranges` writes `Value.range` and `Value.lens`; `choose_field` picks the smallest field for the whole file.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from enigmalang.analysis.fact import FIELDS, Fact, element, full_lens, is_private
from enigmalang.analysis.intervals import Interpreter
from enigmalang.analysis.paths import called_from, name_of
from enigmalang.analysis.refine import refinements
from enigmalang.analysis.widths import working_bits
from enigmalang.diagnostics import Note, Sink
from enigmalang.ir.ir import Function, Operation, Program, Region, Tensor, Value, operations
from enigmalang.source import Span
from enigmalang.source.shipped import STDLIB
from enigmalang.types.ranges import WIDEST, ZERO, Range, nominal
from enigmalang.types.types import FixedT

#: A private array may have at most so many elements.
MOST_ELEMENTS = 1 << 28


@dataclass(frozen=True, slots=True)
class Row:
    function: str
    span: Span
    name: str
    type: str
    private: bool
    range: Range | None
    lens: tuple[int | None, ...]


@dataclass(slots=True, eq=False)
class Ranges:
    """The table that `enig dump ranges` shows."""

    rows: tuple[Row, ...] = ()

    def dump(self) -> str:
        lines: list[str] = []
        function = None
        for row in self.rows:
            if row.function != function:
                function = row.function
                lines.append(f"{function}:")
            bound = "unbounded" if row.range is None else f"{row.range} ({row.range.bits} bits)"
            lens = f", at most {' x '.join('?' if n is None else str(n) for n in row.lens)}" if row.lens else ""
            private = "private " if row.private else ""
            lines.append(f"  {row.span.line}:{row.span.column}  {row.name}: {private}{row.type} in {bound}{lens}")
        return "\n".join(lines) + "\n" if lines else ""


def infer_ranges(program: Program, sink: Sink) -> Ranges:
    """Write range and lens of every value of the labelled `program`; report what cannot be proven."""
    rows: list[Row] = []
    for function in program.functions.values():
        infer_ranges_of(function, program, sink)
        rows += _rows(function)
    return Ranges(tuple(rows))


def infer_ranges_of(function: Function, program: Program, sink: Sink) -> None:
    """The same for one function."""
    interpreter = Interpreter(program)
    interpreter.run(function)
    for value, fact in interpreter.all.items():
        value.range, value.lens = fact.range, full_lens(fact, value) if fact.lens or value.rank else ()
    _Checks(function, interpreter, sink).run()


def fact_of(value: Value) -> Fact:
    """What the analysis left on a value."""
    return Fact(value.range, value.lens)


class _Checks:
    """What the final ranges of a function say."""

    def __init__(self, function: Function, interpreter: Interpreter, sink: Sink) -> None:
        self.function, self.interpreter, self.sink = function, interpreter, sink
        self.large: set[Value | Span] = set()  # values with too many elements, and the calls that make them
        self.guards: list[tuple[Value, bool, dict[Value, Value]]] = []  # conditions around, and names they have there

    def run(self) -> None:
        for param in self.function.params if self.function.kind != "script" else ():
            self.parameter(param.values, param.range, param.span, param.name)
        self.region(self.function.body, expected=False)

    def parameter(self, values: Sequence[Value], declared: Range | None, span: Span, name: str) -> None:
        bound = nominal(element(values[0])) if values else None
        if declared is not None and bound is not None and (
                declared.low > declared.high or declared.meet(bound) is None):
            self.sink.error("E0405", f"no value of the parameter `{name}` lies in {declared}", span,
                            help="write `in low..high` with low <= high, both within the parameter's type")

    def region(self, region: Region, expected: bool) -> None:
        for op in region.ops:
            self.operation(op, expected)
            for number, inner in enumerate(op.regions):
                if guard := _guard(op, number):
                    self.guards.append(guard)
                self.region(inner, expected or op.op == "expect_revert")
                if guard:
                    self.guards.pop()

    def operation(self, op: Operation, expected: bool) -> None:
        match op.op:
            case "convert":
                self.conversion(op)
            case "floordiv" | "mod" | "div":
                self.divisor(op, expected)
            case "for" | "while":
                self.loop(op)
            case "reduce_sum" | "cumsum" | "dot" | "matmul":
                self.total(op)
            case "index" if not expected:
                self.constant_index(op)
            case "add" | "sub" | "mul" if not expected:
                self.constant(op)
            case _:
                pass
        for value in op.results:
            self.size(value, op)
            self.followed(value, op)

    def followed(self, value: Value, op: Operation) -> None:
        """A product or power past every bound that is followed."""
        known = all(v.range is not None for v in op.operands)
        hidden = op.op in ("pow", "shl") and is_private(op.operands[1])  # E0407
        if op.op in ("mul", "pow", "shl") and is_private(value) and value.range is None and known and not hidden:
            self.enormous(op)

    def enormous(self, op: Operation) -> None:
        self.sink.error(
            "E0402",
            f"this value is private and needs more than {WIDEST} bits; the largest field holds {FIELDS[-1][1]}",
            op.span, notes=called_from(op),
            help="narrow what goes into it: `x: uint64 = clamp(…)`, or a smaller type")

    def conversion(self, op: Operation) -> None:
        value, result = op.operands[0], op.result
        bound, target = nominal(element(result)), element(result)
        if not is_private(result) or bound is None or value.range is None or not isinstance(value.type, Tensor):
            return
        found = self.interpreter.stored.get(op)
        if found is None or found.within(bound):
            return
        where = op.attrs["implicit"] or f"a conversion to {target}"
        text = (f"{name_of(value)} is private and lies in {_shown(found, target)}; "
                f"{target} holds {_shown(bound, target)}")
        self.sink.error(
            "E0401", f"the value may not fit {where}: {_excess(found, bound, target)}",
            op.span, notes=(Note(value.span, text), *called_from(op)),
            help=f"write `wrap(…)` to take it modulo 2^{_held_bits(target)}, or `clamp(…)` to take the nearest "
            f"{target}; or use a wider type")

    def divisor(self, op: Operation, expected: bool) -> None:
        y = op.operands[1]
        definition = self.interpreter.defs.get(y)
        if definition is not None and definition.op == "convert":
            definition = self.interpreter.defs.get(definition.operands[0], definition)
        if definition is not None and definition.op == "const" and y.range == ZERO:
            if not expected and not op.via:  # an inlined call may guard it; the run will tell
                self.sink.error("E0404", "division by zero", op.span, notes=called_from(op),
                                help="a constant 0 cannot divide anything")
            return
        if is_private(y) and (y.range is None or y.range.holds(0)) and not self.guarded(y):
            sign = {"floordiv": "//", "mod": "%"}.get(op.op, "/")
            self.sink.warn(
                "W0406", f"{name_of(y)} is private and may be 0; then `x {sign} 0` is 0", op.span,
                notes=called_from(op),
                help=f"if 0 cannot occur, say so with a range (`in 1..…`) or write `max({y.hint or '…'}, 1)`")

    def guarded(self, y: Value) -> bool:
        """A condition around excludes 0, so that what is computed for 0 is not kept."""
        facts = {value: fact_of(value) for value in self.interpreter.all}
        for condition, held, names in self.guards:
            there = names.get(y, y)
            narrow = refinements(condition, held, self.interpreter.defs, facts).get(there)
            if narrow is not None and narrow.range is not None and not narrow.range.holds(0):
                return True
        return False

    def loop(self, op: Operation) -> None:
        if op.op == "while" and op.attrs["max"] is None and is_private(op.regions[0].ops[-1].operands[0]):
            return  # E0307
        for value in self.interpreter.unbounded.get(op, ()):
            name = name_of(value) if value.hint else "a value"
            why = "the compiler cannot bound how far each step takes it" if op.op == "for" or op.attrs["max"] else \
                "nothing bounds the number of steps"
            self.sink.error(
                "E0403", f"{name} is private and grows in this loop without a bound: {why}", op.span,
                notes=called_from(op),
                help=f"give the variable a type before the loop (`{value.hint or 'x'}: uint32 = …`) and store "
                "`wrap(…)` or `clamp(…)` of the new value in it")

    def total(self, op: Operation) -> None:
        if not is_private(op.result) or op.result.range is not None or any(v.range is None for v in op.operands):
            return
        self.sink.error(
            "E0403", f"a sum over {name_of(op.operands[0])}, whose greatest length is not known, has no bound", op.span,
            notes=called_from(op), help="declare the list with its greatest length: `list[T, max]`")

    def constant_index(self, op: Operation) -> None:
        xs, i = op.operands
        axis = op.attrs["axis"]
        definition = self.interpreter.defs.get(i)
        if definition is None or definition.op != "const" or axis is None or i.range is None:
            return
        lens = full_lens(fact_of(xs), xs)
        most = lens[axis] if lens else None
        if most is not None and i.range.low >= most:
            self.sink.error("E0408", f"{name_of(xs)} has at most {most} elements: there is no element {i.range.low}",
                            op.span, notes=called_from(op), help="elements are counted from 0")

    def constant(self, op: Operation) -> None:
        """Arithmetic on two constants that reverts whenever it runs."""
        defs = [self.interpreter.defs.get(v) for v in op.operands]
        bound = nominal(element(op.result))
        if bound is None or is_private(op.result) or op.result.rank or not all(d and d.op == "const" for d in defs):
            return
        x, y = (int(d.attrs["value"]) for d in defs if d is not None)
        if isinstance(element(op.result), FixedT) and op.op == "mul":
            return
        value = {"add": x + y, "sub": x - y, "mul": x * y}[op.op]
        if not bound.holds(value):
            self.sink.error("E0404", f"this is always {value}, and {element(op.result)} holds {bound}", op.span,
                            help="write the constant with a wider type")

    def size(self, value: Value, op: Operation) -> None:
        if not is_private(value) or not value.lens or None in value.lens:
            return
        total = 1
        for n in value.lens:
            total *= n or 0
        if total > MOST_ELEMENTS and op.op != "convert":
            self.too_large(value, total, op)

    def too_large(self, value: Value, total: int, op: Operation) -> None:
        """Told once of a call in the program itself, and not of what is made from a value that is too large already."""
        own = [span for span in (*op.via, op.span) if not span.path.startswith(STDLIB)]
        call = own[-1] if own else op.span
        known = call in self.large or any(v in self.large for v in op.operands)
        self.large |= {value, call}
        if not known:
            self.sink.error(
                "E0408", f"{name_of(value)} may have {total} private elements; {MOST_ELEMENTS} is the most", op.span,
                notes=called_from(op),
                help="declare the list that it is made from with its greatest length, or a smaller one: `list[T, max]`")


def _guard(op: Operation, number: int) -> tuple[Value, bool, dict[Value, Value]] | None:
    """The condition under which region `number` of `op` counts; the names that a loop's values have in it."""
    if op.op == "if":
        return op.operands[0], number == 0, {}
    if op.op == "while" and number == 1:
        head, body = op.regions
        return head.ops[-1].operands[0], True, dict(zip(body.params, head.params, strict=True))
    return None


def _bits(found: Range) -> str:
    return f"{found.bits + (found.low < 0)} bits"


def _excess(found: Range, bound: Range, target: object) -> str:
    if found.low < bound.low == 0 and found.high <= bound.high:  # it is not bits that are too few
        return f"it may be negative, and {target} holds nothing below 0"
    return f"it needs {_bits(found)}, {target} holds {_held(target)}"


def _held_bits(target: object) -> int:
    return target.integer + target.fraction if isinstance(target, FixedT) else getattr(target, "bits", 1)


def _held(target: object) -> str:
    return str(_held_bits(target))


def _shown(found: Range, target: object) -> str:
    if isinstance(target, FixedT):
        one = 1 << target.fraction
        return f"{found.low / one:.6g}..{found.high / one:.6g}"
    return str(found)


# ---------------------------------------------------------------------------------------------------- field


def choose_field(program: Program, sink: Sink) -> str:
    """The smallest field that holds every private value, and what computing it needs. E0402 when none does."""
    return field_of(max((bits_of(function, sink) for function in program.functions.values()), default=0))


def field_of(most: int) -> str:
    """The smallest field whose elements have `most` bits, or the largest there is."""
    return next((name for name, bits in FIELDS if most <= bits), FIELDS[-1][0])


def bits_of(function: Function, sink: Sink) -> int:
    """The bits of the widest private value of `function`. E0402 where no field holds one."""
    most = 0
    for value, needed, op in _needs(function):
        most = max(most, needed)
        if needed > FIELDS[-1][1]:
            _too_wide(value, needed, op, sink)
    return most


def _too_wide(value: Value, needed: int, op: Operation | None, sink: Sink) -> None:
    name = name_of(value) if value.hint else "this value"
    sink.error(
        "E0402", f"{name} is private and needs {needed} bits; the largest field holds {FIELDS[-1][1]}",
        op.span if op else value.span, notes=called_from(op) if op else (),
        help="narrow what goes into it: `x: uint64 = clamp(…)`, a parameter with a range, or a smaller type")


def _needs(function: Function) -> Iterator[tuple[Value, int, Operation | None]]:
    """Bits of private values. A value made only from others that are already too wide is not named again."""
    limit = FIELDS[-1][1]
    wide: set[Value] = set()
    params = [v for p in function.params for v in p.values]
    steps: list[tuple[Operation | None, Sequence[Value]]] = [(None, params)]
    for inner in operations(function.body):
        steps.append((inner, inner.results))
        steps += [(inner, region.params) for region in inner.regions]
    for op, values in steps:
        for value in values:
            if not is_private(value):
                continue
            bits = max(_value_bits(value), working_bits(op) if op and value in op.results else 0)
            if bits > limit:
                wide.add(value)
                if op is not None and (op.regions or any(v in wide for v in op.operands)):
                    continue
            yield value, bits, op


def _value_bits(value: Value) -> int:
    return value.range.bits if value.range is not None else 0


def _rows(function: Function) -> Iterator[Row]:
    found: dict[tuple[Span, str], Row] = {}
    values = [v for p in function.params for v in p.values]
    values += [v for op in operations(function.body) for v in op.results]
    for value in values:
        if value.hint and nominal(element(value)) is not None:
            row = Row(function.name, value.span, value.hint, str(value.type), is_private(value), value.range,
                      value.lens if value.rank else ())
            found.setdefault((value.span, value.hint), row)
    yield from sorted(found.values(), key=lambda row: (row.span, row.name))
