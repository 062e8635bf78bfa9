"""Drawn committees: who serves, by the registry and the randomness of the chain. Nodes and clients find the same.

A request names a nonce of its requester; the node that it is made at announces it to all nodes, and the randomness is
that of a block after the announcement (prevrandao; on a development chain that has none, the block's hash). The
registry is read as it stood one block earlier. What can be chosen is stated with `Drawing`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from enigmalang.chain.client import Chain
from enigmalang.chain.digests import keccak
from enigmalang.chain.errors import ChainError
from enigmalang.chain.evm import quantity, unhexed
from enigmalang.chain.hub import Hub, Node, hub_interface
from enigmalang.node.sortition import Candidate, draw, weight

#: How many blocks after its announcement a request may be drawn at, and how often: when a drawn node does not answer.
WITHIN, DRAWS = 4, 4
#: Blocks of which the jobs say how nodes have served.
REMEMBERED = 50_000
_DRAW, _SALT = b"enigmalang draw", b"enigmalang committee"


@dataclass(frozen=True, slots=True)
class Drawing:
    """Draw `number` at `block` of a request for `size` nodes, made at `proposer` with `nonce` (32 bytes).

    A proposer that wants another committee than the first one drawn can claim that blocks were late and nodes silent:
    it chooses from WITHIN * DRAWS draws, so a chance is at most 16 times what `sortition.risk` says. Who requests can
    request again; whoever did not request a committee itself should ask for no less than that.
    """

    proposer: str
    nonce: bytes
    size: int
    threshold: int
    block: int
    number: int

    def salt(self) -> bytes:
        """Of the committee's consent."""
        return keccak(keccak(_SALT) + self._words())

    def members(self, hub: Hub, start: int = 0) -> tuple[str, ...]:
        """Who is drawn, in order. `start`: no node registered before this block. Raises ChainError, and ValueError when
        there are too few nodes."""
        seed = keccak(keccak(_DRAW) + hub.domain.separator + self._words() + _randomness(hub.chain, self.block))
        return draw(seed, candidates(hub, self.block - 1, start), self.size)

    def _words(self) -> bytes:
        numbers = (self.size, self.threshold, self.block, self.number)
        return (bytes.fromhex(self.proposer[2:]).rjust(32, b"\0") + self.nonce.rjust(32, b"\0")
                + b"".join(number.to_bytes(32, "big") for number in numbers))


def candidates(hub: Hub, block: int, start: int = 0) -> list[Candidate]:
    """The active nodes of `block`, weighted by deposit, open jobs, and how the jobs of their committees ended."""
    events = hub.events(["Registered"], start, block)
    addresses = sorted({str(event.fields["node"]).lower() for event in events})
    minimum = max(1, hub.minimum_deposit(block))
    found = []
    nodes = _asked(hub, "node", addresses, block)
    serves = _asked(hub, "committees_of", addresses, block)
    numbers = sorted({number for committees in serves for number in committees})
    open_jobs = {number: state[3] for number, state in zip(
        numbers, _asked(hub, "committee", numbers, block), strict=True)}
    served, faults = _records(hub, block, start)
    for address, words, committees in zip(addresses, nodes, serves, strict=True):
        node = Node(*words)
        if not node.leaves:
            found.append(Candidate(address, weight(
                node.deposit, minimum, sum(open_jobs[c] for c in committees), sum(served[c] for c in committees),
                sum(faults[c] for c in committees))))
    return found


def _asked(hub: Hub, name: str, args: Sequence[object], block: int) -> list[tuple[Any, ...]]:
    """A view of the hub, of each of `args`."""
    method = hub_interface().methods[name]
    if not args:
        return []
    answers = hub.chain.calls([(hub.address, method.encode((arg,))) for arg in args], block)
    return [tuple(method.decode(answer)[0]) for answer in answers]


def _records(hub: Hub, block: int, start: int) -> tuple[Counter[int], Counter[int]]:
    """By committee: how many jobs it has ended, and how many it has let expire."""
    first = max(start, block - REMEMBERED)
    served: Counter[int] = Counter()
    faults: Counter[int] = Counter()
    committees: dict[int, int] = {}
    for event in hub.events(["Opened", "Settled", "Failed", "Expired"], first, block):
        job = int(event.fields["job"])
        if event.name == "Opened":
            committees[job] = int(event.fields["committee"])
        elif job in committees:
            (faults if event.name == "Expired" else served)[committees[job]] += 1
    return served, faults


def _randomness(chain: Chain, block: int) -> bytes:
    found = chain.ask("eth_getBlockByNumber", quantity(block), False)
    if found is None:
        raise ChainError(f"the chain has no block {block}")
    mixed = unhexed(found.get("mixHash") or "0x")
    return mixed if any(mixed) else unhexed(found["hash"])
