"""Shares move between committees, are refreshed and given back over a network; nodes are missing or broken."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from resharing_helpers import KINDS, committee_of, keys_of, opened, same

from enigmalang.fields import M61
from enigmalang.mpc.multiply import mul
from enigmalang.mpc.opening import reveal
from enigmalang.mpc.party import Party
from enigmalang.mpc.reshare import TAGS, Members, Move, Recovery, Seated, ask, help_one, refresh, reshare
from enigmalang.sharing import ArithShare, Keys, Share, structure
from enigmalang.sharing.faults import SharingError
from enigmalang.sharing.kinds import Kind
from enigmalang.sharing.recovery import Helper, Request
from enigmalang.sharing.resharing import choose_dealers
from enigmalang.transport.memory import MemoryNetwork, run_parties
from enigmalang.transport.network import Network, PeerError

ORDER = sorted(KINDS)
ROOT = bytes(range(32))


def move(old: Members, new: Members, dealers: tuple[int, ...], name: bytes = b"one") -> Move:
    return Move(name, old, new, dealers, tuple(KINDS[name] for name in ORDER))


def given(members: Members, dealers: tuple[int, ...], node: int, shares: Mapping[int, Mapping[str, Share]]) -> Any:
    party = members.party(node)
    return [shares[party][name] for name in ORDER] if party in dealers else None


def by_party(members: Members, results: list[Any]) -> dict[int, dict[str, Share]]:
    """Of the members, from what every node of the network returned."""
    return {j: dict(zip(ORDER, results[members.node(j) - 1], strict=True)) for j in members.shape.parties}


def check(members: Members, shares: Mapping[int, Mapping[str, Share]], values: Mapping[str, Any]) -> None:
    for name, kind in KINDS.items():
        found = opened(members.shape, kind, {j: shares[j][name] for j in members.shape.parties})
        assert np.array_equal(found, values[name])


#: Nodes in the network, the old committee and the new one: apart, overlapping, the same, with other numbers.
COMMITTEES = [
    (6, Members((1, 2, 3), 1), Members((4, 5, 6), 1)),
    (7, Members((4, 2, 7), 1), Members((2, 1, 3, 4, 6), 2)),
    (5, Members((1, 2, 3, 4, 5), 2), Members((5, 4, 3, 2, 1), 1)),
    (9, Members(tuple(range(1, 10)), 4), Members((9, 1, 5, 3, 2, 7, 6), 3)),
    (5, Members((1, 2, 3, 4, 5), 2), Members((1, 2, 3, 4, 5), 2, True)),
]


@pytest.mark.parametrize(("nodes", "old", "new"), COMMITTEES)
def test_shares_move(nodes: int, old: Members, new: Members) -> None:
    shares, values = committee_of(old.shape)
    dealers = choose_dealers(old.shape, old.shape.parties, 1)
    there = move(old, new, dealers)
    results = run_parties(nodes, lambda net: reshare(net, 5, there, given(old, dealers, net.me, shares)))
    assert all((result is not None) == (node in new.seats) for node, result in enumerate(results, 1))
    check(new, by_party(new, results), values)


def leave(network: Network) -> None:
    """What the others notice at once when they wait for this node."""
    network.post(1 << 40, {node: b"" for node in range(1, network.n + 1) if node != network.me})


def test_others_deal_when_a_dealer_is_missing() -> None:
    """The first attempt fails at those who wait for it; the second is made without it, in the same session's network
    of those who are left.
    """
    old, new = Members((1, 2, 3, 4, 5), 2), Members((4, 5, 6), 1)
    shares, values = committee_of(old.shape)

    def attempt(dealers: tuple[int, ...], name: bytes) -> list[Any]:
        def body(network: MemoryNetwork) -> Any:
            if network.me == 2:
                return leave(network)
            try:
                return reshare(network, 1, move(old, new, dealers, name), given(old, dealers, network.me, shares))
            except PeerError as error:
                leave(network)
                return error

        return run_parties(6, body)

    failed = attempt((1, 2, 3), b"one")
    assert all(isinstance(failed[node - 1], PeerError) for node in (1, 3, 4, 5, 6))
    assert {failed[node - 1].peer for node in (4, 5, 6)} == {2}
    dealers = choose_dealers(old.shape, {1, 3, 4, 5})
    assert 2 not in dealers
    check(new, by_party(new, attempt(dealers, b"two")), values)


def test_a_dealer_without_its_shares() -> None:
    old, new = Members((1, 2, 3), 1), Members((1, 2, 3), 1)
    shares, _ = committee_of(old.shape)
    for values in (None, [], [shares[1]["a"]] * len(ORDER)):
        with pytest.raises(ValueError, match="a dealer needs"):
            reshare(memory(1), 1, move(old, new, (1, 2)), values)


def memory(me: int) -> Network:
    """A network that is not used."""
    found: list[MemoryNetwork] = run_parties(3, lambda network: network)
    return found[me - 1]


@pytest.mark.parametrize(("seats", "t"), [((1, 1, 2), 1), ((1, 2), 1), ((1, 2, 3, 4), 2)])
def test_refused_members(seats: tuple[int, ...], t: int) -> None:
    with pytest.raises(ValueError, match=r"two seats|wanted"):
        Members(seats, t)


@pytest.mark.parametrize("dealers", [(1,), (1, 1), (1, 4), (1, 2, 3)])
def test_refused_dealers(dealers: tuple[int, ...]) -> None:
    members = Members((1, 2, 3), 1)
    with pytest.raises(ValueError, match="2 different members"):
        move(members, members, dealers)


# ------------------------------------------------------------ peers that break the protocol


class Altered:
    """A network on which this node's frames of one round are not what it meant to send."""

    def __init__(self, inner: Network, tag: int, change: Callable[[bytes], bytes]) -> None:
        self.me, self.n = inner.me, inner.n
        self._inner, self._tag, self._change = inner, tag, change

    def exchange(self, tag: int, sends: Mapping[int, Any], expects: Mapping[int, int]) -> Any:
        if tag == self._tag:
            sends = {peer: self._change(bytes(frame)) for peer, frame in sends.items()}
        return self._inner.exchange(tag, sends, expects)

    def post(self, tag: int, sends: Mapping[int, Any]) -> None:
        self._inner.post(tag, sends)

    def fetch(self, tag: int, expects: Mapping[int, int]) -> Any:
        return self._inner.fetch(tag, expects)

    def flush(self) -> None:
        self._inner.flush()


def not_reduced(frame: bytes) -> bytes:
    return frame[:32] + b"\xff" * (len(frame) - 32)


CHANGES = {
    "short": (lambda frame: frame[:-1], "bytes where"),
    "long": (lambda frame: frame + b"\0", "bytes where"),
    "other move": (lambda frame: bytes(32) + frame[32:], "another move"),
    "no numbers": (not_reduced, "not reduced|behind the last"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_dealer_that_breaks_the_protocol_is_named(change: str) -> None:
    """Node 5 deals, as party 2; node 2 gets what it deals and says so."""
    old, new = Members((4, 5, 6), 1), Members((2, 1, 3), 1)
    shares, _ = committee_of(old.shape)
    alter, reason = CHANGES[change]

    def body(network: MemoryNetwork) -> Any:
        net: Network = Altered(network, 1, alter) if network.me == 5 else network
        try:
            return reshare(net, 1, move(old, new, (1, 2)), given(old, (1, 2), network.me, shares))
        except PeerError as error:
            network.fail()
            return error

    results = run_parties(6, body)
    errors = [results[node - 1] for node in (1, 2, 3) if "stopped" not in str(results[node - 1])]
    assert errors, "who has its shares from a seed has no number to check"
    assert all(isinstance(error, PeerError) and error.peer == 5 and re.search(reason, error.reason) for error in errors)


def test_nodes_that_disagree_on_what_is_moved_notice() -> None:
    old, new = Members((1, 2, 3), 1), Members((1, 2, 3), 1)
    shares, _ = committee_of(old.shape)

    def body(network: MemoryNetwork) -> Any:
        mine = move(old, new, (1, 2), b"mine" if network.me == 1 else b"theirs")
        try:
            return reshare(network, 1, mine, given(old, (1, 2), network.me, shares))
        except PeerError as error:
            network.fail()
            return error

    errors = [error for error in run_parties(3, body) if "stopped" not in error.reason]
    assert errors
    assert all("another move" in error.reason for error in errors)


# ------------------------------------------------------------ refresh


@pytest.mark.parametrize(("n", "t"), [(3, 1), (5, 2), (8, 3)])
def test_refresh_gives_new_shares_and_keys(n: int, t: int) -> None:
    """The last party had lost its shares; with the new ones and the new keys all compute together."""
    members = Members(tuple(range(n, 0, -1)), t)
    dealers = members.shape.parties[: t + 1]
    shares, values = committee_of(members.shape)
    before = keys_of(members.shape)

    def body(network: MemoryNetwork) -> Any:
        keys, fresh = refresh(network, 3, move(members, members, dealers), given(members, dealers, network.me, shares))
        party = Party(Offset(Seated(network, members), 3 + TAGS), keys, M61, b"after")
        mine = fresh[ORDER.index("a")]
        assert isinstance(mine, ArithShare)
        return keys, fresh, M61.to_ints(reveal(party, mul(party, mine, mine)))

    results = run_parties(n, body)
    after = by_party(members, [fresh for _, fresh, _ in results])
    check(members, after, values)
    for _, _, squares in results:
        assert squares.tolist() == [[centred(v * v) for v in row] for row in values["a"]]
    for party in members.shape.parties:
        keys: Keys = results[members.node(party) - 1][0]
        assert keys.me == party
        assert not chunks(keys.encode()) & chunks(before[party].encode())
        assert not any(same(after[party][name], shares[party][name]) for name in "abcdf")


def centred(value: int) -> int:
    value %= M61.p
    return value - M61.p if value > M61.p // 2 else value


def chunks(data: bytes) -> set[bytes]:
    return {data[k : k + 32] for k in range(0, len(data), 32)}


class Offset(Altered):
    """A network whose tags begin later: rounds of a party after those of a refresh."""

    def __init__(self, inner: Network, start: int) -> None:
        super().__init__(inner, -1, bytes)
        self._start = start

    def exchange(self, tag: int, sends: Mapping[int, Any], expects: Mapping[int, int]) -> Any:
        return super().exchange(tag + self._start, sends, expects)

    def post(self, tag: int, sends: Mapping[int, Any]) -> None:
        super().post(tag + self._start, sends)

    def fetch(self, tag: int, expects: Mapping[int, int]) -> Any:
        return super().fetch(tag + self._start, expects)


def test_refused_refreshes() -> None:
    one, other = Members((1, 2, 3), 1), Members((3, 2, 1), 1)
    with pytest.raises(ValueError, match="of one committee"):
        refresh(memory(1), 1, move(one, other, (1, 2)), None)
    with pytest.raises(ValueError, match="no member"):
        Seated(memory(1), Members((2, 3, 4), 1))


def test_errors_name_nodes_of_the_network() -> None:
    """Party 2 of the committee, node 3, does not come to the agreement of keys."""
    members = Members((2, 3, 1), 1)
    shares, _ = committee_of(members.shape)

    def body(network: MemoryNetwork) -> Any:
        there, mine = move(members, members, (1, 2)), given(members, (1, 2), network.me, shares)
        try:
            if network.me != 3:
                return refresh(network, 3, there, mine)
            reshare(network, 3, there, mine)
            return leave(network)
        except PeerError as error:
            leave(network)
            return error

    results = run_parties(3, body)
    assert [results[node - 1].peer for node in (1, 2)] == [3, 3]


# ------------------------------------------------------------ recovery


def recovered(
    members: Members, asker: int, helpers: tuple[int, ...], nodes: int,
    change: Callable[[bytes], bytes] = bytes, liar: int = 0
) -> tuple[list[Any], dict[int, dict[str, Share]]]:
    """What each node of the network has at the end."""
    shape = members.shape
    shares, _ = committee_of(shape)
    keys = keys_of(shape)
    wanted = Recovery(members, Request(ROOT, asker, 1), helpers, KINDS)

    def body(network: MemoryNetwork) -> Any:
        net: Network = Altered(network, 8, change) if network.me == liar else network
        party = members.party(network.me)
        try:
            if party == asker:
                return ask(net, 7, wanted)
            if party in helpers:
                helper = Helper(keys[party], {}) if shape.subsets else None
                return help_one(net, 7, wanted, helper, shares[party])
        except (PeerError, SharingError) as error:
            return error
        return None

    return run_parties(nodes, body), shares


@pytest.mark.parametrize(("members", "nodes"), [
    (Members((1, 2, 3), 1), 3), (Members((5, 3, 1, 2, 6), 2), 6), (Members((5, 3, 1, 2, 6), 2, True), 6),
    (Members(tuple(range(1, 10)), 4), 9), (Members(tuple(range(12, 0, -1)), 5), 12),
])
def test_recovery_from_few_and_from_all(members: Members, nodes: int) -> None:
    """The last has no keys of sets: helpers deal the blinds."""
    asker, shape = 2, members.shape
    others = [j for j in shape.parties if j != asker]
    for helpers in (tuple(others[-shape.t - 1 :]), tuple(others)):
        results, shares = recovered(members, asker, helpers, nodes)
        restored = results[members.node(asker) - 1]
        assert restored.liars == ()
        assert all(same(restored.values[name], shares[asker][name]) for name in KINDS)


class Listening(Altered):
    """Keeps what comes."""

    def __init__(self, inner: Network) -> None:
        super().__init__(inner, -1, bytes)
        self.heard: dict[int, bytes] = {}

    def exchange(self, tag: int, sends: Mapping[int, Any], expects: Mapping[int, int]) -> Any:
        received = super().exchange(tag, sends, expects)
        self.heard |= {peer: bytes(frame) for peer, frame in received.items()}
        return received


def test_answers_with_dealt_blinds_are_uniform() -> None:
    """All shares are one constant, so what the asker hears is the blinds: chi-square of 64 cells, above 220 with
    probability below 1e-16.
    """
    members, kind = Members(tuple(range(1, 13)), 5), Kind(M61, (2048,))
    share = kind.share_of(M61.from_ints(np.full(2048, 7)))
    wanted = Recovery(members, Request(ROOT, 12, 1), (1, 3, 4, 5, 7, 8, 11), {"x": kind})

    def body(network: MemoryNetwork) -> dict[int, bytes]:
        net = Listening(network)
        if network.me == 12:
            assert same(ask(net, 1, wanted).values["x"], share)
        elif network.me in wanted.helpers:
            help_one(net, 1, wanted, None, {"x": share})
        return net.heard

    heard = run_parties(12, body)
    frames = [*heard[11].values(), *(frame for node in wanted.helpers for frame in heard[node - 1].values())]
    assert len(frames) == 7 + 5 * 6
    for frame in frames:
        cells = np.frombuffer(frame[32:], np.uint64) & np.uint64(63)
        counts = np.bincount(cells.astype(np.int64), minlength=64)
        assert ((counts - 32) ** 2).sum() / 32 < 220


@pytest.mark.parametrize("change", CHANGES)
def test_a_helper_that_breaks_the_protocol_is_named(change: str) -> None:
    alter, reason = CHANGES[change]
    results, _ = recovered(Members((4, 5, 6), 1), 1, (2, 3), 6, alter, 6)
    error = results[3]
    assert isinstance(error, PeerError)
    assert error.peer == 6
    assert re.search(reason, error.reason)


def test_a_helper_that_lies_is_found() -> None:
    """Of seven with t = 3, one among six answers; of five with t = 2 it is noticed."""
    def change(frame: bytes) -> bytes:
        return frame[:32] + bytes([frame[32] ^ 1]) + frame[33:]

    results, shares = recovered(Members(tuple(range(1, 8)), 3), 1, (2, 3, 4, 5, 6, 7), 7, change, 4)
    assert results[0].liars == (4,)
    assert all(same(results[0].values[name], shares[1][name]) for name in KINDS)
    results, _ = recovered(Members((1, 2, 3, 4, 5), 2), 1, (2, 3, 4, 5), 5, change, 4)
    assert isinstance(results[0], SharingError)
    assert results[0].suspects == (2, 3, 4, 5)


@pytest.mark.parametrize("helpers", [(2,), (1, 2), (2, 2, 3), (2, 4)])
def test_refused_helpers(helpers: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="2 different members"):
        Recovery(Members((1, 2, 3), 1), Request(ROOT, 1, 1), helpers, KINDS)


def test_a_helper_with_other_shares() -> None:
    members, shape = Members((1, 2, 3), 1), structure(3, 1)
    wanted = Recovery(members, Request(ROOT, 1, 1), (2, 3), KINDS)
    shares, _ = committee_of(shape)
    for values in ({}, {**shares[2], "a": shares[2]["b"]}):
        with pytest.raises(ValueError, match="a helper needs"):
            help_one(memory(2), 1, wanted, Helper(keys_of(shape)[2], {}), values)
    with pytest.raises(ValueError, match="blinds with them"):
        help_one(memory(2), 1, wanted, None, shares[2])
