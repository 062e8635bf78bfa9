"""`enig keys new|list|import`: signing keys in encrypted files."""

import sys
from pathlib import Path
from typing import Any

import click


@click.group("keys")
def command() -> None:
    """Keep signing keys in encrypted files (Ethereum's keystore format), under ~/.enigmalang/keys or $ENIGMALANG_HOME.

    A private key is never shown. Its file opens with its password alone: who forgets that has lost the key.
    """


_password_file = click.option(
    "--password-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
    help="Take the password from the first line of FILE; without it, it is asked for.",
)


@command.command("new")
@click.argument("name")
@_password_file
def new(name: str, password_file: Path | None) -> int:
    """Make a new key NAME and show its address."""
    from enigmalang.ethereum.keys import SigningKey

    return _add(name, SigningKey.generate, password_file)


@command.command("list")
def list_keys() -> int:
    """Show the names and addresses of all keys."""
    from enigmalang.ethereum.hashing import checksummed
    from enigmalang.identity.files import KeyFiles

    files = KeyFiles()
    keys = files.list()
    width = max((len(key.name) for key in keys), default=0)
    for key in keys:
        print(f"{key.name:{width}}  {checksummed(key.address)}")
    if not keys:
        print(f"no keys in {files.folder}; `enig keys new NAME` makes one", file=sys.stderr)
    return 0


@command.command("import", short_help="Keep a key of yours under NAME.")
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@_password_file
def import_key(name: str, file: str, password_file: Path | None) -> int:
    """Keep the key in FILE ("-": standard input) under NAME: 64 hex digits, or a keystore file of another program.

    A keystore file keeps its password.
    """
    from enigmalang.identity.files import BadKeystore, read_key

    text = sys.stdin.read() if file == "-" else Path(file).read_text(errors="replace")
    try:
        read = read_key(text)
    except BadKeystore as error:
        return _failed(error)
    return _add(name, read, password_file)


def _add(name: str, source: Any, password_file: Path | None) -> int:
    """`source`: a key, what makes one, or the JSON of a keystore file."""
    from enigmalang.ethereum.hashing import checksummed
    from enigmalang.ethereum.keystore import decrypt
    from enigmalang.identity.files import BadKeystore, BadPassword, KeyFiles, NoSuchKey, TakenName

    files = KeyFiles()
    try:
        files.check(name)
        password = ask_password(name, password_file, fresh=not isinstance(source, dict))
        key = decrypt(source, password) if isinstance(source, dict) else source() if callable(source) else source
        added = files.add(name, key, password)
    except (BadKeystore, BadPassword, NoSuchKey, TakenName) as error:
        return _failed(error)
    print(f"{added.name}  {checksummed(added.address)}")
    return 0


def ask_password(name: str, password_file: Path | None, fresh: bool = False) -> str:
    """The password of the key `name`: the first line of `password_file`, or typed; typed twice when `fresh`."""
    if password_file is not None:
        return password_file.read_text().partition("\n")[0].removesuffix("\r")
    return str(click.prompt(f"Password of {name}", hide_input=True, confirmation_prompt=fresh, err=True))


def _failed(error: Exception) -> int:
    print(f"enig: {error}", file=sys.stderr)
    return 1
