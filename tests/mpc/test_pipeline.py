"""Large batches in pieces that are under way together: the same values, rounds, bytes and sizes of messages as in one
piece, at the sizes around a piece; and faults in the middle end the run."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from math import ceil
from typing import Any

import numpy as np
import pytest
from committee import Committee, agreed, opened

from enigmalang.fields import M61, M127, Field
from enigmalang.mpc import addends, bits, dealing, opening, pipeline
from enigmalang.mpc.bits import a2b, b2a
from enigmalang.mpc.compare import eqz, ltz
from enigmalang.mpc.deal import reshare_locals
from enigmalang.mpc.divide import divc, shr
from enigmalang.mpc.multiply import mul, open_product, select
from enigmalang.mpc.opening import reveal
from enigmalang.mpc.party import Party, Round, alone
from enigmalang.mpc.pipeline import Rounds, in_round, run, run_pieces
from enigmalang.mpc.signs import opened_ltz
from enigmalang.sharing import ArithShare
from enigmalang.sharing.local import given, product, selection
from enigmalang.transport.faulty import Fault, FaultKind, FaultyNetwork, random_faults
from enigmalang.transport.network import PeerError

PIECE = 64
SIZES = [1, PIECE - 1, PIECE, PIECE + 1, 9 * PIECE, 9 * PIECE + 1]
FEW = [(3, 1, M61), (4, 1, M61), (5, 2, M61), (3, 1, M127)]
Body = Callable[[Party], Any]


@pytest.fixture(params=FEW, ids=lambda p: f"{p[0]}-{p[1]}-{p[2]}")
def few(request: pytest.FixtureRequest) -> Committee:
    return Committee(*request.param)


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Turn pieces of PIECE elements, and of 64 lanes, on or off."""

    def turn(on: bool) -> None:
        for module in (dealing, opening, bits):
            monkeypatch.setattr(module, "PIECE", PIECE if on else 1 << 30)
        monkeypatch.setattr(dealing, "WINDOW", 3)
        monkeypatch.setattr(addends, "PIECE_BYTES", 1 if on else 1 << 30)

    return turn


def values_of(size: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-1000, 1000, size)


def measured(c: Committee, body: Body) -> tuple[Any, list[tuple[int, ...]]]:
    """The result, and of each party rounds, bytes sent and received, products, ANDs, comparisons."""

    def counted(party: Party) -> tuple[Any, tuple[int, ...]]:
        result, counters = body(party), party.counters
        both = counters.bytes_sent, counters.bytes_received
        return result, (counters.rounds, *both, counters.products, counters.ands, counters.comparisons)

    results = c.run(counted)
    return agreed([result for result, _ in results]), [counts for _, counts in results]


@pytest.mark.parametrize("size", SIZES)
def test_products_and_openings(few: Committee, size: int, pieces: Callable[[bool], None]) -> None:
    xs, ys = values_of(size, 1), values_of(size, 2)
    x, y = few.deal(xs), few.deal(ys)

    def body(party: Party) -> list[list[int]]:
        made = mul(party, x(party), y(party))
        both = open_product(party, made, y(party))
        return [party.field.to_ints(raw).tolist() for raw in (reveal(party, made), both)]

    pieces(False)
    expected, counts = measured(few, body)
    assert expected == [(xs * ys).tolist(), (xs * ys * ys).tolist()]
    pieces(True)
    assert measured(few, body) == (expected, counts)
    assert counts[0][0] == 3


def test_one_element_against_many(few: Committee, pieces: Callable[[bool], None]) -> None:
    pieces(True)
    xs = values_of(3 * PIECE + 5, 3)
    x, one = few.deal(xs), few.deal([-7])
    assert agreed(few.run(lambda party: signed(party, mul(party, one(party), x(party))))) == (-7 * xs).tolist()


def test_a_layer_of_several_products(few: Committee, pieces: Callable[[bool], None]) -> None:
    """A piece may begin in one node's products and end in another's; a selection's y is added."""
    pieces(True)
    xs, ys, cs = values_of(PIECE + 9, 4), values_of(PIECE + 9, 5), np.arange(PIECE + 9) % 2
    x, y, c = few.deal(xs), few.deal(ys), few.deal(cs)

    def body(party: Party) -> list[int]:
        field, a, b, bit = party.field, x(party).raw, y(party).raw, c(party).raw
        chosen = selection(field, bit, a, b)
        assert chosen is not None
        locals_ = [product(field, a, b), chosen, given(field, field.mul(a[:3], b[:3]))]
        made = alone(party, lambda r: reshare_locals(party, r, locals_))
        return signed(party, ArithShare(field, made))

    expected = [*(xs * ys), *np.where(cs == 1, xs, ys), *(xs * ys)[:3]]
    assert agreed(few.run(body)) == expected


def test_choosing(few: Committee, pieces: Callable[[bool], None]) -> None:
    pieces(True)
    xs, ys, cs = values_of(2 * PIECE + 1, 6), values_of(2 * PIECE + 1, 7), np.arange(2 * PIECE + 1) % 2
    x, y, c = few.deal(xs), few.deal(ys), few.deal(cs)
    found = few.run(lambda party: signed(party, select(party, c(party), x(party), y(party))))
    assert agreed(found) == np.where(cs == 1, xs, ys).tolist()


def signed(party: Party, share: ArithShare) -> list[int]:
    return [int(v) for v in party.field.to_ints(reveal(party, share)).tolist()]


@pytest.mark.parametrize("size", SIZES)
def test_comparisons(few: Committee, size: int, pieces: Callable[[bool], None]) -> None:
    """Among t = 1 of 10 bits 6 rounds; of several pieces as many as follow one another."""
    values = values_of(size, 8)
    values[::7] = 0
    x = few.deal(values)

    def body(party: Party) -> tuple[int, list[int], list[int], list[bool]]:
        less, rounds = ltz(party, x(party), 10), party.counters.rounds
        return (rounds, opened(party, less), opened(party, eqz(party, x(party))), opened_ltz(party, x(party)).tolist())

    pieces(False)
    (rounds, *expected), counts = measured(few, body)
    assert expected == [(values < 0).tolist(), (values == 0).tolist(), (values < 0).tolist()]
    pieces(True)
    (more, *found), others = measured(few, body)
    assert found == expected
    assert more == rounds * ceil(ceil(size / 64) / pipeline.DEPTH)
    assert [c[1:] for c in others] == [c[1:] for c in counts]  # 64 lanes are a word


@pytest.mark.parametrize("size", [PIECE, 5 * PIECE + 1])
def test_bits_shifts_and_divisions(few: Committee, size: int, pieces: Callable[[bool], None]) -> None:
    pieces(True)
    values = values_of(size, 9)
    x, positive = few.deal(values), few.deal(values % 64)

    def body(party: Party) -> list[list[int]]:
        exact, quotient = shr(party, x(party), 3), divc(party, x(party), 10)
        digits = a2b(party, positive(party), 6)
        return [opened(party, digits), signed(party, exact), signed(party, quotient)]

    digits, exact, quotient = agreed(few.run(body))
    assert digits == (values[:, None] % 64 >> np.arange(6) & 1).reshape(-1).tolist()
    assert (exact, quotient) == ((values >> 3).tolist(), (values // 10).tolist())


@pytest.mark.parametrize("size", SIZES)
def test_bits_to_integers(few: Committee, size: int, pieces: Callable[[bool], None]) -> None:
    values = values_of(size, 12) & 1
    shares = few.deal_bits(values)

    def body(party: Party) -> tuple[int, list[int]]:
        made, rounds = b2a(party, shares(party)), party.counters.rounds
        return rounds, signed(party, made)

    pieces(False)
    (rounds, expected), counts = measured(few, body)
    assert expected == values.tolist()
    pieces(True)
    (more, found), others = measured(few, body)
    assert (more, found) == (rounds * ceil(ceil(size / 64) / pipeline.DEPTH), expected)
    assert [c[1:] for c in others] == [c[1:] for c in counts]


def test_sizes_of_messages_are_public(few: Committee, pieces: Callable[[bool], None]) -> None:
    pieces(True)
    assert sizes(few, np.zeros(300, int)) == sizes(few, np.arange(-150, 150))


def sizes(c: Committee, values: np.ndarray) -> list[list[dict[int, int]]]:
    """Of every frame that each party sends, in order."""
    x = c.deal(values)

    def body(party: Party) -> list[dict[int, int]]:
        told: list[dict[int, int]] = []
        post = party.network.post

        def watched(tag: int, sends: Any) -> None:
            told.append({peer: len(frame) for peer, frame in sends.items()})
            post(tag, sends)

        party.network.post = watched  # type: ignore[method-assign]
        mul(party, x(party), x(party))
        ltz(party, x(party), 10)
        return told

    return c.run(body)


# ------------------------------------------------------------ the order of things


def test_pieces_overlap() -> None:
    """A piece's round is told while those before it are under way, and heard in the order of telling."""
    c = Committee(3, 1, M61)
    ring = dict(pairwise([1, 2, 3, 1]))

    def body(party: Party) -> tuple[list[str], int]:
        events: list[str] = []

        def queued(round_: Round, what: str) -> Callable[[], None]:
            events.append(f"{what} told")
            round_.send(ring[party.me], np.full(3, len(events), np.uint64))
            slot = round_.expect({there: here for here, there in ring.items()}[party.me], 24)
            return lambda: (slot(), events.append(f"{what} heard"))[1]

        def piece(name: str) -> Rounds[None]:
            for number in (1, 2):
                yield from in_round(party, lambda r: queued(r, f"{name}{number}"))  # noqa: B023

        run_pieces(party, [piece("a"), piece("b")])
        run(piece("c"))
        return events, party.counters.rounds

    events, rounds = agreed(c.run(body))
    assert events == [
        "a1 told", "b1 told", "a1 heard", "a2 told", "b1 heard", "b2 told", "a2 heard", "b2 heard",
        "c1 told", "c1 heard", "c2 told", "c2 heard",
    ]
    assert rounds == 2 + 2


def test_a_round_of_its_own_between() -> None:
    """What a piece opens at once waits for all that was told before it."""
    c = Committee(3, 1, M61)
    x = c.deal(range(4))

    def body(party: Party) -> list[list[int]]:
        found: list[list[int]] = []

        def piece(times: int) -> Rounds[None]:
            for _ in range(times):
                value = x(party)
                made = yield from in_round(
                    party, lambda r: reshare_locals(party, r, [product(party.field, value.raw, value.raw)]))  # noqa: B023
                found.append(signed(party, ArithShare(party.field, made)))

        run_pieces(party, [piece(times) for times in (1, 3, 2, 1, 2, 1)])
        return found

    assert agreed(c.run(body)) == [[0, 1, 4, 9]] * 10


# ------------------------------------------------------------ faults in the middle


def batch(c: Committee, faults: Callable[[Party], list[Fault]]) -> Body:
    values = values_of(700, 10)
    x = c.deal(values)

    def body(party: Party) -> tuple[list[int], list[int]]:
        party.network = FaultyNetwork(party.network, faults(party), seed=party.me)
        return signed(party, mul(party, x(party), x(party))), opened(party, ltz(party, x(party), 10))

    return body


def peers_of(party: Party) -> Iterator[int]:
    return (peer for peer in party.structure.parties if peer != party.me)


@pytest.mark.parametrize("seed", range(3))
def test_late_frames_change_nothing(few: Committee, seed: int, pieces: Callable[[bool], None]) -> None:
    pieces(True)
    calm = few.run(batch(few, lambda party: []))

    def faults(party: Party) -> list[Fault]:
        return random_faults(100 * seed + party.me, 80, peers_of(party), 0.3, [FaultKind.DELAY])

    assert few.run(batch(few, faults)) == calm


@pytest.mark.parametrize("kind", [FaultKind.DROP, FaultKind.REORDER, FaultKind.CLOSE])
@pytest.mark.parametrize("step", [4, 11, 25, 47])
def test_a_lost_frame_ends_the_batch(step: int, kind: FaultKind, pieces: Callable[[bool], None]) -> None:
    """In the products' pieces, in their opening, in the comparisons."""
    pieces(True)
    c = Committee(3, 1, M61)

    def faults(party: Party) -> list[Fault]:
        return [Fault(step, peer, kind) for peer in peers_of(party)] if party.me == 2 else []

    with pytest.raises(PeerError, match=r"node [13]: "):
        c.run(batch(c, faults))


@pytest.mark.parametrize("field", [M61, M127], ids=str)
def test_an_element_that_is_not_reduced_names_its_sender(field: Field, pieces: Callable[[bool], None]) -> None:
    """In the fifth piece of products."""
    pieces(True)
    c = Committee(3, 1, field)
    x = c.deal(values_of(700, 11))

    def body(party: Party) -> None:
        if party.me == 1:
            post, count = party.network.post, iter(range(1000))

            def spoiled(tag: int, sends: Any) -> None:
                wrong = next(count) == 4
                post(tag, {peer: b"\xff" * len(frame) if wrong else frame for peer, frame in sends.items()})

            party.network.post = spoiled  # type: ignore[method-assign]
        mul(party, x(party), x(party))

    with pytest.raises(PeerError, match="node 1: "):
        c.run(body)
