"""Shuffling through networks: routing in the clear, and on shares."""

from collections import Counter

import numpy as np
import pytest
from committee import Committee, agreed, opened

from enigmalang.fields import M61, M127, Field
from enigmalang.mpc.party import Party
from enigmalang.mpc.shuffle import Table, shuffle
from enigmalang.mpc.wide import network
from enigmalang.mpc.wide.network import route, strides
from enigmalang.sharing import ArithShare


def switched(layers: list[np.ndarray], size: int, items: np.ndarray) -> np.ndarray:
    items = items.copy()
    for h, layer in zip(strides(size), layers, strict=True):
        base = np.flatnonzero(np.arange(len(items)) & h == 0)
        assert len(layer) == len(base)
        swap = base[layer == 1]
        items[swap], items[swap + h] = items[swap + h], items[swap]
    return items


@pytest.mark.parametrize("size", [1, 2, 4, 8, 64, 512])
@pytest.mark.parametrize("rows", [1, 3])
def test_every_permutation_is_routed(size: int, rows: int) -> None:
    generator = np.random.default_rng(size)
    for _ in range(30):
        target = np.concatenate([generator.permutation(size) + row * size for row in range(rows)])
        layers = route(target, size)
        assert len(layers) == max(0, 2 * size.bit_length() - 3)
        placed = switched(layers, size, np.arange(rows * size))
        assert np.array_equal(placed[target], np.arange(rows * size))


@pytest.mark.parametrize("field", [M61, M127], ids=str)
@pytest.mark.parametrize(("n", "t"), [(5, 1), (12, 5)])
def test_columns_are_shuffled_alike(n: int, t: int, field: Field) -> None:
    """Three tables at once; rows of 5 are padded, an empty table comes back."""
    c = Committee(n, t, field, True)
    first = np.arange(20).reshape(2, 2, 5)
    first[1] = first[0] * 100
    inputs = [c.deal(first), c.deal(np.arange(3).reshape(1, 1, 3)), c.deal(np.zeros((2, 0, 4), int))]

    def body(party: Party) -> list[list[int]]:
        tables = [Table(field, share(party).raw) for share in inputs]
        return [opened(party, ArithShare(field, raw)) for raw in network.shuffle(party, tables)]

    big, small, empty = agreed(c.run(body))
    assert big[10:] == [100 * v for v in big[:10]]
    assert sorted(big[:5]) == [0, 1, 2, 3, 4] and sorted(big[5:10]) == [5, 6, 7, 8, 9]
    assert sorted(small) == [0, 1, 2] and empty == []


def test_all_orders_come_alike() -> None:
    """3! orders of 600 rows: chi-square with 5 degrees of freedom, above 60 with probability below 1e-10.

    These parties have no keys of sets, so `shuffle` takes the network.
    """
    c = Committee(12, 5, M61)
    shares = c.deal(np.broadcast_to(np.arange(3), (1, 600, 3)))

    def body(party: Party) -> list[int]:
        assert not party.held
        (table,) = shuffle(party, [Table(M61, shares(party).raw)])
        return opened(party, ArithShare(M61, table.raw))

    orders = np.array(agreed(c.run(body))).reshape(600, 3)
    counts = Counter(map(tuple, orders.tolist()))
    assert len(counts) == 6
    assert sum((v - 100) ** 2 / 100 for v in counts.values()) < 60
