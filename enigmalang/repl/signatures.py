"""Declarations in one line: what completion and `:type` show of a name."""

from enigmalang.source import SourceFile
from enigmalang.syntax import ast
from enigmalang.syntax.unparse import unparse


def header(name: str, item: ast.Declaration) -> str:
    """`def f(private x: uint8) -> uint8`, `struct P`, `const N = 100`, `from stats import mean`."""
    match item:
        case ast.ContractDef():
            functions = [f.name for f in item.functions]
            return f"contract {name}" + (f" with {', '.join(functions)}" if functions else "")
        case _:
            return _first_line(item).removesuffix(":")


def _first_line(item: ast.Declaration) -> str:
    source = SourceFile("<header>", "")
    return unparse(ast.Module(source.whole(), source, (item,))).split("\n", 1)[0]


def function_header(function: ast.FunctionDef) -> str:
    """As `header`, for a function of a contract, too."""
    return _first_line(function).removesuffix(":")
