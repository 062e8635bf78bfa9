"""The canonical layout, rule by rule."""

from collections.abc import Callable
from pathlib import Path

import pytest

from enigmalang.syntax.formatting import Refused, format_source, layout

CASES = Path(__file__).parent / "golden" / "fmt"
LONG = "a_long_name_of_something"


def test_a_file_of_everything(golden: Callable[[Path, str], None]) -> None:
    golden(CASES / "messy.formatted", format_source((CASES / "messy.enig").read_text("utf-8"), "messy.enig"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x=1", "x = 1"),
        ("x = y if(a)else-b", "x = y if (a) else -b"),
        ("print( x [1 : 2] , y [ : ], - x, not(y) )", "print(x[1:2], y[:], -x, not (y))"),
        ("x = + +y - -z", "x = + +y - -z"),
        ("x **= 2", "x **= 2"),
        ("f(a = 1, b=-2)", "f(a=1, b=-2)"),
        ("x = {  }", "x = {}"),
        ("x = (1 , )", "x = (1,)"),
        ("x = ((1 + 2))", "x = 1 + 2"),
        ("x = (1 + 2) * (3)", "x = (1 + 2) * (3)"),
        ("x = 'a' 'it\\'s'", "x = \"a\" 'it\\'s'"),
        ("x = b'a'", 'x = b"a"'),
        ("x = 1 + \\\n    2", "x = 1 + 2"),
        ("x = 2   days", "x = 2 days"),
        ("advance (n) blocks", "advance (n) blocks"),
        ("advance(n)", "advance(n)"),
        ("x = f\\\n(1)", "x = f(1)"),
        ("x = [\n    1,\n    2\n]", "x = [1, 2]"),
        ("x = 1 #why", "x = 1  # why"),
        ("#", "#"),
        ("####  rule", "####  rule"),
    ],
)
def test_one_line(before: str, after: str) -> None:
    assert layout(f"{before}\n") == f"{after}\n"
    assert layout(f"{after}\n") == f"{after}\n"


def test_a_comma_behind_the_last_element_asks_for_one_a_line() -> None:
    assert layout("f(a, b,)\n") == "f(\n    a,\n    b,\n)\n"
    assert layout("f(a,)\n") == "f(\n    a,\n)\n"


def test_a_long_call_is_broken_as_little_as_can_be() -> None:
    inside = ", ".join([LONG] * 3)
    assert layout(f"x = some_function({inside})\n") == f"x = some_function({inside})\n"
    inside = ", ".join([LONG] * 3 + ["shorter"])
    assert layout(f"x = some_function({inside})\n") == f"x = some_function(\n    {inside}\n)\n"
    names = [f"{LONG}_{i}" for i in range(5)]
    rows = "".join(f"    {name},\n" for name in names)
    assert layout(f"x = some_function({', '.join(names)})\n") == f"x = some_function(\n{rows})\n"


def test_lines_hold_a_hundred_characters() -> None:
    name = "n" * (100 - len("print()"))
    assert layout(f"print({name})\n") == f"print({name})\n"
    assert layout(f"print({name}n)\n") == f"print(\n    {name}n\n)\n"
    assert layout(f"print({name})  # a comment does not count\n").count("\n") == 1


def test_comments_of_neighbouring_lines_stand_in_a_column() -> None:
    text = "a = 1 # one\nlonger = 2 # two\n\nb = 3 # three\n"
    assert layout(text) == "a = 1       # one\nlonger = 2  # two\n\nb = 3  # three\n"


def test_a_comment_before_a_negative_number_stays() -> None:
    assert layout("x = [-50,\n# why\n-22]\n") == "x = [\n    -50,\n    # why\n    -22,\n]\n"


def test_a_comment_belongs_to_the_block_it_is_indented_as() -> None:
    text = "if a:\n    b()\n    # of the block\n# of what follows\nc()\n"
    assert layout(text) == text
    assert layout("if a:\n# first\n    b()\n") == "if a:\n    # first\n    b()\n"
    assert layout("a()\n    # lost\nb()\n") == "a()\n# lost\nb()\n"


def test_a_block_on_its_header_s_line_stays_there_where_it_fits() -> None:
    assert layout("if a :  return  1\n") == "if a: return 1\n"
    text = f"as alice: p.give({', '.join([LONG] * 3)}, and_one_more_of_them)\n"
    assert layout(text).startswith("as alice:\n    p.give(")
    text = "as alice: p.give(1)\nas bob:   p.give(2)\n\nas bob: p.give(3)\n"
    assert layout(text.replace("bob:   ", "bob: ")) == text


def test_empty_lines() -> None:
    assert layout("\n\na = 1\n\n\n\n\nb = 2\n\n\n") == "a = 1\n\n\nb = 2\n"
    text = "def f():\n\n    a = 1\n\n\n    b = 2\nx = 1\n# about g\ndef g():\n    pass\n"
    assert layout(text) == "def f():\n    a = 1\n\n    b = 2\n\nx = 1\n\n# about g\ndef g():\n    pass\n"


def test_deep_blocks_keep_some_room() -> None:
    text = "".join(f"{'    ' * depth}if x > {depth}:\n" for depth in range(30)) + f"{'    ' * 30}pass\n"
    assert layout(text) == text


def test_a_text_with_errors_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        format_source("x = (1\n", "f.enig")
    assert [(d.code, d.span.path) for d in refused.value.diagnostics] == [("E0002", "f.enig")]


def test_a_result_that_means_something_else_is_never_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ("x = 2  # why\n", "x = (\n", "x = 1\n", "x = 1  # who\n"):
        monkeypatch.setattr("enigmalang.syntax.formatting.check.layout", lambda text, wrong=wrong: wrong)
        with pytest.raises(RuntimeError, match=r"f\.enig"):
            format_source("x=1 #why\n", "f.enig")


@pytest.mark.parametrize("text", ["# only a comment\n", '"""Only a text."""\n', "# a\n\n# b\n"])
def test_files_without_statements(text: str) -> None:
    assert format_source(text, "f") == text


def test_no_line_ends_in_the_brace_of_another_language() -> None:
    """The parser tells a `{` at the end of a header's line to be C's block, so none is put there."""
    text = f"for key in {{{', '.join(f'{LONG}_{i}: {i}' for i in range(5))}}}:\n    print(key)\n"
    formatted = format_source(text, "f")
    assert "{\n" not in formatted
    assert format_source(formatted, "f") == formatted
