"""Pseudo-random polynomials over any space, of degree t and zero where one wants: without talking."""

import numpy as np

from enigmalang.fields import Raw
from enigmalang.sharing.spaces import Space
from enigmalang.sharing.streams import Streams
from enigmalang.sharing.structure import Structure, Subset


def blind(
    streams: Streams, shape: Structure, me: int, space: Space, party: int, number: int, size: int
) -> Raw:
    """z(me) for `size` pseudo-random polynomials of degree t that vanish at a party; for 0, which is none, of random
    ones. The sum of r_A * f_A over the sets A without it (Cramer, Damgard, Ishai, TCC 2005), the number-th draw.
    """
    total: Raw = np.zeros_like(space.empty(1, size)[0])
    for subset in shape.held(me):
        if party not in subset:
            rows, stream = space.empty(1, size), streams.of_subset(subset)
            stream.seek(number)
            space.draw(stream, rows[0])
            scaled: Raw = space.combine(((set_value(space, shape, subset, me),),), rows)[0]
            total = space.add(total, scaled)
    return total


def set_value(space: Space, shape: Structure, subset: Subset, at: int) -> int:
    """f_A(at): degree t, f_A(0) = 1, zero at the t parties outside A (`shamir.subset_value` over any space)."""
    outside = tuple(j for j in shape.parties if j not in subset)
    return space.lagrange((0, *outside), at)[0]


def wire_bytes(vector: Raw) -> bytes:
    """Little-endian words."""
    return np.ascontiguousarray(vector, "<u8").tobytes()
