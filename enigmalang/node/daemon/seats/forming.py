"""Forming a committee on request: it is drawn by the chain's randomness, and each member repeats the draw before it
agrees (`node.draws` says what can be chosen).

The node that is asked announces the request to all nodes; the draw's block comes after that, so nobody knows the
outcome when it is asked for. Members agree once to a draw, with those alone whose request they have heard. The
requester sends the committee to the hub, and pays for that: nodes spend nothing on strangers.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic

from enigmalang.chain import development
from enigmalang.chain.digests import consent_digest
from enigmalang.chain.errors import ChainError
from enigmalang.node.daemon.seats import messages as sm
from enigmalang.node.daemon.seats.here import Here
from enigmalang.node.draws import DRAWS, WITHIN, Drawing
from enigmalang.sharing.structure import structure
from enigmalang.transport.peering.errors import PeeringError, PeerUnreachable, Refusal

#: Seconds that a consent is good for.
CONSENT_SECONDS = 600
#: Requests of one proposer that are remembered, and how many it may make in so many seconds: each is a draw.
REMEMBERED, REQUESTS, SECONDS = 256, 60, 600.0
#: Committees in which a node serves at most: the hub takes 32.
SERVES = 31
#: A committee is formed to serve fewer jobs of a contract than this, or any number.
MOST_JOBS = 1 << 32
#: Committees that are formed at once by one node: each may wait for a block.
AT_ONCE = 4
#: Seconds for a new block.
BLOCK_SECONDS = 60.0


class CannotForm(Exception):
    """No committee could be formed now; the text says why."""


@dataclass(frozen=True, slots=True)
class Consented:
    """A committee that its members have agreed to: what `hub.form` takes, and which draw it is."""

    drawing: Drawing
    members: tuple[str, ...]
    until: int
    signatures: tuple[bytes, ...]


@dataclass(slots=True)
class _Heard:
    """A request, and the newest block when it was heard."""

    size: int
    threshold: int
    block: int
    rotation: int = 0
    without: tuple[str, ...] = ()
    agreed: int = -1  # the last draw that was agreed to


def check_size(size: int, threshold: int) -> None:
    """Raises ValueError for what committees cannot be: 2t+1 to 9 nodes, so that masks need no meeting."""
    if not 3 <= size <= 9 or not 1 <= threshold <= (size - 1) // 2:
        raise ValueError(f"{size} nodes with threshold {threshold}: a committee has 3 to 9 nodes, and at least 2t+1")
    structure(size, threshold)


class Forming:
    """Both ends of it, at one node. `peers` gives the addresses of the other active nodes; `start`: the block from
    which on nodes have registered. Threads may share one."""

    def __init__(self, here: Here, peers: Callable[[], tuple[str, ...]], start: int) -> None:
        self._here, self._peers, self._start = here, peers, start
        self._lock = threading.Lock()
        self._heard: OrderedDict[tuple[str, bytes], _Heard] = OrderedDict()
        self._times: dict[str, list[float]] = {}
        self._forms = threading.Semaphore(AT_ONCE)

    # ---- a member

    def heard(self, proposer: str, request: sm.Propose) -> sm.Heard:
        """A request is announced. Raises Refusal for more than a proposer may make."""
        try:
            check_size(request.size, request.threshold)
            block = self._here.hub.chain.block_number()
        except (ValueError, ChainError) as error:
            raise Refusal(str(error)) from None
        with self._lock:
            now = monotonic()
            times = self._times[proposer] = [t for t in self._times.get(proposer, []) if now - t < SECONDS]
            if (proposer, request.nonce) in self._heard:
                raise Refusal("a request that was made before")
            if len(times) >= REQUESTS:
                raise Refusal(f"more than {REQUESTS} requests in {SECONDS:g} seconds")
            times.append(now)
            self._heard[proposer, request.nonce] = _Heard(
                request.size, request.threshold, block, request.rotation, request.without)
            own = [key for key in self._heard if key[0] == proposer]
            for old in own[:-REMEMBERED]:
                del self._heard[old]
        return sm.Heard(block)

    def agree(self, proposer: str, request: sm.Agree) -> sm.Agreed:
        """This node's consent to a draw, which it has repeated. Raises Refusal."""
        here, hub = self._here, self._here.hub
        with self._lock:
            drawing, heard = self._drawing(proposer, request.nonce, request.block, request.number)
            if request.number <= heard.agreed:
                raise Refusal(f"draw {request.number} of this request")
            heard.agreed = request.number
        try:
            members = self._members(drawing)
            if here.key.address not in members:
                raise Refusal("this node is not drawn")
            if len(hub.committees_of(here.key.address)) >= SERVES:
                raise Refusal("this node serves in as many committees as it can")
            if not 0 < request.until - hub.chain.block().time <= 2 * CONSENT_SECONDS:
                raise Refusal("a consent for another time than now")
        except (ChainError, ValueError) as error:
            raise Refusal(str(error)) from None
        digest = consent_digest(hub.domain, members, drawing.threshold, drawing.salt(), request.until, heard.rotation)
        return sm.Agreed(here.key.sign(digest).to_bytes())

    def drawn(self, proposer: str, nonce: bytes, block: int, number: int, before: tuple[str, ...], most: int
              ) -> tuple[str, ...]:
        """Who was drawn, as of a request that was announced here: without `most` members of the committee `before` at
        most. A later draw counts when somebody of each one before it cannot serve, as this node sees it. Raises
        Refusal."""
        with self._lock:
            drawing, heard = self._drawing(proposer, nonce, block, number)
        if len(heard.without) > most or not set(heard.without) <= set(before):
            raise Refusal("nodes are left out that may not be")
        try:
            for earlier in range(number):
                if not self._silent(replace(drawing, number=earlier)):
                    raise Refusal(f"draw {earlier} of this request could serve")
            return self._members(drawing)
        except (ChainError, ValueError) as error:
            raise Refusal(str(error)) from None

    def _silent(self, drawing: Drawing) -> bool:
        """Whether somebody who was drawn does not answer this node, or has no place left. Raises ChainError,
        ValueError."""
        here, me = self._here, self._here.key.address
        members = drawing.members(here.hub, self._start)
        if any(len(here.hub.committees_of(member)) >= SERVES for member in members):
            return True
        asked = {place: member for place, member in enumerate(members) if member != me}
        answers = here.ask_all(asked, lambda _: sm.WantPlan(bytes(32)), here.pace.ask)
        return any(isinstance(answer, PeerUnreachable) for answer in answers.values())

    def enough(self, size: int) -> bool:
        """Whether so many nodes answer, this one too."""
        nothing = sm.WantPlan(bytes(32))
        answers = self._here.ask_all(dict(enumerate(self._peers())), lambda _: nothing, self._here.pace.ask)
        return 1 + sum(not isinstance(answer, PeerUnreachable) for answer in answers.values()) >= size

    def _drawing(self, proposer: str, nonce: bytes, block: int, number: int) -> tuple[Drawing, _Heard]:
        """Under the lock."""
        heard = self._heard.get((proposer, nonce))
        if heard is None:
            raise Refusal("a request that was not announced here")
        if not heard.block < block <= heard.block + WITHIN:
            raise Refusal(f"a draw at block {block} of a request that was made at {heard.block}")
        if not 0 <= number < DRAWS:
            raise Refusal(f"draw {number} of this request")
        return Drawing(proposer, nonce, heard.size, heard.threshold, block, number, heard.without), heard

    def _members(self, drawing: Drawing) -> tuple[str, ...]:
        """Who is drawn; who is left out does not answer this node either."""
        self._here.await_block(drawing.block)
        members = drawing.members(self._here.hub, self._start)
        asked = {place: address for place, address in enumerate(drawing.without) if address != self._here.key.address}
        nothing = sm.WantPlan(bytes(32))
        for place, answer in self._here.ask_all(asked, lambda _: nothing, self._here.pace.ask).items():
            if not isinstance(answer, PeerUnreachable):
                raise Refusal(f"{drawing.without[place]} is left out, and is there")
        if self._here.key.address in drawing.without:
            raise Refusal("this node is left out, and is there")
        return members

    # ---- the node that is asked

    def form(self, size: int, threshold: int, nonce: bytes, rotation: int = 0, without: tuple[str, ...] = ()
             ) -> Consented:
        """A committee for a request. Raises CannotForm, ChainError, and ValueError for an impossible one."""
        check_size(size, threshold)
        if not 0 <= rotation < MOST_JOBS:
            raise ValueError("a rotation is a number of jobs")
        if not self._forms.acquire(blocking=False):
            raise CannotForm("other committees are being formed")
        try:
            return self._formed(sm.Propose(size, threshold, nonce, rotation, without))
        finally:
            self._forms.release()

    def _formed(self, propose: sm.Propose) -> Consented:
        here, me, size = self._here, self._here.key.address, propose.size
        try:
            own = self.heard(me, propose)
        except Refusal as refusal:
            raise CannotForm(str(refusal)) from None
        answers = here.ask_all(dict(enumerate(self._peers())), lambda _: propose, here.pace.ask)
        blocks = [own.block, *(answer.block for answer in answers.values() if isinstance(answer, sm.Heard))]
        if len(blocks) < size:
            raise CannotForm(f"{len(blocks)} nodes answer, and a committee of {size} is asked for")
        highest = max(block for block in blocks if block < own.block + WITHIN)
        block = self._await_block(highest + 1)
        reason = ""
        for number in range(DRAWS):
            drawing = Drawing(me, propose.nonce, size, propose.threshold, block, number, propose.without)
            try:
                members = drawing.members(here.hub, self._start)
            except ValueError as error:
                raise CannotForm(f"there are not enough nodes: {error}") from None
            consented = self._ask_members(drawing, members)
            if isinstance(consented, Consented):
                return consented
            reason = consented
        raise CannotForm(reason)

    def _ask_members(self, drawing: Drawing, members: tuple[str, ...]) -> Consented | str:
        """Their consent, or why there is none."""
        here = self._here
        until = here.hub.chain.block().time + CONSENT_SECONDS
        agree = sm.Agree(drawing.nonce, drawing.block, drawing.number, until)
        others = {seat: address for seat, address in enumerate(members) if address != here.key.address}
        found: dict[int, sm.Answer | PeeringError] = dict(here.ask_all(others, lambda _: agree, here.pace.ask))
        for seat in set(range(len(members))) - others.keys():
            try:
                found[seat] = self.agree(here.key.address, agree)
            except Refusal as refusal:
                return f"{members[seat]}: {refusal}"
        signatures = []
        for seat, address in enumerate(members):
            answer = found[seat]
            if not isinstance(answer, sm.Agreed):
                return str(answer) if isinstance(answer, PeeringError) else f"{address} does not agree"
            signatures.append(answer.signature)
        return Consented(drawing, members, until, tuple(signatures))

    def _await_block(self, number: int) -> int:
        """Wait for block `number`; a development chain makes none by itself. Raises CannotForm and ChainError."""
        chain, began = self._here.hub.chain, monotonic()
        while chain.block_number() < number:
            if chain.development:
                development.advance(chain, blocks=1)
            elif monotonic() - began > BLOCK_SECONDS:
                raise CannotForm(f"the chain has made no block for {BLOCK_SECONDS:g} seconds")
            self._here.stop.wait(0.0 if chain.development else self._here.pace.poll)
            if self._here.stop.is_set():
                raise CannotForm("the node is stopping")
        return number
