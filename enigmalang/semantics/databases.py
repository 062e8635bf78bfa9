"""The databases L, DHT and MPC: entries, tables, and their methods (language.md §6)."""

from enigmalang.semantics.context import Body, a
from enigmalang.semantics.model import Kind, Member
from enigmalang.semantics.relations import HOLE, WeakInt, element_of, fits, not_private, plain, secret, settle
from enigmalang.syntax import ast
from enigmalang.types.types import (
    ANY,
    ERROR,
    NONE,
    AddressT,
    BoolT,
    BytesNT,
    BytesT,
    ContractT,
    EnumT,
    ErrorT,
    IdentityT,
    IntT,
    JobT,
    ListT,
    MapT,
    NoneT,
    PredicateT,
    StringT,
    TupleT,
    Type,
)

#: Bits of the widest integers that the largest field (2^127 - 1) holds.
WIDEST_ENTRY = 120
NAMES = frozenset(("L", "DHT", "MPC"))
#: The methods of each: names of the parameters, how many of them are needed.
METHODS: dict[str, dict[str, tuple[tuple[str, ...], int]]] = {
    "L": {"get": (("key", "time"), 1), "history": (("key",), 1), "table": (("path",), 1)},
    "DHT": {"get": (("key",), 1), "set": (("key", "value", "predicate"), 2), "table": (("path",), 1)},
    "MPC": {"set": (("key", "value", "predicate"), 2), "declassify": (("key",), 1), "table": (("path",), 1)},
}


def database_name(body: Body, node: ast.Expr) -> str | None:
    """"L", "DHT" or "MPC" when `node` is one of the databases, or a table of one."""
    if isinstance(node, ast.Name) and node.id in NAMES:
        symbol = body.lookup(node.id)
        return node.id if symbol is not None and symbol.kind is Kind.BUILTIN else None
    if isinstance(node, ast.Call) and isinstance(node.function, ast.Attribute) and node.function.name == "table":
        return database_name(body, node.function.value)
    return None


def is_database(body: Body, node: ast.Expr) -> bool:
    return database_name(body, node) is not None


def _owner(body: Body, node: ast.Expr) -> None:
    """Record the names and paths on the way to a table."""
    if isinstance(node, ast.Name):
        symbol = body.lookup(node.id)
        if symbol is not None:
            body.instance.names[node] = symbol
        return
    assert isinstance(node, ast.Call) and isinstance(node.function, ast.Attribute)
    _owner(body, node.function.value)
    body.instance.members[node.function] = Member("db", "table")
    body.instance.builtins[node] = "table"
    body.instance.types[node] = ANY
    if len(node.args) != 1 or node.keywords:
        body.error("E0203", "`table` takes one argument, the path of the table", node.span,
                   help='write it as in `MPC.table("hr/salaries")`')
    for arg in node.args:
        if not isinstance(body.expr(arg), StringT | ErrorT):
            body.error("E0201", "the path of a table is text", arg.span, help='as in `MPC.table("hr/salaries")`')


def entry(body: Body, owner: ast.Expr, keys: tuple[ast.Expr, ...]) -> str | None:
    """Check the keys of an entry; its name when they are constants."""
    _owner(body, owner)
    parts: list[str] | None = _path(body, owner)
    for number, key in enumerate(keys):
        type = settle(body.expr(key))
        if not isinstance(type, StringT | IntT | AddressT | BytesNT | BytesT | BoolT | EnumT | IdentityT | ErrorT):
            body.error("E0222", f"{plain(type)} cannot be a key of a database", key.span,
                       help='keys are text such as "hr/salaries", numbers, addresses or truths')
        if number == 0 and isinstance(owner, ast.Call) and not isinstance(type, StringT | ErrorT):
            body.error("E0222", "the key of an entry of a table is text", key.span, help='as in `table("hr")["2026"]`')
        value = body.constant(key)
        parts = None if parts is None or value is None else [*parts, str(value)]
    return None if parts is None else "/".join(parts)


def _path(body: Body, owner: ast.Expr) -> list[str] | None:
    if isinstance(owner, ast.Name):
        return []
    assert isinstance(owner, ast.Call) and isinstance(owner.function, ast.Attribute)
    before = _path(body, owner.function.value)
    value = body.constant(owner.args[0]) if owner.args else None
    return [*before, value] if before is not None and isinstance(value, str) else None


def read(body: Body, node: ast.Index, expected: Type | None) -> Type:
    """`L[k]`, `DHT[k]`, `MPC[k]`."""
    name = entry(body, node.value, node.indices)
    return _entry_type(body, database_name(body, node.value), name, node, expected)


def _entry_type(body: Body, db: str | None, name: str | None, node: ast.Expr, expected: Type | None) -> Type:
    known = body.program.entry_types.get(name) if db == "MPC" and name is not None else None
    if known is not None:
        return known
    if expected is not None and not isinstance(expected, NoneT | MapT | PredicateT | JobT):
        return settle(expected)
    if db != "MPC":
        return ANY
    body.program.missing_entries = True
    if not body.final:
        return HOLE
    return body.error("E0211", "the type of this secret is not known", node.span,
                      help="write it: `x: list[uint32, 100] = MPC[…]`")


def wrote(body: Body, node: ast.Expr) -> None:
    body.effects.append(("write", node.span, "writes a database"))


def assign(body: Body, node: ast.Index, value: ast.Expr) -> None:
    """`L[k] = v`, `MPC[k] = v`."""
    name = entry(body, node.value, node.indices)
    db = database_name(body, node.value)
    wrote(body, node)
    body.instance.types[node] = _stored(body, db, name, value)


def _stored(body: Body, db: str | None, name: str | None, value: ast.Expr) -> Type:
    known = body.program.entry_types.get(name) if db == "MPC" and name is not None else None
    type = body.expr(value, known)
    if known is not None and isinstance(type, WeakInt):
        body.coerce(value, type, known, "this entry")
        return known
    type = settle(secret(type) if db == "MPC" else type)
    if db == "MPC" and isinstance(type, IntT):
        body.coerce(value, type, type, "this entry")
    else:
        body.adapt(value, type)
    if isinstance(type, NoneT | MapT | PredicateT | JobT):
        return body.error("E0201", f"{plain(type)} cannot be stored in a database", value.span)
    if (part := _nameless(plain(type))) is not None:
        return body.error("E0201", f"{plain(type)} cannot be stored in a database", value.span,
                          help=f"{a(part)} is kept as an address: make it `address` where the value is made")
    if db == "MPC" and (part := not_private(plain(type))) is not None:
        return body.error("E0214", f"{part} cannot be secret-shared", value.span,
                          help="secrets are numbers, truths, enums, and lists, arrays and structs of them; "
                               "other data belongs into DHT, where it is encrypted")
    if db == "MPC" and name is not None and not isinstance(type, ErrorT):
        if known is not None and not fits(type, known):
            body.error("E0201", f"this entry holds {a(plain(known))}, and this is {plain(type)}", value.span)
            return type
        kept = body.program.entry_types.setdefault(name, plain(type))
        if kept == plain(type) and (wide := _too_wide(kept)) is not None:
            return body.error(
                "E0211", f"this entry would be {a(wide)} by what it is computed from, and no field holds all of those",
                value.span, help="say which type it has: `total: uint64 = …`, and store `total`")
        return kept
    return type


def _nameless(type: Type) -> Type | None:
    """What, inside of `type`, only this program has a name for; alone it is stored as an address."""
    parts = type.items if isinstance(type, TupleT) else [element_of(type)]
    for part in parts:
        if isinstance(part, IdentityT) or (isinstance(part, ContractT) and not part.interface):
            return part
        if part is not None and (found := _nameless(part)) is not None:
            return found
    return None


def _too_wide(type: Type) -> IntT | None:
    """The integers in `type`, if an entry of them could never be read: of an entry only the type is known."""
    while (inner := element_of(type)) is not None:
        type = inner
    return type if isinstance(type, IntT) and type.bits > WIDEST_ENTRY else None


def method(body: Body, node: ast.Call, function: ast.Attribute, expected: Type | None) -> Type:
    """`L.get(k, t)`, `DHT.set(k, v, p)`, `MPC.declassify(k)`, …"""
    db = database_name(body, function.value)
    assert db is not None
    known = METHODS[db]
    if function.name not in known:
        return body.error("E0106", f"{db} has no `{function.name}`", function.span,
                          help=f"{db} has " + ", ".join(f"`{n}`" for n in known))
    body.instance.members[function] = Member("db", function.name)
    body.instance.builtins[node] = function.name
    if function.name == "table":
        _owner(body, node)
        return body.error("E0201", "a table is indexed at once", node.span,
                          help=f'as in `{db}.table("hr/salaries")["2026"]`')
    given = _arguments(body, node, db, function.name)
    if given is None:
        return ERROR
    key = given["key"]
    name = entry(body, function.value, key.items if isinstance(key, ast.TupleLit) else (key,))
    if isinstance(key, ast.TupleLit):
        body.expr(key)
    return _method_type(body, node, db, function.name, given, name, expected)


def _arguments(body: Body, node: ast.Call, db: str, method: str) -> dict[str, ast.Expr] | None:
    names, needed = METHODS[db][method]
    given = dict(zip(names, node.args, strict=False))
    for keyword in node.keywords:
        if keyword.name not in names or keyword.name in given:
            body.error("E0204", f"`{db}.{method}` has no argument `{keyword.name}` left", keyword.span,
                       help="its arguments are " + ", ".join(names))
            return None
        given[keyword.name] = keyword.value
    if len(node.args) > len(names) or any(n not in given for n in names[:needed]):
        body.error("E0203", f"`{db}.{method}` takes {', '.join(names)}", node.span,
                   help=None if needed == len(names) else f"the first {needed} are needed")
        return None
    return given


def _method_type(
    body: Body, node: ast.Call, db: str, method: str, given: dict[str, ast.Expr], name: str | None,
    expected: Type | None,
) -> Type:
    match method:
        case "set":
            body.instance.types[node.function] = _stored(body, db, name, given["value"])
            wrote(body, node)
            if "predicate" in given:
                body.value_of(given["predicate"], PredicateT(), "who may read")
            return NONE
        case "history":
            return expected if isinstance(expected, ListT) else ListT(ANY, None)
        case "get" if "time" in given:
            time = body.expr(given["time"])
            if not isinstance(time, IntT | ErrorT):
                body.error("E0201", "the time is a block number or a time in seconds", given["time"].span)
        case _:
            pass
    return _entry_type(body, db, name, node, expected)
