"""Which values are secret: labels as reachability from the places where secrets are born (language.md §3, §5).

`infer_secrecy` writes `Value.label`, refuses what would leak (leaks.py), and removes `expect_leak` blocks.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from enigmalang.analysis.flow import Flow, build_flow
from enigmalang.analysis.leaks import find_leaks
from enigmalang.analysis.paths import Birth, Secrets
from enigmalang.diagnostics import Sink
from enigmalang.ir.ir import Function, Operation, Program, Region, Slot, Tensor, Value, operations
from enigmalang.ir.leaves import leaves_of
from enigmalang.source import Span
from enigmalang.types.types import Label


@dataclass(frozen=True, slots=True)
class Row:
    """One value that the source names: whether it is private, and where that began."""

    function: str
    span: Span
    name: str
    label: Label
    origin: str


@dataclass(slots=True, eq=False)
class Secrecy:
    """The table that `enig dump secrecy` shows."""

    rows: tuple[Row, ...] = ()
    origins: dict[Value, Birth] = field(default_factory=dict)

    def dump(self) -> str:
        lines: list[str] = []
        function = None
        for row in self.rows:
            if row.function != function:
                function = row.function
                lines.append(f"{function}:")
            origin = f"  ({row.origin})" if row.origin else ""
            lines.append(f"  {row.span.line}:{row.span.column}  {row.name}: {row.label}{origin}")
        return "\n".join(lines) + "\n" if lines else ""


def infer_secrecy(program: Program, sink: Sink) -> Secrecy:
    """Label every value of the inlined `program`; report what would leak; drop `expect_leak` blocks."""
    flow = build_flow(program)
    secrets = propagate(program, program.functions.values(), flow)
    find_leaks(program, secrets, flow, sink)
    for function in program.functions.values():
        drop_expected(function.body)
    return Secrecy(tuple(_rows(program, secrets)), secrets.births)


def propagate(program: Program, functions: Collection[Function], flow: Flow) -> Secrets:
    """Labels of `functions`, and for each private value the edge through which its secret came first."""
    everything = list(_values(functions))
    for value in everything:
        value.label = Label.PUBLIC
    secrets = Secrets(flow)
    for value, birth in _births(program, functions):
        secrets.births.setdefault(value, birth)
    _spread(secrets, list(secrets.births))
    for function in functions:
        for op in operations(function.body):
            if op.op == "share" and op.result not in secrets.came and op.result not in secrets.births:
                secrets.births[op.result] = Birth(op.result.span, _share_text(op, flow))
                _spread(secrets, [op.result])
    for value in secrets.births:
        value.label = Label.PRIVATE
    for value in secrets.came:
        value.label = Label.PRIVATE
    return secrets


def _spread(secrets: Secrets, sources: Iterable[Value]) -> None:
    """Breadth first, so that the first edge to reach a value ends a shortest path."""
    queue = deque(sources)
    while queue:
        value = queue.popleft()
        for edge in secrets.flow.out.get(value, ()):
            if edge.target not in secrets.came and edge.target not in secrets.births:
                secrets.came[edge.target] = edge
                queue.append(edge.target)


def _share_text(op: Operation, flow: Flow) -> str:
    if any(edge.op.op == "shuffle" for edge in flow.out.get(op.result, ())):
        return "nobody may know the order of what is shuffled"
    name = op.result.hint or op.operands[0].hint
    return f"`{name}` is private here" if name else "this value is stored in a private place here"


def _births(program: Program, functions: Iterable[Function]) -> Iterator[tuple[Value, Birth]]:
    slots = all_slots(program)
    for function in functions:
        yield from _born_parameters(function)
        for op in operations(function.body):
            yield from _born(op, slots, function)


def _born_parameters(function: Function) -> Iterator[tuple[Value, Birth]]:
    for param in function.params:
        for value, leaf in zip(param.values, leaves_of(param.type, param.private), strict=True):
            if leaf.private:
                name = ".".join((param.name, *leaf.path))
                # What a script is given are variables of the session before it.
                in_session = function.kind == "script"
                told = f"`{name}` is private here" if in_session else f"the parameter `{name}` is private"
                yield value, Birth(param.span, told)


def _born(
    op: Operation, slots: dict[tuple[str | None, str], Slot], function: Function,
) -> Iterator[tuple[Value, Birth]]:
    match op.op:
        case "state_load" | "map_get":
            slot = slot_of(slots, function, op)
            if slot is not None and slot.label is Label.PRIVATE:
                yield op.result, Birth(slot.span, f"the state variable `{slot.name}` is private")
        case "db_get" if op.attrs["db"] == "MPC":
            for value in op.results:
                yield value, Birth(op.span, "what is kept under `MPC` is private", raw=True)
        case _:
            pass


def all_slots(program: Program) -> dict[tuple[str | None, str], Slot]:
    return {(c.name, s.name): s for c in program.contracts.values() for s in c.slots.values()}


def slot_of(slots: dict[tuple[str | None, str], Slot], function: Function, op: Operation) -> Slot | None:
    return slots.get((function.contract, op.attrs["slot"]))


def _values(functions: Iterable[Function]) -> Iterator[Value]:
    for function in functions:
        for param in function.params:
            yield from param.values
        for op in operations(function.body):
            yield from op.results
            for region in op.regions:
                yield from region.params


def drop_expected(region: Region) -> None:
    """Take the `expect_leak` blocks out: they never run."""
    region.ops[:] = [op for op in region.ops if op.op != "expect_leak"]
    for op in region.ops:
        for inner in op.regions:
            drop_expected(inner)


def _rows(program: Program, secrets: Secrets) -> Iterator[Row]:
    for name, function in program.functions.items():
        found: dict[tuple[Span, str], Row] = {}
        values = [v for p in function.params for v in p.values]
        values += [v for op in operations(function.body) for v in op.results]
        for value in values:
            if value.hint and isinstance(value.type, Tensor):
                row = Row(name, value.span, value.hint, value.label, _origin(secrets, value))
                found.setdefault((value.span, value.hint), row)
        yield from sorted(found.values(), key=lambda row: (row.span, row.name))


def _origin(secrets: Secrets, value: Value) -> str:
    if value.label is Label.PUBLIC:
        return ""
    birth = secrets.birth_of(value)
    return f"{birth.text}, line {birth.span.line}"

