"""Numbers, strings and bytes: what is wrong with one, and what it stands for."""

import re
from dataclasses import dataclass

from enigmalang.syntax.words import UNITS

_INTEGER = re.compile(r"(?:0+|[1-9][0-9]*)(?:_[0-9]+)*")
_DECIMAL = re.compile(r"[0-9]+(?:_[0-9]+)*\.[0-9]+(?:_[0-9]+)*")
_HEX = re.compile(r"0x[0-9A-Fa-f]+(?:_[0-9A-Fa-f]+)*")
_EXPONENT = re.compile(r"[0-9_]+(?:\.[0-9_]+)?[eE][0-9_]*")
_UNIT = re.compile(r"([0-9_.]*[0-9])([A-Za-z]+)")
ESCAPE = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|\r?\n|.)", re.DOTALL)
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "0": "\0"}
_UNIT_WORDS = frozenset({*UNITS, "second", "minute", "hour", "day", "block", "blocks"})
#: uint256 has 78 digits, bytes32 has 64 hexadecimal ones.
_MAX_DIGITS = 80
_MAX_HEX = 64


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a literal; `start` and `end` count from its first character (`end` None: to its last)."""

    message: str
    help: str | None = None
    start: int = 0
    end: int | None = None
    code: str = "E0012"


def number_fault(text: str) -> Fault | None:
    """What is wrong with the number-like `text`, if anything is."""
    digits = text.replace("_", "")
    if _INTEGER.fullmatch(text) or _DECIMAL.fullmatch(text):
        too_long = max(map(len, digits.split("."))) > _MAX_DIGITS
        return Fault("this number has more digits than any type can hold") if too_long else None
    if _HEX.fullmatch(text):
        if len(digits) - 2 > _MAX_HEX:
            return Fault(f"more than {_MAX_HEX} hexadecimal digits", 'write longer data as bytes: b"\\xff…"')
        return None
    return _malformed(text)


def _malformed(text: str) -> Fault:
    lower = text.lower()
    if lower.startswith("0x"):
        return Fault(f"`{text}` is not a hexadecimal number", "write `0x` and then digits 0–9 and a–f")
    if lower.startswith(("0b", "0o")):
        return Fault(f"`{text}`: numbers are decimal or hexadecimal", "write it in hexadecimal, as in 0xff")
    if _EXPONENT.fullmatch(text):
        return Fault(f"`{text}`: numbers have no exponent", "write 1_000_000, or 10**6")
    unit = _UNIT.fullmatch(text)
    if unit and unit[2] in _UNIT_WORDS:
        return Fault(f"a space is missing in `{text}`", f"write `{unit[1]} {unit[2]}`", start=len(unit[1]))
    if text.replace("_", "").isdigit():
        if "__" in text or text.endswith("_"):
            return Fault(f"`{text}`: a `_` stands between two digits", "write it as in 1_000_000")
        return Fault(f"`{text}` begins with a zero", f"write {text.lstrip('0_')}")
    return Fault(f"`{text}` is neither a number nor a name", "a name begins with a letter or `_`")


def string_fault(text: str) -> Fault | None:
    """What is wrong with the closed string `text` (with its quotes and prefix), if anything is."""
    prefix = text[: len(text) - len(text.lstrip("bBfFrRuU"))]
    if prefix not in ("", "b"):
        return _prefix_fault(prefix)
    for match in ESCAPE.finditer(text):
        fault = _escape_fault(match.group(), prefix == "b")
        if fault is not None:
            return Fault(fault.message, fault.help, match.start(), match.end())
    if prefix == "b" and not text.isascii():
        return Fault("bytes are written with ASCII characters", 'write other bytes as in b"\\xc3\\xa9"')
    return None


def _prefix_fault(prefix: str) -> Fault:
    if prefix == "B":
        return Fault("bytes begin with a small `b`", 'write b"…"', end=1)
    if "f" in prefix.lower():
        return Fault(
            "there are no f-strings", 'print takes several values: print("total", x)', end=len(prefix), code="E0010"
        )
    return Fault(f"a string has no prefix `{prefix}`", "leave it out", end=len(prefix), code="E0010")


def _escape_fault(escape: str, in_bytes: bool) -> Fault | None:
    kind = escape[1]
    if kind in _SIMPLE or escape.endswith("\n") or (kind == "x" and len(escape) == 4):
        return None
    if kind in "uU" and len(escape) > 2:
        value = int(escape[2:], 16)
        if in_bytes:
            return Fault(f"`{escape}` is a character, and these are bytes", "write the bytes with \\x")
        if value > 0x10FFFF or 0xD800 <= value <= 0xDFFF:
            return Fault(f"`{escape}` is not a character")
        return None
    return Fault(f"unknown escape `{escape}`", "write `\\\\` for a backslash")


def string_value(text: str) -> str:
    """The characters that a string token without faults stands for."""
    return ESCAPE.sub(_unescape, _body(text)).replace("\r\n", "\n")


def bytes_value(text: str) -> bytes:
    """The bytes that a `b"…"` token without faults stands for."""
    return ESCAPE.sub(_unescape, _body(text[1:])).replace("\r\n", "\n").encode("latin-1")


def _body(text: str) -> str:
    width = 3 if text[:3] in ('"""', "'''") and len(text) >= 6 else 1
    return text[width:-width]


def _unescape(match: re.Match[str]) -> str:
    escape = match.group()
    if escape[1] in "xuU":
        return chr(int(escape[2:], 16))
    return "" if escape.endswith("\n") else _SIMPLE[escape[1]]
