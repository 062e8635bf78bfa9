"""Habits from Python, Solidity, Vyper and JavaScript: how each is said here."""

import re
from collections.abc import Mapping
from types import MappingProxyType

Said = tuple[str, str]


def _python(word: str, instead: str) -> Said:
    return f"there is no `{word}` here as in Python", instead


def _solidity(word: str, instead: str) -> Said:
    return f"`{word}` is not written here as in Solidity", instead


_SIGNS: Mapping[str, Said] = MappingProxyType(
    {
        "&&": ("`&&` is not an operator", "write `and`"),
        "||": ("`||` is not an operator", "write `or`"),
        "!": ("`!` is not an operator", "write `not`"),
        "++": ("`++` is not an operator", "write `x += 1`"),
        "--": ("`--` is not an operator", "write `x -= 1`"),
        "===": ("`===` is not an operator", "write `==`"),
        "!==": ("`!==` is not an operator", "write `!=`"),
        "=>": ("`=>` is not an operator", "write `>=` to compare, `map[K, V]` for a map's type"),
        ";": ("a statement ends with its line, not with `;`", "remove it; the next statement begins on the next line"),
        "?": ("`?` is not an operator", "write `a if condition else b`"),
        "@": ("there are no decorators", "write `internal def`, `view def` or `payable def`"),
        "$": ("`$` does not belong in a program", "names are letters, digits and `_`"),
        "`": ("a backquote does not belong in a program", "write a string in \"…\" or '…'"),
        "/*": ("a comment begins with `#`", "write `#` at the start of each comment line"),
        "*/": ("a comment begins with `#`", "write `#` at the start of each comment line"),
        "//": ("a comment begins with `#`", "write `#`; `//` divides integers"),
        "<>": ("`<>` is not an operator", "write `!=`"),
        "...": ("`...` is not a statement", "write `pass` for a block that does nothing"),
    }
)

#: Words that begin a line in another language.
_FIRST: Mapping[str, Said] = MappingProxyType(
    {
        "class": _python("class", "write `contract` for something on the ledger, `struct` for a record"),
        "try": _python("try", "check first with `if` or `require`; in a test, write `expect revert`"),
        "except": _python("except", "check first with `if` or `require`"),
        "finally": _python("finally", "leave it out: a call that fails changes nothing"),
        "with": _python("with", "write `as who:` to act under an identity"),
        "global": _python("global", "name contract state directly; pass other values as parameters"),
        "nonlocal": _python("nonlocal", "pass the value as a parameter"),
        "del": _python("del", "assign a new value, or use the list's `pop`"),
        "async": _python("async", "write `submit f(…)` and later `await` the job"),
        "yield": _python("yield", "return a list"),
        "match": _python("match", "write `if` and `elif`"),
        "lambda": _python("lambda", "write a `def` and give its name"),
        "function": _solidity("function", "write `def name(x: uint32) -> uint32:`"),
        "func": ("`func` does not begin a function", "write `def name(x: uint32) -> uint32:`"),
        "fn": ("`fn` does not begin a function", "write `def name(x: uint32) -> uint32:`"),
        "constructor": _solidity("constructor", "write `def init(…):`"),
        "modifier": _solidity("modifier", "write an `internal def` and call it"),
        "mapping": _solidity("mapping", "write `name: map[address, uint256]`"),
        "pragma": _solidity("pragma", "leave it out"),
        "using": _solidity("using", "leave it out, and call the function by its name"),
        "library": _solidity("library", "put the functions in a file of their own and import it"),
        "revert": _solidity("revert", 'write `raise SomeError(…)`, or `require condition, "text"`'),
        "unchecked": _solidity("unchecked", "write `wrap(…)` around the expression"),
        "public": _solidity("public", "leave it out: what is not `private` is public"),
        "external": _solidity("external", "leave it out: a `def` of a contract is external"),
        "let": ("`let` is not needed", "write `x = 1`, or `x: uint32 = 1`"),
        "var": ("`var` is not needed", "write `x = 1`, or `x: uint32 = 1`"),
        "switch": ("there is no `switch`", "write `if` and `elif`"),
        "do": ("there is no `do`", "write `while condition:`"),
        "implements": ("there is no `implements`", "an interface describes contracts that are called, and binds none"),
        "flag": ("`flag` is written `enum`", "write `enum Name:`"),
        "log": ("`log` is written `emit`", "write `emit Event(…)`"),
    }
)

#: Words that stand somewhere in an expression or a header of another language.
_INSIDE: Mapping[str, Said] = MappingProxyType(
    {
        "lambda": _FIRST["lambda"],
        "is": _python("is", "write `==`"),
        "None": _python("None", "use a value of the right type, such as 0 or an empty list"),
        "yield": _FIRST["yield"],
        "null": ("there is no `null`", "use a value of the right type, such as 0 or an empty list"),
        "public": _FIRST["public"],
        "external": _FIRST["external"],
        "returns": _solidity("returns", "write `-> uint32` after the parameters"),
        "memory": _solidity("memory", "leave it out: every value is copied"),
        "calldata": _solidity("calldata", "leave it out: every value is copied"),
        "storage": _solidity("storage", "leave it out: a contract's own names are its state"),
        "indexed": _solidity("indexed", "write `name: type`"),
        "pure": _solidity("pure", "write `view def`"),
        "virtual": _solidity("virtual", "leave it out"),
        "override": _solidity("override", "leave it out"),
        "immutable": _solidity("immutable", "write `const NAME = …`, or set the state in `def init`"),
        "constant": _solidity("constant", "write `const NAME = …`"),
        "then": ("`then` is not written here", "end the line with `:`"),
        "new": ("`new` is not needed", "write `deploy Contract(…)`"),
    }
)

#: Names that are never meant as names.
VALUES: Mapping[str, Said] = MappingProxyType(
    {
        "true": ("`true` is written `True`", "write `True`"),
        "false": ("`false` is written `False`", "write `False`"),
        "null": _INSIDE["null"],
        "None": _INSIDE["None"],
        "undefined": ("there is no `undefined`", "use a value of the right type, such as 0"),
    }
)

_TYPES = frozenset(
    {"int", "uint", "float", "double", "str", "string", "bool", "byte", "bytes", "address", "char", "long"}
)

#: Characters that change the order in which the text around them is drawn, and are not seen themselves: with them a
#: program reads other than it means (N. Boucher and R. Anderson, "Trojan Source", 2021).
REORDERING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

#: Characters without width: they belong in texts and comments only. (At the beginning of a file U+FEFF says that it is
#: Unicode.)
UNSEEN = frozenset("\u200b\u200c\u200d\u2060\ufeff")

_LOOKALIKES: Mapping[str, str] = MappingProxyType(
    {
        "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "′": "'", "–": "-", "—": "-",
        "−": "-", "×": "*", "·": "*", "÷": "/", "≤": "<=", "≥": ">=", "≠": "!=", "＝": "=", "：": ":", "，": ",",
        "（": "(", "）": ")", "∧": "and", "∨": "or", "¬": "not", "→": "->", "…": "...", "∈": "in",
    }
)  # fmt: skip


def sign(text: str) -> Said:
    """The message and the help for a sign of another language."""
    return _SIGNS[text]


def first_word(word: str) -> Said | None:
    """What to say when a line that does not parse begins with `word`."""
    return _FIRST.get(word)


def inner_word(word: str) -> Said | None:
    """What to say when `word` stands where the parser stops."""
    return _INSIDE.get(word)


def is_type(word: str) -> bool:
    """Whether `word` names a type somewhere: `uint256 x` is C's order."""
    return word.rstrip("0123456789") in _TYPES


def lookalike(char: str, name: str) -> str | None:
    """Help for a character that looks like another, or that a text processor put there."""
    if char in _LOOKALIKES:
        return f"write {_LOOKALIKES[char]}"
    if "SPACE" in name or char == "\xa0":
        return "write an ordinary space"
    if char.isalpha():
        return "names are written with the letters a–z, digits and `_`; other letters belong in strings and comments"
    return None
