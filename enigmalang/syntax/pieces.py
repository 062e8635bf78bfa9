"""The statements of a file, parsed one by one and kept while their text and their place stay the same.

A piece is a statement of the top level, or a member of a contract (behind a copy of the contract's first line). What a
piece means does not depend on the pieces around it, so a file in which one function changed is parsed where it
changed; `enig check` takes the same way without keeping anything.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from lark.exceptions import UnexpectedInput

from enigmalang.diagnostics import Diagnostic, Sink
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.syntax.builder import build
from enigmalang.syntax.grammar import grammar
from enigmalang.syntax.scanner import Line, Scan
from enigmalang.syntax.words import BUDGET

_CONTRACT = re.compile(r"contract[ \t]+[A-Za-z_][A-Za-z0-9_]*[ \t]*:[ \t]*(?:#.*)?")
_MEMBER = 4  # spaces before a member


@dataclass(frozen=True, slots=True)
class Parsed:
    """A piece's tree. `module` None: something in it was refused, and `found` says what (`failure`: by the grammar)."""

    module: ast.Module | None
    found: tuple[Diagnostic, ...]
    failure: UnexpectedInput | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """Some logical lines; those of a member of a contract have its first line as `header`."""

    lines: Sequence[Line]
    header: Line | None = None


@dataclass(slots=True)
class Pieces:
    """What was parsed, by place and text. `begin` a file, and what it does not ask for is forgotten.

    `parsed` counts the pieces that the grammar was asked about.
    """

    parsed: int = 0
    _kept: dict[tuple[str, int, str], Parsed] = field(default_factory=dict)
    _last: dict[tuple[str, int, str], Parsed] = field(default_factory=dict)
    _contracts: dict[tuple[str, int], tuple[list[Parsed], ast.Module | None]] = field(default_factory=dict)
    _joined: dict[tuple[str, int], tuple[list[Parsed], ast.Module | None]] = field(default_factory=dict)

    def begin(self) -> None:
        self._last, self._kept = self._kept, {}
        self._contracts, self._joined = {}, self._contracts

    def contract(self, scan: Scan, block: list[Line], parts: list[Parsed]) -> ast.Module | None:
        """The contract of its parsed members, the same tree as long as they are the same; None where they do not make
        one together."""
        key = scan.source.path, block[0].number
        known = self._joined.get(key)
        if known is None or len(known[0]) != len(parts) or any(
                a is not b for a, b in zip(known[0], parts, strict=True)):
            known = parts, _joined(scan, block, parts)
        self._contracts[key] = known
        return known[1]

    def of(self, scan: Scan, piece: Piece) -> Parsed:
        """The tree of `piece`, all of whose lines have sound characters and brackets."""
        first = piece.lines[0].number
        text = _text(scan, piece.lines)
        if piece.header is not None:
            first -= 1
            text = f"{_text(scan, [piece.header])}{text}"
        key = (scan.source.path, first, text)
        found = self._kept.get(key) or self._last.get(key)
        if found is None:
            self.parsed += 1
            found = _parsed(scan, text, first)
        self._kept[key] = found
        return found


def _text(scan: Scan, lines: Sequence[Line]) -> str:
    return scan.source.text[scan.starts[lines[0].number - 1]: lines[-1].stop] + "\n"


def _parsed(scan: Scan, text: str, first: int) -> Parsed:
    sink = Sink()
    try:
        tree = grammar().parse(text)
    except UnexpectedInput as error:
        return Parsed(None, (), error)
    module = build(tree, scan.source, sink, first)
    return Parsed(module, tuple(sink.diagnostics))


def statements(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """The lines of each statement of the top level."""
    return _grouped(lines, 0)


def _grouped(lines: Sequence[Line], indent: int) -> Iterator[list[Line]]:
    block: list[Line] = []
    for line in lines:
        if block and line.indent <= indent and line.first not in ("elif", "else") and block[-1].first != BUDGET:
            yield block
            block = []
        block.append(line)
    if block:
        yield block


def members(scan: Scan, block: list[Line]) -> list[Piece]:
    """The members of the contract that `block` is; nothing when it is none, or cannot be cut."""
    header = block[0]
    if header.first != "contract" or len(block) < 2 or any(line.indent < _MEMBER for line in block[1:]):
        return []
    if not _CONTRACT.fullmatch(scan.source.line(header.number)):
        return []
    return [Piece(lines, header) for lines in _grouped(block[1:], _MEMBER)]


def _joined(scan: Scan, block: list[Line], parts: Sequence[Parsed]) -> ast.Module | None:
    made: list[ast.ContractDef] = []
    for number, part in enumerate(parts):
        node = part.module.body[0] if part.module is not None and len(part.module.body) == 1 else None
        if not isinstance(node, ast.ContractDef) or (number and node.docstring is not None):
            return None
        made.append(node)
    head, line = made[0], block[0].number
    end = max((node.span for node in made), key=lambda span: (span.end_line, span.end_column))
    contract = ast.ContractDef(
        Span(head.span.path, line, head.span.column, end.end_line, end.end_column), head.name,
        replace(head.name_span, line=line, end_line=line),
        state=tuple(n for node in made for n in node.state), events=tuple(n for node in made for n in node.events),
        errors=tuple(n for node in made for n in node.errors), structs=tuple(n for node in made for n in node.structs),
        enums=tuple(n for node in made for n in node.enums),
        constants=tuple(n for node in made for n in node.constants),
        functions=tuple(n for node in made for n in node.functions), docstring=head.docstring)
    return ast.Module(contract.span, scan.source, (contract,))
