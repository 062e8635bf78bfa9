"""A node of the DHT as a pure state machine: Kademlia (Maymounkov and Mazières, IPTPS 2002) among registered nodes.

`Machine.handle(event, now)` returns what is to be done; it has no sockets, threads, clock or randomness of its own, so
the daemon and the simulator run the same code.

Adversary: some of the registered nodes, which may say anything. Channels are authenticated, so who sent a message is
certain. Against them: only nodes that are registered on the hub are ever asked or inserted; only nodes that were heard
themselves are inserted, never those that others name; a reply counts only from whom was asked and for an open request;
nodes that answer stay in the table (see `buckets`); a lookup asks some of my own contacts whatever others say, and a
bounded number in all (see `lookup`); a value counts when storage has checked it. Colluding nodes can still keep quiet
about honest ones: a lookup fails if all that it asks lie (of 2,000 nodes with a fifth that tell of each other only, no
lookup of 300 did, with half of them 1 in 75: `simulator --liars`). Where a node stands: see `ids`. Cost of a lookup: 2
to 4 steps one after the other among up to 10,000 nodes, growing with the logarithm, and about 25 requests at k = 20.

Not as in the paper: values are not cached along the path of a lookup, since holders are chosen and paid.
"""

from collections import deque
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, assert_never

from enigmalang.dht import ports
from enigmalang.dht.buckets import Table
from enigmalang.dht.errands import Errand, Placing, Query, best_holders
from enigmalang.dht.ids import bytes_id, id_bytes, key_id, place_in_bucket
from enigmalang.dht.lookup import Lookup
from enigmalang.dht.ports import Chore, Effect, Event, Members
from enigmalang.dht.settings import Settings
from enigmalang.wire import dht_messages as wire


class Machine:
    """The node that is registered under `me` and stands at `place`. `salt` (any bytes, best unknown to others) varies
    the targets of refreshes and the times of chores. Not thread-safe: one caller at a time.
    """

    def __init__(self, me: str, place: int, members: Members, salt: bytes, settings: Settings | None = None) -> None:
        self.me = me
        self.settings = settings or Settings()
        self._place = place
        self._members = members
        self._salt = salt
        self._table = Table(place, self.settings.k, self.settings.patience, self.settings.pause)
        self._neighbours: list[int] = []
        self._bootstrap: list[int] = []
        self._joined = False
        self._placed = float("-inf")  # when my own place was looked up
        self._free = 0
        self._queries: dict[int, Query] = {}
        self._number = 0
        self._draws = 0
        self._chores: deque[int] = deque()
        self._chore: Errand | None = None
        self._now = 0.0
        self._out: list[Effect] = []

    def handle(self, event: Event, now: float) -> list[Effect]:
        """Take in what happened at `now`; returns what is to be done, in order."""
        self._now = now
        self._out = []
        match event:
            case ports.Heard(sender, message):
                self._heard(sender, message)
            case ports.Fired(timer):
                self._fired(timer)
            case ports.Lost(peer, number):
                if number in self._queries and self._queries[number].peer == peer:
                    self._silent(number)
            case ports.Judged(number, version):
                self._judged(number, version)
            case ports.Left(address, place):
                self._left(address, place)
            case ports.Room(free):
                self._free = max(0, free)
            case ports.Join():
                self._join(event)
            case ports.Find(_, target):
                self._look(target, event)
            case ports.Rank(_, key, _) | ports.Get(_, key, _) | ports.Put(_, key, _, _):
                self._look(key_id(key), event)
            case _:
                assert_never(event)
        self._go_on()
        return self._out

    # --- the table ---

    def contacts(self) -> list[str]:
        """The nodes in the table, from my nearest bucket outwards, in each the least recently seen first."""
        return self._names(list(self._table))

    def snapshot(self) -> dict[str, Any]:
        """The table as plain data (JSON), for `restore` after a restart."""
        return {"version": 1, "contacts": self.contacts()}

    def restore(self, plain: object) -> None:
        """Take in the contacts of a snapshot, as far as they are still registered, before the first event. ValueError
        if it is none.
        """
        match plain:
            case {"version": 1, "contacts": [*contacts]} if all(isinstance(contact, str) for contact in contacts):
                places = map(self._members.place, dict.fromkeys(contacts))
                self.know(place for place in places if place is not None)
            case _:
                raise ValueError("not a snapshot of a routing table")

    def know(self, places: Iterable[int]) -> None:
        """Begin with these contacts (each once), before the first event."""
        self._table.load(places)
        self._neighbours = self._table.nearest(self._place, self.settings.k, stale=False)

    def _seen(self, place: int) -> None:
        if place == self._place:
            return
        returned = self._table.is_stale(place)
        if self._table.touch(place) and not returned:
            return
        oldest = self._table.add(place, self._now)
        if oldest is not None:
            self._ping(oldest)
        near = self._neighbours
        if len(near) < self.settings.k or place ^ self._place < near[-1] ^ self._place:
            self._review()

    def _failed(self, place: int, pinged: bool) -> None:
        self._table.failed(place, pinged)
        self._review()

    def _left(self, address: str, place: int) -> None:
        self._table.forget(place)
        if place in self._neighbours:
            self._neighbours.remove(place)
            self._out.append(ports.Neighbour(address, here=False))
            self._review()

    def _review(self) -> None:
        """Tell storage whose place among my neighbours changed."""
        before, self._neighbours = (
            self._neighbours, self._table.nearest(self._place, self.settings.k, stale=False))
        for address in self._names([place for place in before if place not in self._neighbours]):
            self._out.append(ports.Neighbour(address, here=False))
        for address in self._names([place for place in self._neighbours if place not in before]):
            self._out.append(ports.Neighbour(address, here=True))

    def _names(self, places: list[int]) -> list[str]:
        return [address for place in places if (address := self._members.address(place)) is not None]

    # --- messages ---

    def _heard(self, sender: str, message: wire.Request | wire.Reply) -> None:
        place = self._place if sender == self.me else self._members.place(sender)
        if place is None:
            return
        if isinstance(message, wire.Reply):
            self._reply(sender, place, message)
            return
        self._seen(place)
        match message:
            case wire.Ping(number):
                self._out.append(ports.Answer(sender, wire.Pong(number)))
            case wire.FindNode(number, target):
                self._out.append(ports.Answer(sender, self._nodes(number, bytes_id(target), place)))
            case wire.FindValue(number, key):
                self._out.append(ports.Hand(sender, message, self._nodes(number, key_id(key), place)))
            case wire.Store() | wire.Offer():
                self._out.append(ports.Hand(sender, message))
            case _:
                assert_never(message)

    def _nodes(self, number: int, target: int, asking: int) -> wire.Nodes:
        near = self._table.nearest(target, self.settings.k + 1, stale=False)
        others = [place for place in near if place != asking][:self.settings.k]
        return wire.Nodes(number, self._names(others), self._free)

    def _reply(self, sender: str, place: int, message: wire.Reply) -> None:
        query = self._queries.get(message.number)
        if query is None or query.peer != sender or query.record is not None:
            return  # not asked for, or not of this node
        del self._queries[message.number]
        match query.task, message:
            case Errand() as errand, wire.Nodes():
                self._seen(place)
                self._learn(errand, place, message)
            case Errand(purpose=ports.Get(key=key)) as errand, wire.Value():
                self._seen(place)
                self._check(errand, query, key, message)
            case Placing() as placing, wire.Stored():
                self._seen(place)
                placing.answered(sender, message.accepted)
                self._place_on(placing)
            case None, wire.Pong():
                self._seen(place)
            case _:  # a reply, but to another question
                self._give_up(query, silent=False)

    def _learn(self, errand: Errand, place: int, message: wire.Nodes) -> None:
        named = (self._members.place(address) for address in message.nodes[:self.settings.k])
        errand.free[place] = message.free
        errand.lookup.answered(place, [other for other in named if other is not None])
        self._advance(errand)

    def _check(self, errand: Errand, query: Query, key: bytes, message: wire.Value) -> None:
        number = self._next_number()  # the timer of the question still runs under the old one
        self._queries[number] = Query(query.peer, query.place, errand, message.record)
        self._out.append(ports.Check(number, key, message.record))
        self._out.append(ports.SetTimer(self._now + self.settings.check, ports.NoReply(number)))

    def _judged(self, number: int, version: int | None) -> None:
        query = self._queries.get(number)
        if query is None or query.record is None:
            return
        del self._queries[number]
        assert isinstance(query.task, Errand)
        if version is None:
            query.task.lookup.failed(query.place)
        else:
            query.task.take(query.record, version, query.peer)
            query.task.lookup.answered(query.place, [])
        self._advance(query.task)

    def _fired(self, timer: ports.Timer) -> None:
        match timer:
            case ports.NoReply(number):
                self._silent(number)
            case ports.Every(chore):
                self._do(chore)
            case _:
                assert_never(timer)

    def _silent(self, number: int) -> None:
        query = self._queries.pop(number, None)
        if query is not None:
            self._give_up(query, silent=True)

    def _give_up(self, query: Query, silent: bool) -> None:
        if query.record is None and query.place != self._place:
            self._failed(query.place, pinged=query.task is None)
        match query.task:
            case Errand() as errand:
                errand.lookup.failed(query.place, silent and query.record is None)
                self._advance(errand)
            case Placing() as placing:
                placing.answered(query.peer, accepted=False)
                self._place_on(placing)

    def _ping(self, place: int) -> None:
        address = self._members.address(place)
        if address is not None:
            self._send(address, place, None, wire.Ping(self._next_number()))

    def _send(self, peer: str, place: int, task: Errand | Placing | None, message: wire.Request) -> None:
        self._queries[message.number] = Query(peer, place, task)
        self._out.append(ports.Ask(peer, message))
        self._out.append(ports.SetTimer(self._now + self.settings.reply, ports.NoReply(message.number)))

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    # --- lookups ---

    def _look(self, target: int, purpose: ports.LocalRequest | None) -> None:
        known = self._table.nearest(target, self.settings.k)
        if len(known) < self.settings.k:
            known += self._bootstrap
        self._table.looked(target, self._now)
        if target == self._place:
            self._placed = self._now
        s = self.settings
        if purpose is None and target != self._place:
            lookup = Lookup(target, self._place, known, min(s.fill, s.k), s.alpha, s.budget)
        else:
            lookup = Lookup(target, self._place, known, s.k, s.alpha, s.budget, s.anchors)
        errand = Errand(purpose, lookup)
        if purpose is None:
            self._chore = errand
        self._advance(errand)

    def _advance(self, errand: Errand) -> None:
        if errand.finished:
            return
        while not errand.satisfied and (places := errand.lookup.next()):
            for place in places:
                address = self._members.address(place)
                if address is None:
                    errand.lookup.failed(place)  # has left meanwhile
                else:
                    self._send(address, place, errand, self._question(errand))
        if errand.satisfied:
            errand.finished = True
            self._finish(errand)

    def _question(self, errand: Errand) -> wire.Request:
        if isinstance(errand.purpose, ports.Get):
            return wire.FindValue(self._next_number(), errand.purpose.key)
        return wire.FindNode(self._next_number(), id_bytes(errand.lookup.target))

    def _finish(self, errand: Errand) -> None:
        lookup = errand.lookup
        messages = lookup.asked + lookup.answers
        match errand.purpose:
            case None:
                self._chore = None
            case ports.Join(ticket, _) | ports.Find(ticket, _):
                self._out.append(ports.Found(ticket, tuple(self._names(lookup.found())), lookup.hops, messages))
                if isinstance(errand.purpose, ports.Join):
                    self._refresh()
            case ports.Rank(ticket, key, size):
                self._out.append(ports.Found(ticket, tuple(self._best(errand, key, size)), lookup.hops, messages))
            case ports.Get(ticket, _, _):
                self._out.append(ports.Got(ticket, errand.record, tuple(errand.holders), lookup.hops, messages))
            case ports.Put(_, key, record, _) as put:
                self._place_on(Placing(put, self._best(errand, key, len(record))))
            case _:
                assert_never(errand.purpose)

    def _best(self, errand: Errand, key: bytes, size: int) -> list[str]:
        free = {**errand.free, self._place: self._free}
        near = sorted([*errand.lookup.found(), self._place], key=errand.lookup.target.__xor__)[:self.settings.k]
        return best_holders(key, size, {place: free[place] for place in near}, self._members)

    def _place_on(self, placing: Placing) -> None:
        while peers := placing.next():
            for peer in peers:
                place = self._place if peer == self.me else self._members.place(peer)
                if place is None:
                    placing.answered(peer, accepted=False)  # has left meanwhile
                else:
                    self._send(peer, place, placing, self._storing(placing.put))
        if placing.waiting == 0:
            self._out.append(ports.Placed(placing.put.ticket, tuple(placing.holders), tuple(placing.refused)))

    def _storing(self, put: ports.Put) -> wire.Store:
        return wire.Store(self._next_number(), put.key, put.record)

    # --- chores ---

    def _join(self, request: ports.Join) -> None:
        places = (self._members.place(address) for address in request.bootstrap)
        self._bootstrap = [place for place in places if place is not None]
        if not self._joined:
            self._joined = True
            for chore, period in ((Chore.REFRESH, self.settings.retry), (Chore.REPUBLISH, self._about(
                    self.settings.republish)), (Chore.EXPIRE, self._about(self.settings.expire))):
                self._out.append(ports.SetTimer(self._now + period, ports.Every(chore)))
        self._look(self._place, request)

    def _do(self, chore: Chore) -> None:
        match chore:
            case Chore.REFRESH:
                alone = not self._table.nearest(self._place, 1, stale=False)
                period = self.settings.retry if alone else self._about(self.settings.refresh)
                if alone:
                    self._chores.append(self._place)
                else:
                    self._refresh()
            case Chore.REPUBLISH:
                period = self._about(self.settings.republish)
                self._out.append(ports.Due(chore))
            case Chore.EXPIRE:
                period = self._about(self.settings.expire)
                self._out.append(ports.Due(chore))
            case _:
                assert_never(chore)
        self._out.append(ports.SetTimer(self._now + period, ports.Every(chore)))

    def _refresh(self) -> None:
        """Look up a place in every bucket that was not looked at for long, and then my own; one after the other."""
        if self._chores or self._chore is not None:
            return
        since = self._now - self.settings.refresh / 2
        for number in self._table.unlooked(since):
            self._chores.append(place_in_bucket(self._place, number, self._draw()))
        if self._placed <= since:
            self._chores.append(self._place)

    def _go_on(self) -> None:
        while self._chore is None and self._chores:
            self._look(self._chores.popleft(), None)

    def _about(self, period: float) -> float:
        """Three to five quarters of a period, so that not all nodes work at the same time."""
        return period * (0.75 + self._draw()[0] / 512)

    def _draw(self) -> bytes:
        self._draws += 1
        return blake2b(self._salt + self._draws.to_bytes(8, "big"), digest_size=16).digest()
