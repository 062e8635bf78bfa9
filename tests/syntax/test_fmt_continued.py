"""A line of nothing but indentation and a continuation gives its statement its indentation."""

from enigmalang.syntax.formatting import format_source


def test_a_continuation_before_a_statement() -> None:
    text = "left = 3\nwhile left > 0 max 3:\n    \\\n   left -= 1\n"
    assert format_source(text, "a.enig") == "left = 3\nwhile left > 0 max 3:\n    left -= 1\n"
    kept = 'def f():\n    """A text\n    \\\n    of its own."""\n    x = 1\n'
    assert format_source(kept, "b.enig") == kept
