"""When an input is complete, how its next line is indented, and which literals are secrets."""

import pytest

from enigmalang.repl.lines import is_complete, next_indent, split_inputs
from enigmalang.repl.redact import Secrets, redacted


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


@pytest.mark.parametrize(("text", "kept"), [
    ("private x = 41", "private x = …"),
    ("private xs: list[uint32, 10] = [1, 2]  # two", "private xs: list[uint32, 10] = […, …]  # two"),
    ("private x = -41 + y * 2", "private x = -… + y * …"),
    ("x = 41", "x = 41"),
    ("y = 42", "y = …"),
    ("y[0] = 42", "y[0] = …"),
    ("y += 1", "y += …"),
    ("y, z = 42, 1", "y, z = …, 1"),
    ("z, y = both(42)", "z, y = both(…)"),
    ("(y, z), x = (42, 1), 7", "(y, z), x = (…, 1), 7"),
    ("y.append(42)", "y.append(…)"),
    ("y[0].append(42)", "y[0].append(…)"),
    ("z.append(42)", "z.append(42)"),
    ("def g(private a: uint8 = 7):\n    pass\n", "def g(private a: uint8 = …):\n    pass\n"),
    ('MPC["height"] = 180', 'MPC["height"] = …'),
    ('MPC.set("height", 180, anyone)', 'MPC.set("height", …, anyone)'),
    ("s.join(90_000)", "s.join(…)"),
    ("s.pay(5, amount=90_000)", "s.pay(5, amount=…)"),
    ("as alice: s.join(90_000)", "as alice: s.join(…)"),
    (":time private x = 41", ":time private x = …"),
    ("private x = 41 42", "private x = … …"),
    ("private x = 'abc", "private x = …"),
    ("s.join(90_000", "s.join(…"),
    ("x = 41 42", "x = 41 42"),
    ('private x = input("pay")', 'private x = input("pay")'),
    ("def g(private a: uint8):\n    pass\n\ng(7)\n", "def g(private a: uint8):\n    pass\n\ng(…)\n"),
])  # fmt: skip
def test_secrets_are_hidden(text: str, kept: str) -> None:
    assert redacted(text, _secrets()) == kept


def _secrets() -> Secrets:
    from enigmalang.diagnostics import Sink
    from enigmalang.source import SourceFile
    from enigmalang.syntax.parser import parse

    text = "contract S:\n    def join(private amount: uint32):\n        pass\n\n" \
           "    def pay(n: uint8, private amount: uint32):\n        pass\n"
    module = parse(SourceFile("s.enig", text), Sink())
    assert module is not None
    secrets = Secrets({"y"})
    for item in module.body:
        secrets.learn(item)
    return secrets
