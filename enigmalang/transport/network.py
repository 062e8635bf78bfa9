"""The network port: what a protocol needs from the channels between the parties.

Protocols see one object with two numbers and one method. The in-memory twin, the TLS transport and the faulty
twin all implement it, so a protocol is written and tested once.
"""

from collections.abc import Mapping
from typing import Protocol


class PeerError(Exception):
    """A peer broke the protocol or is gone; `peer` is its number (1..n), `reason` says what was wrong."""

    def __init__(self, peer: int, reason: str) -> None:
        super().__init__(f"node {peer}: {reason}")
        self.peer = peer
        self.reason = reason


class Network(Protocol):
    """Synchronous rounds between parties 1..n over authenticated private channels."""

    me: int
    n: int

    def exchange(
        self,
        tag: int,
        sends: Mapping[int, bytes | bytearray | memoryview],
        expects: Mapping[int, int],
    ) -> dict[int, memoryview | bytes]:
        """Send one frame to each peer in `sends`, then return one frame from each peer in `expects`.

        `tag` numbers the round (the same at every party, below 2^64, never used twice in a session);
        `expects` maps a peer to the exact number of bytes its frame must have. A frame handed to `exchange`
        must not be changed afterwards. Raises PeerError when a peer is gone, late, or its frame has another
        tag or length.
        """
        ...

    def post(self, tag: int, sends: Mapping[int, bytes | bytearray | memoryview]) -> None:
        """The first half of an `exchange`: what can be done meanwhile need not wait for the peers."""
        ...

    def fetch(self, tag: int, expects: Mapping[int, int]) -> dict[int, memoryview | bytes]:
        """The second half of an `exchange`."""
        ...

    def flush(self) -> None:
        """Wait until no frame that was posted is held here any more: for who needs their memory.

        Only when all that was posted to this party is fetched, or two who wait do so for each other. Raises PeerError.
        """
        ...
