"""Diagnostics as text, JSON and for editors."""

import json
from pathlib import Path

import pytest

from enigmalang.diagnostics import (
    Diagnostic,
    Note,
    Severity,
    Sink,
    as_dict,
    from_disk,
    from_sources,
    render,
    render_json,
    render_one,
)
from enigmalang.source import SourceFile, Span

SOURCE = SourceFile("f.enig", "private a = 1\n\nprint(a)\n")
LEAK = Diagnostic(
    "E0301",
    "`a` is private",
    Span("f.enig", 3, 7, 3, 8),
    (Note(Span("f.enig", 1, 9, 1, 10), "the secret is born here"),),
    "write `reveal(a)`",
)


def rendered(text: str, start: int, end: int) -> list[str]:
    """The source line and the marks below it."""
    source = SourceFile("f.enig", text)
    diagnostic = Diagnostic("E0001", "m", Span("f.enig", 1, start, 1, end))
    return render_one(diagnostic, from_sources(source)).split("\n")[2:4]


def test_text() -> None:
    assert render([LEAK], from_sources(SOURCE)) == (
        "error[E0301]: `a` is private\n"
        " --> f.enig:3:7\n"
        "3 | print(a)\n"
        "  |       ^\n"
        " ::: f.enig:1:9\n"
        "1 | private a = 1\n"
        "  |         - the secret is born here\n"
        "  = help: write `reveal(a)`\n"
        "\n"
        "1 error; `enig explain E0301` says more\n"
    )


def test_nothing_to_say() -> None:
    assert render([]) == ""
    assert render_json([]) == "[]\n"


def test_errors_and_warnings_are_counted() -> None:
    warning = Diagnostic("W0406", "m", LEAK.span, severity=Severity.WARNING)
    text = render([LEAK, warning, warning], from_sources(SOURCE))
    assert text.endswith("1 error and 2 warnings; `enig explain E0301` says more\n")
    assert "warning[W0406]: m" in text


def test_colour_only_when_asked() -> None:
    assert "\x1b[" not in render([LEAK], from_sources(SOURCE))
    assert "\x1b[31m" in render([LEAK], from_sources(SOURCE), color=True)


@pytest.mark.parametrize(
    ("text", "start", "end", "marks"),
    [
        ("ab = cd", 6, 8, "  |      ^^"),
        ("'日本' + x", 8, 9, "  |          ^"),
        ("'日本' + x", 1, 5, "  | ^^^^^^"),
        ("'e\u0301' + x", 8, 9, "  |       ^"),
        ("\tx = y", 6, 7, "  |         ^"),
        ("a\tb", 3, 4, "  |     ^"),
        ("x = ", 5, 6, "  |     ^"),
        ("x = 1", 6, 6, "  |      ^"),
        ("x = y", 1, 400, "  | ^^^^^"),
    ],
)
def test_marks_stand_below_what_they_mean(text: str, start: int, end: int, marks: str) -> None:
    line, below = rendered(text, start, end)
    assert below == marks
    assert "\t" not in line


def test_a_long_line_is_shown_around_its_mark() -> None:
    line, below = rendered("x" * 500 + "BAD" + "y" * 500, 501, 504)
    assert len(line) < 200
    assert line[below.index("^") : below.rindex("^") + 1] == "BAD"


def test_a_span_of_several_lines_is_marked_to_the_end_of_the_first() -> None:
    source = SourceFile("f.enig", "f(1,\n  2)\n")
    text = render_one(Diagnostic("E0001", "m", Span("f.enig", 1, 1, 2, 4)), from_sources(source))
    assert "  | ^^^^\n" in text


def test_characters_that_could_deceive_are_shown_as_numbers() -> None:
    line, below = rendered("a = '\u202e\x1b[2J' + b", 15, 16)
    assert "\u202e" not in line and "\x1b" not in line
    assert line[below.index("^")] == "b"
    assert "\x1b" not in render([Diagnostic("E0001", "\x1b[2J", LEAK.span)], from_sources(SOURCE))


def test_a_file_that_is_not_at_hand(tmp_path: Path) -> None:
    span = Span(str(tmp_path / "none.enig"), 3, 1, 3, 2)
    text = render([Diagnostic("E0601", "no such file", span, (Note(span, "asked for here"),))])
    assert "none.enig:3:1" in text
    assert "asked for here" in text


def test_files_are_read_from_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f.enig").write_bytes(b"\xef\xbb\xbfx = \xff\n")
    monkeypatch.chdir(tmp_path)
    source = from_disk()("f.enig")
    assert source is not None
    assert source.text == "x = \ufffd\n"
    absolute = str(tmp_path / "f.enig")
    assert " --> f.enig:1:1\n" in render([Diagnostic("E0001", "m", Span(absolute, 1, 1, 1, 2))])


def test_json_schema() -> None:
    assert json.loads(render_json([LEAK])) == [
        {
            "code": "E0301",
            "severity": "error",
            "message": "`a` is private",
            "file": "f.enig",
            "line": 3,
            "column": 7,
            "end": {"line": 3, "column": 8},
            "notes": [
                {
                    "message": "the secret is born here",
                    "file": "f.enig",
                    "line": 1,
                    "column": 9,
                    "end": {"line": 1, "column": 10},
                }
            ],
            "help": "write `reveal(a)`",
            "fixes": [],
        }
    ]
    assert as_dict(LEAK)["help"] == LEAK.help


def test_sink_keeps_a_finding_once_and_in_order() -> None:
    sink = Sink()
    late, early = Span("f", 2, 1, 2, 2), Span("f", 1, 1, 1, 2)
    for span in (late, early, late):
        sink.error("E0001", "m", span)
    sink.warn("W0406", "m", early)
    assert [d.span for d in sink.errors] == [early, late]
    assert len(sink.diagnostics) == 3
