"""The parser tables: built by lark from `grammar/enigma.lark`, and kept in the user's cache folder.

Building takes about 0.4 s, loading 0.03 s. The cache is MessagePack, not pickle: a planted file can be wrong, but
it cannot run code. A cache that cannot be written or read is no error.
"""

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any

import lark
import msgspec
from lark.lark import PostLex

from enigmalang.source.shipped import shipped

_OPENERS = frozenset({"LPAR", "LSQB", "LBRACE"})
_CLOSERS = frozenset({"RPAR", "RSQB", "RBRACE"})
_LARGEST = 2**62


class Layout(PostLex):
    """Turns line ends into `_NL`, `_INDENT` and `_DEDENT`; inside brackets they mean nothing.

    Holds no state of its own, so that parses may run in several threads. The scanner has checked the indentation
    of a whole file before; a single line that is diagnosed alone has none.
    """

    always_accept = ("_NL",)

    def process(self, stream: Iterator[lark.Token]) -> Iterator[lark.Token]:
        depth = 0
        levels = [0]
        token: lark.Token | None = None
        for token in stream:
            if token.type == "_NL":
                if depth == 0:
                    yield from _indentation(token, levels)
                continue
            if token.type in _OPENERS:
                depth += 1
            elif token.type in _CLOSERS:
                depth -= 1
            yield token
        if token is not None:
            for _ in levels[1:]:
                yield lark.Token.new_borrow_pos("_DEDENT", "", token)


def _indentation(token: lark.Token, levels: list[int]) -> Iterator[lark.Token]:
    yield token
    column = len(token) - token.rfind("\n") - 1
    if column > levels[-1]:
        levels.append(column)
        yield lark.Token.new_borrow_pos("_INDENT", "", token)
    while column < levels[-1]:
        levels.pop()
        yield lark.Token.new_borrow_pos("_DEDENT", "", token)


@cache
def grammar() -> lark.Lark:
    """The parser of whole files; loaded once a process."""
    text = shipped("grammar", "enigma.lark").read_text("utf-8")
    path = _cache_path(text)
    loaded = _load(path) if path is not None else None
    if loaded is None:
        loaded = _build(text)
        if path is not None:
            _save(loaded, path)
    _shorten(loaded)
    return loaded


def _shorten(loaded: lark.Lark) -> None:
    """Make the steps between levels of precedence cheap: every name passes through fifteen of them.

    Such a rule (`?sum: product`) hands on its one child, whose place lark would write anew each time.
    """
    callbacks = loaded.parser.parser.parser.callbacks
    for rule in loaded.rules:
        if rule.options.expand1 and len(rule.expansion) == 1 and not rule.alias:
            child = rule.expansion[0]
            if not child.is_term and not child.name.startswith("_"):
                callbacks[rule] = _only


_only = itemgetter(0)


def _build(text: str) -> lark.Lark:
    return lark.Lark(
        text,
        start="module",
        parser="lalr",
        lexer="contextual",
        postlex=Layout(),
        propagate_positions=True,
        maybe_placeholders=True,
    )


def _cache_path(text: str) -> Path | None:
    """Named by everything the tables depend on; None where there is no home folder."""
    version = f"1 {lark.__version__} {sys.version}"
    digest = hashlib.sha256(f"{version}\n{text}".encode()).hexdigest()[:24]
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:
        return None
    return base / "enigmalang" / f"grammar-{digest}.msgpack"


def _load(path: Path) -> lark.Lark | None:
    try:
        data, memo = msgspec.msgpack.decode(path.read_bytes(), strict=False)
        loaded: lark.Lark = lark.Lark.__new__(lark.Lark)._load(
            {"data": data, "memo": memo}, postlex=Layout(), propagate_positions=True
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, AssertionError, lark.LarkError):
        return None
    return loaded


def _save(built: lark.Lark, path: Path) -> None:
    data, memo = built.memo_serialize([lark.lexer.TerminalDef, lark.grammar.Rule])
    data["options"] = {k: v for k, v in data["options"].items() if k != "postlex"}
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(msgspec.msgpack.encode(_plain((data, memo))))
        part.replace(path)
    except (OSError, TypeError, ValueError):
        with suppress(OSError):
            part.unlink()


def _plain(value: Any) -> Any:
    """Only what MessagePack knows; lark's «no upper bound» on a pattern's width does not fit 64 bits."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return min(value, _LARGEST) if type(value) is int else value
