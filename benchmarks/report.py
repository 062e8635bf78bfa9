"""Results as a table for people and as JSON for programs."""

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.aims import Verdict, verdicts
from benchmarks.mpyc import ABOUT
from benchmarks.run import Result
from enigmalang.cli.columns import columns, told_bytes, told_seconds, told_times
from enigmalang.mpc.ahead import SWITCH

SCHEMA = 1

NOTES = """\
computing: from the masked inputs to the opened results, at the slowest node; whole: also reading and masking the
inputs, tracing and shipping circuits. NumPy: one call in its turn (AES: `cryptography`, SHA-256: `hashlib`). MPyC's
whole is its inputs and its computing. Ratios compare computing with computing, then whole with whole. MPyC runs with
gmpy2 and uvloop, and its links are in the clear (its TLS is off by default); ours are TLS 1.3. l, m, n have no MPyC
program: they are compared with NumPy.
rounds, bytes: of a run, at the busiest node. ahead: the same counts of preprocessing, which needs no input, in the idle
time since the run before; with ENIGMALANG_STOCK=0 nothing is made ahead.
floor: bytes ÷ the loopback's TLS rate with all parties at once, plus operations ÷ the kernels' rate, times parties ÷
cores; their sum, for on one machine both are work of the same cores. Waiting for a round is not in it.
* scaled from a smaller size, which the last column names with its law."""


def table(results: Sequence[Result]) -> str:
    """All results, a line each."""
    head = ("workload", "nodes", "computing", "whole", "MPyC", "whole", "NumPy", "×MPyC", "whole", "×NumPy", "floor",
            "floors", "rounds", "bytes", "ahead", "bytes", "peak", "MPyC measured at")
    return columns(head, [_line(r) for r in results], left=(0, len(head) - 1))


def _line(r: Result) -> tuple[str, ...]:
    m = r.mpyc
    star = "*" if m and m.scaled else ""
    return (
        f"{r.workload.letter} {r.workload.told(r.size)}", str(r.nodes), told_seconds(r.ours.computing),
        told_seconds(r.ours.whole), told_seconds(m.all_computing) + star if m else "-",
        told_seconds(m.whole) + star if m else "-", told_seconds(r.numpy), told_times(r.times_mpyc),
        told_times(r.times_mpyc_whole), told_times(r.times_numpy), told_seconds(r.floor.seconds),
        told_times(r.floors), f"{r.ours.rounds:,}", told_bytes(r.ours.sent),
        f"{r.ours.ahead_rounds:,}", told_bytes(r.ours.ahead_sent), told_bytes(r.peak),
        f"{m.size:,} ({m.law}, {m.runs} run{'s' * (m.runs != 1)})" if m and m.scaled else "",
    )


def aims_table(found: Sequence[Verdict]) -> str:
    """Aim, what was reached, and ✓ or ✗."""
    marks = {True: "✓", False: "✗", None: "not measured"}
    lines = [
        (v.aim.workload, f"{v.size:,}", v.aim.text, f"{v.reached:.4g} {v.aim.unit}" if v.reached is not None else "-",
         marks[v.passed])
        for v in found
    ]
    return columns(("aim for", "size", "aim", "reached", ""), lines, left=(0, 2, 4))


def machine() -> dict[str, Any]:
    """What the numbers depend on."""
    packages = ("numpy", "llvmlite", "cryptography", "mpyc", "gmpy2", "uvloop")
    return {
        "cpu": _cpu(), "cores": os.cpu_count(), "load": list(os.getloadavg()), "python": platform.python_version(),
        "system": platform.platform(), "versions": {name: _version(name) for name in packages},
        "mpyc": ABOUT, "stock": os.environ.get(SWITCH) != "0", "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # MPyC and gmpy2 are an extra
        return "not installed"


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def as_dict(r: Result) -> dict[str, Any]:
    """One result for JSON; seconds, bytes."""
    mpyc = r.mpyc and asdict(r.mpyc) | {
        "all_computing": r.mpyc.all_computing, "whole": r.mpyc.whole, "scaled": r.mpyc.scaled,
    }
    return {
        "workload": r.workload.name, "letter": r.workload.letter, "title": r.workload.told(r.size), "size": r.size,
        "nodes": r.nodes, "runs": r.runs, "ours": asdict(r.ours), "start": r.start, "compile": r.compile,
        "ahead_at_start": {"rounds": r.begun[0], "sent": r.begun[1]}, "peak": r.peak,
        "base": r.base, "numpy": r.numpy, "mpyc": mpyc,
        "floor": asdict(r.floor) | {"seconds": r.floor.seconds}, "rates": asdict(r.rates),
        "ratios": {
            "mpyc": r.times_mpyc, "mpyc_whole": r.times_mpyc_whole, "numpy": r.times_numpy, "floor": r.floors,
        },
    }


def as_json(results: Sequence[Result]) -> dict[str, Any]:
    """Everything, machine readable."""
    return {
        "schema": SCHEMA, "machine": machine(), "results": [as_dict(r) for r in results],
        "aims": [
            {"workload": v.aim.workload, "aim": v.aim.text, "limit": v.aim.limit, "unit": v.aim.unit, "size": v.size,
             "reached": v.reached, "passed": v.passed}
            for v in verdicts(results)
        ],
    }
