"""One `def` of a file, compiled alone: a script that shares its arguments, calls it and reveals its result.

A `def` of a module is checked for each kind of call, so there is nothing to look at before something calls it.
"""

from collections.abc import Collection
from dataclasses import replace

from enigmalang.compiler.compiler import Compilation, Stopped
from enigmalang.diagnostics import Sink
from enigmalang.plan.plan import Plan
from enigmalang.source import SourceFile
from enigmalang.syntax import ast
from enigmalang.syntax.parser import parse
from enigmalang.syntax.unparse_expressions import expression

#: What a file defines; the rest of it are the statements of a script, and tests.
_DEFINITIONS = (ast.Import, ast.FromImport, ast.ConstDecl, ast.StructDecl, ast.EnumDecl, ast.InterfaceDecl,
                ast.PredicateDecl, ast.FunctionDef, ast.ContractDef)


def defs_of(module: ast.Module) -> dict[str, ast.FunctionDef]:
    """The plain functions of a module by name."""
    return {item.name: item for item in module.body if isinstance(item, ast.FunctionDef)}


def compile_def(path: str, name: str, public: Collection[str], sink: Sink) -> Plan | None:
    """The plan of a script that calls `def name` of the file: its parameters are private inputs of their names, those
    in `public` are public ones. None, and errors in `sink`, when it cannot be.
    """
    job = Compilation(path, sink)
    module: ast.Module | None = job.get("module")
    if module is None:
        return None
    called = defs_of(module)[name]
    caller = _caller(path, called, public, sink)
    if not caller:
        return None
    body = tuple(item for item in module.body if isinstance(item, _DEFINITIONS))
    job.made["module"] = replace(module, body=(*body, *caller))
    try:
        plan: Plan = job.need("plan")
    except Stopped:
        return None
    return plan


def _caller(path: str, called: ast.FunctionDef, public: Collection[str], sink: Sink
            ) -> list[ast.Declaration | ast.Stmt]:
    """The statements that call it, all of them on its first line, which diagnostics show; empty, with an error."""
    lines = []
    for param in called.params:
        if param.annotation is None:
            sink.error("E0904", f"`{param.name}` has no type, so its size is not known", param.span,
                       help=f"write its type, as in `{param.name}: uint32[8]`")
            return []
        start = "" if param.name in public and not param.private else "private "
        lines.append(f'{start}{param.name}: {expression(param.annotation)} = input("{param.name}")')
    call = f"{called.name}({', '.join(p.name for p in called.params)})"
    lines.append(f"print(reveal({call}))")
    above = "\n" * (called.span.line - 1)
    parsed = [parse(SourceFile(path, f"{above}{line}\n"), sink) for line in lines]
    return [item for module in parsed if module is not None for item in module.body]
