"""Keys of a committee are agreed once, compared at every meeting, and given back to who lost them."""

from itertools import combinations

import pytest

from enigmalang.node.durable import points
from enigmalang.node.durable.errors import KeysLost, StateError
from enigmalang.node.durable.keys import Met, committee_keys
from enigmalang.sharing import Keys, structure
from enigmalang.transport.memory import run_parties
from enigmalang.transport.network import PeerError


class Vault:
    """One member's, which dies when it is told to."""

    def __init__(self):
        self.kept = None

    def keys(self):
        return self.kept

    def keep_keys(self, keys, confirmed):
        self.kept = keys, confirmed


class Died(Exception):
    pass


def meet(vaults, t, highest=None, dies=None) -> list[Met]:
    """`dies`: who, where."""
    def member(network):
        def at(point):
            if (network.me, point) == dies:
                raise Died

        return committee_keys(network, t, vaults[network.me - 1], (highest or {}).get(network.me, 0), at)

    return run_parties(len(vaults), member)


def committee(n):
    return [Vault() for _ in range(n)]


def check(met, t):
    """All members of every group have one key, and every group another."""
    n = len(met)
    shape = structure(n, t)
    seen = []
    for one, other in combinations(range(1, n + 1), 2):
        assert met[one - 1].keys.pair(other) == met[other - 1].keys.pair(one)
        seen.append(met[one - 1].keys.pair(other))
    for subset in shape.subsets:
        found = {met[j - 1].keys.subset(subset) for j in subset}
        assert len(found) == 1
        seen += found
    everyone = {m.keys.everyone() for m in met}
    assert len(everyone) == 1 and len({*seen, *everyone}) == len(seen) + 1


@pytest.mark.parametrize(("n", "t"), [(3, 1), (5, 2), (13, 6)])
def test_they_are_made_once_and_stay(n, t):
    vaults = committee(n)
    first = meet(vaults, t)
    check(first, t)
    kept = [vault.kept for vault in vaults]
    again = meet(vaults, t, {2: 9, n: 4})
    assert [m.keys.encode() for m in again] == [m.keys.encode() for m in first] == [keys for keys, _ in kept]
    assert all(confirmed for _, confirmed in kept) and [vault.kept for vault in vaults] == kept
    assert {m.highest for m in first} == {0} and {m.highest for m in again} == {9}


@pytest.mark.parametrize(
    ("n", "t", "lost"), [(3, 1, {1}), (3, 1, {3}), (5, 2, {2, 4}), (7, 3, {1, 2, 7}), (13, 6, {5})])
def test_who_lost_them_gets_them_back(n, t, lost):
    vaults = committee(n)
    before = meet(vaults, t)
    for member in lost:
        vaults[member - 1].kept = None
    after = meet(vaults, t)
    check(after, t)
    shape = structure(n, t)
    for number, (old, new) in enumerate(zip(before, after, strict=True), 1):
        assert new.mended == tuple(sorted(lost)) and new.keys.everyone() == old.keys.everyone()
        assert all(new.keys.subset(subset) == old.keys.subset(subset) for subset in shape.held(number))
    assert meet(vaults, t)[0].mended == ()


def test_a_set_without_any_holder_is_lost():
    vaults = committee(3)
    meet(vaults, 1)
    vaults[0].kept = vaults[2].kept = None
    with pytest.raises(KeysLost, match="members 1, 3"):
        meet(vaults, 1)
    assert vaults[0].kept is None


@pytest.mark.parametrize("lost", [set(), {1}])
def test_members_with_different_keys_do_not_go_on(lost):
    vaults, others = committee(5), committee(5)
    meet(vaults, 2)
    meet(others, 2)
    vaults[3].kept = others[3].kept
    for member in lost:
        vaults[member - 1].kept = None
    with pytest.raises(PeerError, match=r"other keys|different keys|stopped"):
        meet(vaults, 2)


def test_who_gives_a_wrong_key_to_who_lost_them_is_noticed(monkeypatch):
    """He tells all who have keys that his are theirs."""
    vaults = committee(3)
    meet(vaults, 1)
    vaults[0].kept = None
    common = Keys.common
    monkeypatch.setattr(Keys, "common", lambda keys, peer: bytes(len(common(keys, peer))) if (keys.me, peer) == (2, 1)
                        else common(keys, peer))
    with pytest.raises(PeerError, match="different keys"):
        meet(vaults, 1)
    assert vaults[0].kept is None


@pytest.mark.parametrize("point", [points.KEYS_MADE, points.KEYS_KEPT, points.KEYS_CONFIRMED])
def test_a_first_meeting_that_is_broken_off(point):
    """Nobody uses keys that another may not have; and all have them when one may use them."""
    vaults = committee(3)
    with pytest.raises((Died, PeerError)):
        meet(vaults, 1, dies=(2, point))
    confirmed = [vault.kept[0] for vault in vaults if vault.kept is not None and vault.kept[1]]
    assert not confirmed or all(vault.kept is not None for vault in vaults)
    met = meet(vaults, 1)
    check(met, 1)
    for keys in confirmed:
        assert keys in [m.keys.encode() for m in met]
    assert all(vault.kept[1] for vault in vaults)


def test_keys_of_another_committee_are_no_keys():
    vaults = committee(3)
    vaults[1].kept = b"too short", True
    with pytest.raises((StateError, PeerError)):
        meet(vaults, 1)
