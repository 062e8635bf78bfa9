"""Checking the newest text of a file, where what the texts before it left is used again: for editors.

The same stages as compiler.py up to `analysed`, with the same findings; each keeps what a change cannot have touched:
statements (syntax/pieces.py), bodies (semantics/remembered.py), functions (functions.py). A memory holds what the last
text needed and no more.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from enigmalang.compiler.functions import Functions
from enigmalang.diagnostics import Sink
from enigmalang.ir.ir import Program
from enigmalang.semantics import check as check_module
from enigmalang.semantics.loader import Loader
from enigmalang.semantics.model import Checked
from enigmalang.semantics.remembered import Remembered
from enigmalang.source import SourceFile
from enigmalang.syntax.ast import Module
from enigmalang.syntax.parser import parse
from enigmalang.syntax.pieces import Pieces


@dataclass(slots=True)
class Memory:
    """Of one file. `pieces.parsed`, `bodies.checked` and `functions.analysed` count the work done so far."""

    pieces: Pieces = field(default_factory=Pieces)
    bodies: Remembered = field(default_factory=Remembered)
    functions: Functions = field(default_factory=Functions)

    def parse(self, source: SourceFile, sink: Sink) -> Module | None:
        return parse(source, sink, self.pieces)

    def check(self, module: Module, loader: Loader, sink: Sink) -> Checked:
        """Names and types; the tables are there also when there are errors."""
        checked = check_module(module, loader, sink, memory=self.bodies)
        assert checked is not None
        return checked

    def analyse(self, checked: Checked, sink: Sink, go_on: Callable[[], None] = lambda: None) -> Program:
        """The inlined program with labels and ranges. `go_on` may raise, to end it."""
        return self.functions.analyse(checked, sink, go_on)
