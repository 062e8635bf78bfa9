"""A session with an engine of circuits, and no terminal."""

from collections.abc import Iterable

from enigmalang.diagnostics import Sink
from enigmalang.execute.circuit_engine import CircuitEngine
from enigmalang.execute.runner import run_input
from enigmalang.node.local import local_world
from enigmalang.repl.declarations import Item, declared
from enigmalang.repl.session import FIELD, Session, Variable
from enigmalang.semantics import TextLoader
from enigmalang.source import SourceFile


class Typed:
    """`typed("x = 1")` runs an input and gives the variables it changed; codes of errors are in `codes`."""

    def __init__(self) -> None:
        self.session = Session(TextLoader({"helper": "const TWO = 2\n\ndef twice(x):\n    return TWO * x\n"}))
        self.printed: list[str] = []
        self.codes: list[str] = []
        self.world = local_world(self.session.plan, CircuitEngine(FIELD), out=self.printed.append)

    def __call__(self, text: str) -> dict[str, Variable]:
        sink, source = Sink(), self.session.source(text)
        items = self.session.parse(source, sink)
        changed: dict[str, Variable] = {}
        if items is not None and self.session.declare(items, source, sink) is not None:
            changed = self.run([item for item in items if not declared(item)], source, sink)
        self.codes = [d.code for d in sink.errors]
        return changed

    def run(self, statements: Iterable[Item], source: SourceFile, sink: Sink) -> dict[str, Variable]:
        changed: dict[str, Variable] = {}
        for item in statements:
            compiled = self.session.compile(item, source, sink)
            if compiled is None:
                break
            self.world.plan = compiled.plan
            values = run_input(self.world, compiled.function, compiled.arguments, compiled.shown())
            changed |= {v.name: v for v in self.session.keep(compiled, values)}
        return changed

    def value(self, text: str) -> object:
        """The public value of an expression."""
        (leaf,) = self(text)["_"].leaves
        return leaf
