"""From JSON data and CSV cells to values of a declared type.

The result is plain Python: `bool`, `int` (fixed: the raw number; enum: the member's number), `str` (strings, and
addresses as 0x-hex in lower case), `bytes`; arrays and lists are lists, matrices nested lists, structs and tuples are
tuples in the order of their fields.
"""

import builtins
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact, InvalidOperation, Overflow
from fractions import Fraction
from itertools import repeat
from typing import Any

from enigmalang.cli.texts import fail
from enigmalang.diagnostics.diagnostic import EnigmaError
from enigmalang.source import Span
from enigmalang.types.types import (
    AddressT,
    ArrayT,
    BoolT,
    BytesNT,
    BytesT,
    EnumT,
    FixedT,
    IntT,
    ListT,
    StringT,
    StructT,
    TupleT,
    Type,
)

_INTEGER = re.compile(r"[+-]?(0[xX][0-9a-fA-F_]+|[0-9][0-9_]*)")
_TRUTHS = {"true": True, "True": True, "1": True, "false": False, "False": False, "0": False}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands, in words, and the place to point at. Errors repeat the value only where it `shows`: what is
    read may be a secret, and whether it is one is decided later, by what the program does with it."""

    words: str
    span: Span
    cell: bool = False  # in a table: a wrong one is E0605
    shows: bool = False

    def at(self, step: str) -> "Place":
        return replace(self, words=self.words + step)

    def wrong(self, type: Type, data: Any) -> EnigmaError:
        """Not a value of the type at all."""
        shown = repr(data) if len(repr(data)) <= 40 else repr(data)[:37] + "…"
        end = f", not {shown}" if self.shows else ""
        return fail("E0605" if self.cell else "E0608", f"{self.words} should be {_kind(type)}{end}", self.span)

    def outside(self, type: Type, data: Any, low: object, high: object) -> EnigmaError:
        value = f"{data}, " if self.shows else ""
        return fail("E0606", f"{self.words} is {value}outside of {type} ({low} to {high})", self.span)


def _kind(type: Type) -> str:
    match type:
        case BoolT():
            return "True or False"
        case IntT():
            return f"an integer ({type})"
        case FixedT():
            return f"a decimal number ({type})"
        case AddressT():
            return "an address (0x and 40 hexadecimal digits)"
        case BytesNT() | BytesT():
            return f"{type} (0x and hexadecimal digits)"
        case StringT():
            return "text"
        case EnumT():
            return f"one of {', '.join(type.members)}"
        case ListT() | ArrayT():
            return f"a list ({type})"
        case _:
            return str(type)


def convert(data: Any, type: Type, place: Place) -> Any:
    """`data` (from JSON, or the text of a cell) as `type`. Raises EnigmaError E0605, E0606 or E0608."""
    match type:
        case ListT(element, most):
            items = _items(data, type, place)
            if most is not None and len(items) > most:
                raise fail("E0608", f"{place.words} has {len(items)} elements, and {type} at most {most}", place.span)
            return _converted(items, element, place)
        case ArrayT(element, dims):
            return _array(data, element, dims, type, place)
        case StructT():
            return _struct(data, type, place)
        case TupleT(types):
            items = _items(data, type, place)
            if len(items) != len(types):
                raise fail("E0608", f"{place.words} has {len(items)} parts, and {type} {len(types)}", place.span)
            return tuple(
                convert(d, t, place.at(f"[{i}]")) for i, (d, t) in enumerate(zip(items, types, strict=True))
            )
        case _:
            return convert_scalar(data, type, place)


def _converted(items: Sequence[Any], element: Type, place: Place) -> list[Any]:
    found = many(items, element)
    if found is not None:
        return found
    return [convert(item, element, place.at(f"[{i}]")) for i, item in enumerate(items)]


def many(items: Sequence[Any], type: Type) -> list[Any] | None:
    """What `convert_scalar` gives for each, where nothing is wrong and no element needs a look of its own; else None.

    No element is touched by Python code: a million of them take as long as parsing them.
    """
    kinds = set(map(builtins.type, items))
    if not kinds or not kinds <= {bool, int, Decimal, str}:
        return None
    match type:
        case BoolT() if kinds == {bool}:
            return list(items)
        case IntT(low=low, high=high) if kinds == {int} or _plain(kinds, items):
            try:
                numbers = list(items) if kinds == {int} else list(map(int, items))
            except ValueError:  # hexadecimal, or wrong
                return None
            return numbers if low <= min(numbers) and max(numbers) <= high else None
        case FixedT() if bool not in kinds:
            return _many_fixed(items, type)
        case _:
            return None


def _plain(kinds: set[Any], items: Sequence[Any]) -> bool:
    """Texts of which `int` takes just those that `_integer` takes."""
    return kinds == {str} and all(map(str.isascii, items)) and max(map(len, items)) <= 200


#: Enough for every exact product of a number that anyone writes.
_EXACT = Context(prec=400, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, Inexact, Overflow])


def _many_fixed(items: Sequence[Any], type: FixedT) -> list[int] | None:
    """As `_fixed`, for all."""
    try:
        scaled = list(map(_EXACT.multiply, map(Decimal, items), repeat(1 << type.fraction)))
        if not (type.low <= min(scaled) and max(scaled) <= type.high):
            return None
    except ArithmeticError:  # no number, or one of very many digits
        return None
    return list(map(int, map(Decimal.to_integral_value, scaled, repeat(ROUND_HALF_EVEN))))


def _items(data: Any, type: Type, place: Place) -> Sequence[Any]:
    if not isinstance(data, list):
        raise place.wrong(type, data)
    return data


def _array(data: Any, element: Type, dims: tuple[int, ...], type: Type, place: Place) -> list[Any]:
    items = _items(data, type, place)
    if len(items) != dims[0]:
        raise fail("E0608", f"{place.words} has {len(items)} elements, and should have {dims[0]}", place.span)
    if len(dims) == 1:
        return _converted(items, element, place)
    return [_array(item, element, dims[1:], type, place.at(f"[{i}]")) for i, item in enumerate(items)]


def _struct(data: Any, type: StructT, place: Place) -> tuple[Any, ...]:
    if not isinstance(data, dict):
        raise place.wrong(type, data)
    names = [f.name for f in type.fields]
    for name in [*names, *data]:
        if name not in data or name not in names:
            fault = "is missing" if name in names else f"is no field of {type}"
            raise fail("E0608", f"{place.words}: {name!r} {fault}; it has {', '.join(names)}", place.span)
    return tuple(convert(data[f.name], f.type, place.at(f".{f.name}")) for f in type.fields)


def convert_scalar(data: Any, type: Type, place: Place) -> Any:
    """One cell or JSON scalar as the scalar `type`."""
    match type:
        case BoolT():
            truth = data if isinstance(data, bool) else _TRUTHS.get(str(data).strip())
            if truth is None:
                raise place.wrong(type, data)
            return truth
        case IntT(low=low, high=high):
            number = _integer(data)
            if number is None:
                raise place.wrong(type, data)
            if not low <= number <= high:
                raise place.outside(type, data, low, high)
            return number
        case FixedT():
            return _fixed(data, type, place)
        case EnumT(members=members):
            if not isinstance(data, str) or data.strip() not in members:
                raise place.wrong(type, data)
            return members.index(data.strip())
        case StringT(most):
            if not isinstance(data, str):
                raise place.wrong(type, data)
            if most is not None and len(data.encode()) > most:
                raise fail("E0608", f"{place.words} is longer than {most} bytes", place.span)
            return data
        case AddressT():
            return "0x" + _hex(data, type, 20, 20, place).hex()
        case BytesNT(size):
            return _hex(data, type, size, size, place)
        case BytesT(most):
            return _hex(data, type, 0, most, place)
        case _:
            raise fail("E0608", f"{place.words}: a value of type {type} cannot be an input", place.span)


def _integer(data: Any) -> int | None:
    if isinstance(data, bool):
        return None
    if isinstance(data, int):
        return data
    if isinstance(data, Decimal):
        return int(data) if data.is_finite() and data == data.to_integral_value() and data.adjusted() < 80 else None
    text = data.strip() if isinstance(data, str) else ""
    if _INTEGER.fullmatch(text) is None or len(text) > 200:
        return None
    try:
        return int(text, 0) if "x" in text.lower() else int(text)
    except ValueError:  # underscores at the wrong place
        return None


def _fixed(data: Any, type: FixedT, place: Place) -> int:
    """The nearest raw number; ties to even."""
    try:
        number = None if isinstance(data, bool) else Decimal(str(data).strip().replace("_", ""))
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        raise place.wrong(type, data)
    low, high = Fraction(type.low, 1 << type.fraction), Fraction(type.high, 1 << type.fraction)
    if number.adjusted() > 80 or not low <= Fraction(number) <= high:
        raise place.outside(type, data, float(low), float(high))
    return min(round(Fraction(number) * (1 << type.fraction)), type.high)


def _hex(data: Any, type: Type, least: int, most: int | None, place: Place) -> bytes:
    text = data.strip() if isinstance(data, str) else ""
    try:
        value = bytes.fromhex(text[2:]) if text[:2].lower() == "0x" else None
    except ValueError:
        value = None
    if value is None or len(value) < least or (most is not None and len(value) > most):
        raise place.wrong(type, data)
    return value
