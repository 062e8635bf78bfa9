"""When an input is complete, how its next line is indented, and what a command is about."""

import pytest

from enigmalang.repl.lines import is_complete, next_indent, split_command, split_inputs


@pytest.mark.parametrize(("text", "complete"), [
    ("x = 1", True), ("x = (1 +", False), ("x = (1 +\n2)", True), ("def f(x):", False),
    ("def f(x):\n    return x", False), ("def f(x):\n    return x\n", True), ("if x: y = 1", True),
    ('x = """a', False), ('x = """a\nb"""', True), ("x = 1 + \\", False), ("# only a comment:", True),
    ("x = 'a:", True), ("x = 1)", True), ("xs = [\n    1,\n\n    2]", True), ("def f(x):  # why", False),
])  # fmt: skip
def test_complete(text: str, complete: bool) -> None:
    assert is_complete(text) is complete


@pytest.mark.parametrize(("text", "indent"), [
    ("def f(x):", 4), ("def f(x):\n    if x:", 8), ("def f(x):\n    y = 1", 4), ("def f(x):\n    return x", 0),
    ("xs = [", 4), ("xs = [\n    1,", 4), ("x = 1", 0), ("", 0),
])  # fmt: skip
def test_indent(text: str, indent: int) -> None:
    assert next_indent(text) == indent


def test_piped_text_needs_no_empty_lines() -> None:
    text = "x = 1\ndef f(x):\n    y = x\n\n    return y\nif x > 0:\n    x = 2\nelse:\n    x = 3\nf(x)\nys = [1,\n2]\n"
    assert split_inputs(text.splitlines()) == [
        "x = 1", "def f(x):\n    y = x\n\n    return y", "if x > 0:\n    x = 2\nelse:\n    x = 3", "f(x)",
        "ys = [1,\n2]"]


@pytest.mark.parametrize(("text", "parts"), [
    (":time x = 1", (":time ", "time", "x = 1")), (":type\tx", (":type\t", "type", "x")),
    (":help", (":help", "help", "")),
    ("  :as  me ", ("  :as  ", "as", "me ")), (":", (":", "", "")), (":time\nx\ny", (":time\n", "time", "x\ny")),
])  # fmt: skip
def test_commands_are_split(text: str, parts: tuple[str, str, str]) -> None:
    assert split_command(text) == parts
