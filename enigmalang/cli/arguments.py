"""Arguments of a contract's function from the command line: by the types of its parameters.

An argument is written as in a program (`90_000`, `True`, `1.5`, an enum's member, text, 0x-hex) or as JSON (lists,
structs as objects). `@FILE` takes it from a file and `-` from standard input, a line each, so that a secret need not
stand where other users of the machine and the shell's history see it.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from enigmalang.cli.convert import Place, convert
from enigmalang.cli.texts import fail, parse_json, read_text
from enigmalang.diagnostics import Diagnostic, EnigmaError
from enigmalang.execute.values import ContractRef, leaves_from
from enigmalang.ir.ir import Function, Param
from enigmalang.ir.leaves import leaves_of
from enigmalang.ir.signatures import short_name, signature, typed
from enigmalang.node.remote_calls import nowhere
from enigmalang.types.types import AddressT, ArrayT, ContractT, ListT, StringT, StructT, TupleT, Type

#: The address that a name stands for; None for none.
Names = Callable[[str], str | None]


def key_leaves(types: Sequence[Type], texts: Sequence[str], names: Names, what: str) -> tuple[Any, ...]:
    """The leaves of a map's keys. Raises EnigmaError E0601…E0608."""
    place = nowhere(f"the keys of {what}")
    if len(texts) != len(types):
        raise EnigmaError(Diagnostic("E0608", f"{what} is read with {len(types)} keys, not {len(texts)}", place))
    made = []
    for type, text in zip(types, texts, strict=True):
        data = _addresses(_data(text, type, place.path), type, names)
        made += leaves_from(convert(data, type, Place(f"a key of {what}", place, shows=True)), type)
    return tuple(made)


def leaves_of_arguments(function: Function, texts: Sequence[str], names: Names) -> list[Any]:
    """The leaves of all parameters. Raises EnigmaError E0601…E0608."""
    place = nowhere(f"the arguments of {signature(function)}")
    if len(texts) != len(function.params):
        count = len(function.params)
        raise EnigmaError(Diagnostic(
            "E0608", f"{short_name(function)} takes {count} argument{'s' * (count != 1)}, not {len(texts)}", place, (),
            f"it is {signature(function)}; negative numbers stand after `--`"))
    leaves: list[Any] = []
    for param, text in zip(function.params, texts, strict=True):
        leaves += leaves_from(_value(param, text, names), param.type)
    return leaves


def _value(param: Param, text: str, names: Names) -> Any:
    """Python data of the parameter's type; errors do not repeat what is private."""
    place = nowhere(f"the argument {param.name}: {typed(param)}")
    data = _data(_text(param, text), param.type, place.path)
    hidden = param.private or any(leaf.private for leaf in leaves_of(param.type))
    if isinstance(param.type, ContractT):
        return ContractRef(convert(_addresses(data, AddressT(), names), AddressT(),
                                   Place(param.name, place, shows=True)), param.type.name)
    try:
        return convert(_addresses(data, param.type, names), param.type, Place(param.name, place, shows=not hidden))
    except EnigmaError as error:
        if not hidden:
            raise
        raise EnigmaError(Diagnostic(error.diagnostic.code, f"{param.name} is not {param.type}", place, (),
                                     "what was given is not shown: the parameter is private")) from None


def _text(param: Param, text: str) -> str:
    if text.startswith("@"):
        found = read_text(Path(text[1:]), nowhere(f"the argument {param.name}"))
        return found.removesuffix("\n").removesuffix("\r")
    if text != "-":
        return text
    if sys.stdin.isatty():
        return str(click.prompt(f"{param.name} ({typed(param)})", hide_input=param.private, err=True))
    line = sys.stdin.readline()
    if not line:
        raise fail("E0603", f"{param.name} is to come from standard input, which has ended", nowhere("standard input"),
                   "give a line for each argument `-`")
    return line.removesuffix("\n").removesuffix("\r")


def _data(text: str, type: Type, where: str) -> Any:
    if isinstance(type, StringT) and not text.startswith('"'):
        return text
    return parse_json(text, None, nowhere(where))


def _addresses(data: Any, type: Type, names: Names) -> Any:
    """The data with names of identities, where an address is wanted, replaced by their addresses."""
    match type:
        case AddressT() if isinstance(data, str) and not data.startswith("0x"):
            return names(data) or data
        case ListT(element=element) if isinstance(data, list):
            return [_addresses(item, element, names) for item in data]
        case ArrayT(element=element, dims=dims) if isinstance(data, list):
            inner = ArrayT(element, dims[1:]) if len(dims) > 1 else element
            return [_addresses(item, inner, names) for item in data]
        case TupleT(items=items) if isinstance(data, list) and len(data) == len(items):
            return [_addresses(item, t, names) for item, t in zip(data, items, strict=True)]
        case StructT(fields=fields) if isinstance(data, dict):
            types = {f.name: f.type for f in fields}
            return {k: _addresses(v, types[k], names) if k in types else v for k, v in data.items()}
        case _:
            return data
