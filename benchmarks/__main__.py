"""`python -m benchmarks`: measures workloads on EnigmaLang, MPyC and NumPy, in turns, and compares with the aims."""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import nullcontext

from benchmarks import report
from benchmarks.aims import verdicts
from benchmarks.mpyc import Parties
from benchmarks.run import Result, measure
from benchmarks.workloads import WORKLOADS, Workload


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """Exits with status 2 for words that are not understood."""
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    names = ", ".join(WORKLOADS)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"names or letters of: {names} (default: all)")
    parser.add_argument("--nodes", type=int, default=3, metavar="N")
    parser.add_argument("--size", type=int, metavar="S", help="instead of each workload's own")
    parser.add_argument("--runs", type=int, default=5, metavar="R", help="medians of so many (default 5)")
    parser.add_argument("--json", action="store_true", help="write everything as JSON to stdout")
    parser.add_argument("--no-mpyc", action="store_true", help="leave MPyC out")
    found = parser.parse_args(words)
    found.workloads = [w for name in found.names or WORKLOADS for w in _named(name, parser)]
    return found


def _named(name: str, parser: argparse.ArgumentParser) -> list[Workload]:
    chosen = [w for w in WORKLOADS.values() if name in (w.name, w.letter)]
    if not chosen:
        parser.error(f"no workload is called {name}; there are {', '.join(WORKLOADS)}")
    return chosen


def main(words: Sequence[str]) -> int:
    """Status 0; a wrong result ends in an exception."""
    chosen = arguments(words)
    results: list[Result] = []
    with nullcontext() if chosen.no_mpyc else Parties(chosen.nodes) as parties:
        for workload in chosen.workloads:
            size = chosen.size or workload.size
            print(f"{workload.name} ({size:,}) …", file=sys.stderr, flush=True)
            results.append(measure(workload, size, chosen.nodes, chosen.runs, parties))
    if chosen.json:
        json.dump(report.as_json(results), sys.stdout, indent=1, ensure_ascii=False)
        print()
        return 0
    print(shown(results))
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
