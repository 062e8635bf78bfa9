"""Drawings of a circuit: layers below each other, sums and moves in green, products in orange, what takes several
rounds (comparisons, conversions, orders) in blue; the feed-forward picture of Zyskind, Nathan and Pentland (2015).

A small circuit shows each operation; a large one a box a layer, with how many of which kind it holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape

from enigmalang.circuits.circuit import Circuit, Node
from enigmalang.circuits.layers import PRODUCTS, cut_layers

#: Circuits of at most as many nodes, and with rows of at most so many, are drawn node by node.
SMALL, WIDE = 60, 12
_LEAVES = frozenset({"input", "load", "const"})
_COLOURS = {"input": "#e8e8e8", "add": "#cfe8cf", "multiply": "#f8d8a8", "rounds": "#c9daf3", "output": "#f3cfd6"}
_TITLES = {"input": "inputs", "add": "additions", "multiply": "multiplications", "rounds": "together",
           "output": "outputs"}
_BOX, _GAP, _ROW, _LEFT = 92, 16, 84, 150


@dataclass(frozen=True, slots=True)
class Box:
    """One operation, or all of a row."""

    name: str
    text: tuple[str, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Rows of boxes from top to bottom, with a title each, and arrows between boxes by name."""

    title: str
    rows: tuple[tuple[str, tuple[Box, ...]], ...]
    edges: tuple[tuple[str, str], ...]


def picture(circuit: Circuit, title: str = "circuit") -> Picture:
    """What is drawn of a circuit."""
    ranks = _ranked(circuit)
    widest = max((len(nodes) for _, _, nodes in ranks), default=0)
    if len(circuit.nodes) <= SMALL and widest <= WIDE:
        return _each(circuit, title, ranks)
    return _joined(circuit, title, ranks)


def pictures(circuits: Sequence[Circuit], title: str) -> Picture:
    """Several circuits below each other, as one picture."""
    if len(circuits) == 1:
        return picture(circuits[0], title)
    rows: list[tuple[str, tuple[Box, ...]]] = []
    edges: list[tuple[str, str]] = []
    for number, circuit in enumerate(circuits, 1):
        drawn, mark = picture(circuit), f"c{number}"
        rows += [(f"{number}: {name}" if name else "", tuple(replace(b, name=mark + b.name) for b in boxes))
                 for name, boxes in drawn.rows]
        edges += [(mark + a, mark + b) for a, b in drawn.edges]
    return Picture(f"{title}: {len(circuits)} circuits", tuple(rows), tuple(edges))


_Rank = tuple[str, str, list[int]]  # kind, title, nodes


def _ranked(circuit: Circuit) -> list[_Rank]:
    """Rows: the inputs, then of each layer its local operations, and those done together."""
    layers = cut_layers(circuit)
    leaves = [n for layer in layers for n in layer.local if circuit.nodes[n].op in _LEAVES]
    found: list[_Rank] = [("input", _TITLES["input"], leaves)] if leaves else []
    for number, layer in enumerate(layers):
        local = [n for n in layer.local if circuit.nodes[n].op not in _LEAVES]
        if local:
            found.append(("add", f"layer {number}: {_TITLES['add']}", local))
        if layer.together:
            products = all(circuit.nodes[n].op in PRODUCTS for n in layer.together)
            name = _TITLES["multiply"] if products else layer.protocol
            found.append(("multiply" if products else "rounds", f"layer {number}: {name}", list(layer.together)))
    return found


def _each(circuit: Circuit, title: str, ranks: Sequence[_Rank]) -> Picture:
    """A box a node; local ones that stand on each other in a layer get rows of their own."""
    rows: list[tuple[str, tuple[Box, ...]]] = []
    drawn: set[int] = set()
    for kind, name, nodes in ranks:
        depth: dict[int, int] = {}
        for n in sorted(nodes):
            depth[n] = max((depth[a] + 1 for a in circuit.nodes[n].args if a in depth), default=0)
        for level in range(max(depth.values()) + 1):
            boxes = tuple(Box(f"n{n}", _label(circuit.nodes[n]), kind) for n in sorted(nodes)
                          if depth[n] == level)
            rows.append((name if level == 0 else "", boxes))
        drawn.update(nodes)
    edges = [(f"n{a}", f"n{n}") for n, node in enumerate(circuit.nodes) if n in drawn for a in node.args]
    ends = list(_ends(circuit))
    outs = tuple(Box(f"o{place}", (text,), "output") for place, (_, text) in enumerate(ends))
    if outs:
        rows.append((_TITLES["output"], outs))
    edges += [(f"n{n}", f"o{place}") for place, (n, _) in enumerate(ends)]
    return Picture(title, tuple(rows), tuple(dict.fromkeys(edges)))


def _joined(circuit: Circuit, title: str, ranks: Sequence[_Rank]) -> Picture:
    """A box a row, with counts of operations and of their elements."""
    rows, place = [], {}
    for number, (kind, name, nodes) in enumerate(ranks):
        counts, sizes = Counter[str](), Counter[str]()
        for n in nodes:
            place[n] = number
            counts[circuit.nodes[n].op] += 1
            sizes[circuit.nodes[n].op] += circuit.nodes[n].size
        lines = tuple(f"{op}: {sizes[op]:,} in {count:,}" if sizes[op] != count else f"{op}: {count:,}"
                      for op, count in counts.most_common())
        rows.append((name, (Box(f"r{number}", lines, kind),)))
    pairs = {(place[a], place[n]) for n in place for a in circuit.nodes[n].args if a in place}
    edges = [(f"r{a}", f"r{b}") for a, b in sorted(pairs) if a != b]
    ends = list(_ends(circuit))
    if ends:
        counts = Counter(text.split(" ")[0] for _, text in ends)
        box = Box("out", tuple(f"{name}: {count:,}" for name, count in counts.items()), "output")
        rows.append((_TITLES["output"], (box,)))
        edges += [(f"r{a}", "out") for a in sorted({place[n] for n, _ in ends if n in place})]
    return Picture(title, tuple(rows), tuple(edges))


def _ends(circuit: Circuit) -> Iterator[tuple[int, str]]:
    yield from ((n, "open") for n in circuit.opens)
    yield from ((o.node, f"output to {o.recipient}") for o in circuit.outputs)
    yield from ((n, f"keep {handle}") for n, handle in circuit.keeps)


def _label(node: Node) -> tuple[str, ...]:
    name = f"input {node.attrs['slot']}" if node.op == "input" else node.op
    return (name, f"[{', '.join(map(str, node.shape))}]") if node.shape else (name,)


def to_dot(drawn: Picture) -> str:
    """The picture in Graphviz's language."""
    lines = ["digraph circuit {", f"  label={_quoted(drawn.title)}; labelloc=t; rankdir=TB;",
             '  node [shape=box, style="rounded,filled", fontname="sans-serif", fontsize=10];']
    for name, boxes in drawn.rows:
        inner = " ".join(
            f"{box.name} [label={_quoted(chr(10).join(box.text))}, fillcolor={_quoted(_COLOURS[box.kind])}"
            f", tooltip={_quoted(name)}];" for box in boxes)
        lines.append(f"  {{ rank=same; {inner} }}")
    lines += [f"  {a} -> {b};" for a, b in drawn.edges]
    return "\n".join(lines) + "\n}\n"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def to_svg(drawn: Picture) -> str:
    """The picture as SVG."""
    joined = all(len(boxes) == 1 for _, boxes in drawn.rows)
    width = 260 if joined else _BOX
    widest = max((len(boxes) for _, boxes in drawn.rows), default=1)
    total = _LEFT + max(1, widest) * (width + _GAP) + _GAP
    at: dict[str, tuple[float, float, float]] = {}
    y, shapes = 50.0, []
    for name, boxes in drawn.rows:
        height = 16.0 + 14 * max((len(box.text) for box in boxes), default=1)
        start = _LEFT + (total - _LEFT - len(boxes) * (width + _GAP)) / 2
        if name:
            shapes.append(f'<text x="10" y="{y + height / 2:g}" class="row">{escape(name)}</text>')
        for place, box in enumerate(boxes):
            x = start + place * (width + _GAP)
            at[box.name] = x + width / 2, y, y + height
            shapes.append(_box(box, x, y, width, height))
        y += height + _ROW - 44
    arrows = [_arrow(at[a], at[b]) for a, b in drawn.edges if a in at and b in at]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="{y:g}" viewBox="0 0 {total} {y:g}">\n'
            f"<title>{escape(drawn.title)}</title>\n<style>text{{font:11px sans-serif;text-anchor:middle}}"
            ".row{text-anchor:start;fill:#555}.title{font-size:15px;text-anchor:start}"
            "path{fill:none;stroke:#888;stroke-width:0.8}rect{stroke:#666;rx:6px}</style>\n"
            '<rect width="100%" height="100%" fill="white" stroke="none"/>\n'
            f'<text x="10" y="24" class="title">{escape(drawn.title)}</text>\n' + "\n".join([*arrows, *shapes])
            + "\n</svg>\n")


def _box(box: Box, x: float, y: float, width: float, height: float) -> str:
    made = f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{_COLOURS[box.kind]}"/>'
    lines = (f'<text x="{x + width / 2:g}" y="{y + 19 + 14 * number:g}">{escape(text)}</text>'
             for number, text in enumerate(box.text))
    return made + "".join(lines)


def _arrow(source: tuple[float, float, float], target: tuple[float, float, float]) -> str:
    (a, _, bottom), (b, top, _) = source, target
    bend = 20 + abs(a - b) * 0.05 if top - bottom < 60 else 40
    far = a if top - bottom < 60 else a + (60 if a >= b else -60)
    return f'<path d="M{a:g} {bottom:g}C{far:g} {bottom + bend:g} {b:g} {top - bend:g} {b:g} {top:g}"/>'
