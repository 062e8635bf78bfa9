"""Inputs without their secrets: what the history file and `:save` may hold.

An input that went well loses the literals that are secrets (see secrecy.py), and then all that its comments and
docstrings say, too. Of one that did not, no name can be trusted (`privat salary = 90_000`, `s.jion(90_000)`): it loses
every literal.
"""

from collections.abc import Iterable, Iterator

from enigmalang.diagnostics import Sink
from enigmalang.repl.lines import TAKES_INPUT, is_command, split_command
from enigmalang.repl.secrecy import Secrets, literals
from enigmalang.source import SourceFile, Span
from enigmalang.syntax import ast
from enigmalang.syntax.parser import parse
from enigmalang.syntax.scanner import LEXEME, scan

HIDDEN = "…"
_LITERAL_KINDS = ("number", "string", "unclosed")
_LONG = ('"""', "'''")


def redacted(text: str, secrets: Secrets, good: bool) -> str:
    """`text` with `…` for each literal that is a secret; for each literal at all, if it was not a `good` input."""
    head, body = "", text
    if is_command(text):
        head, name, body = split_command(text)
        if good and name not in TAKES_INPUT:
            return text
    source = SourceFile("<history>", body)
    module = parse(source, Sink()) if good else None
    if module is None:
        return head + _all_hidden(body)
    spans = {literal.span for place in secrets.places(module.body) for literal in literals(place.value)}
    edits = dict.fromkeys(spans, HIDDEN)
    if edits:
        edits |= without_remarks(source, module)
    return head + replaced(source, edits.items())


def is_remark(text: str) -> bool:
    """Whether there is nothing but comments in `text`."""
    return all(match.lastgroup in ("space", "newline", "comment") for match in LEXEME.finditer(text))


def _all_hidden(text: str) -> str:
    """A text without any literal or comment."""
    parts: list[str] = []
    for match in LEXEME.finditer(text):
        kind, word = match.lastgroup, match.group()
        parts.append("# " + HIDDEN if kind == "comment" else HIDDEN if kind in _LITERAL_KINDS else word)
        if kind == "unclosed" and word.endswith(_LONG):  # its end is missing: all that follows is in it
            break
    return "".join(parts)


def without_remarks(source: SourceFile, module: ast.Module) -> dict[Span, str]:
    """Edits that take away what comments and docstrings say: they may speak of a secret beside them."""
    texts = {node.span for item in module.body for node in ast.walk(item) if isinstance(node, ast.StrLit)}
    return {span: new for span, new in _remarks(source) if span not in texts}


def _remarks(source: SourceFile) -> Iterator[tuple[Span, str]]:
    """Comments, and strings that are alone on their lines."""
    span_of = scan(source).span
    found = [m for m in LEXEME.finditer(source.text) if m.lastgroup != "space"]
    for number, match in enumerate(found):
        if match.lastgroup == "comment":
            yield span_of(*match.span()), "# " + HIDDEN
        first = number == 0 or found[number - 1].lastgroup == "newline"
        last = number + 1 == len(found) or found[number + 1].lastgroup in ("newline", "comment")
        if match.lastgroup == "string" and first and last:
            yield span_of(*match.span()), f'"{HIDDEN}"'


def replaced(source: SourceFile, edits: Iterable[tuple[Span, str]]) -> str:
    """The text of `source` with other texts in place of spans that do not overlap."""
    starts = [0]
    for line in source.lines:
        starts.append(starts[-1] + len(line) + 1)
    text = source.text
    for span, new in sorted(edits, key=lambda edit: edit[0], reverse=True):
        first, last = starts[span.line - 1] + span.column - 1, starts[span.end_line - 1] + span.end_column - 1
        text = text[:first] + new + text[last:]
    return text
