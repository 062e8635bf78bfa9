"""A member that lost its shares gets them back from the others, who reveal nothing and do not talk to each other.

Numbers modulo p, and bits of wide committees (over GF(2^k)): the values are f(j) for a polynomial f of degree t. To
party i, who lost f(i), each helper j sends f(j) + z(j) for a pseudo-random z of degree t with z(i) = 0; t + 1 answers
fix f + z, and so f(i). z is the sum over the sets A without i of r_A * f_A (Cramer, Damgard, Ishai: Share Conversion,
TCC 2005), which no message is needed for; that a blind which vanishes at i does it is from Herzberg, Jarecki,
Krawczyk, Yung: Proactive Secret Sharing, CRYPTO 1995, §4, where the helpers deal it (`mpc.reshare` does, for
committees that have no keys of sets). Replicated bits: i gets the pieces that belong to it.

Adversary: honest but curious, at most t parties together. With i among them they know f and z at t points, and r_A of
all sets but the one, A*, without any of them: f_A* vanishes at these points, so f + z is uniform among the polynomials
that fit what they know. Without i they get nothing. Rounds: one message from each helper, t + 1 helpers suffice. Bytes
from each: one element per number (8 for M61, 16 for M127), k bits per bit over GF(2^k), C(n-2, t) bits per replicated
bit. Answers of more helpers are checked: of N, floor((N-t-1)/2) that are wrong are found and named (`sharing.robust`).

**The blind must be new for every answer.** Two different values blinded by one z give their difference away. Its key
is derived from a `Request`, which has the root of the state, the asker and the asker's counter, and from the names of
all values asked for; and a `Helper` answers no asker twice under one counter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

import numpy as np

from enigmalang.fields import Raw, words_from
from enigmalang.sharing.audit import prove
from enigmalang.sharing.blinds import blind, wire_bytes
from enigmalang.sharing.faults import SharingError
from enigmalang.sharing.keys import Keys
from enigmalang.sharing.kinds import Kind, kind_of, vector_of
from enigmalang.sharing.robust import Buffer, decide, find_liars
from enigmalang.sharing.secret import Share
from enigmalang.sharing.streams import Streams
from enigmalang.sharing.structure import Structure, Subset

ROOT_BYTES = 32
#: Databases keep it as a signed integer.
MAX_COUNTER = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Request:
    """Party `asker` asks for its shares of the state with this root.

    `asker` is what the channel says, never what the message says. `counter` is larger than in any request of the asker
    before; one that lost its disk counts on from the clock (`time.time_ns()`). Raises ValueError out of range.
    """

    root: bytes
    asker: int
    counter: int

    def __post_init__(self) -> None:
        if len(self.root) != ROOT_BYTES:
            raise ValueError(f"a root of {len(self.root)} bytes where {ROOT_BYTES} were expected")
        if not 0 <= self.counter <= MAX_COUNTER:
            raise ValueError("a counter outside 0..2^63-1")
        if self.asker < 1:
            raise ValueError("parties count from 1")

    def label(self, names: Sequence[str]) -> bytes:
        """Of the streams that blind values of these names, in this order: a place in them is one value."""
        hashed = sha256(self.root + self.asker.to_bytes(4, "big") + self.counter.to_bytes(8, "big"))
        for name in names:
            hashed.update(sha256(name.encode()).digest())
        return b"recovery/" + hashed.digest()


class Counters(Protocol):
    """The last counter of each asker, kept as long as the keys are: on disk when the keys are. A `dict` is one."""

    def get(self, asker: int, default: int, /) -> int: ...

    def __setitem__(self, asker: int, counter: int, /) -> None:
        """It is written down when this returns."""


class Helper:
    """A member that helps others of its committee. `last`: the counters of who asked it."""

    __slots__ = ("_keys", "_last")

    def __init__(self, keys: Keys, last: Counters) -> None:
        self._keys = keys
        self._last = last

    def answer(self, request: Request, values: Mapping[str, Share]) -> bytes:
        """This party's part of the asker's shares of `values`, by name. Names belong to the root.

        Raises SharingError when the asker is not another member or used the counter before, ValueError when the
        committee has no keys of sets.
        """
        shape, asker = self._keys.structure, request.asker
        if asker == self._keys.me:
            raise SharingError("a party does not help itself", (asker,))
        self._check(request)
        names, parts = sorted(values), []
        streams = Streams(self._keys.derive(request.label(names)))
        for number, name in enumerate(names):
            vector, space = vector_of(values[name]), kind_of(values[name]).space(shape)
            if space is None:
                parts.append(wire_bytes(vector[common_rows(shape, self._keys.me, asker)]))
                continue
            z = blind(streams, shape, self._keys.me, space, asker, number, space.size_of(vector))
            parts.append(wire_bytes(space.add(vector, z)))
        return b"".join(parts)

    def prove(self, request: Request, values: Mapping[str, Share]) -> bytes:
        """What this party says when a member, or itself, audits `values` (`sharing.audit`). Raises as `answer`."""
        self._check(request)
        return prove(self._keys, b"audit/" + request.label(sorted(values)), values)

    def _check(self, request: Request) -> None:
        """That the request is new, which it is not any more."""
        shape, asker = self._keys.structure, request.asker
        if asker not in shape.parties:
            raise SharingError(f"party {asker} is no member of this committee", (asker,))
        if not shape.subsets:
            raise ValueError("the committee has no keys of sets: its members deal the blinds (mpc.reshare)")
        if request.counter <= self._last.get(asker, -1):
            raise SharingError(f"party {asker} asks again with counter {request.counter}", (asker,))
        self._last[asker] = request.counter


def common_rows(shape: Structure, me: int, asker: int) -> list[int]:
    """Which pieces of `me` belong to the asker too."""
    return [row for row, subset in enumerate(shape.held(me)) if asker in subset]


# --- the asker ---


@dataclass(frozen=True, slots=True)
class Restored:
    """The shares by name; `liars` answered wrongly, or not in the right form."""

    values: dict[str, Share]
    liars: tuple[int, ...]


def answer_bytes(shape: Structure, helper: int, asker: int, kinds: Mapping[str, Kind]) -> int:
    """The length of a helper's answer."""
    return sum(_part_bytes(shape, helper, asker, kind) for kind in kinds.values())


def _part_bytes(shape: Structure, helper: int, asker: int, kind: Kind) -> int:
    space = kind.space(shape)
    return kind.units() * (8 * len(common_rows(shape, helper, asker)) if space is None else space.unit)


def restore(shape: Structure, asker: int, kinds: Mapping[str, Kind], answers: Mapping[int, Buffer]) -> Restored:
    """The asker's shares from t + 1 or more helpers' answers to one request; local.

    Raises SharingError when too few answers have the right form, or they disagree and it cannot be said who is wrong;
    `suspects` are then all who may be.
    """
    good, liars = {}, set()
    for helper in sorted(answers):
        try:
            good[helper] = parse_answer(shape, helper, asker, kinds, answers[helper])
        except ValueError:
            liars.add(helper)
    if len(good) <= shape.t:
        raise SharingError(f"{len(good)} answers where {shape.t + 1} are needed", tuple(sorted(liars)))
    most = (len(good) - shape.t - 1) // 2
    for name, kind in kinds.items():
        told = {helper: parts[name] for helper, parts in good.items()}
        space = kind.space(shape)
        wrong = _wrong_pieces(shape, asker, told, most) if space is None else find_liars(space, shape.t, told, most)
        most -= len(wrong)
        liars |= wrong
        for helper in wrong:
            del good[helper]
    values = {name: kind.share_of(_value(shape, asker, kind, name, good)) for name, kind in kinds.items()}
    return Restored(values, tuple(sorted(liars)))


def parse_answer(
    shape: Structure, helper: int, asker: int, kinds: Mapping[str, Kind], data: Buffer
) -> dict[str, Raw]:
    """An answer by name: vectors, or rows of pieces. Raises ValueError when it is malformed."""
    wanted = answer_bytes(shape, helper, asker, kinds)
    if helper == asker or helper not in shape.parties or len(data) != wanted:
        raise ValueError(f"answered {len(data)} bytes where {wanted} were due")
    view, start, out = memoryview(data), 0, {}
    for name in sorted(kinds):
        kind = kinds[name]
        space, stop = kind.space(shape), start + _part_bytes(shape, helper, asker, kind)
        part, start = view[start:stop], stop
        if space is not None:
            out[name] = space.read(part, kind.units())
        else:
            out[name] = words_from(part).reshape(len(common_rows(shape, helper, asker)), kind.units())
    return out


def _wrong_pieces(shape: Structure, asker: int, told: Mapping[int, Raw], most: int) -> set[int]:
    """Who tells pieces that others of their sets tell otherwise: at most `most`, or it raises SharingError."""
    wrong: set[int] = set()
    for subset in shape.held(asker):
        claims = {j: told[j][_row(shape, j, asker, subset)].tobytes() for j in subset if j in told}
        wrong |= decide(claims, most)
    if len(wrong) > most:
        raise SharingError("the members of a set tell different pieces", tuple(told))
    return wrong


def _row(shape: Structure, helper: int, asker: int, subset: Subset) -> int:
    return [a for a in shape.held(helper) if asker in a].index(subset)


def _value(shape: Structure, asker: int, kind: Kind, name: str, good: Mapping[int, Mapping[str, Raw]]) -> Raw:
    space = kind.space(shape)
    if space is not None:
        points = tuple(good)[: shape.t + 1]
        rows = np.stack([good[j][name] for j in points])
        value: Raw = space.combine((space.lagrange(points, asker),), rows)[0]
        return value
    pieces = []
    for subset in shape.held(asker):  # any t + 1 parties have a member in it
        teller = next(j for j in subset if j in good)
        pieces.append(good[teller][name][_row(shape, teller, asker, subset)])
    return np.stack(pieces)
