"""Shares move to another committee, or to new shares of the same one: what a dealer sends, what a receiver makes of it.

t + 1 old members, the dealers, hold additive shares of the values: Shamir shares times Lagrange coefficients, or each
replicated piece at one dealer that has it. Each deals its own to the new committee, whose members add up what they
get (Desmedt, Jajodia: Redistributing secret shares to new access structures, 1997; with the same committee the refresh
of Herzberg, Jarecki, Krawczyk, Yung, CRYPTO 1995, which here also gives a member that had lost its share a new one).

Adversary: honest but curious; it may have t old and t' new members together, also the same nodes, at different times
(a mobile adversary). One dealer at least is not among them, and what that one deals is random but for its value: its
polynomial has degree t', or a set of new members without the adversary's has a piece of its own. For that, all that
is random comes from the dealers' operating systems, nothing from the old committee's keys. The rest of the shares are
then independent of the old ones, provided that honest old members erase theirs. A dealer that is not honest could
deal anything: that is for active security.

Rounds: one. What a dealer sends: t' receivers have their Shamir shares from a seed of 16 bytes, the n' - t' others get
an element for each number (k bits for each bit of a wide committee). A replicated piece is a seed too, but for one set,
whose n' - t' members get a bit for each bit.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from enigmalang.fields import Raw, words_from
from enigmalang.sharing.binary import additive
from enigmalang.sharing.faults import SharingError
from enigmalang.sharing.kinds import Kind, kind_of, vector_of
from enigmalang.sharing.pseudorandom import clear_padding
from enigmalang.sharing.robust import Buffer
from enigmalang.sharing.secret import Share
from enigmalang.sharing.spaces import Space
from enigmalang.sharing.streams import SEED_BYTES, Stream
from enigmalang.sharing.structure import Structure, Subset


def choose_dealers(shape: Structure, present: Collection[int], turn: int = 0) -> tuple[int, ...]:
    """t + 1 of the old members that are present; another `turn` begins elsewhere. Raises SharingError for too few."""
    ring = [j for j in shape.after(turn % shape.n + 1, shape.n) if j in present]
    if len(ring) <= shape.t:
        missing = tuple(j for j in shape.parties if j not in present)
        raise SharingError(f"{len(ring)} members are there where {shape.t + 1} are needed", missing)
    return tuple(sorted(ring[: shape.t + 1]))


# --- what a dealer has ---


def own_part(shape: Structure, dealers: tuple[int, ...], me: int, value: Share) -> Raw:
    """Dealer me's additive share: the sum over the dealers is the value. (size,) elements, or (words,) bits. Local."""
    kind, vector = kind_of(value), vector_of(value)
    if kind.field is not None:
        return kind.field.scale(vector, _factor(kind, shape, dealers, me))
    if shape.wide:
        return additive(shape.degree, dealers, me, vector)
    mine = [row for row, subset in enumerate(shape.held(me)) if _answers_for(subset, dealers) == me]
    return np.bitwise_xor.reduce(vector[mine], axis=0) if mine else np.zeros(kind.units(), np.uint64)


def _factor(kind: Kind, shape: Structure, dealers: tuple[int, ...], me: int) -> int:
    space = kind.space(shape)
    assert space is not None
    return space.lagrange(dealers, 0)[dealers.index(me)]


def _answers_for(subset: Subset, dealers: tuple[int, ...]) -> int:
    """Which dealer deals a set's piece: t + 1 dealers have a member in every set."""
    return next(dealer for dealer in dealers if dealer in subset)


# --- how a dealer's values reach a new committee ---


@dataclass(frozen=True, slots=True)
class Dealing:
    """How dealer `dealer` deals arrays of `kinds` to a committee. Alike at both ends."""

    shape: Structure
    dealer: int
    kinds: tuple[Kind, ...]

    @property
    def _place(self) -> int:
        """Another receiver for each dealer, so that the work is spread."""
        return (self.dealer - 1) % self.shape.n + 1

    @property
    def silent(self) -> tuple[int, ...]:
        """The t receivers whose Shamir shares come from seeds."""
        return self.shape.after(self._place, self.shape.t)

    @property
    def told(self) -> Subset:
        """The set whose pieces are told; those of the other sets come from seeds."""
        return self.shape.anchor(self._place)

    def seeds_of(self, receiver: int) -> list[object]:
        """What the receiver gets a seed for, in order: itself, and sets that it is in."""
        alone = any(kind.space(self.shape) is not None for kind in self.kinds) and receiver in self.silent
        own: list[object] = [receiver] if alone else []
        if any(kind.space(self.shape) is None for kind in self.kinds):
            return own + [subset for subset in self.shape.held(receiver) if subset != self.told]
        return own

    def body_bytes(self, receiver: int, kind: Kind) -> int:
        """Of one array."""
        space = kind.space(self.shape)
        if space is None:
            return 8 * kind.units() if receiver in self.told else 0
        return 0 if receiver in self.silent else space.unit * kind.units()

    def message_bytes(self, receiver: int) -> int:
        """The length of the message to a receiver."""
        bodies = sum(self.body_bytes(receiver, kind) for kind in self.kinds)
        return SEED_BYTES * len(self.seeds_of(receiver)) + bodies


def deal(dealing: Dealing, parts: Sequence[Raw]) -> dict[int, bytes]:
    """The messages to all new members; `parts` are the dealer's additive shares, as of `own_part`. Fresh randomness."""
    shape = dealing.shape
    seeds: dict[object, bytes] = {name: os.urandom(SEED_BYTES) for name in (*shape.parties, *shape.subsets)}
    out = {j: [seeds[name] for name in dealing.seeds_of(j)] for j in shape.parties}
    for number, (kind, part) in enumerate(zip(dealing.kinds, parts, strict=True)):
        space = kind.space(shape)
        if space is None:
            told = _last_piece(dealing, kind, seeds, number, part)
            for receiver in dealing.told:
                out[receiver].append(told)
        else:
            for receiver, body in _other_shares(dealing, space, seeds, number, _value(space, part)).items():
                out[receiver].append(body)
    return {receiver: b"".join(pieces) for receiver, pieces in out.items()}


def _value(space: Space, part: Raw) -> Raw:
    """A vector: bits are the lowest planes of numbers over GF(2^k)."""
    vector: Raw = space.empty(1, len(part))[0]
    if vector.shape == part.shape:
        return part
    vector[...] = 0
    vector[0] = part
    return vector


def _other_shares(
    dealing: Dealing, space: Space, seeds: Mapping[object, bytes], number: int, value: Raw
) -> dict[int, bytes]:
    """The shares of who has no seed: of the polynomial through the value at 0 and the others' shares."""
    rows = space.empty(1 + dealing.shape.t, space.size_of(value))
    rows[0] = value
    for row, receiver in zip(rows[1:], dealing.silent, strict=True):
        space.draw(_stream(seeds[receiver], number), row)
    others = [j for j in dealing.shape.parties if j not in dealing.silent]
    table = tuple(space.lagrange((0, *dealing.silent), j) for j in others)
    shares = space.combine(table, rows)
    return {j: share.astype("<u8", copy=False).tobytes() for j, share in zip(others, shares, strict=True)}


def _last_piece(dealing: Dealing, kind: Kind, seeds: Mapping[object, bytes], number: int, words: Raw) -> bytes:
    total = words.copy()
    for subset in dealing.shape.subsets:
        if subset != dealing.told:
            _stream(seeds[subset], number).xor(total)
    clear_padding(total, kind.size)
    return total.astype("<u8", copy=False).tobytes()


def _stream(seed: bytes, number: int) -> Stream:
    """Of the number-th array."""
    stream = Stream(seed)
    stream.seek(number)
    return stream


# --- a receiver ---


def gather(
    shape: Structure, me: int, kinds: Sequence[Kind], messages: Mapping[int, Buffer]
) -> list[Share]:
    """Party me's new shares from the messages of all dealers, by the dealers' old numbers. Local.

    Raises SharingError, with the dealer as the suspect, for a message of another length, a number that is not reduced,
    a bit where there is none.
    """
    totals: list[Raw] = []
    for dealer, data in messages.items():
        parts = _parts(Dealing(shape, dealer, tuple(kinds)), me, data)
        if not totals:
            totals = parts
            continue
        for number, (kind, part) in enumerate(zip(kinds, parts, strict=True)):
            space = kind.space(shape)
            totals[number] = totals[number] ^ part if space is None else space.add(totals[number], part)
    return [kind.share_of(total) for kind, total in zip(kinds, totals, strict=True)]


def _parts(dealing: Dealing, me: int, data: Buffer) -> list[Raw]:
    """What one dealer dealt: a vector, or pieces, for each array."""
    dealer, view = dealing.dealer, memoryview(data)
    if len(view) != dealing.message_bytes(me):
        reason = f"dealt {len(view)} bytes where {dealing.message_bytes(me)} were due"
        raise SharingError(reason, (dealer,))
    names = dealing.seeds_of(me)
    start = SEED_BYTES * len(names)
    seeds = {name: bytes(view[SEED_BYTES * k : SEED_BYTES * (k + 1)]) for k, name in enumerate(names)}
    out = []
    for number, kind in enumerate(dealing.kinds):
        stop = start + dealing.body_bytes(me, kind)
        try:
            out.append(_part(dealing, me, kind, number, seeds, view[start:stop]))
        except ValueError as fault:
            raise SharingError(str(fault), (dealer,)) from fault
        start = stop
    return out


def _part(
    dealing: Dealing, me: int, kind: Kind, number: int, seeds: Mapping[object, bytes], body: memoryview
) -> Raw:
    space = kind.space(dealing.shape)
    if space is None:
        return _pieces(dealing, me, kind, number, seeds, body)
    if me not in dealing.silent:
        return space.read(body, kind.units())
    vector: Raw = space.empty(1, kind.units())[0]
    space.draw(_stream(seeds[me], number), vector)
    return vector


def _pieces(
    dealing: Dealing, me: int, kind: Kind, number: int, seeds: Mapping[object, bytes], body: memoryview
) -> Raw:
    held = dealing.shape.held(me)
    out = np.empty((len(held), kind.units()), np.uint64)
    for row, subset in zip(out, held, strict=True):
        if subset != dealing.told:
            _stream(seeds[subset], number).fill(row)
            clear_padding(row, kind.size)
            continue
        row[:] = words_from(body)
        clear_padding(row, kind.size)
        if not np.array_equal(row, words_from(body)):
            raise ValueError("a bit behind the last one")
    return out


# --- polynomials that vanish at a party ---


def vanishing_shares(space: Space, shape: Structure, at: int, size: int) -> dict[int, Raw]:
    """Every party's shares of `size` fresh random polynomials of degree t that are 0 at `at`: a dealt blind
    (`sharing.recovery`) in a committee without keys of sets. Randomness of the operating system.
    """
    others = tuple(j for j in shape.parties if j != at)
    base, rest = others[: shape.t], others[shape.t :]
    rows = space.empty(shape.t, size)
    for row in rows:
        space.draw(Stream(os.urandom(SEED_BYTES)), row)
    table = tuple(space.lagrange((at, *base), j)[1:] for j in rest)
    shares = space.combine(table, rows)
    return {**dict(zip(base, rows, strict=True)), **dict(zip(rest, shares, strict=True)), at: np.zeros_like(rows[0])}
