"""Comparisons in two rounds by tables made ahead (`mpc.tables`).

Adversary: honest but curious, at most t parties together, n >= 2t + 1; perfect hiding. The first round opens e + r,
with r uniform; the second opens bits under masks that are uniform and used once.

With c = e + r public, e = c + (p - r) modulo p, so e's bits come from c and those of p - r in [1, p] as in
`mpc.compare`, but one operand is public: a group of 8 bits generates a carry just when its value is at least 256 - c's,
and propagates one when it is 255 - c's, which are sums of entries of the group's one-hot table. No round. The generate
bits g_i (g_(-1) the carry into bit 0) and propagate bits p_j are opened as g_i + l_i, p_j + m_j, and the carry is the
sum over i of g_i times the product of the p_j, j > i: the product is 1 just when each m_j is the opposite of what was
opened, which again are entries of a table.

Rounds: 2. Per party and comparison t elements and 4t bytes: 12 bytes for n = 3 in M61.
"""

import numpy as np

from enigmalang.fields import Raw, words_for
from enigmalang.fields.warm import kernels
from enigmalang.mpc.opening import open_elements, open_words
from enigmalang.mpc.party import Party
from enigmalang.mpc.pipeline import Rounds, in_round
from enigmalang.sharing.pseudorandom import clear_padding

BELOW, WHOLE, EQUAL = 0, 1, 2  # as in `fields.kernels.lookup`
COVERED = 64  # bits of p - r that a table holds, beside the top one


def looked_up(party: Party, d: Raw, bits: int | None, equal: bool) -> Rounds[Raw | None]:
    """`compare.ltz` or `eqz` of flat shares: (pieces, words); None, at every party, when there are no tables for it."""
    field = party.field
    if bits is None or bits > field.q - 2:
        bits = None
    if (bits or field.q) >= COVERED:
        return None
    ahead = party.tables.take(field.size_of(d))
    if ahead is None:
        return None
    if equal:
        return (yield from _ask(party, d, ahead, field.q if bits is None else bits + 1, EQUAL, 0))
    if bits is None:
        return (yield from _ask(party, field.add(d, d), ahead, field.q, WHOLE, 0))
    return (yield from _ask(party, field.sub(field.from_ints((1 << bits) - 1), d), ahead, bits, BELOW, bits))


def _ask(party: Party, e: Raw, ahead: tuple[Raw, Raw], width: int, mode: int, at: int) -> Rounds[Raw]:
    """What `mode` says of `width` bits of e; BELOW and WHOLE: its bit `at`."""
    field, lanes, (shares, tables) = party.field, party.field.size_of(e), ahead
    masked = field.add(e, shares)
    opened = yield from in_round(party, lambda r: open_elements(party, r, masked, party.structure.parties))
    if opened is None:
        raise AssertionError("every party receives")
    limbs = opened.reshape(lanes, field.limbs)
    c, top = np.ascontiguousarray(limbs[:, 0]), limbs[:, -1] >> np.uint64((field.q - 1) % 64)
    public = party.held[0] == party.structure.subsets[0]
    found = np.empty((party.pieces, lanes), np.uint64)
    kernels().look_up(tables, c, top, found, width, mode, public)
    small = np.zeros((party.pieces, lanes + lanes % 2), np.uint32)  # 17 bits at most are in use
    small[:, :lanes] = found
    seen = yield from in_round(party, lambda r: open_words(party, r, small.view(np.uint64)))
    out = np.zeros((party.pieces, words_for(lanes)), np.uint64)
    kernels().look_on(tables, seen.view(np.uint32)[:lanes].astype(np.uint64), c, out, width, mode, at, public)
    clear_padding(out, lanes)
    return out
