"""What parties of a wide committee see: messages are uniform, alone and to a coalition, and of the same sizes whatever
the secrets; a king's view, exactly: all randomness is enumerated over GF(4), in the lanes of one run of the protocol.
"""

from collections import Counter
from collections.abc import Callable
from itertools import combinations
from random import Random
from typing import Any

import numpy as np
import pytest
from committee import Committee

from enigmalang.fields import M61, gf2k, pack_bits, unpack_bits
from enigmalang.mpc.bits import a2b, and_, b2a
from enigmalang.mpc.compare import eqz, ltz
from enigmalang.mpc.multiply import mul
from enigmalang.mpc.party import Party, alone
from enigmalang.mpc.shuffle import Table
from enigmalang.mpc.wide import kings, words
from enigmalang.mpc.wide.network import shuffle
from enigmalang.sharing.spaces import planes

LANES = 2048
#: Chi-square of 64 cells: above 220 with probability below 1e-16 (tests/mpc/test_masks.py).
LIMIT = 220.0

Protocol = Callable[[Party, Any], object]
ELEMENTS: dict[str, Protocol] = {
    "mul": lambda party, x: mul(party, x, x),
    "shuffle": lambda party, x: shuffle(party, [Table(M61, x.raw.reshape(1, LANES // 4, 4))]),
}
BITS: dict[str, Protocol] = {
    "ltz": lambda party, x: ltz(party, x),
    "eqz": lambda party, x: eqz(party, x),
    "a2b": lambda party, x: a2b(party, x, 3),
}
SIZES = [(5, 2), (6, 2), (11, 5)]


@pytest.fixture(params=[(n, t, rounds) for n, t in SIZES for rounds in (-1, 1 << 40)],
                ids=lambda p: f"{p[0]}-{p[1]}-{'kings' if p[2] < 0 else 'dealing'}")
def wide(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Committee:
    n, t, rounds = request.param
    monkeypatch.setattr(kings, "ROUND_BYTES", rounds)
    return Committee(n, t, M61, True)


Messages = dict[tuple[int, int], list[bytes]]


def messages(c: Committee, body: Callable[[Party], object]) -> Messages:
    """What each party got from each peer, in order: (party, peer) to messages."""
    got: Messages = {(i, j): [] for i in c.structure.parties for j in c.structure.parties}

    original = Party.exchange

    def dispatch(self: Party, sends: Any, expects: Any) -> Any:
        views = original(self, sends, expects)
        for peer, view in views.items():
            got[self.me, peer].append(bytes(view))
        return views

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Party, "exchange", dispatch)
        c.run(body)
    return got


def chi_square(cells: Any) -> float:
    counts = np.bincount(np.asarray(cells).astype(np.int64), minlength=64)
    expected = len(cells) / 64
    return float(((counts - expected) ** 2).sum() / expected)


def cells_of_elements(data: bytes) -> list[Any]:
    values = np.frombuffer(data, np.uint64)
    return [values & np.uint64(63), values >> np.uint64(55)]


def cells_of_bits(data: bytes) -> list[Any]:
    octets = np.frombuffer(data, np.uint8)
    return [octets & 63, octets >> 2]


def joint(c: Committee, got: Messages, coalition: tuple[int, ...], bits: bool) -> list[bytes]:
    """Single messages to members, and sums of two of one size: dependent ones would not be uniform together.

    A king tells all parties multiples of the same number: no two of its messages are added.
    """
    rows = [(j, m) for i in coalition for j in c.structure.parties if j not in coalition for m in got[i, j]]
    random = Random(str(coalition))
    by_size: dict[int, list[tuple[int, bytes]]] = {}
    for sender, message in rows:
        by_size.setdefault(len(message), []).append((sender, message))
    out = [message for _, message in rows]
    for same in by_size.values():
        for _ in range(20 if len(same) > 1 else 0):
            (one, first), (other, second) = random.sample(same, 2)
            if one != other or kings.ROUND_BYTES > 0:
                x, y = np.frombuffer(first, np.uint64), np.frombuffer(second, np.uint64)
                out.append((x ^ y if bits else M61.add(x, y)).tobytes())
    return out


def worst(c: Committee, protocol: Protocol, secret: int, bits: bool) -> float:
    shares = c.deal([secret] * LANES)
    got = messages(c, lambda party: protocol(party, shares(party)))
    return irregular(c, got, bits)


def irregular(c: Committee, got: Messages, bits: bool) -> float:
    every = list(combinations(c.structure.parties, c.t))
    found, cells = [], cells_of_bits if bits else cells_of_elements
    for coalition in Random(c.n).sample(every, min(4, len(every))):
        for data in joint(c, got, coalition, bits):
            if len(data) >= 1024:
                found += [chi_square(part) for part in cells(data)]
    assert found
    return max(found)


@pytest.mark.parametrize("name", ELEMENTS)
def test_messages_of_elements_are_uniform(wide: Committee, name: str) -> None:
    for secret in (0, -5):
        assert worst(wide, ELEMENTS[name], secret, False) < LIMIT


@pytest.mark.parametrize("name", BITS)
def test_messages_of_bits_are_uniform(wide: Committee, name: str) -> None:
    for secret in (0, 5):
        assert worst(wide, BITS[name], secret, True) < LIMIT


def test_conversions_and_products_of_bits(wide: Committee) -> None:
    for bit in (0, 1):
        shares = wide.deal_bits([bit] * 4 * LANES)
        assert irregular(wide, messages(wide, lambda p, x=shares: and_(p, x(p), x(p))), True) < LIMIT  # type: ignore[misc]
        shares = wide.deal_bits([bit] * LANES)
        assert irregular(wide, messages(wide, lambda p, x=shares: b2a(p, x(p))), False) < LIMIT  # type: ignore[misc]


def test_missing_randomness_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(party: Party, space: Any, peer: int, instruction: int, purpose: int, out: Any) -> None:
        out[...] = 0

    c = Committee(5, 2, M61, True)
    monkeypatch.setattr(kings, "ROUND_BYTES", -1)
    monkeypatch.setattr(kings, "_fill", nothing)
    assert worst(c, ELEMENTS["mul"], 0, False) > LIMIT
    monkeypatch.setattr(kings, "ROUND_BYTES", 1 << 40)

    def bare(party: Party, round_: Any, instruction: int, mine: Any) -> Any:
        spoken, matrix = words._dealing(party.structure, party.me)
        rows = np.zeros((matrix.shape[1], mine.size), np.uint64)
        rows[0] = mine
        shares = gf2k.combine(matrix, rows).reshape(len(spoken) + 1, -1, mine.size)
        for peer, share in zip(spoken, shares, strict=False):
            round_.send(peer, share)
        return shares[-1]

    x = c.deal_bits([1] * 4 * LANES)
    assert irregular(c, messages(c, lambda p: and_(p, x(p), x(p))), True) < LIMIT
    monkeypatch.setattr(words, "_send", bare)
    assert irregular(c, messages(c, lambda p: and_(p, x(p), x(p))), True) > LIMIT


def test_sizes_do_not_tell_secrets(wide: Committee) -> None:
    def sizes(secret: int) -> dict[tuple[int, int], list[int]]:
        shares = wide.deal([secret] * 100)

        def body(party: Party) -> None:
            value = shares(party)
            for protocol in BITS.values():
                protocol(party, value)
            b2a(party, ltz(party, mul(party, value, value)))

        return {pair: [len(m) for m in row] for pair, row in messages(wide, body).items()}

    assert sizes(0) == sizes(5)


# ------------------------------------------------------------ a king's view, exactly

#: Draws between the two that are not curious: each one's number with degree 1 and with degree 2.
DRAWS = 4
#: Two products come of one double sharing; their polynomials of degree 2 have one free coefficient each.
CASES = 4 ** (DRAWS + 2)


def to_planes(numbers: Any) -> Any:
    return pack_bits(np.stack([numbers & 1, numbers >> 1]))


def to_numbers(data: Any) -> Any:
    plane = unpack_bits(np.asarray(data).reshape(2, -1), 2 * CASES).astype(int)
    return (plane[0] + 2 * plane[1]).reshape(2, CASES)


def kings_view(curious: int, king: int, secrets: tuple[int, int]) -> Counter[tuple[int, ...]]:
    """How often a curious party of three sees what: the messages about two products, over all that it does not know.

    Its own draws and shares are fixed to some numbers: the others are independent of them.
    """
    c, space, index = Committee(3, 1, M61, True), planes(2), np.arange(CASES)
    honest = [i for i in (1, 2, 3) if i != curious]
    digits = {purpose: index // 4**k % 4 for k, purpose in enumerate(p | i for i in honest for p in (0, 256))}

    def fill(party: Party, space_: Any, peer: int, instruction: int, purpose: int, out: Any) -> None:
        known = curious in (party.me, peer)
        out[...] = to_planes(np.full(CASES, 2) if known else digits[purpose])

    free = np.concatenate([index // 4**DRAWS % 4, index // 4 ** (DRAWS + 1) % 4])
    values, mine = np.repeat(secrets, CASES), np.full(2 * CASES, 3)
    line = space.lagrange((0, curious, honest[0]), honest[1])
    third = space.combine((line,), np.stack([to_planes(v) for v in (values, mine, free)]))[0]
    local = {curious: to_planes(mine), honest[0]: to_planes(free), honest[1]: third}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kings, "_fill", fill)
        patch.setattr(kings, "_bounds", lambda size, n: [0] * king + [size] * (n + 1 - king))
        got = messages(c, lambda p: alone(p, lambda r: kings.reshare_by_kings(p, r, space, local[p.me])))
    seen = [to_numbers(np.frombuffer(m, np.uint64)) for peer in honest for m in got[curious, peer]]
    return Counter(map(tuple, np.concatenate(seen).T.tolist())) if seen else Counter()


@pytest.mark.parametrize("king", [1, 2, 3])
def test_a_view_of_two_products(king: int) -> None:
    sights = 0
    for curious in (1, 2, 3):
        views = [kings_view(curious, king, secrets) for secrets in ((0, 0), (1, 0), (3, 2))]
        assert views[0] == views[1] == views[2]
        sights += len(views[0])
    assert sights > 16, "the king sees 4^3 and more"


def test_a_view_without_double_sharings(monkeypatch: pytest.MonkeyPatch) -> None:
    def zeros(party: Party, space: Any, instruction: int, value: Any) -> list[Any]:
        return [np.zeros_like(value)] * 3

    monkeypatch.setattr(kings, "_doubles", zeros)
    assert kings_view(1, 1, (0, 0)) != kings_view(1, 1, (1, 0))


def test_a_view_with_one_random_number_for_two_products(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kings, "_extraction", lambda space, shape: ((1, 1, 1), (1, 1, 1)))
    assert kings_view(2, 2, (0, 0)) != kings_view(2, 2, (1, 0))
