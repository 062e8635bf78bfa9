"""Who is a peer: the nodes of the hub, kept up to date from its events.

An event says whom it is about; what such a node is, the hub is asked, as of the newest block that counts
(`confirmations` deep). So a reorganisation, whatever it undoes, only makes the node ask again. A node that was slashed
or has withdrawn is out as soon as any block says so: believing it too early costs one peer for a moment, too late,
secrets.
"""

import sqlite3
import threading
from collections.abc import Iterable

from enigmalang.chain.client import Chain, Log
from enigmalang.chain.follow import Follower, Notice, ReorganisedTooFar
from enigmalang.chain.hub import Hub, Node, hub_interface, read_event
from enigmalang.ethereum.words import address_word
from enigmalang.node.daemon.endpoints import BadEndpoint, read_endpoint
from enigmalang.node.daemon.registry_file import Claim, Known, Member, RegistryFile
from enigmalang.transport.peering.contacts import Contact

#: What changes who is a peer, or how it is reached; and by which a node is one no more.
CHANGES = ("Registered", "Updated", "ToppedUp", "Leaving", "Withdrawn", "Slashed", "Formed", "Unseated")
ENDS = ("Withdrawn", "Slashed")
#: Nodes that are asked for in one message to the chain.
BATCH = 200
#: Blocks without anything new after which it is kept that there was nothing.
QUIET = 100


class HubRegistry:
    """The registry of peering (`transport.peering.contacts`). `step` is for one thread, everything else for any.

    `kept`: where what is known outlives the process; from there it goes on, while the chain has the block up to which
    that is known. `start`: a block before which the hub said nothing.
    """

    def __init__(self, hub: Hub, start: int = 0, kept: RegistryFile | None = None) -> None:
        self._hub, self._start, self._kept = hub, start, kept
        self._saved: int | None = None  # the block up to which is kept what is known; None: what is kept is not so
        self._placed = False  # until it is known where the hub was made
        self._lock = threading.Lock()
        self._out: frozenset[str] = frozenset()
        self._now = 0
        self.height = 0
        self.version = 0  # another one when who is a peer, or by which certificate, has changed
        self._peers: frozenset[tuple[bytes, str]] = frozenset()
        self._begin(kept.load() if kept is not None else None)

    def _begin(self, known: Known | None = None) -> None:
        """Know that and nothing else, and read the chain from there, or from where the hub was made."""
        topics = [hub_interface().event(name).topic for name in CHANGES]
        after = (known.block, known.hash) if known is not None else None
        follower = Follower(self._hub.chain, self._hub.address, [topics], start=self._start, after=after)
        with self._lock:
            self._follower = follower
            self._waiting: list[Notice] = []  # read, and not yet taken in
            self._members: dict[str, Member] = dict(known.members) if known is not None else {}
            self._claims: dict[str, list[Claim]] = {}
            if known is not None:
                self._claims = {address: list(claims) for address, claims in known.claims.items()}
            self._holders: dict[bytes, str] = {}
            self.block = known.block if known is not None else self._start - 1  # up to which everything is known
            self._saved = known.block if known is not None else None

    def _begin_anew(self) -> None:
        """Raises ChainError."""
        if not self._placed:
            self._start = max(self._start, self._hub.first_block())
            self._placed = True
        self._begin()

    # ---- what peering asks

    def who(self, fingerprint: bytes) -> str | None:
        """The address of the node with this certificate; None for strangers."""
        with self._lock:
            address = self._holders.get(fingerprint)
            return address if address is not None and self._takes_part(address) else None

    def contact(self, address: str) -> Contact | None:
        """Where a node is reached; None for strangers, and for nodes whose endpoint is none."""
        with self._lock:
            member = self._members.get(address)
            if member is None or not self._takes_part(address) or self._holders.get(member.fingerprint) != address:
                return None
        try:
            endpoint = read_endpoint(member.endpoint)
        except BadEndpoint:
            return None
        return Contact(address, endpoint.host, endpoint.port, member.fingerprint) if endpoint.port else None

    # ---- what others ask

    def member(self, address: str) -> Member | None:
        """A node, whether it takes part or not; None for a stranger."""
        with self._lock:
            return self._members.get(address)

    def members(self) -> tuple[Member, ...]:
        """The nodes that take part, by address."""
        with self._lock:
            return tuple(self._members[each] for each in sorted(self._members) if self._takes_part(each))

    # ---- keeping up

    def step(self) -> frozenset[str]:
        """Read what is new; gives whom it was about. Raises ChainError, then nothing has changed."""
        if not self._placed and self._saved is None:
            self._begin_anew()
        try:
            self._waiting += self._follower.poll()
        except ReorganisedTooFar:
            self._begin_anew()
            self._waiting += self._follower.poll()
        notices, block = self._waiting, self._follower.next_block - 1
        if block < self._start:
            if notices:
                self._begin()  # all of it is gone
            return frozenset()
        height = self._hub.chain.block_number()
        now = self._hub.chain.block(block).time
        touched = frozenset(address for notice in notices for address in _about(notice.log))
        found = _ask(self._hub, sorted(touched), block)
        out = self._ended(block, height)
        with self._lock:
            for notice in notices:
                self._claim(notice)
            for member in found:
                if member.deposit:
                    self._members[member.address] = member
                else:
                    self._members.pop(member.address, None)
            self._waiting = []
            self._holders = self._held()
            self._out, self._now, self.block, self.height = out, now, block, height
            peers = frozenset((fingerprint, address) for fingerprint, address in self._holders.items()
                              if self._takes_part(address))
            self.version += peers != self._peers
            self._peers = peers
        self._save(touched)
        return touched

    def _save(self, touched: frozenset[str]) -> None:
        """A disk that takes nothing costs time at the next start: all is read anew."""
        place = self._follower.place
        if self._kept is None or place is None or place[0] != self.block:
            return
        if not touched and self._saved is not None and self.block < self._saved + QUIET:
            return
        known = Known(self.block, place[1], self._members, self._claims)
        try:
            self._kept.save(known, None if self._saved is None else touched)
            self._saved = self.block
        except sqlite3.Error:
            self._saved = None

    def _takes_part(self, address: str) -> bool:
        member = self._members.get(address)
        return member is not None and address not in self._out and member.bound(self._now)

    def _ended(self, block: int, height: int) -> frozenset[str]:
        """Who is out by blocks that do not count yet."""
        if height <= block:
            return frozenset()
        events = self._hub.events(ENDS, block + 1)
        return frozenset(address for event in events for address in _about(event.log))

    def _claim(self, notice: Notice) -> None:
        """Remember since when a node has its certificate: who copies another's, for the deposit of a node, must not
        take its place."""
        event = read_event(notice.log)
        if event.name not in ("Registered", "Updated", *ENDS):
            return
        address = next(iter(_about(notice.log)))
        at = (notice.log.block, notice.log.index)
        claims = self._claims.setdefault(address, [])
        if notice.removed:
            self._claims[address] = [claim for claim in claims if claim[0] != at]
            return
        print_ = b"" if event.name in ENDS else bytes(event.fields["fingerprint"])
        if not claims or claims[-1][1] != print_:
            claims.append((at, print_))

    def _held(self) -> dict[bytes, str]:
        """Certificate -> who was first to have it, of those who have it."""
        since: dict[bytes, tuple[tuple[int, int], str]] = {}
        for address, member in self._members.items():
            claims = self._claims.get(address, [])
            at = next((at for at, each in reversed(claims) if each == member.fingerprint), (self._start, 0))
            since[member.fingerprint] = min((at, address), since.get(member.fingerprint, (at, address)))
        return {fingerprint: address for fingerprint, (_, address) in since.items()}


def read_member(hub: Hub, address: str, block: int | None = None) -> Member:
    """A node as the hub has it, at `block` or now; its deposit is 0 for a stranger. Raises ChainError."""
    return _ask(hub, [address], hub.chain.block_number() if block is None else block)[0]


def _ask(hub: Hub, addresses: list[str], block: int) -> list[Member]:
    node, serves = (hub_interface().methods[name] for name in ("node", "committees_of"))
    found = []
    for first in range(0, len(addresses), BATCH):
        some = addresses[first : first + BATCH]
        calls = [(hub.address, method.encode((address,))) for address in some for method in (node, serves)]
        answers = hub.chain.calls(calls, block)
        for index, address in enumerate(some):
            if not answers[2 * index]:  # before the hub was made
                found.append(Member(address, bytes(32), bytes(32), "", 0, 0, ()))
                continue
            known = Node(*node.decode(answers[2 * index])[0])
            committees = tuple(serves.decode(answers[2 * index + 1])[0])
            found.append(Member(address, known.key, known.fingerprint, known.endpoint, known.deposit, known.leaves,
                                committees))
    return found


def _about(log: Log) -> Iterable[str]:
    """The nodes that an event of the hub is about."""
    event = read_event(log)
    if event.name == "Formed":
        return tuple(str(member).lower() for member in event.fields["members"])
    return (str(event.fields["accused" if event.name == "Slashed" else "node"]).lower(),)


def ever_registered(chain: Chain, hub: Hub, address: str, start: int) -> bool:
    """Whether `address` was a node of the hub at any time since block `start`. Raises ChainError."""
    topic = address_word(address)
    first = max(start, hub.first_block())
    return bool(chain.logs(hub.address, [hub_interface().event("Registered").topic, topic], first))
