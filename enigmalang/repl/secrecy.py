"""What a session knows of private places, and what its inputs put into them.

A literal is a secret where it goes into a private place: `private x = 41`, a private parameter or field, an entry of
`MPC`, a variable that is private already, what a method such as `append` puts into one. Names count here, and not what
they mean: what is private under a name anywhere (a parameter of one of two contracts' functions, a field of one of two
structs, of this session or of a module that it imports) is private under it everywhere. So a public literal may count
as a secret. One that the person gave a public name before (`n = 5`, then `private x = n`) is public.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from enigmalang.diagnostics import Sink
from enigmalang.repl.declarations import Item, declared
from enigmalang.semantics import Loader
from enigmalang.syntax import ast

_LITERALS = (ast.IntLit, ast.HexLit, ast.FixedLit, ast.StrLit, ast.BytesLit, ast.BoolLit)
_JOINS = (ast.Unary, ast.Binary, ast.ListLit, ast.TupleLit)
_Takes = tuple[ast.Param | ast.VarDecl, ...]  # what a function or struct takes, in order


@dataclass(frozen=True, slots=True)
class Place:
    """An expression that goes into a private place; `name` is the variable's, field's, parameter's or function's."""

    name: str
    value: ast.Expr
    declaration: ast.VarDecl | None = None
    default: bool = False  # of a parameter


class Secrets:
    """Grows only: a name that was private once may stand in earlier inputs."""

    def __init__(self, loader: Loader) -> None:
        self.variables: set[str] = set()  # declared `private`
        self.holding: set[str] = set()  # not declared so, but they have held private values
        self._fields: set[str] = set()
        self._takes: dict[str, set[_Takes]] = {}
        self._modules: set[str] = set()
        self._loader = loader

    # ---- learning

    def learn(self, item: Item) -> None:
        """Take in the private places that `item` declares, also inside, and those of the modules that it imports."""
        match item:
            case ast.Import(module=module):
                self._module(module)
            case ast.FromImport(module=module, names=names, aliases=aliases):
                self._module(module)
                for name, alias in zip(names, aliases, strict=True):
                    if alias is not None and name.id in self._takes:
                        self._takes.setdefault(alias, set()).update(self._takes[name.id])
            case _:
                for node in ast.walk(item):
                    self._declaration(node)
                if not declared(item) and not isinstance(item, ast.TestDef):
                    self.variables |= _private_names(item)

    def _module(self, name: str) -> None:
        if name in self._modules:
            return
        self._modules.add(name)
        found = self._loader.load(name, Sink())
        if found is None:  # to be tried again when it is there
            self._modules.discard(name)
            return
        for item in found[0].body:
            if declared(item):
                self.learn(item)

    def _declaration(self, node: ast.Node) -> None:
        match node:
            case ast.FunctionDef(name=name, params=params) | ast.PredicateDecl(name=name, params=params):
                self._take(name, params)
            case ast.StructDecl(name=name, fields=fields):
                self._take(name, fields)
                self._fields |= {f.name for f in fields if f.private}
            case ast.ContractDef(name=name, functions=functions):
                for function in functions:
                    if function.name == "init":
                        self._take(name, function.params)
            case _:
                pass

    def _take(self, name: str, takes: _Takes) -> None:
        if any(taken.private for taken in takes):
            self._takes.setdefault(name, set()).add(takes)

    # ---- asking

    def places(self, items: Iterable[Item]) -> list[Place]:
        """The private places of `items`, in no order; an expression may be in several."""
        listed = list(items)
        for item in listed:
            self.learn(item)
        found: list[Place] = []
        for item in listed:
            names = self.variables | _private_names(item)
            places = [place for node in ast.walk(item) for place in self._of(node, names)]
            found += places
            found += _looped(item, {node.id for place in places for node in ast.walk(place.value)
                                    if isinstance(node, ast.Name)})
        return found

    def _of(self, node: ast.Node, names: set[str]) -> Iterator[Place]:
        match node:
            case ast.VarDecl(private=True, value=value) if value is not None:
                yield Place(node.name, value, node)
            case ast.Param(private=True, name=name, default=value) if value is not None:
                yield Place(name, value, default=True)
            case ast.FunctionDef(name=name, returns_private=True):
                yield from (Place(name, inner.value) for inner in ast.walk(node)
                            if isinstance(inner, ast.Return) and inner.value is not None)
            case ast.Assign(target=target, value=value):
                bare = names if isinstance(target, ast.Name) else names | self.holding
                yield from self._assigned(target, value, bare)
            case ast.AugAssign(target=target, value=value):
                yield from self._assigned(target, value, names | self.holding)
            case ast.Call():
                yield from self._called(node, names | self.holding)
            case _:
                pass

    def _assigned(self, target: ast.Node, value: ast.Expr, names: set[str]) -> Iterator[Place]:
        if isinstance(target, ast.TupleLit):
            values = value.items if isinstance(value, ast.TupleLit) else ()
            if len(values) != len(target.items):  # what goes where is known when it runs
                values = (value,) * len(target.items)
            for one, its in zip(target.items, values, strict=True):
                yield from self._assigned(one, its, names)
        elif (name := self._private(target, names)) is not None:
            yield Place(name, value)

    def _called(self, node: ast.Call, names: set[str]) -> Iterator[Place]:
        function, values = node.function, (*node.args, *(k.value for k in node.keywords))
        called = _last_name(function)
        if isinstance(function, ast.Attribute):
            held = self._private(function.value, names)
            if held == "MPC":
                yield from (Place("MPC", value) for value in node.args[1:] if called == "set")
            elif held is not None:
                yield from (Place(held, value) for value in values)
        for takes in self._takes.get(called, ()):
            yield from (Place(t.name, value) for t, value in zip(takes, node.args, strict=False) if t.private)
            private = {t.name for t in takes if t.private}
            yield from (Place(k.name, k.value) for k in node.keywords if k.name in private)
        passed = next((name for value in values if (name := _last_name(value)) in self._takes), None)
        if passed is not None:  # `map(f, [1, 2])`
            yield from (Place(passed, value) for value in (function, *values))

    def _private(self, target: ast.Node, names: set[str]) -> str | None:
        """What makes a target private, or what a method is called of: a variable or field on its path."""
        while True:
            match target:
                case ast.Attribute(name=name) if name in self._fields or name in names:
                    return name
                case ast.Attribute(value=inner) | ast.Index(value=inner) | ast.Call(function=inner):
                    target = inner
                case ast.Name(id=name) if name in names or name == "MPC":
                    return name
                case _:
                    return None


def _last_name(node: ast.Expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(name=name):
            return name
        case _:
            return ""


def _private_names(item: ast.Node) -> set[str]:
    """The private state, parameters and variables in `item`."""
    return {node.name for node in ast.walk(item) if isinstance(node, ast.VarDecl | ast.Param) and node.private}


def _looped(item: ast.Node, used: set[str]) -> Iterator[Place]:
    """The lists that loops go through, where a private place takes their elements (the names `used`)."""
    for node in ast.walk(item):
        if isinstance(node, ast.For | ast.CompClause):
            names = [n.id for n in ast.walk(node.target) if isinstance(n, ast.Name) and n.id in used]
            yield from (Place(names[0], inner) for inner in ast.walk(node.iterable)
                        if names and isinstance(inner, ast.ListLit | ast.TupleLit))


def constants(value: ast.Expr) -> list[ast.Expr]:
    """The largest parts of an expression that are made of literals alone; what an `input(…)` is called is none."""
    if isinstance(value, ast.Call) and isinstance(value.function, ast.Name) and value.function.id == "input":
        return []
    if _constant(value):
        return [value]
    return [found for child in ast.children(value) for found in constants(child)]  # type: ignore[arg-type]


def _constant(value: ast.Node) -> bool:
    if isinstance(value, _LITERALS):
        return True
    parts = list(ast.children(value)) if isinstance(value, _JOINS) else []
    return bool(parts) and all(_constant(part) for part in parts)


def literals(value: ast.Expr) -> list[ast.Expr]:
    """The literals in an expression; what an `input(…)` is called is none."""
    return [node for part in constants(value) for node in ast.walk(part) if isinstance(node, _LITERALS)]
