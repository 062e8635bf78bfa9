"""What fails outside of a program (nodes, a chain) is shown at the statement that asked for it."""

import pytest
from runtime_support import compiled

from enigmalang.chain.errors import ChainError
from enigmalang.diagnostics import OutsideError, render
from enigmalang.execute.circuit_engine import CircuitEngine
from enigmalang.execute.ports import EngineError
from enigmalang.execute.runner import run_function
from enigmalang.node.local import local_world
from enigmalang.node.remote_service import RemoteError


class Broken(CircuitEngine):
    """Nothing can be computed on it."""

    def __init__(self, error: OutsideError) -> None:
        super().__init__()
        self.error = error

    def run(self, *_: object) -> None:
        raise self.error


def failed(path, text, error):
    """What is shown of a run that ends so."""
    plan = compiled(text, path)
    with pytest.raises(type(error)) as caught:
        run_function(local_world(plan, Broken(error), out=lambda text: None), plan.script)
    return caught.value.diagnosed("E0703", "the file", "help")


@pytest.mark.parametrize(
    "error", [EngineError("it is gone"), ChainError("it is gone"), RemoteError("E0709", "it is gone")],
    ids=lambda each: type(each).__name__)
def test_the_statement_that_asked_is_named(tmp_path, error):
    found = failed(tmp_path, "private a = 3\nb = a * a\nif True:\n    c = reveal(b)\n    print(c)\n", error)
    assert (found.code, found.message, found.help, found.span.line) == ("E0703", "it is gone", "help", 5)


def test_calls_that_led_there_are_notes(tmp_path):
    text = "def shown(private x: int32):\n    print(reveal(x))\n\nprivate a: int32 = 3\nshown(a)\n"
    found = failed(tmp_path, text, EngineError("it is gone"))
    assert found.span.line == 2
    assert [(note.span.line, note.text) for note in found.notes] == [(5, "called from here")]


def test_what_no_statement_asked_for_has_no_place(tmp_path):
    (tmp_path / "program.enig").write_text("print(1)\n")
    found = EngineError("it is gone").diagnosed("E0705", str(tmp_path / "program.enig"))
    said = render([found])
    assert said.startswith("error[E0705]: it is gone\n") and "print(1)" not in said and ":0" not in said
