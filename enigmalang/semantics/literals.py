"""Literals, and lists and tuples written out."""

from fractions import Fraction

from enigmalang.semantics.context import Body
from enigmalang.semantics.relations import (
    HOLE,
    ExactList,
    WeakFixed,
    array_of,
    as_element,
    element_of,
    is_weak,
    join,
    plain,
    unfixed,
    weak,
)
from enigmalang.syntax import ast
from enigmalang.syntax.words import UNITS
from enigmalang.types.types import (
    ADDRESS,
    BOOL,
    ERROR,
    UINT256,
    AddressT,
    AnyT,
    ArrayT,
    BytesNT,
    BytesT,
    ErrorT,
    FixedT,
    IntT,
    ListT,
    StringT,
    TupleT,
    Type,
)

Literal = ast.IntLit | ast.HexLit | ast.FixedLit | ast.StrLit | ast.BytesLit | ast.BoolLit


def literal(body: Body, node: Literal, expected: Type | None) -> Type:
    constants = body.instance.constants
    match node:
        case ast.IntLit(value=value):
            return _integer(body, node, value)
        case ast.FixedLit():
            return _decimal(body, node)
        case ast.HexLit():
            return _hex(body, node, expected)
        case ast.StrLit():
            constants[node] = node.value
            return StringT(None)
        case ast.BytesLit():
            constants[node] = node.value
            fits = isinstance(expected, BytesNT) and expected.size == len(node.value)
            return expected if fits and expected is not None else BytesT(None)
        case ast.BoolLit():
            constants[node] = node.value
            return BOOL


def _integer(body: Body, node: ast.Expr, value: int) -> Type:
    if value > UINT256.high:
        return body.error("E0209", "this number does not fit any type", node.span,
                          help="the largest type is `uint256`")
    body.instance.constants[node] = value
    return weak(value)


def _decimal(body: Body, node: ast.FixedLit) -> Type:
    value = Fraction(node.text.replace("_", ""))
    if node.unit is not None:
        amount = value * UNITS[node.unit]
        if amount.denominator != 1:
            return body.error("E0209", f"{node.text} {node.unit} is not a whole number of the smallest unit", node.span,
                              help="amounts are counted in wei and times in seconds")
        return _integer(body, node, int(amount))
    body.exact[node] = value
    type = WeakFixed()
    body.instance.constants[node] = round(value * (1 << type.fraction))
    return type


def _hex(body: Body, node: ast.HexLit, expected: Type | None) -> Type:
    digits = node.text.removeprefix("0x").replace("_", "")
    constants = body.instance.constants
    if len(digits) == 40 and (isinstance(expected, AddressT) or not isinstance(expected, IntT | BytesNT)):
        constants[node] = "0x" + digits.lower()
        return ADDRESS
    if (len(digits) == 64 and not isinstance(expected, IntT | FixedT)) or (
            isinstance(expected, BytesNT) and len(digits) == 2 * expected.size):
        constants[node] = bytes.fromhex(digits)
        return BytesNT(len(digits) // 2)
    if isinstance(expected, AddressT | BytesNT):
        wanted = 40 if isinstance(expected, AddressT) else 2 * expected.size
        return body.error("E0209", f"{expected} has {wanted} hexadecimal digits, and this has {len(digits)}", node.span,
                          help="write all digits, also leading zeros")
    return _integer(body, node, int(digits, 16))


# ------------------------------------------------------------------------------------------ lists and tuples


def display(body: Body, node: ast.ListLit | ast.TupleLit | ast.DictLit, expected: Type | None) -> Type:
    match node:
        case ast.ListLit():
            return _list(body, node, expected)
        case ast.TupleLit():
            return _tuple(body, node, expected)
        case ast.DictLit():
            return body.error(
                "E0201", "`{key: value}` stands only in `shared_identity(…)`", node.span,
                help="a map is state of a contract (`balance: map[address, uint32]`); its entries are set one by one")


def _list(body: Body, node: ast.ListLit, expected: Type | None) -> Type:
    wanted = element_of(expected) if expected is not None else None
    element: Type = HOLE
    for item in node.items:
        got = as_element(body.expr(item, wanted if wanted is not None else None))
        if isinstance(got, ArrayT) and not isinstance(body.instance.types[item], ArrayT):
            _as_array(body, item, got)
        joined = join(element, got)
        if joined is None:
            body.error("E0217", f"the elements of a list have one type, and these are {plain(element)} and "
                       f"{plain(got)}", item.span, help="convert them to one type")
            return ERROR
        element = joined
    return _of_elements(body, node, element, expected)


def _as_array(body: Body, node: ast.Expr, type: ArrayT) -> None:
    """A list that is a row of a matrix is an array."""
    body.instance.types[node] = type


def _of_elements(body: Body, node: ast.ListLit, element: Type, expected: Type | None) -> Type:
    if body.instance.kind == "declaration":
        _list_constant(body, node)
    varying = unfixed(element)
    if varying is not None:
        return body.error("E0217", f"elements of a list must have a fixed size, and {plain(varying)} has not",
                          node.span, help="rows of a matrix are arrays, such as `uint32[3]`")
    if not is_weak(element) and not isinstance(element, ErrorT):
        for item in node.items:
            body.adapt(item, element)
    if isinstance(expected, ArrayT) and expected.dims[0] == len(node.items):
        return array_of(element, len(node.items))
    if isinstance(expected, ListT) and not node.items:
        return expected
    return ExactList(element, len(node.items))


def _tuple(body: Body, node: ast.TupleLit, expected: Type | None) -> Type:
    wanted = expected.items if isinstance(expected, TupleT) and len(expected.items) == len(node.items) else None
    items = tuple(
        body.expr(item, wanted[i] if wanted is not None else None) for i, item in enumerate(node.items))
    if all(item in body.instance.constants for item in node.items) and not any(
            isinstance(t, AnyT) for t in items):
        body.instance.constants[node] = tuple(body.instance.constants[item] for item in node.items)
        body.exact[node] = tuple(
            body.exact.get(item, body.instance.constants[item]) for item in node.items)
    return TupleT(items)


def _list_constant(body: Body, node: ast.ListLit) -> None:
    """In a declaration, a list of constants is one."""
    constants = body.instance.constants
    if node.items and all(item in constants for item in node.items):
        constants[node] = tuple(constants[item] for item in node.items)
        body.exact[node] = tuple(body.exact.get(item, constants[item]) for item in node.items)

