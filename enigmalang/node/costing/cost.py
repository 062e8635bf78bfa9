"""Costs as data, and the seconds that they take on a link."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from enigmalang.source import Span

#: What a node computes, in seconds: measured on the machine of benchmarks/results, three nodes in M61. A round takes
#: what telling and hearing it takes; an AND is one bit of a word with its masks. M127 multiplies as much slower.
_ROUND, _PRODUCT, _AND = 40e-6, 25e-9, 1.5e-9
_WIDER = 4.2


@dataclass(frozen=True, slots=True)
class Link:
    """Between two nodes: `delay` seconds from one to the other, and a node's upload in bits per second."""

    name: str
    delay: float
    bits: float

    def seconds(self, rounds: int, sent: int, products: int, ands: int, prime: str = "M61") -> float:
        """About how long a node that sends `sent` bytes takes, if the messages of a round travel at the same time."""
        computing = rounds * _ROUND + products * _PRODUCT * (_WIDER if prime == "M127" else 1) + ands * _AND
        return rounds * self.delay + 8 * sent / self.bits + computing


#: Usual links: one building, and two continents.
LINKS = {"lan": Link("lan", 0.0002, 1e9), "wan": Link("wan", 0.04, 1e8)}
_LINK = re.compile(r"(\d+(?:\.\d+)?)\s*,\s*(\d+(?:\.\d+)?)")


def parse_link(text: str) -> Link:
    """`lan`, `wan`, or MS,MBIT: the delay one way and the upload. Raises ValueError, in words for the user."""
    if text in LINKS:
        return LINKS[text]
    match = _LINK.fullmatch(text.strip())
    if match is None or not float(match[2]):
        raise ValueError(f"a link is lan, wan, or MS,MBIT such as 20,100 (milliseconds one way, Mbit/s), not {text!r}")
    return Link(text.strip(), float(match[1]) / 1000, float(match[2]) * 1e6)


@dataclass(frozen=True, slots=True)
class LineCost:
    """Of one source line. `rounds`: in which operations of the line take part; several lines may share one, so that
    they do not add up.
    """

    path: str
    line: int
    rounds: int
    bytes_sent: int
    products: int
    ands: int
    comparisons: int
    numbers: frozenset[int] = field(default=frozenset(), repr=False)  # of its rounds

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a function, or of a program's run. `bytes_sent` is that of the node that sends most, as in `EngineStats`;
    `lines` are in the source's order and add up to everything but what the nodes tell each other to agree on a circuit
    (`agreeing`: bytes; a round for each circuit). `ahead` is preprocessing. `assumed` says, in words, what the numbers
    depend on. `gas` is that of its transactions, where they were measured; `fee` (wei) what the hub's weights ask.
    `orders`: of a script on a network, at the nodes of a vault.
    """

    name: str
    kind: str
    span: Span
    prime: str
    nodes: int
    threshold: int
    rounds: int = 0
    bytes_sent: int = 0
    products: int = 0
    ands: int = 0
    comparisons: int = 0
    circuits: int = 0
    additions: int = 0
    agreeing: int = 0
    lines: tuple[LineCost, ...] = ()
    ahead: dict[str, int] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()
    gas: int | None = None
    fee: int | None = None
    orders: int = 0

    def seconds(self, link: Link) -> float:
        """About how long it takes on `link`, without preprocessing and without a chain's blocks."""
        return link.seconds(self.rounds, self.bytes_sent, self.products, self.ands, self.prime)

    def seconds_of(self, line: LineCost, link: Link) -> float:
        return link.seconds(line.rounds, line.bytes_sent, line.products, line.ands, self.prime)

    def within(self, span: Span) -> Cost:
        """Of the lines of `span` alone."""
        lines = tuple(line for line in self.lines if line.path == span.path and span.line <= line.line <= span.end_line)
        sums = {name: sum(getattr(line, name) for line in lines) for name in ADDED}
        rounds = len(frozenset[int]().union(*(line.numbers for line in lines)))
        return replace(self, rounds=rounds, circuits=0, agreeing=0, lines=lines, **sums)

    def dearest(self, what: str, link: Link | None = None) -> LineCost | None:
        """The line with most of `what`: rounds, bytes_sent, products, ands, comparisons, or seconds on `link`."""
        def amount(line: LineCost) -> float:
            return self.seconds_of(line, link) if link is not None and what == "seconds" else float(getattr(line, what))

        return max(self.lines, key=amount, default=None)


#: What lines add up to.
ADDED = ("bytes_sent", "products", "ands", "comparisons")


def in_order(lines: Sequence[LineCost], path: str) -> tuple[LineCost, ...]:
    """The main file's lines first."""
    return tuple(sorted(lines, key=lambda line: (line.path != path, line.path, line.line)))
