"""Output to one receiver outside the committee: each party's share, made fresh, encrypted to the receiver's key.

Adversary: honest but curious, at most t parties together, with or without the receiver; the parties learn
nothing. No rounds between the parties: each hands its piece to whoever delivers it.
Encryption: X25519 (RFC 7748) with an ephemeral key, HKDF-SHA256 (RFC 5869), AES-256-GCM, as in ECIES; both
public keys and the party's number are bound into the key.
"""

from collections.abc import Mapping
from math import prod

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from enigmalang.circuits.circuit import Array, Form
from enigmalang.fields import Field, Raw, unpack_bits, words_for
from enigmalang.mpc.party import Party
from enigmalang.mpc.wide.words import own_words
from enigmalang.sharing import ArithShare, Share, Structure
from enigmalang.sharing.faults import SharingError
from enigmalang.sharing.pseudorandom import zero_share, zero_words
from enigmalang.sharing.shamir import reconstruct

KEY_BYTES = 32
_NONCE = bytes(12)  # each key encrypts one message


def seal(party: Party, share: Share, recipient: bytes) -> bytes:
    """This party's piece for the holder of a raw X25519 public key. Raises ValueError for a bad key.

    Integers: the share plus a share of zero of degree t. Bits: the sum of the pieces this party answers for
    (it is the smallest member of their sets) plus an additive share of zero.
    """
    body = fresh_elements(party, share) if isinstance(share, ArithShare) else fresh_words(party, share.words)
    return encrypt(recipient, party.me, body.astype("<u8", copy=False).tobytes())


def fresh_elements(party: Party, share: ArithShare) -> Raw:
    """The share plus a fresh share of zero, flat. Local."""
    zero = zero_share(party.streams, party.field, party.structure, party.me, party.fresh(), share.size)
    return party.field.add(share.flat(), zero)


def fresh_words(party: Party, words: Raw) -> Raw:
    """Additive share of the bits: (pieces, words) -> (words,); the XOR over all parties is the value. Local."""
    zero = zero_words(party.streams, party.structure, party.me, party.fresh(), words.shape[1])
    if party.structure.wide:
        own = own_words(party, words)
        return zero if own is None else own ^ zero
    mine = [i for i, subset in enumerate(party.held) if subset[0] == party.me]
    out: Raw = np.bitwise_xor.reduce(words[mine], axis=0) ^ zero if mine else zero
    return out


def unseal(
    pieces: Mapping[int, bytes],
    private_key: bytes,
    shape: tuple[int, ...],
    form: Form,
    field: Field,
    structure: Structure,
) -> Array:
    """What the receiver does with the pieces of all n parties: the values, as `execute` opens them.

    Raises SharingError, naming the parties at fault where that can be told: a piece is missing, was not made
    for this key, has a wrong length, or the shares are not on one polynomial of degree t.
    """
    missing = tuple(j for j in structure.parties if j not in pieces)
    if missing:
        raise SharingError(f"nothing came from {', '.join(map(str, missing))}", missing)
    plain = {j: decrypt(private_key, j, pieces[j]) for j in structure.parties}
    size = prod(shape)
    if form is Form.BITS:
        return _unseal_bits(plain, size).reshape(shape)
    shares = {}
    for j, data in plain.items():
        try:
            shares[j] = field.from_bytes(data, (size,))
        except ValueError as fault:
            raise SharingError(f"node {j}: {fault}", (j,)) from fault
    return field.to_ints(reconstruct(field, shares, structure.t)).reshape(shape)


def _unseal_bits(plain: Mapping[int, bytes], size: int) -> Array:
    total = np.zeros(words_for(size), np.uint64)
    for j, data in plain.items():
        if len(data) != 8 * total.size:
            raise SharingError(f"node {j}: {len(data)} bytes where {8 * total.size} were expected", (j,))
        total ^= np.frombuffer(data, "<u8")
    return unpack_bits(total, size).astype(np.bool_)


def encrypt(recipient: bytes, party: int, plain: bytes) -> bytes:
    """`plain` from `party` for the holder of a raw X25519 public key. Raises ValueError for a bad key."""
    own = X25519PrivateKey.generate()
    sender = own.public_key().public_bytes_raw()
    secret = own.exchange(X25519PublicKey.from_public_bytes(recipient))
    return sender + AESGCM(_message_key(secret, sender, recipient, party)).encrypt(_NONCE, plain, None)


def decrypt(private_key: bytes, party: int, sealed: bytes) -> bytes:
    """What `party` encrypted for the raw X25519 private key. Raises SharingError for anything else."""
    own = X25519PrivateKey.from_private_bytes(private_key)
    recipient = own.public_key().public_bytes_raw()
    sender, body = sealed[:KEY_BYTES], sealed[KEY_BYTES:]
    try:
        secret = own.exchange(X25519PublicKey.from_public_bytes(sender))
        return AESGCM(_message_key(secret, sender, recipient, party)).decrypt(_NONCE, body, None)
    except (InvalidTag, ValueError) as fault:
        raise SharingError(f"node {party}'s piece was not made for this key", (party,)) from fault


def _message_key(secret: bytes, sender: bytes, recipient: bytes, party: int) -> bytes:
    info = b"enigmalang/output" + bytes([party]) + sender + recipient
    return HKDF(hashes.SHA256(), 32, None, info).derive(secret)
