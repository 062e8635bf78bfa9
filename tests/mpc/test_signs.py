"""Comparisons for everyone: right, in one round less, and no party's word alone tells anything."""

import numpy as np
import pytest
from committee import Committee, agreed, edges

from enigmalang.fields import M61, M127
from enigmalang.mpc import addends, signs
from enigmalang.mpc.compare import ltz
from enigmalang.mpc.opening import reveal_bits
from enigmalang.mpc.signs import opened_ltz


def outcomes(c, values, bits=None):
    share = c.deal(values)

    def body(party):
        return opened_ltz(party, share(party), bits).tolist()

    return agreed(c.run(body))


def test_the_whole_range(committee):
    values = edges(committee.field)
    assert outcomes(committee, values) == [v < 0 for v in values]
    assert outcomes(committee, values, committee.field.q - 1) == [v < 0 for v in values]


@pytest.mark.parametrize("bits", [1, 2, 20, 46])
def test_a_smaller_range(committee, bits):
    top = 1 << bits
    values = [-top, 1 - top, -1, 0, 1, top - 1] + [int(v) for v in np.random.default_rng(1).integers(-top, top, 130)]
    assert outcomes(committee, values, bits) == [v < 0 for v in values]


@pytest.mark.parametrize("lanes", [0, 1, 64, 65, 1000])
def test_any_number(three, lanes, monkeypatch):
    monkeypatch.setattr(addends, "PIECE_BYTES", 2048)
    values = np.random.default_rng(2).integers(-99, 99, lanes)
    assert outcomes(three, values, 8) == (values < 0).tolist()
    assert outcomes(three, values) == (values < 0).tolist()


@pytest.mark.parametrize(("n", "t"), [(3, 1), (5, 2)])
@pytest.mark.parametrize("bits", [None, 30])
def test_one_round_less_in_as_many_bytes(n, t, bits):
    c = Committee(n, t, M61)
    share = c.deal(np.arange(-320, 320))

    def cost(test):
        def body(party):
            test(party)
            counters = party.counters
            return counters.rounds, counters.comparisons, counters.ands, counters.bytes_sent

        rounds, comparisons, ands, sent = zip(*c.run(body), strict=True)
        return rounds, comparisons, ands, sum(sent)

    one = cost(lambda party: opened_ltz(party, share(party), bits))
    other = cost(lambda party: reveal_bits(party, ltz(party, share(party), bits)))
    assert one == (tuple(r - 1 for r in other[0]), *other[1:])


def words_seen(c, value, patch=None):
    """The words that party 1 gets from each other at the end, for the same value many times, and their XOR."""
    seen = []
    with pytest.MonkeyPatch.context() as monkeypatch:
        if patch:
            patch(monkeypatch)
        open_and = signs.open_and

        def watched(party, round_, *args):
            expect = round_.expect

            def noted(peer, size):
                slot = expect(peer, size)
                if party.me == 1:
                    seen.append(lambda: np.frombuffer(bytes(slot()), np.uint64))
                return slot

            round_ = Noted(round_, noted)
            return open_and(party, round_, *args)

        monkeypatch.setattr(signs, "open_and", watched)
        # A constant polynomial, and pieces known: nothing but the shares of zero hides a party's terms.
        share = c.deal(np.full(64 * 64, value))

        def body(party):
            opened_ltz(party, share(party), 20)
            return [get() for get in seen] if party.me == 1 else None

        return c.run(body)[0]


class Noted:
    """A round whose expectations are watched."""

    def __init__(self, round_, expect):
        self.round, self.expect = round_, expect

    def send(self, peer, words):
        self.round.send(peer, words)


@pytest.mark.parametrize(("n", "t"), [(3, 1), (4, 1), (5, 2)])
@pytest.mark.parametrize("field", [M61, M127], ids=str)
def test_words_of_the_others_are_uniform_but_for_their_sum(n, t, field):
    """4096 coins: 2048 ± 320 ones, but with probability below 2e^(-2 * 320^2 / 4096) < 1e-21."""
    for value in (-5, 5):
        words = words_seen(Committee(n, t, field), value)
        assert len(words) == n - 1
        for skipped in range(n - 1):
            rest = np.bitwise_xor.reduce([w for i, w in enumerate(words) if i != skipped], axis=0)
            for some in (*words, rest):
                assert abs(int(np.bitwise_count(some).sum()) - 2048) < 320


def test_terms_without_a_share_of_zero_would_be_noticed():
    """Party 4 of four has no terms: without its share of zero it sends zeros."""

    def nothing(patch):
        patch.setattr(signs, "zero_words", lambda streams, shape, me, instruction, count: np.zeros(count, np.uint64))

    words = words_seen(Committee(4, 1, M61), 5, nothing)
    assert any(abs(int(np.bitwise_count(some).sum()) - 2048) > 320 for some in words)
