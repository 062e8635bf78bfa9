"""What parties see of shuffles and sorts: uniform messages, also to coalitions that strip what they know, and opened
outcomes that are those of a random order, whatever is sorted. Each check is tested to fail without what it checks.
"""

from collections import Counter
from itertools import combinations, permutations

import numpy as np
import pytest
from committee import Committee
from test_masks import LANES, LIMIT, SECRETS, irregularity

from enigmalang.fields import M61, M127
from enigmalang.mpc import counting
from enigmalang.mpc import shuffle as shuffling
from enigmalang.mpc import sort as sorting
from enigmalang.mpc.hops import hops
from enigmalang.mpc.party import Party
from enigmalang.mpc.pivots import Judge
from enigmalang.mpc.segments import sorted_places
from enigmalang.mpc.shuffle import Table, shuffle, shuffle_alike
from enigmalang.mpc.sort import sort
from enigmalang.sharing import structure
from enigmalang.transport.network import PeerError

SIZES = [(3, 1), (4, 1), (5, 2)]


@pytest.fixture(params=[(n, t, f) for n, t in SIZES for f in (M61, M127)], ids=lambda p: f"{p[0]}-{p[1]}-{p[2]}")
def committee(request):
    return Committee(*request.param)


# ------------------------------------------------------------ messages


class Watch:
    """At every party, the elements it receives and the masks it draws with another: (leaving party, peer) to masks."""

    def __init__(self, patch):
        self.received, self.masks = {}, {}
        read, draw = Party.elements_from, shuffling._common_mask

        def elements_from(party, peer, data, shape):
            values = read(party, peer, data, shape)
            self.received.setdefault(party.me, []).append((peer, values.copy()))
            return values

        def common_mask(party, peer, instruction, leaving, out):
            draw(party, peer, instruction, leaving, out)
            if leaving == party.me:
                self.masks.setdefault(leaving, []).append((peer, out.copy()))

        patch.setattr(Party, "elements_from", elements_from)
        patch.setattr(shuffling, "_common_mask", common_mask)


def watched(c, secret, before=None):
    """A shuffle of LANES values that are all the same, shared by constant polynomials: only masks can hide them."""
    with pytest.MonkeyPatch.context() as patch:
        if before:
            before(patch)
        watch = Watch(patch)
        raw = c.field.from_ints(np.full((1, 1, LANES), secret))
        c.run(lambda party: shuffle(party, [Table(party.field, raw)]))
    return watch


def worst(c, secret, before=None):
    """The largest irregularity of a message and of what a coalition has left of a share handed on when it takes off
    the masks it knows; and of sums and differences of two messages of one receiver.
    """
    watch, found = watched(c, secret, before), [0.0]
    handed = {i: list(masks) for i, masks in watch.masks.items()}
    received = {i: list(messages) for i, messages in watch.received.items()}
    for hop in hops(structure(c.n, c.t)):
        for sender, receiver in hop.moves:
            peer, message = received[receiver].pop(0)
            assert peer == sender
            masks = [handed[sender].pop(0) for _ in range(c.t)]
            assert {peer for peer, _ in masks} == set(hop.holders) - {sender}
            found.append(irregularity(c.field, message))
            for coalition in combinations(set(range(1, c.n + 1)) - {sender, receiver}, c.t - 1):
                left = message
                for peer, mask in masks:
                    if peer in coalition:
                        left = c.field.add(left, mask)
                found.append(irregularity(c.field, left))
    assert not any(handed.values())
    found += [irregularity(c.field, values) for messages in received.values() for _, values in messages]
    for messages in watch.received.values():
        for (_, one), (_, other) in combinations(messages, 2):
            found += [irregularity(c.field, c.field.sub(one, other)), irregularity(c.field, c.field.add(one, other))]
    return max(found)


def test_messages_are_uniform_also_to_a_coalition(committee):
    for secret in SECRETS:
        assert worst(committee, secret) < LIMIT


def no_masks(patch):
    patch.setattr(shuffling, "_common_mask", lambda party, peer, instruction, leaving, out: out.fill(0))


def masks_of_one_holder(patch):
    """The sum stays uniform, but one holder together with the receiver knows it."""
    draw = shuffling._common_mask

    def mostly(party, peer, instruction, leaving, out):
        first = min(i for i in party.structure.parties if i != leaving)
        draw(party, peer, instruction, leaving, out)
        if first not in (party.me, peer):
            out[...] = 0

    patch.setattr(shuffling, "_common_mask", mostly)


def test_missing_masks_would_be_noticed():
    for secret in SECRETS:
        for n, t in SIZES:
            assert worst(Committee(n, t, M61), secret, no_masks) > LIMIT
        assert worst(Committee(5, 2, M61), secret, masks_of_one_holder) > LIMIT


# ------------------------------------------------------------ orders and outcomes

ROWS = 3000
#: Chi-square of 5 degrees of freedom: above 100 with probability below 1e-18 (Chernoff).
FAR = 100.0
INPUTS = {"equal": (4, 4, 4), "sorted": (1, 2, 3), "reversed": (9, 5, -7), "two equal": (0, 3, 0), "bits": (1, 0, 0)}


def unevenness(patterns):
    """Chi-square of patterns of three against the uniform distribution."""
    every = list(permutations(range(3)))
    counts = Counter(map(tuple, patterns))
    assert set(counts) <= set(every)
    return sum((counts[order] - ROWS / 6) ** 2 for order in every) / (ROWS / 6)


def compared(c, row, before=None):
    """The order that the opened comparisons tell of the items as they lie, for each of many equal rows."""
    told = []
    with pytest.MonkeyPatch.context() as patch:
        if before:
            before(patch)
        find = sorting.sorted_places

        def sorted_places(*args):
            order = find(*args)
            told.append(order.reshape(ROWS, 3) % 3)
            return order

        patch.setattr(sorting, "sorted_places", sorted_places)
        share = c.deal(np.tile(row, (1, ROWS, 1)))
        c.run(lambda party: sort(party, Table(party.field, share(party).raw), ((-9, 9),)))
    assert len(told) == c.n and all(np.array_equal(told[0], other) for other in told)
    return unevenness(told[0].tolist())


def counted(c, row, before=None):
    """The places that are opened where keys of few values are counted."""
    told = []
    with pytest.MonkeyPatch.context() as patch:
        if before:
            before(patch)
        place = shuffling._placed

        def placed(where, table):
            told.append(where.field.to_ints(where.raw).reshape(ROWS, 3))
            return place(where, table)

        patch.setattr(shuffling, "_placed", placed)
        share = c.deal(np.tile(row, (1, ROWS, 1)))
        c.run(lambda party: sort(party, Table(party.field, share(party).raw), ((-7, 8),)))
    assert all(np.array_equal(told[0], other) for other in told)
    return unevenness(told[0].tolist())


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize(("n", "t"), SIZES)
def test_opened_outcomes_are_those_of_a_random_order(n, t, name):
    assert compared(Committee(n, t, M61), INPUTS[name]) < FAR
    assert counted(Committee(n, t, M61), np.clip(INPUTS[name], -7, 8)) < FAR


def no_shuffle(patch):
    for module in (sorting, shuffling, counting):
        patch.setattr(module, "shuffle", lambda party, tables: list(tables))


def no_index(patch):
    """Equal keys stay equal: comparisons then say that neither is less."""
    patch.setattr(sorting, "_index", lambda field, part: field.zeros((part.stop - part.start,)))


def test_outcomes_that_tell_something_would_be_noticed():
    c = Committee(3, 1, M61)
    for name in INPUTS:
        assert compared(c, INPUTS[name], no_shuffle) > FAR
        assert counted(c, np.clip(INPUTS[name], -7, 8), no_shuffle) > FAR
    for name in ("equal", "two equal"):
        assert compared(c, INPUTS[name], no_index) > FAR


def test_one_hop_alone_would_be_noticed(monkeypatch):
    """The parties of a hop know its order: the test of hops in test_order is what says that one more is unknown."""
    plan = hops(structure(3, 1))
    monkeypatch.setattr(shuffling, "hops", lambda shape: plan)
    assert counted(Committee(3, 1, M61), (0, 1, 1)) < FAR
    monkeypatch.setattr(shuffling, "uniform_orders", lambda stream, rows, n: np.arange(rows * n))
    assert counted(Committee(3, 1, M61), (0, 1, 1)) > FAR


def test_message_sizes_do_not_depend_on_the_values():
    def sizes(row):
        c, sent = Committee(3, 1, M61), []
        with pytest.MonkeyPatch.context() as patch:
            swap = Party.swap

            def swapped(party, frames, expects):
                if party.me == 1:
                    sent.append(sorted((peer, len(frame)) for peer, frame in frames.items()))
                return swap(party, frames, expects)

            patch.setattr(Party, "swap", swapped)
            share = c.deal(np.array(row).reshape(1, 1, -1))
            c.run(lambda party: sort(party, Table(party.field, share(party).raw), ((-9, 9),)))
        return sent

    assert sizes(range(-9, 9)) == sizes([3] * 18)
    assert counting.FEW_VALUES < 19


# ------------------------------------------------------------ peers that break the protocol


@pytest.mark.parametrize("field", [M61, M127], ids=str)
def test_a_share_that_is_no_element_names_its_sender(monkeypatch, field):
    ((sender, _),) = hops(structure(3, 1))[0].moves
    mask = shuffling._Shuffle._mask

    def ones(self, piece, masks, instruction):
        mask(self, piece, masks, instruction)
        if self.party.me == sender:
            piece[...] = np.uint64(0xFFFFFFFFFFFFFFFF)

    monkeypatch.setattr(shuffling._Shuffle, "_mask", ones)
    c = Committee(3, 1, field)
    share = c.deal(np.arange(8).reshape(1, 1, 8))
    with pytest.raises(PeerError, match=f"node {sender}: a number is not reduced"):
        c.run(lambda party: shuffle(party, [Table(party.field, share(party).raw)]))


def test_outcomes_that_contradict_each_other_end_in_some_order():
    """Where a peer lies, items end in no order, but in their row, and nothing fails."""
    generator = np.random.default_rng(6)
    for rows, n, ranks in ((3, 4, None), (2, 300, None), (1, 2000, (5, 1000))):
        lies = Judge(lambda left, right: generator.random(len(left)) < 0.5)
        order = sorted_places(lies, rows, n, None if ranks is None else np.array(ranks))
        assert order.shape == (rows * n,)
        assert np.array_equal(order // n, np.repeat(np.arange(rows), n))


def worst_alike(c, secret, before=None):
    """The largest irregularity of what parties receive of two columns shuffled in the same orders, and of sums and
    differences of any two messages: fresh masks hide both."""
    with pytest.MonkeyPatch.context() as patch:
        watch = Watch(patch)
        if before:
            before(patch)
        raw = c.field.from_ints(np.full((1, 1, LANES), secret))

        def both(party):
            _, orders = shuffle_alike(party, [Table(party.field, raw)])
            shuffle_alike(party, [Table(party.field, raw)], orders)

        c.run(both)
    found = [0.0]
    for messages in watch.received.values():
        found += [irregularity(c.field, values) for _, values in messages]
        for (_, one), (_, other) in combinations(messages, 2):
            found += [irregularity(c.field, c.field.sub(one, other)), irregularity(c.field, c.field.add(one, other))]
    return max(found)


def test_columns_shuffled_alike_hide_each_other():
    committee = Committee(3, 1, M61)
    for secret in SECRETS:
        assert worst_alike(committee, secret) < LIMIT


def test_masks_that_are_not_fresh_are_seen():
    def same(patch):
        def fixed(party, peer, instruction, leaving, out):
            out[...] = np.arange(out.size, dtype=out.dtype).reshape(out.shape) * np.uint64(0x9E3779B97F4A7C15 >> 4) % (
                np.uint64(M61.p))
        patch.setattr(shuffling, "_common_mask", fixed)

    assert worst_alike(Committee(3, 1, M61), 5, same) > LIMIT
