"""One statement as lines of at most WIDTH characters, where its brackets and operators allow it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from enigmalang.syntax.formatting.lexing import STEP, Token
from enigmalang.syntax.formatting.nodes import (
    Group,
    Leaf,
    Node,
    build,
    first_token,
    flat,
    imported_names,
    joined,
    last_token,
    plain,
    value_range,
    without_brackets,
)
from enigmalang.syntax.formatting.operators import cut, flowing, has_operator, is_nested

WIDTH = 100
#: So much room a statement has, however deep its block is.
_ROOM = 40


@dataclass(slots=True, eq=False)
class Row:
    """A line of the result; `code` is empty for a comment alone, and holds line ends inside of strings."""

    indent: int
    code: str = ""
    comment: str | None = None
    head: int = 0  # length of `as alice:` when a statement follows it on the line
    gap: int = 2  # spaces between code and comment

    @property
    def column(self) -> int:
        """Where the next character goes."""
        cut_at = self.code.rfind("\n")
        return self.indent + len(self.code) if cut_at < 0 else len(self.code) - cut_at - 1


def rows_of(tokens: Sequence[Token], indent: int) -> list[Row]:
    """The statement of `tokens`, or the header of a block, indented by `indent`; the tokens' comments are used up."""
    shift = max(0, indent - WIDTH + _ROOM)
    rows = _rows(tokens, indent - shift)
    for row in rows:
        row.indent += shift
    return rows


def _rows(tokens: Sequence[Token], indent: int) -> list[Row]:
    comment, tokens[-1].after = tokens[-1].after, None
    tokens = without_brackets(tokens)
    line = plain(tokens)
    if line is not None and _fits(indent, line):
        return [Row(indent, line, comment)]
    nodes = build(tokens)
    writer = _Writer([Row(indent)])
    line = flat(nodes)
    if line is not None and _fits(indent, line):
        writer.put(line, indent)
    else:
        _statement(writer, tokens, nodes, indent)
    writer.row.comment = comment
    return writer.rows


def on_one_line(tokens: Sequence[Token]) -> str | None:
    """The statement on one line, however long; None when that cannot be."""
    line = flat(build(without_brackets(tokens)))
    return None if line is None or "\n" in line else line


def _fits(column: int, text: str, tail: int = 0) -> bool:
    first, *rest = text.split("\n")
    ends_within = not rest or len(rest[-1]) + tail <= WIDTH
    return column + len(first) + (0 if rest else tail) <= WIDTH and ends_within


@dataclass(slots=True)
class _Writer:
    """Rows as they grow; a comment ends its row."""

    rows: list[Row] = field(default_factory=list)

    @property
    def row(self) -> Row:
        return self.rows[-1]

    def newline(self, indent: int) -> None:
        """Go on in a new row, unless this one is still empty."""
        if self.row.code or self.row.comment is not None:
            self.rows.append(Row(indent))
        else:
            self.row.indent = indent

    def put(self, text: str, indent: int) -> None:
        """Write `text`; behind a comment it goes on below, in a row indented by `indent`."""
        if self.row.comment is not None:
            self.newline(indent)
        self.row.code += text if self.row.code else text.removeprefix(" ")

    def token(self, token: Token, space: bool, indent: int) -> None:
        self.remarks(token.before, indent)
        self.put(" " * space + token.text, indent)
        self.row.comment = token.after

    def remarks(self, comments: Sequence[str], indent: int) -> None:
        """Write comments on rows of their own."""
        for comment in comments:
            self.newline(indent)
            self.row.comment = comment


def _statement(writer: _Writer, tokens: Sequence[Token], nodes: list[Node], indent: int) -> None:
    names = imported_names(tokens)
    if names is not None and tokens[names].text != "(":
        _sequence(writer, build(_bracketed(tokens, names, len(tokens))), indent, 0)
        return
    found = value_range(tokens)
    if found is not None and not _fits(indent, joined(nodes)):
        start, end = found
        value = build(tokens[start:end])
        if has_operator(value) and not any(token.commented for token in tokens):
            _sequence(writer, build(_bracketed(tokens, start, end)), indent, 0)
            return
    _sequence(writer, nodes, indent, 0)


def _bracketed(tokens: Sequence[Token], start: int, end: int) -> list[Token]:
    return [*tokens[:start], Token("opener", "("), *tokens[start:end], Token("closer", ")"), *tokens[end:]]


# ----------------------------------------------------------------------------------------------- sequences


def _sequence(writer: _Writer, nodes: Sequence[Node], indent: int, tail: int) -> None:
    """`nodes` at the writer's place, in as few lines as can be by breaking brackets; `tail` characters follow."""
    broken = _to_break(nodes, writer.row.column, indent, tail)
    last = len(nodes) - 1
    for place, node in enumerate(nodes):
        if isinstance(node, Leaf):
            writer.token(node.token, node.space, indent)
        elif place in broken:
            _group(writer, node, indent, tail if place == last else 0)
        else:
            writer.put(joined([node], first=False), indent)


def _to_break(nodes: Sequence[Node], column: int, indent: int, tail: int) -> set[int]:
    """Which groups to break: those that must be, and then the longest on each line that is too long."""
    broken = {place for place, node in enumerate(nodes) if isinstance(node, Group) and flat([node]) is None}
    while True:
        candidates = _on_long_lines(nodes, broken, column, indent, tail)
        if not candidates:
            return broken
        broken.add(max(candidates, key=lambda place: (len(joined([nodes[place]])), place)))


def _on_long_lines(nodes: Sequence[Node], broken: set[int], column: int, indent: int, tail: int) -> list[int]:
    """The groups that can be broken on the first line that is too long."""
    here: list[int] = []
    for place, node in enumerate(nodes):
        if place in broken:
            assert isinstance(node, Group)
            opener = joined([node.opener], first=False)
            if column + len(opener) > WIDTH and here:
                return here
            column, here = indent + 1, []
            continue
        text = joined([node], first=False)
        fits = _fits(column, text, tail if place == len(nodes) - 1 else 0)
        column = column + len(text) if "\n" not in text else len(text) - text.rfind("\n") - 1
        if isinstance(node, Group) and node.elements:
            here.append(place)
        if not fits and here:
            return here
    return []


def _inner(writer: _Writer, nodes: Sequence[Node], indent: int, tail: int, further: int) -> None:
    """`nodes` on a line inside brackets: whole, or cut before operators, or with brackets broken."""
    text = flat(nodes)
    if text is not None and _fits(writer.row.column, text, tail):
        writer.put(text, indent)
        return
    if text is not None and is_nested(nodes):
        _flow(writer, nodes, indent)
        return
    pieces = cut(nodes) if _wants_cut(nodes, writer.row.column, tail) else [list(nodes)]
    if len(pieces) == 1:
        _sequence(writer, nodes, indent, tail)
        return
    for place, piece in enumerate(pieces):
        if place:
            writer.newline(further)
        _inner(writer, piece, further if place else indent, tail if place == len(pieces) - 1 else 0, further + STEP)


def _flow(writer: _Writer, nodes: Sequence[Node], indent: int) -> None:
    """A sum within a sum within a sum, such as Horner's scheme: lines as full as can be, cut before operators."""
    for place, part in enumerate(flowing(nodes)):
        if place and not _fits(writer.row.column, part):
            writer.newline(indent)
        writer.put(part, indent)


def _wants_cut(nodes: Sequence[Node], column: int, tail: int) -> bool:
    """Whether `nodes` are too long for the line, or have comments between them."""
    remarked = any(first_token([node]).before for node in nodes[1:]) or any(last_token([n]).after for n in nodes[:-1])
    return remarked or not _fits(column, joined(nodes), tail)


# -------------------------------------------------------------------------------------------------- groups


def _group(writer: _Writer, group: Group, indent: int, tail: int) -> None:
    """`group` over several lines; its last bracket stands on a line of its own."""
    opener = group.opener
    writer.token(opener.token, opener.space, indent)
    inner = indent + STEP
    if _is_hugged(group):
        only = group.elements[0][0]
        assert isinstance(only, Group)
        _group(writer, only, indent, 0)
        writer.token(group.closer, False, indent)
        return
    line = None if group.held else _one_line(group, inner)
    if line is not None:
        writer.newline(inner)
        writer.put(line, inner)
    elif _is_filled(group):
        _fill(writer, group, inner)
    else:
        _one_each(writer, group, inner)
    remarks, group.closer.before = group.closer.before, []
    writer.remarks(remarks, inner)
    writer.newline(indent)
    writer.token(group.closer, False, indent)


def _is_hugged(group: Group) -> bool:
    """Whether the only thing inside is another pair of brackets: `f([`, and not `f(` and `[` below each other."""
    if group.magic or group.comma or len(group.elements) != 1 or len(group.elements[0]) != 1:
        return False
    only = group.elements[0][0]
    if not isinstance(only, Group) or not only.elements:
        return False
    remarked = only.opener.token.before or only.closer.after or group.opener.token.after or group.closer.before
    return not remarked


def _one_line(group: Group, inner: int) -> str | None:
    """What is inside on a single line, where it fits there."""
    if group.magic or not all(flat(element) is not None for element in group.elements):
        return None
    line = ", ".join(joined(element) for element in group.elements) + ("," if group.comma else "")
    return line if _fits(inner, line) else None


def _is_filled(group: Group) -> bool:
    """Whether the elements are literals, as in a table of numbers: as many a line as there is room for."""
    literals = all(_is_literal(element) for element in group.elements)
    return literals and len(group.elements) > 1 and group.opener.token.text in "[("


def _is_literal(element: Sequence[Node]) -> bool:
    *signs, last = element
    if not isinstance(last, Leaf) or last.token.kind not in ("number", "string") or "\n" in last.token.text:
        return False
    return not last.token.commented and all(
        isinstance(n, Leaf) and n.token.unary and not n.token.commented for n in signs
    )


def _fill(writer: _Writer, group: Group, inner: int) -> None:
    writer.newline(inner)
    for element in group.elements:
        text = f"{joined(element)},"
        if writer.row.code and not _fits(writer.row.column + 1, text):
            writer.newline(inner)
        writer.put(f" {text}", inner)


def _one_each(writer: _Writer, group: Group, inner: int) -> None:
    elements = group.elements
    alone = len(elements) == 1
    trailing = group.comma or not alone
    for element in elements:
        first, last = first_token(element), last_token(element)
        remarks, first.before = first.before, []
        comment, last.after = last.after, None
        writer.remarks(remarks, inner)
        if not (group.held and element is elements[0]):
            writer.newline(inner)
        comma = trailing or element is not elements[-1]
        _inner(writer, element, inner, int(comma), inner if alone else inner + STEP)
        writer.put("," * comma, inner)
        writer.row.comment = comment
