"""Broken texts: always a tree or a diagnostic, never an exception; many mistakes told in one go; limits kept."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enigmalang.diagnostics import CODES, Diagnostic, Sink, from_sources, render
from enigmalang.source import SourceFile
from enigmalang.syntax.parser import parse, read_source
from enigmalang.syntax.words import MAX_BLOCKS, MAX_ERRORS, MAX_FILE

ROOT = Path(__file__).parent.parent.parent
PROGRAMS = sorted(
    [*ROOT.glob("tests/syntax/golden/*.enig"), *ROOT.glob("examples/**/*.enig"), *ROOT.glob("stdlib/*.enig")]
)


def errors(text: str) -> list[Diagnostic]:
    """What is said of `text`; none when it parses. Every report can be rendered and has a known code."""
    source, sink = SourceFile("f.enig", text), Sink()
    module = parse(source, sink)
    found = sink.diagnostics
    assert (module is None) == bool(found)
    assert {d.code for d in found} <= set(CODES)
    assert not any("cannot stand here" in d.message and d.help == "look at the lines before it as well" for d in found)
    for d in found:
        span = d.span
        assert 1 <= span.line <= span.end_line <= len(source.lines)
        assert (span.line, span.column) < (span.end_line, span.end_column)
    render(found, from_sources(source))
    return found


def codes(text: str) -> list[str]:
    return [d.code for d in errors(text)]


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_every_prefix_is_answered(path: Path) -> None:
    text = path.read_text("utf-8")
    step = max(1, len(text) // 200)
    for end in range(0, len(text), step):
        errors(text[:end])


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_answered(text: str) -> None:
    errors(text)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_answered(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "f.enig"
    path.write_bytes(data)
    sink = Sink()
    source = read_source(str(path), sink)
    assert (source is None) == bool(sink.errors)
    if source is not None:
        errors(source.text)


REORDERING = [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]


@pytest.mark.parametrize("number", REORDERING, ids=lambda n: f"U+{n:04X}")
@pytest.mark.parametrize("text", (
    "a = 1~\n", "a = 'x~'\n", "# x~\na = 1\n", "a = 1  # x~\n", '"""x\n~y"""\na = 1\n', "~a = 1\n", "a = 'x~\n"))
def test_characters_that_reorder_are_told_wherever_they_stand(text: str, number: int) -> None:
    found = [d for d in errors(text.replace("~", chr(number))) if d.code == "E0015"]
    assert [(d.span.line, d.span.column) for d in found] == [
        (text[: text.index("~")].count("\n") + 1, len(text[: text.index("~")].rpartition("\n")[2]) + 1)]
    assert f"U+{number:04X}" in found[0].message and chr(number) not in found[0].message + str(found[0].help)


def test_a_character_that_reorders_is_told_once() -> None:
    assert codes("a = 1 + \u202e2\nb = 'x\u2066'  # y\u2069\n") == ["E0015"] * 3
    assert codes("\u202e" * 200_000) == ["E0015"] * MAX_ERRORS


def test_texts_written_from_right_to_left_are_fine() -> None:
    assert not errors("a = 'שלום עולם'  # مرحبا\nb = '\\u202e'\n")


_PIECES = [
    "def", "if", "else", "elif", "for", "while", "contract", "test", "event", "struct", "private", "return",
    "require", "emit", "as", "expect", "revert", "leak", "submit", "deploy", "await", "advance", "blocks",
    "days", "max", "in", "not", "and", "or", "x", "y", "1", "0x1", "1.5", "'a'", '"b"', "(", ")", "[", "]", "{",
    "}", ":", ",", ".", "..", "=", "==", "+=", "->", "+", "-", "*", "**", "//", "%", "&", "|", "~", "<", ">",
    "#", ";", "!", "?", "@", "\\", "pass", "import", "from", "const", "True",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*_PIECES, "\n", "\n    ", "\n        ", "\n  ", "\t", " "]), max_size=40))
def test_any_mixture_of_words_is_answered(pieces: list[str]) -> None:
    errors(" ".join(pieces))
    errors("".join(pieces))


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_changed_program_is_answered(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(PROGRAMS)).read_text("utf-8")
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 30)))
    errors(text[:start] + data.draw(st.sampled_from(["", *_PIECES, "\n", " "])) + text[end:])


def test_each_broken_function_gives_its_error() -> None:
    text = "def f(x):\n    return x +\n\ndef g(x:\n    return x\n\ndef h(x)\n    return x\n\ny = 1 2\n"
    assert [(d.code, d.span.line) for d in errors(text)] == [("E0001", 2), ("E0002", 4), ("E0007", 7), ("E0001", 10)]


def test_errors_are_found_inside_one_contract() -> None:
    text = 'contract C:\n    x: uint8 = = 1\n\n    def f():\n        print("a)\n        y = 1 2\n        emit\n'
    assert [(d.code, d.span.line) for d in errors(text)] == [("E0001", 2), ("E0003", 5), ("E0001", 6), ("E0006", 7)]


def test_a_misplaced_statement_is_told_beside_a_broken_line() -> None:
    assert codes("def f():\n    event E(x: uint8)\n\nx = = 1\n") == ["E0011", "E0001"]


def test_no_more_than_the_stated_number_of_errors() -> None:
    assert len(errors("x = = 1\n" * 500)) == MAX_ERRORS


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "(" * 1000 + "1" + ")" * 1000,
        "x = " + "[" * 1000 + "]" * 1000,
        "x = " + "(" * 1000,
        "x = " + "-" * 1000 + "1",
        "x = " + "not " * 1000 + "y",
        "x = " + "await " * 1000 + "y",
        "x = y" + ".z" * 1000,
        "x = y" + "()" * 1000,
        "x = 1" + " + 1" * 10_000,
        "x = 1" + " ** 1" * 1000,
        "x = 1" + " if y else 1" * 1000,
        "if x: pass\n" + "elif x: pass\n" * 1000,
        "".join("    " * i + "if x:\n" for i in range(200)) + "    " * 200 + "pass",
    ],
    ids=lambda text: text[:12],
)
def test_deep_nesting_is_refused(text: str) -> None:
    assert "E0008" in codes(text)


@pytest.mark.parametrize(
    "text", ["x = y" + " or y" * 10_000, "x = y" + " < y" * 10_000, "x = [" + "1, " * 10_000 + "]"]
)
def test_long_flat_expressions_are_fine(text: str) -> None:
    assert not codes(text)


def test_blocks_up_to_the_limit_are_fine() -> None:
    deep = "".join("    " * i + "if x:\n" for i in range(MAX_BLOCKS)) + "    " * MAX_BLOCKS + "pass\n"
    assert not codes(deep)


@pytest.mark.parametrize(
    "text", ["x = 1\n" * (MAX_FILE // 6), '"\n' * (MAX_FILE // 2), "(" * MAX_FILE, '"""' * (MAX_FILE // 3)]
)
def test_the_largest_files_are_answered(text: str) -> None:
    errors(text)


def test_larger_files_are_refused(tmp_path: Path) -> None:
    assert codes("x = 1\n" * 400_000) == ["E0013"]
    path = tmp_path / "large.enig"
    path.write_text("é = 1\n" * 400_000, "utf-8")
    sink = Sink()
    assert read_source(str(path), sink) is None
    assert [d.code for d in sink.errors] == ["E0013"]


def test_unreadable_files(tmp_path: Path) -> None:
    (tmp_path / "latin.enig").write_bytes(b"x = 1\ny = '\xe9'\n")
    for name, code, place in [("none.enig", "E0601", "1:1"), ("", "E0601", "1:1"), ("latin.enig", "E0602", "2:6")]:
        sink = Sink()
        assert read_source(str(tmp_path / name), sink) is None
        assert [d.code for d in sink.errors] == [code]
        assert str(sink.errors[0].span).endswith(place)
    assert "0xe9" in sink.errors[0].message
    assert read_source("a\0b", Sink()) is None


@pytest.mark.parametrize("blank", [b"", b"\n\n", b"\xef\xbb\xbf  \n"])
def test_an_empty_file_is_an_error(tmp_path: Path, blank: bytes) -> None:
    (tmp_path / "empty.enig").write_bytes(blank)
    sink = Sink()
    assert read_source(str(tmp_path / "empty.enig"), sink) is None
    assert [d.code for d in sink.errors] == ["E0014"]


def test_a_file_of_comments_is_an_empty_script(tmp_path: Path) -> None:
    (tmp_path / "notes.enig").write_bytes(b"# later\n")
    source = read_source(str(tmp_path / "notes.enig"), Sink())
    assert source is not None
    module = parse(source, Sink())
    assert module is not None
    assert module.body == ()


def test_the_error_of_a_long_string_hides_nothing_before_it() -> None:
    assert codes('x = = 1\ny = """never\n') == ["E0001", "E0003"]


@pytest.mark.parametrize("char", ["\u200b", "\u200c", "\u200d", "\u2060", "\ufeff"])
def test_characters_without_width_stand_in_texts_only(char: str) -> None:
    assert codes(f"ab = 1\na{char}b = 2\n") == ["E0015"]
    assert codes(f"a = 1{char} + 2\n") == ["E0015"]
    assert codes(f'a = "x{char}y"  # x{char}y\n') == []


def test_a_pipe_is_no_program(tmp_path: Path) -> None:
    """Nobody may ever write to it."""
    os.mkfifo(tmp_path / "p.enig")
    sink = Sink()
    assert read_source(str(tmp_path / "p.enig"), sink) is None
    assert [d.code for d in sink.diagnostics] == ["E0601"]
    assert "pipe" in render(sink.diagnostics)
