"""What the chain cannot hold or run: a diagnostic at the `.enig` line."""

from enigmalang.diagnostics import Diagnostic
from enigmalang.source import Span


class Unsupported(Exception):
    """Raised inside the generator, reported by its entry."""

    def __init__(self, code: str, message: str, span: Span, help: str | None = None) -> None:
        super().__init__(message)
        self.diagnostic = Diagnostic(code, message, span, (), help)
