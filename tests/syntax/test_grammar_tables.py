"""The grammar file, its tables in the cache, the tokens, and the shipped files."""

import re
import subprocess
import sys
from pathlib import Path

import lark
import pytest

from enigmalang.diagnostics import Sink
from enigmalang.source import SourceFile
from enigmalang.source.shipped import shipped
from enigmalang.syntax import grammar as tables
from enigmalang.syntax.parser import parse, tokens
from enigmalang.syntax.words import RESERVED, UNITS


def grammar_text() -> str:
    return shipped("grammar", "enigma.lark").read_text("utf-8")


def test_reserved_words_are_those_of_the_grammar() -> None:
    name = re.search(r"^NAME: /\(\?!\(\?:([A-Za-z|]+)\)", grammar_text(), re.MULTILINE)
    assert name is not None
    assert set(name[1].split("|")) == RESERVED


def test_units_are_those_of_the_grammar() -> None:
    unit = re.search(r"^UNIT\.1: /\(\?:([a-z|]+)\)", grammar_text(), re.MULTILINE)
    assert unit is not None
    assert set(unit[1].split("|")) == set(UNITS)


def test_the_grammar_has_no_conflicts(caplog: pytest.LogCaptureFixture) -> None:
    lark.logger.setLevel("DEBUG")
    try:
        with caplog.at_level("DEBUG", logger="lark"):
            lark.Lark(grammar_text(), start="module", parser="lalr", postlex=tables.Layout(), debug=True)
    finally:
        lark.logger.setLevel("CRITICAL")
    assert "conflict" not in caplog.text.lower()


def test_every_rule_has_its_builder() -> None:
    from enigmalang.syntax.build_declarations import Declarations

    rules = {rule.alias or rule.options.template_source or str(rule.origin.name) for rule in tables.grammar().rules}
    inlined = {rule.origin.name for rule in tables.grammar().rules if rule.options.expand1}
    shown = {name for name in rules - inlined if not name.startswith("_")}
    built = {name.removeprefix("on_") for name in dir(Declarations) if name.startswith("on_")}
    assert shown == built


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache folder of the test's own, and no tables loaded yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(tables, "grammar", tables.grammar.__wrapped__)
    return tmp_path


def test_tables_are_kept_and_found_again(fresh: Path) -> None:
    first = tables.grammar()
    kept = list(fresh.rglob("grammar-*.msgpack"))
    assert len(kept) == 1
    second = tables.grammar()
    text = "x = (1 + 2) * f(3)\n"
    assert first.parse(text) == second.parse(text)


@pytest.mark.parametrize("content", [b"", b"\xc1garbage", b"\x92\x80\x80", b"\x91\x01"])
def test_a_damaged_cache_is_rebuilt(fresh: Path, content: bytes) -> None:
    tables.grammar()
    (kept,) = fresh.rglob("grammar-*.msgpack")
    kept.write_bytes(content)
    assert tables.grammar().parse("x = 1\n")
    assert len(kept.read_bytes()) > 1000


def test_a_cache_that_cannot_be_written_is_no_error(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (fresh / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(fresh / "file"))
    assert tables.grammar().parse("x = 1\n")


def test_lark_is_loaded_only_by_the_parser() -> None:
    code = (
        "import sys, enigmalang.diagnostics, enigmalang.diagnostics.explain, enigmalang.syntax.ast, enigmalang.source;"
        "sys.exit('lark' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_tokens() -> None:
    assert tokens(SourceFile("f", "if max:\n    x = 2 days\n"), Sink()) == (
        "1:1      IF 'if'\n"
        "1:4      NAME 'max'\n"
        "1:7      COLON ':'\n"
        "1:8      NL\n"
        "1:8      INDENT\n"
        "2:5      NAME 'x'\n"
        "2:7      EQUAL '='\n"
        "2:9      INTEGER '2'\n"
        "2:11     UNIT 'days'\n"
        "2:15     NL\n"
        "2:15     DEDENT\n"
    )


def test_tokens_of_a_broken_file() -> None:
    sink = Sink()
    assert tokens(SourceFile("f", "x = = 1\n"), sink) is None
    assert sink.errors


def test_parsing_twice_at_once_does_not_mix() -> None:
    """The tables hold no state of a parse: several threads may use them."""
    from concurrent.futures import ThreadPoolExecutor

    from enigmalang.syntax.printer import format_tree

    texts = [f"if x:\n    y = [{n},\n{n}]\n" + "def f():\n    return 1\n" * n for n in range(1, 9)]

    def outline(text: str) -> str:
        module = parse(SourceFile("f", text), Sink())
        assert module is not None
        return format_tree(module)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(outline, texts * 4)) == [outline(text) for text in texts] * 4


def test_missing_shipped_file() -> None:
    with pytest.raises(FileNotFoundError):
        shipped("grammar", "none.lark")
