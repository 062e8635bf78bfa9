"""Keys in files: one encrypted keystore file a name, in a folder that only its owner can read."""

import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from enigmalang.ethereum.keys import SigningKey
from enigmalang.ethereum.keystore import WORK, BadKeystore, BadPassword, decrypt, encrypt

VARIABLE = "ENIGMALANG_HOME"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SUFFIX = ".json"

__all__ = ["BadKeystore", "BadPassword", "KeyFiles", "NamedKey", "NoSuchKey", "TakenName", "home", "read_key"]


class TakenName(Exception):
    """A name under which there is a key already."""


class NoSuchKey(Exception):
    """A name under which there is no key, or that is none."""


@dataclass(frozen=True, slots=True)
class NamedKey:
    """A key in the folder: what can be known without its password."""

    name: str
    address: str
    path: Path


def home() -> Path:
    """$ENIGMALANG_HOME, or ~/.enigmalang."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else Path.home() / ".enigmalang"


def read_key(text: str) -> SigningKey | Any:
    """A key as one is handed one: 64 hex digits give the key, a keystore file its JSON, to be opened with a password.

    Raises BadKeystore for anything else. The text is not repeated in the error: it may be a secret.
    """
    plain = text.strip().removeprefix("0x")
    if re.fullmatch(r"[0-9a-fA-F]{64}", plain):
        try:
            return SigningKey(bytes.fromhex(plain))
        except ValueError as error:
            raise BadKeystore(str(error)) from None
    try:
        read = json.loads(text)
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise BadKeystore("neither a private key of 64 hex digits nor a keystore file (JSON, version 3)") from None
    return read


class KeyFiles:
    """The keys in `folder` (default: `home()`/keys). `work`: the cost of guessing a password (`keystore.encrypt`)."""

    def __init__(self, folder: Path | None = None, work: int = WORK) -> None:
        self.folder = folder or home() / "keys"
        self._work = work

    def list(self) -> tuple[NamedKey, ...]:
        """All keys, by name. A file that is not a keystore file is passed over."""
        found = []
        for path in sorted(self.folder.glob(f"*{_SUFFIX}")) if self.folder.is_dir() else ():
            try:
                address = json.loads(path.read_text())["address"]
            except (OSError, ValueError, KeyError, TypeError):
                continue
            found.append(NamedKey(path.name.removesuffix(_SUFFIX), "0x" + str(address).removeprefix("0x"), path))
        return tuple(found)

    def check(self, name: str) -> None:
        """Raises TakenName, or NoSuchKey for what cannot be a name: before a password is asked for."""
        if self._path(name).exists():
            raise TakenName(f"there is a key named {name} already ({self._path(name)})")

    def add(self, name: str, key: SigningKey, password: str) -> NamedKey:
        """Keep `key` under `name`, encrypted; TakenName when there is one. The file appears whole or not at all."""
        self.check(name)
        path = self._path(name)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = json.dumps(encrypt(key, password, self._work), indent=2) + "\n"
        descriptor, temporary = tempfile.mkstemp(dir=self.folder, prefix=".")  # for its owner alone: 0600
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.link(temporary, path)  # unlike a rename, this replaces no other's file
        except FileExistsError:
            raise TakenName(f"there is a key named {name} already ({path})") from None
        finally:
            os.unlink(temporary)
        return NamedKey(name, key.address, path)

    def load(self, name: str, password: str) -> SigningKey:
        """The key of `name`; NoSuchKey, BadPassword, or BadKeystore for a file that was damaged."""
        path = self._path(name)
        try:
            read = json.loads(path.read_text())
        except FileNotFoundError:
            raise NoSuchKey(f"there is no key named {name} in {self.folder}; `enig keys list` shows all") from None
        except OSError as error:
            raise BadKeystore(f"{path} cannot be read: {error.strerror}") from None
        except ValueError:
            raise BadKeystore(f"{path} is no keystore file (JSON, version 3): it is damaged, and only a copy of it has "
                              "its key") from None
        try:
            return decrypt(read, password)
        except BadPassword:
            raise BadPassword(f"the password does not open the key {name}") from None
        except BadKeystore as error:
            raise BadKeystore(f"{path}: {error}") from None

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise NoSuchKey(f"{name!r} cannot name a key: up to 64 letters, digits, '.', '_' and '-', no '.' first")
        return self.folder / (name + _SUFFIX)
