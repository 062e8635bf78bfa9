"""Setting up one-way links between members 0..n of a run (0 is the coordinator, the others are nodes).

Whoever sends, dials. The accepting end greets first, so that a dialler whose certificate was refused learns
it before it writes anything (in TLS 1.3 the client is through with the handshake before the server looked
at its certificate). Everything is on one machine (`transport.doors`), on ports that the system chooses.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue
from time import monotonic

from enigmalang.transport.channel import Channel, Ended
from enigmalang.transport.doors import MAX_CONNECTIONS, Doors, knock
from enigmalang.transport.identity import ChannelKey, client_context, server_context
from enigmalang.transport.links import ReceiveLink, SendLink
from enigmalang.transport.network import PeerError
from enigmalang.wire.frames import MAX_DATA_BYTES, frame

GREETING = frame(0, b"enigmalang/1")


class Listener:
    """A listening socket; `accept` turns the connections of the awaited members into receiving links."""

    def __init__(self) -> None:
        self._doors = Doors()
        self.port: int = self._doors.port

    def accept(
        self,
        context: ssl.SSLContext,
        members: Mapping[int, bytes],
        deadline: float,
        limit: int = MAX_DATA_BYTES,
    ) -> dict[int, ReceiveLink]:
        """One link from each of `members` (number → certificate). A stranger is turned away and changes
        nothing.

        `deadline` is on the monotonic clock. Raises PeerError naming a member that did not come in time.
        """
        return _Reception(self._doors, context, members, deadline, limit).run()

    def close(self) -> None:
        self._doors.close()


class _Reception:
    # Handshakes run in threads of their own: a stranger that connects and says nothing holds up nobody.

    def __init__(
        self,
        doors: Doors,
        context: ssl.SSLContext,
        members: Mapping[int, bytes],
        deadline: float,
        limit: int,
    ) -> None:
        self._doors = doors
        self._context = context
        self._numbers = {certificate: number for number, certificate in members.items()}
        self._deadline = deadline
        self._limit = limit
        self._arrived: SimpleQueue[tuple[int, Channel]] = SimpleQueue()
        self._links: dict[int, ReceiveLink] = {}
        self._kept: set[Channel] = set()
        self._pending: list[tuple[threading.Thread, Channel]] = []

    def run(self) -> dict[int, ReceiveLink]:
        try:
            while missing := set(self._numbers.values()) - self._links.keys():
                if monotonic() >= self._deadline or len(self._pending) >= MAX_CONNECTIONS:
                    raise PeerError(min(missing), "did not connect in time")
                self._take_connections()
                self._take_arrivals()
        except BaseException:
            for link in self._links.values():
                link.close()
            raise
        finally:
            self._dismiss()
        return self._links

    def _take_connections(self) -> None:
        # Short waits: arrivals of earlier connections must be seen too.
        for plain in self._doors.accept(0.002 if self._pending else max(0.001, self._deadline - monotonic())):
            self._look_at(plain)

    def _look_at(self, plain: socket.socket) -> None:
        plain.settimeout(max(0.001, self._deadline - monotonic()))
        try:
            channel = Channel(plain, self._context, server_side=True)
        except OSError:
            plain.close()  # gone already
            return
        thread = threading.Thread(target=self._greet, args=(channel,), name="greet", daemon=True)
        self._pending.append((thread, channel))
        thread.start()

    def _greet(self, channel: Channel) -> None:
        try:
            channel.handshake()
            number = self._numbers.get(channel.certificate())
            if number is None:
                raise ssl.SSLError("not a member's certificate")
            channel.send(GREETING)
        except OSError:
            channel.close()  # a stranger, or a member that gave up; whom we miss is named at the deadline
            return
        self._arrived.put((number, channel))

    def _take_arrivals(self) -> None:
        while True:
            try:
                number, channel = self._arrived.get_nowait()
            except Empty:
                return
            if number in self._links:
                channel.close()  # a member dials once; the first connection counts
                continue
            channel.set_timeout(None)
            self._kept.add(channel)
            self._links[number] = ReceiveLink(number, channel, self._limit)

    def _dismiss(self) -> None:
        for thread, channel in self._pending:
            if channel not in self._kept:
                channel.shut()
            thread.join()
            if channel not in self._kept:
                channel.close()


def dial(
    port: int,
    context: ssl.SSLContext,
    peer: int,
    certificate: bytes,
    deadline: float,
    limit: int = MAX_DATA_BYTES,
) -> SendLink:
    """The sending link to member `peer`, who must hold the key of `certificate`.

    `deadline` is on the monotonic clock. Raises PeerError: unreachable, another key, or it refused ours.
    """
    sock: socket.socket | None = None
    try:
        sock = knock(port, deadline)
        channel = Channel(sock, context, server_side=False)
        channel.handshake()
        if channel.certificate() != certificate:
            raise PeerError(peer, "showed a certificate that is not the registered one")
        _await_greeting(channel, peer)
        channel.set_timeout(None)
        return SendLink(peer, channel, limit)
    except PeerError:
        assert sock is not None
        sock.close()
        raise
    except OSError as error:
        if sock is not None:
            sock.close()
        raise PeerError(peer, f"no connection ({cause(error)})") from None


def connect(
    me: int,
    key: ChannelKey,
    listener: Listener,
    members: Mapping[int, tuple[int, bytes]],
    deadline: float,
) -> tuple[dict[int, SendLink], dict[int, ReceiveLink]]:
    """Sending and receiving links with `members` (number → port, certificate), dialled and accepted at once.

    `deadline` is on the monotonic clock. Raises PeerError naming the member that could not be reached.
    """
    certificates = {number: certificate for number, (_, certificate) in members.items()}
    reception = _Task(
        lambda: listener.accept(server_context(key, certificates.values()), certificates, deadline)
    )
    senders: dict[int, SendLink] = {}
    try:
        context = client_context(key, certificates.values())
        for number, (port, certificate) in members.items():
            senders[number] = dial(port, context, number, certificate, deadline)
        return senders, reception.result()
    except PeerError:
        for sender in senders.values():
            sender.close()
        listener.close()
        reception.join()
        for receiver in reception.links.values():
            receiver.close()
        raise


class _Task(threading.Thread):
    # A reception in a thread of its own; `result` joins it and raises what it raised.

    def __init__(self, call: Callable[[], dict[int, ReceiveLink]]) -> None:
        super().__init__(name="accept", daemon=True)
        self.links: dict[int, ReceiveLink] = {}
        self._call = call
        self._error: PeerError | OSError | None = None
        self.start()

    def run(self) -> None:
        try:
            self.links = self._call()
        except (PeerError, OSError) as error:  # OSError: the listener was closed
            self._error = error

    def result(self) -> dict[int, ReceiveLink]:
        self.join()
        if self._error is not None:
            raise self._error
        return self.links


def _await_greeting(channel: Channel, peer: int) -> None:
    received = memoryview(bytearray(len(GREETING)))
    try:
        channel.fill(received, 0, len(received))
    except Ended:
        raise PeerError(peer, "closed the connection before it greeted") from None
    if received != GREETING:
        raise PeerError(peer, "greets as another version")


def cause(error: OSError) -> str:
    """Why a connection did not come about, or ended, in a few words."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLError):
        return error.reason or "TLS failed"
    return error.strerror or "connection lost"
