"""Comparisons by tables made ahead: right on the edges, two rounds, and what they open is uniform."""

import secrets
from collections.abc import Callable

import numpy as np
import pytest
from committee import Committee, agreed, edges, opened
from test_masks import LANES, LIMIT, chi_square, irregularity

from enigmalang.fields import M61, M127, Raw
from enigmalang.mpc import addends, lookup, tabulate
from enigmalang.mpc.compare import eqz, ltz
from enigmalang.mpc.party import Party
from enigmalang.mpc.tables import WORDS, Tables
from enigmalang.mpc.tabulate import make_tables, random_bits_of_number
from enigmalang.sharing import ArithShare, BitShare

WIDTHS = [1, 2, 7, 8, 9, 31, 48, 57, 58, 59, None]
COMMITTEES = [Committee(3, 1, M61), Committee(4, 1, M61), Committee(5, 2, M61), Committee(3, 1, M127)]


@pytest.fixture(params=COMMITTEES, ids=lambda c: f"{c.n}-{c.t}-{c.field}")
def few(request: pytest.FixtureRequest) -> Committee:
    return request.param


def test_bits_of_random_numbers(few: Committee) -> None:
    def body(party: Party) -> tuple[list[int], list[int]]:
        share, bits = random_bits_of_number(party, 70)
        planes = [BitShare(np.ascontiguousarray(bits[:, i]), (70,)) for i in range(few.field.q)]
        return [v % few.field.p for v in opened_flat(party, share)], [opened(party, plane) for plane in planes]

    numbers, bits = agreed(few.run(body))
    assert [sum(bits[i][k] << i for i in range(few.field.q)) for k in range(70)] == numbers
    assert len(set(numbers)) == 70


def opened_flat(party: Party, share: Raw) -> list[int]:
    return opened(party, ArithShare(party.field, share))


@pytest.mark.parametrize("bits", WIDTHS)
def test_comparisons_ahead(few: Committee, bits: int | None) -> None:
    q = few.field.q
    top = few.field.p // 2 if bits is None else 1 << bits
    x = [0, 1, -1, top - 1, 1 - top, top // 2, -top // 2]
    x += [secrets.randbelow(2 * top - 1) - top + 1 for _ in range(30)]
    if bits is None:
        x += edges(few.field)
    shares = few.deal(x)

    def body(party: Party) -> tuple[list[int], list[int], int, int]:
        make_tables(party, 2 * len(x))
        rounds, ands = party.counters.rounds, party.counters.ands
        less, zero = ltz(party, shares(party), bits), eqz(party, shares(party), bits)
        spent = party.counters.rounds - rounds, party.counters.ands - ands
        return opened(party, less), opened(party, zero), *spent

    less, zero, rounds, ands = agreed(few.run(body))
    assert less == [int(v < 0) for v in x]
    assert zero == [int(v == 0) for v in x]
    if bits is None and q > 64:
        assert ands > 0
    else:
        assert (rounds, ands) == (4, 0)


# ------------------------------------------------------------ what is opened


def seen(c: Committee, protocol: Callable[[Party, ArithShare], object], secret: int) -> tuple[float, float]:
    """Irregularity of the numbers, and of the masked bits (six at a time), that comparisons of one secret open."""
    numbers: list[Raw] = []
    bits: list[Raw] = []
    with pytest.MonkeyPatch.context() as patch:
        open_elements, open_words = lookup.open_elements, lookup.open_words

        def watched(store: list[Raw], open_: Callable[..., Callable[[], Raw]]) -> Callable[..., Callable[[], Raw]]:
            def opening(party: Party, *args: object) -> Callable[[], Raw]:
                finish = open_(party, *args)

                def finished() -> Raw:
                    value = finish()
                    if party.me == 1:
                        store.append(value.copy())
                    return value

                return finished

            return opening

        patch.setattr(lookup, "open_elements", watched(numbers, open_elements))
        patch.setattr(lookup, "open_words", watched(bits, open_words))
        shares = c.deal(np.full(LANES, secret))

        def body(party: Party) -> None:
            make_tables(party, LANES)
            protocol(party, shares(party))

        c.run(body)
    (number,), (words,) = numbers, bits
    found = words.view(np.uint32)[:LANES]
    return irregularity(c.field, number), max(chi_square(found >> low & 63) for low in (0, 3, 9, 11))


WHOLE: dict[str, Callable[[Party, ArithShare], object]] = {
    "below": lambda party, x: ltz(party, x, 59),
    "equal": lambda party, x: eqz(party, x, 59),
}


@pytest.mark.parametrize("secret", [0, -5])
def test_what_is_opened_is_uniform(few: Committee, secret: int) -> None:
    assert max(seen(few, WHOLE["below"], secret)) < LIMIT


@pytest.mark.parametrize("name", WHOLE)
def test_missing_masks_of_tables_would_be_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    draw_words, draw = tabulate.random_bit_words, addends.random_pieces
    monkeypatch.setattr(tabulate, "random_bit_words", lambda *args: np.zeros_like(draw_words(*args)))
    assert seen(COMMITTEES[0], WHOLE[name], 0)[1] > LIMIT
    monkeypatch.setattr(addends, "random_pieces", lambda *args: np.zeros_like(draw(*args)))
    assert seen(COMMITTEES[0], WHOLE[name], 0)[0] > LIMIT


def test_tables_are_used_once() -> None:
    tables = Tables(M61, 2)
    tables.add(np.arange(5, dtype=np.uint64), np.arange(5 * 2 * WORDS, dtype=np.uint64).reshape(5, 2, WORDS))
    assert tables.take(0) is None and tables.take(6) is None
    first, second = tables.take(3), tables.take(2)
    assert first is not None and second is not None
    assert [*first[0], *second[0]] == [0, 1, 2, 3, 4]
    assert np.array_equal(np.concatenate([first[1], second[1]]).reshape(-1), np.arange(5 * 2 * WORDS))
    assert len(tables) == 0 and tables.take(1) is None and tables.taken == 5
    with pytest.raises(TypeError):
        tables.__reduce_ex__(2)


def test_without_enough_tables_the_usual_protocol_runs() -> None:
    committee = Committee(3, 1, M61)
    shares = committee.deal([-1, 0, 1])

    def body(party: Party) -> tuple[list[int], int, int]:
        make_tables(party, 2)
        less = opened(party, ltz(party, shares(party)))
        return less, party.counters.comparisons, len(party.tables)

    assert agreed(committee.run(body)) == ([1, 0, 0], 3, 2)
