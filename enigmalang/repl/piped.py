"""A session without a terminal: inputs come from a pipe, answers go out plainly, and the status says how it went."""

from collections.abc import Iterable

from enigmalang.repl.commands import Quit, dispatch
from enigmalang.repl.interactive import Interactive
from enigmalang.repl.lines import is_command, split_inputs


def run_piped(session: Interactive, lines: Iterable[str]) -> int:
    """Run every input of `lines` in order, also after one that went wrong; 1 if any did, else 0."""
    status = 0
    for text in _inputs(lines):
        try:
            good = dispatch(session, text) if is_command(text) else session.feed(text)
        except Quit:
            break
        if not good:
            status = 1
    return status if session.finish() else 1


def _inputs(lines: Iterable[str]) -> Iterable[str]:
    """A command is one line, wherever a new input may begin."""
    waiting: list[str] = []
    for line in lines:
        line = line.rstrip("\r\n")
        if is_command(line) and not line.startswith(" "):
            yield from split_inputs(waiting)
            waiting = []
            yield line
        else:
            waiting.append(line)
            *done, last = split_inputs(waiting) or [""]
            yield from done
            waiting = last.split("\n") if last else []
    yield from split_inputs(waiting)
