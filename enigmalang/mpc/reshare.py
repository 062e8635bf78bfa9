"""Shares move between committees, are refreshed, or given back to a member that lost them: the messages.

All on one network of the nodes concerned. Old and new members may be the same nodes or others; errors name a node by
its number on the network. The arithmetic, and what an adversary can learn, is said in `sharing.resharing` and
`sharing.recovery`: honest but curious, t members of each committee together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from enigmalang.fields import Raw
from enigmalang.mpc.setup import exchange_keys
from enigmalang.sharing import Keys, Share, Structure, structure
from enigmalang.sharing.blinds import wire_bytes
from enigmalang.sharing.faults import SharingError
from enigmalang.sharing.kinds import Kind, kind_of, vector_of
from enigmalang.sharing.recovery import Helper, Request, Restored, answer_bytes, parse_answer, restore
from enigmalang.sharing.resharing import Dealing, deal, gather, own_part, vanishing_shares
from enigmalang.transport.network import Network, PeerError
from enigmalang.wire.frames import Buffer

DIGEST_BYTES = 32
#: Tags that one resharing, refresh or recovery uses, from the one it is given.
TAGS = 4


@dataclass(frozen=True, slots=True)
class Members:
    """A committee among the nodes of a network: `seats[j - 1]` is the network's number of its party j.

    Raises ValueError for sizes that no committee has, or one node on two seats.
    """

    seats: tuple[int, ...]
    t: int
    wide: bool | None = None

    def __post_init__(self) -> None:
        if len(set(self.seats)) != len(self.seats):
            raise ValueError("a node has two seats")
        structure(len(self.seats), self.t, self.wide)

    @property
    def shape(self) -> Structure:
        return structure(len(self.seats), self.t, self.wide)

    def party(self, number: int) -> int | None:
        """The seat of a node of the network; None for one that is no member."""
        return self.seats.index(number) + 1 if number in self.seats else None

    def node(self, party: int) -> int:
        """The network's number of a party."""
        return self.seats[party - 1]

    def describe(self) -> bytes:
        return f"{self.seats}/{self.t}/{self.shape.wide}".encode()


class Seated:
    """The network as the members of a committee see it: parties 1..n. Its errors name parties of the committee."""

    def __init__(self, network: Network, members: Members) -> None:
        """Raises ValueError for a node that is no member."""
        party = members.party(network.me)
        if party is None:
            raise ValueError("this node is no member of the committee")
        self.me = party
        self.n = len(members.seats)
        self._network = network
        self._members = members

    def exchange(
        self, tag: int, sends: Mapping[int, Buffer], expects: Mapping[int, int]
    ) -> dict[int, memoryview | bytes]:
        """See `Network.exchange`."""
        self.post(tag, sends)
        return self.fetch(tag, expects)

    def post(self, tag: int, sends: Mapping[int, Buffer]) -> None:
        """See `Network.post`."""
        try:
            self._network.post(tag, {self._members.node(peer): frame for peer, frame in sends.items()})
        except PeerError as error:
            raise self._renamed(error) from error

    def fetch(self, tag: int, expects: Mapping[int, int]) -> dict[int, memoryview | bytes]:
        """See `Network.fetch`."""
        try:
            got = self._network.fetch(tag, {self._members.node(peer): size for peer, size in expects.items()})
        except PeerError as error:
            raise self._renamed(error) from error
        return {peer: got[self._members.node(peer)] for peer in expects}

    def flush(self) -> None:
        """See `Network.flush`."""
        try:
            self._network.flush()
        except PeerError as error:
            raise self._renamed(error) from error

    def _renamed(self, error: PeerError) -> PeerError:
        return PeerError(self._members.party(error.peer) or error.peer, error.reason)


@dataclass(frozen=True, slots=True)
class Move:
    """Arrays of `kinds` go from one committee to another, `dealers` (t + 1 parties of the old one) deal them.

    `name` tells this attempt from others: what is moved, and why, such as the state's root and an epoch. All nodes
    have the same, or they notice. Raises ValueError unless the dealers are t + 1 different members.
    """

    name: bytes
    old: Members
    new: Members
    dealers: tuple[int, ...]
    kinds: tuple[Kind, ...]

    def __post_init__(self) -> None:
        shape = self.old.shape
        if len(set(self.dealers)) != shape.t + 1 or not set(self.dealers) <= set(shape.parties):
            raise ValueError(f"{shape.t + 1} different members of the old committee deal")

    def digest(self) -> bytes:
        """Different moves have different ones."""
        parts = [self.name, self.old.describe(), self.new.describe(), repr(self.dealers).encode()]
        return _digest(b"enigmalang/move", [*parts, *(kind.describe() for kind in self.kinds)])

    def dealing(self, dealer: int) -> Dealing:
        return Dealing(self.new.shape, dealer, self.kinds)


def reshare(network: Network, tag: int, move: Move, values: Sequence[Share] | None) -> list[Share] | None:
    """A new member's new shares; None for who is no new member. `values` are a dealer's shares, others give None.
    Who neither deals nor receives has nothing to do.

    Dealers that fail are named by PeerError: call again, on a network without them, with other dealers
    (`sharing.resharing.choose_dealers`) and another name. That is safe any number of times, for nothing that is dealt
    is dealt twice. What is returned becomes current, and old shares are erased, when all have confirmed and the ledger
    says so; until then both are kept: who returns knows that all new members have their shares, not that all know.

    Adversary: honest but curious, t of the old and t' of the new members together. Two rounds: dealing (32 bytes and
    the message of `sharing.resharing`), then every new member confirms (32 bytes to each of these). Raises PeerError
    when a node is gone, takes part in another move, or deals what has a wrong length or is no number of the field;
    ValueError when `values` do not fit.
    """
    old, new = move.old.party(network.me), move.new.party(network.me)
    if old not in move.dealers and new is None:
        return None
    dealt = _deal(move, old, values) if old in move.dealers else {}
    digest = move.digest()
    sends = {move.new.node(j): digest + body for j, body in dealt.items() if j != new}
    expects = {}
    if new is not None:
        expects = {move.old.node(i): DIGEST_BYTES + move.dealing(i).message_bytes(new)
                   for i in move.dealers if i != old}
    received = network.exchange(tag, sends, expects)
    shares = None
    if new is not None:
        bodies = _bodies(received, digest)
        messages = {i: dealt[new] if i == old else bodies[move.old.node(i)] for i in move.dealers}
        try:
            shares = gather(move.new.shape, new, move.kinds, messages)
        except SharingError as fault:
            raise PeerError(move.old.node(fault.suspects[0]), str(fault)) from fault
    _confirm(network, tag + 1, move, digest)
    return shares


def _deal(move: Move, me: int | None, values: Sequence[Share] | None) -> dict[int, bytes]:
    if me is None or values is None or tuple(kind_of(value) for value in values) != move.kinds:
        raise ValueError("a dealer needs its shares of what is moved")
    parts = [own_part(move.old.shape, move.dealers, me, value) for value in values]
    return deal(move.dealing(me), parts)


def _bodies(received: Mapping[int, Buffer], digest: bytes) -> dict[int, memoryview]:
    """What follows the digest, if it is this one. Raises PeerError."""
    out = {}
    for node, frame in received.items():
        if bytes(frame[:DIGEST_BYTES]) != digest:
            raise PeerError(node, "takes part in another move of shares, or with other members")
        out[node] = memoryview(frame)[DIGEST_BYTES:]
    return out


def _confirm(network: Network, tag: int, move: Move, digest: bytes) -> None:
    """Every new member says that it has its shares."""
    here, everyone = network.me, dict.fromkeys((*move.new.seats, *(move.old.node(i) for i in move.dealers)))
    sends = {node: digest for node in everyone if node != here} if here in move.new.seats else {}
    expects = dict.fromkeys((node for node in move.new.seats if node != here), DIGEST_BYTES)
    _bodies(network.exchange(tag, sends, expects), digest)


def refresh(network: Network, tag: int, move: Move, values: Sequence[Share] | None) -> tuple[Keys, list[Share]]:
    """New shares and new keys of the same committee: what t members knew before says nothing any more.

    All members take part, also those without a share (they get one). An adversary that was at t members before and is
    at t others after learns nothing (Herzberg et al. 1995), if honest members erase old shares and keys, and if the
    channels' keys were renewed too: with an old one it could sit in the middle of this. Three rounds: those of
    `reshare`, then the new keys' (`mpc.setup`), which owe nothing to the old ones. Raises as these do.
    """
    if move.old != move.new or network.me not in move.new.seats:
        raise ValueError("a refresh is of one committee, by its members")
    shares = reshare(network, tag, move, values)
    assert shares is not None
    try:
        keys = exchange_keys(Seated(network, move.new), move.new.t, tag + 2, move.new.wide)
    except PeerError as error:
        raise PeerError(move.new.node(error.peer), error.reason) from error
    return keys, shares


# --- recovery ---


@dataclass(frozen=True, slots=True)
class Recovery:
    """Party `request.asker` of a committee gets its shares of arrays back from `helpers`, t + 1 parties or more.

    Raises ValueError for too few helpers, or others than members without the asker.
    """

    members: Members
    request: Request
    helpers: tuple[int, ...]
    kinds: Mapping[str, Kind]

    def __post_init__(self) -> None:
        shape, helpers = self.members.shape, set(self.helpers)
        fits = helpers <= set(shape.parties) and self.request.asker in shape.parties
        if not fits or self.request.asker in helpers or not shape.t < len(helpers) == len(self.helpers):
            raise ValueError(f"{shape.t + 1} different members or more help another")

    def digest(self) -> bytes:
        """Different recoveries have different ones."""
        asked = f"{self.request.asker}/{self.request.counter}/{self.helpers}".encode()
        kinds = [part for name in sorted(self.kinds) for part in (name.encode(), self.kinds[name].describe())]
        return _digest(b"enigmalang/recovery", [self.members.describe(), self.request.root, asked, *kinds])


def ask(network: Network, tag: int, recovery: Recovery) -> Restored:
    """The asker's side: its shares, and which helpers answered wrongly, if that can be told.

    Adversary: honest but curious, t members together; with N helpers, floor((N-t-1)/2) wrong answers are corrected.
    One round, in which it sends nothing; a committee without keys of sets has one before, among the helpers. Raises
    PeerError for a helper that is gone or whose answer is malformed, SharingError when the answers contradict
    each other and it cannot be told who is wrong.
    """
    members, asker, digest = recovery.members, recovery.request.asker, recovery.digest()
    sizes = {i: DIGEST_BYTES + answer_bytes(members.shape, i, asker, recovery.kinds) for i in recovery.helpers}
    received = network.exchange(tag + 1, {}, {members.node(i): size for i, size in sizes.items()})
    bodies = _bodies(received, digest)
    answers = {i: bodies[members.node(i)] for i in recovery.helpers}
    for i, answer in answers.items():
        try:
            parse_answer(members.shape, i, asker, recovery.kinds, answer)
        except ValueError as fault:
            raise PeerError(members.node(i), str(fault)) from fault
    return restore(members.shape, asker, recovery.kinds, answers)


def help_one(
    network: Network, tag: int, recovery: Recovery, helper: Helper | None, values: Mapping[str, Share]
) -> None:
    """A helper's side; `helper` has the committee's keys, and is None where it has none for sets.

    Then t helpers deal random polynomials that vanish at the asker's point, and their sum is the blind: with the asker
    curious, one of them is not, so it is as random as with keys (Herzberg et al. 1995, §4). t messages to each helper
    of one element a number, in a round before. Raises PeerError, and as `Helper.answer`; ValueError when `values` do
    not fit.
    """
    members, here = recovery.members, recovery.members.party(network.me)
    fits = {name: kind_of(value) for name, value in values.items()} == recovery.kinds
    if here is None or here not in recovery.helpers or not fits:
        raise ValueError("a helper needs its shares of what is asked for")
    if not members.shape.subsets:
        body = b"".join(wire_bytes(row) for row in _dealt(network, tag, recovery, here, values))
    elif helper is None:
        raise ValueError("a committee with keys of sets blinds with them")
    else:
        body = helper.answer(recovery.request, values)
    network.exchange(tag + 1, {members.node(recovery.request.asker): recovery.digest() + body}, {})


def _dealt(network: Network, tag: int, recovery: Recovery, here: int, values: Mapping[str, Share]) -> list[Raw]:
    """Shares plus dealt blinds, in the order of their names. One round among the helpers."""
    members, digest, shape = recovery.members, recovery.digest(), recovery.members.shape
    rows = [vector_of(values[name]) for name in sorted(values)]
    kinds = [recovery.kinds[name] for name in sorted(values)]
    spaces = [space for kind in kinds if (space := kind.space(shape))]  # all: pieces need keys of sets
    sends: dict[int, bytes] = {}
    dealers = recovery.helpers[: shape.t]
    if here in dealers:
        blinds = [vanishing_shares(s, shape, recovery.request.asker, s.size_of(row))
                  for s, row in zip(spaces, rows, strict=True)]
        rows = [s.add(row, z[here]) for s, row, z in zip(spaces, rows, blinds, strict=True)]
        sends = {members.node(i): digest + b"".join(wire_bytes(z[i]) for z in blinds)
                 for i in recovery.helpers if i != here}
    size = DIGEST_BYTES + sum(s.unit * kind.units() for s, kind in zip(spaces, kinds, strict=True))
    expects = {members.node(dealer): size for dealer in dealers if dealer != here}
    for node, body in _bodies(network.exchange(tag, sends, expects), digest).items():
        start = 0
        for number, (space, kind) in enumerate(zip(spaces, kinds, strict=True)):
            stop = start + space.unit * kind.units()
            try:
                rows[number] = space.add(rows[number], space.read(body[start:stop], kind.units()))
            except ValueError as fault:
                raise PeerError(node, str(fault)) from fault
            start = stop
    return rows


def _digest(person: bytes, parts: Sequence[bytes]) -> bytes:
    hashed = sha256(person)
    for part in parts:
        hashed.update(len(part).to_bytes(8, "big") + part)
    return hashed.digest()
