"""Where a sequence inside brackets may be cut into lines: before its loosest operators."""

from collections.abc import Callable, Sequence
from typing import TypeGuard

from enigmalang.syntax.formatting.nodes import Group, Leaf, Node, joined

_Test = Callable[[Node, Node], bool]


def _operators(*signs: str) -> _Test:
    return lambda before, node: isinstance(node, Leaf) and not node.token.unary and node.token.text in signs


def _strings(before: Node, node: Node) -> bool:
    """Literals side by side are one text."""
    return all(isinstance(n, Leaf) and n.token.kind == "string" for n in (before, node))


#: Loosest first. `not in` is cut before `not`.
_CUTS: tuple[_Test, ...] = (
    _operators("if", "else"),
    _operators("or"),
    _operators("and"),
    _operators("==", "!=", "<", "<=", ">", ">=", "in", "not"),
    _operators("|"),
    _operators("^"),
    _operators("&"),
    _operators("<<", ">>"),
    _operators("+", "-"),
    _operators("*", "/", "//", "%"),
    _strings,
)


def cut(nodes: Sequence[Node]) -> list[list[Node]]:
    """`nodes` in pieces, each after the first beginning with one of the loosest operators; one piece when none is."""
    loops = [place for place, node in enumerate(nodes) if _is_word(node, "for")]
    if loops:
        places = [place for place, node in enumerate(nodes) if place >= loops[0] and _is_word(node, "for", "if")]
        return _pieces(nodes, places)
    for test in _CUTS:
        places = [place for place in range(1, len(nodes)) if test(nodes[place - 1], nodes[place])]
        places = [place for place in places if not _is_word(nodes[place - 1], "not")]
        if places:
            return _pieces(nodes, places)
    return [list(nodes)]


def has_operator(nodes: Sequence[Node]) -> bool:
    return len(cut(nodes)) > 1


_NESTED = 3
_ARITHMETIC = _operators("+", "-", "*", "/", "//", "%", "|", "^", "&", "<<", ">>", "and", "or")


def is_nested(nodes: Sequence[Node]) -> bool:
    """Whether brackets that only group are so deep in one another that a line for each would make a staircase."""
    return _nesting(nodes) >= _NESTED


def _nesting(nodes: Sequence[Node]) -> int:
    return max((1 + _nesting(node.elements[0]) for node in nodes if _only_groups(node)), default=0)


def _only_groups(node: Node) -> TypeGuard[Group]:
    return isinstance(node, Group) and not node.subscript and node.opener.token.text == "(" and len(node.elements) == 1


def flowing(nodes: Sequence[Node]) -> list[str]:
    """The text of `nodes` in parts, a new one before each operator that only grouping brackets are around."""
    parts = [""]
    before: Node | None = None
    for node in nodes:
        if _only_groups(node) and not node.comma:
            first, *inner = flowing(node.elements[0])
            parts[-1] += f"{joined([node.opener], first=False)}{first}"
            parts += inner
            parts[-1] += node.closer.text
        else:
            parts += [""] if before is not None and _ARITHMETIC(before, node) else []
            parts[-1] += joined([node], first=False)
        before = node
    return parts


def _is_word(node: Node, *words: str) -> bool:
    return not isinstance(node, Group) and node.token.text in words


def _pieces(nodes: Sequence[Node], places: Sequence[int]) -> list[list[Node]]:
    ends = [*places, len(nodes)]
    return [list(nodes[start:end]) for start, end in zip([0, *places], ends, strict=True) if start < end]
