"""`enig dump circuit FILE`: every circuit that a run of the program builds, one node a line."""

from collections.abc import Sequence
from typing import Any

import click
import numpy as np

from enigmalang.circuits.circuit import Circuit
from enigmalang.circuits.layers import cut_layers
from enigmalang.cli.inputs import BadInput, Inputs, parse_inputs
from enigmalang.cli.programs import compiled
from enigmalang.cli.session import Session, Settings
from enigmalang.execute.runner import run_function

#: Constants with more elements are shown by their shape.
_SHOWN = 16


def circuits_of(path: str, inputs: Sequence[str]) -> str:
    """The circuits of the script, or of each test. Raises Refused, EnigmaError, click.UsageError."""
    try:
        given = Inputs(parse_inputs(inputs, ()))
    except BadInput as error:
        raise click.UsageError(str(error)) from None
    plan = compiled(path)
    found: list[Circuit] = []
    with Session(Settings("circuit")) as session:
        for function in [plan.script] if plan.script else [plan.functions[name].public for name in plan.tests]:
            run_function(session.world(plan, given, lambda text: None, watch=found.append), function)
    return "\n".join(print_circuit(number, circuit) for number, circuit in enumerate(found, 1))


def print_circuit(number: int, circuit: Circuit) -> str:
    """A header, the nodes, and what leaves."""
    layers = sum(1 for layer in cut_layers(circuit) if layer.together)
    lines = [f"circuit {number} over {circuit.field}: {len(circuit.nodes)} nodes, {layers} layers with messages"]
    for place, node in enumerate(circuit.nodes):
        shape = "x".join(map(str, node.shape)) or "1"
        args = "".join(f" %{arg}" for arg in node.args)
        attrs = "".join(f" {name}={_shown(value)}" for name, value in sorted(node.attrs.items()))
        where = f"  # {node.span}" if node.span is not None else ""
        lines.append(f"  %{place}: {node.form}[{shape}] = {node.op}{args}{attrs}{where}")
    lines += [f"  open %{place}" for place in circuit.opens]
    lines += [f"  send %{out.node} to recipient {out.recipient}" for out in circuit.outputs]
    lines += [f"  keep %{place} as {handle}" for place, handle in circuit.keeps]
    return "\n".join(lines) + "\n"


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return str(value.tolist()).replace(" ", "") if value.size <= _SHOWN else f"<{value.size} numbers>"
    return str(value).replace(" ", "")
