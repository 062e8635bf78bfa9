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
from enigmalang.ethereum.words import address_word, number_word
from enigmalang.node.sortition import Candidate, draw, weight

#: How many blocks after its announcement a request may be drawn at, and how often: when a drawn node does not answer.
WITHIN, DRAWS = 4, 4
#: How often a member may request a successor of its committee on one day.
ATTEMPTS, DAY = 8, 86_400
#: Seconds after midnight for which the requests of the day before count.
GRACE = 3_600
#: Blocks of which the jobs say how nodes have served.
REMEMBERED = 50_000
_DRAW, _SALT, _SUCCESSOR = b"enigmalang draw", b"enigmalang committee", b"enigmalang successor"


@dataclass(frozen=True, slots=True)
class Drawing:
    """Draw `number` at `block` of a request for `size` nodes, made at `proposer` with `nonce` (32 bytes); `without` are
    nodes that did not answer then, which who is drawn has seen for itself.

    A proposer that wants another committee than the first one drawn can claim that blocks were late and nodes silent:
    it chooses from WITHIN * DRAWS draws, so a chance is at most 16 times what `sortition.risk` says. Who requests can
    request again; whoever did not request a committee itself should ask for no less than that.

    A successor is requested by a member of the committee that hands over, which might grind. Its requests are named
    (`successor_nonce`), so it has ATTEMPTS of them on one day; a later draw of one counts only where a drawn node does
    not answer the old members either; and nobody is left out but t old members that do not answer them. A leader thus
    chooses from ATTEMPTS * WITHIN = 32 draws a day (in the first hour, those of the day before too; and DRAWS times as
    many where its accomplices are drawn and play dead), t leaders from t times as many.

    That an attempt failed is not proven: the hub has no trace of one, for a committee that was drawn and not formed is
    nobody's but the leader's. Nor would it help to have attempts come one after the other: who waits for a draw that
    suits it sees no fewer draws, for it stops at the first. So where one draw suits an adversary with probability p
    (`sortition.risk`), a hand-over that one member can lead suits it with at most 1 - (1 - p)^32, which is less than
    32 p, on each day on which it is due and no other member has led it (the others' turns come after `Pace.turn`
    seconds each). Who needs p below 2^-k asks for committees with a risk below 2^-(k + 5) / t.
    """

    proposer: str
    nonce: bytes
    size: int
    threshold: int
    block: int
    number: int
    without: tuple[str, ...] = ()

    def salt(self) -> bytes:
        """Of the committee's consent."""
        return keccak(keccak(_SALT) + self._words())

    def members(self, hub: Hub, start: int = 0) -> tuple[str, ...]:
        """Who is drawn, in order. `start`: no node registered before this block. Raises ChainError, and ValueError when
        there are too few nodes."""
        seed = keccak(keccak(_DRAW) + hub.domain.separator + self._words() + _randomness(hub.chain, self.block))
        there = [each for each in candidates(hub, self.block - 1, start) if each.address not in self.without]
        return draw(seed, there, self.size)

    def _words(self) -> bytes:
        numbers = (self.size, self.threshold, self.block, self.number)
        return (address_word(self.proposer) + self.nonce.rjust(32, b"\0") + b"".join(map(number_word, numbers))
                + b"".join(bytes.fromhex(address[2:]) for address in self.without))


def successor_nonce(committee: int, what: bytes, day: int, attempt: int) -> bytes:
    """Of a member's request for a successor of `committee`: `what` is it for, on which day of the chain (from 1970)."""
    return keccak(keccak(_SUCCESSOR) + b"".join(map(number_word, (committee, day, attempt))) + keccak(what))


def day_of(chain: Chain, ago: int = 0) -> int:
    """The day, by the newest block, so many seconds ago. Raises ChainError."""
    return (chain.block().time - ago) // DAY


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
                node.deposit, minimum, sum(open_jobs[c] for c in committees), served[address], faults[address])))
    return found


def _asked(hub: Hub, name: str, args: Sequence[object], block: int) -> list[tuple[Any, ...]]:
    """A view of the hub, of each of `args`."""
    method = hub_interface().methods[name]
    if not args:
        return []
    answers = hub.chain.calls([(hub.address, method.encode((arg,))) for arg in args], block)
    return [tuple(method.decode(answer)[0]) for answer in answers]


def _records(hub: Hub, block: int, start: int) -> tuple[Counter[str], Counter[str]]:
    """By node: how many jobs the committees of which it was a member have ended, and how many they have let expire. A
    job is that of the committee that ended it, or that served its contract at its deadline: it may have come with its
    contract from another one."""
    first = max(start, block - REMEMBERED)
    served: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    deadlines: dict[int, int] = {}
    moves: dict[str, list[tuple[int, int]]] = {}  # the block from which a committee serves a contract
    members = {int(event.fields["committee"]): [str(member).lower() for member in event.fields["members"]]
               for event in hub.events(["Formed"], start, block)}
    for event in hub.events(["Opened", "Reattached", "Slashed", "Settled", "Failed", "Expired"], first, block):
        fields, job = event.fields, int(event.fields.get("job", 0))
        match event.name:
            case "Opened":
                deadlines[job] = int(fields["deadline"])
                moves.setdefault(fields["contract"], [(event.log.block, int(fields["committee"]))])
            case "Reattached":
                moves.setdefault(fields["contract"], []).append((event.log.block, int(fields["successor"])))
            case "Slashed" if job in deadlines:
                deadlines[job] = int(fields["deadline"])
            case "Settled" | "Failed" if job in deadlines:
                served.update(members.get(moves[fields["contract"]][-1][1], ()))
            case "Expired" if job in deadlines:
                at = _serving_at(hub.chain, moves[fields["contract"]], deadlines[job])
                faults.update(members.get(at, ()))
    return served, faults


def _serving_at(chain: Chain, moves: list[tuple[int, int]], time: int) -> int:
    """The committee that served a contract at a time, or the first one that is known."""
    for block, committee in reversed(moves[1:]):
        if chain.block(block).time <= time:
            return committee
    return moves[0][1]


def _randomness(chain: Chain, block: int) -> bytes:
    found = chain.ask("eth_getBlockByNumber", quantity(block), False)
    if found is None:
        raise ChainError(f"the chain has no block {block}")
    mixed = unhexed(found.get("mixHash") or "0x")
    return mixed if any(mixed) else unhexed(found["hash"])
