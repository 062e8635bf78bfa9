"""`aes = circuit("aes_128.txt")` at the top level: a boolean circuit of a Bristol file becomes a function.

It takes an array of truths for each input and gives one for the output, or a tuple of them: for two inputs and one
output `def aes(input1: bool[128], input2: bool[128])`. The path is relative to the file that says it. The circuit
itself goes into the program, so whoever gets the plan needs no file.
"""

from dataclasses import replace
from pathlib import Path

from enigmalang.diagnostics import Diagnostic, EnigmaError, Sink
from enigmalang.source import Span
from enigmalang.syntax import ast

#: What the function made of a circuit calls; the first argument is the circuit's text.
INTRINSIC = "__circuit"


class CircuitText(ast.StrLit):
    """The text of a circuit that was read: no program can write it."""

    __slots__ = ()


def with_circuits(module: ast.Module, sink: Sink) -> ast.Module:
    """The module with a function in place of each `name = circuit("FILE")`; errors of the files go to `sink`."""
    if not any(_imported(item) for item in module.body):
        return module
    folder = Path(module.source.path).parent
    body = tuple(_function(found, folder, sink) if (found := _imported(item)) else item for item in module.body)
    return replace(module, body=body)


_Found = tuple[ast.Name, ast.StrLit, Span]


def _imported(item: ast.Node) -> _Found | None:
    match item:
        case ast.Assign(span=span, target=ast.Name() as name, value=ast.Call(
                function=ast.Name(id="circuit"), args=(ast.StrLit() as path,), keywords=())):
            return name, path, span
        case _:
            return None


def _function(found: _Found, folder: Path, sink: Sink) -> ast.FunctionDef:
    from enigmalang.circuits.bristol import print_bristol  # NumPy, which most programs do not need here
    from enigmalang.circuits.bristol_file import read_part

    name, path, span = found
    try:
        circuit = read_part(str(folder / path.value))
    except EnigmaError as error:
        sink.error(error.diagnostic.code, _refusal(path.value, error.diagnostic), path.span, help=error.diagnostic.help)
        return ast.FunctionDef(span, name.id, name.span, (), None, False, (ast.Return(span, ast.BoolLit(span, True)),))
    at = path.span
    params = tuple(
        ast.Param(at, f"input{number}", False, ast.Index(at, ast.Name(at, "bool"), (ast.IntLit(at, n, str(n)),)))
        for number, n in enumerate(circuit.inputs, 1))
    widths = tuple(ast.IntLit(at, n, str(n)) for n in circuit.outputs)
    call = ast.Call(span, ast.Name(at, INTRINSIC), (
        CircuitText(at, print_bristol(circuit)), ast.ListLit(at, widths), *(ast.Name(at, p.name) for p in params)))
    return ast.FunctionDef(span, name.id, name.span, params, None, False, (ast.Return(span, call),))


def _refusal(path: str, told: Diagnostic) -> str:
    """Names the place in words: a note there would show the line, and the file may be any of the user's."""
    place = f"{path}:{told.span.line}" if told.span.line else path
    return f"the circuit cannot be taken in: {place}: {told.message}"
