"""Sortition: which of the registered nodes are a committee, drawn by weight from randomness that everybody has.

A draw takes node after node, each with probability weight / (weights of those not yet taken): weighted sampling without
replacement as Efraimidis and Spirakis define it (Weighted random sampling with a reservoir, 2006). They draw it by
comparing u^(1/w); here it is done by cumulative weights and whole numbers alone, so that it is exact and the same on
every machine. A member checks a draw by repeating it: `draw` has no other input than its arguments.

Whoever can still change the registry when the randomness is known can choose the draw. The caller takes the registry as
it stood at a block before that of the randomness, and randomness that no node can grind.

The chance that t + 1 of a committee of n = 2t + 1 are bad, of 1,000 nodes with equal weights (`risk`):

    bad    n = 3     n = 5     n = 7     n = 9     n = 15    n = 21    n = 31
    1%     2.7e-04   7.1e-06   1.7e-07   3.8e-09   1.2e-14   0         0
    10%    2.8e-02   8.4e-03   2.6e-03   8.3e-04   2.7e-05   8.9e-07   2.7e-09
    20%    1.0e-01   5.7e-02   3.3e-02   1.9e-02   4.0e-03   8.5e-04   6.6e-05
    33%    2.5e-01   2.0e-01   1.7e-01   1.4e-01   8.2e-02   5.0e-02   2.3e-02

Unequal weights can make it more: once good nodes of great weight are taken, more of what is left is bad (`risk_bound`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from math import comb

#: Weight of the least deposit, of a node without jobs or faults.
UNIT = 1 << 16
#: More than so many least deposits do not count.
MOST_DEPOSITS = 64
#: So many open jobs halve a weight.
LOAD = 4
#: A node that never served counts as if it had served so often, and one fault weighs as much as so many services.
PRIOR, FAULT = 20, 10

_PERSON = b"enigmalang/sortition"
_RANGE = 1 << 256


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node that may be drawn, with a whole weight; 0 is never drawn."""

    address: str
    weight: int


def weight(deposit: int, minimum: int, open_jobs: int, served: int, faults: int) -> int:
    """A node's weight from what the ledger knows of it: wei (`minimum` is the hub's least deposit) and numbers of jobs.

        UNIT * min(deposit, MOST_DEPOSITS * minimum) / minimum
             * LOAD / (LOAD + open_jobs) * (served + PRIOR) / (served + PRIOR + FAULT * faults)

    rounded down, once. In proportion to the deposit, so that splitting it among several nodes gains nothing; services
    alone never raise it, they only make faults count less. 0 below the least deposit. Raises ValueError for negative
    numbers and a minimum of 0.
    """
    if minimum < 1 or min(deposit, open_jobs, served, faults) < 0:
        raise ValueError("a weight of negative numbers, or without a least deposit")
    if deposit < minimum:
        return 0
    top = UNIT * min(deposit, MOST_DEPOSITS * minimum) * LOAD * (served + PRIOR)
    return top // (minimum * (LOAD + open_jobs) * (served + PRIOR + FAULT * faults))


def draw(randomness: bytes, candidates: Sequence[Candidate], size: int) -> tuple[str, ...]:
    """`size` different addresses in the order they were drawn, in lower case.

    The order of the candidates does not matter. A smaller draw is the beginning of a larger one, so those that follow
    can stand in for nodes that do not answer. Raises ValueError when there are not so many with a weight, for an
    address twice, a negative weight, or weights of 2^256 and more together.
    """
    pool = sorted((c.address.lower(), c.weight) for c in candidates if c.weight)
    if len({c.address.lower() for c in candidates}) < len(candidates):
        raise ValueError("a candidate twice")
    if any(w < 0 for _, w in pool):
        raise ValueError("a negative weight")
    if not 0 <= size <= len(pool):
        raise ValueError(f"{size} nodes from {len(pool)} with a weight")
    total = sum(w for _, w in pool)
    if total >= _RANGE:
        raise ValueError("the weights are 2^256 or more together")
    numbers, taken = _numbers(randomness), []
    for _ in range(size):
        at = _place(pool, _uniform(numbers, total))
        address, gone = pool.pop(at)
        total -= gone
        taken.append(address)
    return tuple(taken)


def _place(pool: Sequence[tuple[str, int]], number: int) -> int:
    """The first place up to which the weights are more than `number`."""
    passed = 0
    for at, (_, w) in enumerate(pool):
        passed += w
        if number < passed:
            return at
    raise AssertionError("the number is below the total")


def _numbers(randomness: bytes) -> Iterator[int]:
    """Uniform below 2^256: SHA-256 of the randomness and a counter."""
    begun = sha256(_PERSON + sha256(randomness).digest())
    count = 0
    while True:
        hashed = begun.copy()
        hashed.update(count.to_bytes(8, "big"))
        yield int.from_bytes(hashed.digest(), "big")
        count += 1


def _uniform(numbers: Iterator[int], below: int) -> int:
    """Uniform and exact: numbers of the last, incomplete part of the range are passed over."""
    return next(number for number in numbers if number < _RANGE - _RANGE % below) % below


def risk(nodes: int, bad: int, size: int, threshold: int) -> Fraction:
    """The probability that more than `threshold` of a committee of `size` are bad, when all of `nodes` have one weight
    and `bad` of them are: hypergeometric, exact. Raises ValueError for numbers that do not fit.
    """
    if not (0 <= bad <= nodes and 0 <= size <= nodes and threshold >= 0):
        raise ValueError("bad nodes and the committee are some of all nodes")
    cases = sum(comb(bad, k) * comb(nodes - bad, size - k) for k in range(threshold + 1, size + 1))
    return Fraction(cases, comb(nodes, size))


def risk_bound(bad: int, good: Sequence[int], size: int, threshold: int) -> Fraction:
    """As `risk` for unequal weights: at most this, when bad nodes have the weight `bad` together, in any number of
    nodes, and good ones the weights `good`.

    Whatever was taken before, the next is bad with a probability of at most bad / (bad + the good weights without the
    size - 1 heaviest); so the number of bad ones is at most a binomial one. Raises ValueError for negative weights, or
    none at all.
    """
    left = sum(sorted(good)[: max(0, len(good) - size + 1)])
    if bad < 0 or min(good, default=0) < 0 or bad + left == 0:
        raise ValueError("weights are 0 or more, and not all 0")
    share = Fraction(bad, bad + left)
    return sum(
        (comb(size, k) * share**k * (1 - share) ** (size - k) for k in range(threshold + 1, size + 1)), Fraction(0))
