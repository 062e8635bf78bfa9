"""Who else holds what this node keeps, and what is to be done when they are too few.

Every holder asks the others from time to time whether they are there and still have it (`watch`). When one is gone, or
away for longer than a stated time, a holder looks the key up anew and copies the value to who should have it
(`review`, by `dht.repair`).

Who holds a value stays a holder as long as it is among the nodes nearest to the key: free space and deposits change all
the time, and count only when a new holder is chosen. Of too many holders those go that rendezvous hashing without
weights puts last, which all see alike: so they do not all go at the same time.

What has just come here is being handed to others too, and a node that starts is mostly not the only one: so a value
that was not yet seen on enough nodes is given the same time before this node copies it.

Where rent is asked for, a value has as many holders as its lease pays, and who is paid makes the copies: of others no
node would take them (`ledger.check_taker`).
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import monotonic

from enigmalang.dht.ids import key_id
from enigmalang.dht.placement import rank
from enigmalang.dht.records import SignedRecord
from enigmalang.dht.repair import Held, Step, next_step
from enigmalang.node.daemon.config import StorageOptions
from enigmalang.node.daemon.storing import messages as m
from enigmalang.node.daemon.storing.driver import Driver
from enigmalang.node.daemon.storing.keeper import Keeper, offered
from enigmalang.node.daemon.storing.pushing import CannotPush, Courier
from enigmalang.node.daemon.storing.view import View
from enigmalang.transport.peering.errors import PeeringError
from enigmalang.wire import dht_messages as dm
from enigmalang.wire.errors import WireError

#: Peers that are asked at once.
AT_ONCE = 8
#: A holder that another should have copied from copies itself when it finds the same lack so often.
PATIENT_LOOKS = 2


class Copies:
    """For one thread, but for `around`. `lookups` may raise TimeoutError, which `review` lets through."""

    def __init__(self, keeper: Keeper, driver: Driver, view: View, courier: Courier, options: StorageOptions,
                 stop: Event, clock: Callable[[], float] = monotonic) -> None:
        self._keeper, self._driver, self._view, self._courier = keeper, driver, view, courier
        self._replicas, self._patience, self._stop, self._clock = options.replicas, options.away_seconds, stop, clock
        self._others: dict[bytes, set[str]] = {}  # name -> who else held it when last asked
        self._away: dict[str, float] = {}  # who did not answer, since when
        self._lacks: dict[bytes, dict[str, int]] = {}  # name -> who lacks it, at how many looks
        self._settles: dict[bytes, tuple[bytes, float]] = {}  # name -> version, from when on this node copies it
        self._pool = ThreadPoolExecutor(AT_ONCE, "dht-watch")
        self.made = 0

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def forget(self, name: bytes) -> None:
        """It is not kept any more."""
        self._others.pop(name, None)
        self._settles.pop(name, None)
        self._lacks.pop(name, None)

    # ---- looking

    def watch(self, newcomers: bool) -> set[bytes]:
        """Ask the other holders of everything that is kept; gives the names that are to be reviewed. With `newcomers`
        among the nodes also those that had too few holders to choose from."""
        review: set[bytes] = set()
        asked: dict[str, list[tuple[bytes, bytes]]] = {}
        for signed in self._keeper.shelf.records():
            record = signed.record
            name = m.name_of(record.db, record.key)
            known = self._others.get(name)
            if known is None or (newcomers and len(known) + 1 < self._replicas):
                review.add(name)
            for peer in known or ():
                asked.setdefault(peer, []).append((name, offered(record)))
        answers = self._ask_all({peer: [offer for _, offer in names] for peer, names in asked.items()})
        for peer, names in asked.items():
            have = answers.get(peer)
            if have is None and not self._lost(peer):
                continue
            for place, (name, _) in enumerate(names):
                if have is None or not have[place]:
                    self._others[name].discard(peer)
                    review.add(name)
        return review

    def _lost(self, peer: str) -> bool:
        """Whether a node that does not answer is not waited for any longer."""
        since = self._away.get(peer)
        return self._view.place(peer) is None or (since is not None and self._clock() - since >= self._patience)

    def _ask_all(self, asked: dict[str, list[bytes]]) -> dict[str, list[bool]]:
        """What each of these nodes has; those that do not answer are left out, and noted as away."""
        found = dict(zip(asked, self._pool.map(self._have, asked, asked.values()), strict=True))
        for peer, have in found.items():
            if have is None:
                self._away.setdefault(peer, self._clock())
            else:
                self._away.pop(peer, None)
        return {peer: have for peer, have in found.items() if have is not None}

    def _have(self, peer: str, offers: Sequence[bytes]) -> list[bool] | None:
        have: list[bool] = []
        for first in range(0, len(offers), dm.MAX_OFFER):
            some = list(offers[first : first + dm.MAX_OFFER])
            try:
                answer = self._courier.ask(peer, dm.Offer(0, some))
            except (PeeringError, WireError):
                return None
            if not isinstance(answer, dm.Have) or len(answer.have) != len(some):
                return None
            have += answer.have
        return have

    # ---- mending

    def review(self, name: bytes) -> bool:
        """See that a value is where it should be; whether it is now. Raises ChainError, TimeoutError."""
        signed = self._keeper.kept(*m.split_name(name))
        if signed is None or not self._keeper.current(signed):
            self.forget(name)
            return True  # what is not whole others copy here, and what is not current goes by itself
        refused: set[str] = set()
        while not self._stop.is_set():
            done = self._review(name, signed, refused)
            if done is not None:
                return done
        return False

    def _review(self, name: bytes, signed: SignedRecord, refused: set[str]) -> bool | None:
        """None: a node refused, and another may be there. It is in `refused` then."""
        record, me = signed.record, self._driver.me
        paid = self._keeper.ledger.paid_holders(record)
        wanted = self._replicas if paid is None else max(1, min(self._replicas, len(paid)))
        known = self._others.get(name, set())
        there, takers = self._driver.find(key_id(name)), [
            node for node in self._driver.rank(name, record.size) if node not in refused]
        candidates = ({*there, *takers} | known) - {me}
        answers = self._ask_all({peer: [offered(record)] for peer in candidates})
        confirmed = {peer for peer, have in answers.items() if have[0]} | {me}
        waited_for = {peer for peer in known - answers.keys() if not self._lost(peer)}
        holders = confirmed | waited_for
        order = _order(name, self._near(name, {me, *there, *waited_for}), holders, takers)
        order.sort(key=lambda node: node not in (paid or ()))  # who is paid keeps it rather than others
        step = next_step([Held(name, record.size, frozenset(holders))], holders | answers.keys(), wanted,
                         lambda key, living: [node for node in order if node in living])
        self._others[name] = holders - {me}
        settled = self._settled(name, offered(record), len(holders) >= wanted)
        if settled and (paid is None or me in paid) and self._lacking(name, step, signed, refused):
            return None
        if any(drop.node == me for drop in step.drops) and confirmed.issuperset(order[:wanted]):
            if self._keeper.shelf.record(record.db, record.key) == signed:  # and not a newer one by now
                self._keeper.shelf.drop(record.db, record.key)
                self._keeper.shelf.sweep()
            self.forget(name)
            return True
        return len(self._others[name]) + 1 >= min(wanted, len(self._view.addresses()))

    def _settled(self, name: bytes, version: bytes, enough: bool) -> bool:
        """Whether who lacks this version is not waited for: it is on `enough` nodes, or was, or had the time for it."""
        now = self._clock()
        known, since = self._settles.get(name, (b"", now))
        if known != version:
            since = now + self._patience
        self._settles[name] = version, min(since, now) if enough else since
        return enough or since <= now

    def _lacking(self, name: bytes, step: Step, signed: SignedRecord, refused: set[str]) -> bool:
        """Copy what this node is to copy. Whether a node refused."""
        lacking = {copy.target for copy in step.copies}
        looks = {node: count for node, count in self._lacks.pop(name, {}).items() if node in lacking}
        if lacking:
            self._lacks[name] = looks
        for copy in step.copies:
            looks[copy.target] = looks.get(copy.target, 0) + 1
            if copy.source != self._driver.me and looks[copy.target] < PATIENT_LOOKS:
                continue
            try:
                self._courier.push(copy.target, signed)
            except CannotPush:
                refused.add(copy.target)
                return True
            self.made += 1
            self._others[name].add(copy.target)
            del looks[copy.target]
        return False

    def _near(self, name: bytes, nodes: Iterable[str]) -> list[str]:
        """Those of `nodes` that stand nearest to a key."""
        target = key_id(name)
        places = {node: place for node in nodes if (place := self._view.place(node)) is not None}
        return sorted(places, key=lambda node: places[node] ^ target)[: self._driver.k]


def _order(name: bytes, near: Collection[str], holders: Iterable[str], takers: Sequence[str]) -> list[str]:
    """Who should hold a value, the best first: holders near to it, then who would take it, then other holders."""
    ranked = rank(name, dict.fromkeys(holders, 1))
    inside = [node for node in ranked if node in near]
    return [*inside, *(node for node in takers if node not in ranked), *(n for n in ranked if n not in near)]
