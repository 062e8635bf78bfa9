"""Where members of a run meet on their machine: a TCP port of the loopback interface, and on Linux a socket beside it.

The socket is a Unix one with a name in the abstract namespace, made of the port. Its frames pass no TCP: a small one
costs a third of the system's work, and nothing is acknowledged. What travels is the same TLS either way. Anybody on the
machine may take such a name, so it is only used where a process of the same user listens; else the port is.
"""

import os
import select
import socket
import struct
import sys
from contextlib import suppress
from time import monotonic

HOST = "127.0.0.1"
#: Set to 1 in the coordinator's environment, members meet at ports only.
SWITCH = "ENIGMALANG_TCP"
#: Strangers may connect too; this many connections are looked at in one set-up.
MAX_CONNECTIONS = 64
#: What may be under way on a link: as much as TCP comes to use. Where the system grants less than ENOUGH_BYTES, large
#: frames go faster over TCP.
BUFFER_BYTES, ENOUGH_BYTES = 4 << 20, 3 << 17
_CREDENTIALS = struct.Struct("3i")  # struct ucred: process, user, group


class Doors:
    """The listening sockets; `port` stands for all of them."""

    def __init__(self) -> None:
        ports = socket.create_server((HOST, 0), backlog=MAX_CONNECTIONS)
        self.port: int = ports.getsockname()[1]
        self._all = [ports]
        beside = _listening(self.port)
        if beside is not None:
            self._all.append(beside)
        self._poll = select.poll()
        for door in self._all:
            door.setblocking(False)
            self._poll.register(door, select.POLLIN)

    def accept(self, seconds: float) -> list[socket.socket]:
        """Who knocked, after waiting so long for the first. Raises OSError once the doors are closed."""
        arrived = []
        if self._poll.poll(1000 * seconds):
            for door in self._all:
                with suppress(BlockingIOError):  # not at this one, or gone already
                    arrived.append(door.accept()[0])
        for plain in arrived:
            _hurried(plain)
        return arrived

    def close(self) -> None:
        for door in self._all:
            door.close()


def knock(port: int, deadline: float) -> socket.socket:
    """A connection to the doors at `port`; its time-out is what is left until `deadline`, on the monotonic clock.

    Raises OSError.
    """
    return _beside(port, deadline) or _hurried(socket.create_connection((HOST, port), timeout=_left(deadline)))


def _listening(port: int) -> socket.socket | None:
    name = _name(port)
    if name is None:
        return None
    door = socket.socket(socket.AF_UNIX)
    try:
        door.bind(name)
        door.listen(MAX_CONNECTIONS)
    except OSError:  # somebody has the name
        door.close()
        return None
    return door


def _beside(port: int, deadline: float) -> socket.socket | None:
    """A connection that passes no TCP, if a process of ours listens for one."""
    name = _name(port)
    if name is None:
        return None
    plain = socket.socket(socket.AF_UNIX)
    try:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        if plain.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) >= ENOUGH_BYTES:
            plain.settimeout(_left(deadline))
            plain.connect(name)
            if _listener_of(plain) == os.geteuid():
                return plain
    except OSError:  # nobody listens
        pass
    plain.close()
    return None


def _listener_of(plain: socket.socket) -> int:
    """The user whose process listened for this connection. Raises OSError."""
    if sys.platform != "linux":
        return -1
    told = plain.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(told)[1])


def _name(port: int) -> str | None:
    if sys.platform != "linux" or os.environ.get(SWITCH) == "1":
        return None
    return f"\0enigmalang/{port}"


def _hurried(plain: socket.socket) -> socket.socket:
    if plain.family != socket.AF_UNIX:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return plain


def _left(deadline: float) -> float:
    return max(0.001, deadline - monotonic())
