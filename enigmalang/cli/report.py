"""What the user sees of diagnostics: rendered on stderr, coloured on a terminal."""

import os
import sys
from collections.abc import Iterable

from enigmalang.diagnostics.diagnostic import Diagnostic, Severity
from enigmalang.diagnostics.render import Sources, render, shown


def show(diagnostics: Iterable[Diagnostic], sources: Sources | None = None) -> None:
    """Write `diagnostics` to stderr with their source lines, which are looked up in `sources`, or else on the disk."""
    color = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    sys.stderr.write(render(diagnostics, sources, color=color))
    sys.stderr.flush()


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    return any(d.severity is Severity.ERROR for d in diagnostics)


def say(text: object) -> None:
    """A line on stderr; control characters in it are shown, not sent."""
    print(shown(str(text)), file=sys.stderr, flush=True)
