"""What stands before a dot: found in the newest text, which seldom parses while a name is being typed."""

import re
from collections.abc import Iterator

from enigmalang.diagnostics import Sink
from enigmalang.lsp.hover import types_of
from enigmalang.lsp.names import Definition
from enigmalang.lsp.view import View
from enigmalang.semantics.relations import element_of
from enigmalang.source import SourceFile
from enigmalang.syntax import ast
from enigmalang.syntax.parser import parse
from enigmalang.types.types import ContractT, JobT, MapT, StructT, TupleT, Type

_OPENERS = {")": "(", "]": "["}
_LONGEST = 2_000

#: A declaration (module, enum, contract as `self`), a type, or a word of the language.
Owner = ast.Node | Type | str


def receiver(before: str) -> str:
    """The expression at the end of `before` (which ends before the dot); "" when there is none."""
    stop = len(before)
    start = stop
    while start > max(0, stop - _LONGEST):
        char = before[start - 1]
        if char in _OPENERS:
            start = _opening(before, start - 1)
            if start < 0:
                return ""
        elif char.isalnum() or char in "_.":
            start -= 1
        else:
            break
    return before[start:stop]


def _opening(text: str, closer: int) -> int:
    """Where the bracket that `text[closer]` closes is opened; -1 when it is not on this line."""
    depth = 0
    for place in range(closer, -1, -1):
        if text[place] in ")]}":
            depth += 1
        elif text[place] in "([{":
            depth -= 1
            if depth == 0:
                return place
    return -1


def owners(view: View, line: int, column: int, text: str) -> list[Owner]:
    """What the expression `text`, written at the place, can be."""
    if not re.match(r"[A-Za-z_(\[]", text):
        return []
    module = parse(SourceFile("receiver.enig", text + "\n"), Sink())
    if module is None or len(module.body) != 1 or not isinstance(module.body[0], ast.ExprStmt):
        return []
    return list(_Evaluator(view, line, column).owners(module.body[0].value))


class _Evaluator:
    def __init__(self, view: View, line: int, column: int) -> None:
        self.view = view
        self.index = view.good.index
        self.names = {d.name: d for d in view.visible(line, column)}
        declared = self.index.declared[view.good.source.path]
        self.contract = next((d.node for d in declared.module.values() if isinstance(d.node, ast.ContractDef)
                              and d.node.span.line <= line <= d.node.span.end_line), None)

    def owners(self, node: ast.Expr) -> Iterator[Owner]:
        match node:
            case ast.Name(id="self") if self.contract is not None:
                yield self.contract
            case ast.Name():
                found = self.names.get(node.id)
                yield from (node.id,) if found is None else self.of(found)
            case ast.Attribute():
                for owner in self.owners(node.value):
                    for member in members(self.view, owner):
                        if member.name == node.name:
                            yield from self.of(member)
            case ast.Index():
                for owner in self.owners(node.value):
                    yield from _element(owner, len(node.indices))
            case ast.Slice():
                yield from self.owners(node.value)
            case ast.Call():
                for owner in self.owners(node.function):
                    yield from self.result(owner)
            case ast.Deploy():
                for owner in self.owners(node.call.function):
                    if isinstance(owner, ast.ContractDef):
                        yield ContractT(owner.name)
            case ast.Await():
                for owner in self.owners(node.value):
                    if isinstance(owner, JobT):
                        yield owner.result
            case _:
                pass

    def of(self, name: Definition) -> Iterator[Owner]:
        meant = name.meant
        if isinstance(meant.node, ast.VarDecl | ast.Param | ast.ConstDecl) or meant.kind in ("local", "param"):
            yield from types_of(self.index, meant)
        elif meant.kind != "member":
            yield meant.node

    def result(self, owner: Owner) -> Iterator[Owner]:
        """What a call of `owner` gives."""
        match owner:
            case ast.FunctionDef():
                yield from dict.fromkeys(i.result for i in self.index.instances.get(owner, ()))
            case ast.StructDecl() if owner.name in self.index.checked.structs:
                yield self.index.checked.structs[owner.name]
            case ast.InterfaceDecl():
                yield ContractT(owner.name, True)
            case _:
                pass


def _element(owner: Owner, steps: int) -> Iterator[Type]:
    current: Type | None = None if isinstance(owner, ast.Node | str) else owner
    for _ in range(steps):
        if isinstance(current, MapT):
            current = current.value
        elif isinstance(current, TupleT):
            yield from dict.fromkeys(current.items)
            return
        elif current is not None:
            current = element_of(current)
    if current is not None:
        yield current


def members(view: View, owner: Owner) -> Iterator[Definition]:
    """The names that can stand after a dot behind `owner`."""
    index = view.good.index
    match owner:
        case ast.Module():
            declared = index.declared.get(owner.source.path)
            yield from (d for n, d in (declared.module if declared else {}).items() if not n.startswith("_"))
        case ast.ContractDef():
            for declared in index.declared.values():
                yield from declared.contracts.get(owner, {}).values()
        case ast.EnumDecl():
            yield from _inside(view, owner)
        case StructT(name=name):
            yield from _inside(view, index.declaration(name, ast.StructDecl))
        case ContractT(name=name, interface=True):
            yield from _inside(view, index.declaration(name, ast.InterfaceDecl))
        case ContractT(name=name):
            contract = index.declaration(name, ast.ContractDef)
            if isinstance(contract, ast.ContractDef):
                yield from (d for d in members(view, contract) if _from_outside(d))
        case _:
            pass


def _inside(view: View, node: ast.Node | None) -> Iterator[Definition]:
    for declared in view.good.index.declared.values():
        if node is not None and node in declared.members:
            yield from declared.members[node].values()


def _from_outside(name: Definition) -> bool:
    match name.node:
        case ast.FunctionDef(name=word, modifiers=modifiers):
            return word != "init" and "internal" not in modifiers
        case ast.VarDecl(private=private):
            return not private
        case _:
            return False
