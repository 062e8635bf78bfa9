"""Every code has a page, and the examples on it are what they say."""

import re
from pathlib import Path

import pytest

from enigmalang import diagnostics
from enigmalang.compiler import check
from enigmalang.diagnostics import CODES, Severity, Sink, render
from enigmalang.diagnostics.explain import explain, find, nearest, suggestion
from enigmalang.syntax.parser import parse, read_source

PAGES = Path(diagnostics.__file__).parent / "pages"

#: Found by the compiler; the others need a file of some size, a run, an input or a network, and their examples only
#: have to be sound.
STATIC = [code for code in CODES if code[1:3] in ("00", "01", "02", "03", "04") and code not in ("E0013", "E0014")]
EXAMPLE = re.compile(r"```enig\n# (wrong|right)\n(.*?)```", re.DOTALL)


def examples(code: str) -> dict[str, str]:
    page = (PAGES / f"{code}.md").read_text("utf-8")
    return dict(EXAMPLE.findall(page))


def test_pages_are_those_of_the_table() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_page_has_title_text_and_both_examples(code: str) -> None:
    lines = (PAGES / f"{code}.md").read_text("utf-8").split("\n")
    assert lines[0] == f"# {code}: {CODES[code].title}"
    assert len(lines[2]) > 30
    assert list(examples(code)) == ["wrong", "right"]


def check_example(code: str, kind: str, folder: Path) -> Sink:
    # An import cycle of one file: the example must carry the name that it imports.
    path = folder / ("circle.enig" if code == "E0104" else "example.enig")
    path.write_text(f"# {kind}\n{examples(code)[kind]}", "utf-8")
    sink = Sink()
    if code.startswith("E00"):
        source = read_source(str(path), sink)
        assert source is not None
        parse(source, sink)
    else:
        check(str(path), sink)
    return sink


@pytest.mark.parametrize("code", STATIC)
def test_wrong_example_triggers_its_code(code: str, tmp_path: Path) -> None:
    found = {d.code for d in check_example(code, "wrong", tmp_path).diagnostics}
    assert code in found
    assert not any(other.startswith("E00") for other in found - {code})


@pytest.mark.parametrize("code", [code for code in CODES if code not in STATIC])
def test_wrong_example_of_a_later_stage_passes_the_compiler(code: str, tmp_path: Path) -> None:
    assert not check_example(code, "wrong", tmp_path).errors


@pytest.mark.parametrize("code", CODES)
def test_right_example_is_right(code: str, tmp_path: Path) -> None:
    sink = check_example(code, "right", tmp_path)
    assert not sink.diagnostics, render(sink.diagnostics)


def test_warnings_are_those_that_begin_with_w() -> None:
    assert {c.severity for c in CODES.values() if c.code.startswith("W")} == {Severity.WARNING}
    assert {c.severity for c in CODES.values() if c.code.startswith("E")} == {Severity.ERROR}


@pytest.mark.parametrize("text", ["E0301", "e0301", " e301 ", "301", "0301", "[E0301]", "w0301"])
def test_a_code_is_found_however_it_is_typed(text: str) -> None:
    assert find(text) == "E0301"
    assert explain(text) == (PAGES / "E0301.md").read_text("utf-8")


def test_a_warning_is_found_by_its_number() -> None:
    assert find("E0406") == find("406") == "W0406"


@pytest.mark.parametrize("text", ["E9999", "", "leak", "E030x", "../../etc/passwd", "E0301/..", "９"])
def test_no_such_code(text: str) -> None:
    assert explain(text) is None


def test_what_may_have_been_meant() -> None:
    assert "E0301" in nearest("E03O1")
    assert "E0601" in nearest("which file")
    assert "did you mean" in suggestion("E0399")
    assert "lists all" in suggestion("§")
