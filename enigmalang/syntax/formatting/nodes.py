"""The lexemes of a statement as a tree of brackets, each lexeme with the space before it decided."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from enigmalang.syntax import foreign
from enigmalang.syntax.formatting.lexing import Token, walk
from enigmalang.syntax.formatting.spacing import Spacer
from enigmalang.syntax.words import BLOCK_WORDS


@dataclass(slots=True, eq=False)
class Leaf:
    """A lexeme outside of the brackets within its sequence."""

    token: Token
    space: bool


@dataclass(slots=True, eq=False)
class Group:
    """A pair of brackets. The commas between its elements are left out; `comma` tells of one after the last."""

    opener: Leaf
    elements: list[list["Node"]]
    closer: Token
    comma: bool
    subscript: bool  # it follows an operand: a call, an index, parameters
    held: bool = False  # its first element stays on the opener's line

    @property
    def magic(self) -> bool:
        """Whether the comma at the end is the author's wish for one element a line; in `(x,)` it makes the tuple."""
        return self.comma and (self.subscript or self.opener.token.text != "(" or len(self.elements) > 1)

    @property
    def is_comprehension(self) -> bool:
        return any(isinstance(node, Leaf) and node.token.text == "for" for node in chain(self.elements))


Node = Leaf | Group


def chain(elements: Sequence[Sequence[Node]]) -> Iterator[Node]:
    return (node for element in elements for node in element)


@dataclass(slots=True)
class _Open:
    opener: Leaf
    subscript: bool
    elements: list[list[Node]] = field(default_factory=lambda: [[]])
    commas: list[Token] = field(default_factory=list)


def build(tokens: Sequence[Token]) -> list[Node]:
    """The tree of a statement. Commas outside of brackets stay in it as leaves."""
    spacer = Spacer()
    sequence: list[Node] = []
    stack: list[_Open] = []
    before: Token | None = None
    for token in tokens:
        leaf = Leaf(token, spacer.space(token))
        here = stack[-1].elements[-1] if stack else sequence
        if token.kind == "opener":
            stack.append(_Open(leaf, before is not None and before.ends_operand))
        elif token.kind == "closer":
            group = _closed(stack.pop(), token)
            (stack[-1].elements[-1] if stack else sequence).append(group)
        elif token.text == "," and stack:
            _comma(stack[-1], token)
        else:
            here.append(leaf)
        before = token
    if tokens[0].text in BLOCK_WORDS or foreign.first_word(tokens[0].text) is not None:
        for node in sequence:
            # A `{` at the end of such a line is told to be a block in the style of C.
            if isinstance(node, Group) and node.opener.token.text == "{":
                node.held = True
    return sequence


def _comma(opened: _Open, token: Token) -> None:
    opened.commas.append(token)
    opened.elements.append([])


def _closed(opened: _Open, closer: Token) -> Group:
    elements = opened.elements
    comma = len(elements) > 1 and not elements[-1]
    if not elements[-1]:
        elements.pop()
    group = Group(opened.opener, elements, closer, comma, opened.subscript)
    if group.is_comprehension:
        # The commas are those of its targets: `for a, b in xs`.
        group.elements = [list(_with_commas(elements, opened.commas))]
    else:
        _move_remarks(group, opened.commas)
    return group


def _with_commas(elements: list[list[Node]], commas: list[Token]) -> Iterator[Node]:
    for place, element in enumerate(elements):
        yield from element
        if place < len(commas):
            yield Leaf(commas[place], False)


def _move_remarks(group: Group, commas: list[Token]) -> None:
    """Comments at a comma go to the lexemes beside it, since commas have no place of their own in the tree."""
    for place, comma in enumerate(commas):
        last = last_token(group.elements[place])
        following = first_token(group.elements[place + 1]) if place + 1 < len(group.elements) else group.closer
        remarks = comma.before
        if last.after is not None and comma.after is not None:
            remarks = [*remarks, comma.after]
        elif comma.after is not None:
            last.after = comma.after
        following.before[:0] = remarks
        comma.before, comma.after = [], None


def first_token(nodes: Sequence[Node]) -> Token:
    return nodes[0].token if isinstance(nodes[0], Leaf) else nodes[0].opener.token


def last_token(nodes: Sequence[Node]) -> Token:
    return nodes[-1].token if isinstance(nodes[-1], Leaf) else nodes[-1].closer


# ---------------------------------------------------------------------------------------------------- text


def flat(nodes: Sequence[Node], *, first: bool = True) -> str | None:
    """`nodes` on one line; None when a comment or a comma of the author's forbids it.

    With `first` no space stands before them.
    """
    if not all(_can_be_flat(node) for node in nodes):
        return None
    return joined(nodes, first=first)


def joined(nodes: Sequence[Node], *, first: bool = True) -> str:
    """`nodes` on one line, whatever the author wished; comments are left out."""
    text = "".join(_text(node) for node in nodes)
    return text.removeprefix(" ") if first else text


def plain(tokens: Sequence[Token]) -> str | None:
    """What `flat(build(tokens))` is, without building; None where a comment or an author's comma may forbid it."""
    spacer = Spacer()
    parts: list[str] = []
    depth = 0
    before = ""
    for token in tokens:
        if token.before or token.after is not None:
            return None
        space = spacer.space(token)
        if token.kind == "closer":
            if before == ",":
                return None
            depth -= 1
            space = False
        elif depth and before == ",":
            space = True
        parts.append(f" {token.text}" if space and parts else token.text)
        depth += token.kind == "opener"
        before = token.text
    return "".join(parts)


def _text(node: Node) -> str:
    if isinstance(node, Leaf):
        return " " * node.space + node.token.text
    comma = "," if node.comma and not node.magic else ""
    inside = ", ".join(joined(element) for element in node.elements)
    return f"{' ' * node.opener.space}{node.opener.token.text}{inside}{comma}{node.closer.text}"


def _can_be_flat(node: Node) -> bool:
    if isinstance(node, Leaf):
        return not node.token.commented
    if node.magic or node.opener.token.commented or node.closer.commented:
        return False
    return all(_can_be_flat(inner) for inner in chain(node.elements))


# ------------------------------------------------------------------------------------------------- brackets

_BEFORE_VALUE = frozenset({"return", "require", "assert", "raise", "if", "elif", "while"})
_ASSIGNING = frozenset({"=", "+=", "-=", "*=", "/=", "//=", "%=", "**=", "<<=", ">>=", "&=", "|=", "^="})


def value_range(tokens: Sequence[Token]) -> tuple[int, int] | None:
    """Where the one expression stands that may be put in brackets; None when there is none.

    It is what follows `=`, `return`, `require`, `if`, …, up to a comma, a block's colon or the end; a tuple without
    brackets is none.
    """
    start = 1 if tokens[0].kind == "word" and tokens[0].text in _BEFORE_VALUE else None
    end = len(tokens)
    commas = tokens[0].text in ("require", "assert")
    limited = tokens[0].text == "while"
    for place, (depth, token) in enumerate(walk(list(tokens))):
        if depth or token.kind == "opener":
            continue
        if token.text in _ASSIGNING:
            start, end = place + 1, len(tokens)
        elif token.text == ":" or (limited and token.text == "max" and tokens[place - 1].ends_operand):
            end = min(end, place)
        elif token.text == "," and start is not None and place >= start:
            if not commas:
                return None
            end = min(end, place)
    return (start, end) if start is not None and start < end else None


def imported_names(tokens: Sequence[Token]) -> int | None:
    """Where the names of `from m import a, b` begin; None for other statements."""
    return 3 if tokens[0].text == "from" else None


def without_brackets(tokens: Sequence[Token]) -> list[Token]:
    """`tokens` without brackets around the whole of the value, which an earlier layout may have put there."""
    names = imported_names(tokens)
    if names is not None and tokens[names].text == "(":
        return _without_import_brackets(tokens, names)
    if not any(b.text == "(" and (a.text in _ASSIGNING or a.text in _BEFORE_VALUE) for a, b in pairwise(tokens)):
        return list(tokens)
    found = value_range(tokens)
    while found is not None and _is_bracketed(tokens[found[0] : found[1]]):
        start, end = found
        tokens = [*tokens[:start], *tokens[start + 1 : end - 1], *tokens[end:]]
        found = value_range(tokens)
    return list(tokens)


def _without_import_brackets(tokens: Sequence[Token], names: int) -> list[Token]:
    """A comma behind the last of several names asks for one a line; behind a single name it means nothing."""
    commas = sum(token.text == "," for token in tokens)
    trailing = tokens[-2].text == ","
    if any(token.commented for token in tokens) or (trailing and commas > 1):
        return list(tokens)
    return [*tokens[:names], *tokens[names + 1 : -2 if trailing else -1]]


def _is_bracketed(tokens: Sequence[Token]) -> bool:
    if len(tokens) < 3 or tokens[0].text != "(" or any(token.commented for token in tokens):
        return False
    inside = [token for depth, token in walk(list(tokens)) if depth == 1 and token.kind != "closer"]
    closed = [place for place, (depth, token) in enumerate(walk(list(tokens))) if depth == 0 and token.kind == "closer"]
    return closed == [len(tokens) - 1] and not any(token.text == "," for token in inside)
