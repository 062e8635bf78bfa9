"""Which literals of an input are secrets: they stay out of the history file, and out of what `:save` writes.

A literal is one where it goes into a private place: `private x = 41`, a private parameter, a private field, an entry
of `MPC`, a variable that is private already, what a method such as `append` puts into one. The tree tells where it parses; else every literal of a line that has to
do with secrets counts.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from enigmalang.diagnostics import Sink
from enigmalang.repl.declarations import Item
from enigmalang.source import SourceFile, Span
from enigmalang.syntax import ast
from enigmalang.syntax.parser import parse
from enigmalang.syntax.scanner import LEXEME

HIDDEN = "…"
_LITERALS = (ast.IntLit, ast.HexLit, ast.FixedLit, ast.StrLit, ast.BytesLit, ast.BoolLit)
_SECRET_WORDS = frozenset({"private", "MPC"})


@dataclass(frozen=True, slots=True)
class Place:
    """An expression that goes into a private place; `name` is the variable's or parameter's."""

    name: str
    value: ast.Expr
    declaration: ast.VarDecl | None = None


class Secrets:
    """What a session knows of private places. `variables`: names that hold secrets; `known`: declarations by name."""

    def __init__(self, variables: Iterable[str] = (), known: Mapping[str, ast.Declaration] | None = None) -> None:
        self.variables = set(variables)
        self.parameters: dict[str, tuple[ast.Param | ast.VarDecl, ...]] = {}
        for declaration in (known or {}).values():
            self.learn(declaration)

    def learn(self, item: Item) -> None:
        """Take in the private places that `item` declares, also inside."""
        for node in ast.walk(item):
            match node:
                case ast.FunctionDef(name=name, params=params) if any(p.private for p in params):
                    self.parameters[name] = params
                case ast.StructDecl(name=name, fields=fields) if any(f.private for f in fields):
                    self.parameters[name] = fields
                case ast.ContractDef(name=name, functions=functions):
                    for function in functions:
                        if function.name == "init" and any(p.private for p in function.params):
                            self.parameters[name] = function.params
                case ast.VarDecl(name=name, private=True):
                    self.variables.add(name)
                case _:
                    pass

    @property
    def words(self) -> frozenset[str]:
        return _SECRET_WORDS.union(self.variables, self.parameters)

    def places(self, items: Iterable[Item]) -> list[Place]:
        """The private places of `items`, in no order."""
        listed = list(items)
        for item in listed:
            self.learn(item)
        return [place for item in listed for node in ast.walk(item) for place in self._of(node)]

    def _of(self, node: ast.Node) -> Iterator[Place]:
        match node:
            case ast.VarDecl(private=True, value=value) if value is not None:
                yield Place(node.name, value, node)
            case ast.Param(private=True, name=name, default=value) if value is not None:
                yield Place(name, value)
            case ast.Assign(target=target, value=value) | ast.AugAssign(target=target, value=value):
                yield from self._assigned(target, value)
            case ast.Call(function=ast.Attribute(value=ast.Name(id="MPC"), name="set"), args=args):
                yield from (Place("MPC", value) for value in args[1:])
            case ast.Call(function=ast.Attribute(value=held), args=args) if _root(held) in self.variables:
                yield from (Place(str(_root(held)), value) for value in args)
            case ast.Call(function=function, args=args, keywords=keywords):
                name = function.id if isinstance(function, ast.Name) else getattr(function, "name", "")
                yield from self._arguments(name, args, keywords)
            case _:
                pass

    def _assigned(self, target: ast.Node, value: ast.Expr) -> Iterator[Place]:
        if isinstance(target, ast.TupleLit):
            values = value.items if isinstance(value, ast.TupleLit) else ()
            if len(values) != len(target.items):  # what goes where is known when it runs
                values = (value,) * len(target.items)
            for one, its in zip(target.items, values, strict=True):
                yield from self._assigned(one, its)
        elif (name := _root(target)) in self.variables or name == "MPC":
            yield Place(str(name), value)

    def _arguments(self, name: str, args: tuple[ast.Expr, ...], keywords: tuple[ast.Keyword, ...]) -> Iterator[Place]:
        params = self.parameters.get(name, ())
        for param, value in zip(params, args, strict=False):
            if param.private:
                yield Place(param.name, value)
        for keyword in keywords:
            if any(p.private and p.name == keyword.name for p in params):
                yield Place(keyword.name, keyword.value)


def _root(target: ast.Node) -> str | None:
    while isinstance(target, ast.Attribute | ast.Index):
        target = target.value
    return target.id if isinstance(target, ast.Name) else None


def literals(value: ast.Expr) -> list[ast.Expr]:
    """The literals in an expression; what an `input(…)` is called is none."""
    if isinstance(value, ast.Call) and isinstance(value.function, ast.Name) and value.function.id == "input":
        return []
    if isinstance(value, _LITERALS):
        return [value]
    return [found for child in ast.children(value) for found in literals(child)]  # type: ignore[arg-type]


def redacted(text: str, secrets: Secrets) -> str:
    """`text` with `…` for each literal that is a secret."""
    command, body = _command(text)
    source = SourceFile("<history>", body)
    module = parse(source, Sink())
    if module is None:
        return command + _all_hidden(body, secrets)
    spans = [literal.span for place in secrets.places(module.body) for literal in literals(place.value)]
    return command + replaced(source, [(span, HIDDEN) for span in dict.fromkeys(spans)])


def _command(text: str) -> tuple[str, str]:
    """`:time private x = 41` as its command and what it is about."""
    if not text.startswith(":"):
        return "", text
    word, space, rest = text.partition(" ")
    return word + space, rest


def _all_hidden(text: str, secrets: Secrets) -> str:
    """A text that does not parse: without any literal, if one word of it has to do with secrets."""
    words = {m.group() for m in LEXEME.finditer(text) if m.lastgroup == "word"}
    if not words & secrets.words:
        return text
    return "".join(HIDDEN if m.lastgroup in ("number", "string", "unclosed") else m.group()
                   for m in LEXEME.finditer(text))


def replaced(source: SourceFile, edits: Iterable[tuple[Span, str]]) -> str:
    """The text of `source` with other texts in place of spans that do not overlap."""
    starts = [0]
    for line in source.lines:
        starts.append(starts[-1] + len(line) + 1)
    text = source.text
    for span, new in sorted(edits, key=lambda edit: edit[0], reverse=True):
        first, last = starts[span.line - 1] + span.column - 1, starts[span.end_line - 1] + span.end_column - 1
        text = text[:first] + new + text[last:]
    return text
