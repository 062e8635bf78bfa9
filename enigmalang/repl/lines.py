"""Lines as they are typed: is it a command, is an input complete, and how far is its next line indented?"""

from enigmalang.syntax.scanner import LEXEME
from enigmalang.syntax.words import BLOCK_WORDS

INDENT = 4
#: Commands whose argument is an input of the language.
TAKES_INPUT = frozenset(("type", "secrecy", "cost", "ir", "circuit", "time"))
_LONG = ('"""', "'''")
_LEAVES = ("return", "raise", "break", "continue", "pass")


class Shape:
    """What a look at the words of a text tells of its form."""

    def __init__(self, text: str) -> None:
        self.brackets = 0
        self.unclosed = False  # a string over several lines without its end
        self.continued = False  # the last line ends in a backslash
        self.blocks = False  # some line opens a block
        last = ""  # word of the logical line
        for match in LEXEME.finditer(text):
            kind, word = match.lastgroup, match.group()
            if kind in ("space", "comment"):
                continue
            if kind == "newline":
                if self.brackets == 0:
                    self.blocks, last = self.blocks or last == ":", ""
                continue
            self.brackets += {"opener": 1, "closer": -1}.get(str(kind), 0)
            last = word
            if kind == "unclosed" and word.endswith(_LONG):
                self.unclosed = True
                break
        self.opens = self.brackets == 0 and _last_word(text) == ":"
        self.blocks = self.blocks or self.opens
        self.continued = text.rstrip(" \t").endswith("\\")


def _last_word(text: str) -> str:
    last = ""
    for match in LEXEME.finditer(text):
        if match.lastgroup not in ("space", "comment", "newline"):
            last = match.group()
    return last


def is_command(text: str) -> bool:
    return text.lstrip().startswith(":")


def split_command(text: str) -> tuple[str, str, str]:
    """What stands before a command's argument, its name, and its argument: `:time x` as (":time ", "time", "x")."""
    start = text.index(":") + 1
    name, *_ = text[start:].split(maxsplit=1) or [""]
    argument = text[start:].lstrip()[len(name):].lstrip()
    return text[: len(text) - len(argument)], name, argument


def is_complete(text: str) -> bool:
    """Whether `text` can be run as it is: a block ends with an empty line, brackets and texts are closed.

    A line that can never be completed counts as complete: its mistake is told when it runs.
    """
    shape = Shape(text)
    if shape.brackets > 0 or shape.unclosed or shape.continued:
        return False
    lines = text.split("\n")
    return not shape.blocks or (len(lines) > 1 and not lines[-1].strip())


def next_indent(text: str) -> int:
    """Spaces that the line after `text` begins with."""
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        return 0
    last = lines[-1]
    now = len(last) - len(last.lstrip(" "))
    shape = Shape(text)
    if shape.brackets > 0:
        return now + INDENT if last.rstrip().endswith(("(", "[", "{")) else now
    if shape.opens:
        return now + INDENT
    words = last.split()
    return max(0, now - INDENT) if words and words[0] in _LEAVES else now


def continues(line: str) -> bool:
    """Whether a line of the top level belongs to the block before it."""
    word = line.split(":")[0].split(" ")[0]
    return word in ("elif", "else") and word in BLOCK_WORDS


def split_inputs(lines: list[str]) -> list[str]:
    """The inputs of a text that is not typed but piped: a block ends where a line of the top level begins."""
    found: list[str] = []
    block: list[str] = []
    for line in lines:
        if block and _ends(block, line):
            found.append("\n".join(block))
            block = []
        if block or line.strip():
            block.append(line)
    if block:
        found.append("\n".join(block))
    return found


def _ends(block: list[str], line: str) -> bool:
    shape = Shape("\n".join(block))
    if shape.brackets > 0 or shape.unclosed or shape.continued:
        return False
    if not shape.blocks:
        return True
    return bool(line.strip()) and not line.startswith((" ", "\t")) and not continues(line)
