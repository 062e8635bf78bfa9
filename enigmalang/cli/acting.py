"""Whom a command acts for: a key of the user's key folder, or on a development chain an identity by its name."""

import sys
from pathlib import Path

from enigmalang.chain.client import Chain
from enigmalang.cli.keys import ask_password
from enigmalang.identity.files import BadKeystore, BadPassword, KeyFiles, NoSuchKey
from enigmalang.identity.keys import Identity, Keystore, identity_of
from enigmalang.node.remote import RemoteError

#: Who acts on a development chain when no key is named, as in a program without `as`.
UNNAMED = "me"


def acting(chain: Chain, name: str | None, password_file: Path | None) -> Identity:
    """The identity that `--key` names; said on stderr. Raises RemoteError E0710."""
    files = KeyFiles()
    kept = {key.name for key in files.list()}
    if name is not None and name in kept:
        try:
            found = identity_of(name, files.load(name, ask_password(name, password_file)))
        except (BadKeystore, BadPassword, NoSuchKey) as error:
            raise RemoteError("E0710", str(error), "a key opens with its own password alone; `--password-file FILE` "
                              "reads it from a file") from None
        _say(found, f"a key in {files.folder}")
        return found
    if chain.development:
        found = Keystore().get(name or UNNAMED)
        _say(found, "a development identity: its key is known to everyone")
        return found
    listed = f"`enig keys list` shows them: {', '.join(sorted(kept))}" if kept else "`enig keys new NAME` makes one"
    if name is None:
        raise RemoteError("E0710", "no key is named, and this is no development chain", f"say --key NAME; {listed}")
    raise RemoteError("E0710", f"there is no key named {name} in {files.folder}", listed)


def address_named(chain: Chain, name: str) -> str | None:
    """The address of a key, or on a development chain of the identity, called `name`."""
    for key in KeyFiles().list():
        if key.name == name:
            return key.address
    return Keystore().get(name).address if chain.development and name.isidentifier() else None


def _say(identity: Identity, what: str) -> None:
    print(f"as {identity.name}, {identity.address} ({what})", file=sys.stderr)
