"""Completion: names with their types and secrecy, members, modules, identities, keywords, commands, files."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from enigmalang.diagnostics import Sink
from enigmalang.repl.commands import COMMANDS, TAKES_FILE
from enigmalang.repl.declarations import declared
from enigmalang.repl.interactive import Interactive
from enigmalang.repl.lines import TAKES_INPUT
from enigmalang.repl.session import Variable
from enigmalang.repl.signatures import function_header, header
from enigmalang.syntax import ast
from enigmalang.syntax.words import FUNCTIONS, RESERVED, SIZED_TYPES, TYPES, VALUES
from enigmalang.types.types import ContractT, IdentityT, ListT, StructT

Option = tuple[str, str]  # what is written, what is said about it
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*$")
_MEMBER = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\.([A-Za-z_][A-Za-z0-9_]*)?$")
_IMPORT = re.compile(r"^\s*(?:import|from)\s+([A-Za-z_][A-Za-z0-9_]*)?$")
_FROM = re.compile(r"^\s*from\s+([A-Za-z_][A-Za-z0-9_]*)\s+import\s+(?:.*,\s*)?([A-Za-z_][A-Za-z0-9_]*)?$")
_PERSON = re.compile(r"(?:^|\s)(?:as|to\s*=|only\()\s*([A-Za-z_][A-Za-z0-9_]*)?$")
_SOFT = ("contract", "struct", "enum", "interface", "predicate", "test", "identity", "event", "error", "deploy",
         "submit", "expect", "advance", "internal", "view", "payable", "max")
_DATABASES = {"L": ("get", "history"), "DHT": ("set", "table"), "MPC": ("set", "table", "declassify")}


class SessionCompleter(Completer):
    """Offers what fits before the cursor; each with a few words at its side."""

    def __init__(self, session: Interactive) -> None:
        self._session = session

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        typed, options = self._offered(document.text_before_cursor)
        seen: set[str] = set()
        for text, meta in options:
            if text.startswith(typed) and text not in seen and text != typed:
                seen.add(text)
                yield Completion(text, -len(typed), display_meta=meta)

    def _offered(self, before: str) -> tuple[str, Iterable[Option]]:
        line = before.rpartition("\n")[2]
        if before.startswith(":"):
            name, space, rest = before[1:].partition(" ")
            if not space:
                return name, ((n, c.help) for n, c in COMMANDS.items())
            if name in TAKES_FILE:
                return _files(rest.lstrip())
            if name == "as":
                return rest.lstrip(), self._people()
            if name not in TAKES_INPUT:
                return rest, ()
            line = rest
        if found := _FROM.match(line):
            return found[2] or "", self._of_module(found[1])
        if found := _IMPORT.match(line):
            return found[1] or "", ((name, "module") for name in self._session.session.loader.names())
        if found := _MEMBER.search(line):
            return found[2] or "", self._members(found[1])
        if found := _PERSON.search(line):
            return found[1] or "", self._people()
        word = _WORD.search(line)
        return (word[0] if word else ""), (self._names() if word else ())

    # ---- what there is

    def _names(self) -> Iterator[Option]:
        session = self._session.session
        for name, variable in session.variables.items():
            yield name, described(variable)
        for name, item in session.declarations.known.items():
            yield name, header(name, item)
        yield from ((name, "function of the language") for name in sorted(FUNCTIONS))
        yield from ((name, "keyword") for name in sorted({*RESERVED, *_SOFT}))
        yield from ((name, "type") for name in sorted(TYPES | SIZED_TYPES))
        yield from ((name, "value of the language") for name in sorted(VALUES))

    def _people(self) -> Iterator[Option]:
        for name, variable in self._session.session.variables.items():
            if isinstance(variable.type, IdentityT):
                yield name, "identity"

    def _members(self, name: str) -> Iterator[Option]:
        session = self._session.session
        if name in _DATABASES:
            yield from ((member, f"of {name}") for member in _DATABASES[name])
            return
        variable, item = session.variables.get(name), session.declarations.known.get(name)
        if variable is not None:
            yield from self._of_value(variable)
        elif isinstance(item, ast.Import):
            yield from self._of_module(item.module)
        elif isinstance(item, ast.EnumDecl):
            yield from ((member.id, f"of {name}") for member in item.members)

    def _of_value(self, variable: Variable) -> Iterator[Option]:
        match variable.type:
            case StructT(fields=fields):
                for field in fields:
                    yield field.name, f"{'private ' if field.private else ''}{field.type}"
            case ContractT(name=contract):
                item = self._session.session.declarations.known.get(contract)
                if isinstance(item, ast.ContractDef):
                    for function in item.functions:
                        if function.name != "init" and "internal" not in function.modifiers:
                            yield function.name, function_header(function)
                    yield from ((state.name, "public state") for state in item.state if not state.private)
            case ListT():
                yield from (("append", "adds an element"), ("pop", "takes the last element away"))
            case _:
                return

    def _of_module(self, name: str) -> Iterator[Option]:
        loaded = self._session.session.loader.load(name, Sink()) if self._session.session.loader.exists(name) else None
        for item in loaded[0].body if loaded is not None else ():
            for declared_name, declaration in declared(item).items():
                if not declared_name.startswith("_") and not isinstance(declaration, ast.Import | ast.FromImport):
                    yield declared_name, header(declared_name, declaration)


def described(variable: Variable) -> str:
    """Secrecy and type: "private uint32"."""
    if isinstance(variable.type, IdentityT):
        return "identity"
    return f"{'private' if variable.secret else 'public'} {variable.type}"


def _files(start: str) -> tuple[str, Iterator[Option]]:
    folder, slash, name = start.rpartition("/")
    return name, _entries(Path(folder + slash if slash else ".").expanduser())


def _entries(folder: Path) -> Iterator[Option]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.is_dir() and not entry.name.startswith("."):
            yield f"{entry.name}/", "folder"
        elif entry.suffix == ".enig":
            yield entry.name, "program"
