"""An audit finds the shares that do not fit, and says nothing else of the values."""

import numpy as np
import pytest
from resharing_helpers import KINDS, committee_of, keys_of

from enigmalang.fields import M61, M127, Field
from enigmalang.sharing import ArithShare, BitShare, Keys, Share, Structure, audit, structure
from enigmalang.sharing.audit import proof_bytes
from enigmalang.sharing.faults import SharingError
from enigmalang.sharing.kinds import Kind
from enigmalang.sharing.recovery import Helper, Request

REQUEST = Request(bytes(range(32)), 1, 1)
SHAPES = [structure(3, 1), structure(4, 1), structure(5, 2), structure(5, 2, True), structure(7, 3), structure(9, 4)]


def ids(shape: Structure) -> str:
    return f"{shape.n}-{shape.t}{'-wide' if shape.wide else ''}"


def proofs(keys: dict[int, Keys], shares: dict[int, dict[str, Share]], request: Request = REQUEST) -> dict[int, bytes]:
    return {j: Helper(keys[j], {}).prove(request, shares[j]) for j in shares}


def off(share: Share) -> Share:
    """The same but for the last number, or bit, or piece."""
    if isinstance(share, ArithShare):
        raw = share.raw.copy()
        raw.reshape(-1, share.field.limbs)[-1, 0] ^= np.uint64(1)
        return ArithShare(share.field, raw)
    words = share.words.copy()
    words[-1, 0] ^= np.uint64(1)
    return BitShare(words, share.shape)


@pytest.mark.parametrize("shape", SHAPES, ids=ids)
def test_shares_that_fit(shape: Structure) -> None:
    keys, (shares, _) = keys_of(shape), committee_of(shape)
    told = proofs(keys, shares)
    assert {j: len(p) for j, p in told.items()} == {j: proof_bytes(shape, j, KINDS) for j in told}
    assert audit.audit(shape, KINDS, told) == {}
    assert audit.audit(shape, KINDS, {j: told[j] for j in shape.parties[-shape.t - 2 :]}) == {}
    with pytest.raises(SharingError, match="show something"):
        audit.audit(shape, KINDS, {j: told[j] for j in shape.parties[: shape.t + 1]})


@pytest.mark.parametrize("shape", SHAPES, ids=ids)
@pytest.mark.parametrize("name", ["a", "b", "c", "d", "f"])
def test_a_wrong_share_is_found(shape: Structure, name: str) -> None:
    """And its member, when n >= t + 3: two more than fix the values."""
    keys, (shares, _) = keys_of(shape), committee_of(shape)
    shares[2][name] = off(shares[2][name])
    found = audit.audit(shape, KINDS, proofs(keys, shares))
    assert set(found) == {name}
    assert found[name] == (2,) if shape.n >= shape.t + 3 else 2 in found[name]


def test_shares_of_another_attempt() -> None:
    """Three of five have other shares of the same values: it is noticed that not all fit."""
    shape = structure(5, 2)
    keys, (shares, _), (others, _) = keys_of(shape), committee_of(shape), committee_of(shape)
    mixed = {j: shares[j] if j < 3 else others[j] for j in shape.parties}
    assert set(audit.audit(shape, KINDS, proofs(keys, mixed))) >= {"a", "b", "c", "d", "f"}


def test_malformed_proofs() -> None:
    shape = structure(4, 1)
    keys, (shares, _) = keys_of(shape), committee_of(shape)
    told = proofs(keys, shares)
    for bad in (b"", told[3] + b"\0"):
        with pytest.raises(SharingError, match="member 3 sent") as caught:
            audit.audit(shape, KINDS, told | {3: bad})
        assert caught.value.suspects == (3,)
    found = audit.audit(shape, KINDS, told | {3: b"\xff" * len(told[3])})
    assert set(found.values()) == {(3,)}


def test_requests_are_answered_once_and_bind_what_is_said() -> None:
    shape = structure(3, 1)
    keys, (shares, _) = keys_of(shape), committee_of(shape)
    helper = Helper(keys[1], {})
    first = helper.prove(REQUEST, shares[1])
    for ask in (helper.prove, Helper(keys[2], {1: 1}).answer):
        with pytest.raises(SharingError, match="asks again"):
            ask(REQUEST, shares[1])
    again = helper.prove(Request(REQUEST.root, 1, 2), shares[1])
    cut = len(first) // 8 * 8
    assert not np.any(np.frombuffer(first[:cut], np.uint64) == np.frombuffer(again[:cut], np.uint64))


LANES = 1 << 12


@pytest.mark.parametrize("field", [M61, M127], ids=str)
def test_what_is_told_is_uniform(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    """One number each of many arrays, with factors that are 1: without the random number it would be their sum.
    Chi-square of 64 cells: above 220 with probability below 1e-16.
    """
    shape = structure(3, 1)
    keys, kind = keys_of(shape), Kind(field, (1,))
    shares: dict[str, Share] = {str(k): kind.share_of(field.from_ints(np.array([7]))) for k in range(LANES)}

    def irregularity() -> float:
        told = np.frombuffer(Helper(keys[2], {}).prove(REQUEST, shares), np.uint64)
        counts = np.bincount((told.reshape(LANES, field.limbs)[:, 0] & np.uint64(63)).astype(np.int64), minlength=64)
        return float(((counts - LANES / 64) ** 2).sum() / (LANES / 64))

    monkeypatch.setattr(audit, "_combined", lambda space, vector, public: vector)
    assert irregularity() < 220
    monkeypatch.setattr("enigmalang.sharing.blinds.set_value", lambda *_: 0)
    assert irregularity() > 220


def test_digests_of_pieces_are_no_dictionary() -> None:
    """Who is not in a set cannot try what a single bit of its piece is: other keys give other digests."""
    shape, kind = structure(3, 1), Kind(None, ())
    share = kind.share_of(np.zeros((2, 1), np.uint64))
    told = {proofs(keys_of(shape), {j: {"x": share} for j in shape.parties})[1] for _ in range(2)}
    assert len(told) == 2
    keys = keys_of(shape)
    one, other = (proofs(keys, {1: {"x": share}}, Request(bytes(32), 1, k))[1] for k in (1, 2))
    assert one != other
    assert len({one[:16], one[16:]}) == 2
    both = proofs(keys, {1: {"x": share, "y": share}})[1]
    assert len({both[k : k + 16] for k in range(0, 64, 16)}) == 4, "nor see that two pieces are equal"


def test_faults_that_would_cancel() -> None:
    """The same bit of an even number of words: in one party's shares, and in those of two, which is noticed only."""
    shape, kind = structure(5, 2, True), Kind(None, (64 * 6,))
    keys, words = keys_of(shape), np.zeros((shape.degree, 6), np.uint64)
    for lane in (0, 5, 63):
        wrong = words.copy()
        wrong[1, :] = np.uint64(1 << lane)
        for liars in ((3,), (2, 4)):
            shares: dict[int, dict[str, Share]] = {
                j: {"x": kind.share_of(wrong if j in liars else words)} for j in shape.parties}
            found = audit.audit(shape, {"x": kind}, proofs(keys, shares))
            assert found == {"x": liars} if len(liars) == 1 else "x" in found
