"""Checking texts in tests."""

from enigmalang.diagnostics import Sink
from enigmalang.semantics import Checked, TextLoader, check
from enigmalang.semantics.model import Instance
from enigmalang.source import SourceFile
from enigmalang.syntax.parser import parse


def run(text: str, modules: dict[str, str] | None = None) -> tuple[Checked, Sink]:
    sink = Sink()
    module = parse(SourceFile("main.enig", text), sink)
    assert module is not None, sink.diagnostics
    checked = check(module, TextLoader(modules or {}), sink)
    assert checked is not None
    return checked, sink


def good(text: str, modules: dict[str, str] | None = None) -> Checked:
    checked, sink = run(text, modules)
    assert not sink.errors, [(d.code, str(d.span), d.message) for d in sink.errors]
    return checked


def codes(text: str, modules: dict[str, str] | None = None) -> list[str]:
    """The codes found, with lines: "E0101:3"."""
    return [f"{d.code}:{d.span.line}" for d in run(text, modules)[1].errors]


def variables(text: str) -> dict[str, str]:
    """The types of the script's variables."""
    script = good(text).script
    assert script is not None
    return {name: str(type) for name, type in script.variables.items()}


def instance(checked: Checked, name: str) -> Instance:
    (found,) = [i for i in checked.instances if i.name == name]
    return found


def source_of(node: object, text: str) -> str:
    span = node.span  # type: ignore[attr-defined]
    return text.split("\n")[span.line - 1][span.column - 1:span.end_column - 1]


def typed(text: str, expression: str) -> set[str]:
    """The types of every node of the script that is written `expression`."""
    script = good(text).script
    assert script is not None
    return {str(t) for node, t in script.types.items() if source_of(node, text) == expression}


def constants(text: str) -> dict[str, object]:
    """Constants of the script by the text of their expressions."""
    script = good(text).script
    assert script is not None
    return {source_of(node, text): value for node, value in script.constants.items()}
