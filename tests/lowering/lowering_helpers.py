"""From text to tree and IR, for tests."""

from enigmalang.diagnostics import Sink
from enigmalang.ir.ir import Program
from enigmalang.lowering import lower
from enigmalang.semantics import check
from enigmalang.semantics.loader import FileLoader
from enigmalang.source import SourceFile
from enigmalang.syntax import ast
from enigmalang.syntax.parser import parse


def tree(text: str, path: str = "test.enig") -> ast.Module:
    sink = Sink()
    module = parse(SourceFile(path, text), sink)
    assert module is not None, sink.errors
    return module


def lowered(text: str, path: str = "test.enig") -> Program:
    sink = Sink()
    checked = check(tree(text, path), FileLoader(path), sink)
    assert checked is not None and not sink.errors, sink.errors
    return lower(checked)
