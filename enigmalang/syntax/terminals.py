"""The words of the grammar file, read without lark: for highlighting and completion, which must start at once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from enigmalang.source.shipped import shipped

_TERMINAL = re.compile(r"^(?P<name>_?[A-Z]+)(?:\.[0-9]+)?: /(?P<pattern>.+)/[a-z]*$", re.MULTILINE)
_WORDS = re.compile(r"\(\?:(?P<several>[a-z]+(?:\|[a-z]+)+)\)|(?P<one>@?[A-Za-z]+)(?P<plural>\?)?")
_AHEAD = (r"\b", "(?=")


@dataclass(frozen=True, slots=True)
class WordTerminal:
    """A terminal that is one of some `words`; `pattern` also looks at what must follow for it to be a keyword."""

    name: str
    words: tuple[str, ...]
    pattern: str


@cache
def word_terminals() -> Mapping[str, WordTerminal]:
    """Every terminal of the grammar that stands for words (`_DEF`, `_CONTRACT`, `UNIT`, …), by its name."""
    text = shipped("grammar", "enigma.lark").read_text("utf-8")
    found = {}
    for match in _TERMINAL.finditer(text):
        name, pattern = match["name"], match["pattern"]
        words = _WORDS.match(pattern)
        if words is not None and pattern[words.end() :].startswith(_AHEAD):
            found[name] = WordTerminal(name, _spelled(words), pattern)
    return MappingProxyType(found)


def _spelled(match: re.Match[str]) -> tuple[str, ...]:
    if match["several"]:
        return tuple(match["several"].split("|"))
    if match["plural"]:  # `blocks?`
        return (match["one"][:-1], match["one"])
    return (match["one"],)
