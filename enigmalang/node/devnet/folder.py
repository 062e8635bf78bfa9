"""A devnet's folder: `devnet.json`, `chain/`, and `nodes/1/`, `nodes/2/`, ... as `enig node init` would make them.

Keys and passwords in it are for development only: the password lies beside the keys that it opens.
"""

import json
import os
import secrets
import socket
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from enigmalang.identity.files import home
from enigmalang.node.daemon.config import FILE as CONFIG
from enigmalang.node.daemon.config import Config, read_config, with_options, written
from enigmalang.node.daemon.control import MAX_PATH
from enigmalang.node.daemon.folders import make_folder
from enigmalang.node.devnet.chain import ANVIL, EMBEDDED, SOCKET

#: What a devnet's folder may have before it has its FILE: it was made half when the computer stopped.
_PARTS = ("pid", "chain", "nodes")
FILE, PASSWORD, LOG, OUTPUT = "devnet.json", "password", "node.log", "start.log"
#: How many nodes there are when nothing is said.
USUAL = 5
#: scrypt's cost: the password has 256 random bits, and nobody types it.
WORK = 2
#: Where its ports are looked for, below those that systems give to connections; and how often, before any will do.
PORTS, TRIES = range(20_000, 32_000), 32
#: Seconds between two looks at the chain, which is on this machine.
POLL_SECONDS = 0.25
_NOTE = "Made by `enig devnet up`, for development only: whoever reads this file has the node's keys.\n"


class DevnetError(Exception):
    """Why a devnet cannot be; the text is for its user."""


@dataclass(frozen=True, slots=True)
class Made:
    """What is fixed: the kind of chain, and the addresses of the hub and of the contract that takes rent for stored
    data, each empty until it is deployed; None: nodes ask for no rent."""

    chain: str
    hub: str = ""
    rent: str | None = None


def default_folder() -> Path:
    return home() / "devnet"


def chain_folder(folder: Path) -> Path:
    return folder / "chain"


def chain_url(folder: Path) -> str:
    """Where the chain is reached."""
    return str((chain_folder(folder) / SOCKET).absolute())


def node_folder(folder: Path, number: int) -> Path:
    return folder / "nodes" / str(number)


def node_folders(folder: Path) -> list[Path]:
    """The folders of the nodes that are made, in order."""
    found: list[Path] = []
    while (node_folder(folder, len(found) + 1) / CONFIG).exists():
        found.append(node_folder(folder, len(found) + 1))
    return found


def read_made(folder: Path) -> Made | None:
    """None where there is no devnet. Raises DevnetError."""
    path = folder / FILE
    try:
        data: Any = json.loads(path.read_text("utf-8"))
        rent = data.get("rent")  # devnets of earlier versions have none
        made = Made(str(data["chain"]), str(data["hub"]), None if rent is None else str(rent))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DevnetError(f"{path} cannot be read ({error}): remove the folder {folder} to begin anew") from None
    if made.chain not in (ANVIL, EMBEDDED):
        raise DevnetError(f"{path} names a kind of chain that there is not: {made.chain}")
    return made


def begin(folder: Path, chain: str, rents: bool = False) -> Made:
    """Make a devnet of an empty folder; its nodes ask for rent if it `rents`. Raises DevnetError when its path is too
    long, or others have things in it."""
    if len(chain_url(folder).encode()) >= MAX_PATH:
        raise DevnetError(f"{chain_url(folder)} is too long for a socket's path: choose a shorter folder")
    if any(path.name not in _PARTS and path.name[0] != "." for path in folder.iterdir()):
        raise DevnetError(f"{folder} has other things in it, and no {FILE}: choose another folder")
    for each in (chain_folder(folder), folder / "nodes"):
        each.mkdir(mode=0o700, exist_ok=True)
    return keep_made(folder, Made(chain, rent="" if rents else None))


def keep_made(folder: Path, made: Made) -> Made:
    _write(folder / FILE, json.dumps(asdict(made), indent=2) + "\n")
    return made


def make_node(folder: Path, number: int, hub: str, rent: str = "") -> None:
    """The folder of node `number`, with new keys and ports that are free now; `rent`: where it asks for rent, if so."""
    where = node_folder(folder, number)
    where.mkdir(mode=0o700, parents=True, exist_ok=True)
    password = secrets.token_urlsafe(32)
    if (where / PASSWORD).exists():  # made half when the computer stopped: the keys may be there
        password = (where / PASSWORD).read_text().splitlines()[0]
    else:
        _write(where / PASSWORD, f"{password}\n{_NOTE}")
    config = with_options(Config(where), "chain", url=chain_url(folder), hub=hub, poll_seconds=POLL_SECONDS)
    config = with_options(config, "log", file=LOG)
    config = with_options(config, "storage", rent=rent)
    make_folder(_with_ports(config), password, work=WORK)


def freed(folder: Path) -> Config:
    """The configuration of a node that does not run; with other ports, if others have taken its own meanwhile."""
    config = read_config(folder)
    if _free(config.endpoint.port) and _free(config.monitor.port):
        return config
    other = _with_ports(config)
    _write(folder / CONFIG, written(other))
    return other


def moved(folder: Path, config: Config, url: str) -> Config:
    """`config`, with the chain at `url`: the devnet's folder may have been moved."""
    if config.chain.url == url:
        return config
    other = replace(config, chain=replace(config.chain, url=url))
    _write(folder / CONFIG, written(other))
    return other


def _with_ports(config: Config) -> Config:
    """Two that are free, held until both are known so that they differ."""
    with _listener() as one, _listener() as other:
        ports = [int(each.getsockname()[1]) for each in (one, other)]
    config = with_options(config, "node", endpoint=f"127.0.0.1:{ports[0]}", password_file=PASSWORD)
    return with_options(config, "monitor", port=ports[1])


def _listener() -> socket.socket:
    """At a port of `PORTS`, if one is found: what the system gives to connections is soon another's, before the node
    has started or while it is away."""
    for _ in range(TRIES):
        try:
            return socket.create_server(("127.0.0.1", PORTS[secrets.randbelow(len(PORTS))]))
        except OSError:
            continue
    return socket.create_server(("127.0.0.1", 0))


def _free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def _write(path: Path, text: str) -> None:
    """Whole or not at all, and for its owner alone."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")  # 0600
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
