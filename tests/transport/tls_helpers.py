"""Meshes of TLS networks inside one process, and the sockets between them."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic
from typing import Any

from enigmalang.transport.doors import HOST
from enigmalang.transport.identity import ChannelKey, client_context, new_key, server_context
from enigmalang.transport.mesh import Listener, dial
from enigmalang.transport.tls import TlsNetwork

LONG = 30.0  # seconds; only a broken test waits that long


def together(*calls: Callable[[], Any]) -> list[Any]:
    """Results of calls that run at the same time, each in a thread."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(LONG * 2) for future in [pool.submit(call) for call in calls]]


@contextmanager
def mesh(
    n: int, timeout: float | None = LONG, ports: Callable[[int, int], int] | None = None
) -> Iterator[list[TlsNetwork]]:
    """`n` connected networks. `ports(peer, port)` may put something between a dialler and a listener."""
    keys = {k: new_key(f"node {k}") for k in range(1, n + 1)}
    listeners = {k: Listener() for k in keys}
    port = {k: ports(k, listener.port) if ports else listener.port for k, listener in listeners.items()}
    networks = together(*[lambda me=me: connect(me, keys, listeners[me], port, timeout) for me in keys])
    for listener in listeners.values():
        listener.close()
    try:
        yield networks
    finally:
        for network in networks:
            network.close()


def connect(
    me: int, keys: dict[int, ChannelKey], listener: Listener, ports: dict[int, int], timeout: float | None
) -> TlsNetwork:
    others = {k: key.certificate for k, key in keys.items() if k != me}
    deadline = monotonic() + LONG
    context = client_context(keys[me], others.values())
    accepting = server_context(keys[me], others.values())
    receivers, senders = together(
        lambda: listener.accept(accepting, others, deadline),
        lambda: {k: dial(ports[k], context, k, others[k], deadline) for k in others},
    )
    return TlsNetwork(me, len(keys), senders, receivers, timeout)


class RecordingProxy:
    """Forwards TCP connections to `port` and keeps every byte that passes towards it."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self.streams: list[bytearray] = []
        self._sockets: list[socket.socket] = [self._listener]
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def _start(self, target: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection((HOST, self._target))
            stream = bytearray()
            self.streams.append(stream)
            self._sockets += [near, far]
            self._start(self._copy, near, far, stream)
            self._start(self._copy, far, near, bytearray())

    def _copy(self, source: socket.socket, sink: socket.socket, record: bytearray) -> None:
        try:
            while data := source.recv(1 << 16):
                record += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def close(self) -> None:
        for sock in self._sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in self._threads:
            thread.join(LONG)
        for sock in self._sockets:
            sock.close()


def record_types(stream: bytes) -> list[int]:
    """The content types of the TLS records that `stream` consists of; -1 where it is no record."""
    kinds = []
    at = 0
    while at < len(stream):
        kind, major, length = stream[at], stream[at + 1], int.from_bytes(stream[at + 3 : at + 5], "big")
        kinds.append(kind if major == 3 and length <= (1 << 14) + 256 else -1)
        at += 5 + length
    return kinds
