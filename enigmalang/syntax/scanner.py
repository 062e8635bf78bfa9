"""One quick look at a whole file before lark sees it: characters, strings, numbers, brackets, lines and blocks.

It finds what a parser reports badly (a bracket whose end is missing, a string that runs on, a tab), keeps every
limit, and cuts the text into logical lines, so that one broken line does not hide the mistakes in another.
"""

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import islice

from enigmalang.diagnostics import Diagnostic, Note
from enigmalang.source import SourceFile, Span
from enigmalang.syntax import foreign, literals
from enigmalang.syntax.words import BLOCK_WORDS, MAX_ERRORS, MAX_NESTING, STATEMENT_WORDS

#: Every lexeme of a file, comments and line ends too; the formatter reads it as well.
LEXEME = re.compile(
    r"""
    (?P<newline>\r?\n)
  | (?P<space>[ \t\f]+|\A\ufeff)
  | (?P<word>@budget\b|(?![bBfFrRuU]{1,2}["'])[A-Za-z_][A-Za-z0-9_]*)
  | (?P<number>[0-9][A-Za-z0-9_]*(?:\.[0-9][A-Za-z0-9_]*)?)
  | (?P<string>[bBfFrRuU]{0,2}(?:
        \"\"\"(?:[^\\]|\\.)*?\"\"\" | \'\'\'(?:[^\\]|\\.)*?\'\'\'
      | "(?!"")(?:[^"\\\n]|\\[^\n])*" | '(?!'')(?:[^'\\\n]|\\[^\n])*'))
  | (?P<comment>\#[^\n]*)
  | (?P<opener>[(\[{])
  | (?P<closer>[)\]}])
  | (?P<continued>\\[ \t]*\r?\n)
  | (?P<unclosed>[bBfFrRuU]{0,2}(?:\"\"\"|\'\'\'|["'][^\n]*))
  | (?P<foreign>&&|\|\||\+\+|--(?=[ \t]*(?:\r?\n|[;)]))|===|!==|=>|<>|!(?!=)|[;?@$`]|/\*|\*/|\.\.\.)
  | (?P<operator>\*\*=|//=|<<=|>>=|->|\.\.|\*\*|//|<<|>>|[-+*/%&|^=!<>]=|[-+*/%&|^=<>.,:~])
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_OPERATOR_WORDS = frozenset({"and", "or", "not", "in", "if", "else", "for", "max"})
_PARTNER = {")": "(", "]": "[", "}": "{"}
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_UNSEEN = "remove it; a text that needs it names it, as in \"\\u202e\""


@dataclass(slots=True)
class Line:
    """A logical line: what stands between two line ends outside of brackets and strings."""

    start: int  # offset of its first word
    number: int
    indent: int
    first: str = ""  # its first word or sign
    second: str = ""
    last: str = ""  # its last word or sign
    stop: int = 0  # offset after its last word or sign
    lost_brackets: bool = False  # a bracket in it has been told, so that the others say nothing
    broken: bool = False  # a mistake in it has been told already

    @property
    def opens(self) -> bool:
        """Whether an indented block has to follow."""
        return self.last == ":"


@dataclass(slots=True)
class Scan:
    """The lines of a file and what is wrong with its characters."""

    source: SourceFile
    lines: list[Line] = field(default_factory=list)
    found: list[Diagnostic] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)  # offset of every physical line

    def span(self, start: int, end: int) -> Span:
        """The place of `text[start:end]`."""
        first, last = bisect_right(self.starts, start), bisect_right(self.starts, max(start, end - 1))
        return Span(
            self.source.path,
            first,
            start - self.starts[first - 1] + 1,
            last,
            max(start, end - 1) - self.starts[last - 1] + 1 + (end > start),
        )

    def error(self, code: str, message: str, span: Span, *notes: Note, help: str | None = None) -> None:
        self.found.append(Diagnostic(code, message, span, notes, help))


def scan(source: SourceFile) -> Scan:
    """Look once over `source.text`; the result's `found` holds the mistakes seen."""
    return _Scanner(source).run()


class _Scanner:
    def __init__(self, source: SourceFile) -> None:
        self.text = source.text
        self.scan = Scan(source, starts=[0, *(m.end() for m in re.finditer("\n", source.text))])
        self.brackets: list[tuple[str, int]] = []
        self.line: Line | None = None
        self.at_start = True  # nothing but space since the last line end
        self.indent = ""
        self.open_braces = 0  # of blocks in the style of C
        self.resume = 0  # offset up to which the text is lost

    def run(self) -> Scan:
        for match in LEXEME.finditer(self.text):
            if match.start() < self.resume:
                continue
            match match.lastgroup:
                case "space":
                    if self.at_start:
                        self.indent = match.group().replace("\ufeff", "")
                case "newline":
                    self.newline(match.start())
                case "comment":
                    pass
                case kind:
                    self.lexeme(str(kind), match)
        if self.brackets:
            self.unclosed_brackets()
        self.finish()
        self.scan.found[:0] = self.reordering()
        return self.scan

    def reordering(self) -> list[Diagnostic]:
        """Characters that reorder what is seen, also in strings and comments and where the text is lost."""
        found = islice(foreign.REORDERING.finditer(self.text), MAX_ERRORS)
        return [Diagnostic("E0015", f"{_named(m.group())} changes the order in which this text is shown",
                           self.scan.span(m.start(), m.end()), (), _UNSEEN) for m in found]

    # ------------------------------------------------------------------------------------------ lines

    def newline(self, offset: int) -> None:
        if len(self.brackets) == 1 and self.line is not None and self.line.last == "{":
            self.braces(self.line)
        if not self.brackets:
            self.finish()
        self.at_start = True
        self.indent = ""

    def finish(self) -> None:
        self.line = None

    def braces(self, line: Line) -> None:
        """`contract C {`: told once, and the rest of the file is read as if it were indented."""
        if line.first not in BLOCK_WORDS and foreign.first_word(line.first) is None:
            return
        _, offset = self.brackets.pop()
        if self.open_braces == 0:
            help = "end the line with `:` and indent the block by 4 spaces"
            self.error("E0010", "a block is not put in braces", offset, offset + 1, help=help)
        self.open_braces += 1
        line.broken = True
        line.last = ":"

    def begin(self, offset: int) -> Line:
        """The line that the lexeme at `offset` belongs to."""
        if self.line is None:
            self.line = Line(offset, bisect_right(self.scan.starts, offset), len(self.indent))
            self.scan.lines.append(self.line)
            if "\t" in self.indent or "\f" in self.indent:
                self.tab(offset)
        return self.line

    def tab(self, offset: int) -> None:
        if self.line is not None:
            self.line.indent = len(self.indent.expandtabs(4))
        start = offset - len(self.indent)
        self.error("E0005", "a tab in the indentation", start, offset, help="indent with 4 spaces for each level")

    def lexeme(self, kind: str, match: re.Match[str]) -> None:
        offset, text = match.start(), match.group()
        if self.at_start and self.brackets and kind == "word" and self.is_new_statement(text):
            self.unclosed_brackets()
            self.finish()
        line = self.begin(offset)
        self.at_start = False
        if kind == "continued":
            return
        if not line.first:
            line.first = text
        elif not line.second:
            line.second = text
        line.last = text
        line.stop = match.end()
        if kind in ("word", "operator"):
            if text == "//" and line.start == offset:
                self.foreign(text, offset)
                self.lose_line(offset)
            return
        self.special(kind, text, offset)

    def is_new_statement(self, word: str) -> bool:
        """Whether `word`, first in its row, shows that an open bracket was forgotten in a row before."""
        if word in STATEMENT_WORDS:
            return True
        line = self.line
        if line is None or len(self.indent) > line.indent or word in _OPERATOR_WORDS:
            return False
        return line.last not in _OPERATOR_WORDS and (line.last[-1].isalnum() or line.last[-1] in "_)]}\"'")

    def special(self, kind: str, text: str, offset: int) -> None:
        match kind:
            case "opener":
                self.open(text, offset)
            case "closer":
                self.closer(text, offset)
            case "number":
                self.literal(literals.number_fault(text), offset, text)
            case "string":
                self.literal(literals.string_fault(text), offset, text)
            case "unclosed":
                self.unclosed_string(text, offset)
            case "foreign":
                self.foreign(text, offset)
            case _:
                self.other(text, offset)

    def lose_line(self, offset: int) -> None:
        """Skip to the end of this physical line; brackets opened on it are taken as closed."""
        end = self.text.find("\n", offset)
        self.resume = len(self.text) if end < 0 else end
        begin = self.scan.starts[bisect_right(self.scan.starts, offset) - 1]
        while self.brackets and self.brackets[-1][1] >= begin:
            self.brackets.pop()

    def error(self, code: str, message: str, start: int, end: int, *notes: Note, help: str | None = None) -> None:
        if self.line is not None:
            self.line.broken = True
        self.scan.error(code, message, self.scan.span(start, end), *notes, help=help)

    # --------------------------------------------------------------------------------------- brackets

    def open(self, text: str, offset: int) -> None:
        self.brackets.append((text, offset))
        if len(self.brackets) == MAX_NESTING + 1:
            self.error(
                "E0008",
                f"more than {MAX_NESTING} brackets in one another",
                offset,
                offset + 1,
                help="give parts of the expression names of their own",
            )

    def closer(self, text: str, offset: int) -> None:
        if not self.brackets and text == "}" and self.open_braces and self.line is not None:
            self.line.broken = True
            return
        lost = self.line is not None and self.line.lost_brackets
        if not self.brackets:
            if not lost:
                self.error("E0002", f"`{text}` closes nothing", offset, offset + 1, help="remove it")
                self.lose_brackets()
            return
        opener, where = self.brackets.pop()
        if opener == _PARTNER[text] or lost:
            return
        self.error(
            "E0002",
            f"`{text}` closes nothing: the open bracket is `{opener}`",
            offset,
            offset + 1,
            Note(self.scan.span(where, where + 1), f"this `{opener}` is still open"),
            help=f"close it with `{_CLOSING[opener]}`",
        )
        self.lose_brackets()

    def lose_brackets(self) -> None:
        if self.line is not None:
            self.line.lost_brackets = True

    def unclosed_brackets(self) -> None:
        """Tell the innermost bracket that was never closed."""
        opener, offset = self.brackets[-1]
        self.brackets.clear()
        if self.line is not None and self.line.lost_brackets:
            return
        self.error(
            "E0002",
            f"this `{opener}` is never closed",
            offset,
            offset + 1,
            help=f"add the missing `{_CLOSING[opener]}`",
        )

    # --------------------------------------------------------------------------------------- literals

    def literal(self, fault: literals.Fault | None, offset: int, text: str) -> None:
        if fault is not None:
            start = offset + fault.start
            end = offset + (fault.end if fault.end is not None else len(text))
            self.error(fault.code, fault.message, start, end, help=fault.help)

    def unclosed_string(self, text: str, offset: int) -> None:
        """A quote without its partner: the rest of the line, or of the file, is lost."""
        quote = text.lstrip("bBfFrRuU")
        if quote[:3] in ('"""', "'''"):
            self.error("E0003", "this string is never closed", offset, offset + 3, help=f"end it with {quote[:3]}")
            self.brackets.clear()
            self.resume = len(self.text)
            return
        if not self.told(offset):
            self.error(
                "E0003",
                "this string is not closed on its line",
                offset,
                offset + len(text.rstrip()),
                help=f"end it with {quote[0]}, or use three quotes for a text of several lines",
            )
        self.lose_line(offset)

    def told(self, offset: int) -> bool:
        """Whether a mistake on the same physical line was told already; the line counts as broken."""
        if self.line is not None:
            self.line.broken = True
        row = bisect_right(self.scan.starts, offset)
        return bool(self.scan.found) and self.scan.found[-1].span.end_line == row

    # ------------------------------------------------------------------------------ what does not belong

    def foreign(self, text: str, offset: int) -> None:
        if not self.told(offset):
            message, help = foreign.sign(text)
            self.error("E0010", message, offset, offset + len(text), help=help)

    def other(self, char: str, offset: int) -> None:
        if foreign.REORDERING.match(char):
            self.told(offset)  # by `reordering`
        elif not self.told(offset):
            if char in foreign.UNSEEN:
                self.error("E0015", f"{_named(char)} is not seen", offset, offset + 1, help="remove it")
                return
            message = f"{_named(char)} does not belong in a program"
            help = foreign.lookalike(char, unicodedata.name(char, ""))
            self.error("E0004", message, offset, offset + 1, help=help)


def _named(char: str) -> str:
    name = unicodedata.name(char, "")
    shown = f"`{char}`" if char.isprintable() else "a character"
    return f"{shown} (U+{ord(char):04X}{', ' + name.lower() if name else ''})"
