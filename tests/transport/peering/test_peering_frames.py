"""Peers that are known and break the protocol of requests, from either end."""

import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from enigmalang.transport.identity import server_context
from enigmalang.transport.peering.errors import PeerUnreachable
from enigmalang.transport.peering.events import Kind
from enigmalang.transport.peering.handshake import WELCOME, call
from enigmalang.transport.peering.limits import Limits
from enigmalang.transport.peering.prelude import NO_ROOM, Purpose, Reply, proof, read_opening
from enigmalang.transport.peering.timed import TimedChannel, read_exactly, tune
from enigmalang.wire.frames import HEADER, HEADER_BYTES, frame, parse_header
from tests.transport.peering.peering_helpers import LIMITS, LONG, Book, Ghost, Town, soon, town
from tests.transport.tls_helpers import RecordingProxy, together

QUICK = replace(LIMITS, frame_bytes=1 << 22, frame_seconds=0.1)


def _raw(nodes: Town) -> TimedChannel:
    """A connection of ann's for requests to bob, which a test speaks on as it likes."""
    ann, bob = nodes["ann"], nodes["bob"]
    return call(bob.contact, ann.key, Purpose.CONTROL, NO_ROOM, LIMITS, soon())


def _next(channel: TimedChannel) -> tuple[int, bytes]:
    channel.until(soon())
    length, tag = parse_header(channel.take(HEADER_BYTES))
    return tag, bytes(channel.take(length))


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (HEADER.pack(1001, 0), "frame announces 1001 bytes, over the limit of 1000 bytes"),
        (HEADER.pack(1 << 63, 0), f"frame announces {1 << 63} bytes, over the limit of 1000 bytes"),
        (frame(4, b"out of order"), "request with tag 4, expected tag 0"),
        (frame(1, b"an answer"), "request with tag 1, expected tag 0"),
    ],
    ids=["large", "huge", "out of order", "an answer"],
)
def test_a_frame_that_may_not_be_is_refused_and_the_connection_ends(sent: bytes, reason: str) -> None:
    with town(["ann", "bob"], limits=replace(LIMITS, frame_bytes=1000)) as nodes:
        channel = _raw(nodes)
        channel.send(sent)
        tag, told = _next(channel)
        assert told.decode() == reason
        assert tag % 4 == 2
        with pytest.raises(OSError, match="closed the connection"):
            channel.take(1)
        channel.close()
        nodes["bob"].ear.wait(Kind.LOST, reason, peer="ann")
        assert nodes["ann"].peering.ask("bob", b"on", LONG) == b"ann:on"


def test_a_frame_that_is_sent_twice() -> None:
    with town(["ann", "bob"]) as nodes:
        channel = _raw(nodes)
        channel.send(frame(0, b"once") + frame(0, b"once"))
        assert _next(channel) == (0, b"ann:once")
        assert _next(channel) == (6, b"request with tag 0, expected tag 4")
        channel.close()


def test_a_frame_that_breaks_off() -> None:
    with town(["ann", "bob"]) as nodes:
        for part in (1, HEADER_BYTES - 1, HEADER_BYTES, HEADER_BYTES + 5):
            channel = _raw(nodes)
            channel.send(frame(0, b"ten bytes.")[:part])
            channel.shut()
            channel.close()
        nodes["bob"].ear.wait(Kind.LOST, "closed the connection", peer="ann", times=4)


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        (0, "idle for too long"),
        (1, "idle for too long"),
        (HEADER_BYTES, "late in the middle of a request"),
        (HEADER_BYTES + 5, "late in the middle of a request"),
    ],
)
def test_a_frame_that_does_not_go_on(part: int, reason: str) -> None:
    limits = QUICK if part >= HEADER_BYTES else replace(LIMITS, idle_seconds=0.1)
    with town(["ann", "bob"], limits=limits) as nodes:
        channel = _raw(nodes)
        channel.send(frame(0, b"ten bytes.")[:part])
        nodes["bob"].ear.wait(Kind.LOST, reason, peer="ann")
        channel.close()


def test_a_frame_that_comes_byte_by_byte_is_not_waited_for_longer() -> None:
    with town(["ann", "bob"], limits=QUICK) as nodes:
        channel = _raw(nodes)
        channel.send(HEADER.pack(1 << 22, 0))
        with pytest.raises(OSError, match=r".*"):
            while not nodes["bob"].ear.has(Kind.LOST, "late in the middle of a request"):
                channel.send(b"x")  # each one is in time
            channel.take(1)
        channel.close()
        nodes["bob"].ear.wait(Kind.LOST, "late in the middle of a request", peer="ann")


def test_garbage_in_the_middle_of_tls() -> None:
    with town(["ann", "bob"]) as nodes:
        channel = _raw(nodes)
        channel._sock.sendall(bytes(100))
        nodes["bob"].ear.wait(Kind.LOST, "broke off", peer="ann")
        channel.close()


def _peer(nodes: Town, book: Book, act: Callable[[TimedChannel], object]) -> Ghost:
    """In bob's place: greets ann, and then does as the test says."""
    ann, bob = nodes["ann"], nodes["bob"]

    def answer(plain: socket.socket) -> None:
        opening = read_opening(lambda count: read_exactly(plain, count, soon()))
        reply = Reply(bob.key.certificate)
        plain.sendall(reply.encode())
        channel = TimedChannel(plain, server_context(bob.key, [ann.key.certificate]), True, soon())
        channel.handshake()
        _next(channel)
        channel.send(frame(WELCOME, proof("answer", opening, reply)))
        act(channel)

    ghost = Ghost(answer)
    book.register("bob", ghost.port, bob.key)
    return ghost


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (frame(4, b"another answer"), "broke the protocol: answer with tag 4 to the request with tag 0"),
        (HEADER.pack(1 << 40, 0), "broke the protocol: frame announces"),
        (HEADER.pack(201, 1) + bytes(201), "broke the protocol: answer with tag 1"),
        (frame(0, b"ten bytes.")[:20], "closed the connection"),
        (b"", "closed the connection"),
    ],
    ids=["other tag", "huge", "long reason", "cut", "none"],
)
def test_an_answer_that_may_not_be(answer: bytes, reason: str) -> None:
    def act(channel: TimedChannel) -> None:
        _next(channel)
        channel.send(answer)
        channel.shut()

    book = Book()
    with town(["ann", "bob"], book) as nodes, _peer(nodes, book, act), pytest.raises(PeerUnreachable, match=reason):
        nodes["ann"].peering.ask("bob", b"?", LONG)


def test_an_answer_nobody_asked_for_ends_the_connection() -> None:
    def act(channel: TimedChannel) -> None:
        _next(channel)
        channel.send(frame(0, b"first") + frame(4, b"second"))
        with pytest.raises(OSError, match="closed the connection"):
            channel.take(1)

    book = Book()
    with town(["ann", "bob"], book) as nodes, _peer(nodes, book, act):
        assert nodes["ann"].peering.ask("bob", b"?", LONG) == b"first"
        assert nodes["ann"].peering.ask("bob", b"?", LONG) == b"first"  # on a new connection


class _Freezer(RecordingProxy):
    """Stops to carry bytes when told so, and keeps its connections: as a network that is cut in two."""

    frozen = False

    def _copy(self, source: socket.socket, sink: socket.socket, record: bytearray) -> None:
        while data := source.recv(1 << 16):
            record += data
            if not self.frozen:
                sink.sendall(data)


def test_a_peer_behind_a_cut_cable() -> None:
    with town(["ann", "bob"], book := Book()) as nodes:
        proxy = _Freezer(nodes["bob"].peering.port)
        book.register("bob", proxy.port, nodes["bob"].key)
        ask = nodes["ann"].peering.ask
        assert ask("bob", b"1", LONG) == b"ann:1"
        proxy.frozen = True
        with pytest.raises(PeerUnreachable, match="bob: no answer in time"):
            ask("bob", b"2", 0.1)  # on the kept connection
        with pytest.raises(PeerUnreachable, match=r"bob: no connection \(no answer in time\)"):
            ask("bob", b"3", 0.1)  # on a new one
        proxy.frozen = False
        assert ask("bob", b"4", LONG) == b"ann:4"
        nodes["ann"].peering.close()
        proxy.close()


def test_one_dead_connection_speaks_for_those_that_are_idle() -> None:
    barrier = threading.Barrier(3)

    def answer(peer: str, body: memoryview) -> bytes:
        barrier.wait(LONG)
        return b""

    with town(["ann", "bob"], book := Book(), answer=answer) as nodes:
        ann, bob = nodes.values()
        proxy = _Freezer(bob.peering.port)
        book.register("bob", proxy.port, bob.key)
        together(*[lambda: ann.peering.ask("bob", b"together", LONG)] * 3)
        assert ann.ear.count(Kind.CONNECTED, peer="bob") == 3
        proxy.frozen = True
        with pytest.raises(PeerUnreachable, match="bob: no answer in time"):
            ann.peering.ask("bob", b"", 0.1)
        assert ann.ear.count(Kind.LOST, peer="bob") == 3
        ann.peering.close()
        proxy.close()


def test_machines_that_vanish_are_looked_for() -> None:
    """A machine without power says nothing; the system asks after it. Both ends are set up by `tune`."""
    with socket.socket() as plain:
        tune(plain, Limits(dead_seconds=9))
        assert plain.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if sys.platform == "linux":
            tcp = [socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT]
            values = [plain.getsockopt(socket.IPPROTO_TCP, option) for option in tcp]
            assert values == [3, 1, 4, 9000]
