"""Writes what VS Code knows of the language without a server, from the language's own tables.

    python editors/vscode/generate.py           write the two files below
    python editors/vscode/generate.py --check   exit 1 when one of them is not what would be written

`syntaxes/enigma.tmLanguage.json` is the TextMate grammar, `language-configuration.json` brackets and indentation.
Words come from `grammar/enigma.lark` and `enigmalang/syntax/words.py`; where a soft keyword is a keyword from the
table of the Pygments lexer, with which tests compare the scopes.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from enigmalang.syntax.pygments_lexer import PLACES
from enigmalang.syntax.terminals import WordTerminal, word_terminals
from enigmalang.syntax.words import BLOCK_WORDS, FUNCTIONS, RESERVED, SIZED_TYPES, TYPES, VALUES

HERE = Path(__file__).parent
NAME = "[A-Za-z_][A-Za-z0-9_]*"
SPACE = r"[ \t]+"

#: Scopes of reserved words that are not plain control words.
SCOPES = {
    **dict.fromkeys(("and", "or", "not", "in"), "keyword.operator.word"),
    **dict.fromkeys(("from", "import"), "keyword.control.import"),
    **dict.fromkeys(("True", "False"), "constant.language"),
    **dict.fromkeys(("def", "const"), "storage.type"),
    "private": "storage.modifier.private",
}
#: Terminals that declare the name which follows them.
DECLARING = {
    "_DEF": "entity.name.function",
    "_PREDICATE": "entity.name.function",
    **dict.fromkeys(("_CONTRACT", "_STRUCT", "_ENUM", "_INTERFACE"), "entity.name.type"),
    **dict.fromkeys(("_EVENT", "_ERROR"), "entity.name.type"),
}
#: Words after which no value has ended, so that a `max` behind them is the function.
OPENING = (RESERVED - {"True", "False"}) | {"advance", "deploy", "submit", "revert", "leak"}

Rule = dict[str, Any]


def any_of(words: Iterable[str]) -> str:
    return "(?:" + "|".join(sorted(words, key=lambda word: (-len(word), word))) + ")"


def scoped(scope: str) -> str:
    return f"{scope}.enigma"


def captured(pattern: str, *scopes: str) -> Rule:
    """A rule whose groups have `scopes`, in order."""
    return {"match": pattern, "captures": {str(n): {"name": scoped(s)} for n, s in enumerate(scopes, 1)}}


def whole(pattern: str, scope: str) -> Rule:
    """A rule for all that `pattern` matches."""
    return {"match": pattern, "name": scoped(scope)}


# ------------------------------------------------------------------------------------------------------ words


def soft(terminal: WordTerminal) -> Rule:
    """The rule of a soft keyword, by the place where it is one."""
    word = f"({terminal.pattern})"
    match PLACES[terminal.name]:
        case "statement" if terminal.name == "MODIFIER":  # `internal view def`: what follows is enough
            return captured(rf"\b{word}", "storage.modifier")
        case "statement":
            start = r"(?:^[ \t\x{feff}]*|(?<=:)[ \t]+)"
            if terminal.name in DECLARING:
                return captured(f"{start}{word}{SPACE}({NAME})", "storage.type", DECLARING[terminal.name])
            annotation = terminal.words[0].startswith("@")
            return captured(f"{start}{word}", "entity.name.function.decorator" if annotation else "keyword.control")
        case "prefix":
            return captured(rf"\b{word}", "keyword.control")
        case "operand":  # `max(…)` is the function: one expression cannot tell what the parser can
            before = "|".join(rf"\b{word}" for word in sorted(OPENING))
            return captured(rf"(?<=[A-Za-z0-9_)\]}}\"'])(?<!{before}){SPACE}{word}(?!\()", "keyword.control")
        case "number":
            raise ValueError("units stand in the rules of numbers")
        case "expect":
            return captured(rf"(?<=\bexpect){SPACE}{word}", "keyword.control")


def numbers() -> Iterator[Rule]:
    unit = word_terminals()["UNIT"].pattern
    blocks = word_terminals()["BLOCKS"].pattern
    for digits in (r"0x[0-9A-Fa-f_]+", r"[0-9][0-9_]*\.[0-9][0-9_]*", r"[0-9][0-9_]*"):
        yield captured(rf"\b({digits}){SPACE}({unit}|{blocks})", "constant.numeric", "keyword.other.unit")
        yield whole(rf"\b{digits}", "constant.numeric")


def strings() -> Iterator[Rule]:
    escape = whole(r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.|$)", "constant.character.escape")
    for quote, kind in (('"""', "triple"), ("'''", "triple"), ('"', "double"), ("'", "single")):
        yield {
            "name": scoped(f"string.quoted.{kind}"),
            "begin": rf"(\bb)?({quote})",
            "beginCaptures": {"1": {"name": scoped("storage.type.string")},
                              "2": {"name": scoped("punctuation.definition.string.begin")}},
            "end": f"({quote})" if len(quote) == 3 else f"({quote})|$",
            "endCaptures": {"1": {"name": scoped("punctuation.definition.string.end")}},
            "patterns": [escape],
        }  # fmt: skip


def words() -> Iterator[Rule]:
    yield captured(rf"(?<=\.)(?<!\.\.)[ \t]*({NAME})", "variable.other.property")
    table = word_terminals()
    yield from (soft(table[name]) for name in PLACES if name != "UNIT")
    for name, scope in DECLARING.items():
        if name not in PLACES:
            yield captured(rf"\b({table[name].pattern}){SPACE}({NAME})", SCOPES[table[name].words[0]], scope)
    for scope in sorted({*SCOPES.values(), "keyword.control"}):
        group = {word for word in RESERVED if SCOPES.get(word, "keyword.control") == scope}
        yield whole(rf"\b{any_of(group)}\b", scope)
    yield whole(rf"\b{any_of(TYPES & FUNCTIONS)}(?=\[)", "support.type")
    yield whole(rf"\b{any_of((TYPES - FUNCTIONS) | SIZED_TYPES)}\b", "support.type")
    yield whole(rf"\b{any_of({'reveal'})}\b", "support.function.reveal")
    yield whole(rf"\b{any_of(FUNCTIONS - {'reveal'})}\b", "support.function.builtin")
    yield whole(rf"\b{any_of(VALUES)}\b", "variable.language")
    yield whole(rf"\b{NAME}(?=\()", "entity.name.function.call")
    yield whole(rf"\b{NAME}\b", "variable.other")


def grammar() -> Rule:
    return {
        "name": "EnigmaLang",
        "scopeName": "source.enigma",
        "fileTypes": ["enig"],
        "patterns": [{"include": f"#{part}"} for part in ("comment", "strings", "numbers", "words", "signs")],
        "repository": {
            "comment": whole("#.*$", "comment.line.number-sign"),
            "strings": {"patterns": list(strings())},
            "numbers": {"patterns": list(numbers())},
            "words": {"patterns": list(words())},
            "signs": {
                "patterns": [
                    whole(r"->|\*\*=?|//=?|<<=?|>>=?|\.\.|[-+*/%&|^=!<>]=|[-+*/%&|^=<>~]", "keyword.operator"),
                    whole(r"\\[ \t]*$", "constant.character.escape.line-continuation"),
                    whole(r"[,:.()\[\]{}]", "punctuation"),
                ]
            },
        },
    }


# ---------------------------------------------------------------------------------------------- configuration


def configuration() -> Rule:
    """Brackets, comments and indentation: a header ends in `:`; `return` and its like end their block."""
    pairs = [["{", "}"], ["[", "]"], ["(", ")"]]
    quotes = [['"', '"'], ["'", "'"]]
    header = rf"^\s*{any_of(BLOCK_WORDS)}\b.*:\s*(?:#.*)?$"
    leaving = rf"^\s*{any_of({'return', 'raise', 'break', 'continue', 'pass'})}\b"
    return {
        "comments": {"lineComment": "#"},
        "brackets": pairs,
        "autoClosingPairs": [
            *({"open": a, "close": b} for a, b in pairs),
            *({"open": q * 3, "close": q * 3, "notIn": ["string", "comment"]} for q, _ in quotes),
            *({"open": a, "close": b, "notIn": ["string", "comment"]} for a, b in quotes),
        ],
        "surroundingPairs": [*pairs, *quotes],
        "wordPattern": NAME,
        "folding": {"offSide": True},
        "indentationRules": {
            "increaseIndentPattern": header,
            "decreaseIndentPattern": r"^\s*(?:elif\b.*|else\s*):\s*(?:#.*)?$",
        },
        "onEnterRules": [
            {"beforeText": header, "action": {"indent": "indent"}},
            {"beforeText": leaving, "afterText": r"^\s*$", "action": {"indent": "outdent"}},
        ],
    }


def files() -> dict[Path, str]:
    """What each generated file holds."""
    made = {"syntaxes/enigma.tmLanguage.json": grammar(), "language-configuration.json": configuration()}
    return {HERE / name: json.dumps(value, indent=2, ensure_ascii=False) + "\n" for name, value in made.items()}


def main() -> int:
    stale = [path for path, text in files().items() if not path.exists() or path.read_text("utf-8") != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(HERE)} is stale: run python editors/vscode/generate.py")
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files()[path], "utf-8")
        print(f"wrote {path.relative_to(HERE)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
