"""The page behind `enig explain CODE`."""

import difflib
import re
from pathlib import Path

from enigmalang.diagnostics.codes import CODES

_PAGES = Path(__file__).parent / "pages"


def explain(code: str) -> str | None:
    """The Markdown page on `code`, in any case and with or without its letter; None when there is no such code.

    For a code that does not exist `nearest` names the ones that may have been meant.
    """
    known = find(code)
    if known is None:
        return None
    return (_PAGES / f"{known}.md").read_text("utf-8")


def find(code: str) -> str | None:
    """The registered spelling of `code`: `e301`, `E0301`, `0301` and `301` are the same."""
    match = re.fullmatch(r"\s*\[?([EWew]?)0*(\d{1,4})\]?\s*", code)
    if match is None:
        return None
    number = match[2].zfill(4)
    letters = [match[1].upper()] if match[1] else []
    return next((name for letter in [*letters, "E", "W"] if (name := letter + number) in CODES), None)


def nearest(text: str, count: int = 3) -> list[str]:
    """Codes that may have been meant by `text`: near in spelling, or with one of its words in their title."""
    wanted = text.strip().upper()
    typed = wanted[:1] + wanted[1:].replace("O", "0").replace("I", "1").replace("L", "1")
    close = difflib.get_close_matches(wanted, CODES, n=count, cutoff=0.6)
    words = re.findall(r"[a-z]{4,}", text.lower())
    titled = [c.code for c in CODES.values() if any(word in c.title for word in words)]
    return list(dict.fromkeys([*([typed] if typed in CODES else []), *close, *titled]))[:count]


def suggestion(text: str) -> str:
    """The sentence for a code that does not exist."""
    near = nearest(text)
    if not near:
        return f"there is no code `{text}`; `enig explain` lists all of them"
    listed = ", ".join(f"{code} ({CODES[code].title})" for code in near)
    return f"there is no code `{text}`; did you mean {listed}?"
