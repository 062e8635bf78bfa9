"""`:save`: the inputs of a session as a program. What they gave away as secrets, the program reads as inputs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from enigmalang.diagnostics import Sink
from enigmalang.repl.declarations import Declarations, Item, declared
from enigmalang.repl.redact import replaced, without_remarks
from enigmalang.repl.secrecy import Place, Secrets, constants
from enigmalang.source import SourceFile, Span
from enigmalang.syntax import ast
from enigmalang.syntax.parser import parse
from enigmalang.types.types import ArrayT, IntT, ListT, TupleT, Type


@dataclass(frozen=True, slots=True)
class Entry:
    """An input that went well; `acting`: under the identity that `:as` had named."""

    source: SourceFile
    acting: str | None


@dataclass(frozen=True, slots=True)
class Saved:
    """The program; how many secrets became `input(NAME)` in it (every name is given once), and how many literals of
    private places are `left` in code that can read no input."""

    text: str
    inputs: int
    left: int


def saved_text(entries: Sequence[Entry], secrets: Secrets, types: Mapping[Span, Type]) -> Saved:
    """`types`: of the constants that went into private places, as far as the checker has seen them."""
    modules = [_parsed(entry.source) for entry in entries]
    code = _code([item for module in modules for item in module.body])
    names: dict[str, int] = {}
    parts: list[str] = []
    left = 0
    for entry, module in zip(entries, modules, strict=True):
        edits: dict[Span, str] = {}
        stay: set[Span] = set()
        for item in module.body:
            for place in secrets.places([item]):
                for constant in constants(place.value):
                    if item in code or place.default:
                        stay.add(constant.span)
                    elif constant.span not in edits:
                        edits[constant.span] = _input(place, constant, names, types)
        left += len(stay)
        if edits or stay:
            edits |= without_remarks(entry.source, module)
        parts.append(_acted(replaced(entry.source, edits.items()).rstrip("\n"), entry.acting) + "\n")
    return Saved("".join(_spaced(parts)), sum(names.values()), left)


def _parsed(source: SourceFile) -> ast.Module:
    module = parse(source, Sink())
    assert module is not None, "an input that went well parses"
    return module


def _code(items: Sequence[Item]) -> set[Item]:
    """What can read no input: contracts and tests, and the functions that they call."""
    known = Declarations()
    for item in items:
        known.add(declared(item))
    roots = [item for item in items if isinstance(item, ast.ContractDef | ast.TestDef | ast.PredicateDecl)]
    return {*roots, *known.needed(roots, (), set())}


def _input(place: Place, constant: ast.Expr, names: dict[str, int], types: Mapping[Span, Type]) -> str:
    count = names[place.name] = names.get(place.name, 0) + 1
    name = place.name if count == 1 else f"{place.name} {count}"
    annotated = place.declaration is not None and place.declaration.annotation is not None
    type = None if annotated and constant is place.value else types.get(constant.span)
    if type is None:
        return f'input("{name}")'
    return f'input("{name}", {_narrowed(type, _bits(constant))})'


def _bits(constant: ast.Expr) -> int:
    return max((node.value.bit_length() for node in ast.walk(constant) if isinstance(node, ast.IntLit)), default=0)


def _narrowed(type: Type, bits: int) -> Type:
    """The type without int256 and uint256, which integer literals have for want of another: as an input, one would be
    too large to compute with in private. `bits`: of the largest literal."""
    match type:
        case IntT(signed=signed, bits=256) if bits < 64:
            return IntT(signed, 32 if bits < 32 else 64)
        case ListT(element=element) | ArrayT(element=element):
            return replace(type, element=_narrowed(element, bits))
        case TupleT(items=items):
            return TupleT(tuple(_narrowed(item, bits) for item in items))
        case _:
            return type


def _acted(text: str, acting: str | None) -> str:
    if acting is None:
        return text
    return f"as {acting}:\n" + "\n".join(f"    {line}" if line else line for line in text.split("\n"))


def _spaced(parts: list[str]) -> list[str]:
    """Blocks with an empty line around."""
    found: list[str] = []
    for number, part in enumerate(parts):
        if number and ("\n" in part.rstrip("\n") or "\n" in parts[number - 1].rstrip("\n")):
            found.append("\n")
        found.append(part)
    return found
