"""Diagnostics as text for people, and as JSON for tools. What editors get is made in `lsp/actions.py`."""

import json
import os
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from enigmalang.diagnostics.diagnostic import Diagnostic, Severity
from enigmalang.source import SourceFile, Span
from enigmalang.source.shipped import on_disk

#: Finds the text of a file for its path; None when it is not at hand.
Sources = Callable[[str], SourceFile | None]

_BOLD, _RED, _YELLOW, _BLUE, _GREEN, _END = "\x1b[1m", "\x1b[31m", "\x1b[33m", "\x1b[34m", "\x1b[32m", "\x1b[0m"
_TAB = 4
_LONGEST = 160


def from_disk() -> Sources:
    """Reads each file once, when it is first asked for; for diagnostics of files that lie on the disk."""

    @cache
    def find(path: str) -> SourceFile | None:
        try:
            place = on_disk(path)
            if not place.is_file():  # a pipe would be waited for
                return None
            return SourceFile(path, place.read_bytes().decode("utf-8-sig", "replace"))
        except (OSError, ValueError):
            return None

    return find


def from_sources(*sources: SourceFile) -> Sources:
    """Finds the texts in `sources` only."""
    by_path: Mapping[str, SourceFile] = {source.path: source for source in sources}
    return by_path.get


def render(diagnostics: Iterable[Diagnostic], sources: Sources | None = None, *, color: bool = False) -> str:
    """All `diagnostics` as text with their source lines, and a last line that counts them; "" when there are none."""
    found = list(diagnostics)
    if not found:
        return ""
    find = sources or from_disk()
    parts = [render_one(diagnostic, find, color=color) for diagnostic in found]
    return "\n".join([*parts, _count(found) + "\n"])


def render_one(diagnostic: Diagnostic, sources: Sources, *, color: bool = False) -> str:
    """One diagnostic: what and where, the line with a caret, the notes with their lines, and the way out."""
    paint = _painted if color else _plain
    tint = _RED if diagnostic.severity is Severity.ERROR else _YELLOW
    head = paint(f"{diagnostic.severity}[{diagnostic.code}]", _BOLD + tint)
    lines = [f"{head}{paint(': ' + shown(diagnostic.message), _BOLD)}"]
    spans = [diagnostic.span, *(note.span for note in diagnostic.notes)]
    width = max(len(str(span.line)) for span in spans)
    lines += _place(diagnostic.span, sources, width, "^", tint, "", paint)
    for note in diagnostic.notes:
        lines += _place(note.span, sources, width, "-", _BLUE, shown(note.text), paint)
    if diagnostic.help:
        label = paint("help", _BOLD + _GREEN)
        first, *rest = shown(diagnostic.help).split("\n")
        lines += [f"{' ' * width} = {label}: {first}", *(f"{' ' * width}         {line}" for line in rest)]
    return "\n".join(lines) + "\n"


def render_json(diagnostics: Iterable[Diagnostic]) -> str:
    """A JSON array, one object a diagnostic; lines and columns count from 1, ends are exclusive."""
    return json.dumps([as_dict(diagnostic) for diagnostic in diagnostics], indent=2, ensure_ascii=False) + "\n"


def as_dict(diagnostic: Diagnostic) -> dict[str, Any]:
    """The stable JSON schema of a diagnostic."""
    return {
        "code": diagnostic.code,
        "severity": str(diagnostic.severity),
        "message": diagnostic.message,
        **_span_dict(diagnostic.span),
        "notes": [{"message": note.text, **_span_dict(note.span)} for note in diagnostic.notes],
        "help": diagnostic.help,
        "fixes": [
            {"title": fix.title, "edits": [{"text": edit.text, **_span_dict(edit.span)} for edit in fix.edits]}
            for fix in diagnostic.fixes
        ],
    }


def _span_dict(span: Span) -> dict[str, Any]:
    end = {"line": span.end_line, "column": span.end_column}
    return {"file": span.path, "line": span.line, "column": span.column, "end": end}


# ------------------------------------------------------------------------------------------------------ text


def shown(text: str) -> str:
    """`text` without characters that would change the terminal or hide: control characters, and those that reorder."""
    return "".join(c if c == "\n" or not _hidden(c) else f"\\x{ord(c):02x}" for c in text)


def _hidden(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _painted(text: str, style: str) -> str:
    return f"{style}{text}{_END}"


def _plain(text: str, style: str) -> str:
    return text


def _place(
    span: Span, sources: Sources, width: int, mark: str, tint: str, label: str, paint: Callable[[str, str], str]
) -> list[str]:
    """The path, the source line and the marks below it."""
    margin = " " * width
    arrow = "-->" if mark == "^" else ":::"
    where = f"{margin}{paint(arrow, _BLUE)} {shown(_relative(span.path))}:{span.line}:{span.column}"
    if not span.line:  # about something that stands in no text
        return [f"{margin}{paint(arrow, _BLUE)} {shown(span.path)}"]
    source = sources(span.path)
    text = source.line(span.line) if source is not None else ""
    if not text.strip() and not label:
        return [where]
    if not text.strip():
        return [where, f"{margin} = {label}"]
    end = span.end_column if span.end_line == span.line else len(text.rstrip()) + 1
    line, start, stop = _cut(text, span.column - 1, max(end - 1, span.column))
    before = _width(line[:start], 0)
    marks = mark * max(1, _width(line[:stop], 0) - before)
    bar = paint("|", _BLUE)
    return [
        where,
        f"{paint(str(span.line).rjust(width), _BLUE)} {bar} {_drawn(line)}",
        f"{margin} {bar} {' ' * before}{paint(marks + (f' {label}' if label else ''), tint)}",
    ]


def _relative(path: str) -> str:
    """Paths below the current folder are shown without it."""
    base = os.getcwd() + os.sep
    return path[len(base) :] if path.startswith(base) else path


def _cut(text: str, start: int, stop: int) -> tuple[str, int, int]:
    """A long line is shown around its marked part."""
    if len(text) <= _LONGEST:
        return text, start, stop
    stop = min(stop, start + _LONGEST // 2)
    first = max(0, start - _LONGEST // 4)
    head, tail = "…" if first else "", "…" if first + _LONGEST < len(text) else ""
    shift = first - len(head)
    return head + text[first : first + _LONGEST] + tail, start - shift, stop - shift


def _char_width(char: str, column: int) -> int:
    """How many columns of a terminal `char` takes when it stands at `column`."""
    if char == "\t":
        return _TAB - column % _TAB
    if _hidden(char):
        return len(f"\\x{ord(char):02x}")
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def _width(text: str, column: int) -> int:
    for char in text:
        column += _char_width(char, column)
    return column


def _drawn(text: str) -> str:
    """`text` with tabs as spaces, so that the marks below stay right on every terminal."""
    out: list[str] = []
    column = 0
    for char in text:
        width = _char_width(char, column)
        out.append(" " * width if char == "\t" else shown(char))
        column += width
    return "".join(out)


def _count(found: list[Diagnostic]) -> str:
    errors = sum(d.severity is Severity.ERROR for d in found)
    parts = [(errors, "error"), (len(found) - errors, "warning")]
    counted = " and ".join(f"{n} {word}{'s' if n > 1 else ''}" for n, word in parts if n)
    first = found[0].code
    return f"{counted}; `enig explain {first}` says more"
