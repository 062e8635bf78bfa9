"""Circuits as JSON and back. `circuit.schema.json`, beside this file, describes the document."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from enigmalang.circuits.circuit import OPS, Circuit, Form, Node, Output
from enigmalang.circuits.text import circuit_to_json
from enigmalang.source import Span

FORMAT = "enigmalang circuits 1"
SCHEMA = Path(__file__).with_name("circuit.schema.json")
_ARRAYS = frozenset({"value", "factor", "indices"})


class JsonError(Exception):
    """The text is not such a document; the message says why."""


def print_document(function: str, inputs: Sequence[Mapping[str, Any]], circuits: Sequence[Circuit]) -> str:
    """The document of a function: `inputs` with name, type and shape, by slot; its circuits, each with its layers."""
    whole = {"format": FORMAT, "function": function, "inputs": list(inputs)}
    head = json.dumps(whole, indent=1)[:-2]
    parts = ",\n".join(circuit_to_json(circuit) for circuit in circuits)
    return f'{head},\n "circuits": [\n{parts}\n]\n}}\n'


def parse_document(text: str) -> list[Circuit]:
    """The circuits of a document; layers are not read, as they follow from the nodes. Raises JsonError."""
    try:
        whole = json.loads(text)
        if whole["format"] != FORMAT:
            raise JsonError(f"the format is not {FORMAT!r}")
        return [_circuit(part) for part in whole["circuits"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise JsonError(f"not a document of circuits: {type(error).__name__}: {error}") from None


def _circuit(part: Mapping[str, Any]) -> Circuit:
    nodes = tuple(_node(number, row) for number, row in enumerate(part["nodes"]))
    ends = [*part["opens"], *(o["node"] for o in part["outputs"]), *(k["node"] for k in part["keeps"])]
    if any(not 0 <= end < len(nodes) for end in ends):
        raise JsonError("what leaves the circuit is none of its nodes")
    return Circuit(
        part["field"], nodes, tuple(part["opens"]), tuple(Output(o["node"], o["recipient"]) for o in part["outputs"]),
        tuple((k["node"], k["handle"]) for k in part["keeps"]))


def _node(number: int, row: Mapping[str, Any]) -> Node:
    if row["op"] not in OPS or any(not 0 <= arg < number for arg in row["args"]):
        raise JsonError(f"node {number}: unknown operation, or an argument that does not come before it")
    form, shape = Form(row["form"]), tuple(row["shape"])
    attrs = {name: _attr(row["op"], name, value, form) for name, value in row.get("attrs", {}).items()}
    return Node(row["op"], tuple(row["args"]), shape, form, attrs, _span(row["at"]) if "at" in row else None)


def _attr(op: str, name: str, value: Any, form: Form) -> Any:
    if name in _ARRAYS:
        if name == "value" and form is Form.BITS:
            return np.array(value, np.bool_)
        made = np.array(value, object)  # of numbers on both sides of 2^63 NumPy would make floats
        fits = all(-(1 << 63) <= number < 1 << 63 for number in made.flat)
        return made.astype(np.int64) if name == "indices" or fits else made
    return _tuple(value) if isinstance(value, list) else value


def _tuple(value: Any) -> Any:
    return tuple(_tuple(v) for v in value) if isinstance(value, list) else value


def _span(text: str) -> Span:
    path, line, column = text.rsplit(":", 2)
    return Span(path, int(line), int(column), int(line), int(column))
