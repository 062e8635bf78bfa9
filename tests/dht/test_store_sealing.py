"""Sealed values in chunks: readers alone open them, each chunk alone, and only at its own place."""

import pickle
import struct
from hashlib import sha3_256
from io import BytesIO

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from storing import ALICE, BOB, EVE, Ready, filled, in_the_clear, sealed

from enigmalang.dht.chunks import CHUNK, TAG, BadSource
from enigmalang.dht.sealing import MOST_READERS, Opener, SealBroken, Sealer, Sealing, Wrap, opener
from enigmalang.identity.keys import Identity

CONTENT = filled(2 * CHUNK + 100)


def opened_by(value: Ready, who: Identity) -> Opener | None:
    return opener(value.sealing, value.size, who.public_key, who.private_key)


def opened(value: Ready, who: Identity = ALICE) -> bytes:
    found = opened_by(value, who)
    assert found is not None
    return b"".join(found.open(i, chunk) for i, chunk in enumerate(value.chunks))


@pytest.mark.parametrize("size", [0, 1, CHUNK - TAG, CHUNK - TAG + 1, CHUNK, 2 * CHUNK + 100])
def test_readers_open_and_nobody_else(size: int):
    value = sealed(CONTENT[:size], [ALICE, BOB])
    assert opened(value, ALICE) == opened(value, BOB) == CONTENT[:size]
    assert opened_by(value, EVE) is None
    assert opener(value.sealing, value.size, ALICE.public_key, EVE.private_key) is None
    assert not size or CONTENT[:16] not in b"".join(value.chunks)


def test_chunks_open_in_any_order():
    value = sealed(CONTENT, [ALICE])
    found = opened_by(value, ALICE)
    assert found is not None
    step = CHUNK - TAG
    for i in (2, 0, 1):
        assert found.open(i, value.chunks[i]) == CONTENT[i * step : (i + 1) * step]


def test_no_chunk_opens_elsewhere():
    """Changed, cut, at another place, of another value, or of a value that was made shorter or longer."""
    value, other = sealed(CONTENT, [ALICE]), sealed(CONTENT, [ALICE])
    found = opened_by(value, ALICE)
    assert found is not None
    first, second, last = value.chunks
    for index, chunk in ((1, first), (0, second), (0, last), (2, first), (0, first[:-1]), (0, b""),
                         (0, other.chunks[0]), (0, bytes([first[0] ^ 1]) + first[1:]), 
                         (0, first[:-1] + bytes([first[-1] ^ 1])), (3, last), (-1, last)):
        with pytest.raises(SealBroken):
            found.open(index, chunk)
    for size in (2 * CHUNK, value.size - 1, value.size + CHUNK):  # as if the value ended there
        cut = opener(value.sealing, size, ALICE.public_key, ALICE.private_key)
        assert cut is not None
        for index, chunk in enumerate(value.chunks):
            with pytest.raises(SealBroken):
                cut.open(index, chunk)


def test_every_field_of_the_header_counts():
    value = sealed(CONTENT, [ALICE, BOB])
    mine = value.sealing.wraps[0]
    for field in ("ephemeral", "key", "reader"):
        changed = mine._replace(**{field: bytes([getattr(mine, field)[0] ^ 1]) + getattr(mine, field)[1:]})
        header = Sealing((changed, value.sealing.wraps[1]), value.sealing.check)
        assert opener(header, value.size, ALICE.public_key, ALICE.private_key) is None
    low = Sealing((mine._replace(ephemeral=bytes(32)),), value.sealing.check)  # a point of low order
    assert opener(low, value.size, ALICE.public_key, ALICE.private_key) is None


def test_readers_cannot_be_given_different_keys():
    """An owner that wraps another key for Bob would show him other content: the commitment to the key tells."""
    one, other = sealed(CONTENT, [ALICE]), sealed(CONTENT, [BOB])
    forged = Sealing((*one.sealing.wraps, *other.sealing.wraps), one.sealing.check)
    assert opener(forged, one.size, ALICE.public_key, ALICE.private_key) is not None
    with pytest.raises(SealBroken):
        opener(forged, one.size, BOB.public_key, BOB.private_key)


def test_what_is_a_whole_header():
    value = sealed(b"x", [ALICE]).sealing
    assert value.is_whole() and Sealing().is_whole()
    for header in (Sealing(value.wraps), Sealing((), value.check), Sealing(value.wraps * 2, value.check),
                   Sealing(value.wraps, value.check[:-1])):
        assert not header.is_whole()


def test_for_anyone_is_in_the_clear():
    value = in_the_clear(CONTENT)
    assert b"".join(value.chunks) == CONTENT and opened(value, EVE) == CONTENT


def test_a_value_is_sealed_once():
    """A second piece at the same place would be under the same nonce."""
    sealer = Sealer(10, [ALICE.public_key])
    first = list(sealer.chunks(BytesIO(b"0123456789")))
    assert len(first) == 1
    with pytest.raises(ValueError, match="sealed already"):
        list(sealer.chunks(BytesIO(b"9876543210")))


def test_sealing_what_has_another_size():
    with pytest.raises(BadSource):
        list(Sealer(11, [ALICE.public_key]).chunks(BytesIO(b"0123456789")))
    with pytest.raises(BadSource):
        list(Sealer(9, [ALICE.public_key]).chunks(BytesIO(b"0123456789")))


def test_how_many_may_read():
    many = [X25519PrivateKey.generate().public_key().public_bytes_raw() for _ in range(MOST_READERS + 1)]
    assert len(Sealer(1, [*many[:-1], many[0]]).sealing.wraps) == MOST_READERS
    for readers in (many, []):
        with pytest.raises(ValueError, match="readers"):
            Sealer(1, readers)


def test_two_sealings_of_one_content_differ():
    one, other = sealed(CONTENT, [ALICE]), sealed(CONTENT, [ALICE])
    assert one.chunks[0] != other.chunks[0] and one.sealing.check != other.sealing.check


def test_the_format_by_other_hands():
    """What the module says of nonces, associated data and wraps, and no more than that."""
    value = sealed(CONTENT, [ALICE])
    wrap = value.sealing.wraps[0]
    shared = X25519PrivateKey.from_private_bytes(ALICE.private_key).exchange(
        X25519PublicKey.from_public_bytes(wrap.ephemeral))
    wrapping = sha3_256(b"enigmalang dht wrap" + ALICE.public_key + shared).digest()
    key = AESGCM(wrapping).decrypt(bytes(12), wrap.key, None)
    assert value.sealing.check == sha3_256(b"enigmalang dht key" + key).digest()
    found = b""
    for i, chunk in enumerate(value.chunks):
        nonce = struct.pack(">3xQB", i, i == 2)
        found += AESGCM(key).decrypt(nonce, chunk, b"enigmalang dht chunk" + struct.pack(">QQQ", i, 3, len(CONTENT)))
    assert found == CONTENT


def test_keys_stay_where_they_are():
    value = sealed(b"x", [ALICE])
    for secret in (Sealer(1, [ALICE.public_key]), opened_by(value, ALICE)):
        with pytest.raises(TypeError):
            pickle.dumps(secret)


def test_a_header_has_one_encoding():
    header = sealed(b"x", [ALICE, BOB]).sealing
    data = msgspec.msgpack.encode(header)
    found = msgspec.msgpack.decode(data, type=Sealing)
    assert found == header and isinstance(found.wraps[0], Wrap)
    short = Sealing((header.wraps[0]._replace(key=b"short"),), header.check)
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(short), type=Sealing)
