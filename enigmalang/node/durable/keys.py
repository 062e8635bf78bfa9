"""The keys of a committee: agreed once, kept by every member, compared whenever the members meet again, and mended.

They last as long as the committee: masks that clients hold are made of them. What a meeting computes with are other
keys, made for it alone (`node.session`).

Adversary: honest but curious, at most t members together, and one that gives a wrong key, which is noticed as long as
its set has another holder. First meeting: three rounds, as `mpc.setup.exchange_keys` and a byte. Later: one round of 41
bytes; when members lost their keys, one more, in which each gets 32 bytes for each common set from each holder.
"""

import secrets
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

from enigmalang.mpc.setup import exchange_keys
from enigmalang.node.durable import points
from enigmalang.node.durable.errors import KeysLost, StateError
from enigmalang.sharing import KEY_BYTES, Keys, Structure, structure
from enigmalang.sharing.keys import shared_groups
from enigmalang.sharing.structure import Subset
from enigmalang.transport.network import Network, PeerError

Group = tuple[str, Subset]
#: The first of four tags of the data plane, apart from those of protocols and of `node.session`.
TAGS = (1 << 63) + (1 << 32)
_NOTHING, _KEPT, _CONFIRMED = 0, 1, 2
_DIGEST = 32
_ROW = 1 + _DIGEST + 8


class KeyVault(Protocol):
    """Where one member keeps its keys of one committee."""

    def keys(self) -> tuple[bytes, bool] | None:
        """`Keys.encode`, and whether all members are known to have kept theirs. Raises StateError."""
        ...

    def keep_keys(self, keys: bytes, confirmed: bool) -> None:
        """Durable when it returns. Raises StateError."""
        ...


@dataclass(frozen=True, slots=True)
class Met:
    """What members know when they have met: the committee's keys, and the highest number of a mask that one of them
    gave. `mended`: the members that had lost their keys, and have them again.
    """

    keys: Keys
    highest: int
    mended: tuple[int, ...] = ()


def committee_keys(network: Network, threshold: int, vault: KeyVault, highest: int = 0,
                   at: points.Hook = points.unwatched) -> Met:
    """The keys that the committee on `network` has kept, agreed now if it has none. `highest`: of the numbers of masks
    given here. Call it first of all on a network. Raises PeerError for who has other keys, KeysLost, StateError.
    """
    shape, me = structure(network.n, threshold), network.me
    keys, confirmed = _kept(vault, shape, me)
    rows = _compared(network, keys, _NOTHING if keys is None else _CONFIRMED if confirmed else _KEPT, highest)
    most = max(highest, *(row.highest for row in rows.values()))
    if not confirmed and all(row.standing != _CONFIRMED for row in rows.values()):
        return Met(_made(network, threshold, vault, at), most)  # what some may have kept nobody has used
    lost = {peer for peer, row in rows.items() if row.standing == _NOTHING}
    if keys is None:
        lost.add(me)
    else:
        for peer in rows.keys() - lost:
            if rows[peer].digest != _fingerprint(keys, peer):
                raise PeerError(peer, "has other keys of the committee")
    mended = _mended(network, shape, lost, keys) if lost else keys
    assert mended is not None
    if not confirmed:
        vault.keep_keys(mended.encode(), True)
        at(points.KEYS_CONFIRMED)
    return Met(mended, most, tuple(sorted(lost)))


def _kept(vault: KeyVault, shape: Structure, me: int) -> tuple[Keys | None, bool]:
    found = vault.keys()
    if found is None:
        return None, False
    try:
        return Keys.decode(found[0], me, shape.n, shape.t, shape.wide), found[1]
    except ValueError as error:
        raise StateError(f"the kept keys of the committee do not fit it: {error}") from None


@dataclass(frozen=True, slots=True)
class _Row:
    """What a member says of itself to another: the digest is of the keys that the two share."""

    standing: int
    digest: bytes
    highest: int


def _compared(network: Network, keys: Keys | None, standing: int, highest: int) -> dict[int, _Row]:
    """One round."""
    peers = [peer for peer in range(1, network.n + 1) if peer != network.me]
    sends = {peer: bytes([standing]) + _fingerprint(keys, peer) + highest.to_bytes(8, "big") for peer in peers}
    found = {}
    for peer, data in network.exchange(TAGS, sends, dict.fromkeys(peers, _ROW)).items():
        row = bytes(data)
        if row[0] > _CONFIRMED:
            raise PeerError(peer, "told a standing that there is none of")
        found[peer] = _Row(row[0], row[1 : 1 + _DIGEST], int.from_bytes(row[1 + _DIGEST :], "big"))
    return found


def _fingerprint(keys: Keys | None, peer: int) -> bytes:
    """Of the keys that a member and `peer` share: told to a holder of all of them. Zeros when there are none."""
    if keys is None:
        return bytes(_DIGEST)
    return blake2b(keys.common(peer), digest_size=_DIGEST, person=b"enig keys").digest()


def _made(network: Network, threshold: int, vault: KeyVault, at: points.Hook) -> Keys:
    """New keys, which all members have kept when this returns: else some would give masks that others cannot make."""
    keys = exchange_keys(network, threshold, TAGS + 1)
    at(points.KEYS_MADE)
    vault.keep_keys(keys.encode(), False)
    at(points.KEYS_KEPT)
    peers = [peer for peer in keys.structure.parties if peer != network.me]
    network.exchange(TAGS + 2, dict.fromkeys(peers, bytes([_KEPT])), dict.fromkeys(peers, 1))
    vault.keep_keys(keys.encode(), True)
    at(points.KEYS_CONFIRMED)
    return keys


def _mended(network: Network, shape: Structure, lost: set[int], keys: Keys | None) -> Keys:
    """One round: holders tell who lost its keys those of their common sets. A key of two who both lost it is made
    anew; it is used for nothing that outlives a meeting.
    """
    me = network.me
    if any(lost.issuperset(members) for members in (*shape.subsets, shape.parties)):
        raise KeysLost(f"members {', '.join(map(str, sorted(lost)))} lost their keys of the committee, and nobody else "
                       "has all of them")
    peers = [peer for peer in shape.parties if peer != me]
    if keys is not None:
        network.exchange(TAGS + 3, {peer: keys.common(peer) for peer in peers if peer in lost}, {})
        return keys
    halves = {peer: secrets.token_bytes(KEY_BYTES) for peer in peers if peer in lost}
    sizes = {peer: KEY_BYTES if peer in lost else KEY_BYTES * len(shared_groups(shape, me, peer)) for peer in peers}
    received = {peer: bytes(data) for peer, data in network.exchange(TAGS + 3, halves, sizes).items()}
    found: dict[Group, tuple[int, bytes]] = {
        ("pair", (min(me, peer), max(me, peer))): (peer, _xor(half, received[peer])) for peer, half in halves.items()}
    for peer in peers:
        for k, group in enumerate(shared_groups(shape, me, peer) if peer not in lost else ()):
            key = received[peer][KEY_BYTES * k : KEY_BYTES * (k + 1)]
            first, known = found.setdefault(group, (peer, key))
            if known != key:
                raise PeerError(peer, f"and node {first} have different keys of the committee")
    return Keys(me, shape, {group: key for group, (_, key) in found.items()})


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
