"""What the daemon counts, and how a Prometheus server reads it (text exposition format, version 0.0.4).

Every family of numbers is declared once, in `FAMILIES`; parts declare theirs with `Metrics.declare`.
"""

import re
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

COUNTER, GAUGE = "counter", "gauge"
_NAME = re.compile(r"enig_[a-z0-9_]+")
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Family:
    """Numbers of one kind; one for each value of `label`, if there is one. `known`: labels that are there from the
    start, at 0, so that a rate can be seen from the first event on."""

    name: str
    kind: str
    doc: str
    label: str = ""
    known: tuple[str, ...] = ()


FAMILIES = (
    Family("enig_up", GAUGE, "1 while the daemon runs."),
    Family("enig_healthy", GAUGE, "1 while /health answers 200."),
    Family("enig_uptime_seconds", GAUGE, "Seconds since the daemon began."),
    Family("enig_block_height", GAUGE, "The newest block that the chain told of."),
    Family("enig_block_lag", GAUGE, "Blocks between the newest and the one up to which everything was read."),
    Family("enig_chain_silent_seconds", GAUGE, "Seconds since the chain answered last."),
    Family("enig_balance_wei", GAUGE, "What the node's address can pay with."),
    Family("enig_deposit_wei", GAUGE, "What the node has put down on the hub."),
    Family("enig_owed_wei", GAUGE, "Fees and refunds that the node has not claimed."),
    Family("enig_peers_known", GAUGE, "Other nodes on the hub that this one talks to."),
    Family("enig_peers_connected", GAUGE, "Other nodes with a connection to this one."),
    Family("enig_connections_total", COUNTER, "Connections that were made, by what they are for.", "purpose"),
    Family("enig_refusals_total", COUNTER, "Connections and messages that were refused, by reason.", "reason"),
    Family("enig_bytes_total", COUNTER, "Bytes to and from other nodes and clients.", "direction",
           ("received", "sent")),
    Family("enig_jobs_total", COUNTER, "Jobs that this node took part in, by how they ended.", "outcome",
           ("done", "failed", "refused")),
    Family("enig_jobs_under_way", GAUGE, "Jobs that this node works on."),
    Family("enig_stored_bytes", GAUGE, "Bytes of the files in the node's data folder."),
    Family("enig_problems_total", COUNTER, "Warnings and errors in the log.", "level", ("warning", "error")),
    Family("enig_log_lines_lost_total", COUNTER, "Lines that could not be written to the log, as on a full disk."),
)


class Metrics:
    """The numbers. Threads may share one."""

    def __init__(self, families: Iterable[Family] = FAMILIES) -> None:
        self._lock = threading.Lock()
        self._families: dict[str, Family] = {}
        self._values: dict[str, dict[str, float]] = {}
        self._before: list[Callable[[], None]] = []
        for family in families:
            self.declare(family)

    def declare(self, family: Family) -> None:
        """A new family; ValueError for a name that is taken, or none."""
        if not _NAME.fullmatch(family.name) or family.kind not in (COUNTER, GAUGE):
            raise ValueError(f"{family.name} ({family.kind}) is no name of a metric")
        with self._lock:
            if family.name in self._families:
                raise ValueError(f"there is a metric {family.name} already")
            self._families[family.name] = family
            self._values[family.name] = dict.fromkeys(family.known if family.label else ("",), 0.0)

    def add(self, name: str, label: str = "", value: float = 1) -> None:
        """Count further."""
        with self._lock:
            values = self._values[name]
            values[label] = values.get(label, 0.0) + value

    def set(self, name: str, value: float, label: str = "") -> None:
        """Say what is so now, or what has been counted elsewhere."""
        with self._lock:
            self._values[name][label] = value

    def get(self, name: str, label: str = "") -> float:
        """What `name` stands at."""
        with self._lock:
            return self._values[name].get(label, 0.0)

    def before_reading(self, update: Callable[[], None]) -> None:
        """Have `update` called each time before the numbers are read."""
        self._before.append(update)

    def text(self) -> str:
        """All numbers, as Prometheus reads them."""
        for update in self._before:
            update()
        with self._lock:
            return "".join(_family(family, self._values[name]) for name, family in self._families.items())


def _family(family: Family, values: dict[str, float]) -> str:
    lines = [f"# HELP {family.name} {family.doc}", f"# TYPE {family.name} {family.kind}"]
    for label, value in values.items():
        where = f'{{{family.label}="{_escaped(label)}"}}' if family.label else ""
        lines.append(f"{family.name}{where} {_number(value)}")
    return "\n".join(lines) + "\n"


def _escaped(label: str) -> str:
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))


def health(checks: Sequence[tuple[str, str]]) -> tuple[bool, dict[str, str]]:
    """Whether all is well, and each check with "ok" or what is wrong."""
    return all(not wrong for _, wrong in checks), {name: wrong or "ok" for name, wrong in checks}
