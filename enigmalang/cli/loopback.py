"""How fast this machine's loopback is over TLS 1.3 with as many parties at once as a run has.

`python -m enigmalang.cli.loopback PARTIES BYTES` measures and prints one line of JSON. The parties are processes in a
ring, each sends to the next while it receives from the one before: the pattern, and the number of bytes that each
sends, are those of a product among three. Plain blocking sockets and nothing of the engine: this is the floor.
"""

import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from enigmalang.transport.identity import new_key

#: Bytes per write: TLS cuts them into records of 16 KiB.
_PIECE = 1 << 18
_SMALL = 16
_ROUNDS = 200
_WAIT = 30.0


@dataclass(frozen=True, slots=True)
class Loopback:
    """`bandwidth`: bytes a second that each party sends, all at once; `latency`: seconds a round of small messages."""

    parties: int
    bandwidth: float
    latency: float


def measure_loopback(parties: int, size: int = 32 << 20) -> Loopback:
    """Measure in processes of their own, which are gone afterwards. About a second. Raises OSError when it fails."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "enigmalang.cli.loopback", str(parties), str(size)],
        capture_output=True, text=True, timeout=4 * _WAIT, check=False,
    )
    if done.returncode != 0:
        raise OSError(f"the loopback could not be measured: {done.stderr.strip()[-300:]}")
    found = json.loads(done.stdout)
    return Loopback(parties, found["bandwidth"], found["latency"])


class _Party:
    """One process of the ring; `me` listens at `listeners[me]`."""

    def __init__(self, me: int, listeners: list[socket.socket], key: str) -> None:
        following = (me + 1) % len(listeners)
        accepting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        accepting.load_cert_chain(key)
        dialling = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        dialling.check_hostname = False
        dialling.load_verify_locations(key)
        for context in (accepting, dialling):
            context.minimum_version = ssl.TLSVersion.TLSv1_3
        thread = threading.Thread(target=self._dial, args=(listeners[following].getsockname(), dialling))
        thread.start()
        accepted, _ = listeners[me].accept()
        self.before = accepting.wrap_socket(_set(accepted), server_side=True)
        thread.join()

    def _dial(self, address: tuple[str, int], context: ssl.SSLContext) -> None:
        self.next = context.wrap_socket(_set(socket.create_connection(address, _WAIT)))

    def receive(self, size: int) -> None:
        buffer = memoryview(bytearray(min(size, _PIECE)))
        while size:
            got = self.before.recv_into(buffer[: min(size, len(buffer))])
            if not got:
                raise ConnectionError("a party has gone")
            size -= got

    def send(self, size: int) -> None:
        piece = bytes(_PIECE)
        for start in range(0, size, _PIECE):
            self.next.sendall(piece[: size - start] if size - start < _PIECE else piece)

    def seconds(self, size: int) -> float:
        """To send and receive so much; all start together."""
        self.round()
        begin = time.perf_counter()
        sender = threading.Thread(target=self.send, args=(size,))
        sender.start()
        self.receive(size)
        sender.join()
        return time.perf_counter() - begin

    def round(self) -> None:
        self.send(_SMALL)
        self.receive(_SMALL)

    def latency(self) -> float:
        begin = time.perf_counter()
        for _ in range(_ROUNDS):
            self.round()
        return (time.perf_counter() - begin) / _ROUNDS


def _set(connection: socket.socket) -> socket.socket:
    connection.settimeout(_WAIT)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _run(me: int, listeners: list[socket.socket], key: str, size: int, out: int) -> None:
    party = _Party(me, listeners, key)
    party.seconds(size // 8)
    took = min(party.seconds(size) for _ in range(3))
    found = json.dumps({"bandwidth": size / took, "latency": party.latency()})
    os.write(out, found.encode() + b"\n")


def main(arguments: list[str]) -> int:
    """Measure among `arguments[0]` parties with `arguments[1]` bytes each."""
    parties, size = map(int, arguments)
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(parties)]
    read, write = os.pipe()
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder, "key")
        key.write_bytes(new_key("loopback").pem)
        children = []
        for me in range(parties):
            child = os.fork()  # no threads yet
            if child == 0:
                status = 1
                try:
                    _run(me, listeners, str(key), size, write)
                    status = 0
                except OSError as error:
                    os.write(2, f"{type(error).__name__}: {error}\n".encode())
                finally:
                    os._exit(status)
            children.append(child)
        os.close(write)
        failed = [os.waitpid(child, 0)[1] for child in children]
    if any(failed):
        return 1
    with os.fdopen(read) as lines:
        found = [json.loads(line) for line in lines]
    print(json.dumps({name: (min if name == "bandwidth" else max)(f[name] for f in found) for name in found[0]}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
