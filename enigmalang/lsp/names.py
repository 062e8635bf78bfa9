"""Declarations: what each name of a program stands for, where it is written, and where it can be seen."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from enigmalang.semantics.model import ModuleInfo
from enigmalang.source import SourceFile, Span
from enigmalang.syntax import ast


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """A name that a program declares.

    kind: those of semantics.model.Kind, and "field", "member" (of an enum), "alias" (of an import; `target` is what
    it stands for). `extent`: where the bare name means it; None for fields and members, which stand after a dot.
    """

    name: str
    kind: str
    span: Span  # of the name alone
    node: ast.Node  # what declares it
    extent: Span | None
    owner: str = ""  # the contract, struct, enum or function it belongs to
    private: bool = False
    target: "Definition | None" = None

    @property
    def meant(self) -> "Definition":
        """What an alias stands for; otherwise itself."""
        return self if self.target is None else self.target.meant


def covers(span: Span, line: int, column: int) -> bool:
    """Whether the place is in `span`, or directly behind it."""
    return (span.line, span.column) <= (line, column) <= (span.end_line, span.end_column)


def within(outer: Span, inner: Span) -> bool:
    """Whether `inner` is a part of `outer`."""
    return outer.path == inner.path and (outer.line, outer.column) <= (inner.line, inner.column) and (
        inner.end_line, inner.end_column) <= (outer.end_line, outer.end_column)


def name_in(source: SourceFile, span: Span, name: str, skip: str = "") -> Span:
    """Where `name` stands first in the text at `span`, after the words that match `skip`."""
    line, column = span.line, span.column
    text = source.line(line)
    passed = re.compile(skip).match(text, column - 1) if skip else None
    start = passed.end() if passed else column - 1
    pattern = re.compile(rf"\b{re.escape(name)}\b")
    while line <= span.end_line:
        found = pattern.search(text, start)
        if found is not None:
            return Span(span.path, line, found.start() + 1, line, found.end() + 1)
        line, start = line + 1, 0
        text = source.line(line)
    return Span(span.path, span.line, span.column, span.line, span.column)


def last_name(span: Span, name: str) -> Span:
    """The place of `name` at the end of `span`: of what stands after a dot."""
    return Span(span.path, span.end_line, max(1, span.end_column - len(name)), span.end_line, span.end_column)


def first_name(span: Span, name: str) -> Span:
    """The place of `name` at the beginning of `span`."""
    return Span(span.path, span.line, span.column, span.line, span.column + len(name))


#: Words before the name of a declaration.
_HEADS = {
    ast.ConstDecl: r"const[ \t]+", ast.StructDecl: r"struct[ \t]+", ast.EnumDecl: r"enum[ \t]+",
    ast.InterfaceDecl: r"interface[ \t]+", ast.PredicateDecl: r"predicate[ \t]+", ast.EventDecl: r"event[ \t]+",
    ast.ErrorDecl: r"error[ \t]+", ast.Param: r"(?:private[ \t]+)?",
}
_KINDS = {
    ast.ConstDecl: "const", ast.StructDecl: "struct", ast.EnumDecl: "enum", ast.InterfaceDecl: "interface",
    ast.PredicateDecl: "predicate", ast.EventDecl: "event", ast.ErrorDecl: "error", ast.FunctionDef: "function",
    ast.ContractDef: "contract", ast.VarDecl: "state", ast.Param: "param",
}


class Declared:
    """The declarations of one module: by node, and by name for the module and each contract."""

    def __init__(self, info: ModuleInfo) -> None:
        self.info = info
        self.source = info.tree.source
        self.by_node: dict[ast.Node, Definition] = {}
        self.module: dict[str, Definition] = {}
        self.contracts: dict[ast.ContractDef, dict[str, Definition]] = {}
        self.members: dict[ast.Node, dict[str, Definition]] = {}  # fields, enum members, parameters, by their owner
        whole = self.source.whole()
        for node in info.tree.body:
            match node:
                case ast.Import() | ast.FromImport():
                    pass  # needs the other modules: see index.py
                case ast.ContractDef():
                    self._add(self.module, node, node.name, node.name_span, whole)
                    self._contract(node)
                case ast.TestDef():
                    pass
                case _ if type(node) in _KINDS and not isinstance(node, ast.VarDecl):
                    self._declaration(self.module, node, whole, "")
                case _:
                    pass

    def _add(
        self, names: dict[str, Definition], node: ast.Node, name: str, span: Span, extent: Span | None,
        owner: str = "", kind: str = "",
    ) -> Definition:
        made = Definition(
            name, kind or _KINDS[type(node)], span, node, extent, owner, bool(getattr(node, "private", False)))
        self.by_node[node] = made
        names.setdefault(name, made)
        return made

    def _contract(self, node: ast.ContractDef) -> None:
        names = self.contracts[node] = {}
        for state in node.state:
            self._add(names, state, state.name, state.name_span, node.span, node.name)
        for member in (*node.structs, *node.enums, *node.constants, *node.events, *node.errors, *node.functions):
            self._declaration(names, member, node.span, node.name)

    def _declaration(self, names: dict[str, Definition], node: ast.Node, extent: Span, owner: str) -> None:
        name: str = getattr(node, "name")  # noqa: B009 - every node of _KINDS has one
        span = getattr(node, "name_span", None) or name_in(self.source, node.span, name, _HEADS.get(type(node), ""))
        kind = "method" if owner and isinstance(node, ast.FunctionDef) else ""
        self._add(names, node, name, span, extent, owner, kind)
        self._inside(node, name, owner)

    def _inside(self, node: ast.Node, name: str, owner: str) -> None:
        inner = self.members.setdefault(node, {})
        match node:
            case ast.StructDecl(fields=fields):
                for field in fields:
                    self._add(inner, field, field.name, field.name_span, None, name, "field")
            case ast.EnumDecl(members=members):
                for member in members:
                    self._add(inner, member, member.id, member.span, None, name, "member")
            case ast.InterfaceDecl(functions=functions):
                for function in functions:
                    self._add(inner, function, function.name, function.name_span, None, name, "method")
                    self._inside(function, function.name, name)
            case ast.FunctionDef(params=params) | ast.PredicateDecl(params=params):
                for param in params:
                    self._add(inner, param, param.name, self._param(param), node.span, f"{owner}.{name}".strip("."))
            case ast.EventDecl(params=params) | ast.ErrorDecl(params=params):
                for param in params:
                    self._add(inner, param, param.name, self._param(param), None, name, "field")
            case _:
                pass

    def _param(self, param: ast.Param) -> Span:
        return name_in(self.source, param.span, param.name, _HEADS[ast.Param])


def names_of(target: ast.Node) -> Iterator[ast.Name]:
    """The names that an assignment to `target` sets."""
    match target:
        case ast.Name():
            yield target
        case ast.TupleLit(items=items):
            for item in items:
                yield from names_of(item)
        case _:
            pass
