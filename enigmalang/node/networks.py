"""Networks that are up on this machine: the records that `enig chain up` keeps while it runs, and clients read."""

import contextlib
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from enigmalang.identity.files import home


@dataclass(frozen=True, slots=True)
class Network:
    """A chain with a hub, and the committee whose service answers at `socket` (a Unix socket's path).

    `url` is where the chain itself is reached; `nodes` are the members' addresses, in the order of their numbers.
    Where each node is on its own, committees are drawn when they are needed: `committee` is 0, and nothing is said of
    socket, threshold and field.
    """

    chain: int
    url: str
    hub: str
    committee: int
    socket: str
    nodes: tuple[str, ...]
    threshold: int
    field: str

    @property
    def drawn(self) -> bool:
        return self.committee == 0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class BadRecord(Exception):
    """What should be a network's record is none; the text is for the user."""


def folder() -> Path:
    return home() / "networks"


def record_path(chain: int) -> Path:
    """Where the record of the network on chain `chain` lies."""
    return folder() / f"{chain}.json"


def read_network(data: Any) -> Network:
    """A network from JSON. Raises BadRecord; what else a later version may say of it is passed over."""
    try:
        return Network(
            int(data["chain"]), str(data["url"]), str(data["hub"]).lower(), int(data["committee"]),
            str(data["socket"]), tuple(str(node).lower() for node in data["nodes"]), int(data["threshold"]),
            str(data["field"]))
    except (TypeError, KeyError, ValueError) as error:
        raise BadRecord(f"not the description of a network ({type(error).__name__}: {error})") from None


def record_of(chain: int) -> Network | None:
    """The network on chain `chain` that is up, or whose operator was killed; None for a record that cannot be read."""
    with contextlib.suppress(OSError, ValueError, BadRecord):
        return read_network(json.loads(record_path(chain).read_text("utf-8")))
    return None


def records() -> list[Network]:
    """The networks that are up, or whose operator was killed. Raises BadRecord."""
    found = []
    for path in sorted(folder().glob("*.json")):
        try:
            found.append(read_network(json.loads(path.read_text("utf-8"))))
        except FileNotFoundError:
            continue  # ended just now
        except (OSError, ValueError, BadRecord) as error:
            raise BadRecord(f"{path}: {error}") from None
    return found


def keep_record(network: Network) -> Path:
    """Write the record, whole or not at all, for its owner alone."""
    path = record_path(network.chain)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(network.to_json(), file, indent=2)
        file.write("\n")
    os.replace(temporary, path)
    return path


def drop_record(network: Network) -> None:
    """Take the record away, unless another network has taken its place."""
    path = record_path(network.chain)
    with contextlib.suppress(OSError, ValueError, BadRecord):
        if read_network(json.loads(path.read_text("utf-8"))).socket == network.socket:
            path.unlink()
