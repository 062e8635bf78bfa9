"""Shares of a contract on their way to another committee: what arrives, and what a few members learn of it."""

import threading

import numpy as np
import pytest

from enigmalang.circuits.circuit import Form
from enigmalang.fields import M61
from enigmalang.node.daemon.seats.handing import moving
from enigmalang.node.daemon.seats.handing.moving import Parcel, Party, kinds_to_move, mask_text, moved
from enigmalang.node.durable.handover import decode_layout, encode_layout, filled, shares_of
from enigmalang.node.durable.values import constant_value, shared_value
from enigmalang.sharing import ArithShare
from enigmalang.sharing.shamir import reconstruct, share
from enigmalang.transport.memory import memory_networks
from enigmalang.transport.network import PeerError

OLD, NEW = Party(("a", "b", "c"), 1), Party(("c", "d", "a"), 1)
TOTAL, LIST, RATE = ("total", ()), ("list", (1,)), ("rate", ())


def dealt(values):
    """Shares of numbers, by seat."""
    shares = share(M61, M61.from_ints(np.array(values, object)), 3, 1)
    return {seat: ArithShare(M61, raw) for seat, raw in shares.items()}


def opened(shares):
    """By any two seats, which must agree."""
    found = [M61.to_ints(reconstruct(M61, {seat: shares[seat].raw for seat in pair}, 1)).tolist()
             for pair in ((1, 2), (2, 3), (1, 3))]
    assert found[0] == found[1] == found[2]
    return found[0]


def together(parcel, given):
    """What each node of `parcel.seats` has at the end; `given` by seat of the old committee."""
    networks, done, failed = memory_networks(len(parcel.seats)), {}, []

    def run(network):
        name = parcel.seats[network.me - 1]
        seat = OLD.members.index(name) + 1 if name in OLD.members else 0
        try:
            done[name] = moved(network, parcel, given[seat] if seat in parcel.dealers else None)
        except BaseException as error:  # noqa: BLE001  looked at below
            failed.append(error)
            network.fail()

    threads = [threading.Thread(target=run, args=(network,)) for network in networks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return done


@pytest.mark.parametrize("part", [1, 3, moving.PART])
@pytest.mark.parametrize("dealers", [(1, 2), (2, 3)])
def test_values_and_masks_arrive_whatever_the_parts(monkeypatch, part, dealers):
    monkeypatch.setattr(moving, "PART", part)
    total, numbers, mask = dealt([42]), dealt([1, 2, 3]), dealt([7, 8])
    values = {seat: {TOTAL: shared_value(total[seat], False), LIST: shared_value(numbers[seat], False),
                     RATE: constant_value(np.array(3), Form.ARITH, False)} for seat in (1, 2, 3)}
    layout = decode_layout(encode_layout(values[1]))
    parcel = Parcel(bytes(32), OLD, NEW, dealers, kinds_to_move(layout, {9: 2}, M61))
    given = {seat: shares_of(values[seat], M61, 2) | {mask_text(9): mask[seat]} for seat in (1, 2, 3)}
    done = together(parcel, given)
    assert (done.pop("b") is None) if "b" in parcel.seats else True
    at_new = {seat: filled(layout, done[name]) for seat, name in enumerate(NEW.members, 1)}
    assert opened({seat: each[TOTAL].share(M61, 2) for seat, each in at_new.items()}) == [42]
    assert opened({seat: each[LIST].share(M61, 2) for seat, each in at_new.items()}) == [1, 2, 3]
    assert all(each[RATE] == values[1][RATE] for each in at_new.values())
    assert opened({seat: done[name][mask_text(9)] for seat, name in enumerate(NEW.members, 1)}) == [7, 8]


def test_what_one_old_and_one_new_member_have_does_not_depend_on_the_values():
    """Old seat 3 and new seat 2 work together, whatever is shared: their shares are uniform for each value."""
    size, seen = 4096, []
    for secret in (0, 1):
        slope = np.array([(5 - secret) * pow(3, -1, M61.p) % M61.p], object)  # the share of seat 3 is 5 for both
        old = {seat: ArithShare(M61, M61.from_ints(np.repeat((secret + seat * slope) % M61.p, size)))
               for seat in (1, 2, 3)}
        assert set(M61.to_ints(old[3].raw).tolist()) == {5}
        name = mask_text(1)
        parcel = Parcel(bytes(32), OLD, NEW, (1, 2), kinds_to_move({}, {1: size}, M61))
        done = together(parcel, {seat: {name: old[seat]} for seat in (1, 2)})
        numbers = np.array([int(v) % M61.p for v in M61.to_ints(done["d"][name].raw)], object)
        assert len(set(numbers.tolist())) == size
        counts = np.bincount([int(v) * 8 // M61.p for v in numbers], minlength=8)
        seen.append(counts)
        assert abs(counts - size / 8).max() < 6 * (size / 8) ** 0.5
    assert abs(seen[0] - seen[1]).max() < 9 * (size / 8) ** 0.5


def test_nodes_that_were_told_different_things_notice():
    shares = {seat: {mask_text(1): each} for seat, each in dealt([4]).items()}
    kinds = kinds_to_move({}, {1: 1}, M61)
    one, other = (Parcel(run * 32, OLD, NEW, (1, 2), kinds) for run in (b"a", b"b"))
    networks, raised = memory_networks(len(one.seats)), []

    def run(network):
        seat = network.me
        try:
            moved(network, one if seat != 3 else other, shares[seat] if seat < 3 else None)
        except PeerError as error:
            raised.append((seat, error.reason))
            network.fail()

    threads = [threading.Thread(target=run, args=(network,)) for network in networks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (3, "takes part in another move of shares, or with other members") in raised and len(raised) == len(networks)
