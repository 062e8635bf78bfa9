"""Requests between peers and from clients: answers, refusals, and many at once."""

import ctypes
import gc
import socket
import threading
import tracemalloc
from contextlib import ExitStack
from time import monotonic

import pytest

from enigmalang.transport.peering.client import ClientConnection
from enigmalang.transport.peering.contacts import Contact
from enigmalang.transport.peering.errors import PeerRefused, PeerUnreachable, Refusal
from enigmalang.transport.peering.events import Kind
from enigmalang.transport.peering.limits import Limits
from enigmalang.transport.peering.peering import Peering
from enigmalang.wire.errors import WireError
from tests.transport.peering.peering_helpers import HOST, LIMITS, LONG, Book, Ghost, echo, serve, town
from tests.transport.tls_helpers import together


def test_peers_answer_each_other_over_kept_connections() -> None:
    with town(["ann", "bob"]) as nodes:
        for size in (0, 1, 1000, (1 << 14) - 16, 1 << 14, 300_000):
            body = bytes(range(250)) * (size // 250) + bytes(size % 250)
            assert nodes["ann"].peering.ask("bob", body, LONG) == b"ann:" + body
        assert nodes["bob"].peering.ask("ann", b"you", LONG) == b"bob:you"
        assert nodes["bob"].ear.count(Kind.CONNECTED, peer="ann") == 2  # one each way, for all requests


def test_connections_that_wait_hold_no_memory_of_large_requests() -> None:
    tracemalloc.start()
    try:
        with town(["ann", "bob"]) as nodes:
            assert len(nodes["ann"].peering.ask("bob", bytes(300_000), LONG)) == 300_004
            held = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, "*/transport/channel.py")])
    finally:
        tracemalloc.stop()
    assert 0 < sum(trace.size for trace in held.traces) < 100_000


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="this system's heap does not count its bytes")
def test_what_tls_keeps_of_a_connection_does_not_grow_with_its_requests() -> None:
    lines = 8
    barrier = threading.Barrier(lines)

    def late(peer: str, body: memoryview) -> bytes:
        barrier.wait(LONG)  # so that each has a line of its own
        return bytes(body)

    with town(["ann", "bob"], answer=late) as nodes:

        def ask_all(size: int) -> int:
            together(*[lambda: nodes["ann"].peering.ask("bob", bytes(size), LONG)] * lines)
            return _allocated()

        small = ask_all(1)
        large = ask_all(1_000_000)
    assert (large - small) / lines < 200_000  # both ends are here


class _Counts(ctypes.Structure):
    """`struct mallinfo2` of malloc.h."""

    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")]


def _allocated() -> int:
    """Bytes of the system's heap that are in use."""
    count = ctypes.CDLL(None).mallinfo2
    count.restype = _Counts
    gc.collect()
    found = count()
    return int(found.uordblks + found.hblkhd)


def test_the_largest_frame_passes_and_no_larger() -> None:
    limits = Limits(frame_bytes=100_000)
    with town(["ann", "bob"], limits=limits, answer=lambda peer, body: bytes(body)) as nodes:
        ask = nodes["ann"].peering.ask
        assert len(ask("bob", bytes(100_000), LONG)) == 100_000
        with pytest.raises(ValueError, match="request of 100001 bytes is over the limit of 100000 bytes"):
            ask("bob", bytes(100_001), LONG)


def test_an_answer_that_is_too_large_is_a_refusal() -> None:
    with (
        town(["ann", "bob"], limits=Limits(frame_bytes=1000), answer=lambda peer, body: bytes(1001)) as nodes,
        pytest.raises(PeerRefused, match="the answer has 1001 bytes, at most 1000"),
    ):
        nodes["ann"].peering.ask("bob", b"", LONG)


def test_many_requests_at_once_of_one_peer() -> None:
    barrier = threading.Barrier(5)

    def answer(peer: str, body: memoryview) -> bytes:
        barrier.wait(LONG)  # none is answered before all are here
        return echo(peer, body)

    with town(["ann", "bob"], answer=answer) as nodes:
        ask = nodes["ann"].peering.ask
        for _ in range(2):  # the second time on the connections of the first
            answers = together(*[lambda k=k: ask("bob", b"%d" % k, LONG) for k in range(5)])
            assert answers == [b"ann:%d" % k for k in range(5)]
        assert nodes["bob"].ear.count(Kind.CONNECTED) == 5


def test_requests_beyond_the_connections_wait_for_one() -> None:
    with town(["ann", "bob"], limits=Limits(connections_per_peer=2)) as nodes:
        ask = nodes["ann"].peering.ask
        answers = together(*[lambda k=k: ask("bob", b"%d" % k, LONG) for k in range(8)])
        assert answers == [b"ann:%d" % k for k in range(8)]
        assert nodes["bob"].ear.count(Kind.CONNECTED) <= 2


def test_who_waits_for_a_connection_gives_up_in_time() -> None:
    release = threading.Event()

    def answer(peer: str, body: memoryview) -> bytes:
        release.wait(LONG)
        return b""

    with town(["ann", "bob"], limits=Limits(connections_per_peer=1), answer=answer) as nodes:
        ask = nodes["ann"].peering.ask

        def second() -> None:
            nodes["bob"].ear.wait(Kind.CONNECTED)
            with pytest.raises(PeerUnreachable, match="bob: no connection was free in time"):
                ask("bob", b"", 0.05)
            release.set()

        together(lambda: ask("bob", b"", LONG), second)


def test_connections_out_are_limited_in_all() -> None:
    names = ["ann", "bob", "cid", "dan"]
    with town(names, each={"ann": Limits(connections=2)}) as nodes:
        for _ in range(2):
            for name in names[1:]:
                assert nodes["ann"].peering.ask(name, b"x", LONG) == b"ann:x"
        for name in names[1:]:
            assert nodes[name].ear.count(Kind.CONNECTED) == 2  # it had to make room each time


@pytest.mark.parametrize("fault", [Refusal("no such key"), WireError("no such key")])
def test_a_refusal_is_told_and_the_connection_stays(fault: Exception) -> None:
    def answer(peer: str, body: memoryview) -> bytes:
        if bytes(body) == b"bad":
            raise fault
        return b"good"

    with town(["ann", "bob"], answer=answer) as nodes:
        ask = nodes["ann"].peering.ask
        with pytest.raises(PeerRefused, match="bob: no such key") as caught:
            ask("bob", b"bad", LONG)
        assert (caught.value.peer, caught.value.reason) == ("bob", "no such key")
        assert ask("bob", b"fine", LONG) == b"good"
        assert nodes["bob"].ear.count(Kind.CONNECTED) == 1


@pytest.mark.parametrize("fault", [KeyError("a bug"), OSError("a disk is full")])
def test_a_fault_in_the_answer_is_loud_and_ends_one_connection(
    fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", seen.append)

    def answer(peer: str, body: memoryview) -> bytes:
        if bytes(body) == b"bad":
            raise fault
        return b"good"

    with town(["ann", "bob"], answer=answer) as nodes:
        ask = nodes["ann"].peering.ask
        with pytest.raises(PeerUnreachable, match="bob: closed the connection"):
            ask("bob", b"bad", LONG)
        assert ask("bob", b"fine", LONG) == b"good"
    assert [fault] == [args.exc_value if args.exc_value is fault else args.exc_value.__cause__ for args in seen]  # type: ignore[union-attr]


def test_an_answer_may_ask_back() -> None:
    def answer(peer: str, body: memoryview) -> bytes:
        if bytes(body) == b"start":
            return b"heard " + nodes["bob"].peering.ask("ann", b"really?", LONG)
        return echo(peer, body)

    with town(["ann", "bob"], answer=answer) as nodes:
        assert nodes["ann"].peering.ask("bob", b"start", LONG) == b"heard bob:really?"


def test_nobody_to_ask() -> None:
    book = Book()
    with town(["ann"], book) as nodes:
        ask = nodes["ann"].peering.ask
        with pytest.raises(PeerUnreachable, match="zoe: is not registered"):
            ask("zoe", b"", LONG)
        with pytest.raises(ValueError, match="no connection with itself"):
            ask("ann", b"", LONG)
        with Ghost(lambda plain: None) as gone:
            port = gone.port
        book.register("bob", port, nodes["ann"].key)
        with pytest.raises(PeerUnreachable, match=r"bob: no connection \(Connection refused\)"):
            ask("bob", b"", LONG)


@pytest.mark.parametrize(("host", "port"), [("a..b", 1), ("x" * 300, 1), ("a\0b", 1), (HOST, 70_000), (HOST, -1)])
def test_an_endpoint_that_is_none(host: str, port: int) -> None:
    """A peer writes its endpoint into the registry as it likes."""
    contact = Contact("bob", host, port, bytes(32))
    with ClientConnection(contact, LIMITS) as client, pytest.raises(PeerUnreachable, match=r"bob: no connection"):
        client.ask(b"", LONG)


def test_a_name_with_many_dead_addresses_takes_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as stack:
        full = stack.enter_context(socket.create_server((HOST, 0), backlog=0))
        for _ in range(3):  # with nobody to accept them, the next one gets no answer at all
            plain = stack.enter_context(socket.socket())
            plain.setblocking(False)
            plain.connect_ex(full.getsockname())
        address = (socket.AF_INET, socket.SOCK_STREAM, 0, "", full.getsockname())
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kinds: [address] * 1000)
        client = stack.enter_context(ClientConnection(Contact("bob", "bob.example", 1, bytes(32)), LIMITS))
        begun = monotonic()
        with pytest.raises(PeerUnreachable, match=r"bob: no connection \(no answer in time\)"):
            client.ask(b"", 0.1)
        assert monotonic() - begun < LONG  # 100 s, had each address all of the time


def test_clients_are_anonymous_and_know_the_node() -> None:
    with town(["ann"]) as nodes, ClientConnection(nodes["ann"].contact, LIMITS) as client:
        assert client.ask(b"hello", LONG) == b"anybody:hello"
        assert together(*[lambda k=k: client.ask(b"%d" % k, LONG) for k in range(4)]) == [
            b"anybody:%d" % k for k in range(4)
        ]
        assert {event.peer for event in nodes["ann"].ear.events} == {""}
        assert {event.host for event in nodes["ann"].ear.events} == {HOST}


def test_a_client_outlives_a_restart_of_the_node() -> None:
    book = Book()
    with town(["ann"], book) as nodes:
        client = ClientConnection(nodes["ann"].contact, LIMITS)
        assert client.ask(b"1", LONG) == b"anybody:1"
        first = nodes["ann"]
        first.peering.close()
        with pytest.raises(PeerUnreachable, match="ann: no connection"):
            client.ask(b"2", LONG)
        with Peering("ann", first.key, book, (HOST, first.peering.port), LIMITS, echo, serve):
            assert client.ask(b"3", LONG) == b"anybody:3"
            client.close()
        with pytest.raises(PeerUnreachable, match="ann: this end is closed"):
            client.ask(b"4", LONG)


def test_a_node_that_serves_no_clients_says_so() -> None:
    with town(["ann"], clients=None) as nodes, ClientConnection(nodes["ann"].contact, LIMITS) as client:
        with pytest.raises(PeerRefused, match="ann: no clients are served here"):
            client.ask(b"hello", LONG)
        nodes["ann"].ear.wait(Kind.REFUSED, "no clients are served here")


def test_idle_connections_are_given_up() -> None:
    with town(["ann", "bob"], each={"ann": Limits(idle_seconds=1e-9)}) as nodes:
        for times in (1, 2):  # each on a connection of its own
            assert nodes["ann"].peering.ask("bob", b"1", LONG) == b"ann:1"
            assert nodes["bob"].ear.count(Kind.CONNECTED, peer="ann") == times
        nodes["bob"].ear.wait(Kind.LOST, peer="ann", times=2)
