"""Products of shared integers. Local products have degree 2t; one resharing brings them back to t.

Adversary: honest but curious, at most t parties together, n >= 2t + 1. Gennaro, Rabin, Rabin (PODC 1998) with
pseudo-random shares (`mpc.deal`): one round, n - 1 - t elements per dealing party and element of the *result*:
1, 2, 3, 4 for n = 3, 5, 7, 9. Sums are taken before the resharing, so an inner product costs one element.
"""

from enigmalang.fields import Raw
from enigmalang.mpc.deal import reshare_products
from enigmalang.mpc.opening import open_elements
from enigmalang.mpc.party import Party, alone
from enigmalang.mpc.wide.kings import product_zero
from enigmalang.sharing import ArithShare
from enigmalang.sharing.pseudorandom import product_zero_share
from enigmalang.sharing.spaces import elements


def mul(party: Party, x: ArithShare, y: ArithShare) -> ArithShare:
    """Elementwise, broadcasting as NumPy does. One round."""
    return _reshared(party, party.field.mul(x.raw, y.raw))


def dot(party: Party, x: ArithShare, y: ArithShare) -> ArithShare:
    """Elementwise product summed over the last axis, broadcasting. One round, one element per result."""
    return _reshared(party, party.field.dot(x.raw, y.raw))


def matmul(party: Party, x: ArithShare, y: ArithShare) -> ArithShare:
    """(..., m, k) @ (..., k, n). One round, one element per entry of the result."""
    return _reshared(party, party.field.matmul(x.raw, y.raw))


def select(party: Party, c: ArithShare, x: ArithShare, y: ArithShare) -> ArithShare:
    """c ? x : y for c in {0, 1}: y + c*(x - y). One round, one product."""
    field = party.field
    product = mul(party, c, ArithShare(field, field.sub(x.raw, y.raw)))
    return ArithShare(field, field.add(y.raw, product.raw))


def open_product(party: Party, x: ArithShare, y: ArithShare) -> Raw:
    """Everyone learns x * y, elementwise, and no more: residues of the product's shape.

    One round instead of two: the local products plus a share of zero of degree 2t (CDI05), opened with 2t + 1
    shares; 2t elements per party.
    """
    local = party.field.mul(x.raw, y.raw)
    masked = masked_product(party, party.field.flat(local))
    values = alone(party, lambda r: open_elements(party, r, masked, party.structure.parties, 2 * party.t))
    if values is None:
        raise AssertionError("every party receives")
    return party.field.reshape(values, party.field.shape_of(local))


def masked_product(party: Party, local: Raw) -> Raw:
    """Local products (flat shares of degree 2t) that may be opened: no more than their values shows. Local."""
    size = party.field.size_of(local)
    party.counters.products += size
    if party.structure.wide:
        return party.field.add(local, product_zero(party, elements(party.field), size))
    zero = product_zero_share(party.streams, party.field, party.structure, party.me, party.fresh(), size)
    return party.field.add(local, zero)


def _reshared(party: Party, local: Raw) -> ArithShare:
    flat = party.field.flat(local)
    with party.counters.phase("products"):
        out = alone(party, lambda r: reshare_products(party, r, flat))
    return ArithShare(party.field, party.field.reshape(out, party.field.shape_of(local)))
