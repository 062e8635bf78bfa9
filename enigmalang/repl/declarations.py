"""What a session has declared: functions, structs, contracts, constants, imports; and which of them an input needs."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from enigmalang.syntax import ast
from enigmalang.types.types import ArrayT, ContractT, EnumT, JobT, ListT, MapT, StructT, TupleT, Type

_NAMED = (ast.ConstDecl, ast.StructDecl, ast.EnumDecl, ast.InterfaceDecl, ast.PredicateDecl, ast.FunctionDef,
          ast.ContractDef, ast.EventDecl, ast.ErrorDecl)
Item = ast.Declaration | ast.Stmt


def declared(item: Item) -> dict[str, ast.Declaration]:
    """The names that `item` declares, each with a declaration of that name alone; none for statements and tests."""
    match item:
        case ast.Import(module=module, alias=alias):
            return {alias or module: item}
        case ast.FromImport(names=names, aliases=aliases):
            return {
                alias or name.id: replace(item, names=(name,), aliases=(alias,))
                for name, alias in zip(names, aliases, strict=True)}
        case _ if isinstance(item, _NAMED):
            return {item.name: item}
        case _:
            return {}


class Declarations:
    """By name, in the order in which they came. A name that is declared again means the new one from then on."""

    def __init__(self) -> None:
        self.known: dict[str, ast.Declaration] = {}

    def add(self, found: dict[str, ast.Declaration]) -> None:
        for name, item in found.items():
            self.known.pop(name, None)
            self.known[name] = item

    def drop(self, names: Iterable[str]) -> None:
        for name in names:
            self.known.pop(name, None)

    def needed(self, items: Iterable[Item], types: Iterable[Type], hidden: set[str]) -> tuple[ast.Declaration, ...]:
        """Those that `items`, and values of `types`, refer to, directly or through others; without the names `hidden`.
        Names of any kind count: a few too many cost nothing."""
        found: set[str] = set()
        open_names = [name for item in items for name in names_in(item)]
        open_names += [name for type in types for name in names_of_type(type)]
        while open_names:
            name = open_names.pop()
            if name in found or name in hidden or name not in self.known:
                continue
            found.add(name)
            open_names += names_in(self.known[name])
        return tuple(item for name, item in self.known.items() if name in found)


def names_in(item: ast.Node) -> Iterator[str]:
    """Every name that stands in `item`."""
    for node in ast.walk(item):
        if isinstance(node, ast.Name):
            yield node.id


def names_of_type(type: Type) -> Iterator[str]:
    """The declared names that a type is made of."""
    match type:
        case StructT(name=name, fields=fields):
            yield name
            for field in fields:
                yield from names_of_type(field.type)
        case EnumT(name=name) | ContractT(name=name):
            yield name
        case ArrayT(element=element) | ListT(element=element):
            yield from names_of_type(element)
        case MapT(key=key, value=value):
            yield from names_of_type(key)
            yield from names_of_type(value)
        case TupleT(items=items):
            for inner in items:
                yield from names_of_type(inner)
        case JobT(result=result):
            yield from names_of_type(result)
        case _:
            return
