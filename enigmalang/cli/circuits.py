"""`enig dump circuit FILE`: every circuit that a run of the program builds, one node a line."""

from collections.abc import Sequence

import click

from enigmalang.circuits.circuit import Circuit
from enigmalang.circuits.text import print_circuit
from enigmalang.cli.inputs import BadInput, Inputs, parse_inputs
from enigmalang.cli.programs import compiled
from enigmalang.cli.session import Session, Settings
from enigmalang.execute.runner import run_function


def circuits_of(path: str, inputs: Sequence[str]) -> str:
    """The circuits of the script, or of each test. Raises Refused, EnigmaError, click.UsageError."""
    try:
        given = Inputs(parse_inputs(inputs, ()))
    except BadInput as error:
        raise click.UsageError(str(error)) from None
    plan = compiled(path)
    found: list[Circuit] = []
    with Session(Settings("circuit", chain="memory")) as session:
        for function in [plan.script] if plan.script else [plan.functions[name].public for name in plan.tests]:
            run_function(session.world(plan, given, lambda text: None, watch=found.append), function)
    return "\n".join(f"# {number}\n{print_circuit(circuit)}" for number, circuit in enumerate(found, 1))
