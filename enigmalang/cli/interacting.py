"""What `enig repl` does, once its options are known to be good."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from enigmalang.cli.inputs import Given, Inputs
from enigmalang.diagnostics import Diagnostic
from enigmalang.diagnostics.render import from_disk, render_one
from enigmalang.repl.commands import dispatch
from enigmalang.repl.interactive import Interactive
from enigmalang.repl.piped import run_piped
from enigmalang.repl.session import Session
from enigmalang.repl.settings import Settings
from enigmalang.source import Span
from enigmalang.types.types import Type

if TYPE_CHECKING:
    from enigmalang.node.processes import Processes


class AskedInputs:
    """What was given with `--input`; at a terminal the person is asked for the rest, without an echo."""

    def __init__(self, given: Mapping[str, Given], ask: bool) -> None:
        self._inputs = Inputs(given)
        self._given = set(given)
        self._ask = ask

    def read(self, name: str, type: Type, span: Span) -> Any:
        """See `Inputs.read`."""
        if name in self._given or not self._ask:
            return self._inputs.read(name, type, span)
        from prompt_toolkit import prompt

        text = prompt(f"{name} ({type}, not shown): ", is_password=True)
        return Given(name, text).value(type, span)


def run_session(
    settings: Settings, given: Mapping[str, Given], file: str | None, workers: "Processes | None" = None
) -> int:
    """The exit status of a whole session; the first nodes are `workers`, if those were started ahead."""
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    with Interactive(settings, _say, _complain, AskedInputs(given, terminal), workers=workers) as session:
        loaded = file is None or dispatch(session, f":load {file}")
        if not terminal:
            return max(run_piped(session, sys.stdin), int(not loaded))
        from enigmalang.repl.prompt import read_loop

        return read_loop(session, _banner(settings))


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _complain(found: Sequence[Diagnostic], session: Session) -> None:
    """On stderr, with the lines of inputs that are in no file."""
    sys.stdout.flush()
    disk = from_disk()
    color = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    for diagnostic in found:
        sys.stderr.write(render_one(diagnostic, lambda path: session.sources.get(path) or disk(path), color=color))
    sys.stderr.flush()


def _banner(settings: Settings) -> str:
    import enigmalang

    if settings.engine == "mpc":
        threshold = (settings.nodes - 1) // 2 if settings.threshold is None else settings.threshold
        where = f"{settings.nodes} nodes, any {threshold} of which together learn nothing"
    else:
        where = f"the {settings.engine} engine: no nodes, for trying things out"
    return f"EnigmaLang {enigmalang.__version__}; {where}. `:help` says more, Ctrl-D leaves.\n"
