"""`:save`: the inputs of a session as a program. What they gave away as secrets, the program reads as inputs."""

from collections.abc import Iterable, Mapping

from enigmalang.diagnostics import Sink
from enigmalang.repl.redact import Place, Secrets, literals, replaced
from enigmalang.repl.session import Variable
from enigmalang.source import SourceFile
from enigmalang.syntax.parser import parse


def saved_text(inputs: Iterable[str], secrets: Secrets, variables: Mapping[str, Variable]) -> tuple[str, int]:
    """The program, and how many secrets became `input(NAME)` in it. Every name is given once."""
    names: dict[str, int] = {}
    parts: list[str] = []
    for text in inputs:
        source = SourceFile("<session>", text)
        module = parse(source, Sink())
        assert module is not None, "an input that went well parses"
        edits = []
        for place in secrets.places(module.body):
            if literals(place.value):
                edits.append((place.value.span, _input(place, names, variables)))
        parts.append(replaced(source, edits).rstrip("\n") + "\n")
    return "".join(_spaced(parts)), sum(names.values())


def _input(place: Place, names: dict[str, int], variables: Mapping[str, Variable]) -> str:
    count = names[place.name] = names.get(place.name, 0) + 1
    name = place.name if count == 1 else f"{place.name} {count}"
    known = variables.get(place.name)
    if place.declaration is not None and place.declaration.annotation is None and known is not None:
        return f'input("{name}", {known.type})'
    return f'input("{name}")'


def _spaced(parts: list[str]) -> list[str]:
    """Blocks with an empty line around."""
    found: list[str] = []
    for number, part in enumerate(parts):
        if number and ("\n" in part.rstrip("\n") or "\n" in parts[number - 1].rstrip("\n")):
            found.append("\n")
        found.append(part)
    return found
