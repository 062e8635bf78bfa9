"""The incremental compiler of an interactive session: no terminal, no engine.

An input is parsed into items. Declarations are checked and remembered. Each statement is compiled as a script of its
own, whose parameters are the variables that earlier statements left and whose result are the variables that it
changes (`lowering.inputs`); so a name may be given again with a value of another type.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from enigmalang.analysis.ranges import choose_field, infer_ranges
from enigmalang.analysis.secrecy import infer_secrecy
from enigmalang.diagnostics import Diagnostic, Note, Severity, Sink
from enigmalang.execute.secret import Secret
from enigmalang.ir.ir import Function, Program, Tensor, Value
from enigmalang.ir.leaves import leaves_of
from enigmalang.lowering import lower
from enigmalang.lowering.inputs import RESULT
from enigmalang.partition import partition
from enigmalang.passes.inline import inline
from enigmalang.passes.pipeline import optimise
from enigmalang.plan.plan import Plan
from enigmalang.repl.declarations import Declarations, Item, declared, names_in
from enigmalang.repl.secrecy import Secrets, constants
from enigmalang.semantics import Loader, check
from enigmalang.semantics.model import Checked, Kept
from enigmalang.source import SourceFile, Span
from enigmalang.syntax import ast
from enigmalang.syntax.parser import parse
from enigmalang.types.ranges import Range, nominal
from enigmalang.types.types import ContractT, Label, StructT, Type

#: A session's values must outlive each input, so all are held in the larger field.
FIELD = "M127"
#: Marks the new variable of a name that has an old one, in one statement; nobody can type it.
_NEW = "\ue000"


@dataclass(slots=True)
class Variable:
    """A variable, and its value by leaves. Private leaves are `Secret`s: references without a value."""

    name: str
    type: Type
    private: bool  # declared with `private`
    declared: bool  # its type is written down
    leaves: tuple[Any, ...]
    ranges: tuple[Range | None, ...]
    item: Item  # the statement that made it

    @property
    def secret(self) -> bool:
        return any(isinstance(leaf, Secret) for leaf in self.leaves)

    def kept(self) -> Kept:
        labels = tuple(isinstance(leaf, Secret) for leaf in self.leaves)
        lens = tuple(
            tuple(leaf.shape) if isinstance(leaf, Secret | np.ndarray) else () for leaf in self.leaves)
        return Kept(self.name, self.type, self.private, self.declared, labels, self.ranges, lens, self.item.span)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement ready to run: `function` of `plan` takes `arguments` and gives the leaves of its result's fields."""

    item: Item
    plan: Plan
    program: Program
    function: Function
    arguments: tuple[Any, ...]
    contracts: frozenset[str]
    warnings: tuple[Diagnostic, ...]

    @property
    def results(self) -> StructT:
        assert isinstance(self.function.result, StructT)
        return self.function.result

    def labels(self) -> dict[str, tuple[bool, ...]]:
        """For each result whether its leaves are private."""
        found: dict[str, tuple[bool, ...]] = {}
        values = iter(self.function.body.ops[-1].operands)
        for field in self.results.fields:
            found[plain_name(field.name)] = tuple(
                next(values).label is Label.PRIVATE for _ in leaves_of(field.type))
        return found

    def shown(self) -> range:
        """The places of the leaves of an expression's value, which is shown and not stored."""
        start = 0
        for field in self.results.fields:
            end = start + len(leaves_of(field.type))
            if field.name == RESULT:
                return range(start, end)
            start = end
        return range(0)

    def type_of(self, name: str) -> Type | None:
        return next((f.type for f in self.results.fields if plain_name(f.name) == name), None)


class Session:
    """Names, types and values of one session."""

    def __init__(self, loader: Loader) -> None:
        self.loader = CachedLoader(loader)
        self.declarations = Declarations()
        self.variables: dict[str, Variable] = {}
        self.plan = Plan("<session>", FIELD, {})
        self.deployed: dict[str, ast.Declaration] = {}  # contracts as they were when they were deployed
        self.sources: dict[str, SourceFile] = {}
        self.count = 0
        self.secrets = Secrets(self.loader)
        self.constants: dict[Span, Type] = {}  # types of those that inputs put into private places

    # ---- reading

    def source(self, text: str, path: str | None = None) -> SourceFile:
        """`text` as a source that diagnostics can show: "<input 3>"."""
        self.count += 1
        made = SourceFile(path or f"<input {self.count}>", text)
        self.sources[made.path] = made
        return made

    def parse(self, source: SourceFile, sink: Sink) -> tuple[Item, ...] | None:
        module = parse(source, sink)
        if module is None or sink.errors:
            return None
        if not module.body and module.docstring is not None:  # a text alone: in a file it would be its docstring
            span = source.whole()
            return (ast.ExprStmt(span, ast.StrLit(span, module.docstring)),)
        return module.body

    # ---- declarations

    def declare(self, items: Sequence[Item], source: SourceFile, sink: Sink) -> list[str] | None:
        """Check the declarations among `items` and remember them: their names. None, and errors in `sink`, else.

        Variables of the same names go, and those that hold a contract which is declared anew.
        """
        found: dict[str, ast.Declaration] = {}
        own = [item for item in items if declared(item)]
        for item in own:
            found.update(declared(item))
        if not own:
            return []
        around = self.declarations.needed(own, (), set(found))
        module = ast.Module(source.whole(), source, (*around, *own))
        if self._optimised(module, (), sink, own) is None:
            return None
        self.declarations.add(found)
        for item in own:
            self.secrets.learn(item)
        for name in [name for name, v in self.variables.items()
                     if name in found or (isinstance(v.type, ContractT) and v.type.name in found)]:
            del self.variables[name]
        self.deployed = {name: node for name, node in self.deployed.items() if name not in found}
        return list(found)

    # ---- statements

    def compile(self, item: Item, source: SourceFile, sink: Sink) -> Compiled | None:
        """A statement as a script on the session's variables; None, and errors in `sink`, when it cannot be."""
        if (asked := _named_result(item)) is not None:
            found = self._compiled(asked, source, Sink())
            if found is not None:
                return found
        return self._compiled(item, source, sink)

    def _compiled(self, item: Item, source: SourceFile, sink: Sink) -> Compiled | None:
        body, old = self._renamed(item)
        written = written_names(item)
        named = set(names_in(item))
        used = [v for v in self.variables.values() if v.name in named]
        around = self.declarations.needed([item], [v.type for v in used], written | old)
        shadowed = {name for node in around for name in declared(node)}
        used = [v for v in used if v.name not in shadowed]
        module = ast.Module(source.whole(), source, (*around, body))
        mine = Sink()
        program = self._optimised(module, tuple(v.kept() for v in used), mine, [item])
        for diagnostic in mine.diagnostics:
            sink.report(_plain_diagnostic(diagnostic))
        if program is None:
            return None
        function = program.functions["script"]
        plan = partition(program, FIELD)
        arguments = tuple(leaf for v in used for leaf in v.leaves)
        return Compiled(item, self._joined(plan), program, function, arguments,
                        frozenset(plan.contracts), tuple(mine.diagnostics))

    def test_plan(self, node: ast.TestDef, source: SourceFile, sink: Sink) -> Plan | None:
        """The plan of one test on what the session has declared; it sees none of its variables."""
        around = self.declarations.needed([node], (), set())
        program = self._optimised(ast.Module(source.whole(), source, (*around, node)), (), sink)
        return None if program is None else partition(program, FIELD)

    def fault_of(self, text: str) -> str | None:
        """Why `text` is no program; None when it is one."""
        sink, source = Sink(), SourceFile("<saved>", text)
        module = parse(source, sink)
        if module is not None and not sink.errors:
            self._optimised(module, None, sink)
        return f"line {sink.errors[0].span.line}: {sink.errors[0].message}" if sink.errors else None

    def _renamed(self, item: Item) -> tuple[Item, set[str]]:
        """`item` with new variables for the known names that it gives a value anew, whatever their type was."""
        match item:
            case ast.VarDecl(name=name) if name in self.variables:
                return replace(item, name=name + _NEW), {name}
            case ast.Assign(target=target):
                names = {n.id for n in _targets(target) if self._free(n.id)}
                return (replace(item, target=_retargeted(target, names)) if names else item), names
            case _:
                return item, set()

    def _free(self, name: str) -> bool:
        """A known name whose type may change: nobody wrote it down, nor `private`."""
        known = self.variables.get(name)
        return known is not None and not known.declared and not known.private

    def _optimised(
        self, module: ast.Module, kept: tuple[Kept, ...] | None, sink: Sink, items: Sequence[Item] = (),
    ) -> Program | None:
        """The program of `module`, of which `items` have just been typed."""
        checked = check(module, self.loader, sink, kept)
        if checked is None or sink.errors:
            return None
        self._note_constants(items, checked)
        program = inline(lower(checked))
        infer_secrecy(program, sink)
        infer_ranges(program, sink)
        choose_field(program, sink)
        return None if sink.errors else optimise(program)

    def _note_constants(self, items: Sequence[Item], checked: Checked) -> None:
        wanted = {part.span for place in self.secrets.places(items) for part in constants(place.value)}
        if wanted:
            self.constants |= {node.span: type for instance in checked.instances if instance.module is checked.main
                               for node, type in instance.types.items() if node.span in wanted}

    def _joined(self, plan: Plan) -> Plan:
        """`plan` and what it does not have of the plans before; contracts that are deployed stay as they were."""
        old = self.plan
        fixed = {name for name in self.deployed if name in old.contracts}
        functions = {name: f for name, f in plan.functions.items()
                     if f.public.contract not in fixed or name not in old.functions}
        contracts = {name: c for name, c in plan.contracts.items() if name not in fixed}
        return Plan(plan.path, FIELD, old.contracts | contracts, old.functions | functions, (),
                    old.interfaces | plan.interfaces)

    # ---- results

    def keep(self, compiled: Compiled, values: Sequence[Any]) -> list[Variable]:
        """Take over what a statement gave: its variables, as `compiled.results` lists them."""
        kept, place = [], 0
        operands = compiled.function.body.ops[-1].operands
        for field in compiled.results.fields:
            name, count = plain_name(field.name), len(leaves_of(field.type))
            leaves = tuple(values[place : place + count])
            ranges = tuple(
                value.range if isinstance(leaf, Secret) else _range_now(value, leaf)
                for value, leaf in zip(operands[place : place + count], leaves, strict=True))
            place += count
            before = self.variables.pop(name, None)
            private, stated = _how_declared(compiled.item, name, before)
            self.variables[name] = made = Variable(name, field.type, private, stated, leaves, ranges, compiled.item)
            kept.append(made)
            if made.private:
                self.secrets.variables.add(name)
            if name == RESULT and not _fits(operands[place - count : place], ranges):
                del self.variables[name]  # it can be shown, and no more
            if name != RESULT:
                self.declarations.drop([name])
                self.secrets.holding |= {name} if made.secret else set()
        self.plan = compiled.plan
        for name in compiled.contracts:
            known = self.declarations.known.get(name)
            if known is not None and _deploys(compiled.item, name):
                self.deployed.setdefault(name, known)
        return kept

    def forget(self, names: Iterable[str]) -> None:
        for name in names:
            self.variables.pop(name, None)


class CachedLoader:
    """Each module is read and parsed once."""

    def __init__(self, inner: Loader) -> None:
        self._inner = inner
        self._loaded: dict[str, tuple[ast.Module, bool]] = {}

    def load(self, name: str, sink: Sink) -> tuple[ast.Module, bool] | None:
        if name not in self._loaded:
            found = self._inner.load(name, sink)
            if found is None:
                return None
            self._loaded[name] = found
        return self._loaded[name]

    def exists(self, name: str) -> bool:
        return name in self._loaded or self._inner.exists(name)

    def names(self) -> list[str]:
        return self._inner.names()


def _range_now(value: Value, leaf: Any) -> Range | None:
    """The range of a public number, which is known by now; None for what is no number, or an empty list."""
    if not isinstance(value.type, Tensor) or nominal(value.type.element) is None:
        return None
    numbers = np.asarray(leaf).ravel().tolist()
    return Range(int(min(numbers)), int(max(numbers))) if numbers else None


def _fits(values: Sequence[Value], ranges: Sequence[Range | None]) -> bool:
    """Whether public numbers lie within their types: what was opened may not."""
    bounds = [nominal(v.type.element) if isinstance(v.type, Tensor) and v.label is Label.PUBLIC else None
              for v in values]
    return all(bound is None or found is None or found.within(bound)
               for bound, found in zip(bounds, ranges, strict=True))


def plain_name(name: str) -> str:
    """A variable's name as the user knows it."""
    return name.replace(_NEW, "")


def written_names(item: Item) -> set[str]:
    """The names that a statement of the top level gives values."""
    match item:
        case ast.VarDecl(name=name):
            return {name}
        case ast.Assign(target=target):
            return {n.id for n in _targets(target)}
        case ast.IdentityDecl(names=names):
            return {n.id for n in names}
        case _:
            return set()


def _named_result(item: Item) -> ast.As | None:
    """`as alice: f()` so that the value of what stands last in it is the input's value; None for anything else."""
    match item:
        case ast.As(body=body) if body and isinstance(body[-1], ast.ExprStmt):
            last = body[-1]
            named = ast.VarDecl(last.span, RESULT, last.span, False, None, last.value)
            return replace(item, body=(*body[:-1], named))
        case _:
            return None


def _targets(target: ast.Expr) -> list[ast.Name]:
    if isinstance(target, ast.Name):
        return [target]
    return [n for part in target.items for n in _targets(part)] if isinstance(target, ast.TupleLit) else []


def _retargeted(target: Any, names: set[str]) -> Any:
    match target:
        case ast.Name(id=name) if name in names:
            return replace(target, id=name + _NEW)
        case ast.TupleLit(items=items):
            return replace(target, items=tuple(_retargeted(part, names) for part in items))
        case _:
            return target


def _how_declared(item: Item, name: str, before: Variable | None) -> tuple[bool, bool]:
    """Whether a variable is declared `private`, and whether its type is written down."""
    if isinstance(item, ast.VarDecl) and item.name == name:
        return item.private, item.annotation is not None
    return (before.private, before.declared) if before is not None else (False, False)


def _deploys(item: Item, contract: str) -> bool:
    return any(isinstance(node, ast.Deploy) and isinstance(node.call.function, ast.Name)
               and node.call.function.id == contract for node in ast.walk(item))


def _plain_diagnostic(found: Diagnostic) -> Diagnostic:
    notes = tuple(Note(note.span, plain_name(note.text)) for note in found.notes)
    help = None if found.help is None else plain_name(found.help)
    return replace(found, message=plain_name(found.message), notes=notes, help=help)


def errors_of(sink: Sink) -> list[Diagnostic]:
    return [d for d in sink.diagnostics if d.severity is Severity.ERROR]
