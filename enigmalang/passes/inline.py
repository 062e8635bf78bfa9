"""Inlining: every call of a function that is not recursive becomes a copy of its body.

What is left are the entry points (script, tests, a contract's functions, predicates), and recursive functions that
something still calls. Each copied operation has fresh values, and the call's span in front of its `via`.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

from enigmalang.ir.ir import Function, Operation, Program, Region, Value, operations
from enigmalang.source import Span

#: Kinds that live on only where they are called.
CALLED = ("def", "internal")

Substitution = dict[Value, Value]


def inline(program: Program) -> Program:
    """`program` with its calls inlined; the functions are changed in place and those no longer needed dropped."""
    recursive = recursive_functions(program)
    for function in program.functions.values():
        function.recursive = function.recursive or function.name in recursive
    done: set[str] = set()
    called: set[str] = set()
    for name in list(program.functions):
        _inline_function(program, name, done, called)
    edges = {name: set(callees(function)) for name, function in program.functions.items()}
    return only(program, needed(program, edges, called))


def only(program: Program, kept: Collection[str]) -> Program:
    """`program` without the functions that are not in `kept`."""
    contracts = {
        name: replace(contract, functions=tuple(f for f in contract.functions if f in kept))
        for name, contract in program.contracts.items()}
    functions = {name: function for name, function in program.functions.items() if name in kept}
    return replace(program, functions=functions, contracts=contracts)


def callees(function: Function) -> list[str]:
    """Names of the functions that `function` calls, in order."""
    return [op.attrs["function"] for op in operations(function.body) if op.op == "call"]


def recursive_functions(program: Program) -> set[str]:
    """Functions that may reach themselves through calls."""
    return in_circles({name: set(callees(function)) for name, function in program.functions.items()})


def in_circles(edges: Mapping[str, Collection[str]]) -> set[str]:
    """The functions that may reach themselves when each calls those that `edges` names."""
    return {name for name in edges if edges[name] and name in reached(edges, edges[name])}


def reached(edges: Mapping[str, Collection[str]], start: Collection[str]) -> set[str]:
    """Those in `start`, and all they call."""
    found: set[str] = set()
    stack = list(start)
    while stack:
        name = stack.pop()
        if name not in found:
            found.add(name)
            stack.extend(edges.get(name, ()))
    return found


def needed(program: Program, edges: Mapping[str, Collection[str]], called: Collection[str]) -> set[str]:
    """Entry points, what they still call, and functions of the file itself that nobody called (still checked)."""
    roots = {
        name for name, function in program.functions.items()
        if function.kind not in CALLED or (name not in called and function.span.path == program.path)}
    return roots | reached(edges, roots)


def _inline_function(program: Program, name: str, done: set[str], called: set[str]) -> None:
    """Inline the calls inside `name`; its callees come first, so that copies need no second look."""
    if name in done:
        return
    done.add(name)
    function = program.functions[name]
    for callee in callees(function):
        if callee != name:
            called.add(callee)
        if not program.functions[callee].recursive:
            _inline_function(program, callee, done, called)
    rewrite(program.functions, function.body, {})


def rewrite(functions: Mapping[str, Function], region: Region, known: Substitution) -> None:
    """Replace calls in `region`; `known` maps results of replaced calls to the values that stand for them."""
    made: list[Operation] = []
    for op in region.ops:
        op.operands = tuple(known.get(v, v) for v in op.operands)
        for inner in op.regions:
            rewrite(functions, inner, known)
        callee = functions.get(op.attrs["function"]) if op.op == "call" else None
        if callee is None or callee.recursive:
            made.append(op)
            continue
        body, results = copy_body(callee, op.operands, (*op.via, op.span))
        made += body
        known.update(zip(op.results, results, strict=True))
    region.ops = made


def copy_body(
    function: Function, arguments: tuple[Value, ...], via: tuple[Span, ...],
) -> tuple[list[Operation], tuple[Value, ...]]:
    """Fresh operations that compute `function` on `arguments`, and the values of its result."""
    params = [value for param in function.params for value in param.values]
    known: Substitution = dict(zip(params, arguments, strict=True))
    made = [_copy(op, known, via) for op in function.body.ops]
    last = made.pop()
    return made, last.operands


def copy_region(region: Region, known: Substitution, via: tuple[Span, ...]) -> Region:
    """A copy of `region` with fresh values; `known` maps old values to new ones, and learns."""
    params = [_fresh(value, known) for value in region.params]
    return Region(params, [_copy(op, known, via) for op in region.ops])


def _copy(op: Operation, known: Substitution, via: tuple[Span, ...]) -> Operation:
    operands = tuple(known.get(v, v) for v in op.operands)
    regions = tuple(copy_region(region, known, via) for region in op.regions)
    results = tuple(_fresh(value, known) for value in op.results)
    return Operation(op.op, operands, results, op.span, dict(op.attrs), regions, (*via, *op.via))


def _fresh(value: Value, known: Substitution) -> Value:
    made = known[value] = Value(value.type, value.span, value.label, value.range, value.lens, value.hint)
    return made
