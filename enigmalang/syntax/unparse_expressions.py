"""Expressions as canonical source, with brackets only where the grammar needs them."""

from collections.abc import Iterable
from typing import assert_never

from enigmalang.syntax import ast

#: The levels of the grammar, loosest first; an operand of a tighter level than its own needs brackets.
_LEVELS = (
    "test", "or_test", "and_test", "not_test", "comparison", "bit_or", "bit_xor", "bit_and", "shift", "sum",
    "product", "factor", "power", "prefixed", "primary",
)  # fmt: skip
_RANK = {name: rank for rank, name in enumerate(_LEVELS)}
_BINARY = {
    "|": "bit_or", "^": "bit_xor", "&": "bit_and", "<<": "shift", ">>": "shift", "+": "sum", "-": "sum",
    "*": "product", "/": "product", "//": "product", "%": "product", "**": "power",
}  # fmt: skip


def expression(expr: ast.Expr, level: str = "test", *, bare: bool = False) -> str:
    """`expr` as it stands where the grammar reads `level`; a `bare` tuple goes without brackets where it can."""
    if bare and isinstance(expr, ast.TupleLit) and expr.items:
        items = [expression(item, level) for item in expr.items]
        return ", ".join(items) + ("," if len(items) == 1 else "")
    own, text = _written(expr)
    return f"({text})" if _RANK[own] < _RANK[level] else text


def subscript(expr: ast.Expr) -> str:
    """`expr` as something that can be called, indexed or read as a type."""
    return expression(expr, "primary")


def _written(expr: ast.Expr) -> tuple[str, str]:
    """The level of the grammar that makes `expr`, and its text."""
    match expr:
        case ast.IfExpr():
            then, condition = expression(expr.then, "or_test"), expression(expr.condition, "or_test")
            return "test", f"{then} if {condition} else {expression(expr.otherwise)}"
        case ast.BoolOp():
            own, inner = ("or_test", "and_test") if expr.op == "or" else ("and_test", "not_test")
            return own, f" {expr.op} ".join(expression(value, inner) for value in expr.values)
        case ast.Unary():
            return _unary(expr)
        case ast.Compare():
            pairs = zip(expr.ops, expr.rights, strict=True)
            rest = "".join(f" {op} {expression(right, 'bit_or')}" for op, right in pairs)
            return "comparison", expression(expr.left, "bit_or") + rest
        case ast.Binary():
            return _binary(expr)
        case ast.Await():
            return "prefixed", f"await {expression(expr.value, 'prefixed')}"
        case ast.Deploy():
            return "prefixed", f"deploy {subscript(expr.call)}"
        case ast.Submit():
            return "prefixed", f"submit {subscript(expr.call)}"
        case _:
            return "primary", _primary(expr)


def _unary(expr: ast.Unary) -> tuple[str, str]:
    if expr.op == "not":
        return "not_test", f"not {expression(expr.operand, 'not_test')}"
    text = expression(expr.operand, "factor")
    return "factor", f"{expr.op}({text})" if text.startswith(expr.op) else f"{expr.op}{text}"


def _binary(expr: ast.Binary) -> tuple[str, str]:
    own = _BINARY[expr.op]
    if own == "power":
        return own, f"{expression(expr.left, 'prefixed')} ** {expression(expr.right, 'factor')}"
    return own, f"{expression(expr.left, own)} {expr.op} {expression(expr.right, _LEVELS[_RANK[own] + 1])}"


_Primary = (
    ast.Name | ast.IntLit | ast.HexLit | ast.FixedLit | ast.StrLit | ast.BytesLit | ast.BoolLit | ast.ListLit
    | ast.TupleLit | ast.DictLit | ast.Attribute | ast.Index | ast.Slice | ast.Call | ast.Reveal | ast.Comprehension
)  # fmt: skip


def _primary(expr: _Primary) -> str:
    match expr:
        case ast.Name():
            return expr.id
        case ast.IntLit() | ast.FixedLit():
            return expr.text if expr.unit is None else f"{expr.text} {expr.unit}"
        case ast.HexLit():
            return expr.text
        case ast.StrLit():
            return quoted(expr.value)
        case ast.BytesLit():
            return f'b"{"".join(_byte(byte) for byte in expr.value)}"'
        case ast.BoolLit():
            return str(expr.value)
        case ast.ListLit():
            return f"[{_listed(expr.items)}]"
        case ast.TupleLit():
            return f"({_listed(expr.items)}{',' if len(expr.items) == 1 else ''})"
        case ast.DictLit():
            pairs = zip(expr.keys, expr.values, strict=True)
            return f"{{{', '.join(f'{expression(key)}: {expression(value)}' for key, value in pairs)}}}"
        case ast.Comprehension():
            return f"[{_clauses(expr)}]"
        case ast.Attribute():
            return f"{_base(expr.value)}.{expr.name}"
        case ast.Index():
            return f"{_base(expr.value)}[{_listed(expr.indices)}]"
        case ast.Slice():
            low, high = (expression(bound) if bound is not None else "" for bound in (expr.low, expr.high))
            return f"{_base(expr.value)}[{low}:{high}]"
        case ast.Call():
            return f"{_base(expr.function)}({_arguments(expr)})"
        case ast.Reveal():
            audience = "" if expr.audience is None else f", to={expression(expr.audience)}"
            return f"reveal({expression(expr.value)}{audience})"
        case _:
            assert_never(expr)


def _base(expr: ast.Expr) -> str:
    """`expr` in front of `.`, `(` or `[`."""
    text = subscript(expr)
    return f"({text})" if isinstance(expr, ast.IntLit | ast.FixedLit | ast.HexLit) else text


def _listed(items: Iterable[ast.Expr]) -> str:
    return ", ".join(expression(item) for item in items)


def _clauses(expr: ast.Comprehension) -> str:
    text = expression(expr.element)
    for clause in expr.clauses:
        target = expression(clause.target, "primary", bare=True)
        text += f" for {target} in {expression(clause.iterable, 'or_test')}"
        text += "".join(f" if {expression(condition, 'or_test')}" for condition in clause.conditions)
    return text


def _arguments(call: ast.Call) -> str:
    if len(call.args) == 1 and not call.keywords and isinstance(call.args[0], ast.Comprehension):
        return expression(call.args[0])
    keywords = [f"{keyword.name}={expression(keyword.value)}" for keyword in call.keywords]
    return ", ".join([*(expression(arg) for arg in call.args), *keywords])


_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def quoted(text: str) -> str:
    """`text` as a string literal on one line."""
    return f'"{"".join(_char(char) for char in text)}"'


def _char(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable() and char != "\ufeff":
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _byte(byte: int) -> str:
    char = chr(byte)
    return _ESCAPES.get(char, char) if char in _ESCAPES or 32 <= byte < 127 else f"\\x{byte:02x}"
