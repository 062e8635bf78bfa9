"""The text form cut into tokens."""

import json
import re
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")
_TOKEN = re.compile(r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<hex>x"[0-9a-f]*")|(?P<word>[^\W\d]\w*)"""
                    r"""|(?P<number>-?\d+)|(?P<dots>\.\.|->)|(?P<sign>[%@.,:;=()\[\]{}<>*!?-]))""")


class ParseError(Exception):
    """The text is not a program's text form; the message names the line."""


class Tokens:
    """The text cut into tokens, and the one that comes next. Methods raise ParseError."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, int]] = []
        position = 0
        end = len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None:
                line = text.count("\n", 0, position) + 1
                raise ParseError(f"line {line}: cannot read {text[position:position + 20]!r}")
            self.tokens.append((match.group().strip(), match.start()))
            position = match.end()
        self.at = 0

    def peek(self, ahead: int = 0) -> str:
        return self.tokens[self.at + ahead][0] if self.at + ahead < len(self.tokens) else ""

    def next(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def fail(self, wanted: str) -> ParseError:
        index = min(self.at, len(self.tokens) - 1)
        offset = self.tokens[index][1] if self.tokens else 0
        line = self.text.count("\n", 0, offset) + 1
        return ParseError(f"line {line}: expected {wanted}, found {self.peek()!r}")

    def expect(self, token: str) -> None:
        if self.peek() != token:
            raise self.fail(repr(token))
        self.at += 1

    def accept(self, token: str) -> bool:
        if self.peek() == token:
            self.at += 1
            return True
        return False

    def number(self) -> int:
        if not re.fullmatch(r"-?\d+", self.peek()):
            raise self.fail("a number")
        return int(self.next())

    def word(self) -> str:
        if not self.peek().isidentifier():
            raise self.fail("a name")
        return self.next()

    def string(self) -> str:
        if not self.peek().startswith('"'):
            raise self.fail("a string")
        return str(json.loads(self.next()))

    def listed(self, open: str, close: str, item: Callable[[], _T]) -> list[_T]:
        self.expect(open)
        items: list[_T] = []
        while not self.accept(close):
            items.append(item())
            if not self.accept(",") and self.peek() != close:
                raise self.fail(f"',' or {close!r}")
        return items
