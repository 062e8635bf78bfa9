"""Reading input files: text, JSON; errors as diagnostics."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from enigmalang.diagnostics.diagnostic import Diagnostic, EnigmaError, Note
from enigmalang.source import Span
from enigmalang.wire.json_texts import NestedTooDeeply, read_json

#: An input file may be this long.
MAX_BYTES = 256 << 20
#: An integer in it may have this many digits; those of a uint256 are 78.
MAX_DIGITS = 1_000


def fail(code: str, message: str, span: Span, help: str | None = None, *notes: Note) -> EnigmaError:
    """The error to raise."""
    return EnigmaError(Diagnostic(code, message, span, notes, help))


def read_text(path: Path, span: Span) -> str:
    """The UTF-8 text of `path`, without a byte-order mark. Raises EnigmaError E0601 or E0602."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise fail("E0601", f"{path} is larger than {MAX_BYTES >> 20} MB", span)
        data = path.read_bytes()
    except OSError as error:
        raise fail("E0601", f"{path} cannot be read: {error.strerror or error}", span) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise fail("E0602", f"{path} is not UTF-8: a byte in line {line}", span) from None


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number of EnigmaLang")


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"an integer of {len(text) - text.startswith('-')} digits is longer than any type holds")
    return int(text)


def parse_json(text: str, path: Path | None, span: Span) -> Any:
    """JSON as Python data, decimals exact. A literal (no path) that is no JSON is its own text.

    Raises EnigmaError E0604 when a file is malformed.
    """
    try:
        return read_json(text, parse_float=Decimal, parse_int=_integer, parse_constant=_no_constant)
    except NestedTooDeeply:
        raise fail("E0604", f"{path or 'the value'} is nested too deeply", span) from None
    except json.JSONDecodeError as error:
        if path is None and not text.lstrip().startswith(("[", "{", '"')):
            return text
        where = f"{path or 'the value'}, line {error.lineno}, column {error.colno},"
        raise fail("E0604", f"{where} is not JSON: {error.msg}", span) from None
    except ValueError as error:  # a constant such as NaN, or an integer of too many digits
        raise fail("E0604", f"{path or 'the value'} cannot be read: {error}", span) from None
