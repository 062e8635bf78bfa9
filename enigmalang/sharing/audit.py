"""Do the members' shares of kept values still fit together? Each says a little, from which nothing else is learnt.

Of an array of numbers a member says one: a public random combination of its shares, plus its share of a random number
that nobody knows; all of them lie on a polynomial of degree t, or somebody's shares are wrong. Bits of wide committees:
64 such combinations over GF(2), of 64 lanes each. Replicated pieces: a digest under a key of the piece's set.

Adversary: honest but curious, at most t parties together. What is opened is uniform (Cramer, Damgard, Ishai, TCC 2005),
but for wrong shares, of which it tells how far they are off. It is for faults, as a disk's, or shares of another
attempt at a job: the coefficients are known beforehand, so a member that wants to hide a wrong share can. A fault
goes unnoticed with probability 1/p, or 2^-64 in any lane. One message from each member, to whoever asks: 8 bytes for an
array of M61, 16 of M127, 512 k for bits over GF(2^k), 16 for each set of replicated bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b, sha256

import numpy as np

from enigmalang.fields import Raw
from enigmalang.sharing.blinds import blind, wire_bytes
from enigmalang.sharing.faults import SharingError
from enigmalang.sharing.keys import Keys
from enigmalang.sharing.kinds import Kind, kind_of, vector_of
from enigmalang.sharing.robust import Buffer, decide, find_liars
from enigmalang.sharing.secret import Share
from enigmalang.sharing.spaces import Elements, Space
from enigmalang.sharing.streams import SEED_BYTES, Stream, Streams
from enigmalang.sharing.structure import Structure, Subset

DIGEST_BYTES = 16
_REPEATED = 64


def prove(keys: Keys, label: bytes, values: Mapping[str, Share]) -> bytes:
    """One member's part, by sorted names. The same label for other values would tell their difference: `Helper.prove`
    sees to it. Local.
    """
    derived, public, shape = keys.derive(label), Stream(sha256(label).digest()[:SEED_BYTES]), keys.structure
    streams, parts = Streams(derived), []
    for number, name in enumerate(sorted(values)):
        vector, space = vector_of(values[name]), kind_of(values[name]).space(shape)
        public.seek(number)
        if space is None:
            parts += [_digest(derived.subset(subset)[SEED_BYTES:], number, piece)
                      for subset, piece in zip(shape.held(keys.me), vector, strict=True)]
            continue
        told = _combined(space, vector, public)
        parts.append(wire_bytes(space.add(told, blind(streams, shape, keys.me, space, 0, number, space.size_of(told)))))
    return b"".join(parts)


def _digest(key: bytes, number: int, piece: Raw) -> bytes:
    return blake2b(number.to_bytes(8, "big") + wire_bytes(piece), digest_size=DIGEST_BYTES, key=key).digest()


def _combined(space: Space, vector: Raw, public: Stream) -> Raw:
    """One element, or 64 words over GF(2^k)."""
    if isinstance(space, Elements):
        factors = np.empty_like(vector)
        public.elements(space.field, factors)
        return space.field.reshape(space.field.dot(vector, factors), (1,))
    out: Raw = space.empty(1, _REPEATED)[0]
    mask = np.empty(vector.shape[1], np.uint64)
    for column in range(_REPEATED):
        public.fill(mask)
        out[:, column] = np.bitwise_xor.reduce(vector & mask, axis=1)
    return out


def _told_bytes(shape: Structure, member: int, kind: Kind) -> int:
    space = kind.space(shape)
    if space is None:
        return DIGEST_BYTES * len(shape.held(member))
    return space.unit * (_REPEATED if kind.field is None else 1)


def proof_bytes(shape: Structure, member: int, kinds: Mapping[str, Kind]) -> int:
    """The length of a member's part."""
    return sum(_told_bytes(shape, member, kind) for kind in kinds.values())


def audit(shape: Structure, kinds: Mapping[str, Kind], proofs: Mapping[int, Buffer]) -> dict[str, tuple[int, ...]]:
    """The arrays that do not fit together, with the members at fault; all that took part, if it cannot be told who is.

    From t + 2 members or more; of N, floor((N-t-1)/2) wrong ones are told. Raises SharingError for fewer, or for a
    malformed proof, with its member as the suspect.
    """
    if len(proofs) < shape.t + 2:
        raise SharingError(f"{len(proofs)} members where {shape.t + 2} show something")
    for member, proof in proofs.items():
        if member not in shape.parties or len(proof) != proof_bytes(shape, member, kinds):
            raise SharingError(f"member {member} sent {len(proof)} bytes", (member,))
    most, starts, wrong = (len(proofs) - shape.t - 1) // 2, dict.fromkeys(proofs, 0), {}
    for name in sorted(kinds):
        parts = {}
        for member in sorted(proofs):
            stop = starts[member] + _told_bytes(shape, member, kinds[name])
            parts[member], starts[member] = memoryview(proofs[member])[starts[member] : stop], stop
        try:
            found = _at_fault(shape, kinds[name], parts, most)
        except SharingError as fault:
            found = set(fault.suspects)
        if found:
            wrong[name] = tuple(sorted(found))
    return wrong


def _at_fault(shape: Structure, kind: Kind, parts: Mapping[int, memoryview], most: int) -> set[int]:
    """Raises SharingError when it cannot be told."""
    space = kind.space(shape)
    if space is not None:
        return find_liars(space, shape.t, {j: _read(space, j, part) for j, part in parts.items()}, most)
    found: set[int] = set()
    for subset in shape.subsets:
        found |= decide({j: _of_set(shape, j, subset, parts[j]) for j in subset if j in parts}, most)
    return found


def _read(space: Space, member: int, part: memoryview) -> Raw:
    try:
        return space.read(part, len(part) // space.unit)
    except ValueError as fault:
        raise SharingError(str(fault), (member,)) from fault


def _of_set(shape: Structure, member: int, subset: Subset, part: memoryview) -> bytes:
    row = shape.held(member).index(subset)
    return bytes(part[DIGEST_BYTES * row : DIGEST_BYTES * (row + 1)])
