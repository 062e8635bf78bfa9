"""Private state that this member lacks comes back from the others, who reveal nothing (`sharing.recovery`).

Who was away when a job was fulfilled has not what it wrote, nor has who lost its disk. It asks the others what is
public of the state under the chain's root; what more than t of them say is so. Then t + 1 or more send it blinded
shares, of which it makes its own. A member answers each request once, and for its own committee's members alone.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping

from enigmalang.chain.hub import EMPTY
from enigmalang.fields import field_named
from enigmalang.node.daemon.seats import messages as sm
from enigmalang.node.daemon.seats.here import Here, Place
from enigmalang.node.daemon.seats.kept import Kept
from enigmalang.node.durable.errors import StateError
from enigmalang.node.durable.handover import (
    decode_layout,
    encode_layout,
    filled,
    kinds_of,
    part_of,
    shares_of,
    state_at,
)
from enigmalang.node.durable.settling import chain_root
from enigmalang.node.durable.sqlite import CommitteeState
from enigmalang.sharing import Keys, Share
from enigmalang.sharing.faults import SharingError
from enigmalang.sharing.kinds import Kind
from enigmalang.sharing.recovery import Helper, Request, answer_bytes, restore
from enigmalang.sharing.structure import Structure, structure
from enigmalang.transport.peering.errors import Refusal
from enigmalang.wire.check import FIELDS

#: Values of contracts may be many.
SECONDS = 60.0
#: Of shares that are asked for at once: an answer goes into a frame (`peering.limits`).
PART_BYTES = 2 << 20


class _Counters:
    """`sharing.recovery.Counters`: on the disk before they are used."""

    def __init__(self, kept: Kept, committee: int) -> None:
        self._kept, self._committee = kept, committee

    def get(self, seat: int, default: int) -> int:
        found = self._kept.counter(self._committee, seat)
        return default if found is None else found

    def __setitem__(self, seat: int, counter: int) -> None:
        self._kept.keep_counter(self._committee, seat, counter)


class Helping:
    """What a member does for one that lacks something. Threads may share one."""

    def __init__(self, here: Here, place: Place, state: CommitteeState) -> None:
        self._here, self._place, self._state = here, place, state
        self._one = threading.Lock()  # a counter is looked up and kept without another answer in between

    def layout(self, request: sm.WantLayout) -> sm.Layout:
        """What is public of a contract's state at a root. Raises Refusal when it is not here."""
        try:
            values = state_at(self._state, request.contract, request.root)
        except StateError as error:
            raise Refusal(str(error)) from None
        if values is None:
            raise Refusal("this node has not that state")
        return sm.Layout(encode_layout(values))

    def shares(self, seat: int, request: sm.WantShares) -> sm.Shares:
        """Blinded shares for the member `seat`. Raises Refusal."""
        if request.field not in FIELDS or min(request.first, request.count) < 0:
            raise Refusal("a field that there is none of, or no part")
        try:
            values = state_at(self._state, request.contract, request.root)
            keys = kept_keys(self._place, self._state)
            if values is None or keys is None:
                raise Refusal("this node has not that state")
            shape = structure(len(self._place.members), self._place.threshold)
            part = part_of(values, request.first, request.count)
            shares = shares_of(part, field_named(request.field), shape.pieces(self._place.me))
            helper = Helper(keys.derive(b"recovery"), _Counters(self._here.kept, self._place.committee))
            with self._one:
                return sm.Shares(helper.answer(Request(request.root, seat, request.counter), shares))
        except (StateError, SharingError, ValueError) as error:
            raise Refusal(str(error)) from None


class Recovery:
    """What a member does that lacks something. Used by one thread."""

    def __init__(self, here: Here, place: Place, state: CommitteeState, keys: Keys) -> None:
        self._here, self._place, self._state, self._keys = here, place, state, keys

    def catch_up(self, contract: str, field: str, block: int) -> bool:
        """Get the private state of `contract` as it says at `block`: see `get`. Raises ChainError, StateError."""
        return self.get(contract, field, chain_root(self._here.hub, contract, block))

    def get(self, contract: str, field: str, there: bytes) -> bool:
        """Get the private state of `contract` with root `there`, when it is neither current nor staged here: whether it
        was. Raises StateError."""
        here = self._state.root(contract)
        if there in (here, EMPTY) or any(
                (stage.before, stage.root) == (here, there) for stage in self._state.staged(contract)):
            return False
        got = self._recovered(contract, field, there)
        log, name = self._here.log, "private state recovered" if got else "private state is missing"
        (log.info if got else log.warning)(name, committee=self._place.committee, contract=contract)
        return got

    def _recovered(self, contract: str, field: str, root: bytes) -> bool:
        place, here = self._place, self._here
        want = sm.WantLayout(place.committee, contract, root)
        told = here.ask_all(place.others, lambda _: want, here.pace.ask)
        layouts = {seat: answer.data for seat, answer in told.items() if isinstance(answer, sm.Layout)}
        counted = Counter(layouts.values()).most_common(1)
        if not counted or counted[0][1] <= place.threshold:
            return False
        try:
            layout = decode_layout(counted[0][0])
        except StateError:
            return False
        helpers = {seat: place.members[seat - 1] for seat, data in layouts.items() if data == counted[0][0]}
        shape, first, values, liars = self._keys.structure, 0, dict[str, Share](), set[int]()
        try:
            for kinds in parts_of(shape, place.me, kinds_of(layout, field_named(field))):
                part = sm.WantShares(place.committee, contract, root, field, self._counter(), first, len(kinds))
                found = restore(shape, place.me, kinds, self._asked(helpers, part))
                first, values, liars = first + len(kinds), values | found.values, liars | {*found.liars}
            self._state.replace(contract, root, filled(layout, values))
        except (SharingError, StateError) as error:
            here.log.warning("shares do not fit together", committee=place.committee, reason=str(error))
            return False
        if liars:
            here.log.warning("wrong shares", committee=place.committee, seats=sorted(liars))
        return True

    def _asked(self, helpers: Mapping[int, str], part: sm.WantShares) -> dict[int, bytes]:
        sent = self._here.ask_all(helpers, lambda _: part, SECONDS)
        return {seat: answer.data for seat, answer in sent.items() if isinstance(answer, sm.Shares)}

    def _counter(self) -> int:
        """Larger than any before: from the clock, which may have gone back, and from what was kept when it was asked
        last. Who has lost that too waits until its clock is where it was. Raises StateError."""
        kept, committee, me = self._here.kept, self._place.committee, self._place.me
        counter = max(time.time_ns(), (kept.counter(committee, me) or 0) + 1)
        kept.keep_counter(committee, me, counter)  # in the place of this seat, which never helps itself
        return counter


def parts_of(shape: Structure, me: int, kinds: Mapping[str, Kind]) -> Iterator[dict[str, Kind]]:
    """The values in parts whose answers go into a frame; a value that is larger than one is a part of its own."""
    part, room = dict[str, Kind](), PART_BYTES
    helper = 1 if me != 1 else 2
    for name, kind in kinds.items():
        size = answer_bytes(shape, helper, me, {name: kind})
        if part and size > room:
            yield part
            part, room = {}, PART_BYTES
        part[name] = kind
        room -= size
    if part:
        yield part


def kept_keys(place: Place, state: CommitteeState) -> Keys | None:
    """The committee's keys, once all members are known to have kept theirs. Raises StateError."""
    kept = state.keys()
    if kept is None or not kept[1]:
        return None
    try:
        return Keys.decode(kept[0], place.me, len(place.members), place.threshold)
    except ValueError as error:
        raise StateError(f"the kept keys of the committee do not fit it: {error}") from None
