"""The end: nothing is left, and whoever waits is told."""

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

import pytest

from enigmalang.transport.identity import new_key
from enigmalang.transport.network import PeerError
from enigmalang.transport.peering.client import ClientConnection
from enigmalang.transport.peering.errors import PeeringError, PeerUnreachable
from enigmalang.transport.peering.events import Kind
from enigmalang.transport.peering.limits import Limits
from enigmalang.transport.peering.peering import Peering
from tests.transport.peering.peering_helpers import HOST, LIMITS, LONG, Book, connect, echo, soon, town
from tests.transport.tls_helpers import RecordingProxy, together

ROOM = bytes(range(32))


def _open_files() -> set[str]:
    """Files and sockets by what they are: numbers are given again."""
    found = set()
    for number in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
        with suppress(FileNotFoundError):  # the one that listed them
            found.add(os.readlink(f"/proc/self/fd/{number}"))
    return found


def _threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith(("peering", "send-"))}


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """No thread of a peering, and no file. Other tests' clusters may be up, and what they left may end meanwhile."""
    files, threads = _open_files(), _threads()
    yield
    assert _threads() - threads == set()
    assert _open_files() - files == set()


def test_after_requests_links_strangers_and_clients() -> None:
    names = ["ann", "bob", "cid"]
    with town(names) as nodes:
        for k in range(3):
            together(*[partial(nodes["ann"].peering.ask, "bob", b"%d" % k, LONG) for _ in range(4)])
        networks = together(*[partial(nodes[name].peering.network, ROOM, names, soon(), LONG) for name in names])
        with connect(nodes["bob"].peering.port), ClientConnection(nodes["bob"].contact, LIMITS) as client:
            assert client.ask(b"?", LONG) == b"anybody:?"
            for network in networks:
                network.close()
            for node in nodes.values():
                node.peering.close()


def test_a_peering_that_nobody_used() -> None:
    with Peering("ann", new_key("ann"), Book(), (HOST, 0), LIMITS, echo) as peering:
        peering.close()  # twice is once


def test_the_port_is_taken() -> None:
    with (
        Peering("ann", new_key("ann"), Book(), (HOST, 0), LIMITS, echo) as peering,
        pytest.raises(OSError, match="Address already in use"),
    ):
        Peering("bob", new_key("bob"), Book(), (HOST, peering.port), LIMITS, echo)


def test_who_waits_for_an_answer_when_the_asking_end_closes() -> None:
    begun, release = threading.Event(), threading.Event()

    def answer(peer: str, body: memoryview) -> bytes:
        begun.set()
        assert release.wait(LONG)
        return b""

    with town(["ann", "bob"], answer=answer) as nodes:

        def ask() -> None:
            with pytest.raises(PeerUnreachable, match="bob: this end is closed"):
                nodes["ann"].peering.ask("bob", b"", LONG)
            release.set()

        def close() -> None:
            assert begun.wait(LONG)
            nodes["ann"].peering.close()

        together(ask, close)
        with pytest.raises(PeerUnreachable, match="bob: this end is closed"):
            nodes["ann"].peering.ask("bob", b"", LONG)
        with pytest.raises(PeerUnreachable, match="this end is closed"):
            nodes["ann"].peering.meet(ROOM, ["bob"], soon())
        with pytest.raises(PeerUnreachable, match=r"bob: "):
            nodes["ann"].peering.link("bob", ROOM, soon(0.2))


def test_a_peer_that_dies_in_the_middle_of_a_request() -> None:
    begun, release = threading.Event(), threading.Event()

    def answer(peer: str, body: memoryview) -> bytes:
        begun.set()
        assert release.wait(LONG)
        return b""

    with town(["ann", "bob"], book := Book(), answer=answer) as nodes:
        proxy = RecordingProxy(nodes["bob"].peering.port)
        book.register("bob", proxy.port, nodes["bob"].key)

        def ask() -> None:
            with pytest.raises(PeerUnreachable, match="bob: closed the connection"):
                nodes["ann"].peering.ask("bob", b"", LONG)
            release.set()

        def die() -> None:
            assert begun.wait(LONG)
            proxy.close()

        together(ask, die)
        nodes["bob"].ear.wait(Kind.LOST, peer="ann")


def test_a_request_that_is_slowed_does_not_hold_up_the_end() -> None:
    limits = Limits(frame_bytes=1000, bytes_per_second=1000.0, slow_seconds=1e6)
    with town(["ann", "bob"], limits=limits, answer=lambda peer, body: bytes(1000)) as nodes:

        def ask() -> None:
            with pytest.raises(PeeringError, match=r"bob: (closing|closed the connection|this end is closed)"):
                while True:
                    nodes["ann"].peering.ask("bob", bytes(1000), LONG)

        def close() -> None:
            nodes["bob"].ear.wait(Kind.LIMITED, "slowed")
            nodes["bob"].peering.close()
            nodes["ann"].peering.close()

        together(ask, close)


def test_who_waits_in_and_for_a_room() -> None:
    with town(["ann", "bob"]) as nodes:
        ann, bob = nodes.values()

        def meet() -> None:
            with pytest.raises(PeerUnreachable, match="zoe: this end is closed"):
                bob.peering.meet(ROOM, ["zoe"], soon())

        def come() -> None:
            with pytest.raises(PeeringError, match=r"bob: (closing|.*closed the connection)"):
                ann.peering.link("bob", ROOM[::-1], soon())

        def close() -> None:
            bob.ear.wait(Kind.CONNECTED, peer="ann")
            bob.peering.close()

        together(meet, come, close)


def test_data_links_end_with_their_peering() -> None:
    with town(["ann", "bob"]) as nodes:
        ann, bob = nodes.values()
        sender, receivers = together(
            lambda: ann.peering.link("bob", ROOM, soon()), lambda: bob.peering.meet(ROOM, {"ann": 1}, soon())
        )

        def receive() -> None:
            with pytest.raises(PeerError, match="node 1: closed the connection"):
                receivers["ann"].receive(1, 8)

        together(receive, bob.peering.close)
        sender.close()
        receivers["ann"].close()
