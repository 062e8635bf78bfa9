"""The stock of random bits: equal at all parties, used once, counted apart, and a run does without when it is empty."""

import numpy as np
import pytest
from committee import Committee, opened

from enigmalang.fields import M61, M127, Field
from enigmalang.mpc import tables
from enigmalang.mpc.ahead import STEP, random_bits, replenish
from enigmalang.mpc.bits import b2a
from enigmalang.mpc.party import Party
from enigmalang.mpc.stock import CAPACITY, Stock
from enigmalang.mpc.tables import Tables
from enigmalang.sharing import ArithShare, BitShare

COMMITTEES = [Committee(3, 1, M61), Committee(5, 2, M61), Committee(4, 1, M127)]


@pytest.mark.parametrize("committee", COMMITTEES, ids=str)
def test_random_bits_are_the_same_in_both_forms(committee: Committee) -> None:
    def body(party: Party) -> tuple[list[int], list[int]]:
        random_bits(party, 200)
        assert party.stock.take_bits(1, 7) is not None  # from here on no longer at a word's start
        taken = party.stock.take_bits(3, 50)
        assert taken is not None
        words, elements = taken
        lanes = [opened(party, BitShare(np.ascontiguousarray(words[:, i]), (50,))) for i in range(3)]
        return [bit for lane in lanes for bit in lane], opened(party, ArithShare(party.field, elements))

    results = committee.run(body)
    assert all(bits == integers for bits, integers in results)
    assert len({tuple(bits) for bits, _ in results}) == 1
    assert 30 < sum(results[0][0]) < 120  # 150 fair bits: outside with probability 2^-40


@pytest.mark.parametrize("committee", COMMITTEES, ids=str)
@pytest.mark.parametrize("shape", [(), (1,), (3, 43), (64,), (200,)])
def test_bits_to_integers_with_and_without_a_stock(committee: Committee, shape: tuple[int, ...]) -> None:
    bits = np.random.default_rng(7).integers(0, 2, shape, dtype=np.uint8)
    dealt = committee.deal_bits(bits)

    def body(party: Party) -> tuple[list[list[int]], list[int]]:
        random_bits(party, 220)
        answers, rounds = [], []
        for _ in range(2 if bits.size > 110 else 1):
            before = party.counters.rounds
            answers.append(opened(party, b2a(party, dealt(party))))
            rounds.append(party.counters.rounds - before - 1)  # one to open
        assert party.stock.bits == 220 - bits.size
        return answers, rounds

    for answers, rounds in committee.run(body):
        assert answers == [bits.reshape(-1).tolist()] * len(answers)
        assert rounds[0] == 1
        assert all(more > 1 for more in rounds[1:])  # too few bits are left: the form that needs none


def test_each_bit_is_used_once() -> None:
    def body(party: Party) -> list[list[int]]:
        random_bits(party, 300)
        parts = [party.stock.take_bits(1, count) for count in (100, 0, 1, 199, 1)]
        return [opened(party, ArithShare(party.field, part[1])) for part in parts if part is not None]

    whole = Committee(3, 1, M61).run(body)[0]
    assert [len(part) for part in whole] == [100, 0, 1, 199]

    fresh: list[list[int]] = Committee(3, 1, M61).run(lambda party: body(party))[0]
    assert fresh != whole  # other keys


def test_taken_values_are_consecutive_and_never_given_again() -> None:
    stock = Stock(M61, 2)
    numbers = np.arange(10, dtype=np.uint64)
    stock.add_bits(np.zeros((2, 10), np.uint8), numbers)
    first = stock.take_bits(1, 4)
    stock.add_bits(np.ones((2, 3), np.uint8), numbers[:3] + np.uint64(100))
    second = stock.take_bits(3, 3)
    assert first is not None
    assert second is not None
    assert [*first[1].tolist(), *second[1].tolist()] == [*range(10), 100, 101, 102]
    assert second[0].reshape(2, 3).tolist() == [[0, 0, 7], [0, 0, 7]]
    assert stock.take_bits(1, 1) is None
    assert stock.taken == 13
    assert "13" not in repr(stock)


def test_counted_apart_and_bounded() -> None:
    def body(party: Party) -> tuple[int, int]:
        steps = 0
        while replenish(party):
            steps += 1
        assert party.stock.bits == CAPACITY and len(party.tables) == party.tables.capacity
        assert not replenish(party)
        assert party.counters.rounds == party.counters.products == party.counters.bytes_sent == 0
        assert party.ahead.rounds > 2 * (steps + 1)
        assert party.ahead.products >= CAPACITY and party.ahead.ands >= 3000 * party.tables.capacity
        return steps, party.ahead.bytes_sent

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "CAPACITY_BYTES", 1 << 18)
        small = Tables(M61, 2).capacity
        assert Committee(3, 1, M61).run(body)[0][0] == CAPACITY // STEP + -(-small // tables.STEP) - 1


def test_what_does_not_fit_is_refused() -> None:
    stock = Stock(M61, 2)
    with pytest.raises(ValueError, match="shape"):
        stock.add_bits(np.zeros((3, 4), np.uint8), np.zeros(4, np.uint64))
    with pytest.raises(ValueError, match="more than"):
        stock.add_bits(np.zeros((2, CAPACITY + 1), np.uint8), np.zeros(CAPACITY + 1, np.uint64))
    assert stock.bits == 0


@pytest.mark.parametrize("field", [M61, M127], ids=lambda field: field.name)
def test_a_party_that_was_not_replenished_is_noticed(field: Field) -> None:
    """All parties must be told alike: the rounds' tags and sizes differ otherwise."""
    from enigmalang.transport.network import PeerError

    committee = Committee(3, 1, field)
    dealt = committee.deal_bits([1, 0, 1])

    def body(party: Party) -> None:
        if party.me != 2:
            random_bits(party, 64)
        b2a(party, dealt(party))

    with pytest.raises((PeerError, TimeoutError)):
        committee.run(body)
