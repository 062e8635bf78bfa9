"""What the compiler knows of one version of a document.

A version with a syntax error has the diagnostics of its own and the tables of the last version that could be parsed;
`shift.Shift` finds the place there that a place of the new text was.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from enigmalang.compiler.compiler import STAGES, Analysed, Compilation
from enigmalang.diagnostics import Diagnostic, Severity, Sink
from enigmalang.lsp.buffers import BufferLoader, Modules
from enigmalang.lsp.facts import Facts
from enigmalang.lsp.index import Index, build_index
from enigmalang.semantics import check as check_module
from enigmalang.semantics.loader import in_stdlib
from enigmalang.semantics.model import Checked
from enigmalang.source import SourceFile
from enigmalang.syntax import ast
from enigmalang.syntax.foreign import REORDERING
from enigmalang.syntax.scanner import scan
from enigmalang.syntax.words import MAX_FILE


class Stale(Exception):
    """A newer version of the document has come: nobody wants this result any more."""


@dataclass(frozen=True, slots=True)
class Good:
    """The tables of a text that could be parsed. `facts` may be of an earlier one while the types are wrong."""

    source: SourceFile
    module: ast.Module
    checked: Checked
    index: Index
    facts: Facts

    @property
    def paths(self) -> set[str]:
        """Every file that the program is made of."""
        return {m.tree.source.path for m in self.checked.modules.values()}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One version. `good` is None while no version of the document could be parsed."""

    source: SourceFile
    version: int
    diagnostics: tuple[Diagnostic, ...]
    good: Good | None

    @property
    def exact(self) -> bool:
        """Whether the tables are of this very text."""
        return self.good is not None and self.good.source.text == self.source.text


def compile_snapshot(
    source: SourceFile, version: int, texts: Mapping[str, SourceFile], modules: Modules, before: Snapshot | None,
    stale: Callable[[], bool],
) -> Snapshot:
    """Compile `source` as far as its errors allow, with `texts` in the place of files. Raises Stale."""
    def go_on() -> None:
        if stale():
            raise Stale

    last = before.good if before is not None else None
    sink = Sink()
    module = modules.of_text(source, sink)
    go_on()
    if module is None:
        return Snapshot(source, version, _own(sink, source), last or _healed(source, sink, texts, modules))
    checked = _checked(source, module, texts, modules, sink)
    go_on()
    analysed = None if sink.errors else _analysed(source, checked, sink, go_on)
    facts = _facts(source, analysed, last)
    go_on()
    good = Good(source, module, checked, build_index(checked), facts)
    return Snapshot(source, version, _own(sink, source), good)


def _checked(
    source: SourceFile, module: ast.Module, texts: Mapping[str, SourceFile], modules: Modules, sink: Sink,
) -> Checked:
    checked = check_module(module, BufferLoader(source.path, texts, modules), sink)
    assert checked is not None
    return checked


def _analysed(source: SourceFile, checked: Checked, sink: Sink, go_on: Callable[[], None]) -> Analysed:
    """Labels and ranges, also when they show errors."""
    stages = dict(STAGES)
    job = Compilation(source.path, sink, {"source": source, "module": checked.main.tree, "checked": checked})
    job.made["lowered"] = stages["lowered"](job)
    go_on()
    analysed: Analysed = stages["analysed"](job)
    return analysed


def _facts(source: SourceFile, analysed: Analysed | None, last: Good | None) -> Facts:
    """Of this text; while its types are wrong, those of the last text that had them."""
    if analysed is not None:
        return Facts.of(analysed, source)
    return last.facts.moved(source) if last is not None else Facts()


def _own(sink: Sink, source: SourceFile) -> tuple[Diagnostic, ...]:
    """What is said of the user's own files (warnings about the standard library's lines are left out)."""
    if not source.text.strip():
        return ()
    return tuple(
        d for d in sink.diagnostics if d.severity is Severity.ERROR or not in_stdlib(d.span.path)
        or in_stdlib(source.path))


def _healed(
    source: SourceFile, sink: Sink, texts: Mapping[str, SourceFile], modules: Modules,
) -> Good | None:
    """Tables of a document that was opened broken: its wrong lines are taken as `pass`."""
    if len(source.text) > MAX_FILE:
        return None
    text = REORDERING.sub(" ", source.text)  # what E0015 tells; nothing else need be wrong with its line
    wrong = {d.span.line for d in sink.errors if d.code != "E0015"}
    for start, stop in _lines(source, wrong):
        keep = text[start:stop]
        text = text[:start] + "pass" + "\n" * keep.count("\n") + text[stop:]
    healed = SourceFile(source.path, text)
    nothing = Sink()
    module = modules.of_text(healed, nothing)
    if module is None:
        return None
    checked = _checked(healed, module, texts, modules, nothing)
    return Good(healed, module, checked, build_index(checked), Facts())


def _lines(source: SourceFile, wrong: set[int]) -> Iterator[tuple[int, int]]:
    """Offsets of the logical lines that have a mistake, last first."""
    for line in reversed(scan(source).lines):
        last = line.number + source.text.count("\n", line.start, line.stop)
        if any(line.number <= number <= last for number in wrong):
            yield line.start, line.stop
