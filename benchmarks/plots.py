"""Growth as plots: seconds against size, a figure for each program and a line for each number of nodes."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

_COLOURS = {3: "#1b6ca8", 5: "#d1495b", 7: "#66a182"}
Points = Sequence[dict[str, Any]]


def plot_all(points: Points, folder: Path) -> Iterator[Path]:
    """A figure for each program among the points, in the order of their names; the files."""
    for program in sorted({point["program"] for point in points}):
        yield plot([point for point in points if point["program"] == program], folder)


def plot(points: Points, folder: Path) -> Path:
    """The points of one program; the file. Both axes are logarithmic; solid: the nodes' computing, dotted: its floor,
    with MPyC among three parties and NumPy beside them. The text stays text, and nothing in the file depends on the
    day."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    mpl.rcParams |= {"svg.hashsalt": "enigmalang", "svg.fonttype": "none", "font.size": 10, "path.simplify": True}
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    ours = [point for point in points if point["nodes"]]
    for nodes in sorted({point["nodes"] for point in ours}):
        line = [point for point in ours if point["nodes"] == nodes]
        colour = _COLOURS.get(nodes, "#555555")
        _line(axes, line, "computing", label=f"{nodes} nodes", color=colour, marker="o", markersize=4)
        _line(axes, line, "floor", label=f"{nodes} nodes, floor", color=colour, linestyle=":", linewidth=1)
    _line(axes, [p for p in points if "mpyc" in p], "mpyc", label="MPyC, 3 parties", color="#8a5a00", marker="s",
          markersize=4, linestyle="--")
    _line(axes, [p for p in ours if p["nodes"] == min(q["nodes"] for q in ours)], "numpy", label="NumPy, in the clear",
          color="#555555", marker="^", markersize=4, linestyle="-.")
    axes.set(xscale="log", yscale="log", xlabel="size n", ylabel="seconds", title=points[0]["title"])
    axes.grid(True, which="major", linewidth=0.4)
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{points[0]['program']}.svg"
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)
    return path


def _line(axes: Any, points: Points, name: str, **style: Any) -> None:
    ordered = sorted((point["size"], point[name]) for point in points if point[name] > 0)
    if ordered:
        draw: Callable[..., object] = axes.plot
        draw(*zip(*ordered, strict=True), **style)
