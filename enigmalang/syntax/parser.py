"""From a path to a tree: `read_source`, `parse`, and the tokens for `enig dump tokens`."""

import os
from collections.abc import Sequence

from lark import Token
from lark.exceptions import UnexpectedInput

from enigmalang.diagnostics import Diagnostic, Sink
from enigmalang.source import SourceFile, Span
from enigmalang.syntax.ast import Module
from enigmalang.syntax.blocks import check_blocks
from enigmalang.syntax.build_declarations import split_docstring
from enigmalang.syntax.faults import line_fault
from enigmalang.syntax.grammar import grammar
from enigmalang.syntax.pieces import Parsed, Piece, Pieces, members, statements
from enigmalang.syntax.scanner import Line, Scan, scan
from enigmalang.syntax.words import MAX_ERRORS, MAX_FILE


def read_source(path: str, sink: Sink) -> SourceFile | None:
    """The text of the file at `path`; None, and an error in `sink`, when it cannot be read.

    A byte order mark is dropped and line ends become `\\n`. A file with nothing in it is an error.
    """
    start = Span(path, 1, 1, 1, 1)
    if path.endswith(".enig") and os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        sink.error("E0601", "this is no file: a pipe or a device might never end", start, help="name a regular file")
        return None
    try:
        with open(path, "rb") as file:
            raw = file.read(4 * MAX_FILE + 1)
    except FileNotFoundError:
        sink.error("E0601", "no such file", start, help="check the path; a program's file ends in `.enig`")
        return None
    except IsADirectoryError:
        sink.error("E0601", "this is a folder", start, help="name a file in it")
        return None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        sink.error("E0601", f"the file cannot be read: {reason.lower()}", start)
        return None
    return source_of(raw, path, sink)


def source_of(raw: bytes, path: str, sink: Sink) -> SourceFile | None:
    """As `read_source`, of bytes read already."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(raw) > MAX_FILE:
            _too_large(path, sink)
        else:
            _not_utf8(path, raw, error, sink)
        return None
    if len(text) > MAX_FILE:
        _too_large(path, sink)
        return None
    if not text.strip():
        start = Span(path, 1, 1, 1, 1)
        sink.error("E0014", "the file is empty", start, help="`enig explain E0014` shows a first program")
        return None
    return SourceFile(path, text.replace("\r\n", "\n"))


def _too_large(path: str, sink: Sink) -> None:
    sink.error(
        "E0013",
        f"the file is longer than {MAX_FILE:,} characters",
        Span(path, 1, 1, 1, 2),
        help="split it into modules; read large data with `input`",
    )


def _not_utf8(path: str, raw: bytes, error: UnicodeDecodeError, sink: Sink) -> None:
    good = raw[: error.start].decode("utf-8-sig", "replace")
    line, column = good.count("\n") + 1, len(good) - good.rfind("\n")
    sink.error(
        "E0602",
        f"the file is not UTF-8: byte 0x{raw[error.start]:02x} at offset {error.start}",
        Span(path, line, column, line, column + 1),
        help="save it as UTF-8 in your editor",
    )


def parse(source: SourceFile, sink: Sink, kept: Pieces | None = None) -> Module | None:
    """The tree of `source`; None when it has syntax errors, of which `sink` then holds at least one.

    `kept`: pieces of earlier texts of this file, which need not be parsed again.
    """
    if len(source.text) > MAX_FILE:
        _too_large(source.path, sink)
        return None
    pieces = kept if kept is not None else Pieces()
    pieces.begin()
    found = scan(source)
    check_blocks(found)
    failure: UnexpectedInput | None = None
    first = 1  # the line on which the statement begins that failed
    if not found.found:
        blocks = list(statements(found.lines))
        parsed = [_statement(pieces, found, block) for block in blocks]
        failure, first = next(((p.failure, block[0].number) for p, block in zip(parsed, blocks, strict=True)
                               if p.failure is not None), (None, 1))
        if failure is None:
            return _module(source, parsed, sink)
    _diagnose(found, pieces, sink, failure, first)
    return None


def _statement(pieces: Pieces, found: Scan, block: list[Line]) -> Parsed:
    """One statement of the top level; a contract member by member, where its members are sound."""
    parts = [pieces.of(found, piece) for piece in members(found, block)]
    if parts and not any(part.found or part.failure for part in parts):
        module = pieces.contract(found, block, parts)
        if module is not None:
            return Parsed(module, ())
    return pieces.of(found, Piece(block))


def _module(source: SourceFile, parsed: Sequence[Parsed], sink: Sink) -> Module | None:
    """The whole file; None when something in it was refused."""
    for part in parsed:
        for diagnostic in part.found:
            sink.report(diagnostic)
    modules = [part.module for part in parsed if part.module is not None]
    if len(modules) < len(parsed):
        return None
    docstring, body = split_docstring(tuple(node for module in modules for node in module.body))
    return Module(source.whole(), source, body, docstring)


def _unsound(found: Scan, pieces: Pieces, block: list[Line], sink: Sink) -> list[Line]:
    """The lines of `block` in which a mistake may be; none: what its tree shows to be wrong is reported."""
    parts = [] if block[0].broken else members(found, block)
    lost: list[Line] = []
    told: list[Diagnostic] = []
    for piece in parts or [Piece(block)]:
        parsed = None if any(line.broken for line in piece.lines) else pieces.of(found, piece)
        if parsed is None or parsed.failure is not None:
            lost += piece.lines
        else:
            told += parsed.found
    for diagnostic in told if not lost else ():
        sink.report(diagnostic)
    return [block[0], *lost] if parts and lost else lost


def _diagnose(found: Scan, pieces: Pieces, sink: Sink, failure: UnexpectedInput | None, first: int) -> None:
    """Report what is wrong, block by block; at least one error."""
    told = found.found[:MAX_ERRORS]
    for block in statements(found.lines):
        if len(told) >= MAX_ERRORS:
            break
        for line in _unsound(found, pieces, block, sink):
            fault = None if line.broken else line_fault(found, line)
            if fault is not None:
                told.append(fault)
    if not told and not sink.errors:
        told.append(_last_resort(found.source, failure, first))
    for diagnostic in told[:MAX_ERRORS]:
        sink.report(diagnostic)


def _last_resort(source: SourceFile, failure: UnexpectedInput | None, first: int) -> Diagnostic:
    """Every line is sound alone, and yet the file is refused; lines of `failure` count from line `first`."""
    line = min(first - 1 + (getattr(failure, "line", 1) or 1), len(source.lines))
    line = max(line, 1)
    column = max(getattr(failure, "column", 1) or 1, 1)
    span = Span(source.path, line, column, line, column + 1)
    return Diagnostic("E0001", "this cannot stand here", span, (), "look at the lines before it as well")


def tokens(source: SourceFile, sink: Sink) -> str | None:
    """One token a line, with its place, as the parser sees them; None when the file has syntax errors."""
    if parse(source, sink) is None:
        return None
    parser = grammar().parse_interactive(source.text + "\n")
    return "".join(f"{_token_line(token)}\n" for token in parser.iter_parse())


def _token_line(token: Token) -> str:
    place = f"{token.line}:{token.column}"
    shown = "" if token.type in ("_NL", "_INDENT", "_DEDENT") else f" {str(token)!r}"
    return f"{place:<8} {token.type.strip('_')}{shown}"
