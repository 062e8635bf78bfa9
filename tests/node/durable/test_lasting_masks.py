"""Masks are made of lasting keys and of what they are bound to: the same after a restart, another for another owner."""

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from enigmalang.execute.masks import masked_bytes
from enigmalang.fields import field_named
from enigmalang.mpc.outputs import decrypt
from enigmalang.mpc.party import Party
from enigmalang.mpc.setup import exchange_keys
from enigmalang.node.admission import Admission
from enigmalang.node.durable.masks import MemoryMasks, NumberTaken
from enigmalang.node.masking import Slot, mask_numbers
from enigmalang.sharing import structure
from enigmalang.sharing.shamir import reconstruct
from enigmalang.transport.memory import run_parties
from enigmalang.wire.errors import WireError

ALICE = X25519PrivateKey.generate()
PUBLIC = ALICE.public_key().public_bytes_raw()
OWNER, OTHER = "0x" + "aa" * 20, "0x" + "bb" * 20


class Members:
    """A committee that meets again and again."""

    def __init__(self, n, t, field="M61"):
        self.n, self.t, self.field, self.meetings = n, t, field, 0
        self.kept = [MemoryMasks() for _ in range(n)]
        self.keys = run_parties(n, lambda network: exchange_keys(network, t))

    def each(self, work):
        """In a new meeting: `work(admission)` at every member."""
        self.meetings += 1

        def member(network):
            keys = exchange_keys(network, self.t)
            party = Party(network, keys, field_named(self.field), b"test")
            place = network.me - 1
            return work(Admission(party, self.keys[place].derive(b"masks"), self.kept[place]))

        return run_parties(self.n, member)

    def reserve(self, number, size, owner=OWNER):
        told = self.each(lambda admission: admission.reserve(number, size, owner, PUBLIC)[0])
        messages = {node: decrypt(ALICE.private_bytes_raw(), node, each) for node, each in enumerate(told, 1)}
        return mask_numbers(Slot((size,), False), self.field, structure(self.n, self.t), messages)

    def admit(self, number, masked, shapes, job=None):
        """What the members' shares are of."""
        shares = self.each(lambda admission: admission.admit(number, masked, shapes, job))
        kind = field_named(self.field)
        return [kind.to_ints(reconstruct(kind, {j: shares[j - 1][k].flat() for j in range(1, self.n + 1)}, self.t))
                for k in range(len(shapes))]


@pytest.mark.parametrize(("n", "t", "field"), [(3, 1, "M61"), (5, 2, "M127"), (9, 4, "M61"), (13, 6, "M61")])
def test_what_was_masked_before_a_restart_is_admitted_after_it(n, t, field):
    """n = 9 has masks made of keys and shares over GF(2^k); n = 13 has no keys of sets, and keeps what it drew."""
    members = Members(n, t, field)
    numbers = np.array([5, -7, 11], dtype=object)
    mask = members.reserve(4, 3)
    masked = masked_bytes(field, [numbers], mask)
    for _ in range(2):  # a job that is begun again
        (found,) = members.admit(4, masked, [(3,)], job=8)
        assert found.tolist() == [5, -7, 11]
    with pytest.raises(WireError, match="was used"):
        members.admit(4, masked, [(3,)], job=9)


def test_a_mask_depends_on_all_that_it_is_bound_to():
    one, two = Members(3, 1), Members(3, 1)
    two.keys = one.keys
    masks = [one.reserve(1, 2), one.reserve(2, 2), two.reserve(1, 2, OTHER), two.reserve(2, 3)[:2]]
    assert len({tuple(map(int, mask)) for mask in masks}) == len(masks)
    again = Members(3, 1)
    again.keys = one.keys
    assert again.reserve(1, 2).tolist() == masks[0].tolist()


def test_a_number_is_told_once():
    members = Members(3, 1)
    members.reserve(3, 1)
    for number in (3, 2):
        with pytest.raises(NumberTaken):
            members.each(lambda admission, number=number: admission.reserve(number, 1, OTHER, PUBLIC))
    assert all(masks.get(3).owner == OWNER and masks.get(2) is None for masks in members.kept)


def test_nothing_is_given_under_a_key_that_is_none():
    members = Members(3, 1)
    with pytest.raises(WireError, match="a key that is none"):
        members.each(lambda admission: admission.reserve(1, 1, OWNER, bytes(32)))
    assert all(masks.highest() == 0 for masks in members.kept)
