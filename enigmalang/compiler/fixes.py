"""The ways out that diagnostics name, as edits of the text: for `enig check --json` and for editors.

The analyses work on the IR and know places, not how the source is written there; here the tree is looked at again.
Only changes that leave one thing to decide ("may everyone learn this?") are offered, each as a fix of its own.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from enigmalang.diagnostics import Diagnostic, Edit, Fix, Sink
from enigmalang.ir.ir import Function, Value, operations
from enigmalang.semantics.model import Checked, Instance
from enigmalang.source import SourceFile, Span
from enigmalang.syntax import ast
from enigmalang.types.types import Label

#: A value gets out here; one way out is to let it.
_REVEALED = frozenset(("E0301", "E0302", "E0306", "E0308", "E0309", "E0310", "E0311", "E0312", "E0315"))
_FIXED = _REVEALED | {"E0401", "W0317", "W0406"}
_LONGEST = 40


def propose_fixes(labels: Callable[[], Sequence["Labels"]], checked: Checked, sink: Sink) -> None:
    """Give the diagnostics in `sink` the fixes that can be written down. `labels`: of every function, if asked for."""
    if not any(d.code in _FIXED for d in sink.diagnostics):
        return
    private = _Private(labels())
    modules = {m.tree.source.path: m.tree for m in checked.modules.values() if not m.stdlib}
    calls = {node: callee for instance in checked.instances for node, callee in instance.calls.items()}

    def change(diagnostic: Diagnostic) -> Diagnostic:
        tree = modules.get(diagnostic.span.path)
        if tree is None or diagnostic.code not in _FIXED or diagnostic.fixes:
            return diagnostic
        return replace(diagnostic, fixes=tuple(_Places(tree, calls, private, diagnostic.span).fixes(diagnostic)))

    sink.amend(change)


def wrapped(source: SourceFile, span: Span, before: str, after: str = ")") -> Fix:
    """The fix that puts `before` and `after` around the text at `span`."""
    text = text_at(source, span)
    shown = text if len(text) <= _LONGEST and "\n" not in text else f"{text.split(chr(10))[0][:_LONGEST]}…"
    return Fix(f"write `{before}{shown}{after}`", (Edit(_start(span), before), Edit(_end(span), after)))


def text_at(source: SourceFile, span: Span) -> str:
    """The text that `span` covers."""
    lines = [source.line(number) for number in range(span.line, span.end_line + 1)]
    lines[-1] = lines[-1][: span.end_column - 1]
    lines[0] = lines[0][span.column - 1 :]
    return "\n".join(lines)


def _start(span: Span) -> Span:
    return Span(span.path, span.line, span.column, span.line, span.column)


def _end(span: Span) -> Span:
    return Span(span.path, span.end_line, span.end_column, span.end_line, span.end_column)


def _covers(outer: Span, inner: Span) -> bool:
    return (outer.line, outer.column) <= (inner.line, inner.column) and (inner.end_line, inner.end_column) <= (
        outer.end_line, outer.end_column)


@dataclass(slots=True, eq=False)
class Labels:
    """Which places of the text one function makes private, or public, and which names are private there."""

    private: set[Span] = field(default_factory=set)
    public: set[Span] = field(default_factory=set)
    names: dict[str, list[Span]] = field(default_factory=dict)

    @classmethod
    def of(cls, function: Function) -> "Labels":
        """`function` has been labelled."""
        made = cls()
        for param in function.params:
            made._add(param.values)
        for op in operations(function.body):
            made._add(op.results)
            for region in op.regions:
                made._add(region.params)
        return made

    def _add(self, values: Iterable[Value]) -> None:
        for value in values:
            if value.label is Label.PRIVATE:
                self.private.add(value.span)
                if value.hint:
                    self.names.setdefault(value.hint.split(".")[0], []).append(value.span)
            else:
                self.public.add(value.span)


class _Private:
    """The labels of all functions."""

    def __init__(self, parts: Sequence[Labels]) -> None:
        self.parts = parts

    def secret(self, node: ast.Node, around: Span) -> bool:
        """Whether the expression `node` of the function at `around` may be private."""
        if isinstance(node, ast.Reveal) or _is_len(node):
            return False
        if any(node.span in part.private for part in self.parts):
            return True
        if isinstance(node, ast.Name):
            return any(_covers(around, span) for part in self.parts for span in part.names.get(node.id, ()))
        if any(node.span in part.public for part in self.parts):
            return False
        return any(self.secret(child, around) for child in ast.children(node))


def _is_len(node: ast.Node) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.function, ast.Name) and node.function.id == "len"


def _around(tree: ast.Module, span: Span) -> Iterator[ast.Node]:
    """The nodes of the statement that covers `span`; of a contract, itself and what its members are."""
    for node in tree.body:
        if not _covers(node.span, span):
            continue
        if not isinstance(node, ast.ContractDef):
            yield from ast.walk(node)
            continue
        yield node
        for member in ast.children(node):
            yield from ast.walk(member) if _covers(member.span, span) else (member,)


class _Places:
    """The part of one module that has a diagnostic in it, looked up by place."""

    def __init__(self, tree: ast.Module, calls: dict[ast.Node, Instance], labels: _Private, span: Span) -> None:
        self.source = tree.source
        self.labels = labels
        self.calls = calls
        self.at: dict[Span, list[ast.Node]] = {}
        self.functions: list[ast.Node] = [tree]
        self.contracts: list[ast.ContractDef] = []
        self.stores: dict[Span, ast.Assign | ast.AugAssign] = {}  # by the place of the value
        for node in _around(tree, span):
            self.at.setdefault(node.span, []).append(node)
            match node:
                case ast.FunctionDef() | ast.TestDef() | ast.PredicateDecl():
                    self.functions.append(node)
                case ast.ContractDef():
                    self.contracts.append(node)
                case ast.Assign() | ast.AugAssign():
                    self.stores[node.value.span] = node
                case _:
                    pass

    def around(self, span: Span) -> ast.Node:
        """The innermost function, or the whole file."""
        return next(f for f in reversed(self.functions) if _covers(f.span, span))

    def fixes(self, diagnostic: Diagnostic) -> Iterator[Fix]:
        code, span = diagnostic.code, diagnostic.span
        if code == "E0401":
            yield from self._narrowed(span)
        elif code == "W0406":
            yield from self._divisor(span)
        elif code == "W0317":
            yield from self._needless(span)
        else:
            around = self.around(span)
            for node in self._candidates(code, span):
                if self.labels.secret(node, around.span) or code in ("E0302", "E0308", "E0312", "E0315"):
                    yield wrapped(self.source, node.span, "reveal(")
            yield from self._declared(code, span, around)

    # ---- what would get out

    def _candidates(self, code: str, span: Span) -> list[ast.Node]:
        if code == "E0309":
            return self._keys(span)
        for node in self.at.get(span, ()):
            match node:
                case ast.Require(condition=condition, message=message) | ast.Assert(
                        condition=condition, message=message):
                    if code == "E0302":
                        return [] if isinstance(condition, ast.Reveal) else [condition]
                    return _arguments(message)
                case ast.Emit(args=args, keywords=keywords):
                    return [*args, *(k.value for k in keywords)]
                case ast.Raise(error=error):
                    return _arguments(error)
                case ast.Call() | ast.Deploy() | ast.Submit() if code in ("E0301", "E0306", "E0311"):
                    return _arguments(node)
                case _:
                    pass
        found = self._expressions(span)
        return found[:1]

    def _expressions(self, span: Span) -> list[ast.Node]:
        return [n for n in self.at.get(span, ()) if isinstance(n, ast.Expr)]

    def _keys(self, span: Span) -> list[ast.Node]:
        node: ast.Node | None = next((n for n in self.at.get(span, ()) if isinstance(n, ast.Index)), None)
        if node is None and (store := self.stores.get(span)) is not None:
            node = store.target
        if node is None:
            node = next((n.target for n in self.at.get(span, ()) if isinstance(n, ast.AugAssign | ast.Assign)), None)
        keys: list[ast.Node] = []
        while isinstance(node, ast.Index | ast.Attribute):
            keys += node.indices if isinstance(node, ast.Index) else ()
            node = node.value
        return keys

    # ---- declaring the place private instead

    def _declared(self, code: str, span: Span, around: ast.Node) -> Iterator[Fix]:
        match code:
            case "E0308":
                store = self.stores.get(span)
                contract = next((c for c in self.contracts if _covers(c.span, span)), None)
                name = _root(store.target) if store is not None else None
                for state in contract.state if contract is not None else ():
                    if state.name == name and not state.private:
                        yield self._as_private(state.name, state.span)
            case "E0312" if isinstance(around, ast.FunctionDef) and around.returns is not None:
                if not around.returns_private:
                    yield self._as_private("the result", around.returns.span)
            case "E0311":
                yield from self._parameters(span, around)
            case _:
                pass

    def _parameters(self, span: Span, around: ast.Node) -> Iterator[Fix]:
        for node in self.at.get(span, ()):
            call = node.call if isinstance(node, ast.Deploy | ast.Submit) else node
            callee = self.calls.get(node) or self.calls.get(call)
            if callee is None or not isinstance(call, ast.Call) or not isinstance(callee.node, ast.FunctionDef):
                continue
            if callee.module.tree.source is not self.source:
                continue
            for param, arg in zip(callee.node.params, call.args, strict=False):
                if not param.private and self.labels.secret(arg, around.span):
                    yield self._as_private(param.name, param.span)
            return

    def _as_private(self, what: str, span: Span) -> Fix:
        name = what if what.startswith("the ") else f"`{what}`"
        return Fix(f"declare {name} `private`", (Edit(_start(span), "private "),))

    # ---- ranges

    def _narrowed(self, span: Span) -> Iterator[Fix]:
        for node in self.at.get(span, ()):
            if isinstance(node, ast.AugAssign):
                yield from self._augmented(node)
                return
        if self._expressions(span):
            for word in ("clamp", "wrap"):
                yield wrapped(self.source, span, f"{word}(")

    def _augmented(self, node: ast.AugAssign) -> Iterator[Fix]:
        """`x += a` becomes `x = clamp(x + a)`."""
        target, value = text_at(self.source, node.target.span), text_at(self.source, node.value.span)
        if not isinstance(node.value, ast.Name | ast.IntLit | ast.Call | ast.Index | ast.Attribute):
            value = f"({value})"
        for word in ("clamp", "wrap"):
            text = f"{target} = {word}({target} {node.op} {value})"
            yield Fix(f"write `{text}`" if "\n" not in text else f"write it with `{word}(…)`",
                      (Edit(node.span, text),))

    def _divisor(self, span: Span) -> Iterator[Fix]:
        for node in self.at.get(span, ()):
            if isinstance(node, ast.Binary | ast.AugAssign):
                right = node.right if isinstance(node, ast.Binary) else node.value
                yield wrapped(self.source, right.span, "max(", ", 1)")
                return

    def _needless(self, span: Span) -> Iterator[Fix]:
        around = self.around(span)
        if not isinstance(around, ast.FunctionDef) or around.returns is None:
            return
        at = around.returns.span
        found = re.search(r"private[ \t]+$", self.source.line(at.line)[: at.column - 1])
        if found is not None:
            yield Fix("leave `private` out", (Edit(Span(at.path, at.line, found.start() + 1, at.line, at.column), ""),))


def _arguments(node: ast.Node | None) -> list[ast.Node]:
    call = node.call if isinstance(node, ast.Deploy | ast.Submit) else node
    if isinstance(call, ast.Call):
        return [*call.args, *(k.value for k in call.keywords)]
    return [] if call is None else [call]


def _root(node: ast.Node) -> str | None:
    """The name of the variable that the target `node` is a part of; `x` also for `self.x`."""
    while isinstance(node, ast.Index | ast.Attribute):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            return node.name
        node = node.value
    return node.id if isinstance(node, ast.Name) else None
