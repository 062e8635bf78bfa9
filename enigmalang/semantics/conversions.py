"""Typing rules of conversions, and of functions that take their type from the context."""

from functools import reduce

from enigmalang.semantics.annotations import resolve, size_of
from enigmalang.semantics.arguments import check_arguments
from enigmalang.semantics.context import Body
from enigmalang.semantics.relations import (
    array_of,
    is_number,
    plain,
    settle,
)
from enigmalang.semantics.sequences import joined
from enigmalang.syntax import ast
from enigmalang.types.types import (
    ERROR,
    AddressT,
    AnyT,
    ArrayT,
    BoolT,
    BytesNT,
    BytesT,
    ContractT,
    EnumT,
    ErrorT,
    FixedT,
    IdentityT,
    IntT,
    ListT,
    StringT,
    Type,
)


def reshape_rule(body: Body, node: ast.Call, expected: Type | None) -> Type:
    """`wrap(x)`, `wrap(x, uint8)`, `clamp(x)`, `clamp(x, low, high)`."""
    name = body.instance.builtins[node]
    if name == "clamp" and len(node.args) == 3:
        return _between(body, node, expected)
    got = body.expr(node.args[0], expected if isinstance(expected, FixedT) else None)
    want = resolve(body, node.args[1]) if len(node.args) == 2 else expected
    if isinstance(want, ErrorT) or isinstance(got, ErrorT):
        return want if want is not None else ERROR
    if not isinstance(want, IntT | FixedT):
        return body.error("E0213", f"`{name}` must know the type that the number should fit", node.span,
                          help=f"store it in a typed variable, `y: uint32 = {name}(x)`, or write `{name}(x, uint32)`")
    want = settle(want)
    if not is_number(got) or isinstance(settle(got), FixedT) != isinstance(want, FixedT):
        needed = "a fixed-point number" if isinstance(want, FixedT) else "an integer"
        body.error("E0201", f"`{name}` to {want} needs {needed}, and this is {plain(got)}", node.args[0].span)
    return want


def _between(body: Body, node: ast.Call, expected: Type | None) -> Type:
    body.instance.builtins[node] = "clamp"
    types = [body.expr(arg, expected) for arg in node.args]
    common = reduce(lambda a, b: joined(body, node, a, b), types)
    if not is_number(common):
        return body.error("E0201", f"`clamp` needs numbers, and these are {plain(common)}", node.span)
    common = settle(common)
    for arg in node.args:
        body.adapt(arg, common)
    return common


def input_rule(body: Body, node: ast.Call, expected: Type | None) -> Type:
    name = body.expr(node.args[0])
    if not isinstance(name, ErrorT) and not isinstance(body.constant(node.args[0]), str):
        body.error("E0221", "the name of an input is a text that stands in the program", node.args[0].span,
                   help='as in `input("pay")`, given as `--input pay=…`')
    want = resolve(body, node.args[1]) if len(node.args) == 2 else expected
    if want is None:
        return body.error("E0211", "the type of this input is not known", node.span,
                          help='write it: `pay: list[uint32, 5000] = input("pay")`')
    return want


def array_rule(body: Body, node: ast.Call, expected: Type | None) -> Type:
    element = resolve(body, node.args[0])
    sizes = [size_of(body, arg) for arg in node.args[1:]]
    if isinstance(element, ErrorT) or any(s is None for s in sizes):
        return ERROR
    for size in reversed(sizes):
        assert size is not None
        element = array_of(element, size)
    return element


def conversion(body: Body, node: ast.Call) -> Type:
    """`uint32(x)`, `fixed[8, 24](x)`, `address(x)`, `bytes32(x)`."""
    want = resolve(body, node.function)
    body.instance.builtins[node] = "convert"
    if len(node.args) != 1 or node.keywords:
        check_arguments(body, node)
        return body.error("E0203", f"a conversion to {want} takes one argument", node.span)
    got = body.expr(node.args[0], want)
    if isinstance(got, ErrorT) or isinstance(want, ErrorT):
        return want
    body.adapt(node.args[0], want)
    value = body.constant(node.args[0])
    got = body.instance.types[node.args[0]]
    if not _convertible(settle(got), want, value):
        return body.error("E0201", f"{plain(got)} cannot be converted to {want}", node.span,
                          help=_conversion_help(got, want))
    if settle(got) == want or (isinstance(got, IntT) and isinstance(want, IntT)):
        body.coerce(node.args[0], got, want, f"a conversion to {want}")
        if (value is not None and settle(got) == want) or (isinstance(value, int) and isinstance(want, IntT) \
                and isinstance(got, IntT)):
            body.instance.constants[node] = body.constant(node.args[0])
            if isinstance(want, FixedT) and node.args[0] in body.exact:
                body.exact[node] = body.exact[node.args[0]]
    elif isinstance(want, AddressT) and isinstance(value, int):
        body.instance.constants[node] = f"0x{value:040x}"
    elif isinstance(want, BytesNT) and isinstance(value, int):
        body.instance.constants[node] = value.to_bytes(want.size, "big")
    return want


def _convertible(got: Type, want: Type, value: object) -> bool:
    match want:
        case IntT() | FixedT():
            return isinstance(got, IntT | FixedT | BoolT | EnumT | AnyT) or (isinstance(want, IntT) and isinstance(
                got, BytesNT))
        case BoolT():
            return isinstance(got, BoolT | AnyT)
        case AddressT():
            zero = isinstance(got, IntT) and isinstance(value, int) and 0 <= value < 1 << 160
            return isinstance(got, AddressT | IdentityT | ContractT | AnyT) or zero
        case BytesNT():
            number = isinstance(got, IntT) and isinstance(value, int) and 0 <= value < 1 << (8 * want.size)
            return isinstance(got, BytesNT | BytesT | AnyT) or number
        case StringT() | BytesT():
            return isinstance(got, StringT | AnyT) if isinstance(want, StringT) else isinstance(
                got, BytesT | BytesNT | AnyT)
        case _:
            return False


def _conversion_help(got: Type, want: Type) -> str | None:
    if isinstance(want, BoolT):
        return "compare it: `x != 0`"
    if isinstance(want, StringT):
        return "several values are printed with `print(a, b)`"
    if isinstance(got, ListT | ArrayT):
        return f"convert each element: `[{want}(x) for x in xs]`"
    return None
