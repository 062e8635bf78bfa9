"""What came of a soak: text for people, JSON for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median, quantiles
from typing import Any

from benchmarks.report import machine
from benchmarks.soak.audit import Audit
from benchmarks.soak.clients import Board
from benchmarks.soak.killing import Kill
from benchmarks.soak.losses import Loss, Stranger
from benchmarks.soak.options import Options
from benchmarks.soak.watching import COLUMNS, FLOORS, LEAST, RISE, WARM, Row, Trend

SCHEMA = 1


@dataclass(slots=True)
class Report:
    """All of it. `seconds`: from the first job's begin to the last one's end, under kills. `faults`: what must not be;
    empty when the soak went well."""

    options: Options
    seconds: float
    board: Board
    kills: Sequence[Kill]
    trends: Sequence[Trend]
    courses: Mapping[int, Sequence[Row]]
    peak: float
    chain: Sequence[tuple[float, float]] = ()
    audit: Audit = field(default_factory=Audit)
    final: int = 0
    stores: int = 0
    reads: int = 0
    storing_trouble: Sequence[str] = ()
    loss: Loss | None = None
    stranger: Stranger | None = None
    faults: list[str] = field(default_factory=list)

    @property
    def jobs(self) -> int:
        """Of the clients, while nodes were killed."""
        return sum(self.audit.counts.values()) - self.final


def as_json(report: Report) -> dict[str, Any]:
    """For `results/soak-DATE.json`."""
    options = {**asdict(report.options), "folder": None}
    audit = report.audit
    return {
        "schema": SCHEMA, "machine": machine(), "options": options, "seconds": round(report.seconds, 1),
        "jobs": report.jobs, "jobs_per_minute": round(60 * report.jobs / report.seconds, 1),
        "final_reads": report.final, "outcomes": dict(audit.counts), "latency_seconds": _latencies(audit.latencies),
        "kills": [asdict(kill) for kill in report.kills],
        "away_seconds": _latencies([kill.away for kill in report.kills]),
        "stores": report.stores, "reads": report.reads, "storing_tried_again": len(report.storing_trouble),
        "peak_bytes": report.peak, "trends": [{**asdict(t), "flat": t.flat} for t in report.trends],
        "courses": {"columns": COLUMNS, "rows": report.courses},
        "chain": {"columns": ["seconds", "resident"], "rows": report.chain},
        "file": asdict(report.loss) if report.loss else None,
        "stranger": asdict(report.stranger) if report.stranger else None,
        "faults": report.faults,
    }


def _latencies(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    spread = quantiles(values, n=20) if len(values) > 1 else [values[0]] * 19
    return {"median": round(median(values), 2), "p95": round(spread[18], 2), "max": round(max(values), 2)}


def as_text(report: Report) -> str:
    """For people."""
    found, options = as_json(report), report.options
    latency, away = found["latency_seconds"], found["away_seconds"]
    lines = [
        f"{options.nodes} nodes, {options.clients} clients, {report.seconds / 60:.1f} minutes, seed {options.seed}",
        f"jobs       {report.jobs} ({found['jobs_per_minute']} a minute), and {report.final} to read everything at the "
        "end; " + ", ".join(f"{number} {name}" for name, number in sorted(report.audit.counts.items())),
        f"latency    median {latency.get('median', 0)} s, 95 % {latency.get('p95', 0)} s, longest "
        f"{latency.get('max', 0)} s",
        f"kills      {len(report.kills)}; away median {away.get('median', 0)} s, longest {away.get('max', 0)} s",
        f"storage    {report.stores} stores, {report.reads} reads, {len(report.storing_trouble)} tried again",
        f"memory     at most {report.peak / 1e6:.0f} MB in a node; its own, after {WARM:g} s:",
        *(_trend(trend) for trend in report.trends if trend.what == "memory" or not trend.flat),
    ]
    if not report.trends:
        lines.append(f"           not judged: no node lived {WARM + LEAST:g} s without a kill")
    if report.chain:
        lines.append(f"chain      {report.chain[0][1] / 1e6:.0f} MB at first, {report.chain[-1][1] / 1e6:.0f} at last")
    if report.loss:
        loss = report.loss
        lines.append(f"file       {loss.size:,} bytes stored in {loss.stored:.1f} s; nodes {loss.killed} lost: "
                     f"read in {loss.read:.1f} s, copied by others within {loss.repaired:.0f} s")
    if report.stranger:
        lines.append(f"stranger   {'refused' if report.stranger.refused else 'LET IN'}: {report.stranger.standing}; "
                     f"told by a node: {report.stranger.answer}")
    return "\n".join([*lines, *(f"✗ {fault}" for fault in report.faults), "all well" if not report.faults else
                      f"{len(report.faults)} faults"])


def _trend(trend: Trend) -> str:
    scale, unit = (1e6, "MB") if trend.what == "memory" else (1.0, trend.what)
    course = f"{trend.first / scale:.0f} {unit} at first, {trend.last / scale:.0f} at last"
    limit = f"limit {RISE:.0%}, or {FLOORS[trend.what] / scale:g}"
    return (f"           node {trend.node}: {course}, {trend.rise / scale:+.1f} in {trend.seconds:.0f} s: "
            f"{'flat' if trend.flat else 'GROWS'} ({limit})")
