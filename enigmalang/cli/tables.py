"""CSV files as inputs: a column, rows of a struct or tuple, a matrix.

A table may begin with a row of names. For a struct it must, and the columns are found by name, in any order; for
everything else the first row is taken as names when `FILE:COLUMN` asks for a column, or when none of its cells is a
value of the type and all look like names.
"""

import csv
import io
import re
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from enigmalang.cli.convert import Place, convert, convert_scalar, many
from enigmalang.cli.texts import fail, read_text
from enigmalang.diagnostics.diagnostic import EnigmaError
from enigmalang.source import Span
from enigmalang.types.types import ArrayT, ListT, StringT, StructT, TupleT, Type

_NAME = re.compile(r"[^\W\d][\w .-]*")


@dataclass(frozen=True, slots=True)
class Table:
    """The cells of one file; `lines[i]` is the line on which row i ends."""

    path: Path
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    column: str | None
    name: str  # of the input, for messages

    def value(self, type: Type, span: Span) -> Any:
        """The table as `type`, as `convert` gives it. Raises EnigmaError E0605, E0606, E0608."""
        match type:
            case ListT(element, most):
                rows = self._records(element, span)
                if most is not None and len(rows) > most:
                    raise self._shape(f"{len(rows)} rows, and {type} holds at most {most}", span)
                return rows
            case ArrayT(element, dims):
                inner = element if len(dims) == 1 else ArrayT(element, dims[1:])
                rows = self._records(inner, span)
                if len(rows) != dims[0]:
                    raise self._shape(f"{len(rows)} rows, and {type} needs {dims[0]}", span)
                return rows
            case _:
                rows = self._records(type, span)
                if len(rows) != 1:
                    raise self._shape(f"{len(rows)} rows, and {type} is a single value", span)
                return rows[0]

    def _records(self, type: Type, span: Span) -> list[Any]:
        """Every row as `type`."""
        match type:
            case StructT():
                names, types = [f.name for f in type.fields], [f.type for f in type.fields]
                first, columns = 1, self._named(names, span)
            case TupleT(items):
                types = list(items)
                first, columns = self._first(types), self._counted(len(types), span)
            case ArrayT(element, (width,)):
                types = [element] * width
                first, columns = self._first(types), self._counted(width, span)
            case ListT(element):
                return self._ragged(element, type, span)
            case _:
                types, columns = [type], self._one(span)
                first = 1 if self.column is not None else self._first(types)
        rows = self._quickly(first, columns, types)
        if rows is None:
            rows = [self._row(i, columns, types, span) for i in range(first, len(self.rows))]
        if isinstance(type, StructT | TupleT):
            return rows
        return [list(row) for row in rows] if isinstance(type, ArrayT) else [row[0] for row in rows]

    def _quickly(self, first: int, columns: list[int], types: list[Type]) -> list[tuple[Any, ...]] | None:
        """All rows, column by column; None where a cell is missing, or needs a look of its own."""
        try:
            cells = [list(map(itemgetter(c), self.rows[first:])) for c in columns]
        except IndexError:
            return None
        found = [many(column, type) for column, type in zip(cells, types, strict=True)]
        made = [column for column in found if column is not None]
        return list(zip(*made, strict=True)) if len(made) == len(columns) and columns else None

    def _ragged(self, element: Type, type: Type, span: Span) -> list[Any]:
        return [
            convert(list(row), type, Place(f"{self.path}, row {i + 1}", span, cell=True))
            for i, row in enumerate(self.rows)
        ]

    def _row(self, row: int, columns: list[int], types: list[Type], span: Span) -> tuple[Any, ...]:
        cells = self.rows[row]
        for column in columns:
            if column >= len(cells):
                raise fail("E0605", f"{self._where(row, column)} is missing", span)
        return tuple(self._cell(row, c, t, span) for c, t in zip(columns, types, strict=True))

    def _cell(self, row: int, column: int, type: Type, span: Span) -> Any:
        place = Place(self._where(row, column), span, cell=True)
        return convert_scalar(self.rows[row][column], type, place)

    def _where(self, row: int, column: int) -> str:
        """In words. Errors point at the `input(…)`, and quote no line of the file: its cells may be secrets."""
        titled = self.column if self.column is not None else str(column + 1)
        return f"{self.path}, line {self.lines[row]}: row {row + 1}, column {titled}"

    def _first(self, types: list[Type]) -> int:
        """1 when the first row holds names, else 0."""
        cells = self.rows[0] if self.rows else ()
        looks = bool(cells) and all(_NAME.fullmatch(cell.strip()) for cell in cells)
        if not looks or any(isinstance(t, StringT) for t in types):
            return int(looks and len(cells) == 1 and cells[0].strip() == self.name)
        return int(not any(map(_fits, cells, types)))

    def _named(self, names: list[str], span: Span) -> list[int]:
        header = [cell.strip() for cell in self.rows[0]] if self.rows else []
        missing = [name for name in names if name not in header]
        if missing:
            raise self._shape(f"no column {missing[0]!r} in its first row, which has {len(header)} columns", span)
        twice = [name for name in names if header.count(name) > 1]
        if twice:
            raise fail("E0604", f"{self.path} has more than one column {twice[0]!r} in its first row", span,
                       "give every column a name of its own")
        for number, row in enumerate(self.rows, 1):
            if len(row) > len(header):
                raise self._shape(f"{len(row)} columns in row {number}, and {len(header)} names in its first row", span)
        return [header.index(name) for name in names]

    def _counted(self, width: int, span: Span) -> list[int]:
        for number, row in enumerate(self.rows, 1):
            if len(row) != width:
                raise self._shape(f"{len(row)} columns in row {number}, and should have {width}", span)
        return list(range(width))

    def _one(self, span: Span) -> list[int]:
        if self.column is not None:
            return self._named([self.column], span)
        width = max(map(len, self.rows), default=1)
        if width > 1:
            help = f"name the column: --input {self.name}={self.path}:COLUMN"
            raise fail("E0608", f"{self.path} has {width} columns, and one is needed", span, help)
        return [0]

    def _shape(self, fault: str, span: Span) -> EnigmaError:
        return fail("E0608", f"{self.path} has {fault}", span)


def _fits(cell: str, type: Type) -> bool:
    try:
        convert_scalar(cell, type, Place("", Span("", 1, 1, 1, 1)))
    except EnigmaError as error:
        return error.diagnostic.code == "E0606"
    return True


def read_table(path: Path, column: str | None, name: str, span: Span) -> Table:
    """Read a CSV file; empty lines are left out. Raises EnigmaError E0601, E0602, E0604."""
    reader = csv.reader(io.StringIO(read_text(path, span), newline=""), strict=True)
    rows, lines = [], []
    try:
        for row in reader:
            if row:
                rows.append(tuple(row))
                lines.append(reader.line_num)
    except csv.Error as error:
        raise fail("E0604", f"{path}, line {reader.line_num}: malformed CSV: {error}", span) from None
    if not rows:
        raise fail("E0604", f"{path} is empty", span)
    return Table(path, tuple(rows), tuple(lines), column, name)
