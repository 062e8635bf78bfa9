"""Highlighting: the tokens of EnigmaLang for Pygments, and by it for the REPL, `pygmentize` and documentation tools.

Text is cut by the scanner's own table, and words are told apart by the terminals of the grammar. Neither a parse nor
a whole program is needed: any text has tokens, and joined they are that text.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from pygments.lexer import Lexer
from pygments.token import (
    Comment,
    Error,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Text,
    Whitespace,
)

from enigmalang.syntax.literals import ESCAPE
from enigmalang.syntax.scanner import LEXEME
from enigmalang.syntax.terminals import word_terminals
from enigmalang.syntax.words import FUNCTIONS, RESERVED, SIZED_TYPES, STATEMENT_WORDS, TYPES, VALUES

TokenKind = Any  # one of Pygments' token types, which has no types of its own
Piece = tuple[int, TokenKind, str]

#: Where a soft keyword is one: what the parser's tables know, the highlighter has to say.
#: "statement": first in a statement; "prefix": where a value may begin; "operand": right after a value;
#: "number": right after a number; "expect": after that word.
Where = Literal["statement", "prefix", "operand", "number", "expect"]
PLACES: Mapping[str, Where] = MappingProxyType(
    {
        **dict.fromkeys(("_CONTRACT", "_STRUCT", "_ENUM", "_INTERFACE", "_PREDICATE", "_EVENT", "_ERROR"), "statement"),
        **dict.fromkeys(("_IDENTITY", "_ADVANCE", "_TEST", "_EXPECT", "MODIFIER", "_BUDGET"), "statement"),
        **dict.fromkeys(("_DEPLOY", "_SUBMIT"), "prefix"),
        **dict.fromkeys(("_MAX", "BLOCKS"), "operand"),
        **dict.fromkeys(("_REVERT", "_LEAK"), "expect"),
        "UNIT": "number",
    }
)

_HARD: Mapping[str, TokenKind] = MappingProxyType(
    {
        **dict.fromkeys(("and", "or", "not", "in"), Operator.Word),
        **dict.fromkeys(("True", "False"), Keyword.Constant),
        **dict.fromkeys(("from", "import"), Keyword.Namespace),
        **dict.fromkeys(("private", "const", "def"), Keyword.Declaration),
    }
)
_DECLARED: Mapping[str, TokenKind] = MappingProxyType(
    {
        **dict.fromkeys(("def", "predicate"), Name.Function),
        **dict.fromkeys(("contract", "struct", "enum", "interface", "event", "error"), Name.Class),
        "const": Name.Constant,
    }
)
_SIGNS: Mapping[str, TokenKind] = MappingProxyType(
    {
        "opener": Punctuation,
        "closer": Punctuation,
        "space": Whitespace,
        "newline": Whitespace,
        "continued": Text,
        "comment": Comment.Single,
        "number": Number,
        "operator": Operator,
        "foreign": Error,
        "other": Error,
    }
)
_PUNCTUATION = frozenset({",", ":", "."})
_QUOTES = ('"""', "'''")


class EnigmaLexer(Lexer):  # type: ignore[misc]  # Pygments has no types
    """Tokens of `.enig` files, also of unfinished ones. Line ends and blank lines at the ends are kept as they are."""

    name = "EnigmaLang"
    url = ""
    aliases = ("enigma", "enig", "enigmalang")
    filenames = ("*.enig",)
    mimetypes = ("text/x-enigma",)

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"stripnl": False, "ensurenl": False, **options})

    def get_tokens_unprocessed(self, text: str) -> Iterator[Piece]:
        """Triples (offset, kind, piece); the pieces joined are `text`."""
        return _Highlighter(text).run()


class _Highlighter:
    """One walk over a text; knows the last word or sign, and how deep in brackets it is."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.depth = 0
        self.begins = True  # a statement may begin here
        self.kind = ""  # of the last word or sign
        self.last = ""
        self.after_value = False
        self.keyword = ""  # the last word, where it was a keyword

    def run(self) -> Iterator[Piece]:
        for match in LEXEME.finditer(self.text):
            offset, kind, piece = match.start(), str(match.lastgroup), match.group()
            match kind:
                case "space" | "comment" | "continued":
                    yield offset, _SIGNS[kind], piece
                case "newline":
                    yield offset, _SIGNS[kind], piece
                    self.line_end()
                case "word":
                    yield offset, self.word(piece, offset), piece
                case "string":
                    yield from _escapes(offset, piece)
                    self.moved("string", piece, value=True)
                case "unclosed":
                    long = piece.endswith(_QUOTES)  # all that follows is in it
                    yield from _escapes(offset, self.text[offset:] if long else piece)
                    if long:
                        return
                    self.moved("string", piece, value=True)
                case _:
                    yield offset, Punctuation if piece in _PUNCTUATION else _SIGNS[kind], piece
                    self.sign(kind, piece)

    def line_end(self) -> None:
        if self.depth == 0:
            self.moved("", "", value=False)
        self.begins = True  # also in brackets: one may have been forgotten

    def sign(self, kind: str, piece: str) -> None:
        if kind == "opener":
            self.depth += 1
        elif kind == "closer":
            self.depth = max(0, self.depth - 1)
        self.moved(kind, piece, value=kind in ("closer", "number"))
        # `as alice: expect revert: f()` goes on with a statement; so does `x: event` seem to, which no name follows.
        self.begins = piece == ":" and self.depth == 0

    def moved(self, kind: str, piece: str, *, value: bool, keyword: str = "") -> None:
        self.kind, self.last, self.after_value, self.keyword = kind, piece, value, keyword
        self.begins = False

    def word(self, word: str, offset: int) -> TokenKind:
        if word in RESERVED:
            if self.begins and word in STATEMENT_WORDS:
                self.depth = 0
            self.moved("word", word, value=word in ("True", "False"), keyword=word)
            return _HARD.get(word, Keyword)
        if self.is_soft_keyword(word, offset):
            again = word in _modifiers()  # `internal view def`
            if self.begins:
                self.depth = 0
            self.moved("word", word, value=False, keyword=word)
            self.begins = again
            if word.startswith("@"):
                return Name.Decorator
            return Keyword.Declaration if word in _DECLARED or again else Keyword
        kind = self.named(word, self.text[offset + len(word) : offset + len(word) + 1])
        self.moved("word", word, value=True)
        return kind

    def is_soft_keyword(self, word: str, offset: int) -> bool:
        return any(
            self.stands(where) and (found := pattern.match(self.text, offset)) and found.group() == word
            for where, pattern in _soft().get(word, ())
        )

    def stands(self, where: Where) -> bool:
        match where:
            case "statement":
                return self.begins
            case "prefix":
                return not self.after_value and self.last != "."
            case "operand":
                return self.after_value
            case "number":
                return self.kind == "number"
            case "expect":
                return self.keyword == "expect"

    def named(self, word: str, following: str) -> TokenKind:
        """The kind of a word that is no keyword. The language's own names are told by their spelling alone."""
        if self.last == ".":
            return Name.Attribute
        if self.keyword in _DECLARED:
            return _DECLARED[self.keyword]
        if word in SIZED_TYPES or (word in TYPES and (word not in FUNCTIONS or following == "[")):
            return Keyword.Type
        if word in FUNCTIONS:
            return Name.Builtin
        return Name.Builtin.Pseudo if word in VALUES else Name


@cache
def _soft() -> Mapping[str, tuple[tuple[Where, re.Pattern[str]], ...]]:
    """Where each soft keyword stands, and what has to follow it."""
    found: dict[str, tuple[tuple[Where, re.Pattern[str]], ...]] = {}
    for terminal in word_terminals().values():
        if terminal.name in PLACES:
            row = (PLACES[terminal.name], re.compile(terminal.pattern))
            for word in terminal.words:
                found[word] = (*found.get(word, ()), row)
    return MappingProxyType(found)


@cache
def _modifiers() -> frozenset[str]:
    return frozenset(word_terminals()["MODIFIER"].words)


def _escapes(offset: int, piece: str) -> Iterator[Piece]:
    """A string, with its escapes apart."""
    done = 0
    for match in ESCAPE.finditer(piece):
        if match.start() > done:
            yield offset + done, String, piece[done : match.start()]
        yield offset + match.start(), String.Escape, match.group()
        done = match.end()
    if done < len(piece):
        yield offset + done, String, piece[done:]
