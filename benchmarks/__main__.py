"""`python -m benchmarks`: measures workloads on EnigmaLang, MPyC and NumPy, in turns, and compares with the aims.
`python -m benchmarks soak` is another thing: a network under load and kills (`benchmarks.soak`)."""

import argparse
import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.aims import verdicts
from benchmarks.build import build_table, measure_build
from benchmarks.gas import gas_table, measure_gas
from benchmarks.growth import FILE, measure_growth
from benchmarks.kernels import kernels_table, measure_kernels
from benchmarks.lsp import lsp_table, measure_lsp
from benchmarks.marks import marks_table, measure_marks
from benchmarks.memory import measure_memory, measure_middles, memory_table
from benchmarks.mpyc import Parties
from benchmarks.plots import plot_all
from benchmarks.run import Result, measure
from benchmarks.startup import measure_startup, startup_table
from benchmarks.workloads import WORKLOADS, Workload
from enigmalang.diagnostics import EnigmaError
from enigmalang.execute.ports import EngineError
from enigmalang.mpc.ahead import SWITCH
from enigmalang.sharing.structure import MAX_PARTIES

FOLDER = Path(__file__).parent

#: What is measured by itself, beside the workloads.
ALONE = ("build", "gas", "kernels", "lsp", "marks", "memory", "startup")


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """Exits with status 2 for words that are not understood."""
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    names = ", ".join(WORKLOADS)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"names or letters of {names}; or {', '.join(ALONE)}")
    parser.add_argument("--nodes", type=_committee, default=3, metavar="N")
    parser.add_argument("--size", type=_size, metavar="S", help="instead of each workload's own")
    parser.add_argument("--runs", type=int, metavar="R", help="medians of so many (default 5; 3 for plots)")
    parser.add_argument("--json", action="store_true", help="write everything as JSON to stdout")
    parser.add_argument("--save", metavar="FILE", type=Path, help="write everything as JSON there, beside the table")
    parser.add_argument("--plots", action="store_true",
                        help=f"three sizes and 3, 5 and 7 nodes of each: into {FILE.name}, then as figures")
    parser.add_argument("--redraw", action="store_true", help=f"the figures of what {FILE.name} holds; nothing runs")
    parser.add_argument("--tiny", action="store_true", help="plots of tiny sizes, to try them out")
    parser.add_argument("--out", metavar="FOLDER", type=Path, default=FOLDER,
                        help="of results/ and plots/ (default benchmarks)")
    parser.add_argument("--patience", type=int, metavar="SECONDS",
                        help="given to one workload (default 600), for plots to one size (20)")
    parser.add_argument("--no-mpyc", action="store_true", help="leave MPyC out")
    parser.add_argument("--no-stock", action="store_true", help="the nodes make nothing ahead")
    found = parser.parse_args(words)
    found.runs = found.runs or (3 if found.plots else 5)
    found.patience = found.patience or (20 if found.plots else 600)
    found.alone = [name for name in ALONE if name in found.names]
    rest = [name for name in found.names if name not in ALONE]
    found.workloads = [w for name in (rest if found.names else WORKLOADS) for w in _named(name, parser)]
    return found


def _size(word: str) -> int:
    number = int(word)
    if number < 2:  # what an auction needs
        raise argparse.ArgumentTypeError(f"{number}: workloads have 2 elements or more")
    return number


def _committee(word: str) -> int:
    number = int(word)
    if not 3 <= number <= MAX_PARTIES:
        raise argparse.ArgumentTypeError(f"a committee has 3 to {MAX_PARTIES} nodes, not {number}")
    return number


def _named(name: str, parser: argparse.ArgumentParser) -> list[Workload]:
    chosen = [w for w in WORKLOADS.values() if name in (w.name, w.letter)]
    if not chosen:
        parser.error(f"no workload is called {name}; there are {', '.join(WORKLOADS)}")
    return chosen


def main(words: Sequence[str]) -> int:
    """Status 0, or 1 when a workload could not be measured; a wrong result ends in an exception."""
    if words and words[0] == "soak":
        from benchmarks.soak.command import main as soak

        return soak(words[1:])
    chosen = arguments(words)
    if chosen.no_stock:
        os.environ[SWITCH] = "0"  # the workers have it from here
    if chosen.plots or chosen.redraw:
        return plots(chosen)
    alone = measure_alone(chosen)
    if not chosen.workloads:
        if chosen.save:
            write_json(chosen.save, alone)
        print(json.dumps(alone, indent=1) if chosen.json else "", end="")
        return 0
    results, failures = measure_all(chosen)
    found = report.as_json(results) | alone | {"failures": failures}
    if chosen.save:
        write_json(chosen.save, found)
    if chosen.json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
    elif results:
        print(shown(results))
    for name, failure in failures.items():
        print(f"✗ {name}: {failure}", file=sys.stderr)
    return int(bool(failures))


def measure_all(chosen: argparse.Namespace) -> tuple[list[Result], dict[str, str]]:
    """Each workload; those that the engine or its patience fails are told by name. Raises WrongResult."""
    results: list[Result] = []
    failures: dict[str, str] = {}
    for workload in chosen.workloads:
        size = chosen.size or workload.size
        print(f"{workload.name} ({size:,}) …", file=sys.stderr, flush=True)
        try:
            with nullcontext() if chosen.no_mpyc else Parties(chosen.nodes) as parties, _patience(chosen.patience):
                results.append(measure(workload, size, chosen.nodes, chosen.runs, parties))
            print(report.table(results[-1:]).splitlines()[1], file=sys.stderr, flush=True)
        except (EngineError, EnigmaError, TimeoutError) as error:
            failures[workload.name] = f"{type(error).__name__}: {error}"
    return results, failures


@contextmanager
def _patience(seconds: int) -> Iterator[None]:
    """TimeoutError after so many seconds."""
    def stop(number: int, frame: object) -> None:
        raise TimeoutError(f"not done in {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def write_json(path: Path, found: dict[str, Any]) -> None:
    """Everything, as JSON with a line for each value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")


def measure_alone(chosen: argparse.Namespace) -> dict[str, Any]:
    """Building, gas, the kernels, the marks, memory, the start: as a table at once, or for JSON."""
    found: dict[str, Any] = {}
    if "build" in chosen.alone:
        found["build"] = measure_build(chosen.size)
        print(build_table(found["build"]), file=sys.stderr if chosen.json else sys.stdout)
    if "gas" in chosen.alone:
        found["gas"] = measure_gas()
        print(gas_table(found["gas"]), file=sys.stderr if chosen.json else sys.stdout)
    if "kernels" in chosen.alone:
        kernels = measure_kernels()
        found["kernels"] = [asdict(k) for k in kernels]
        print(kernels_table(kernels), file=sys.stderr if chosen.json else sys.stdout)
    if "lsp" in chosen.alone:
        answered = measure_lsp(chosen.size)
        found["lsp"] = [asdict(a) for a in answered]
        print(lsp_table(answered, chosen.size), file=sys.stderr if chosen.json else sys.stdout)
    if "marks" in chosen.alone:
        marks = measure_marks(chosen.nodes, chosen.runs, lambda text: print(text, file=sys.stderr, flush=True))
        found["marks"] = [asdict(b) for b in marks]
        print(marks_table(marks), file=sys.stderr if chosen.json else sys.stdout)
    if "memory" in chosen.alone:
        memory = [*measure_memory(chosen.nodes, size=chosen.size), *measure_middles(chosen.nodes, size=chosen.size)]
        found["memory"] = [asdict(m) for m in memory]
        print(memory_table(memory), file=sys.stderr if chosen.json else sys.stdout)
    if "startup" in chosen.alone:
        starts = measure_startup(chosen.nodes)
        found["startup"] = [asdict(s) for s in starts]
        print(startup_table(starts), file=sys.stderr if chosen.json else sys.stdout)
    return found


def plots(chosen: argparse.Namespace) -> int:
    """Growth of the chosen workloads, measured and drawn, or drawn only; others keep what was measured of them."""
    file = chosen.out / "results" / FILE.name
    kept = json.loads(file.read_text("utf-8"))["points"] if file.exists() else []
    if chosen.plots:
        for points in measure_growth(chosen.workloads, chosen.runs, chosen.patience, chosen.tiny, not chosen.no_mpyc):
            measured = {point["program"] for point in points}
            kept = [point for point in kept if point["program"] not in measured] + points
            write_json(file, {"schema": report.SCHEMA, "machine": report.machine(), "points": kept})
    for path in plot_all(kept, chosen.out / "plots"):
        print(path)
    return 0


def shown(results: Sequence[Result]) -> str:
    """The tables, and how to read them."""
    about = report.machine()
    rates = results[0].rates
    lines = [
        f"{about['cpu']}, {about['cores']} cores, load {about['load'][0]:.1f}; Python {about['python']}, "
        + ", ".join(f"{name} {number}" for name, number in about["versions"].items()),
        f"measured here: product {rates.product * 1e9:.2f} ns, AND of words {rates.word * 1e9:.2f} ns, key stream "
        f"{1e-9 / rates.random_byte:.2f} GB/s; loopback with TLS, {rates.loopback.parties} parties at once: "
        f"{rates.loopback.bandwidth / 1e6:.0f} MB/s each, {rates.loopback.latency * 1e6:.0f} µs a round",
        "", report.table(results), report.NOTES,
    ]
    found = verdicts(results)
    return "\n".join([*lines, "", report.aims_table(found)] if found else lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
