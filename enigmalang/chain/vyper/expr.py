"""Expressions of the generated source: text with its binding strength, type and what evaluating it touches."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from enigmalang.chain.vyper.types import ADDRESS, BOOL, VDyn, VInt, VName, VStatic, VText, VType

#: Binding strengths: an operand weaker than its operator is put in parentheses.
TERNARY, OR, AND, NOT, COMPARE, BITOR, BITXOR, BITAND, SHIFT, SUM, PRODUCT, UNARY, POWER, ATOM = range(14)
NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Expr:
    """`reads`: what it depends on ("slot:x", "var:x", "balance", "L"). `fails`: evaluating it may revert. `cheap`: may
    be written twice. `place`: something that stands in storage or memory, and is copied only when it must be. `value`:
    the constant it is. `items`: of a list literal."""

    text: str
    type: VType
    strength: int = ATOM
    reads: frozenset[str] = NOTHING
    fails: bool = False
    cheap: bool = False
    place: bool = False
    value: Any = None
    items: tuple["Expr", ...] | None = field(default=None)

    def at(self, strength: int) -> str:
        """The text as an operand of an operator that binds with `strength`."""
        return self.text if self.strength >= strength else f"({self.text})"

    @property
    def literal(self) -> bool:
        return self.value is not None


def reads_of(parts: Iterable[Expr]) -> frozenset[str]:
    return frozenset().union(*(p.reads for p in parts))


def made(text: str, type: VType, parts: Sequence[Expr], strength: int = ATOM, *, fails: bool = False) -> Expr:
    """An expression over `parts`."""
    return Expr(text, type, strength, reads_of(parts), fails or any(p.fails for p in parts))


def quoted(text: str) -> str | None:
    """A Vyper string literal; None when it needs another form."""
    if not all(" " <= c <= "~" for c in text):
        return None
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def constant(value: Any, type: VType) -> Expr:
    """A literal of `type`."""
    match type:
        case VInt():
            strength = UNARY if value < 0 else ATOM
            return Expr(_number(int(value), type), type, strength, cheap=True, value=int(value))
        case VText(kind="String"):
            text = quoted(value)
            if text is None:
                text = f'convert(x"{value.encode().hex()}", {type})'
            return Expr(text, type, cheap=True, value=value)
        case VText():
            return Expr(f'x"{value.hex()}"' if value else 'b""', type, cheap=True, value=value)
        case VStatic() | VDyn():
            items = tuple(constant(v, type.element) for v in value)
            return listed(items, type)
        case _ if type == BOOL:
            return Expr(str(bool(value)), type, cheap=True, value=bool(value))
        case _ if type == ADDRESS:
            return Expr(checksummed(value), type, cheap=True, value=value)
        case VName(name=name):
            return Expr(f"0x{value.hex()}" if name.startswith("bytes") else str(value), type, cheap=True, value=value)
    raise TypeError(f"no literal of {type}")


def _number(value: int, type: VInt) -> str:
    if value == type.low and type.signed:
        return f"min_value({type})"
    return str(value)


def listed(items: Sequence[Expr], type: VType) -> Expr:
    """A list literal. It may become a fixed array or a list."""
    text = f"[{', '.join(i.text for i in items)}]"
    return replace(made(text, type, items), items=tuple(items))


def checksummed(address: str) -> str:
    from enigmalang.ethereum.hashing import checksummed as mixed

    return "0x" + mixed(address).removeprefix("0x")


def variable(name: str, type: VType) -> Expr:
    """A local variable, which may be written again."""
    place = isinstance(type, VStatic | VDyn | VText)
    return Expr(name, type, ATOM, frozenset((f"var:{name}",)), cheap=True, place=place)


def fixed(name: str, type: VType) -> Expr:
    """A name that always stands for the same value: a parameter, a loop's item."""
    return Expr(name, type, ATOM, cheap=True, place=isinstance(type, VStatic | VDyn | VText))


def zero(type: VType) -> Expr:
    """The value that an unwritten place has."""
    match type:
        case VInt():
            return constant(0, type)
        case VText(kind=kind):
            return Expr('""' if kind == "String" else 'b""', type, cheap=True)
        case VDyn():
            return Expr("[]", type, items=())
        case _ if type == BOOL:
            return constant(False, BOOL)
        case _:
            return Expr(f"empty({type})", type)
