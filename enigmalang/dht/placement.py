"""Which nodes hold a record: weighted rendezvous hashing over the nodes nearest to its key.

Each candidate draws u in (0, 1) from a hash of the key and its address, and those with the smallest -ln(u) / weight
hold the record. That is rendezvous hashing (Thaler and Ravishankar, IEEE/ACM Transactions on Networking 6(1), 1998)
with the logarithmic method for weights (Schindelhauer and Schomaker, Weighted distributed hash tables, SPAA 2005,
section 3): -ln(u) / w is an exponential time of rate w, so each is first with probability weight / sum of weights, and
the first r are a sample without replacement. Nobody needs to agree on anything but the weights, and a change moves
little: a node that comes (or gains weight) only takes records to itself, one that leaves (or loses) only gives its own.

Logarithms of other C libraries may differ in the last bit, which changes the order of two nodes for about one key in
2^40: then two nodes disagree about that key's last holder, and repair makes a copy too many.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from math import log

#: Standing.reputation of a node that never failed.
FULL_REPUTATION = 1000
#: The unit in which free space counts, bytes.
MEBIBYTE = 1 << 20

_STEPS = 1 << 52


@dataclass(frozen=True, slots=True)
class Standing:
    """What speaks for storing on a node: its deposit in wei, and its publicly recorded behaviour, 0 to 1000."""

    stake: int
    reputation: int = FULL_REPUTATION


def preference(standing: Standing, free: int, size: int) -> int:
    """The weight of a node with `free` bytes for `size` bytes more: stake times reputation times the number of bits of
    the free mebibytes. 0 (never chosen) for a node without the room, or less than 1 MiB of it.

    Stake counts as it is, so that nobody gains by spreading it over many nodes. What is free is the node's own word:
    it counts by its magnitude only, so that it rarely changes a choice, and lying about it gains little.
    """
    if free < size:
        return 0
    return max(0, standing.stake) * max(0, min(standing.reputation, FULL_REPUTATION)) * (free // MEBIBYTE).bit_length()


def rank(key: bytes, weights: Mapping[str, int]) -> list[str]:
    """The addresses by who should hold `key`, the best first; those without a positive weight are left out."""
    times = [(-log(_uniform(key, address)) / weight, address) for address, weight in weights.items() if weight > 0]
    return [address for _, address in sorted(times)]


def choose(key: bytes, weights: Mapping[str, int], copies: int) -> list[str]:
    """The `copies` best of `rank`; fewer when there are not so many."""
    return rank(key, weights)[:copies]


def _uniform(key: bytes, address: str) -> float:
    # The middle of one of 2^52 equal steps: exact as a float, never 0 or 1.
    digest = blake2b(key + bytes.fromhex(address[2:]), digest_size=8, person=b"enig dht place").digest()
    return (int.from_bytes(digest, "big") % _STEPS + 0.5) / _STEPS
