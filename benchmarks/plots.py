"""Growth as plots: each workload at three sizes and among 3, 5 and 7 nodes, in `benchmarks/plots/*.svg`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.run import Result

FOLDER = Path(__file__).with_name("plots")
_COLOURS = {3: "#1b6ca8", 5: "#d1495b", 7: "#66a182"}


def plot(results: Sequence[Result], folder: Path = FOLDER) -> Path:
    """The results of one workload; the file. Nodes' computing (solid) and the floor (dotted) over size, both axes
    logarithmic; the text stays text, and nothing in the file depends on the day."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    mpl.rcParams |= {"svg.hashsalt": "enigmalang", "svg.fonttype": "none", "font.size": 10}
    first = results[0]
    figure, axes = plt.subplots(figsize=(5, 3.4), layout="constrained")
    for nodes in sorted({r.nodes for r in results}):
        _lines(axes, [r for r in results if r.nodes == nodes], nodes)
    axes.set(xscale="log", yscale="log", xlabel="size", ylabel="seconds (solid: computing, dotted: floor)",
             title=first.workload.title.format(size="n"))
    axes.grid(True, which="major", linewidth=0.4)
    axes.legend(frameon=False)
    folder.mkdir(exist_ok=True)
    path = folder / f"{first.workload.path.stem}.svg"
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)
    return path


def _lines(axes: Any, results: Sequence[Result], nodes: int) -> None:
    ordered = sorted(results, key=lambda r: r.size)
    sizes = [r.size for r in ordered]
    style = {"color": _COLOURS.get(nodes, "#555555"), "marker": "o", "markersize": 3}
    axes.plot(sizes, [r.ours.computing for r in ordered], label=f"{nodes} nodes", **style)
    axes.plot(sizes, [r.floor.seconds for r in ordered], linestyle=":", **style | {"marker": ""})
