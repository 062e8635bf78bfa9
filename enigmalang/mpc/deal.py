"""Dealing: parties share values that they know. The one resharing under every product.

Adversary: honest but curious, at most t parties together. One round.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from enigmalang.fields import Field, Raw, Rows, words_from
from enigmalang.fields.arithmetic import SELECT, at
from enigmalang.fields.warm import kernels
from enigmalang.mpc.dealing import reshare
from enigmalang.mpc.party import Finish, Party, Round
from enigmalang.mpc.wide import words as wide
from enigmalang.mpc.wide.kings import kings_pay, reshare_by_kings
from enigmalang.sharing.draws import use_elements
from enigmalang.sharing.local import Local, Recipe, given
from enigmalang.sharing.local import dealer as dealing
from enigmalang.sharing.shamir import lagrange, table_of
from enigmalang.sharing.spaces import elements
from enigmalang.sharing.structure import Structure, Subset

DRAW_WORDS = 1 << 14  # pseudo-random words made at a time: they stay in a cache, and calls are few


@lru_cache(maxsize=256)
def _dealing(field: Field, shape: Structure, dealer: int, weight: int) -> tuple[tuple[int, ...], Raw]:
    """Who gets a message from the dealer, and the (receivers + 1, t + 1) table that makes the shares.

    Rows: each receiver, then the dealer itself. Columns: the value (times `weight`), the pseudo-random shares
    of the t parties after the dealer.
    """
    silent = shape.after(dealer, shape.t)
    spoken = tuple(j for j in shape.parties if j != dealer and j not in silent)
    lines = []
    for point in (*spoken, dealer):
        line = list(lagrange(field.p, (0, *silent), point))
        lines.append([line[0] * weight % field.p, *line[1:]])
    return spoken, table_of(field, lines)


def deal_elements(
    party: Party, round_: Round, dealers: Sequence[int], mine: Raw | None, count: int, weight: int = 1
) -> Finish[dict[int, Raw]]:
    """Each dealer shares `count` elements it knows (`mine`, flat, at a dealer), times a public `weight`.

    The polynomial of degree t is fixed by its value at 0 and pseudo-random shares of t receivers, so only the
    other n - 1 - t get a message: 1, 2, 3, 4 elements per dealer for n = 3, 5, 7, 9 (GRR98 with pseudo-random
    shares). Returns dealer -> this party's shares, (count,).
    """
    field, instruction = party.field, party.fresh()
    ready: dict[int, Raw] = {}
    slots = {}
    for dealer in dealers:
        silent = party.structure.after(dealer, party.t)
        if dealer == party.me:
            if mine is None:
                raise ValueError("a dealer needs its values")
            ready[dealer] = _send_elements(party, round_, instruction, mine, weight)
        elif party.me in silent:
            ready[dealer] = _pair_elements(party, dealer, instruction, dealer, field.empty((count,)))
        else:
            slots[dealer] = round_.expect(dealer, count * field.nbytes)

    def finish() -> dict[int, Raw]:
        got = {dealer: party.elements_from(dealer, slot(), (count,)) for dealer, slot in slots.items()}
        return ready | got

    return finish


def _pair_elements(party: Party, peer: int, instruction: int, dealer: int, out: Raw) -> Raw:
    stream = party.streams.of_pair(peer)
    stream.seek(instruction, dealer)
    stream.elements(party.field, out)
    return out


def _send_elements(party: Party, round_: Round, instruction: int, mine: Raw, weight: int) -> Raw:
    spoken, table = _dealing(party.field, party.structure, party.me, weight)
    field, count = party.field, party.field.size_of(mine)
    messages, own = field.empty((len(spoken), count)), field.empty((count,))
    streams = [(party.streams.of_pair(peer), party.me) for peer in party.structure.after(party.me, party.t)]
    deal = dealing(field, [given(field, mine)], Recipe(at(table), len(spoken), party.t, 0), messages, own)
    use_elements(field, streams, instruction, count, 1, deal)
    for peer, share in zip(spoken, messages, strict=True):
        round_.send(peer, share)
    return own


def reshare_products(party: Party, round_: Round, local: Raw) -> Finish[Raw]:
    """Local products (shares of degree 2t, flat) to fresh shares of degree t.

    Gennaro, Rabin, Rabin, PODC 1998, with pseudo-random shares. One round; per dealing party n - 1 - t elements
    a product. Of many products in a wide committee two rounds and about 2 elements (`wide.kings`).
    """
    return reshare_locals(party, round_, [given(party.field, local)])


def reshare_locals(party: Party, round_: Round, locals_: Sequence[Local]) -> Finish[Raw]:
    """As `reshare_products`, of products that are yet to be taken; a selection's y is added. (sum of counts,)."""
    field = party.field
    count = sum(local.count for local in locals_)
    if not (party.structure.wide and kings_pay(party.structure, count * field.nbytes)):
        return reshare(party, round_, locals_)
    party.counters.products += count
    values = np.concatenate([local.value(field) for local in locals_])
    dealt = reshare_by_kings(party, round_, elements(field), values)

    def finish() -> Raw:
        out, start = dealt(), 0
        for local in locals_:
            part = slice(start, start + local.count)
            if local.kind == SELECT:
                out[part] = field.add(out[part], local.z)
            start += local.count
        return out

    return finish


@dataclass(frozen=True, slots=True)
class _Drawings:
    """What a party does for some dealers: `draws` are (dealer, piece, set), its own first; `corrected` are the
    (dealer, piece) whose correction it receives; its own correction is for `told`, and goes to piece `anchor`.
    """

    draws: tuple[tuple[int, int, Subset], ...]
    corrected: tuple[tuple[int, int], ...]
    told: tuple[int, ...]
    anchor: int


@lru_cache(maxsize=256)
def _drawings(shape: Structure, me: int, dealers: tuple[int, ...]) -> _Drawings:
    held = shape.held(me)
    own_first = sorted(dealers, key=lambda dealer: dealer != me)
    draws = [
        (dealer, i, subset)
        for dealer in own_first
        for i, subset in enumerate(held)
        if dealer in subset and subset != shape.anchor(dealer)
    ]
    corrected = [(d, held.index(shape.anchor(d))) for d in dealers if d != me and me in shape.anchor(d)]
    if me not in dealers:
        return _Drawings(tuple(draws), tuple(corrected), (), 0)
    anchor = shape.anchor(me)
    return _Drawings(tuple(draws), tuple(corrected), tuple(j for j in anchor if j != me), held.index(anchor))


def deal_planes(
    party: Party, round_: Round, dealers: Sequence[int], mine: Raw | None, shape: tuple[int, int]
) -> Finish[Raw]:
    """Each dealer shares bit planes that it knows (`mine`, of `shape` (planes, words), overwritten), replicated.

    The dealer's words in all of its sets but one are pseudo-random from the set's key; the correction goes to
    the other members of that one, its anchor: n - 1 - t bits per dealer and bit (1, 2, 3 for n = 3, 5, 7;
    sharing as in Ito, Saito, Nishizeki 1987, pseudo-random as in CDI05). Returns (dealers, pieces, *shape).
    """
    if party.structure.wide:
        return wide.deal_planes(party, round_, dealers, mine, shape)
    out = np.zeros((len(dealers), party.pieces, *shape), np.uint64)
    if party.me in dealers and mine is None:
        raise ValueError("a dealer needs its words")
    finishers = [
        _deal_rows(party, round_, (dealer,), mine if dealer == party.me else None, shares, _every(shape[0]), 0)
        for dealer, shares in zip(dealers, out, strict=True)
    ]

    def finish() -> Raw:
        for finisher in finishers:
            finisher()
        return out

    return finish


def _deal_rows(
    party: Party,
    round_: Round,
    dealers: Sequence[int],
    mine: Raw | None,
    out: Raw,
    rows: Rows,
    kept: int,
    compute: Callable[[slice], None] | None = None,
) -> Finish[None]:
    """The dealers share rows of words they know, whose sum is put into `out`, (pieces, planes, words), in place.

    `mine` (len(rows), words), which `compute` fills if given, becomes the correction. Row r of the sum goes to plane
    rows[r]: XORed for r < kept, in place of what is there for the others. One cached part of rows at a time, in order.
    """
    instruction, count, words = party.fresh(), len(rows), out.shape[2]
    plan = _drawings(party.structure, party.me, tuple(dealers))
    streams = [(party.streams.of_subset(subset), dealer, i) for dealer, i, subset in plan.draws]
    step = max(2, DRAW_WORDS // max(1, words) & ~1)  # an even number of words: whole blocks of the cipher
    draw = np.empty((min(step, count), words), np.uint64)
    spread = kernels().spread
    for start in range(0, count, step) if words else ():
        part = slice(start, min(start + step, count))
        at, here, own = rows[part], draw[: part.stop - start], None
        if mine is not None:
            own = mine[part]
            if compute is not None:
                compute(part)
        fresh = [kept - start] * party.pieces  # a row is put once; what comes later is XORed into it
        for stream, dealer, i in streams:
            stream.seek(instruction, dealer, start * words)
            stream.fill(here)
            spread(out[i], at, here, fresh[i])
            fresh[i] = count
            if own is not None and dealer == party.me:
                np.bitwise_xor(own, here, out=own)
        if own is not None:
            spread(out[plan.anchor], at, own, fresh[plan.anchor])
    if mine is not None:
        for peer in plan.told:
            round_.send(peer, mine)
    slots = [(i, round_.expect(dealer, 8 * count * words)) for dealer, i in plan.corrected]

    def finish() -> None:
        for i, slot in slots:
            spread(out[i], rows, words_from(slot()).reshape(count, words), count)

    return finish


def and_into(
    party: Party,
    round_: Round,
    x: Raw,
    rows_x: Rows,
    y: Raw,
    rows_y: Rows,
    lanes: int,
    out: Raw,
    rows: Rows,
    kept: int,
) -> Finish[None]:
    """ANDs of bit planes, put into planes: out[:, rows[r]] gets x[:, rows_x[r]] AND y[:, rows_y[r]].

    All of shape (pieces, planes, words), contiguous; r < kept are XORed into what is there, the others replace it.
    `out` changes at once, row by row in order: it may be x or y, if no row is read after it was written.
    `lanes` of each plane are in use, and counted.

    Every cross term of pieces is some dealer's to compute, who reshares its sum. One round; per dealing party
    n - 1 - t bits an AND.
    """
    party.counters.ands += len(rows) * lanes
    if party.structure.wide:
        return wide.and_into(party, round_, x, rows_x, y, rows_y, out, rows, kept)
    shape = party.structure
    if party.me not in shape.dealers:
        return _deal_rows(party, round_, shape.dealers, None, out, rows, kept)
    mine = np.empty((len(rows), x.shape[2]), np.uint64)
    terms = shape.products_of(party.me)

    def compute(part: slice) -> None:
        kernels().cross_and(x, rows_x[part], y, rows_y[part], terms, mine[part])

    return _deal_rows(party, round_, shape.dealers, mine, out, rows, kept, compute)


@lru_cache(maxsize=256)
def _every(count: int) -> Rows:
    rows = np.arange(count, dtype=np.int64)
    rows.flags.writeable = False
    return rows


def and_planes(
    party: Party, round_: Round, x: Raw, rows_x: Rows | None, y: Raw, rows_y: Rows | None, lanes: int
) -> Finish[Raw]:
    """`and_into` a new array: (pieces, planes, words) to (pieces, m, words); no row numbers means all rows."""
    left = _every(x.shape[1]) if rows_x is None else rows_x
    right = _every(y.shape[1]) if rows_y is None else rows_y
    out = np.empty((party.pieces, len(left), x.shape[2]), np.uint64)
    x, y = np.ascontiguousarray(x), np.ascontiguousarray(y)
    finish = and_into(party, round_, x, left, y, right, lanes, out, _every(len(left)), 0)

    def finished() -> Raw:
        finish()
        return out

    return finished
