"""How functions are written for people."""

from enigmalang.ir.ir import Function, Param
from enigmalang.types.types import NoneT


def short_name(function: Function) -> str:
    return function.name.rpartition(".")[2]


def signature(function: Function) -> str:
    """As the program declares it: `join(private amount: uint32)`, `average() -> uint32`."""
    params = ", ".join(f"{p.name}: {typed(p)}" if not p.private else f"private {p.name}: {typed(p)}"
                       for p in function.params)
    hidden = "private " if function.result_private else ""
    result = "" if isinstance(function.result, NoneT) else f" -> {hidden}{function.result}"
    return f"{short_name(function)}({params}){result}"


def typed(param: Param) -> str:
    return f"{param.type}" + (f" in {param.range}" if param.range is not None else "")
