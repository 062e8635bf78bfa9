"""Encrypted private keys as Ethereum's clients keep them: Web3 Secret Storage, version 3.

The password becomes 32 bytes by scrypt (RFC 7914) or PBKDF2 (RFC 8018); the first half encrypts the key by
AES-128-CTR, the second authenticates it: Keccak-256 of that half and the ciphertext.
"""

import hmac
import os
import uuid
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from enigmalang.ethereum.hashing import keccak256
from enigmalang.ethereum.keys import SigningKey

#: scrypt's cost as clients write it: a quarter of a gigabyte, about a second.
WORK = 2**18
#: What a file may ask of us: memory in bytes for scrypt, rounds for PBKDF2.
MAX_MEMORY, MAX_ROUNDS = 2**30, 10_000_000


class BadKeystore(Exception):
    """Text that is no keystore file, or one of a kind that is not known here."""


class BadPassword(Exception):
    """A password that does not open a keystore file."""


def encrypt(key: SigningKey, password: str, work: int = WORK) -> dict[str, Any]:
    """The keystore file of `key`, as JSON. `work`: scrypt's cost, a power of two."""
    salt, start = os.urandom(32), os.urandom(16)
    derived = Scrypt(salt=salt, length=32, n=work, r=8, p=1).derive(password.encode())
    hidden = _aes(derived[:16], start, key.reveal())
    return {
        "version": 3,
        "id": str(uuid.uuid4()),
        "address": key.address[2:],
        "crypto": {
            "cipher": "aes-128-ctr", "cipherparams": {"iv": start.hex()}, "ciphertext": hidden.hex(),
            "kdf": "scrypt", "kdfparams": {"dklen": 32, "n": work, "r": 8, "p": 1, "salt": salt.hex()},
            "mac": keccak256(derived[16:32] + hidden).hex(),
        },
    }


def decrypt(file: Any, password: str) -> SigningKey:
    """The key in a keystore file; BadPassword, or BadKeystore for what is none."""
    try:
        if file["version"] != 3:
            raise BadKeystore(f"a keystore of version {file['version']}; known is 3")
        # Old writers have "Crypto".
        crypto = file["crypto"] if "crypto" in file else file["Crypto"]
        if crypto["cipher"] != "aes-128-ctr":
            raise BadKeystore(f"the cipher {crypto['cipher']} is not known; known is aes-128-ctr")
        hidden, start = bytes.fromhex(crypto["ciphertext"]), bytes.fromhex(crypto["cipherparams"]["iv"])
        mac = bytes.fromhex(crypto["mac"])
        derived = _derive(crypto["kdf"], crypto["kdfparams"], password.encode())
        if not hmac.compare_digest(keccak256(derived[16:32] + hidden), mac):
            raise BadPassword("the password does not open the key")
        key = SigningKey(_aes(derived[:16], start, hidden))
    except (KeyError, TypeError, ValueError) as error:
        raise BadKeystore(f"not a keystore file: {type(error).__name__} {error}") from None
    named = str(file.get("address", key.address[2:])).removeprefix("0x").lower()
    if named != key.address[2:]:
        raise BadKeystore(f"the file says 0x{named}, its key is that of {key.address}")
    return key


def _derive(kind: str, given: Any, password: bytes) -> bytes:
    salt, length = bytes.fromhex(given["salt"]), int(given["dklen"])
    if length < 32:
        raise BadKeystore(f"{length} derived bytes are too few; 32 are needed")
    if kind == "scrypt":
        n, r, p = int(given["n"]), int(given["r"]), int(given["p"])
        if n * r * 128 > MAX_MEMORY or p > 16:
            raise BadKeystore(f"scrypt with n={n}, r={r}, p={p} asks for too much")
        return Scrypt(salt=salt, length=length, n=n, r=r, p=p).derive(password)
    if kind == "pbkdf2" and given.get("prf") == "hmac-sha256":
        if int(given["c"]) > MAX_ROUNDS:
            raise BadKeystore(f"{given['c']} rounds of PBKDF2 are too many")
        return PBKDF2HMAC(SHA256(), length, salt, int(given["c"])).derive(password)
    raise BadKeystore(f"the key derivation {kind} is not known; known are scrypt and pbkdf2 with hmac-sha256")


def _aes(key: bytes, start: bytes, text: bytes) -> bytes:
    """AES-128 in counter mode, by which hiding and showing are the same."""
    step = Cipher(AES(key), CTR(start)).encryptor()
    return step.update(text) + step.finalize()
