"""Lowering, inlining and analysis function by function, where what an earlier text of the file left is kept.

The result is that of the stages `lowered` and `analysed`, but for the tables that dumps show and the interfaces of
contracts elsewhere, which only a plan needs. What one function is found to leak or overflow depends on itself and on
what is inlined into it, and beyond that only on declarations and on which lists of the state are resized anywhere.
So a function that was not checked again (semantics/remembered.py) and calls none that was keeps its operations, their
labels and ranges, and what was reported.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from enigmalang.analysis.flow import build_flow, resized_by
from enigmalang.analysis.leaks import find_leaks_of
from enigmalang.analysis.ranges import bits_of, infer_ranges_of
from enigmalang.analysis.secrecy import drop_expected, propagate
from enigmalang.compiler.fixes import Labels, propose_fixes
from enigmalang.diagnostics import Diagnostic, Sink
from enigmalang.ir.ir import Function, Program
from enigmalang.lowering.frame import Unit
from enigmalang.lowering.program import all_instances, lower_instance, outline
from enigmalang.passes.inline import callees, in_circles, needed, only, reached, rewrite
from enigmalang.semantics.model import Checked, Instance


@dataclass(slots=True, eq=False)
class Entry:
    """One function. `calls`: whom it calls before inlining; `left`: after. `analysed`: it has labels and ranges, so
    that a copy of its body must not be inlined any more. `found`: of secrecy, of ranges, of the field, while the
    functions of the program resized the lists `under`."""

    instance: Instance
    function: Function
    calls: tuple[str, ...]
    left: tuple[str, ...] = ()
    inlined: bool = False
    analysed: bool = False
    resizes: frozenset[str] = frozenset()
    under: frozenset[str] = frozenset()
    found: tuple[tuple[Diagnostic, ...], ...] = ()
    labels: Labels | None = None


@dataclass(slots=True)
class Functions:
    """What one check leaves to the next. `analysed` counts the functions that were analysed in all."""

    analysed: int = 0
    _entries: dict[str, Entry] = field(default_factory=dict)

    def analyse(self, checked: Checked, sink: Sink, go_on: Callable[[], None] = lambda: None) -> Program:
        """The program, inlined, with labels and ranges; reports what it leaks and what does not fit. `go_on` is called
        between functions and may raise, to end it; what is done stays."""
        work = _Work(checked, self._entries)
        self._entries = {}  # whatever else goes wrong leaves nothing

        def pause() -> None:
            self._entries = work.entries
            go_on()
            self._entries = {}

        work.inline_all(pause)
        program = work.program()
        kept = [work.entries[name] for name in program.functions]
        resized = frozenset(slot for entry in kept for slot in entry.resizes)
        fresh = [entry for entry in kept if not entry.analysed or entry.under != resized]
        for group in _groups(fresh, kept):
            pause()
            work.analyse(group, program, resized)
            self.analysed += len(group)
        _report(kept, sink)
        propose_fixes(_labels(kept), checked, sink)
        self._entries = work.entries
        return program


class _Work:
    """One analysis. `entries` has every function of the program, in its order."""

    def __init__(self, checked: Checked, before: dict[str, Entry]) -> None:
        self.outline, self.unit = outline(checked)
        self.entries: dict[str, Entry] = {}
        for instance in all_instances(checked):
            entry = before.get(instance.name)
            if entry is None or entry.instance is not instance:
                entry = _lowered(self.unit, instance)
            self.entries[instance.name] = entry
        self.circles = in_circles({name: entry.calls for name, entry in self.entries.items()})

    def inline_all(self, pause: Callable[[], None]) -> None:
        for name, entry in list(self.entries.items()):
            pause()
            entry.function.recursive = entry.function.recursive or name in self.circles
            if not entry.inlined:
                self.inline(name)

    def inline(self, name: str) -> None:
        """Inline what `name` calls. A callee whose body was analysed already is lowered once more."""
        entry = self.entries[name]
        entry.inlined = True
        bodies: dict[str, Function] = {}
        for callee in dict.fromkeys(entry.calls):
            if callee not in self.circles:
                bodies[callee] = self.fresh(callee)
        rewrite(bodies, entry.function.body, {})
        entry.left = tuple(dict.fromkeys(callees(entry.function)))
        entry.resizes = frozenset(resized_by(entry.function))

    def fresh(self, name: str) -> Function:
        """The function, inlined and without labels."""
        entry = self.entries[name]
        if entry.analysed:
            self.entries[name] = entry = _lowered(self.unit, entry.instance)
        if not entry.inlined:
            self.inline(name)
        return entry.function

    def program(self) -> Program:
        """What is left of the functions: see passes.inline."""
        functions = {name: entry.function for name, entry in self.entries.items()}
        whole = Program(self.outline.path, functions, self.outline.contracts, self.outline.tests,
                        self.outline.interfaces)
        called = {callee for name, entry in self.entries.items() for callee in entry.calls if callee != name}
        return only(whole, needed(whole, {name: entry.left for name, entry in self.entries.items()}, called))

    def analyse(self, group: list[Entry], program: Program, resized: frozenset[str]) -> None:
        """Functions that call each other still have their labels from one another; most stand alone."""
        for entry in group:
            if entry.analysed:
                self.again(entry, program)
            entry.analysed, entry.under = True, resized
        functions = [entry.function for entry in group]
        flow = build_flow(program, functions, resized)
        secrets = propagate(program, functions, flow)
        leaks = [Sink() for _ in group]
        for function, sink in zip(functions, leaks, strict=True):
            find_leaks_of(function, program, secrets, flow, sink)
        for entry, sink in zip(group, leaks, strict=True):
            drop_expected(entry.function.body)
            ranges, field = Sink(), Sink()
            infer_ranges_of(entry.function, program, ranges)
            bits_of(entry.function, field)
            entry.found = tuple(tuple(s.found()) for s in (sink, ranges, field))

    def again(self, entry: Entry, program: Program) -> None:
        """Begin anew with a function that has labels of another time."""
        made = _lowered(self.unit, entry.instance)
        entry.function, entry.labels, entry.inlined = made.function, None, False
        entry.function.recursive = entry.instance.name in self.circles
        self.inline(entry.instance.name)
        program.functions[entry.instance.name] = entry.function


def _lowered(unit: Unit, instance: Instance) -> Entry:
    function = lower_instance(unit, instance)
    return Entry(instance, function, tuple(callees(function)))


def _groups(fresh: list[Entry], kept: list[Entry]) -> Iterable[list[Entry]]:
    """The functions to analyse; each with all that are tied to it by calls that were not inlined."""
    ties: dict[str, set[str]] = {entry.instance.name: set() for entry in kept}
    for entry in kept:
        for callee in entry.left:
            ties[entry.instance.name].add(callee)
            ties[callee].add(entry.instance.name)
    done: set[str] = set()
    by_name = {entry.instance.name: entry for entry in kept}
    for entry in fresh:
        if entry.instance.name not in done:
            names = reached(ties, {entry.instance.name})
            done |= names
            yield [by_name[name] for name in by_name if name in names]


def _report(kept: list[Entry], sink: Sink) -> None:
    """In the order of the stages: of two findings that look alike the first counts."""
    for stage in range(3):
        for entry in kept:
            for diagnostic in entry.found[stage]:
                sink.report(diagnostic)


def _labels(kept: list[Entry]) -> Callable[[], list[Labels]]:
    def made() -> list[Labels]:
        for entry in kept:
            if entry.labels is None:
                entry.labels = Labels.of(entry.function)
        return [entry.labels for entry in kept if entry.labels is not None]

    return made
