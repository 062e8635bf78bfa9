"""Where a node sits: in its cluster, and in a committee of the hub."""

from collections.abc import Callable
from dataclasses import dataclass

from enigmalang.chain.hub import Hub
from enigmalang.ethereum.keys import SigningKey


@dataclass(frozen=True, slots=True)
class Peers:
    """Who this node is in its cluster: its number, all nodes' TLS fingerprints in order, and what was agreed."""

    me: int
    threshold: int
    field: str
    fingerprints: tuple[bytes, ...]


def _not_held(contract: str) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Seat:
    """A node's place in a committee that is formed: number and members (addresses, in order) on the hub, and the key it
    signs with. `depth`: blocks that must follow one before this node takes it for final. `held`: why no job of a
    contract is begun at this time; empty when it may.
    """

    hub: Hub
    key: SigningKey
    committee: int
    members: tuple[str, ...]
    depth: int = 0
    held: Callable[[str], str] = _not_held
