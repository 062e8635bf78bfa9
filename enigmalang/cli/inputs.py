"""`--input NAME=FILE|VALUE`: what was given, and the value of the type that the program declares.

`NAME=table.csv`, `NAME=table.csv:column` and `NAME=value.json` name files (told by their endings); anything else is
the value itself, as JSON or as one would write it in the program: `90000`, `1_000`, `True`, `[1, 2, 3]`, `Alice`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from enigmalang.cli.convert import Place, convert
from enigmalang.cli.tables import Table, read_table
from enigmalang.cli.texts import fail, parse_json, read_text
from enigmalang.source import Span
from enigmalang.types.types import StringT, Type

_FILE = re.compile(r"(?P<path>.+\.(?P<kind>csv|json))(?::(?P<column>[^/\\]+))?", re.IGNORECASE | re.DOTALL)


class BadInput(Exception):
    """`--input` itself is malformed: wrong usage, not wrong data."""


@dataclass(frozen=True, slots=True)
class Given:
    """One `--input`, as written after the `=`."""

    name: str
    text: str = field(repr=False)  # it may be a secret

    def value(self, type: Type, span: Span) -> Any:
        """The value as `type` (see `convert.convert`). Raises EnigmaError E0601, E0602, E0604…E0606, E0608."""
        data = self._read(type, span)
        if isinstance(data, Table):
            return data.value(type, span)
        return convert(data, type, Place(f"input {self.name!r}", span))

    def _read(self, type: Type, span: Span) -> Any:
        match = _FILE.fullmatch(self.text)
        if match is None and isinstance(type, StringT) and not self.text.startswith('"'):
            return self.text
        if match is None:
            return parse_json(self.text, None, span)
        path = Path(match["path"])
        if match["kind"].lower() == "csv":
            return read_table(path, match["column"], self.name, span)
        if match["column"] is not None:
            raise fail("E0604", f"{path} is JSON; only a CSV file has columns", span)
        return parse_json(read_text(path, span), path, span)


def parse_inputs(options: Iterable[str], arguments: Sequence[str]) -> dict[str, Given]:
    """`--input` options and the arguments after `--`, which are the inputs "1", "2", …, by name. Raises BadInput."""
    found = {str(number): Given(str(number), text) for number, text in enumerate(arguments, 1)}
    for option in options:
        name, equals, text = option.partition("=")
        if not equals or not name.strip():
            raise BadInput("--input takes NAME=FILE or NAME=VALUE")  # what was given may be a value
        if name.strip() in found:
            raise BadInput(f"the input {name.strip()!r} is given twice")
        found[name.strip()] = Given(name.strip(), text)
    return found


class Inputs:
    """What the program's `input(NAME)` reads."""

    def __init__(self, given: Mapping[str, Given]) -> None:
        self._given = dict(given)

    def read(self, name: str, type: Type, span: Span) -> Any:
        """The input `name` as `type`. Raises EnigmaError E0603 when it was not given, and those of `Given.value`."""
        if name in self._given:
            return self._given[name].value(type, span)
        raise fail("E0603", f"the input {name!r} was not given", span, _how_to_give(name, type))

    def refuse_unknown(self, known: Iterable[str], span: Span) -> None:
        """Raise EnigmaError E0607 when something was given that no `input(…)` of the program reads."""
        names = sorted(set(known))
        for name in self._given:
            if name not in names:
                reads = ", ".join(map(repr, names)) or "no input at all"
                raise fail("E0607", f"the program reads no input {name!r}", span, f"it reads {reads}")


def _how_to_give(name: str, type: Type) -> str:
    if name.isdigit():
        return f"give it as argument number {name}: `enig run FILE -- …`; it is read as {type}"
    return f"add `--input {name}=VALUE` or `--input {name}=FILE`, a file ending in .csv or .json; it is read as {type}"
