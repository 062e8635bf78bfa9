"""A file as statements and comments: lexemes with the comments that belong to them, nothing of the old layout."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from enigmalang.syntax.scanner import LEXEME
from enigmalang.syntax.words import RESERVED

STEP = 4
_PREFIXES = "bBfFrRuU"
_OPERAND_WORDS = frozenset({"True", "False"})
_SIGNS = frozenset({"+", "-", "~"})


@dataclass(slots=True, eq=False)
class Token:
    """A lexeme; `before` are the comments on lines of their own above it, `after` the one at the end of its line."""

    kind: str  # "word", "number", "string", "operator", "opener" or "closer"
    text: str
    spaced: bool = False  # whether space stood before it
    before: list[str] = field(default_factory=list)
    after: str | None = None
    unary: bool = False

    @property
    def ends_operand(self) -> bool:
        """Whether an operand can end here: what follows is an operator, a call's bracket or a keyword."""
        if self.kind == "word":
            return self.text not in RESERVED or self.text in _OPERAND_WORDS
        return self.kind in ("number", "string", "closer")

    @property
    def commented(self) -> bool:
        return bool(self.before) or self.after is not None


@dataclass(slots=True, eq=False)
class Statement:
    """A logical line: a statement of one line, or the header of a block."""

    level: int  # how many blocks it stands in
    blanks: int  # empty lines above it
    tokens: list[Token]

    @property
    def opens(self) -> bool:
        """Whether a block is indented below it."""
        return self.tokens[-1].text == ":"


@dataclass(slots=True, eq=False)
class Remark:
    """A comment on a line of its own, between statements."""

    column: int
    blanks: int
    text: str
    level: int = 0  # set when the statements around it are known


Item = Statement | Remark


def items_of(text: str) -> list[Item]:
    """The statements and comments of `text`, which must be free of syntax errors."""
    return _Lexer().run(text)


def whole_items_of(text: str, following: int) -> list[Item] | None:
    """As `items_of`, of a part of a file below which a statement of level `following` stands.

    None when the part ends inside of brackets or of a string.
    """
    lexer = _Lexer()
    items = lexer.run(text, following)
    return items if lexer.depth == 0 and not lexer.unclosed else None


def tokens_of(text: str) -> list[Token]:
    """The lexemes of a single statement."""
    items = items_of(text)
    assert len(items) == 1 and isinstance(items[0], Statement)
    return items[0].tokens


class _Lexer:
    def __init__(self) -> None:
        self.items: list[Item] = []
        self.statement: Statement | None = None
        self.depth = 0
        self.unclosed = False  # a string has no end
        self.blanks = 0
        self.fresh = True  # nothing but space on this line
        self.column = 0
        self.spaced = False
        self.remarks: list[str] = []  # comments inside brackets that wait for the next lexeme

    def run(self, text: str, following: int = 0) -> list[Item]:
        for match in LEXEME.finditer(text):
            lexeme = match.group()
            match match.lastgroup:
                case "newline":
                    self.newline()
                case "space":
                    self.spaced = True
                    if self.fresh:
                        self.column = len(lexeme.replace("\ufeff", "").expandtabs(STEP))
                case "continued":
                    self.spaced = True
                case "comment":
                    self.comment(normal_comment(lexeme, match.start() == 0))
                case kind:
                    self.unclosed |= kind == "unclosed"
                    self.token(str(kind), lexeme)
        _place_remarks(self.items, following)
        return self.items

    def newline(self) -> None:
        if self.depth == 0:
            if self.fresh and self.statement is None:
                self.blanks += 1
            self.statement = None
        self.fresh, self.spaced, self.column = True, False, 0

    def comment(self, text: str) -> None:
        if self.statement is None:
            self.items.append(Remark(self.column, self.take_blanks(), text))
        elif self.fresh and self.depth:
            self.remarks.append(text)
        else:
            self.statement.tokens[-1].after = text
        self.fresh = False

    def take_blanks(self) -> int:
        blanks, self.blanks = self.blanks, 0
        return blanks

    def token(self, kind: str, text: str) -> None:
        if self.statement is None:
            self.statement = Statement(self.column // STEP, self.take_blanks(), [])
            self.items.append(self.statement)
        if kind == "string":
            text = normal_string(text)
        token = Token(kind, text, self.spaced or self.fresh, self.remarks)
        before = self.statement.tokens[-1] if self.statement.tokens else None
        token.unary = text in _SIGNS and (before is None or not before.ends_operand)
        self.statement.tokens.append(token)
        self.depth += (kind == "opener") - (kind == "closer")
        self.remarks, self.fresh, self.spaced = [], False, False


def _place_remarks(items: list[Item], last: int) -> None:
    """A comment belongs to the deepest block around it that is not indented more than the comment is."""
    deepest = 0
    following = _following_levels(items, last)
    for item, lowest in zip(items, following, strict=True):
        if isinstance(item, Statement):
            deepest = item.level + item.opens
        else:
            item.level = max(min(item.column // STEP, deepest), lowest)


def _following_levels(items: list[Item], last: int) -> list[int]:
    """For each item the level of the first statement after it; `last` at the end."""
    levels: list[int] = []
    level = last
    for item in reversed(items):
        levels.append(level)
        if isinstance(item, Statement):
            level = item.level
    return levels[::-1]


def normal_comment(text: str, first: bool) -> str:
    """One space after `#`; a row of `#`, and the first line's `#!`, stay as they are."""
    text = text.rstrip()
    if len(text) == 1 or text[1] in " \t#" or (first and text[1] == "!"):
        return text
    return f"# {text[1:]}"


def normal_string(text: str) -> str:
    """Double quotes, unless there are quotes or escapes inside."""
    body = text.lstrip(_PREFIXES)
    prefix = text[: len(text) - len(body)]
    quote = body[:3] if body[:3] in ('"""', "'''") else body[:1]
    inside = body[len(quote) : len(body) - len(quote)]
    if quote[0] == '"' or '"' in inside or "\\" in inside:
        return text
    double = '"' * len(quote)
    return f"{prefix}{double}{inside}{double}"


def walk(tokens: list[Token]) -> Iterator[tuple[int, Token]]:
    """Each token with the number of brackets around it; a bracket itself is outside of itself."""
    depth = 0
    for token in tokens:
        depth -= token.kind == "closer"
        yield depth, token
        depth += token.kind == "opener"
