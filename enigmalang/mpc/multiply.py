"""Products of shared integers. Local products have degree 2t; one resharing brings them back to t.

Adversary: honest but curious, at most t parties together, n >= 2t + 1. Gennaro, Rabin, Rabin (PODC 1998) with
pseudo-random shares (`mpc.deal`): one round, n - 1 - t elements per dealing party and element of the *result*:
1, 2, 3, 4 for n = 3, 5, 7, 9. Sums are taken before the resharing, so an inner product costs one element. Many products
of a wide committee: two rounds, about 2 elements whatever n is (`mpc.wide.kings`).
"""

import numpy as np

from enigmalang.fields import Raw
from enigmalang.mpc.deal import reshare_locals
from enigmalang.mpc.opening import open_elements
from enigmalang.mpc.party import Party, alone
from enigmalang.mpc.wide.kings import product_zero
from enigmalang.sharing import ArithShare
from enigmalang.sharing.local import Local, given, product, selection
from enigmalang.sharing.pseudorandom import masked_product_share
from enigmalang.sharing.spaces import elements


def mul(party: Party, x: ArithShare, y: ArithShare) -> ArithShare:
    """Elementwise, broadcasting as NumPy does. One round."""
    shape = np.broadcast_shapes(x.shape, y.shape)
    return _reshared(party, product(party.field, x.raw, y.raw), shape)


def dot(party: Party, x: ArithShare, y: ArithShare) -> ArithShare:
    """Elementwise product summed over the last axis, broadcasting. One round, one element per result."""
    sums = party.field.dot(x.raw, y.raw)
    return _reshared(party, given(party.field, sums), party.field.shape_of(sums))


def matmul(party: Party, x: ArithShare, y: ArithShare) -> ArithShare:
    """(..., m, k) @ (..., k, n). One round, one element per entry of the result."""
    sums = party.field.matmul(x.raw, y.raw)
    return _reshared(party, given(party.field, sums), party.field.shape_of(sums))


def select(party: Party, c: ArithShare, x: ArithShare, y: ArithShare) -> ArithShare:
    """c ? x : y for c in {0, 1}: y + c*(x - y). One round, one product."""
    field = party.field
    chosen = selection(field, c.raw, x.raw, y.raw)
    if chosen is not None:
        return _reshared(party, chosen, c.shape)
    part = mul(party, c, ArithShare(field, field.sub(x.raw, y.raw)))
    return ArithShare(field, field.add(y.raw, part.raw))


def open_product(party: Party, x: ArithShare, y: ArithShare) -> Raw:
    """Everyone learns x * y, elementwise, and no more: residues of the product's shape.

    One round instead of two: the local products plus a share of zero of degree 2t (CDI05), opened with 2t + 1
    shares; 2t elements per party.
    """
    masked = masked_local(party, product(party.field, x.raw, y.raw))
    values = alone(party, lambda r: open_elements(party, r, masked, party.structure.parties, 2 * party.t))
    if values is None:
        raise AssertionError("every party receives")
    return party.field.reshape(values, np.broadcast_shapes(x.shape, y.shape))


def masked_product(party: Party, local: Raw) -> Raw:
    """Local products (flat shares of degree 2t) that may be opened: no more than their values shows. Local."""
    return masked_local(party, given(party.field, local))


def masked_local(party: Party, local: Local) -> Raw:
    """As `masked_product`, of products that are yet to be taken."""
    field = party.field
    party.counters.products += local.count
    if party.structure.wide:
        return field.add(local.value(field), product_zero(party, elements(field), local.count))
    return masked_product_share(party.streams, field, party.structure, party.me, party.fresh(), local)


def _reshared(party: Party, local: Local, shape: tuple[int, ...]) -> ArithShare:
    with party.counters.phase("products"):
        out = alone(party, lambda r: reshare_locals(party, r, [local]))
    return ArithShare(party.field, party.field.reshape(out, shape))
