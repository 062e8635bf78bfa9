"""What is wrong with one line that the grammar refuses, in the user's words."""

from dataclasses import dataclass

from lark import Token
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from enigmalang.diagnostics import Diagnostic
from enigmalang.source import Span
from enigmalang.syntax import foreign
from enigmalang.syntax.grammar import grammar
from enigmalang.syntax.scanner import Line, Scan
from enigmalang.syntax.words import BLOCK_WORDS, BUDGET, RESERVED, UNITS

#: Stand for a broken line's head so that it parses alone; as long as what they replace.
_ALONE = {"elif": "  if", "else": "if 1"}
#: Foreign first words that are told wherever the line breaks.
_SURE = frozenset(["constructor", "mapping", "function", "pragma", "using", "modifier", "class", "unchecked"])
_SOFT = frozenset(["contract", "struct", "enum", "interface", "predicate", "event", "error", "identity"])
_TIMES = {"second": "seconds", "minute": "minutes", "hour": "hours", "day": "days", "week": "", "weeks": ""}
_EXPECTED = {
    "STRING": "a string",
    "COLON": "`:`",
    "RPAR": "`)`",
    "RSQB": "`]`",
    "RBRACE": "`}`",
    "COMMA": "`,`",
    "EQUAL": "`=`",
    "DOTS": "`..`",
    "IN": "`in`",
    "LPAR": "`(`",
    "_ELSE": "`else`",
    "_IMPORT": "`import`",
    "_DEF": "`def`",
    "_NL": "the end of the line",
}
_OPERAND_STARTS = frozenset({"NAME", "INTEGER", "DECIMAL", "HEX", "STRING", "BYTES", "TRUE", "FALSE"})
_OPERAND_ENDS = _OPERAND_STARTS | {"RPAR", "RSQB", "RBRACE", "UNIT"}


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the parser stopped in a line: the tokens before, the refused one (None: the line's end), what it wanted."""

    before: list[Token]
    bad: Token | None
    accepts: frozenset[str]

    @property
    def previous(self) -> Token | None:
        return self.before[-1] if self.before else None

    @property
    def expression_wanted(self) -> bool:
        return "INTEGER" in self.accepts


def line_fault(scan: Scan, line: Line) -> Diagnostic | None:
    """The first mistake in `line`, parsed alone; None when it is a sound line."""
    begin = scan.starts[scan.span(line.start, line.start).line - 1]
    text = scan.source.text[begin : line.stop]
    indent = line.start - begin
    if line.first in _ALONE:
        text = text[:indent] + _ALONE[line.first] + text[indent + len(line.first) :]
    behind = " pass" if line.opens else "\ndef f(): pass" if line.first == BUDGET else ""
    stop = _stop(text + behind, len(text))
    return _Fault(scan, line, stop, begin).diagnostic() if stop is not None else None


def _stop(text: str, length: int) -> Stop | None:
    """Where the parser stops in `text`; what stands behind `length` was added to it."""
    before: list[Token] = []
    parser = grammar().parse_interactive(text + "\n")
    bad: Token | None = None
    try:
        for token in parser.lexer_thread.lex(parser.parser_state):  # type: ignore[no-untyped-call]
            bad = token
            parser.feed_token(token)
            before.append(token)
        parser.feed_eof()  # type: ignore[no-untyped-call]
        return None
    except UnexpectedToken as error:
        bad = error.token if error.token.type != "$END" else None
    except UnexpectedCharacters as error:
        position = error.pos_in_stream or 0
        bad = Token("?", text[position], position, error.line, error.column)
    if bad is not None and ((bad.start_pos or 0) >= length or bad.type in ("_NL", "_DEDENT")):
        bad = None
    return Stop(before, bad, _accepts(text, before))


def _accepts(text: str, before: list[Token]) -> frozenset[str]:
    """What may follow the tokens `before`; the parser that refused one has gone on too far to tell."""
    parser = grammar().parse_interactive(text + "\n")
    for token in before:
        parser.feed_token(token)
    return frozenset(parser.accepts())  # type: ignore[no-untyped-call]


class _Fault:
    """Finds the words for one `Stop`."""

    def __init__(self, scan: Scan, line: Line, stop: Stop, begin: int) -> None:
        self.scan = scan
        self.line = line
        self.stop = stop
        self.begin = begin

    def diagnostic(self) -> Diagnostic:
        return (
            self.foreign_line()
            or self.import_form()
            or self.foreign_word()
            or self.equals()
            or self.reserved()
            or self.colon()
            or self.unit()
            or self.call_form()
            or self.ends()
            or self.unexpected()
        )

    def at(self, token: Token | None) -> Span:
        """The place of `token`, or just behind the line."""
        if token is None:
            return self.scan.span(self.line.stop, self.line.stop + 1)
        start = self.begin + (token.start_pos or 0)
        return self.scan.span(start, start + max(1, len(token.split("\n")[0])))

    def behind(self, token: Token) -> Span:
        """The place just behind `token`."""
        start = self.begin + (token.start_pos or 0) + len(token)
        return self.scan.span(start, start + 1)

    @property
    def in_brackets(self) -> bool:
        kinds = [token.type for token in self.stop.before]
        return sum(k in ("LPAR", "LSQB", "LBRACE") for k in kinds) > sum(k in ("RPAR", "RSQB", "RBRACE") for k in kinds)

    def say(self, code: str, message: str, token: Token | None, help: str | None) -> Diagnostic:
        return Diagnostic(code, message, self.at(token), (), help)

    # -------------------------------------------------------------------------------- other languages

    def foreign_line(self) -> Diagnostic | None:
        said = foreign.first_word(self.line.first)
        if said is None or not (len(self.stop.before) <= 2 or self.line.first in _SURE):
            return None
        first = self.stop.before[0] if self.stop.before else self.stop.bad
        return self.say("E0010", said[0], first, said[1])

    def import_form(self) -> Diagnostic | None:
        bad = self.stop.bad
        if bad is None or self.line.first not in ("import", "from", "contract"):
            return None
        if self.line.first == "contract" and bad == "(" and len(self.stop.before) == 2:
            help = "leave the brackets out; import the functions that contracts share"
            return self.say("E0010", "a contract does not inherit from others", bad, help)
        if bad == "." and self.line.first != "contract":
            return self.say("E0010", "a module has one name, without dots", bad, "write `import name`")
        if bad == "," and self.line.first == "import":
            return self.say("E0010", "one module a line", bad, "write another `import` on a line of its own")
        if bad == "*" and self.line.first == "from":
            return self.say("E0010", "names are imported one by one", bad, "write `from m import f, g`")
        return None

    def foreign_word(self) -> Diagnostic | None:
        previous, bad = self.stop.previous, self.stop.bad
        for token in (previous, bad):
            said = foreign.inner_word(str(token)) if token is not None and token.type == "NAME" else None
            if said is not None:
                return self.say("E0010", said[0], token, said[1])
        if previous is None or bad is None or bad.type != "NAME" or previous.type != "NAME":
            return None
        if foreign.is_type(previous):
            return self.say("E0010", "the type stands after the name", previous, f"write `{bad}: {previous}`")
        return None

    # ---------------------------------------------------------------------------------------- mistakes

    def equals(self) -> Diagnostic | None:
        bad = self.stop.bad
        if bad is None or bad != "=" or self.reserved() is not None:
            return None
        if self.line.first in ("if", "elif", "while", "require", "assert", "return"):
            return self.say("E0001", "`=` assigns and cannot stand in a condition", bad, "write `==` to compare")
        if any(token == "=" for token in self.stop.before):
            help = "write `==` to compare, or two lines to assign twice"
            return self.say("E0001", "a second `=` in one line", bad, help)
        return self.say("E0001", "`=` cannot stand here", bad, "write `==` to compare; left of `=` stands a name")

    def reserved(self) -> Diagnostic | None:
        previous, bad = self.stop.previous, self.stop.bad
        found: Token | None = None
        if bad is not None and bad in RESERVED and "NAME" in self.stop.accepts and not self.stop.expression_wanted:
            found = bad
        elif previous is not None and previous in RESERVED and bad is not None and bad in ("=", "+=", "-=", ".", ")"):
            found = previous if previous not in ("True", "False", "not") else None
        elif previous is None and bad is not None and bad in RESERVED and self.line.second in ("=", ":", "."):
            found = bad
        if found is None:
            return None
        return self.say("E0009", f"`{found}` is a reserved word and cannot be a name", found, f"call it `{found}_`")

    def colon(self) -> Diagnostic | None:
        stop = self.stop
        if self.line.first in BLOCK_WORDS and not self.line.opens and "COLON" in stop.accepts and not self.in_brackets:
            bad = stop.bad
            if stop.before and (bad is None or bad.type in _OPERAND_STARTS or bad in RESERVED):
                head = f"`{self.line.first}`" if len(stop.before) == 1 else f"the header of this `{self.line.first}`"
                place = self.behind(stop.before[-1])
                return Diagnostic("E0007", f"a colon is missing after {head}", place, (), "write `:`")
        return self.header()

    def header(self) -> Diagnostic | None:
        """A soft keyword without what makes it one, or a block behind the colon of another."""
        first, before, bad = self.line.first, self.stop.before, self.stop.bad
        alone = len(before) in (1, 2) and before[0].type == "NAME"
        if first in _SOFT and alone:
            help = f"write `{first} Name`"
            return self.say("E0001", f"a name is expected after `{first}`", before[0], help)
        if first == "test" and alone:
            help = 'write `test "what is tested":`'
            return self.say("E0001", "a string is expected after `test`", before[0], help)
        behind_colon = self.stop.previous == ":" and not self.in_brackets
        if behind_colon and bad is not None and bad in BLOCK_WORDS & RESERVED:
            help = "put it on a line of its own, indented"
            return self.say("E0011", f"`{bad}` cannot stand on the line of another block", bad, help)
        return None

    def unit(self) -> Diagnostic | None:
        previous, bad = self.stop.previous, self.stop.bad
        if bad is None or previous is None:
            return None
        if bad in UNITS and previous.type in _OPERAND_ENDS:
            return self.say("E0012", "a unit follows a number only", bad, f"write `{previous} * 1 {bad}`")
        if bad in _TIMES and previous.type in ("INTEGER", "DECIMAL"):
            help = f"write `{previous} {_TIMES[bad]}`" if _TIMES[bad] else "write it in days: `7 days`"
            return self.say("E0012", f"there is no unit `{bad}`", bad, help)
        return None

    def call_form(self) -> Diagnostic | None:
        previous, bad = self.stop.previous, self.stop.bad
        if bad is None or previous is None:
            return None
        if previous in ("print", "reveal") and bad.type in _OPERAND_STARTS:
            return self.say("E0010", f"`{previous}` is a function", bad, f"write `{previous}({bad})`")
        if bad in ("*", "**") and previous in ("(", ","):
            return self.say("E0010", f"`{bad}` does not unpack arguments", bad, "write the arguments one by one")
        if bad == ":" and previous == ":" and "RSQB" in self.stop.accepts:
            return self.say("E0010", "a slice has no step", bad, "write `xs[low:high]`")
        return None

    def ends(self) -> Diagnostic | None:
        if self.stop.bad is not None:
            return None
        wanted = self.wanted()
        tail = f": {wanted} is expected" if wanted else ""
        if self.scan.lines[-1] is self.line:
            return self.say("E0006", f"the file ends in the middle of a statement{tail}", None, None)
        return self.say("E0001", f"the line ends too early{tail}", None, None)

    def unexpected(self) -> Diagnostic:
        previous, bad = self.stop.previous, self.stop.bad
        adjacent = previous is not None and previous.type in _OPERAND_ENDS and bad is not None
        if adjacent and "PLUS" in self.stop.accepts and bad not in RESERVED and self.line.first != "for":
            help = f"an operator or a comma is missing after {_shown(previous)}"
        else:
            help = f"{self.wanted()} is expected" if self.wanted() else "remove it"
        after = f" after {_shown(previous)}" if previous is not None else " at the start of a line"
        return self.say("E0001", f"{_shown(bad)} cannot stand{after}", bad, help)

    def wanted(self) -> str:
        """What may come next, in words."""
        if self.stop.expression_wanted:
            return "an expression"
        if "NAME" in self.stop.accepts:
            return "a name"
        words = [text for kind, text in _EXPECTED.items() if kind in self.stop.accepts]
        if not words:
            return ""
        return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _shown(token: Token | None) -> str:
    if token is None:
        return "the end of the line"
    if token.type in ("STRING", "BYTES"):
        return "this string" if len(token) > 24 or "\n" in token else f"`{token}`"
    return f"`{token[:24]}…`" if len(token) > 25 else f"`{token}`"
