"""How fast this machine's loopback is over the engine's own links, with as many parties at once as a run has.

The parties are processes in a ring, each sends to the next while it receives from the one before: the pattern, and the
number of bytes that each sends, are those of a product among three. They stay from one measurement to the next, so that
a short one fits before each run. `python -m enigmalang.cli.loopback PARTIES` is what `Ring` talks to: the first party,
which forks the others; "PIECES ROUNDS" on stdin measures once and writes a line of JSON.
"""

import json
import os
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from types import TracebackType

from enigmalang.transport.identity import ChannelKey, new_key
from enigmalang.transport.mesh import Listener, connect
from enigmalang.transport.network import PeerError
from enigmalang.transport.tls import TlsNetwork

#: Bytes of a frame: large enough for the links' best rate, small enough for the caches.
_PIECE = 1 << 18
#: Frames that all parties send together in one measurement, and small rounds: about 30 ms of each.
_PIECES, _ROUNDS = 72, 100
_REPEATS = 3
_WAIT = 30.0
_ORDER = struct.Struct("<2q")
_FOUND = struct.Struct("<2d")


@dataclass(frozen=True, slots=True)
class Loopback:
    """`bandwidth`: bytes a second that each party sends, all at once; `latency`: seconds a round of small messages."""

    parties: int
    bandwidth: float
    latency: float


class Ring:
    """So many parties, in processes of their own, which end with it. A context manager."""

    def __init__(self, parties: int) -> None:
        """Raises OSError when they do not come up."""
        self.parties = parties
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "enigmalang.cli.loopback", str(parties)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        )
        try:
            self._once(1, 10)  # connections are up, and caches are warm
        except OSError:
            self.close()
            raise

    def measure(self) -> Loopback:
        """The medians of three short measurements, a tenth of a second in all. Raises OSError."""
        found = [self._once(max(2, _PIECES // self.parties), _ROUNDS) for _ in range(_REPEATS)]
        return Loopback(self.parties, median(f[0] for f in found), median(f[1] for f in found))

    def _once(self, pieces: int, rounds: int) -> tuple[float, float]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{pieces} {rounds}\n")
        line = self._process.stdout.readline()
        if not line:
            raise OSError("the loopback could not be measured: a party has gone")
        bandwidth, latency = json.loads(line)
        return bandwidth, latency

    def close(self) -> None:
        self._process.communicate()  # its stdin ends, and so does it

    def __enter__(self) -> "Ring":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _Party:
    """One process of the ring, numbered from 1."""

    def __init__(self, me: int, keys: Sequence[ChannelKey], listeners: Sequence[Listener]) -> None:
        n = len(keys)
        members = {i: (listeners[i - 1].port, keys[i - 1].certificate) for i in range(1, n + 1) if i != me}
        links = connect(me, keys[me - 1], listeners[me - 1], members, time.monotonic() + _WAIT)
        self.network = TlsNetwork(me, n, *links, timeout=None)
        self._next, self._before = me % n + 1, (me - 2) % n + 1
        self._tag = 0

    def round(self, body: bytes) -> None:
        """Send so much, and receive as much."""
        self.send(body)
        self.receive(len(body))

    def send(self, body: bytes) -> None:
        self._tag += 1
        self.network.post(self._tag, {self._next: body})

    def receive(self, size: int) -> bytes:
        return self.network.fetch(self._tag, {self._before: size})[self._before]  # type: ignore[return-value]

    def pass_on(self, size: int) -> bytes:
        """What the one before sent, before this one sends its own."""
        self._tag += 1
        return bytes(self.network.fetch(self._tag, {self._before: size})[self._before])

    def forward(self, body: bytes) -> None:
        self.network.post(self._tag, {self._next: body})

    def seconds(self, pieces: int, rounds: int) -> tuple[float, float]:
        """Of so many large and so many small rounds; all parties start together."""
        small, large = bytes(16), bytes(_PIECE)
        self.round(small)
        begin = time.perf_counter()
        for _ in range(pieces):
            self.round(large)
        middle = time.perf_counter()
        self.round(small)
        again = time.perf_counter()
        for _ in range(rounds):
            self.round(small)
        return middle - begin, time.perf_counter() - again

    def follow(self) -> None:
        """Do what the first party says, until it says no more."""
        while True:
            order = self.pass_on(_ORDER.size)
            self.forward(order)
            pieces, rounds = _ORDER.unpack(order)
            if not pieces:
                return
            mine = self.seconds(pieces, rounds)
            before = _FOUND.unpack(self.pass_on(_FOUND.size))
            self.forward(_FOUND.pack(*map(max, mine, before)))

    def lead(self, pieces: int, rounds: int) -> tuple[float, float]:
        """The slowest party's seconds."""
        self.round(_ORDER.pack(pieces, rounds))
        mine = self.seconds(pieces, rounds)
        self.send(_FOUND.pack(*mine))
        large, small = _FOUND.unpack(self.receive(_FOUND.size))
        return large, small


def _fork(me: int, keys: Sequence[ChannelKey], listeners: Sequence[Listener]) -> None:
    if os.fork():  # no threads yet
        return
    status = 1
    try:
        _Party(me, keys, listeners).follow()
        status = 0
    except (PeerError, OSError) as error:
        os.write(2, f"loopback: {type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(status)


def main(arguments: Sequence[str]) -> int:
    """The first of `arguments[0]` parties."""
    n = int(arguments[0])
    keys, listeners = [new_key(f"loopback {me}") for me in range(1, n + 1)], [Listener() for _ in range(n)]
    for me in range(2, n + 1):
        _fork(me, keys, listeners)
    first = _Party(1, keys, listeners)
    for line in sys.stdin:
        pieces, rounds = map(int, line.split())
        large, small = first.lead(pieces, rounds)
        print(json.dumps([pieces * _PIECE / large, small / rounds]), flush=True)
    first.round(_ORDER.pack(0, 0))
    for _ in range(n - 1):
        os.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
