"""A circuit as text and as JSON, layer by layer: what is local, and what is done together in messages."""

import json
from typing import Any

import numpy as np

from enigmalang.circuits.circuit import OPS, Array, Circuit, Node
from enigmalang.circuits.layers import Layer, cut_layers

#: Elements of a public array that are shown.
SHOWN = 8


def print_circuit(circuit: Circuit) -> str:
    """One line a node, under the layer that computes it; then what leaves the circuit."""
    layers = cut_layers(circuit)
    count = len(circuit.nodes)
    lines = [f"circuit over {circuit.field}: {count} node{'' if count == 1 else 's'}, {_rounds(layers)} message layers"]
    for number, layer in enumerate(layers):
        lines.append(f"layer {number}{_awaited(number, layer)}: {_summary(circuit, layer)}")
        lines += [f"  {_line(circuit, n)}" for n in (*layer.local, *layer.together)]
    lines += [f"open %{n}" for n in circuit.opens]
    lines += [f"output %{out.node} to receiver {out.recipient}" for out in circuit.outputs]
    lines += [f"keep %{n} as {handle}" for n, handle in circuit.keeps]
    return "\n".join(lines) + "\n"


def _awaited(number: int, layer: Layer) -> str:
    """Which layers must be done before, where that is not just the one before."""
    if layer.awaits == ((number - 1,) if number else ()):
        return ""
    return f" (awaits {', '.join(map(str, layer.awaits)) or 'nothing'})"


def _rounds(layers: tuple[Layer, ...]) -> int:
    return sum(1 for layer in layers if layer.together)


def _summary(circuit: Circuit, layer: Layer) -> str:
    parts = [f"{len(layer.local)} local"] if layer.local else []
    if layer.together:
        size = sum(circuit.nodes[n].size for n in layer.together)
        parts.append(f"{layer.protocol} on {size} element{'' if size == 1 else 's'}")
    return ", ".join(parts) or "nothing"


def _line(circuit: Circuit, number: int) -> str:
    node = circuit.nodes[number]
    args = "".join(f" %{a}" for a in node.args)
    attrs = ", ".join(f"{name}={_shown(node.attrs[name])}" for name in OPS[node.op].attrs if name in node.attrs)
    where = f"  # {node.span}" if node.span is not None else ""
    return f"%{number}: {node.form}{_shape(node)} = {node.op}{args}{f' [{attrs}]' if attrs else ''}{where}"


def _shape(node: Node) -> str:
    return f"[{', '.join(map(str, node.shape))}]" if node.shape else ""


def _shown(value: Any) -> str:
    if not isinstance(value, np.ndarray):
        return str(value)
    if value.ndim == 0:
        return str(value.item())
    flat = ", ".join(str(v) for v in value.ravel()[:SHOWN].tolist())
    return f"[{flat}{', …' if value.size > SHOWN else ''}]"


def circuit_to_json(circuit: Circuit) -> str:
    """The whole circuit as JSON: nodes with all attributes, layers, openings, outputs, keeps."""
    document = {
        "field": circuit.field,
        "nodes": [_node(node) for node in circuit.nodes],
        "layers": [
            {"awaits": list(layer.awaits), "local": list(layer.local), "protocol": layer.protocol,
             "together": list(layer.together)}
            for layer in cut_layers(circuit)],
        "opens": list(circuit.opens),
        "outputs": [{"node": out.node, "recipient": out.recipient} for out in circuit.outputs],
        "keeps": [{"node": node, "handle": handle} for node, handle in circuit.keeps],
    }
    return json.dumps(document, indent=1)


def _node(node: Node) -> dict[str, Any]:
    made: dict[str, Any] = {"op": node.op, "args": list(node.args), "shape": list(node.shape), "form": str(node.form)}
    if node.attrs:
        made["attrs"] = {name: _plain(value) for name, value in node.attrs.items()}
    if node.span is not None:
        made["at"] = str(node.span)
    return made


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _array(value)
    return list(value) if isinstance(value, tuple) else value


def _array(value: Array) -> Any:
    return value.tolist()
