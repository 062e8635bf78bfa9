"""Keys of a committee: one for every pair, one for every set A of n - t parties, one common to all.

A committee with too many sets (`structure.MAX_KEYS`) has none for them.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import NoReturn

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from enigmalang.sharing.structure import Structure, Subset, structure

KEY_BYTES = 32


class Keys:
    """Party `me`'s keys. `sets` maps every set it is in (pairs, sets A of n - t, everyone) to 32 bytes.

    A pair's key is used by protocols between two parties, a set's key for pseudo-random shares (Cramer,
    Damgard, Ishai 2005), everyone's key to refresh shares that leave the committee.
    """

    __slots__ = ("_sets", "me", "structure")

    def __init__(self, me: int, shape: Structure, sets: Mapping[tuple[str, Subset], bytes]) -> None:
        self.me = me
        self.structure = shape
        self._sets = dict(sets)
        wanted = set(_groups(shape, me))
        if set(self._sets) != wanted or any(len(key) != KEY_BYTES for key in self._sets.values()):
            raise ValueError("the keys do not fit the committee")

    def derive(self, label: bytes) -> Keys:
        """Independent keys for one purpose, such as a session (HKDF-SHA256, RFC 5869)."""
        derived = {group: _expand(key, label) for group, key in self._sets.items()}
        return Keys(self.me, self.structure, derived)

    def pair(self, peer: int) -> bytes:
        return self._sets["pair", tuple(sorted((self.me, peer)))]

    def subset(self, members: Subset) -> bytes:
        return self._sets["set", members]

    def everyone(self) -> bytes:
        return self._sets["all", self.structure.parties]

    def common(self, peer: int) -> bytes:
        """The keys of the groups that `peer` is in too, in canonical order: for a peer that lost them."""
        return b"".join(self._sets[group] for group in shared_groups(self.structure, self.me, peer))

    def encode(self) -> bytes:
        """All keys in canonical order, for the node's own encrypted store."""
        return b"".join(self._sets[group] for group in _groups(self.structure, self.me))

    @staticmethod
    def decode(data: bytes, me: int, n: int, t: int, wide: bool | None = None) -> Keys:
        """The inverse of `encode`. Raises ValueError for a wrong length."""
        shape = structure(n, t, wide)
        groups = _groups(shape, me)
        if len(data) != KEY_BYTES * len(groups):
            raise ValueError(f"{len(data)} bytes of keys where {KEY_BYTES * len(groups)} were expected")
        cut = [data[KEY_BYTES * i : KEY_BYTES * (i + 1)] for i in range(len(groups))]
        return Keys(me, shape, dict(zip(groups, cut, strict=True)))

    def __repr__(self) -> str:
        return f"<Keys of party {self.me} of {self.structure.n}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("keys are not pickled")


def _expand(key: bytes, label: bytes) -> bytes:
    return HKDFExpand(hashes.SHA256(), KEY_BYTES, b"enigmalang/keys/" + label).derive(key)


def _groups(shape: Structure, me: int) -> list[tuple[str, Subset]]:
    pairs: list[tuple[str, Subset]] = [("pair", tuple(sorted((me, peer)))) for peer in shape.parties if peer != me]
    return pairs + [("set", subset) for subset in shape.held(me)] + [("all", shape.parties)]


def shared_groups(shape: Structure, me: int, peer: int) -> list[tuple[str, Subset]]:
    """The groups that both are in, in canonical order."""
    return [group for group in _groups(shape, me) if peer in group[1]]


Contributions = dict[tuple[str, Subset], bytes]


def new_contributions(shape: Structure, me: int) -> Contributions:
    """Fresh random contributions of one party to every group it is in."""
    return {group: secrets.token_bytes(KEY_BYTES) for group in _groups(shape, me)}


def message_for(shape: Structure, me: int, peer: int, mine: Contributions) -> bytes:
    """What `me` tells `peer`: its contributions to their common groups."""
    return b"".join(mine[group] for group in shared_groups(shape, me, peer))


def keys_from_contributions(
    shape: Structure, me: int, mine: Contributions, received: Mapping[int, bytes | memoryview]
) -> Keys:
    """A group's key is the XOR of all its members' contributions: random if one of them was."""
    total = {group: int.from_bytes(part, "little") for group, part in mine.items()}
    for peer, message in received.items():
        for i, group in enumerate(shared_groups(shape, me, peer)):
            part = bytes(message[KEY_BYTES * i : KEY_BYTES * (i + 1)])
            total[group] ^= int.from_bytes(part, "little")
    return Keys(me, shape, {group: value.to_bytes(KEY_BYTES, "little") for group, value in total.items()})
