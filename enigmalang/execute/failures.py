"""How a running program fails: a diagnostic at the source, never a Python traceback."""

from collections.abc import Sequence

from enigmalang.diagnostics import Diagnostic, EnigmaError, Note
from enigmalang.ir.ir import Operation
from enigmalang.source import Span


class Revert(EnigmaError):
    """A failure that undoes the transaction; `expect revert` accepts it.

    `text` is what the contract said; `error` the name of its custom error, if it raised one.
    """

    def __init__(self, diagnostic: Diagnostic, text: str = "", error: str | None = None) -> None:
        super().__init__(diagnostic)
        self.text = text or diagnostic.message
        self.error = error

    def fits(self, expected: str | None) -> bool:
        """Whether `expect revert expected` accepts this failure: part of its text, or its error's name."""
        return expected is None or expected == self.error or expected in self.text or (
            expected in self.diagnostic.message)


def notes_of(via: Sequence[Span]) -> tuple[Note, ...]:
    """The call sites that inlining passed through, innermost first."""
    return tuple(Note(span, "called from here") for span in reversed(via))


def diagnose(op: Operation, code: str, message: str, help: str | None = None) -> Diagnostic:
    return Diagnostic(code, message, op.span, notes_of(op.via), help)


def revert(op: Operation, code: str, message: str, help: str | None = None, *, text: str = "") -> Revert:
    """A revert at `op`."""
    return Revert(diagnose(op, code, message, help), text)


def fault(op: Operation, code: str, message: str, help: str | None = None) -> EnigmaError:
    """A failure of a script or test itself, which `expect revert` does not accept."""
    return EnigmaError(diagnose(op, code, message, help))
