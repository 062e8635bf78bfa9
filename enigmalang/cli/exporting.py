"""What `enig compile --to ir|json|bristol|bristol-fashion|dot|svg` does."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from enigmalang.circuits.bristol import NotOld, print_bristol
from enigmalang.circuits.circuit import Node
from enigmalang.circuits.export_boolean import NotBoolean, to_boolean
from enigmalang.circuits.export_json import print_document
from enigmalang.cli.costing import parse_lets
from enigmalang.cli.programs import Refused, compiled, head_of, tell
from enigmalang.cli.progress import Progress
from enigmalang.cli.texts import fail
from enigmalang.compiler.alone import compile_def, defs_of
from enigmalang.compiler.compiler import Compilation
from enigmalang.diagnostics import EnigmaError, Sink
from enigmalang.execute.ports import EngineError
from enigmalang.node.costing import BadLet, Missing
from enigmalang.node.costing.unknown import Lets
from enigmalang.node.recording import Flow, Recording, record, recordable
from enigmalang.plan.plan import Plan
from enigmalang.source import Span


def export(path: str, function: str | None, options: Sequence[str], target: str, out: str | None) -> int:
    """Write the function's form `target` to `out`, or to stdout; the exit status."""
    try:
        lets = parse_lets(options)
    except ValueError as error:
        raise click.UsageError(str(error), click.get_current_context()) from None
    with Progress() as progress:
        try:
            progress.phase(f"compiling {path}")
            text = _form(path, function, lets, target)
        except (Refused, EnigmaError, EngineError) as error:
            return tell(error, path, progress)
    if out is None:
        sys.stdout.write(text)
        return 0
    try:
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        Path(out).write_text(text, "utf-8")
    except OSError as error:
        raise click.UsageError(f"{out} cannot be written: {error.strerror or error}",
                               click.get_current_context()) from None
    return 0


def _form(path: str, function: str | None, lets: Lets, target: str) -> str:
    """Raises Refused, EnigmaError, EngineError, click.UsageError."""
    plan, name, alone = _chosen(path, function, lets)
    if target == "ir":
        return _ir(plan, function, name)
    if name is None:
        raise _unsaid(path, plan)
    shown = function or name
    recording = _recorded(plan, name, shown, lets, alone)
    if target == "json":
        inputs = [{"name": g.name, "type": str(g.type.element), "shape": list(g.shape)} for g in recording.inputs]
        return print_document(shown, inputs, [flow.circuit for flow in recording.flows])
    if target in ("dot", "svg"):
        return _drawn(recording, shown, target)
    return _bristol(recording, plan, name, target == "bristol")


def _chosen(path: str, function: str | None, lets: Lets) -> tuple[Plan, str | None, bool]:
    """The plan, and the name in it of what is compiled (None for a file without statements), and whether that is a
    `def` alone."""
    if function is None:
        plan = compiled(path)
        return plan, plan.script.name if plan.script is not None else None, False
    sink = Sink()
    module = Compilation(path, sink).get("module")
    if module is None:
        raise Refused(sink.errors)
    defs = defs_of(module)
    if function in defs:
        public = [p.name for p in defs[function].params if p.name in lets and not _is_list(p.annotation)]
        made = compile_def(path, function, public, sink)
        if made is None or made.script is None:
            raise Refused(sink.errors)
        return made, made.script.name, True
    plan = compiled(path)
    names = recordable(plan)
    found = [name for name in names if function in (name, name.rpartition(".")[2])]
    if not found:
        told = ", ".join([*defs, *names]) or "nothing that nodes compute"
        raise click.UsageError(f"there is no function {function} with private values in {path}; it has {told}",
                               click.get_current_context())
    return plan, found[0], False


def _unsaid(path: str, plan: Plan) -> Exception:
    """What to raise for a file without statements, of which no function was named."""
    module = Compilation(path, Sink()).get("module")
    names = [*(defs_of(module) if module is not None else ()), *recordable(plan)]
    if not names:
        return fail("E0903", "nothing in this file depends on private values: there is no circuit",
                    Span(path, 1, 1, 1, 2))
    return click.UsageError(f"{path} has no statements: say which function with --function ({', '.join(names)})",
                            click.get_current_context())


def _is_list(annotation: object) -> bool:
    from enigmalang.syntax import ast

    return isinstance(annotation, ast.Index)


def _ir(plan: Plan, function: str | None, name: str | None) -> str:
    """Of all functions, or of one: what the ledger runs, and what the nodes run."""
    from dataclasses import replace

    from enigmalang.ir.text import print_program

    program = plan.program()
    if function is not None and name is not None:
        kept = {n: f for n, f in program.functions.items() if n.partition("!")[0] == name or f.recursive}
        program = replace(program, functions=kept, tests=())
    text = print_program(program)
    return text if text.endswith("\n") else text + "\n"


def _recorded(plan: Plan, name: str, shown: str, lets: Lets, alone: bool) -> Recording:
    place = head_of(plan, name)
    try:
        recording = record(plan, name, lets, alone=alone)
    except (Missing, BadLet) as error:
        first = next(iter(error.names), "n") if isinstance(error, Missing) else ""
        raise fail("E0904", f"{shown} is not compiled to a circuit: {error}", place,
                   f"add `--let {first}=100`" if first else None) from None
    unused = [given for given in lets if given not in recording.used]
    if unused:
        raise fail("E0904", f"--let {unused[0]}: {shown} asks for no length or public value of this name", place)
    if not recording.flows:
        raise fail("E0903", f"{shown} lets nothing out that depends on private values: there is no circuit", place)
    for text in recording.assumed:
        sys.stderr.write(f"enig: assumed: {text}\n")
    return recording


def _drawn(recording: Recording, shown: str, target: str) -> str:
    """A drawing of the circuits; several stand below each other in one SVG, or as several graphs in one file."""
    from enigmalang.circuits.drawing import pictures, to_dot, to_svg

    drawn = pictures([flow.circuit for flow in recording.flows], shown)
    return to_svg(drawn) if target == "svg" else to_dot(drawn)


def _bristol(recording: Recording, plan: Plan, name: str, old: bool) -> str:
    if len(recording.flows) > 1:
        first = recording.flows[0].circuit
        node = first.nodes[first.opens[0]] if first.opens else None
        place = node.span if node is not None and node.span is not None else head_of(plan, name)
        raise fail("E0903", "a value revealed here decides what follows, so there is no single circuit", place,
                   "reveal at the end only, or take `--to json`, which has every circuit")
    (flow,) = recording.flows
    _check_inputs(recording, head_of(plan, name))
    try:
        made = to_boolean(flow.circuit, [given.port for given in recording.inputs], flow.outputs)
        return print_bristol(made, old=old)
    except NotBoolean as error:
        raise fail("E0902", f"{error}", _near(flow, error.node) or head_of(plan, name), "`--to json` has it") from None
    except NotOld as error:
        raise fail("E0902", f"{error}", head_of(plan, name), "take `--to bristol-fashion`") from None


def _near(flow: Flow, node: Node) -> Span | None:
    """The place of an operation, or of the first after it that has one."""
    nodes = list(flow.circuit.nodes)
    start = next(number for number, found in enumerate(nodes) if found is node)
    return next((found.span for found in nodes[start:] if found.span is not None), None)


def _check_inputs(recording: Recording, place: Span) -> None:
    for given in recording.inputs:
        if given.reach is None:
            raise fail("E0902", f"the private input `{given.name}` is {given.type.element}, whose bits are not known",
                       place, "integers of up to 127 bits, truths, fixed and enums can be inputs")

