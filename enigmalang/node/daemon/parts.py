"""What a node does is done by its parts: each is started when the node is registered and connected, and stopped in the
opposite order. This is all that the daemon and its parts know of each other.

Messages between nodes, and those of clients, begin with a byte that says whose they are: a part's `topic`.
"""

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from enigmalang.chain.client import Chain
from enigmalang.chain.hub import Hub
from enigmalang.node.daemon.config import Config
from enigmalang.node.daemon.keys import NodeKeys
from enigmalang.node.daemon.log import Log
from enigmalang.node.daemon.metrics import Metrics
from enigmalang.node.daemon.registry import HubRegistry
from enigmalang.transport.identity import ChannelKey
from enigmalang.transport.links import ReceiveLink, SendLink
from enigmalang.transport.peering.errors import Refusal
from enigmalang.transport.tls import TlsNetwork

Json = Any


class Channels(Protocol):
    """The connections with other nodes: `transport.peering.peering.Peering`, which says more of each."""

    port: int

    def ask(self, peer: str, body: bytes, seconds: float) -> bytes: ...

    def link(self, peer: str, room: bytes, deadline: float, number: int = 0) -> SendLink: ...

    def meet(self, room: bytes, peers: Collection[str] | Mapping[str, int], deadline: float
             ) -> dict[str, ReceiveLink]: ...

    def network(self, room: bytes, seats: Sequence[str], deadline: float, timeout: float | None = None
                ) -> TlsNetwork: ...

    def rekey(self, key: ChannelKey) -> None: ...

    def refresh(self) -> None: ...

    def traffic(self) -> Mapping[str, tuple[int, int]]: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a part has to work with. `chain` and `hub` are the parts' own connection: it lasts until all have stopped.

    `keys.channel` is the channel key of the start: `peering` has those that came later. `folder`: the node's data
    folder, of which a part uses what bears its name. `stop` is set when the node has begun to stop: a part that waits,
    waits for this too.
    """

    config: Config
    keys: NodeKeys
    chain: Chain
    hub: Hub
    registry: HubRegistry
    peering: Channels
    folder: Path
    log: Log
    metrics: Metrics
    stop: threading.Event


class Part(Protocol):
    """One thing that a node does. All methods but `start` and `stop` may be called from any thread, while it is
    started."""

    name: str
    #: 1 to 255, its own.
    topic: int

    def start(self, around: Surroundings) -> None:
        """Begin; returns when it has begun, and holds nothing when it raises. Raises ChainError, after which it is
        called again, OSError and StateError, which end the node."""
        ...

    def stop(self, seconds: float) -> None:
        """Finish what is under way, or hand it back, within so many seconds; then let go of everything."""
        ...

    def answer(self, peer: str, body: memoryview) -> bytes:
        """A request of the node with the address `peer`. Raises Refusal."""
        ...

    def serve(self, body: memoryview) -> bytes:
        """A request of a client, of whom nothing is known. Raises Refusal."""
        ...

    def status(self) -> Mapping[str, Json]:
        """What it is doing, for `enig node status`: "text" and "jobs" (a list of texts) are shown to people, and all of
        it to programs."""
        ...

    def metrics(self, metrics: Metrics) -> None:
        """Set numbers (declared in `start`) that are about to be read."""
        ...

    def trouble(self) -> str:
        """Why it cannot do its work now, for /health; empty when it can."""
        ...


class Router:
    """Hands requests to parts by their first byte. `add` and `remove` may be called while requests come."""

    def __init__(self) -> None:
        self._parts: dict[int, Part] = {}

    def add(self, part: Part) -> None:
        """From now on `part` gets its requests. ValueError when its topic is another's, or none."""
        if not 0 < part.topic < 256 or part.topic in self._parts:
            raise ValueError(f"{part.name} cannot have the topic {part.topic}")
        self._parts = {**self._parts, part.topic: part}

    def remove(self, part: Part) -> None:
        """It gets none any more."""
        self._parts = {topic: each for topic, each in self._parts.items() if each is not part}

    def answer(self, peer: str, body: memoryview) -> bytes:
        """See `Part.answer`."""
        return self._of(body).answer(peer, body[1:])

    def serve(self, body: memoryview) -> bytes:
        """See `Part.serve`."""
        return self._of(body).serve(body[1:])

    def _of(self, body: memoryview) -> Part:
        if not body:
            raise Refusal("an empty request")
        part = self._parts.get(body[0])
        if part is None:
            raise Refusal(f"nobody here answers requests about {body[0]}")
        return part
