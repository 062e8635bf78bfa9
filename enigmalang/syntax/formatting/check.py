"""`format_source`: text in, canonical text out, with the proof that both mean the same."""

import re
from collections.abc import Sequence

from enigmalang.diagnostics import Diagnostic, Sink
from enigmalang.source import SourceFile
from enigmalang.syntax.ast import Module
from enigmalang.syntax.formatting.layout import layout
from enigmalang.syntax.parser import parse
from enigmalang.syntax.printer import format_tree
from enigmalang.syntax.scanner import LEXEME

#: A line that is nothing but indentation and a continuation: the layout wants the indentation with its statement.
_OPENING = re.compile(r"^([ \t]*)\\[ \t]*\n[ \t]*", re.MULTILINE)


class Refused(Exception):
    """The text has syntax errors, which `diagnostics` holds; it is not formatted."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__("the text has syntax errors")
        self.diagnostics = tuple(diagnostics)


def format_source(text: str, path: str) -> str:
    """`text` in the canonical layout; `path` is only named in diagnostics.

    Raises Refused when `text` has syntax errors, and RuntimeError rather than give a text that means anything else.
    The result has the same tree and the same comments and, formatted again, is the same text.
    Parses twice; an editor that knows already that `text` parses may call `layout` alone.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    before = _parsed(text, path)
    formatted = layout(text)
    if formatted == text or _same(formatted, path, before, text):
        return formatted
    formatted = layout(_OPENING.sub(r"\1", text))
    if not _same(formatted, path, before, text):
        raise RuntimeError(f"formatting would have changed what {path} means")
    return formatted


def means_the_same(text: str, formatted: str, path: str) -> bool:
    """Whether both have the same tree and comments; False when one of them has syntax errors."""
    try:
        return _same(formatted, path, _parsed(text, path), text)
    except Refused:
        return False


def _same(formatted: str, path: str, before: Module, text: str) -> bool:
    if _remarks(formatted) != _remarks(text):
        return False
    try:
        return _outline(_parsed(formatted, path)) == _outline(before)
    except Refused:
        return False


def _remarks(text: str) -> list[str]:
    """What the comments say, in no order: some go above the line that they stood in."""
    comments = (match.group() for match in LEXEME.finditer(text) if match.lastgroup == "comment")
    return sorted(comment.removeprefix("#").strip() for comment in comments)


def _parsed(text: str, path: str) -> Module:
    sink = Sink()
    module = parse(SourceFile(path, text), sink)
    if module is None or sink.errors:
        raise Refused(sink.diagnostics)
    return module


def _outline(module: Module) -> str:
    return format_tree(module, spans=False)
