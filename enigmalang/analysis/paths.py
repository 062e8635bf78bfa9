"""The way of a secret: from where it was born, through the steps it took, as notes of a leak error."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from enigmalang.analysis.flow import Edge, Flow
from enigmalang.diagnostics import Note
from enigmalang.ir.ir import Operation, Value
from enigmalang.source import Span

#: A longer path shows its beginning and its end.
MOST_STEPS = 8

_SIGNS = {
    "add": "+", "sub": "-", "mul": "*", "floordiv": "//", "mod": "%", "div": "/", "pow": "**", "band": "&", "bor": "|",
    "bxor": "^", "shl": "<<", "shr": ">>", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!=",
    "and": "and", "or": "or", "not": "not", "neg": "-",
}
_SILENT = frozenset(("convert", "share", "stack", "yield"))


@dataclass(frozen=True, slots=True)
class Birth:
    """Where a secret begins. `raw`: read from MPC as a reference."""

    span: Span
    text: str
    raw: bool = False


@dataclass(slots=True, eq=False)
class Secrets:
    """Births, and the first edge that reached each other private value."""

    flow: Flow
    births: dict[Value, Birth] = field(default_factory=dict)
    came: dict[Value, Edge] = field(default_factory=dict)

    def private(self, value: Value) -> bool:
        return value in self.births or value in self.came

    def path(self, value: Value) -> list[Edge]:
        """The edges of a shortest path from a birth to `value`."""
        edges: list[Edge] = []
        while value not in self.births:
            edge = self.came[value]
            edges.append(edge)
            value = edge.source
        return edges[::-1]

    def birth_of(self, value: Value) -> Birth:
        edges = self.path(value)
        return self.births[edges[0].source if edges else value]

    def as_it_was(self, value: Value) -> bool:
        """Nothing was computed with the secret: it was only given names and types."""
        return all(edge.op.op in _SILENT for edge in self.path(value))

    def root_of(self, value: Value) -> Value:
        """The value in which the secret of `value` was born."""
        edges = self.path(value)
        return edges[0].source if edges else value


def name_of(value: Value) -> str:
    """The value as the source calls it."""
    return f"`{value.hint}`" if value.hint else "this value"


def notes_of(secrets: Secrets, value: Value, leak: Span) -> tuple[Note, ...]:
    """Birth, then each step that the source shows, without what happens at `leak` itself."""
    birth = secrets.birth_of(value)
    steps = _cut(_steps(secrets, value, leak, birth.span))
    return (Note(birth.span, f"the secret is born here: {birth.text}"), *steps)


def _steps(secrets: Secrets, value: Value, leak: Span, birth: Span) -> list[Note]:
    root = secrets.root_of(value)
    notes: list[Note] = []
    seen = {leak, birth}
    definition = secrets.flow.defined_by.get(root)
    if definition is not None and definition.span not in seen:
        notes.append(Note(definition.span, f"it is read here{_as_name(root)}"))
        seen.add(definition.span)
    for edge in secrets.path(value):
        if edge.op.op in _SILENT and edge.target.hint in ("", edge.source.hint):
            continue
        span = edge.source.span if edge.control else edge.op.span
        if span not in seen:
            seen.add(span)
            notes.append(Note(span, _step(edge)))
    return notes


def _as_name(value: Value) -> str:
    return f", as `{value.hint}`" if value.hint else ""


def _step(edge: Edge) -> str:
    into = f" into `{edge.target.hint}`" if edge.target.hint else ""
    if edge.control:
        return f"it decides this condition, and so what goes{into or ' on'}"
    sign = _SIGNS.get(edge.op.op)
    if sign:
        return f"it goes through `{sign}`{into}"
    match edge.op.op:
        case "if" | "select":
            return f"it is chosen here{into}"
        case "for" | "while" | "map":
            return f"it goes through this loop{into}"
        case "index":
            return f"an element is taken{into}"
        case "sort" | "permute":
            return f"it is put in order{into}"
        case "shuffle":
            return f"it is shuffled{into}"
        case "call":
            return f"it goes through this call{into}"
        case name if name.startswith("reduce_"):
            return f"it goes through `{name.removeprefix('reduce_')}`{into}"
        case _:
            return f"it goes{into} here" if into else "it goes on here"


def _cut(notes: list[Note]) -> list[Note]:
    if len(notes) <= MOST_STEPS:
        return notes
    half = MOST_STEPS // 2
    return notes[:half] + notes[-half:]


def called_from(op: Operation) -> tuple[Note, ...]:
    """The call sites that inlining passed through, innermost first."""
    return tuple(Note(span, "called from here") for span in reversed(op.via))


def unique(notes: Sequence[Note]) -> tuple[Note, ...]:
    return tuple(dict.fromkeys(notes))
