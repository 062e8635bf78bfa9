"""A Bristol file on disk; what is wrong with it is said with its line."""

from __future__ import annotations

from pathlib import Path

from enigmalang.circuits.boolean import BooleanCircuit
from enigmalang.circuits.bristol import BristolError, parse_bristol
from enigmalang.diagnostics import Diagnostic, EnigmaError
from enigmalang.source import Span

#: A file may be this long.
MAX_BYTES = 256 << 20


def read_bristol(path: str) -> BooleanCircuit:
    """The circuit in the file at `path`. Raises EnigmaError E0601, E0602, E0901."""
    return parsed(text_of(path), path)


def parsed(text: str, path: str) -> BooleanCircuit:
    """The circuit of a file's text. Raises EnigmaError E0901."""
    try:
        return parse_bristol(text)
    except BristolError as error:
        line = Span(path, error.line, 1, error.line, 1)
        raise _fail("E0901", error.text, line, "`enig explain E0901` shows both headers and a gate") from None


def text_of(path: str) -> str:
    """Raises EnigmaError E0601, E0602."""
    start = Span(path, 1, 1, 1, 1)
    try:
        if Path(path).stat().st_size > MAX_BYTES:
            raise _fail("E0601", f"the file is larger than {MAX_BYTES >> 20} MB", start, None)
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _fail("E0601", f"the file cannot be read: {reason.lower()}", start, None) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        place = Span(path, line, 1, line, 1)
        raise _fail("E0602", f"byte {data[error.start]:#04x} is no UTF-8: a Bristol circuit is a text", place,
                    None) from None


def _fail(code: str, message: str, span: Span, help: str | None) -> EnigmaError:
    return EnigmaError(Diagnostic(code, message, span, (), help))
