"""From a path to a tree: `read_source`, `parse`, and the tokens for `enig dump tokens`."""

from collections.abc import Iterator

from lark import Token, Tree
from lark.exceptions import UnexpectedInput

from enigmalang.diagnostics import Diagnostic, Sink
from enigmalang.source import SourceFile, Span
from enigmalang.syntax.ast import Module
from enigmalang.syntax.blocks import check_blocks
from enigmalang.syntax.builder import build
from enigmalang.syntax.faults import line_fault
from enigmalang.syntax.grammar import grammar
from enigmalang.syntax.scanner import Line, Scan, scan
from enigmalang.syntax.words import BUDGET, MAX_ERRORS, MAX_FILE


def read_source(path: str, sink: Sink) -> SourceFile | None:
    """The text of the file at `path`; None, and an error in `sink`, when it cannot be read.

    A byte order mark is dropped and line ends become `\\n`. A file with nothing in it is an error.
    """
    start = Span(path, 1, 1, 1, 1)
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


def parse(source: SourceFile, sink: Sink) -> Module | None:
    """The tree of `source`; None when it has syntax errors, of which `sink` then holds at least one."""
    if len(source.text) > MAX_FILE:
        _too_large(source.path, sink)
        return None
    found = scan(source)
    check_blocks(found)
    failure: UnexpectedInput | None = None
    if not found.found:
        try:
            tree = grammar().parse(source.text + "\n")
        except UnexpectedInput as error:
            failure = error
        else:
            return build(tree, source, sink)
    _diagnose(found, sink, failure)
    return None


def _diagnose(found: Scan, sink: Sink, failure: UnexpectedInput | None) -> None:
    """Report what is wrong, block by block; at least one error."""
    told = found.found[:MAX_ERRORS]
    for block in _blocks(found.lines):
        if len(told) >= MAX_ERRORS:
            break
        if _sound(found, block, sink):
            continue
        for line in block:
            fault = None if line.broken else line_fault(found, line)
            if fault is not None:
                told.append(fault)
    if not told and not sink.errors:
        told.append(_last_resort(found.source, failure))
    for diagnostic in told[:MAX_ERRORS]:
        sink.report(diagnostic)


def _blocks(lines: list[Line]) -> Iterator[list[Line]]:
    """The lines of each statement of the top level."""
    block: list[Line] = []
    for line in lines:
        if block and line.indent == 0 and line.first not in ("elif", "else") and block[-1].first != BUDGET:
            yield block
            block = []
        block.append(line)
    if block:
        yield block


def _sound(found: Scan, block: list[Line], sink: Sink) -> bool:
    """Whether `block` parses; what its tree shows to be wrong is reported."""
    if any(line.broken for line in block):
        return False
    text = found.source.text[found.starts[block[0].number - 1] : block[-1].stop] + "\n"
    try:
        tree: Tree[Token] = grammar().parse(text)
    except UnexpectedInput:
        return False
    build(tree, found.source, sink, block[0].number)
    return True


def _last_resort(source: SourceFile, failure: UnexpectedInput | None) -> Diagnostic:
    """Every line is sound alone, and yet the file is refused."""
    line = min(getattr(failure, "line", 1) or 1, len(source.lines))
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
