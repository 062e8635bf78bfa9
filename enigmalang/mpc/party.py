"""A party: its place, its keys, its channel, its counters; and the round, in which sub-protocols share frames."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import TypeVar

import numpy as np

from enigmalang.fields import Field, Raw
from enigmalang.mpc.counters import Counters
from enigmalang.mpc.stock import Stock
from enigmalang.mpc.tables import Tables
from enigmalang.sharing import Keys, Structure
from enigmalang.sharing.streams import Streams
from enigmalang.transport.network import Network, PeerError
from enigmalang.wire.frames import Buffer

#: Elements that are worked out, sent and received at a time: large rounds go in such pieces (measured: 2^16 to 2^18 are
#: much alike; smaller ones cost more than they hide).
PIECE = 1 << 17

T = TypeVar("T")
Finish = Callable[[], T]  # called after the round's exchange, gives the sub-protocol's result
Slot = Callable[[], memoryview]


class Party:
    """One of n parties in a session; every party runs the same protocols in the same order.

    `keys` are the committee's (see `mpc.setup`), `session` is a name never used before with these keys: all
    pseudo-random draws are keyed by it and by a running instruction number.
    """

    def __init__(self, network: Network, keys: Keys, field: Field, session: bytes) -> None:
        if network.me != keys.me or network.n != keys.structure.n:
            raise ValueError("the network and the keys belong to different parties")
        self.network = network
        self.me = network.me
        self.field = field
        self.session = session
        self.structure: Structure = keys.structure
        self.n, self.t = self.structure.n, self.structure.t
        self.held = self.structure.held(self.me)  # the sets A this party is in; its replicated pieces' order
        self.pieces = self.structure.pieces(self.me)
        self.streams = Streams(keys.derive(b"session/" + session))
        self.counters = Counters()
        self.ahead = Counters()  # of preprocessing, apart from the runs'
        self.stock = Stock(field, self.pieces)
        self.tables = Tables(field, self.pieces)
        self._instruction = 0
        self._tag = 0
        self._outstanding: deque[_Part] = deque()  # told, not heard yet, in this order

    def fresh(self) -> int:
        """A new instruction number for pseudo-random draws, equal at all parties."""
        self._instruction += 1
        return self._instruction

    @property
    def drawn(self) -> int:
        """Instruction numbers given so far: where the streams of all parties must be."""
        return self._instruction

    @contextmanager
    def counting_ahead(self) -> Iterator[None]:
        """What is done inside counts as preprocessing."""
        online, self.counters = self.counters, self.ahead
        try:
            yield
        finally:
            self.counters = online

    def round(self) -> Round:
        return Round(self)

    def exchange(self, sends: dict[int, list[memoryview]], expects: dict[int, int]) -> dict[int, memoryview]:
        """As `swap`, a frame in parts."""
        return self.swap(_joined(sends), expects)

    def swap(self, frames: Mapping[int, Buffer], expects: dict[int, int]) -> dict[int, memoryview]:
        """One round on the network, counted. Raises PeerError."""
        if self._outstanding:
            self._heard(self._outstanding[-1])
        counters = self.counters
        self._tag += 1
        began = perf_counter()
        received = self.network.exchange(self._tag, frames, expects)
        counters.add_seconds("network", perf_counter() - began)
        counters.rounds += 1
        for frame in frames.values():
            counters.bytes_sent += len(frame)
        return self._sized(received, expects)

    def tell(self, frames: Mapping[int, Buffer]) -> int:
        """The first half of a round that `hear` ends, by the number returned; no other round may lie between."""
        self._tag += 1
        self.network.post(self._tag, frames)
        self.counters.bytes_sent += sum(len(frame) for frame in frames.values())
        return self._tag

    def hear(self, tag: int, expects: dict[int, int]) -> dict[int, memoryview]:
        """The second half of a round. Raises PeerError."""
        if self._outstanding:
            self._heard(self._outstanding[-1])
        began = perf_counter()
        received = self.network.fetch(tag, expects)
        self.counters.add_seconds("network", perf_counter() - began)
        self.counters.rounds += 1
        return self._sized(received, expects)

    def flush(self) -> None:
        """Wait until the peers have taken what was sent them, for its memory. Between rounds only. Raises PeerError."""
        began = perf_counter()
        self.network.flush()
        self.counters.add_seconds("network", perf_counter() - began)

    def _tell_part(self, part: _Part) -> None:
        """Send a part of a round; it is heard later, in the order of telling. Rounds are counted by who cuts them."""
        part.tag = self.tell(_joined(part.sends))
        part.sends = {}
        self._outstanding.append(part)

    def _heard(self, wanted: _Part) -> dict[int, memoryview]:
        """What came of a part, after all that was told before it. Raises PeerError."""
        while wanted.data is None:
            part = self._outstanding.popleft()
            began = perf_counter()
            received = self.network.fetch(part.tag, part.expects)
            self.counters.add_seconds("network", perf_counter() - began)
            part.data = self._sized(received, part.expects)
        return wanted.data

    def _sized(self, received: Mapping[int, Buffer], expects: dict[int, int]) -> dict[int, memoryview]:
        views = {}
        for peer, size in expects.items():
            views[peer] = view = memoryview(received[peer])
            if len(view) != size:
                raise PeerError(peer, f"sent {len(view)} bytes where {size} were due")
            self.counters.bytes_received += size
        return views

    def elements_from(self, peer: int, data: memoryview, shape: tuple[int, ...]) -> Raw:
        """A peer's field elements. Raises PeerError when one is not reduced."""
        try:
            return self.field.from_bytes(data, shape)
        except ValueError as fault:
            raise PeerError(peer, str(fault)) from fault


class _Part:
    """What is sent and expected at a time: a whole round, mostly. A frame for each peer."""

    __slots__ = ("data", "expects", "sends", "tag")

    def __init__(self) -> None:
        self.sends: dict[int, list[memoryview]] = {}
        self.expects: dict[int, int] = {}
        self.data: dict[int, memoryview] | None = None  # None until it is heard
        self.tag = 0


class Round:
    """One round shared by several sub-protocols: each queues what it sends and expects, in the same order at
    every party; `run` exchanges one frame with each peer; then their finishers read what came.

    A large round goes in parts, each a frame for each peer, so that one travels while the next is worked out:
    `post_part` sends what is queued so far. Parts are cut by public sizes, alike at every party, and still are one
    round. What came is then received when a finisher first reads it.
    """

    __slots__ = ("_cut", "_part", "_party", "_told")

    def __init__(self, party: Party) -> None:
        self._party = party
        self._part = _Part()
        self._cut = self._told = False

    def send(self, peer: int, words: Raw) -> None:
        """Queue a contiguous array; it must not change afterwards."""
        self._part.sends.setdefault(peer, []).append(words.reshape(-1).view(np.uint8).data)

    def expect(self, peer: int, nbytes: int) -> Slot:
        party, part = self._party, self._part
        start = part.expects.get(peer, 0)
        part.expects[peer] = start + nbytes

        return lambda: party._heard(part)[peer][start : start + nbytes]

    @property
    def queued(self) -> int:
        """Bytes that wait to be sent."""
        return sum(buffer.nbytes for buffers in self._part.sends.values() for buffer in buffers)

    def post_part(self) -> None:
        """Send what is queued so far; more follows."""
        self._cut = True
        self._party._tell_part(self._part)
        self._part = _Part()

    def post(self) -> None:
        """Send the rest, if that is not done, and do not wait: the first half of `run`, uncounted (`mpc.pipeline`)."""
        if not self._told:
            self._told = True
            self._party._tell_part(self._part)

    def run(self) -> None:
        """Exchange. A round in which this party has nothing to send or expect still counts as a round."""
        if self._cut:
            self.post()
        if self._told:
            self._party.counters.rounds += 1
        else:
            sends, self._part.sends = self._part.sends, {}  # this round may live longer
            self._part.data = self._party.exchange(sends, self._part.expects)

    @staticmethod
    def run_all(rounds: Sequence[Round]) -> None:
        """Rounds of protocols that know nothing of each other, as one: a frame with the parts of all, in this order.

        Where one is so large that it goes in parts, each keeps frames of its own, and is waited for when it is read.
        """
        first, *others = rounds
        if not others:
            first.run()
            return
        party, parts = first._party, [round_._part for round_ in rounds]
        if any(round_._cut or round_._told for round_ in rounds):
            for round_ in rounds:
                round_.post()
            party.counters.rounds += 1
            return
        whole = _Part()
        for part in parts:
            for peer, buffers in part.sends.items():
                whole.sends.setdefault(peer, []).extend(buffers)
            for peer, size in part.expects.items():
                whole.expects[peer] = whole.expects.get(peer, 0) + size
        rest = party.exchange(whole.sends, whole.expects)
        for part in parts:
            part.data = {peer: rest[peer][:size] for peer, size in part.expects.items()}
            rest |= {peer: rest[peer][size:] for peer, size in part.expects.items()}


def _joined(sends: dict[int, list[memoryview]]) -> dict[int, Buffer]:
    return {peer: parts[0] if len(parts) == 1 else b"".join(parts) for peer, parts in sends.items()}


def alone(party: Party, begin: Callable[[Round], Finish[T]]) -> T:
    """A sub-protocol in a round of its own."""
    round_ = party.round()
    finish = begin(round_)
    round_.run()
    return finish()
