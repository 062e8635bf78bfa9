"""The highlighter: agrees with the parser on every file, loses nothing, and takes any text."""

import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.token import Comment, Error, Keyword, Name, Number, Operator, Punctuation, String, Whitespace

from enigmalang.diagnostics import Sink
from enigmalang.semantics import annotations, builtins
from enigmalang.source import SourceFile
from enigmalang.syntax import words
from enigmalang.syntax.grammar import grammar
from enigmalang.syntax.parser import parse
from enigmalang.syntax.pygments_lexer import PLACES, EnigmaLexer
from enigmalang.syntax.terminals import word_terminals

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path for folder in ("examples", "stdlib", "tests", "benchmarks") for path in (ROOT / folder).rglob("*.enig")
)
#: What the parser calls a token, and what a reader calls it.
CLASSES = {
    **dict.fromkeys(word_terminals(), "keyword"),
    **dict.fromkeys(("INTEGER", "DECIMAL", "HEX"), "number"),
    **dict.fromkeys(("STRING", "BYTES"), "string"),
    "NAME": "name",
}

Piece = tuple[int, str, str]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")


def class_of(kind: object) -> str:
    if kind in Keyword.Type or (kind in Name and kind not in Name.Decorator):
        return "name"
    if kind in Name.Decorator or kind in Keyword or kind in Operator.Word:
        return "keyword"
    for parent, name in ((Number, "number"), (String, "string"), (Comment, "comment"), (Whitespace, "space")):
        if kind in parent:
            return name
    return "operator" if kind in Operator or kind in Punctuation else str(kind)


def seen(text: str) -> list[Piece]:
    """What the highlighter makes of `text`, without space and comments; a string is one piece."""
    pieces = [(o, class_of(k), p) for o, k, p in EnigmaLexer().get_tokens_unprocessed(text)]
    kept = [piece for piece in pieces if piece[1] not in ("space", "comment", "Token.Text")]
    return [
        (run[0][0], "string", "".join(p for _, _, p in run)) if run[0][1] == "string" else run[0]
        for _, group in groupby(enumerate(kept), lambda item: _run_of(kept, item[0]))
        for run in [[piece for _, piece in group]]
    ]


def _run_of(pieces: list[Piece], index: int) -> int:
    """Where the string begins that piece `index` is a part of."""
    while index and pieces[index][1] == "string" == pieces[index - 1][1]:
        before = pieces[index - 1]
        if before[0] + len(before[2]) != pieces[index][0]:
            break
        index -= 1
    return index


def parsed(text: str) -> Iterator[Piece]:
    """What the parser makes of it."""
    for token in grammar().parse_interactive(text + "\n").iter_parse():
        if token.type not in ("_NL", "_INDENT", "_DEDENT"):
            yield token.start_pos, CLASSES.get(token.type, "operator"), str(token)


def sound() -> list[Path]:
    return [path for path in FILES if parse(SourceFile(str(path), text_of(path)), Sink()) is not None]


def test_the_repository_has_programs() -> None:
    assert len(sound()) > 100


@pytest.mark.parametrize("path", FILES, ids=named)
def test_agrees_with_the_parser(path: Path) -> None:
    text = text_of(path)
    assert "".join(piece for _, _, piece in EnigmaLexer().get_tokens_unprocessed(text)) == text
    if parse(SourceFile(str(path), text), Sink()) is not None:
        assert seen(text) == list(parsed(text))


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.enig")), ids=named)
def test_every_beginning_of_an_example_has_tokens(path: Path) -> None:
    """As a person types it."""
    text = text_of(path)
    for end in range(0, len(text), 7):
        assert "".join(piece for _, piece in EnigmaLexer().get_tokens(text[:end])) == text[:end]


BITS = [*"ab0_ \n\t\"'\\#([{}]):=.,!é", '"""', "event ", "max ", "expect revert "]


@given(st.lists(st.sampled_from(BITS)).map("".join))
def test_any_text_has_tokens(text: str) -> None:
    pieces = list(EnigmaLexer().get_tokens_unprocessed(text))
    assert "".join(piece for _, _, piece in pieces) == text
    assert all(text.startswith(piece, offset) and piece for offset, _, piece in pieces)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("while n max 3:", [Keyword, Name, Keyword, Number, Punctuation]),
        ("max(n)", [Name.Builtin, Punctuation, Name, Punctuation]),
        ("t = 2 days", [Name, Operator, Number, Keyword]),
        ("days = 2", [Name, Operator, Number]),
        ("event Paid(n: uint8)", [Keyword.Declaration, Name.Class, Punctuation, Name, Punctuation, Keyword.Type,
                                  Punctuation]),
        ("@budget(rounds=2)", [Name.Decorator, Punctuation, Name, Operator, Number, Punctuation]),
        ("event = error", [Name, Operator, Name]),
        ("internal view def f", [*[Keyword.Declaration] * 3, Name.Function]),
        ("as bob: expect revert", [Keyword, Name, Punctuation, Keyword, Keyword]),
        ("x = f(\nstruct S:", [Name, Operator, Name, Punctuation, Keyword.Declaration, Name.Class, Punctuation]),
        ("m: map[bool, L]", [Name, Punctuation, Keyword.Type, Punctuation, Keyword.Type, Punctuation,
                             Name.Builtin.Pseudo, Punctuation]),
        ("map(f, x.len)", [Name.Builtin, Punctuation, Name, Punctuation, Name, Punctuation, Name.Attribute,
                           Punctuation]),
        ("private a = not True", [Keyword.Declaration, Name, Operator, Operator.Word, Keyword.Constant]),
        ('"a\\nb', [String, String.Escape, String]),
        ('"""open\n# still', [String]),
        ("a && b # c", [Name, Error, Name, Comment.Single]),
    ],
)  # fmt: skip
def test_kinds(text: str, kinds: list[object]) -> None:
    assert [kind for kind, _ in EnigmaLexer().get_tokens(text) if kind not in Whitespace] == kinds


def test_pygments_finds_it() -> None:
    assert isinstance(get_lexer_for_filename("x.enig"), EnigmaLexer)
    assert isinstance(get_lexer_by_name("enigmalang"), EnigmaLexer)


def test_soft_keywords_have_their_places() -> None:
    """Every word terminal of the grammar is reserved, or has a place where it is a keyword."""
    soft = {t.name for t in word_terminals().values() if not set(t.words) <= words.RESERVED}
    assert soft == set(PLACES)
    assert {w for t in word_terminals().values() for w in t.words} >= words.RESERVED


def test_word_terminals_are_those_that_lark_reads() -> None:
    patterns = {t.name: t.pattern.value for t in grammar().terminals}
    others = {"NAME", "INTEGER", "DECIMAL", "HEX", "STRING", "BYTES", "_NL"}
    spelled = {name for name, pattern in patterns.items() if re.match(r"(\(\?:)?@?[A-Za-z]", pattern)}
    assert spelled - others == set(word_terminals())
    assert {name: t.pattern.replace(r"\t", "\t") for name, t in word_terminals().items()} == {
        name: patterns[name] for name in word_terminals()
    }


def test_names_of_the_language_are_those_of_the_checker() -> None:
    known = {name for name, row in builtins.TABLE.items() if row.where != "stdlib" and not name.startswith("__")}
    assert known | {"reveal"} == words.FUNCTIONS  # `reveal` is a form of its own
    numbered = [f"{stem}{n}" for stem in ("uint", "int", "bytes") for n in range(1000)]
    assert {n for n in numbered if annotations.is_type_name(n)} == words.SIZED_TYPES
    assert {n for n in words.TYPES if annotations.is_type_name(n)} == words.TYPES - {"list", "map"}  # they take types


def test_loads_neither_lark_nor_the_checker() -> None:
    code = (
        "import sys; from enigmalang.syntax.pygments_lexer import EnigmaLexer; list(EnigmaLexer().get_tokens('x = 1'));"
        "sys.exit('lark' in sys.modules or 'enigmalang.semantics' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_pygmentize_knows_the_files() -> None:
    command = [sys.executable, "-m", "pygments", "-f", "raw", "examples/hello.enig"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert "Token.Keyword" in done.stdout
    assert "Token.Error" not in done.stdout
