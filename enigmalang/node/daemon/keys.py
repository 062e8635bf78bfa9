"""A node's keys, in FOLDER/keys: one password opens all of them.

- `node.json`: the Ethereum key, as a keystore file. It signs, holds the deposit, and is what others are derived from:
  HKDF-SHA-256 (RFC 5869) of it, with a purpose each, gives the key under which the node receives (X25519), the key
  that encrypts what is stored, and the one that encrypts the channel key's file.
- `channel.json`: the channel key (Ed25519) and its certificate, AES-256-GCM; `channel.next.json` while one that the
  hub does not know yet is about to take its place.
"""

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from enigmalang.ethereum.keys import SigningKey
from enigmalang.ethereum.keystore import WORK
from enigmalang.identity.files import BadKeystore, BadPassword, KeyFiles, NoSuchKey
from enigmalang.transport.identity import ChannelKey, new_key

#: The Ethereum key's name in the folder of keys.
NAME = "node"
CHANNEL, NEXT = "channel.json", "channel.next.json"
#: The variable that names the password's file, and the name of systemd's credential.
PASSWORD_VARIABLE, CREDENTIAL = "ENIGMALANG_NODE_PASSWORD_FILE", "enigmalang-password"
_VERSION = 1


class BadKeys(Exception):
    """Keys that are not there, or that the password does not open; the text says which."""


@dataclass(frozen=True, slots=True)
class NodeKeys:
    """The keys of a node, opened. Nothing secret shows in its `repr`."""

    signing: SigningKey
    channel: ChannelKey
    receiving: X25519PrivateKey = field(repr=False)
    storage: bytes = field(repr=False)

    @property
    def address(self) -> str:
        return self.signing.address

    @property
    def receiving_public(self) -> bytes:
        """The X25519 public key that stands on the hub."""
        return self.receiving.public_key().public_bytes_raw()

    def __reduce__(self) -> str:
        raise TypeError("a private key is not pickled")


def made(key: ChannelKey) -> datetime:
    """When a channel key was made."""
    found = x509.load_der_x509_certificate(key.certificate)
    return found.not_valid_before_utc + (found.not_valid_after_utc - found.not_valid_before_utc) / 2


def age_days(key: ChannelKey, now: datetime | None = None) -> float:
    """How many days old a channel key is."""
    return ((now or datetime.now(UTC)) - made(key)).total_seconds() / 86_400


class KeyFolder:
    """FOLDER/keys. `work`: the cost of guessing the password, for a new key."""

    def __init__(self, folder: Path, work: int = WORK) -> None:
        self.path = folder / "keys"
        self._files = KeyFiles(self.path, work)

    def address(self) -> str | None:
        """The node's address, which needs no password; None where there is no key yet."""
        return next((key.address for key in self._files.list() if key.name == NAME), None)

    def make(self, password: str, key: SigningKey | None = None) -> NodeKeys:
        """Make the keys that are not there yet, around `key` or a new one, and open all. Raises BadKeys when there are
        others already: nothing is overwritten."""
        known = self.address()
        if known is None:
            self._files.add(NAME, key or SigningKey.generate(), password)
        elif key is not None and key.address != known:
            raise BadKeys(f"{self.path} has the key of {known}; take another folder for {key.address}")
        signing = self._signing(password)
        if not (self.path / CHANNEL).exists():
            self._keep(CHANNEL, signing, new_key(signing.address))
        return self._opened(signing)

    def open(self, password: str) -> NodeKeys:
        """The keys. Raises BadKeys."""
        return self._opened(self._signing(password))

    def prepare(self, keys: NodeKeys) -> ChannelKey:
        """A new channel key, kept on disk before the hub hears of it; one that is prepared already is given again."""
        if not (self.path / NEXT).exists():
            self._keep(NEXT, keys.signing, new_key(keys.address))
        return self._channel(NEXT, keys.signing)

    def promote(self) -> None:
        """The prepared channel key is the node's from now on, and the old one is gone."""
        os.replace(self.path / NEXT, self.path / CHANNEL)
        _sync(self.path)

    def prepared(self, keys: NodeKeys) -> ChannelKey | None:
        """The channel key that is prepared, if one is. Raises BadKeys."""
        return self._channel(NEXT, keys.signing) if (self.path / NEXT).exists() else None

    # ---- files

    def _signing(self, password: str) -> SigningKey:
        try:
            return self._files.load(NAME, password)
        except BadPassword:
            raise BadKeys(f"the password does not open the node's key ({self.path / (NAME + '.json')})") from None
        except NoSuchKey:
            raise BadKeys(f"{self.path} has no key of a node: `enig node init` makes one") from None
        except BadKeystore as error:
            raise BadKeys(str(error)) from None

    def _opened(self, signing: SigningKey) -> NodeKeys:
        receiving = X25519PrivateKey.from_private_bytes(_derived(signing, "receiving key"))
        return NodeKeys(signing, self._channel(CHANNEL, signing), receiving, _derived(signing, "storage key"))

    def _keep(self, name: str, signing: SigningKey, key: ChannelKey) -> None:
        """Write a channel key, whole or not at all, for its owner alone."""
        nonce = os.urandom(12)
        sealed = _box(signing).encrypt(nonce, key.pem, _bound(signing, key.certificate))
        text = json.dumps({"version": _VERSION, "certificate": key.certificate.hex(), "sealed": (nonce + sealed).hex()})
        descriptor, temporary = tempfile.mkstemp(dir=self.path, prefix=".")
        with os.fdopen(descriptor, "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self.path / name)
        _sync(self.path)

    def _channel(self, name: str, signing: SigningKey) -> ChannelKey:
        path = self.path / name
        try:
            read = json.loads(path.read_text())
            if read["version"] != _VERSION:
                raise BadKeys(f"{path} is of version {read['version']}; known is {_VERSION}")
            certificate, sealed = bytes.fromhex(read["certificate"]), bytes.fromhex(read["sealed"])
            pem = _box(signing).decrypt(sealed[:12], sealed[12:], _bound(signing, certificate))
        except FileNotFoundError:
            raise BadKeys(f"{path} is missing: `enig node init` on this folder makes a new one") from None
        except InvalidTag:
            raise BadKeys(f"{path} is damaged, or not of this node; without it, `enig node init` makes a new one"
                          ) from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadKeys(f"{path} is no channel key: {type(error).__name__} {error}") from None
        return ChannelKey(certificate, pem)


def _derived(signing: SigningKey, purpose: str) -> bytes:
    """32 bytes for one purpose."""
    return HKDF(SHA256(), 32, None, b"enigmalang node: " + purpose.encode()).derive(signing.reveal())


def _box(signing: SigningKey) -> AESGCM:
    return AESGCM(_derived(signing, "channel key file"))


def _bound(signing: SigningKey, certificate: bytes) -> bytes:
    """What a sealed channel key belongs to."""
    return bytes.fromhex(signing.address[2:]) + certificate


def _sync(folder: Path) -> None:
    """What was renamed in `folder` stays so when the power fails."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def find_password(named: Path | None, environment: Mapping[str, str], ask: Callable[[], str]) -> str:
    """The password: the first line of the file `named`, of $ENIGMALANG_NODE_PASSWORD_FILE, or of systemd's credential
    `enigmalang-password`; else what `ask` gives. Raises BadKeys for a file that cannot be read, or is empty."""
    candidates = [named]
    if environment.get(PASSWORD_VARIABLE):
        candidates.append(Path(environment[PASSWORD_VARIABLE]))
    if environment.get("CREDENTIALS_DIRECTORY"):
        credential = Path(environment["CREDENTIALS_DIRECTORY"], CREDENTIAL)
        candidates.append(credential if credential.exists() else None)
    path = next((path for path in candidates if path is not None), None)
    return ask() if path is None else read_password(path)


def read_password(path: Path) -> str:
    """The first line of a file. Raises BadKeys."""
    try:
        password = path.read_text("utf-8").partition("\n")[0].removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text in UTF-8"
        raise BadKeys(f"the password's file {path} cannot be read: {reason}") from None
    if not password:
        raise BadKeys(f"the first line of {path} is empty: it has to be the password of the node's keys")
    return password
