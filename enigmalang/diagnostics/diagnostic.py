"""What is said to the user about their program: plain data, collected in a sink."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from enigmalang.source import Span


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Note:
    """Another place involved: where a secret was born, a step it took, an earlier declaration."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Edit:
    """Put `text` in the place of `span`; an empty span inserts."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """One way out that an editor can take: edits that do not overlap, all to be made together."""

    title: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. `code` is stable (`E0301`, `W0406`); `message` one sentence; `help` the way out, and `fixes` the
    same as changes of the text, where they can be made without asking (see compiler/fixes.py)."""

    code: str
    message: str
    span: Span
    notes: tuple[Note, ...] = ()
    help: str | None = None
    severity: Severity = Severity.ERROR
    fixes: tuple[Fix, ...] = ()


class Sink:
    """Collects diagnostics of all stages; the same finding at the same place is kept once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, Span, str], Diagnostic] = {}

    def report(self, diagnostic: Diagnostic) -> None:
        self._found.setdefault((diagnostic.code, diagnostic.span, diagnostic.message), diagnostic)

    def error(
        self, code: str, message: str, span: Span, *, notes: tuple[Note, ...] = (), help: str | None = None,
        fixes: tuple[Fix, ...] = (),
    ) -> None:
        self.report(Diagnostic(code, message, span, notes, help, fixes=fixes))

    def warn(
        self, code: str, message: str, span: Span, *, notes: tuple[Note, ...] = (), help: str | None = None
    ) -> None:
        self.report(Diagnostic(code, message, span, notes, help, Severity.WARNING))

    def amend(self, change: Callable[[Diagnostic], Diagnostic]) -> None:
        """Replace each diagnostic by what `change` makes of it (the same code, place and message)."""
        self._found = {key: change(diagnostic) for key, diagnostic in self._found.items()}

    def found(self) -> list[Diagnostic]:
        """In the order in which they were reported."""
        return list(self._found.values())

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """In the order of the text."""
        return sorted(self._found.values(), key=lambda d: (d.span, d.code))

    @property
    def errors(self) -> list[Diagnostic]:
        return [d for d in self.diagnostics if d.severity is Severity.ERROR]


class OutsideError(Exception):
    """What a program runs on failed (nodes, a chain, a service), which is no mistake in it. `asked`: the statement that
    asked for what failed, and the calls that led there; None as long as no program asked."""

    asked: Span | None = None
    notes: tuple[Note, ...] = ()

    def asked_at(self, span: Span, notes: tuple[Note, ...]) -> None:
        """Said by who runs the program. The innermost statement counts."""
        if self.asked is None:
            self.asked, self.notes = span, notes

    def diagnosed(self, code: str, path: str, help: str | None = None) -> Diagnostic:
        """What to show; of the program at `path` without a place in it, when none is known."""
        return Diagnostic(code, str(self), self.asked or Span(path, 0, 0, 0, 0), self.notes, help)


class EnigmaError(Exception):
    """A user's mistake found while running: carries the diagnostic to show instead of a traceback."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(f"{diagnostic.code} {diagnostic.span}: {diagnostic.message}")
        self.diagnostic = diagnostic
