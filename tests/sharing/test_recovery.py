"""A member that lost its shares gets exactly these back, and what it is told says nothing more."""

from collections import Counter
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from resharing_helpers import KINDS, committee_of, dealt, keys_of, same, values_of

from enigmalang.fields import M61, M127, Field, gf2k, pack_bits, unpack_bits
from enigmalang.sharing import BitShare, Keys, Structure, blinds, recovery, structure
from enigmalang.sharing.binary import lagrange
from enigmalang.sharing.blinds import set_value
from enigmalang.sharing.faults import SharingError
from enigmalang.sharing.kinds import Kind
from enigmalang.sharing.recovery import Helper, Request, answer_bytes, restore
from enigmalang.sharing.spaces import Planes, Space, elements, planes

ROOT = bytes(range(32))
#: All n, t up to 9 parties; wide ones too where they are not by themselves.
ALL = [(n, t) for n in range(3, 10) for t in range(1, (n - 1) // 2 + 1)]
SHAPES = [*(structure(n, t) for n, t in ALL), structure(5, 2, True), structure(10, 2), structure(11, 5)]


def ids(shape: Structure) -> str:
    return f"{shape.n}-{shape.t}{'-wide' if shape.wide else ''}"


@pytest.mark.parametrize("shape", SHAPES, ids=ids)
def test_a_share_comes_back_from_any_t_plus_one(shape: Structure) -> None:
    keys, (shares, _) = keys_of(shape), committee_of(shape)
    for asker in (1, shape.n):
        request = Request(ROOT, asker, 7)
        answers = {j: Helper(keys[j], {}).answer(request, shares[j]) for j in shape.parties if j != asker}
        assert {j: len(a) for j, a in answers.items()} == {
            j: answer_bytes(shape, j, asker, KINDS) for j in answers}
        few = list(combinations(answers, shape.t + 1))
        for chosen in [*few[:: max(1, len(few) // 4)], tuple(answers)]:
            restored = restore(shape, asker, KINDS, {j: answers[j] for j in chosen})
            assert restored.liars == ()
            assert set(restored.values) == set(KINDS)
            assert all(same(restored.values[name], shares[asker][name]) for name in KINDS)
        with pytest.raises(SharingError, match="answers where"):
            restore(shape, asker, KINDS, {j: answers[j] for j in few[0][1:]})


# ------------------------------------------------------------ the blinds


def rank(space: Space, rows: list[list[int]]) -> int:
    """Of a matrix over a field, by elimination with the space's own arithmetic."""
    def times(a: int, b: int) -> int:
        return gf2k.times(space.degree, a, b) if isinstance(space, Planes) else a * b % M61.p

    def minus(a: int, b: int) -> int:
        return a ^ b if isinstance(space, Planes) else (a - b) % M61.p

    found = 0
    for column in range(len(rows[0])):
        pivot = next((r for r in range(found, len(rows)) if rows[r][column]), None)
        if pivot is None:
            continue
        rows[found], rows[pivot] = rows[pivot], rows[found]
        factor = space.inverse(rows[found][column])
        rows[found] = [times(factor, v) for v in rows[found]]
        for r in range(len(rows)):
            if r != found:
                rows[r] = [minus(v, times(rows[r][column], w)) for v, w in zip(rows[r], rows[found], strict=True)]
        found += 1
    return found


@pytest.mark.parametrize(("n", "t"), ALL)
@pytest.mark.parametrize("wide", [False, True], ids=["elements", "planes"])
def test_blinds_are_all_polynomials_that_vanish_at_the_asker(n: int, t: int, wide: bool) -> None:
    """Those of degree t have t free values. And t parties know all r_A but that of the set without them, whose f_A is
    not zero at any other party: what it blinds is uniform.
    """
    shape = structure(n, t, True)
    space = planes(shape.degree) if wide else elements(M61)
    for asker in shape.parties:
        sets = [a for a in shape.subsets if asker not in a]
        others = [j for j in shape.parties if j != asker]
        values = [[set_value(space, shape, a, j) for j in others] for a in sets]
        assert all(set_value(space, shape, a, asker) == 0 for a in sets)
        for points in (others[:t], others[-t:]):
            assert rank(space, [[row[others.index(j)] for j in points] for row in values]) == t
        assert rank(space, values) == t, "no more than these: the degree is t"
        for rest in combinations(others, t - 1):
            unknown = [a for a in sets if not set(a) & set(rest)]
            assert len(unknown) == 1
            outside = [j for j in others if j not in rest]
            assert all(set_value(space, shape, unknown[0], j) for j in outside)


def polynomial_at(degree: int, points: tuple[int, ...], values: list[int], at: int) -> int:
    total = 0
    for c, v in zip(lagrange(degree, points, at), values, strict=True):
        total ^= gf2k.times(degree, c, v)
    return total


class OneUnknownSet:
    """Draws for `recovery`: the unknown set's take every value, one a lane; those of the others are fixed."""

    unknown: tuple[int, ...] = ()

    def __init__(self, keys: Keys) -> None:
        self.subset: tuple[int, ...] = ()

    def of_subset(self, subset: tuple[int, ...]) -> "OneUnknownSet":
        self.subset = subset
        return self

    def seek(self, instruction: int) -> None:
        """There is one place."""

    def numbers(self, lanes: int) -> Any:
        return np.arange(lanes) if self.subset == self.unknown else np.full(lanes, sum(self.subset) % lanes)


def to_planes(numbers: Any, degree: int) -> Any:
    return pack_bits(np.stack([numbers >> b & 1 for b in range(degree)]))


def view(shape: Structure, coalition: tuple[int, ...], secret: int) -> Counter[tuple[int, ...]]:
    """What a coalition with the asker, its first, sees when all numbers of GF(2^k) are drawn once: the answers."""
    degree, asker, lanes = shape.degree, coalition[0], 1 << shape.degree
    known = [secret, *((3 * j + 1) % lanes for j in coalition)]
    seen = []
    for j in shape.parties:
        if j not in coalition:
            number = polynomial_at(degree, (0, *coalition), known, j)
            value = BitShare(to_planes(np.full(lanes, number), degree), (lanes,))
            answer = Helper(keys_of(shape)[j], {}).answer(Request(ROOT, asker, 1), {"x": value})
            bits = unpack_bits(np.frombuffer(answer, np.uint64).reshape(degree, -1), lanes)
            seen.append(sum(bits[b].astype(int) << b for b in range(degree)).tolist())
    return Counter(zip(*seen, strict=True))


@pytest.mark.parametrize(("n", "t"), [(3, 1), (4, 1), (5, 2)])
def test_a_view_of_the_answers_exactly(n: int, t: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over GF(2^k), for every coalition with the asker: the answers are as likely for each secret."""
    shape = structure(n, t, True)

    def draw(space: Planes, stream: OneUnknownSet, out: Any) -> None:
        out[...] = to_planes(stream.numbers(1 << space.degree), space.degree)

    monkeypatch.setattr(recovery, "Streams", OneUnknownSet)
    monkeypatch.setattr(Planes, "draw", draw)
    for coalition in [(i, *rest) for i in shape.parties for rest in combinations(set(shape.parties) - {i}, t - 1)]:
        (OneUnknownSet.unknown,) = (a for a in shape.subsets if not set(a) & set(coalition))
        views = [view(shape, coalition, secret) for secret in range(1 << shape.degree)]
        assert all(v == views[0] for v in views)
    with monkeypatch.context() as patch:
        patch.setattr(blinds, "set_value", lambda *_: 0)
        assert view(shape, coalition, 0) != view(shape, coalition, 1), "without blinds they would not be"


LANES = 1 << 12
LIMIT = 220.0  # chi-square of 64 cells: more with probability below 1e-16


def irregularity(field: Field, answer: bytes) -> float:
    words = np.frombuffer(answer, np.uint64).reshape(LANES, field.limbs)
    found = 0.0
    for cells in (words[:, 0] & np.uint64(63), words[:, -1] >> np.uint64(field.q - 64 * (field.limbs - 1) - 6)):
        counts = np.bincount(cells.astype(np.int64), minlength=64)
        found = max(found, float(((counts - LANES / 64) ** 2).sum() / (LANES / 64)))
    return found


@pytest.mark.parametrize("field", [M61, M127], ids=str)
@pytest.mark.parametrize(("n", "t"), [(3, 1), (5, 2), (9, 4)])
def test_answers_of_elements_are_uniform(field: Field, n: int, t: int, monkeypatch: pytest.MonkeyPatch) -> None:
    shape = structure(n, t)
    keys, kind = keys_of(shape), Kind(field, (LANES,))
    constant = kind.share_of(field.from_ints(np.full(LANES, 7)))
    asked = Request(ROOT, 2, 1)
    helpers = [j for j in shape.parties if j != 2]
    assert all(irregularity(field, Helper(keys[j], {}).answer(asked, {"x": constant})) < LIMIT for j in helpers)
    monkeypatch.setattr(blinds, "set_value", lambda *_: 0)
    assert all(irregularity(field, Helper(keys[j], {}).answer(asked, {"x": constant})) > LIMIT for j in helpers)


def test_every_answer_has_a_blind_of_its_own() -> None:
    """Root, asker, counter, names: two answers that differ in one are blinded by different numbers."""
    shape = structure(4, 1)
    keys = keys_of(shape)
    shares = dealt(shape, Kind(M61, (3,)), values_of(Kind(M61, (3,))))

    def blinded(request: Request, name: str = "x") -> bytes:
        return Helper(keys[1], {}).answer(request, {name: shares[1]})

    same_ = blinded(Request(ROOT, 2, 5))
    others = [
        blinded(Request(ROOT[::-1], 2, 5)), blinded(Request(ROOT, 3, 5)), blinded(Request(ROOT, 2, 6)),
        blinded(Request(ROOT, 2, 5), "y"),
    ]
    assert same_ == blinded(Request(ROOT, 2, 5))
    assert len({same_, *others}) == 5
    both = Helper(keys[1], {}).answer(Request(ROOT, 2, 5), {"y": shares[1], "x": shares[1]})
    assert len({both[:24], both[24:], same_, *others}) == 7


def test_a_counter_is_answered_once() -> None:
    shape = structure(3, 1)
    keys = keys_of(shape)
    shares = dealt(shape, Kind(M61, ()), values_of(Kind(M61, ())))
    last: dict[int, int] = {}
    helper = Helper(keys[1], last)
    helper.answer(Request(ROOT, 2, 5), {"x": shares[1]})
    helper.answer(Request(ROOT, 3, 5), {"x": shares[1]})
    for counter in (5, 4, 0):
        with pytest.raises(SharingError, match="asks again"):
            helper.answer(Request(bytes(32), 2, counter), {"x": shares[1]})
    helper.answer(Request(ROOT, 2, 6), {"x": shares[1]})
    with pytest.raises(SharingError, match="asks again"):
        Helper(keys[1], last).answer(Request(ROOT, 2, 6), {"x": shares[1]})
    assert last == {2: 6, 3: 5}


@pytest.mark.parametrize(("root", "asker", "counter"), [(bytes(31), 1, 1), (bytes(32), 0, 1), (bytes(32), 1, 1 << 63),
                                                        (bytes(32), 1, -1)])
def test_refused_requests(root: bytes, asker: int, counter: int) -> None:
    with pytest.raises(ValueError):
        Request(root, asker, counter)


def test_refused_askers_and_committees() -> None:
    shape = structure(3, 1)
    helper = Helper(keys_of(shape)[2], {})
    for asker, reason in ((2, "help itself"), (4, "no member")):
        with pytest.raises(SharingError, match=reason) as caught:
            helper.answer(Request(ROOT, asker, 1), {})
        assert caught.value.suspects == (asker,)
    large = structure(12, 5)
    with pytest.raises(ValueError, match="no keys of sets"):
        Helper(keys_of(large)[2], {}).answer(Request(ROOT, 1, 1), {})


# ------------------------------------------------------------ wrong answers


def corrupted(kinds: dict[str, Kind], shape: Structure, helper: int, asker: int, name: str, answer: bytes) -> bytes:
    """One bit of one value is flipped."""
    before = {k: v for k, v in kinds.items() if k < name}
    at = answer_bytes(shape, helper, asker, before)
    return answer[:at] + bytes([answer[at] ^ 1]) + answer[at + 1 :]


@pytest.mark.parametrize("shape", [s for s in SHAPES if s.n > s.t + 3], ids=ids)
def test_liars_are_named(shape: Structure) -> None:
    """As many as can be told apart, each in another array, or in one."""
    keys, (shares, _) = keys_of(shape), committee_of(shape)
    asker, most = 2, (shape.n - 2 - shape.t) // 2
    request = Request(ROOT, asker, 1)
    honest = {j: Helper(keys[j], {}).answer(request, shares[j]) for j in shape.parties if j != asker}
    liars = tuple(sorted(honest))[-most:] if most else ()
    for names in (["a"] * most, ["c"] * most, ["a", "c", "f", "d"][:most]):
        if len(names) < most:
            continue
        answers = dict(honest)
        for liar, name in zip(liars, names, strict=True):
            answers[liar] = corrupted(KINDS, shape, liar, asker, name, honest[liar])
        restored = restore(shape, asker, KINDS, answers)
        assert restored.liars == liars
        assert all(same(restored.values[name], shares[asker][name]) for name in KINDS)


@pytest.mark.parametrize(("n", "t"), [(4, 1), (5, 2), (7, 3), (9, 4)])
def test_more_liars_are_noticed_but_not_named(n: int, t: int) -> None:
    """One more than can be told apart; alike, so that they do not look like fewer."""
    shape = structure(n, t)
    keys, (shares, _) = keys_of(shape), committee_of(shape)
    most, request = (n - 2 - t) // 2 + 1, Request(ROOT, 1, 1)
    answers = {j: Helper(keys[j], {}).answer(request, shares[j]) for j in shape.parties if j != 1}
    for liar in list(answers)[:most]:
        answers[liar] = corrupted(KINDS, shape, liar, 1, "a", answers[liar])
    with pytest.raises(SharingError, match="not on one polynomial") as caught:
        restore(shape, 1, KINDS, answers)
    assert caught.value.suspects == tuple(range(2, n + 1))


def test_liars_count_over_all_arrays() -> None:
    """Nine parties, t = 4: one of eight answers can be found wrong, not one in each array."""
    shape = structure(9, 4)
    keys, (shares, _) = keys_of(shape), committee_of(shape)
    answers = {j: Helper(keys[j], {}).answer(Request(ROOT, 1, 1), shares[j]) for j in shape.parties if j != 1}
    for liar, name in ((2, "a"), (3, "f")):
        answers[liar] = corrupted(KINDS, shape, liar, 1, name, answers[liar])
    with pytest.raises(SharingError, match="not on one polynomial"):
        restore(shape, 1, KINDS, answers)


def test_malformed_answers_are_left_out() -> None:
    shape = structure(5, 2)
    keys, (shares, _) = keys_of(shape), committee_of(shape)
    request = Request(ROOT, 3, 1)
    answers = {j: Helper(keys[j], {}).answer(request, shares[j]) for j in (1, 2, 4, 5)}
    for bad in (b"", answers[1] + b"\0", b"\xff" * len(answers[1])):
        restored = restore(shape, 3, KINDS, answers | {1: bad})
        assert restored.liars == (1,)
        assert all(same(restored.values[name], shares[3][name]) for name in KINDS)
    with pytest.raises(SharingError, match="2 answers where 3") as caught:
        restore(shape, 3, KINDS, answers | {1: b"", 2: b""})
    assert caught.value.suspects == (1, 2)


def test_pieces_told_differently_are_noticed() -> None:
    shape = structure(5, 2)
    kinds = {"c": KINDS["c"]}
    keys, shares = keys_of(shape), dealt(shape, KINDS["c"], values_of(KINDS["c"]))
    answers = {j: Helper(keys[j], {}).answer(Request(ROOT, 3, 1), {"c": shares[j]}) for j in (1, 2, 4, 5)}
    answers[4] = corrupted(kinds, shape, 4, 3, "c", answers[4])
    with pytest.raises(SharingError, match="copies of one piece differ") as caught:
        restore(shape, 3, kinds, answers)
    assert 4 in caught.value.suspects
