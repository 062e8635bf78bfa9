"""Which statements begin a block, told from their first lexemes."""

from collections.abc import Sequence

from enigmalang.syntax.formatting.lexing import Token, walk

_ALWAYS = frozenset({"if", "elif", "else", "for", "while", "as", "def"})
_NAMED = frozenset({"contract", "struct", "enum", "interface", "predicate"})
_MODIFIERS = frozenset({"internal", "view", "payable"})
_OPERATORS = frozenset({"and", "or", "not", "in", "if", "else", "for"})


def keyword(tokens: Sequence[Token]) -> str | None:
    """The word that makes `tokens` the header of a block (`def` also behind modifiers); None for other statements."""
    first = tokens[0]
    if first.kind != "word":
        return None
    if first.text in _ALWAYS:
        return first.text
    second = tokens[1] if len(tokens) > 1 else first
    if first.text in _NAMED:
        return first.text if second.kind == "word" and second.text not in _OPERATORS and len(tokens) > 1 else None
    if first.text == "expect":
        return first.text if second.text in ("revert", "leak") else None
    if first.text == "test":
        return first.text if second.kind == "string" else None
    if first.text in _MODIFIERS:
        return "def" if second.text == "def" or second.text in _MODIFIERS else None
    return None


def suite_colon(tokens: Sequence[Token]) -> int | None:
    """Where the colon stands that a block follows on the same line; None when the block is below, or there is none."""
    if keyword(tokens) is None:
        return None
    for place, (depth, token) in enumerate(walk(list(tokens))):
        if depth == 0 and token.text == ":":
            return place if place + 1 < len(tokens) else None
    return None
