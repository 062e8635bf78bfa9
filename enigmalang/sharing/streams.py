"""Key streams: AES-128-CTR under a group's key, the counter block naming instruction and purpose.

The counter block is instruction (48 bits) | purpose (16 bits) | block number (64 bits). An instruction number
is used once per session and each session derives its own keys, so no block of key stream is used twice.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from enigmalang.fields import Field, Raw
from enigmalang.fields.warm import kernels
from enigmalang.sharing.keys import Keys
from enigmalang.sharing.structure import Subset

#: Of a key for AES-128.
SEED_BYTES = 16

_PIECE = 1 << 14  # words of zeros encrypted at a time
_ZEROS = np.zeros(_PIECE, np.uint64)
_ZEROS.flags.writeable = False
_ZERO_BYTES = _ZEROS.data.cast("B")


class Streams:
    """The streams of one party in one session. Not for use by two threads at once."""

    __slots__ = ("_ciphers", "_keys")

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._ciphers: dict[object, Stream] = {}

    def __repr__(self) -> str:
        return "<Streams>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("streams are not pickled")

    def of_pair(self, peer: int) -> Stream:
        return self._stream(peer, lambda: self._keys.pair(peer))

    def of_subset(self, members: Subset) -> Stream:
        return self._stream(members, lambda: self._keys.subset(members))

    def subset_seed(self, members: Subset, instruction: int) -> bytes:
        """A key of its own for one draw of a subset (`sharing.seeds`), derived from the half that its stream leaves."""
        label = b"enigmalang/seed/" + instruction.to_bytes(8, "big")
        return HKDFExpand(hashes.SHA256(), SEED_BYTES, label).derive(self._keys.subset(members)[SEED_BYTES:])

    def of_everyone(self) -> Stream:
        return self._stream("all", self._keys.everyone)

    def _stream(self, name: object, key: Any) -> Stream:
        stream = self._ciphers.get(name)
        if stream is None:
            stream = self._ciphers[name] = Stream(key()[:SEED_BYTES])
        return stream


class Stream:
    """One AES-128-CTR key, repositioned for each draw."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        self._cipher: Any = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()

    def seek(self, instruction: int, purpose: int = 0, word: int = 0) -> None:
        """To the part that belongs to (instruction, purpose), at an even `word` of it."""
        self._cipher.reset_nonce((instruction << 80 | purpose << 64 | word >> 1).to_bytes(16, "big"))

    def xor(self, words: Raw) -> None:
        """XOR the next bytes of the stream into contiguous words, in place."""
        if not words.size:
            return  # nothing, and a memoryview of nothing cannot be cast
        view = words.data.cast("B")
        self._cipher.update_into(view, view)

    def fill(self, words: Raw) -> None:
        """Overwrite contiguous words with the next bytes of the stream."""
        if not words.size:
            return
        if words.size <= _PIECE:
            self._cipher.update_into(_ZERO_BYTES[: 8 * words.size], words.data.cast("B"))
            return
        flat = words.reshape(-1)
        for start in range(0, flat.size, _PIECE):
            part = flat[start : start + _PIECE]
            self._cipher.update_into(_ZEROS[: part.size].view(np.uint8), part.view(np.uint8))

    def elements(self, field: Field, out: Raw) -> None:
        """Fill `out` with uniform field elements.

        q bits are kept of each word (pair); the all-ones value, p itself, is drawn again from the part of the
        stream after the array, so the distribution is exact and both ends draw alike.
        """
        flat, parts = out.reshape(-1), False
        for start in range(0, flat.size, _PIECE):
            part = flat[start : start + _PIECE]
            self.fill(part)
            parts |= kernels().prime[field.q].mask(part, part.size // field.limbs)
        bad = field.mask_words(out) if parts else np.zeros(0, np.bool_)
        while bad.any():
            again = np.empty((int(bad.sum()), *field.tail), np.uint64)
            self.fill(again)
            out[bad] = again
            bad = field.mask_words(out)
