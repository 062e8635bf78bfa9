"""Shares move to another committee: the values stay, and t old with t' new members together learn nothing."""

from collections import Counter
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from resharing_helpers import KINDS, committee_of, opened

from enigmalang.fields import M61, M127, Field, gf2k, pack_bits, unpack_bits
from enigmalang.sharing import ArithShare, BitShare, Share, Structure, resharing, structure
from enigmalang.sharing.binary import lagrange
from enigmalang.sharing.faults import SharingError
from enigmalang.sharing.kinds import Kind, vector_of
from enigmalang.sharing.resharing import Dealing, choose_dealers, deal, gather, own_part, vanishing_shares
from enigmalang.sharing.spaces import Space, elements, planes

MOVES = [
    ((3, 1), (3, 1)), ((3, 1), (5, 2)), ((5, 2), (4, 1)), ((7, 3), (9, 4)), ((9, 4), (3, 1)), ((5, 1), (7, 2)),
    ((9, 4), (12, 5)), ((7, 3), (7, 3)), ((16, 7), (5, 2)),
]
ORDER = sorted(KINDS)


def moved(
    old: Structure, new: Structure, dealers: tuple[int, ...], shares: dict[int, dict[str, Share]]
) -> dict[int, dict[str, Share]]:
    """All new members' shares."""
    kinds = tuple(KINDS[name] for name in ORDER)
    messages = {
        i: deal(Dealing(new, i, kinds), [own_part(old, dealers, i, shares[i][name]) for name in ORDER]) for i in dealers
    }
    for i, out in messages.items():
        assert {j: len(m) for j, m in out.items()} == {j: Dealing(new, i, kinds).message_bytes(j) for j in new.parties}
    return {
        j: dict(zip(ORDER, gather(new, j, kinds, {i: messages[i][j] for i in dealers}), strict=True))
        for j in new.parties
    }


@pytest.mark.parametrize(("old", "new"), MOVES, ids=str)
def test_values_move(old: tuple[int, int], new: tuple[int, int]) -> None:
    """Twice, with other dealers each time."""
    first, second = structure(*old), structure(*new)
    shares, values = committee_of(first)
    there = moved(first, second, choose_dealers(first, first.parties), shares)
    back = moved(second, first, choose_dealers(second, second.parties, 2), there)
    for name, kind in KINDS.items():
        assert np.array_equal(opened(second, kind, {j: there[j][name] for j in second.parties}), values[name])
        assert np.array_equal(opened(first, kind, {j: back[j][name] for j in first.parties}), values[name])


@pytest.mark.parametrize("wide", [False, True])
def test_any_dealers_do(wide: bool) -> None:
    old, new = structure(5, 2, wide), structure(4, 1, not wide)
    shares, values = committee_of(old)
    for dealers in combinations(old.parties, 3):
        there = moved(old, new, dealers, shares)
        for name, kind in KINDS.items():
            assert np.array_equal(opened(new, kind, {j: there[j][name] for j in new.parties}), values[name])


def test_shares_are_new_ones() -> None:
    shape = structure(5, 2)
    shares, _ = committee_of(shape)
    one, other = (moved(shape, shape, (1, 2, 3), shares) for _ in range(2))
    for name in "abcdf":
        vectors = [vector_of(s[4][name]).tobytes() for s in (shares, one, other)]
        assert len(set(vectors)) == 3


def test_dealers_are_those_who_are_there() -> None:
    shape = structure(5, 2)
    assert choose_dealers(shape, shape.parties, 4) == (1, 2, 3)
    assert {choose_dealers(shape, shape.parties, turn) for turn in range(5)} == {
        (1, 2, 3), (2, 3, 4), (3, 4, 5), (1, 4, 5), (1, 2, 5)}
    for turn in range(5):
        assert choose_dealers(shape, {5, 2, 3}, turn) == (2, 3, 5)
    with pytest.raises(SharingError, match="2 members are there where 3") as caught:
        choose_dealers(shape, {1, 5})
    assert caught.value.suspects == (2, 3, 4)


# ------------------------------------------------------------ what is not in the right form


def messages_to(j: int, new: Structure, kinds: tuple[Kind, ...]) -> dict[int, bytes]:
    old = structure(3, 1)
    shares, _ = committee_of(old)
    names = [next(name for name in ORDER if KINDS[name] == kind) for kind in kinds]
    parts = {i: [own_part(old, (1, 2), i, shares[i][name]) for name in names] for i in (1, 2)}
    return {i: deal(Dealing(new, i, kinds), parts[i])[j] for i in (1, 2)}


def test_other_lengths_are_refused() -> None:
    new, kinds = structure(3, 1), (KINDS["a"], KINDS["c"])
    messages = messages_to(3, new, kinds)
    for bad in (b"", messages[2][:-1], messages[2] + b"\0"):
        with pytest.raises(SharingError, match="bytes where") as caught:
            gather(new, 3, kinds, messages | {2: bad})
        assert caught.value.suspects == (2,)


@pytest.mark.parametrize("name", ["a", "f"])
def test_numbers_that_are_not_reduced_are_refused(name: str) -> None:
    new, kinds = structure(3, 1), (KINDS[name],)
    dealing = Dealing(new, 1, kinds)
    receiver = next(j for j in new.parties if j not in dealing.silent)
    messages = messages_to(receiver, new, kinds)
    with pytest.raises(SharingError, match="not reduced") as caught:
        gather(new, receiver, kinds, messages | {1: b"\xff" * len(messages[1])})
    assert caught.value.suspects == (1,)


def test_bits_behind_the_last_are_refused() -> None:
    new, kinds = structure(3, 1), (KINDS["c"],)
    receiver = Dealing(new, 1, kinds).told[0]
    messages = messages_to(receiver, new, kinds)
    with pytest.raises(SharingError, match="behind the last") as caught:
        gather(new, receiver, kinds, messages | {1: messages[1][:-1] + b"\x80"})
    assert caught.value.suspects == (1,)


# ------------------------------------------------------------ views, exactly


class Draws:
    """Every bit that dealers draw is a dimension of its own; the lanes are all cases."""

    def __init__(self, dimensions: int, used: int) -> None:
        self.cases = 1 << dimensions
        self._used = used
        self._seeds = 0
        self._known: dict[tuple[bytes, int], list[int]] = {}

    def urandom(self, size: int) -> bytes:
        self._seeds += 1
        return self._seeds.to_bytes(size, "big")

    def dimension(self, number: int) -> Any:
        """Of each case, the bit: packed."""
        return pack_bits((np.arange(self.cases) >> number & 1)[None])[0]

    def rows(self, seed: bytes, number: int, count: int) -> Any:
        own = self._known.get((seed, number))
        if own is None:
            own = self._known[seed, number] = list(range(self._used, self._used + count))
            self._used += count
            assert 1 << self._used <= self.cases
        return np.stack([self.dimension(k) for k in own])

    @property
    def used(self) -> int:
        return self._used


class Dealt:
    """A stream of `Draws`."""

    def __init__(self, draws: Draws, seed: bytes, number: int) -> None:
        self._place = draws, seed, number

    def fill(self, words: Any) -> None:
        draws, seed, number = self._place
        words[...] = draws.rows(seed, number, words.size // (draws.cases // 64)).reshape(words.shape)

    def xor(self, words: Any) -> None:
        other = np.empty_like(words)
        self.fill(other)
        words ^= other


def old_shares(shape: Structure, draws: Draws, secret: int) -> dict[int, BitShare]:
    """All sharings of a bit, in the first dimensions."""
    bit = np.zeros(draws.cases // 64, np.uint64)
    if secret:
        bit = ~bit
    if not shape.wide:
        pieces = {a: draws.dimension(k) for k, a in enumerate(shape.subsets[1:])}
        pieces[shape.subsets[0]] = np.bitwise_xor.reduce([bit, *pieces.values()])
        return {
            j: BitShare(np.stack([pieces[a] for a in shape.held(j)]), (draws.cases,)) for j in shape.parties}
    degree, out = shape.degree, {}
    rows = np.stack([bit, *[np.zeros_like(bit)] * (degree - 1),
                     *(draws.dimension(k) for k in range(degree * shape.t))])
    for j in shape.parties:
        powers = [gf2k.power(degree, j, k) for k in range(shape.t + 1)]
        out[j] = BitShare(gf2k.combine(gf2k.spread(degree, [powers]), rows), (draws.cases,))
    return out


def free_bits(shape: Structure) -> int:
    """Of a sharing of one bit, by the dealer."""
    return shape.degree * shape.t if shape.wide else len(shape.subsets) - 1


def joint_views(
    old: Structure, new: Structure, secret: int, pairs: list[tuple[tuple[int, ...], tuple[int, ...]]],
    monkeypatch: pytest.MonkeyPatch, fixed: bool = False
) -> list[Counter[bytes]]:
    """What t old and t' new members see together in a move of a bit, over all randomness of all: their old shares, all
    that dealers among them deal, and all that is dealt to new ones.
    """
    dealers = old.parties[-old.t - 1 :]
    draws = Draws(max(6, free_bits(old) + len(dealers) * free_bits(new)), free_bits(old))
    shares, kinds = old_shares(old, draws, secret), (Kind(None, (draws.cases,)),)
    with monkeypatch.context() as patch:
        patch.setattr(resharing, "os", draws)
        patch.setattr(resharing, "_stream", lambda seed, number: Dealt(draws, bytes(16) if fixed else seed, number))
        messages = {i: deal(Dealing(new, i, kinds), [own_part(old, dealers, i, shares[i])]) for i in dealers}
        assert fixed or draws.used == free_bits(old) + len(dealers) * free_bits(new)

        def told(i: int, j: int) -> Any:
            return vector_of(gather(new, j, kinds, {i: messages[i][j]})[0])

        views = []
        for before, after in pairs:
            seen = [shares[i].words for i in before]
            seen += [told(i, j) for i in dealers for j in (new.parties if i in before else after)]
            columns = np.packbits(unpack_bits(np.concatenate(seen), draws.cases), axis=0)
            views.append(Counter(row.tobytes() for row in np.ascontiguousarray(columns.T)))
    return views


@pytest.mark.parametrize(("old", "new"), [
    (structure(3, 1), structure(3, 1)), (structure(3, 1), structure(4, 1)), (structure(5, 1), structure(3, 1)),
    (structure(3, 1, True), structure(3, 1, True)), (structure(3, 1, True), structure(5, 2, True)),
    (structure(3, 1), structure(5, 2, True)), (structure(5, 2, True), structure(3, 1)),
], ids=lambda s: f"{s.n}-{s.t}{'-wide' if s.wide else ''}")
def test_joint_views_of_old_and_new_members(old: Structure, new: Structure, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every t of the old and every t' of the new, whoever they are: also the same nodes before and after."""
    pairs = [(c, d) for c in combinations(old.parties, old.t) for d in combinations(new.parties, new.t)]
    views = [joint_views(old, new, secret, pairs, monkeypatch) for secret in (0, 1)]
    for zero, one in zip(*views, strict=True):
        assert zero == one
    more = [(old.parties[: old.t], new.parties[: new.t + 1])]
    views = [joint_views(old, new, secret, more, monkeypatch) for secret in (0, 1)]
    assert views[0] != views[1], "t' + 1 new members see the difference"


def test_without_fresh_randomness_views_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both dealers draw the same."""
    for wide in (False, True):
        shape = structure(3, 1, wide)
        pairs = [((i,), (j,)) for i in shape.parties for j in shape.parties]
        views = [joint_views(shape, shape, secret, pairs, monkeypatch, fixed=True) for secret in (0, 1)]
        assert views[0] != views[1]


# ------------------------------------------------------------ elements, and the real streams

LANES = 1 << 12
LIMIT = 220.0  # chi-square of 64 cells: more with probability below 1e-16


def irregularity(field: Field, raw: Any) -> float:
    words, found = raw.reshape(LANES, field.limbs), 0.0
    for cells in (words[:, 0] & np.uint64(63), words[:, -1] >> np.uint64(field.q - 64 * (field.limbs - 1) - 6)):
        counts = np.bincount(cells.astype(np.int64), minlength=64)
        found = max(found, float(((counts - LANES / 64) ** 2).sum() / (LANES / 64)))
    return found


@pytest.mark.parametrize("field", [M61, M127], ids=str)
@pytest.mark.parametrize(("old", "new"), [((3, 1), (3, 1)), ((5, 2), (7, 3))], ids=str)
def test_dealt_elements_are_uniform(field: Field, old: tuple[int, int], new: tuple[int, int]) -> None:
    """What one honest dealer deals to t' members, alone and in sums of two; its value is a constant, so are the shares
    it has them from.
    """
    first, second = structure(*old), structure(*new)
    share, kinds = ArithShare(field, field.from_ints(np.full(LANES, -5))), (Kind(field, (LANES,)),)
    dealers = first.parties[: first.t + 1]
    for i in dealers:
        out = deal(Dealing(second, i, kinds), [own_part(first, dealers, i, share)])
        got = {j: gather(second, j, kinds, {i: out[j]})[0] for j in second.parties}
        raws = {j: s.raw for j, s in got.items() if isinstance(s, ArithShare)}
        assert all(irregularity(field, raw) < LIMIT for raw in raws.values())
        if second.t > 1:
            assert all(irregularity(field, field.add(raws[j], raws[k])) < LIMIT for j, k in combinations(raws, 2))


def test_arrays_of_one_dealing_have_draws_of_their_own() -> None:
    """The difference of two arrays, both known to be constant, is as uniform as each."""
    old, new = structure(3, 1), structure(5, 2)
    for field in (M61, M127):
        kinds = (Kind(field, (LANES,)),) * 2
        out = deal(Dealing(new, 1, kinds), [field.from_ints(np.full(LANES, v)) for v in (0, 7)])
        for j in new.parties:
            one, other = (vector_of(share) for share in gather(new, j, kinds, {1: out[j]}))
            assert irregularity(field, field.sub(one, other)) < LIMIT
    for shape in (old, structure(3, 1, True)):
        bits = (Kind(None, (LANES,)),) * 2
        out = deal(Dealing(shape, 1, bits), [np.zeros(LANES // 64, np.uint64)] * 2)
        for j in shape.parties:
            one, other = (vector_of(share) for share in gather(shape, j, bits, {1: out[j]}))
            ones = unpack_bits(one ^ other, LANES).sum(axis=1)
            assert (abs(ones.astype(int) - LANES // 2) < 400).all(), "Hoeffding: 2e^-78"


def test_dealers_spread_what_they_send() -> None:
    shape = structure(5, 2)
    dealings = [Dealing(shape, i, (KINDS["a"], KINDS["c"])) for i in (1, 2, 3, 4, 5, 6)]
    assert len({d.silent for d in dealings}) == len({d.told for d in dealings}) == 5


@pytest.mark.parametrize("space", [elements(M61), elements(M127), planes(3)], ids=["M61", "M127", "planes"])
@pytest.mark.parametrize(("n", "t"), [(3, 1), (5, 2), (7, 3)])
def test_vanishing_shares(space: Space, n: int, t: int) -> None:
    """On one polynomial of degree t, which is 0 at the point; t others are what was drawn."""
    shape = structure(n, t)
    for at in (0, 2):
        shares = vanishing_shares(space, shape, at, 80)
        assert not shares[at].any()
        base = tuple(j for j in shape.parties if j != at)[: t]
        for j in shape.parties:
            rows = np.stack([shares[k] for k in (at, *base)])
            assert np.array_equal(space.combine((space.lagrange((at, *base), j),), rows)[0], shares[j])
            assert j == at or shares[j].any()
        again = vanishing_shares(space, shape, at, 80)
        assert not any(np.array_equal(again[j], shares[j]) for j in shape.parties if j != at)


def test_lagrange_of_old_and_new_points_differ() -> None:
    """A dealer's number is its old one: messages of dealers swapped do not give the values."""
    old, new = structure(3, 1), structure(3, 1)
    shares, values = committee_of(old)
    kinds = (KINDS["a"],)
    parts = {i: [own_part(old, (1, 3), i, shares[i]["a"])] for i in (1, 3)}
    out = {i: deal(Dealing(new, i, kinds), parts[i]) for i in (1, 3)}
    got = {j: gather(new, j, kinds, {i: out[i][j] for i in (1, 3)})[0] for j in new.parties}
    assert np.array_equal(opened(new, kinds[0], got), values["a"])
    wrong = {i: [own_part(old, (1, 2), i if i == 1 else 2, shares[i]["a"])] for i in (1, 3)}
    out = {i: deal(Dealing(new, i, kinds), wrong[i]) for i in (1, 3)}
    got = {j: gather(new, j, kinds, {i: out[i][j] for i in (1, 3)})[0] for j in new.parties}
    assert not np.array_equal(opened(new, kinds[0], got), values["a"])
    assert lagrange(2, (1, 2), 0) != lagrange(2, (1, 3), 0)
