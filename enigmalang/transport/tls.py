"""The data plane: a `Network` over one-way TLS 1.3 links (protocols.md §9)."""

from collections.abc import Mapping

from enigmalang.transport.links import ReceiveLink, SendLink
from enigmalang.wire.frames import Buffer


class TlsNetwork:
    """Synchronous rounds over links to every other node. Owns the links; `close` ends them.

    Small frames cost no thread switch on either side: the caller writes them, and reads what it expects
    straight from the sockets. This cannot deadlock: take the party in the earliest round; everything from
    earlier rounds was read, but for the few rounds that a pipeline has under way (`mpc.pipeline`), so its small
    frames fit the kernel's buffers, and large ones are with the sender threads.

    `rounds` and `bytes_sent` count exchanges and bytes of frames; `waiting_for` is the peer that the running
    `exchange` waits for, 0 outside. Other threads may read these three.
    """

    def __init__(
        self,
        me: int,
        n: int,
        senders: Mapping[int, SendLink],
        receivers: Mapping[int, ReceiveLink],
        timeout: float | None = None,
    ) -> None:
        others = set(range(1, n + 1)) - {me}
        if senders.keys() != others or receivers.keys() != others:
            raise ValueError(f"node {me} of {n} needs one link each way with every other node")
        self.me = me
        self.n = n
        self.rounds = 0
        self.waiting_for = 0
        self._senders = dict(senders)
        self._receivers = dict(receivers)
        for sender in self._senders.values():
            sender.set_timeout(timeout)
        for receiver in self._receivers.values():
            receiver.set_timeout(timeout)

    @property
    def bytes_sent(self) -> int:
        return sum(link.bytes_sent for link in self._senders.values())

    def exchange(
        self, tag: int, sends: Mapping[int, Buffer], expects: Mapping[int, int]
    ) -> dict[int, memoryview | bytes]:
        """See `Network.exchange`. A peer is late when nothing of its frame arrives for the network's time-out
        (seconds; None waits for ever: then whoever owns the process decides)."""
        self.post(tag, sends)
        return self.fetch(tag, expects)

    def post(self, tag: int, sends: Mapping[int, Buffer]) -> None:
        """See `Network.post`."""
        for peer, body in sends.items():
            self._senders[peer].send(tag, body)

    def fetch(self, tag: int, expects: Mapping[int, int]) -> dict[int, memoryview | bytes]:
        """See `Network.fetch`."""
        received: dict[int, memoryview | bytes] = {}
        for peer, length in expects.items():
            self.waiting_for = peer
            received[peer] = self._receivers[peer].receive(tag, length)
        self.waiting_for = 0
        self.rounds += 1
        return received

    def flush(self) -> None:
        """See `Network.flush`."""
        for peer, sender in self._senders.items():
            self.waiting_for = peer
            sender.flush()
        self.waiting_for = 0

    def wake(self) -> None:
        """Make whoever sends or waits for a frame raise PeerError. Any thread may call it; `close` is still due."""
        for receiver in self._receivers.values():
            receiver.wake()
        for sender in self._senders.values():
            sender.close()

    def close(self) -> None:
        for receiver in self._receivers.values():
            receiver.close()
        for sender in self._senders.values():
            sender.close()

    def __enter__(self) -> "TlsNetwork":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
