"""Checked bodies of an earlier text of a file, for those functions that the change cannot have touched.

What a body means depends on its own tree, on the declarations that it can see, and on the functions that it calls. So
nothing is remembered unless every declaration is the same (a function's first line is one, what follows is not), and
then a body is checked again when it changed, or names or calls a function that did, itself or by others.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from enigmalang.diagnostics import Diagnostic
from enigmalang.semantics.context import Body
from enigmalang.semantics.model import Instance
from enigmalang.semantics.program import Program
from enigmalang.syntax import ast
from enigmalang.types.types import Type


@dataclass(slots=True)
class Remembered:
    """What one check leaves to the next. `checked` counts the bodies that were checked in all."""

    checked: int = 0
    _trees: tuple[ast.Module, ...] = ()
    _instances: dict[tuple[ast.Node, tuple[Type, ...]], Instance] = field(default_factory=dict)
    _bodies: dict[Instance, Body] = field(default_factory=dict)
    _tests: dict[ast.Node, Instance] = field(default_factory=dict)
    _unbound: dict[ast.Node, tuple[Instance, tuple[Diagnostic, ...]]] = field(default_factory=dict)

    # ---- before

    def give(self, program: Program) -> None:
        """Put into `program`, whose declarations are resolved, the bodies that need not be checked again."""
        changed = _changed(self._trees, _trees(program))
        if changed is None:
            self.forget()
            return
        touched = _touched([*self._bodies, *(i for i, _ in self._unbound.values())], changed)
        self._instances = {key: i for key, i in self._instances.items() if i not in touched}
        self._tests = {node: i for node, i in self._tests.items() if i not in touched}
        self._unbound = {node: found for node, found in self._unbound.items() if found[0] not in touched}
        kept = {*self._instances.values(), *self._tests.values()}
        self._bodies = {i: body for i, body in self._bodies.items() if i in kept}
        program.instances.update(self._instances)
        program.bodies.update(self._bodies)
        for instance in self._instances.values():
            program.adopt(instance)
        for instance in self._tests.values():
            instance.module = next(iter(program.modules.values()))

    def test(self, node: ast.TestDef) -> Instance | None:
        """The checked instance of a test."""
        return self._tests.get(node)

    def unbound(self, node: ast.Node) -> tuple[Diagnostic, ...] | None:
        """What is wrong in every call of a function without parameter types."""
        found = self._unbound.get(node)
        return None if found is None else found[1]

    def keep_unbound(self, instance: Instance, found: Iterable[Diagnostic]) -> None:
        self._unbound[instance.node] = instance, tuple(found)

    # ---- after

    def take(self, program: Program, tests: Iterable[Instance], instances: Iterable[Instance]) -> None:
        """Remember what `program` holds now. Types of `MPC` entries come from all bodies together, and numbered names
        from their order: then nothing is."""
        self.checked += program.checked
        reached = set(instances)
        if program.entry_types or program.missing_entries or any("#" in i.name for i in reached):
            self.forget()
            return
        self._trees = _trees(program)
        self._instances = {key: i for key, i in program.instances.items() if i in reached}
        self._tests = {i.node: i for i in tests}
        kept = {*self._instances.values(), *self._tests.values()}
        self._bodies = {i: body for i, body in program.bodies.items() if i in kept}

    def forget(self) -> None:
        self._trees = ()
        for table in (self._instances, self._bodies, self._tests, self._unbound):
            table.clear()


def _trees(program: Program) -> tuple[ast.Module, ...]:
    return tuple(module.tree for module in program.modules.values())


def _touched(bodies: Iterable[Instance], changed: set[ast.Node]) -> set[Instance]:
    """The instances that a changed declaration can be seen from: they are it, name it, or call one that does."""
    touched: set[Instance] = set()
    callers: dict[Instance, list[Instance]] = {}
    waiting = list(bodies)
    seen = set(waiting)
    while waiting:
        instance = waiting.pop()
        if _sees(instance, changed):
            touched.add(instance)
        for callee in instance.calls.values():
            callers.setdefault(callee, []).append(instance)
            if callee not in seen:
                seen.add(callee)
                waiting.append(callee)
    waiting = list(touched)
    while waiting:
        for caller in callers.get(waiting.pop(), ()):
            if caller not in touched:
                touched.add(caller)
                waiting.append(caller)
    return touched


def _sees(instance: Instance, changed: set[ast.Node]) -> bool:
    return instance.node in changed or any(symbol.node in changed for symbol in instance.names.values()) or any(
        member.symbol is not None and member.symbol.node in changed for member in instance.members.values())


# ------------------------------------------------------------------------------------------------ declarations


def _changed(before: tuple[ast.Module, ...], after: tuple[ast.Module, ...]) -> set[ast.Node] | None:
    """The declarations of `before` of which only the inside differs in `after`; None when anything else does."""
    if len(before) != len(after) or not before or any(a is not b for a, b in zip(before[1:], after[1:], strict=True)):
        return None
    changed: set[ast.Node] = {before[0]}  # a script's own
    tests = {node for node in after[0].body if isinstance(node, ast.TestDef)}
    changed |= {node for node in before[0].body if isinstance(node, ast.TestDef) and node not in tests}
    return changed if _compare(_declared(before[0]), _declared(after[0]), changed) else None


def _declared(tree: ast.Module) -> list[ast.Node]:
    return [node for node in tree.body if isinstance(node, _DECLARED)]


_DECLARED = (ast.Import, ast.FromImport, ast.ConstDecl, ast.StructDecl, ast.EnumDecl, ast.InterfaceDecl,
             ast.PredicateDecl, ast.FunctionDef, ast.ContractDef, ast.EventDecl, ast.ErrorDecl)


def _compare(before: list[ast.Node], after: list[ast.Node], changed: set[ast.Node]) -> bool:
    return len(before) == len(after) and all(
        a is b or _same_outside(a, b, changed) for a, b in zip(before, after, strict=True))


def _same_outside(a: ast.Node, b: ast.Node, changed: set[ast.Node]) -> bool:
    """Whether only the insides of functions differ; `a` is then added to `changed`, with the functions in it."""
    changed.add(a)
    match a, b:
        case ast.FunctionDef(), ast.FunctionDef():
            return (a.name_span, a.modifiers, a.returns_private, not a.body) == (
                b.name_span, b.modifiers, b.returns_private, not b.body) and _alike(
                (*a.params, *_one(a.returns)), (*b.params, *_one(b.returns))) and a.name == b.name
        case ast.PredicateDecl(), ast.PredicateDecl():
            return a.name == b.name and _start(a) == _start(b) and _alike(a.params, b.params)
        case ast.ContractDef(), ast.ContractDef():
            return a.name == b.name and a.name_span == b.name_span and all(
                _compare(list(x), list(y), changed) for x, y in zip(_groups(a), _groups(b), strict=True))
        case _:
            return False


def _start(node: ast.Node) -> tuple[int, int]:
    return node.span.line, node.span.column


def _one(node: ast.Node | None) -> tuple[ast.Node, ...]:
    return () if node is None else (node,)


def _groups(node: ast.ContractDef) -> Iterator[tuple[ast.Node, ...]]:
    yield from (node.state, node.events, node.errors, node.structs, node.enums, node.constants, node.functions)


def _alike(before: tuple[ast.Node, ...], after: tuple[ast.Node, ...]) -> bool:
    """Whether the trees and their places are the same."""
    return len(before) == len(after) and all(
        type(a) is type(b) and a.span == b.span and ast.plain(a) == ast.plain(b) and _alike(
            tuple(ast.children(a)), tuple(ast.children(b))) for a, b in zip(before, after, strict=True))
