"""Type expressions: `list[uint32, 10]`, `map[address, Account]`, `uint8[3, 3]`, `(bool, fixed[8, 24])`."""

import re

from enigmalang.semantics.context import Body, kind_name, near
from enigmalang.semantics.model import Kind, Symbol
from enigmalang.semantics.relations import is_key, unfixed
from enigmalang.syntax import ast
from enigmalang.types.types import (
    ADDRESS,
    BOOL,
    ERROR,
    FIXED,
    NONE,
    ArrayT,
    BytesNT,
    BytesT,
    ContractT,
    FixedT,
    IdentityT,
    IntT,
    ListT,
    MapT,
    PredicateT,
    StringT,
    TupleT,
    Type,
)

_SIMPLE: dict[str, Type] = {
    "bool": BOOL, "fixed": FIXED, "address": ADDRESS, "string": StringT(None), "bytes": BytesT(None),
    "identity": IdentityT(), "predicate": PredicateT(),
}
_OTHER_LANGUAGES = {
    "int": "`int256`, or a smaller one such as `int32`", "uint": "`uint256`, or a smaller one such as `uint32`",
    "float": "`fixed`", "decimal": "`fixed`", "str": "`string[max]`", "String": "`string[max]`",
    "Bytes": "`bytes[max]`",
    "dict": "`map[K, V]`", "mapping": "`map[K, V]`", "HashMap": "`map[K, V]`", "DynArray": "`list[T, max]`",
    "boolean": "`bool`", "List": "`list[T, max]`",
}
MAX_SIZE = 1 << 32


def simple_type(name: str) -> Type | None:
    """The type of a name that the language knows: `uint32`, `bytes4`, `bool`."""
    if name in _SIMPLE:
        return _SIMPLE[name]
    match = re.fullmatch(r"(uint|int|bytes)([1-9][0-9]{0,2})", name)
    if match is None:
        return None
    size = int(match[2])
    if match[1] == "bytes":
        return BytesNT(size) if size <= 32 else None
    return IntT(match[1] == "int", size) if size % 8 == 0 and size <= 256 else None


def is_type_name(name: str) -> bool:
    return simple_type(name) is not None


def resolve(body: Body, node: ast.Expr) -> Type:
    """The type that `node` denotes; ERROR after a report."""
    match node:
        case ast.Name():
            return _named(body, node)
        case ast.Attribute(value=ast.Name(id=module)):
            symbol = body.lookup(module)
            if symbol is not None and symbol.kind is Kind.MODULE and symbol.module is not None:
                found = symbol.module.symbols.get(node.name)
                return _of_symbol(body, found, node, node.name)
        case ast.Index():
            return _sized(body, node)
        case ast.TupleLit():
            items = tuple(resolve(body, item) for item in node.items)
            return TupleT(items) if items else NONE
        case _:
            pass
    return body.error("E0202", "this is not a type", node.span,
                      help="a type is written as `uint32`, `list[uint32, 10]`, `map[address, bool]`, `(bool, fixed)`")


def _named(body: Body, node: ast.Name) -> Type:
    symbol = body.outer(node.id)
    if symbol is None or symbol.kind is Kind.BUILTIN:
        found = simple_type(node.id)
        if found is not None:
            return found
        if node.id == "None":
            return NONE
        if node.id == "list":
            return body.error("E0202", "a list needs the type of its elements", node.span,
                              help="write `list[uint32, 100]`: elements, and the greatest length")
        if node.id == "map":
            return body.error("E0202", "a map needs the types of its keys and values", node.span,
                              help="write `map[address, uint32]`")
    return _of_symbol(body, symbol, node, node.id)


def _of_symbol(body: Body, symbol: Symbol | None, node: ast.Expr, name: str) -> Type:
    if symbol is None:
        return body.error("E0202", f"there is no type `{name}`", node.span, help=_meant(body, name))
    match symbol.kind:
        case Kind.STRUCT | Kind.ENUM:
            return body.program.type_of(symbol)
        case Kind.INTERFACE | Kind.CONTRACT:
            return ContractT(symbol.name, symbol.kind is Kind.INTERFACE)
        case _ if symbol.value == "unknown":
            return ERROR
        case _:
            return body.error("E0202", f"`{name}` is {kind_name(symbol.kind)}, not a type", node.span,
                              help=_meant(body, name))


def _meant(body: Body, name: str) -> str:
    if name in _OTHER_LANGUAGES:
        return f"here this type is called {_OTHER_LANGUAGES[name]}"
    if re.fullmatch(r"u?int[0-9]+", name):
        return "integers have 8, 16, 24, … up to 256 bits"
    own = [n for table in (body.module.symbols, body.contract.symbols if body.contract else {})
           for n, s in table.items() if s.kind in (Kind.STRUCT, Kind.ENUM, Kind.INTERFACE, Kind.CONTRACT)]
    common = [f"{p}{b}" for p in ("uint", "int") for b in (8, 16, 32, 64, 128, 256)]
    return near(name, [*own, *common, *_SIMPLE, "list", "map", "bytes32"]) or (
        "types are `bool`, `uint8`…`uint256`, `int8`…`int256`, `fixed`, `address`, `bytes32`, `string[max]`, "
        "`list[T, max]`, `map[K, V]`, `T[n]`, structs and enums")


def _sized(body: Body, node: ast.Index) -> Type:
    name = node.value.id if isinstance(node.value, ast.Name) else ""
    count = len(node.indices)
    match name:
        case "list" if count in (1, 2):
            return _list(body, node)
        case "map" if count == 2:
            return _map(body, node)
        case "fixed" if count == 2:
            return _fixed(body, node)
        case "fixed" if count == 1:
            return body.error("E0202", "`fixed` is written `fixed[I, F]`", node.span,
                              help="I bits before the point and F behind it; an array of them is `fixed[16, 16][n]`")
        case "string" | "bytes" if count == 1:
            size = size_of(body, node.indices[0])
            return ERROR if size is None else StringT(size) if name == "string" else BytesT(size)
        case "list" | "map" | "fixed" | "string" | "bytes":
            usual = {"list": "list[T, max]", "map": "map[K, V]", "fixed": "fixed[I, F]"}.get(name, f"{name}[max]")
            return body.error("E0202", f"`{name}` is written `{usual}`", node.span, help=f"write it as `{usual}`")
        case _:
            return _array(body, node)


def _list(body: Body, node: ast.Index) -> Type:
    element = resolve(body, node.indices[0])
    size = size_of(body, node.indices[1]) if len(node.indices) == 2 else None
    if len(node.indices) == 2 and size is None:
        return ERROR
    return ListT(_fixed_size(body, element, node.indices[0]), size)


def _fixed_size(body: Body, element: Type, node: ast.Expr) -> Type:
    varying = unfixed(element)
    if varying is None:
        return element
    return body.error(
        "E0217", f"elements of a list must have a fixed size, and {varying} has not", node.span,
        help="use an array, such as `uint32[3]`, as the element, or a map from a number to the inner list")


def _map(body: Body, node: ast.Index) -> Type:
    key, value = resolve(body, node.indices[0]), resolve(body, node.indices[1])
    if not is_key(key):
        body.error("E0222", f"{key} cannot be the key of a map", node.indices[0].span,
                   help="keys are integers, bool, address, bytes, strings and enums; for two keys write a map of maps")
        return ERROR
    return MapT(key, value)


def _fixed(body: Body, node: ast.Index) -> Type:
    integer, fraction = size_of(body, node.indices[0]), size_of(body, node.indices[1])
    if integer is None or fraction is None:
        return ERROR
    if integer + fraction > 256:
        return body.error("E0210", f"fixed[{integer}, {fraction}] has more than 256 bits", node.span,
                          help="make the whole part or the fraction smaller")
    return FixedT(integer, fraction)


def _array(body: Body, node: ast.Index) -> Type:
    element = resolve(body, node.value)
    if element == ERROR:
        return ERROR
    sizes = [size_of(body, index) for index in node.indices]
    dims = tuple(size for size in sizes if size is not None)
    if len(dims) != len(sizes):
        return ERROR
    element = _fixed_size(body, element, node.value)
    if isinstance(element, ArrayT):
        return ArrayT(element.element, dims + element.dims)
    return ERROR if element == ERROR else ArrayT(element, dims)


def size_of(body: Body, node: ast.Expr) -> int | None:
    """A positive constant, after `node` was checked as one."""
    type = body.expr(node)
    value = body.constant(node)
    if type == ERROR:
        return None
    if isinstance(type, IntT) and isinstance(value, int) and 0 < value <= MAX_SIZE:
        return value
    shown = f"{value} is not" if value is not None else "this is not"
    body.error("E0210", f"{shown} a possible size", node.span,
               help="a size is a positive number that is known before the program runs: a literal or a `const`")
    return None


def needs_size(type: Type) -> Type | None:
    """The part of a state or signature type that lacks its greatest length."""
    match type:
        case ListT(max=None) | StringT(max=None) | BytesT(max=None):
            return type
        case ListT(element=element) | ArrayT(element=element):
            return needs_size(element)
        case MapT(value=value):
            return needs_size(type.key) or needs_size(value)
        case TupleT(items=items):
            return next((p for i in items if (p := needs_size(i)) is not None), None)
        case _:
            return None
