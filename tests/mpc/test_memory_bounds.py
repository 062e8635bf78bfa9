"""What a party's work holds at once, as a multiple of its shares: traced allocations, no times."""

import tracemalloc

import numpy as np
import pytest
from committee import Committee

from enigmalang.fields import M61, residues
from enigmalang.mpc.pivots import Judge
from enigmalang.mpc.segments import sorted_places
from enigmalang.mpc.shuffle import Table, shuffle


def peak(work):
    """Bytes above those that were there before, of all threads together."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [600])
def test_a_matrix_product(monkeypatch, size):
    monkeypatch.setattr(residues, "PANEL", 1 << 16)
    x, y, out = (M61.from_ints(np.arange(size * size).reshape(size, size)) for _ in range(3))
    residues.matmul(M61.q, x, y, out)  # what is kept is there now
    assert peak(lambda: residues.matmul(M61.q, x, y, out)) < 2.5 * out.nbytes  # y's residues, and panels


def test_a_public_order():
    n = 200_000
    values = np.random.default_rng(1).permutation(n)
    judge = Judge(lambda left, right: values[left] < values[right])
    assert peak(lambda: sorted_places(judge, 1, n)) < 60 * n  # four numbers of 32 bits each, and a block's work


def test_a_shuffle():
    n = 200_000
    c = Committee(3, 1, M61)
    share = c.deal(np.arange(n).reshape(1, 1, n))

    def work():
        c.run(lambda party: shuffle(party, [Table(party.field, share(party).raw)])[0].raw[0, 0, :1].copy())

    work()
    assert peak(work) < 12 * 8 * n  # of 3 parties 2 hold values, a column and an order
