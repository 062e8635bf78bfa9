"""Names, attributes, indices and slices: what can be read."""

from enigmalang.semantics import databases
from enigmalang.semantics.context import Body, declared_at, kind_name, near
from enigmalang.semantics.folding import raw
from enigmalang.semantics.model import ContractInfo, Kind, Member, Symbol
from enigmalang.semantics.relations import HOLE, ExactList, element_of, is_weak, length_of, plain
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.types.types import (
    ADDRESS,
    ERROR,
    UINT256,
    AddressT,
    AnyT,
    ArrayT,
    BytesNT,
    BytesT,
    ContractT,
    EnumT,
    ErrorT,
    FixedT,
    IdentityT,
    IntT,
    ListT,
    MapT,
    PredicateT,
    StringT,
    StructT,
    TupleT,
    Type,
)

PREDICATE_VALUES = frozenset(("owner", "anyone", "only_compute"))
_CONTEXT: dict[str, Type] = {"sender": ADDRESS, "self": ADDRESS, "value": UINT256, "now": UINT256}

# ----------------------------------------------------------------------------------------------------- names


def name(body: Body, node: ast.Name, expected: Type | None) -> Type:
    symbol = body.lookup(node.id)
    if node.id in body.locals and (symbol is None or (symbol.kind is not Kind.LOCAL and symbol.kind is not Kind.PARAM)):
        return _unassigned(body, node)
    if symbol is None:
        return _unknown(body, node, expected)
    body.instance.names[node] = symbol
    match symbol.kind:
        case Kind.LOCAL | Kind.PARAM:
            return _variable(body, node)
        case Kind.CONST:
            return constant(body, node, symbol)
        case Kind.STATE:
            return body.program.type_of(symbol)
        case Kind.IDENTITY:
            return IdentityT()
        case Kind.PREDICATE:
            return PredicateT()
        case Kind.BUILTIN:
            return _builtin(body, node)
        case _:
            body.instance.names.pop(node)
            return _no_value(body, node, symbol)


def _variable(body: Body, node: ast.Name) -> Type:
    for scope in reversed(body.scopes):
        if node.id in scope:
            return scope[node.id].type
    if node.id not in body.assigned:
        return _unassigned(body, node)
    return body.variables[node.id].type


def _unassigned(body: Body, node: ast.Name) -> Type:
    if not body.final:
        body.grew = True
        found = body.variables.get(node.id)
        return found.type if found else HOLE
    return body.error("E0107", f"`{node.id}` may not have a value here", node.span,
                      help=f"give `{node.id}` a value on every way that leads here, such as before the `if` or loop")


def _unknown(body: Body, node: ast.Name, expected: Type | None) -> Type:
    if body.instance.kind == "test" and isinstance(expected, AddressT | IdentityT):
        return _identity(body, node)
    help = body.suggestion(node.id)
    if body.instance.kind == "declaration" and _in_script(body, node.id):
        return body.error("E0221", f"`{node.id}` is a variable, and a constant is needed here", node.span,
                          help=f"`const {node.id} = …` makes it one")
    if help is None and body.contract is None and not body.is_client and _in_script(body, node.id):
        help = "a function sees constants, not the script's variables: pass it as a parameter"
    return body.error("E0101", f"there is no `{node.id}` here", node.span, help=help or _hint(body, node.id),
                      fixes=body.corrections(node.id, node.span))


def _in_script(body: Body, name: str) -> bool:
    return any(
        (isinstance(s, ast.VarDecl) and s.name == name)
        or (isinstance(s, ast.Assign) and isinstance(s.target, ast.Name) and s.target.id == name)
        for s in body.module.tree.body)


def _hint(body: Body, name: str) -> str:
    if name in ("true", "false", "None", "null"):
        return "truths are `True` and `False`; there is no null value"
    if body.is_client:
        return f"give it a value first; a person is declared as `identity {name}`"
    return "give it a value first, or check the spelling"


def _identity(body: Body, node: ast.Name) -> Type:
    """In a test every unknown name that acts, or stands for an address, is an identity."""
    symbol = body.identities.setdefault(node.id, Symbol(Kind.IDENTITY, node.id, node))
    body.instance.names[node] = symbol
    return IdentityT()


def _builtin(body: Body, node: ast.Name) -> Type:
    if node.id in PREDICATE_VALUES:
        return PredicateT()
    symbol = body.instance.names[node]
    if symbol.value == "unknown":
        return ERROR
    if node.id in _CONTEXT:
        return _context(body, node)
    body.instance.names.pop(node)
    if node.id == "block":
        return body.error("E0201", "`block` alone is no value", node.span,
                          help="write `block.number` or `block.timestamp`")
    if node.id in databases.NAMES:
        return body.error("E0201", f"the database `{node.id}` alone is no value", node.span,
                          help=f"read an entry: `{node.id}[key]`")
    return body.error("E0201", f"`{node.id}` is a function of the language, not a value", node.span,
                      help=f"call it: `{node.id}(…)`")


def _context(body: Body, node: ast.Name) -> Type:
    allowed = body.contract is not None or (node.id == "now" and body.instance.kind == "predicate")
    if not allowed:
        body.instance.names.pop(node)
        other = "in a test, `as alice:` sets who calls" if node.id == "sender" else "pass it as a parameter"
        return body.error("E0101", f"`{node.id}` exists only inside the functions of a contract", node.span,
                          help=None if body.is_client and node.id != "sender" else other)
    if node.id == "value":
        _check_payable(body, node.span)
    return _CONTEXT[node.id]


def _check_payable(body: Body, span: Span) -> None:
    function = body.instance.node
    if isinstance(function, ast.FunctionDef) and "payable" not in function.modifiers \
            and "internal" not in function.modifiers:
        body.error("E0220", f"`value` is the money sent along, and `{function.name}` takes none", span,
                   help=f"write `payable def {function.name}(…)`")


def _no_value(body: Body, node: ast.Expr, symbol: Symbol) -> Type:
    help = {
        Kind.FUNCTION: f"call it: `{symbol.name}(…)`", Kind.METHOD: f"call it: `{symbol.name}(…)`",
        Kind.CONTRACT: f"make one with `deploy {symbol.name}(…)`", Kind.STRUCT: f"make one with `{symbol.name}(…)`",
        Kind.ENUM: f"name a member: `{symbol.name}.…`", Kind.EVENT: f"`emit {symbol.name}(…)`",
        Kind.ERROR: f"`raise {symbol.name}(…)`", Kind.INTERFACE: f"`{symbol.name}(address)` is such a contract",
        Kind.MODULE: f"name what you need of it: `{symbol.name}.…`",
    }.get(symbol.kind)
    return body.error("E0201", f"`{symbol.name}` is {kind_name(symbol.kind)}, not a value", node.span, help=help)


def constant(body: Body, node: ast.Expr, symbol: Symbol) -> Type:
    """A use of a constant: its literals are still free to take the type that is wanted here."""
    type, value = body.program.constant_of(symbol)
    if value is not None:
        body.instance.constants[node] = raw(value, type)
        if isinstance(type, FixedT | ListT | ArrayT):
            body.exact[node] = value
    return type


# ------------------------------------------------------------------------------------------------ attributes


def attribute(body: Body, node: ast.Attribute, expected: Type | None) -> Type:
    if isinstance(node.value, ast.Name) and (symbol := body.lookup(node.value.id)) is not None:
        found = _of_name(body, node, node.value, symbol)
        if found is not None:
            return found
    if isinstance(node.value, ast.Attribute) and (symbol := of_module(body, node.value)) is not None \
            and symbol.kind is Kind.ENUM:
        return _enum_member(body, node, symbol)
    return _member(body, node, body.expr(node.value))


def of_module(body: Body, node: ast.Expr) -> Symbol | None:
    """What `module.name` means; None when it is something else (or was reported)."""
    if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
        return None
    module = body.lookup(node.value.id)
    if module is None or module.kind is not Kind.MODULE or module.module is None:
        return None
    return module.module.symbols.get(node.name)


def no_such_name(body: Body, node: ast.Attribute, module: Symbol) -> Type:
    names = list(module.module.symbols) if module.module else []
    return body.error("E0105", f"the module `{module.name}` has no `{node.name}`", node.span,
                      help=near(node.name, names) or "it has: " + ", ".join(sorted(names)[:12]))


def _of_name(body: Body, node: ast.Attribute, owner: ast.Name, symbol: Symbol) -> Type | None:
    """`module.x`, `Enum.X`, `self.x`, `block.x`; None for attributes of values."""
    members = body.instance.members
    match symbol.kind:
        case Kind.MODULE:
            found = of_module(body, node)
            if found is None:
                return no_such_name(body, node, symbol)
            members[node] = Member("module", node.name, found)
            return constant(body, node, found) if found.kind is Kind.CONST else _no_value(body, node, found)
        case Kind.ENUM:
            return _enum_member(body, node, symbol)
        case Kind.BUILTIN if owner.id == "block":
            if node.name not in ("number", "timestamp"):
                return body.error("E0106", f"`block` has no `{node.name}`", node.span,
                                  help="it has `number` and `timestamp`")
            members[node] = Member("block", node.name)
            return UINT256
        case Kind.BUILTIN if owner.id == "self" and body.contract is not None:
            return _of_self(body, node, body.contract)
        case _:
            return None


def _of_self(body: Body, node: ast.Attribute, contract: ContractInfo) -> Type:
    if node.name == "balance" and "balance" not in contract.symbols:
        body.instance.members[node] = Member("context", "balance")
        return UINT256
    symbol = contract.symbols.get(node.name)
    if symbol is None:
        return body.error("E0106", f"the contract `{contract.name}` has no `{node.name}`", node.span,
                          help=near(node.name, list(contract.symbols)))
    body.instance.members[node] = Member("state", node.name, symbol)
    if symbol.kind is Kind.STATE:
        return body.program.type_of(symbol)
    return constant(body, node, symbol) if symbol.kind is Kind.CONST else _no_value(body, node, symbol)


def _enum_member(body: Body, node: ast.Attribute, symbol: Symbol) -> Type:
    type = body.program.type_of(symbol)
    assert isinstance(type, EnumT)
    if node.name not in type.members:
        return body.error("E0106", f"the enum `{type.name}` has no member `{node.name}`", node.span,
                          notes=declared_at(symbol), help=near(node.name, list(type.members)) or (
                              "its members are " + ", ".join(type.members)))
    number = type.members.index(node.name)
    body.instance.members[node] = Member("enum", node.name, symbol, number)
    body.instance.constants[node] = number
    return type


def _member(body: Body, node: ast.Attribute, owner: Type) -> Type:
    help: str | None = None
    match owner:
        case ErrorT():
            return owner
        case StructT():
            names = [f.name for f in owner.fields]
            if node.name not in names:
                return body.error("E0106", f"the struct `{owner.name}` has no field `{node.name}`", node.span,
                                  help=near(node.name, names) or "its fields are " + ", ".join(names))
            number = names.index(node.name)
            body.instance.members[node] = Member("field", node.name, index=number)
            return owner.fields[number].type
        case ContractT(interface=False):
            return _foreign_state(body, node, owner)
        case ListT() | ArrayT():
            help = f"call it: `xs.{node.name}(…)`" if node.name in ("append", "pop") else \
                "lists have `append` and `pop`; the length is `len(xs)`"
        case MapT():
            help = "read an entry with `m[key]`, ask for one with `key in m`"
        case _:
            pass
    return body.error("E0106", f"{plain(owner)} has no `{node.name}`", node.span, help=help)


def _foreign_state(body: Body, node: ast.Attribute, owner: ContractT) -> Type:
    contract = body.program.contracts[owner.name]
    symbol = contract.symbols.get(node.name)
    if symbol is not None and symbol.kind is Kind.METHOD:
        return body.error("E0201", f"`{node.name}` is a function of `{owner.name}`", node.span,
                          help=f"call it: `{node.name}(…)`")
    if symbol is None or symbol.kind is not Kind.STATE:
        return body.error("E0106", f"the contract `{owner.name}` has no `{node.name}`", node.span,
                          help=near(node.name, list(contract.symbols)))
    if symbol.private:
        return body.error("E0319", f"`{node.name}` is private state of `{owner.name}`: nobody can read it from outside",
                          node.span, notes=declared_at(symbol),
                          help="add a function that gives out what may be known, with `reveal` or `-> private`")
    body.effects.append(("client", node.span, "reads a contract from outside"))
    body.instance.members[node] = Member("state", node.name, symbol)
    return body.program.type_of(symbol)


# --------------------------------------------------------------------------------------------- index and slice


def index(body: Body, node: ast.Index, expected: Type | None) -> Type:
    if databases.is_database(body, node.value):
        return databases.read(body, node, expected)
    type = body.expr(node.value)
    for number, part in enumerate(node.indices):
        span = node.value.span if number == 0 else node.span
        type = _one_index(body, type, part, span)
    return type


def _one_index(body: Body, owner: Type, node: ast.Expr, span: Span) -> Type:
    match owner:
        case MapT(key=key, value=value):
            body.value_of(node, key, "the key")
            return value
        case ErrorT():
            body.expr(node)
            return owner
        case TupleT():
            return _item(body, owner, node)
        case ListT() | ArrayT():
            integer(body, node, "the index")
            return element_of(owner) or ERROR
        case StringT() | BytesT() | BytesNT():
            integer(body, node, "the index")
            return StringT(1) if isinstance(owner, StringT) else BytesT(1)
        case _:
            body.expr(node)
            help = "give it a type first: `x: list[uint32, 10] = …`" if isinstance(owner, AnyT) else None
            return body.error("E0206", f"{plain(owner)} cannot be indexed", span, help=help)


def _item(body: Body, owner: TupleT, node: ast.Expr) -> Type:
    integer(body, node, "the index")
    value = body.constant(node)
    if not isinstance(value, int) or not 0 <= value < len(owner.items):
        return body.error("E0221", f"the index of a tuple is a constant from 0 to {len(owner.items) - 1}", node.span,
                          help="unpack the tuple: `a, b = t`")
    return owner.items[value]


def integer(body: Body, node: ast.Expr, what: str) -> Type:
    """`node` must be an integer; literals among it become uint256 (int256 when negative)."""
    got = body.expr(node)
    if isinstance(got, AnyT):
        return body.expr(node, UINT256)
    if isinstance(got, IntT | ErrorT):
        if is_weak(got) and body.constant(node) is not None and body.constant(node) >= 0:
            body.adapt(node, UINT256)
        return got
    return body.error("E0201", f"{what} must be an integer, and this is {plain(got)}", node.span)


def slice_of(body: Body, node: ast.Slice) -> Type:
    owner = body.expr(node.value)
    for bound in (node.low, node.high):
        if bound is not None:
            integer(body, bound, "a bound of a slice")
    match owner:
        case ErrorT() | StringT() | BytesT():
            return owner
        case BytesNT():
            return BytesT(owner.size)
        case ListT() | ArrayT():
            return _sliced(body, node, owner)
        case _:
            return body.error("E0206", f"{plain(owner)} has no slices", node.value.span)


def _sliced(body: Body, node: ast.Slice, owner: ListT | ArrayT) -> Type:
    element = element_of(owner) or ERROR
    size = length_of(owner)
    low = 0 if node.low is None else body.constant(node.low)
    high = size if node.high is None else body.constant(node.high)
    if isinstance(low, int) and isinstance(high, int) and 0 <= low <= high:
        if size is not None and high <= size:
            return ExactList(element, high - low)
        if size is None:
            bound = owner.max if isinstance(owner, ListT) else None
            return ListT(element, high - low if bound is None else max(0, min(high, bound) - low))
    return ListT(element, owner.max if isinstance(owner, ListT) else size)
