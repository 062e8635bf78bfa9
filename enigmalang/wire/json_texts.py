"""JSON of others. The calls of Python's decoder nest as deep as a text does, up to the recursion limit of the process;
the interpreter raises that, and so do libraries, to where the C stack ends first, and with it the process.
"""

import json
import re
from typing import Any

#: Brackets that may be open at once. Of the stack, a level takes some 130 bytes.
DEEPEST = 10_000
_BRACKETS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)


class NestedTooDeeply(ValueError):
    """A text with more than DEEPEST brackets open at once, or more than the decoder takes."""


def read_json(text: str | bytes, **how: Any) -> Any:
    """As `json.loads`, which takes `how`; bytes are UTF-8. Raises NestedTooDeeply, ValueError for what is no JSON."""
    if isinstance(text, bytes):
        text = text.decode()
    if text.count("[") + text.count("{") > DEEPEST and _depth(text) > DEEPEST:
        raise NestedTooDeeply("nested too deeply")
    try:
        return json.loads(text, **how)
    except RecursionError:
        raise NestedTooDeeply("nested too deeply") from None


def _depth(text: str) -> int:
    """The most brackets, outside of strings, that are open at once, as far as DEEPEST + 1."""
    depth = most = 0
    for found in _BRACKETS.finditer(text):
        first = text[found.start()]
        if first in "[{":
            depth += 1
            most = max(most, depth)
            if most > DEEPEST:
                break
        elif first in "]}":
            depth -= 1
    return most
