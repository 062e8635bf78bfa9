"""A node's folder: `node.toml`, `keys/`, `data/`, and while it runs `pid` and `control.sock`. For its owner alone."""

import os
import tempfile
from pathlib import Path

from enigmalang.ethereum.keys import SigningKey
from enigmalang.ethereum.keystore import WORK
from enigmalang.node.daemon.config import FILE, Config, written
from enigmalang.node.daemon.connection import Misconfigured
from enigmalang.node.daemon.control import too_long
from enigmalang.node.daemon.daemon import DATA
from enigmalang.node.daemon.keys import KeyFolder, NodeKeys


class MadeAlready(Exception):
    """A folder that is a node's; the text says whose."""


def make_folder(config: Config, password: str, key: SigningKey | None = None, work: int = WORK) -> NodeKeys:
    """Make a node's folder, with `key` or a new one. `work`: the cost of guessing the password (`keystore.encrypt`).

    node.toml comes last: a folder that was left half-made is completed. Raises MadeAlready, BadKeys, and Misconfigured
    for a folder that cannot be one.
    """
    folder = config.folder
    files = KeyFolder(folder, work)
    refuse_made(folder)
    reason = too_long(folder)
    if reason:
        raise Misconfigured(reason)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not any(folder.iterdir()):
            folder.chmod(0o700)
        for each in (files.path, folder / DATA):
            each.mkdir(mode=0o700, exist_ok=True)
        keys = files.make(password, key)
        descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".")  # 0600
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(written(config))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, folder / FILE)
    except OSError as error:
        raise Misconfigured(f"{error.filename or folder} cannot be made or written to: {error.strerror}. Choose "
                            "another place for the node's folder, or see that you may write there") from None
    return keys


def refuse_made(folder: Path) -> None:
    """Raises MadeAlready for a node's folder that is whole."""
    if (folder / FILE).exists():
        raise MadeAlready(f"{folder} is the folder of the node {KeyFolder(folder).address()} already, and is left as "
                          f"it is: edit {folder / FILE}, or choose another folder")


def check_folder(folder: Path) -> None:
    """Raises Misconfigured for a folder that strangers on this machine may look into, or whose path is too long."""
    for path in (folder, folder / "keys"):
        if path.is_dir() and path.stat().st_mode & 0o007:
            raise Misconfigured(f"{path} is open to everybody on this machine: chmod o-rwx {path}")
    reason = too_long(folder)
    if reason:
        raise Misconfigured(reason)
