"""Data links meet in rooms: a network of three, strangers to the room, who comes early, late, twice, or not."""

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from enigmalang.transport.links import SendLink
from enigmalang.transport.network import PeerError
from enigmalang.transport.peering.errors import PeerRefused, PeerUnreachable
from enigmalang.transport.peering.events import Kind
from enigmalang.transport.peering.handshake import call
from enigmalang.transport.peering.peering import Peering
from enigmalang.transport.peering.prelude import Purpose
from enigmalang.transport.tls import TlsNetwork
from tests.transport.peering.peering_helpers import HOST, LIMITS, LONG, Book, Town, echo, soon, town, until
from tests.transport.tls_helpers import RecordingProxy, record_types, together

ROOM = bytes(range(32))
SEATS = ["ann", "bob", "cid"]


def _networks(nodes: Town, room: bytes = ROOM, seats: list[str] = SEATS) -> list[TlsNetwork]:
    return together(*[partial(nodes[name].peering.network, room, seats, soon(), LONG) for name in seats])


def _all_to_all(network: TlsNetwork, tag: int, size: int) -> dict[int, bytes]:
    others = [k for k in range(1, network.n + 1) if k != network.me]
    received = network.exchange(
        tag, {k: bytes([network.me, k]) * size for k in others}, dict.fromkeys(others, 2 * size)
    )
    return {k: bytes(body) for k, body in received.items()}


def _exchange(networks: list[TlsNetwork], sizes: tuple[int, ...] = (1, 10_000)) -> None:
    for tag, size in enumerate(sizes):
        results = together(*[partial(_all_to_all, network, tag, size) for network in networks])
        for network, received in zip(networks, results, strict=True):
            others = [k for k in range(1, network.n + 1) if k != network.me]
            assert received == {k: bytes([k, network.me]) * size for k in others}


def _close(networks: list[TlsNetwork]) -> None:
    for network in networks:
        network.close()


def test_three_peers_are_a_network() -> None:
    with town(SEATS) as nodes:
        networks = _networks(nodes)
        _exchange(networks, (0, 1, 100, 8000, 10_000, 1 << 20))
        _close(networks)


def test_a_network_made_of_links_and_meetings() -> None:
    numbers = {name: number for number, name in enumerate(SEATS, 1)}

    def build(name: str) -> TlsNetwork:
        others = {peer: number for peer, number in numbers.items() if peer != name}
        peering = nodes[name].peering
        receivers, *senders = together(
            lambda: peering.meet(ROOM, others, soon()),
            *[partial(peering.link, peer, ROOM, soon(), number) for peer, number in others.items()],
        )
        links = {link.peer: link for link in senders}
        return TlsNetwork(numbers[name], 3, links, {others[peer]: link for peer, link in receivers.items()}, LONG)

    with town(SEATS) as nodes:
        networks = together(*[partial(build, name) for name in SEATS])
        _exchange(networks)
        networks[2].close()
        with pytest.raises(PeerError, match="node 3: closed the connection"):
            networks[0].exchange(9, {}, {3: 1})
        _close(networks[:2])


def test_two_rooms_and_requests_at_the_same_time() -> None:
    with town(SEATS) as nodes:
        first = _networks(nodes)
        second = _networks(nodes, ROOM[::-1], ["cid", "ann"])
        assert nodes["ann"].peering.ask("bob", b"?", LONG) == b"ann:?"
        _exchange(second)
        _exchange(first)
        _close(first + second)
        again = _networks(nodes)  # the same room, when the first meeting is over
        _exchange(again)
        _close(again)


def test_nothing_readable_is_on_the_wire() -> None:
    secret = bytes(range(100, 164))
    book = Book()
    with town(SEATS, book) as nodes:
        proxies = {name: RecordingProxy(nodes[name].peering.port) for name in SEATS}
        for name, proxy in proxies.items():
            book.register(name, proxy.port, nodes[name].key)
        assert nodes["ann"].peering.ask("bob", secret * 1000, LONG) == b"ann:" + secret * 1000
        networks = _networks(nodes)
        others = {2: secret * 1000, 3: secret}
        together(
            lambda: networks[0].exchange(1, others, {}),
            lambda: networks[1].exchange(1, {}, {1: 64_000}),
            lambda: networks[2].exchange(1, {}, {1: 64}),
        )
        _close(networks)
        for node in nodes.values():
            node.peering.close()
        streams = [bytes(stream) for proxy in proxies.values() for stream in proxy.streams]
        for proxy in proxies.values():
            proxy.close()
    assert len(streams) == 7
    assert sum(map(len, streams)) > 2000 * len(secret)  # the proxies did see the traffic
    for stream in streams:
        certificate = int.from_bytes(stream[75:77], "little")
        assert set(record_types(stream[77 + certificate :])) <= {20, 21, 22, 23}  # all after the prelude is TLS
        for start in range(0, 64, 8):
            assert secret[start : start + 8] not in stream


@pytest.mark.parametrize("early", [True, False])
def test_a_registered_node_that_is_no_member_is_turned_away(early: bool) -> None:
    with town([*SEATS, "zoe"]) as nodes:

        def enter() -> None:
            with pytest.raises(PeerRefused, match="ann: not of this room"):
                nodes["zoe"].peering.link("ann", ROOM, soon())

        stranger = threading.Thread(target=enter)
        if early:
            stranger.start()
            nodes["ann"].ear.wait(Kind.CONNECTED, peer="zoe")  # and waits for the room
        meeting = nodes["ann"].peering._rooms.open(ROOM, {"bob"})
        if not early:
            stranger.start()
        stranger.join(LONG)
        assert not stranger.is_alive()
        assert not meeting.here
        sender = nodes["bob"].peering.link("ann", ROOM, soon())
        (arrival,) = nodes["ann"].peering._rooms.wait(meeting, soon()).values()
        assert arrival.peer == "bob"
        arrival.channel.close()
        sender.close()


def test_who_comes_early_waits_for_the_room() -> None:
    with town(["ann", "bob"]) as nodes:
        ann, bob = nodes.values()

        def open_late() -> bytes:
            bob.ear.wait(Kind.CONNECTED, peer="ann")
            link = bob.peering.meet(ROOM, ["ann"], soon())["ann"]
            body = bytes(link.receive(1, 5))
            link.close()
            return body

        def come_early() -> None:
            sender = ann.peering.link("bob", ROOM, soon())
            sender.send(1, b"hello")
            sender.close()

        assert together(come_early, open_late)[1] == b"hello"


def test_nobody_opens_the_room() -> None:
    with town(["ann", "bob"], limits=replace(LIMITS, parked_seconds=0.05)) as nodes:
        ann, bob = nodes.values()
        with pytest.raises(PeerRefused, match="bob: nobody opened this room in time"):
            ann.peering.link("bob", ROOM, soon())
        bob.ear.wait(Kind.REFUSED, "nobody opened its room in time", peer="ann")
        with pytest.raises(PeerUnreachable, match=r"bob: no connection \(no answer in time\)"):
            ann.peering.link("bob", ROOM, soon(0.05))


def test_who_does_not_come_is_named() -> None:
    with town(SEATS) as nodes:
        ann, bob, _ = nodes.values()
        rooms = ann.peering._rooms
        meeting = rooms.open(ROOM, ["bob", "cid"])
        sender = bob.peering.link("ann", ROOM, soon())
        until(lambda: meeting.missing() == {"cid"}, "bob's coming")
        with pytest.raises(PeerUnreachable, match=r"cid: did not come into the room in time \(1 are missing\)"):
            rooms.wait(meeting, soon(0.0))
        with pytest.raises(PeerError, match="closed the connection"):
            while True:
                sender.send(1, bytes(1000))
        sender.close()
        assert ann.peering._connections.count(lambda place: True) == 0


def test_a_dead_member_ends_the_network_of_the_others() -> None:
    book = Book()
    with town(["ann", "bob"], book) as nodes:
        with Peering("cid", nodes["ann"].key, book, (HOST, 0), LIMITS, echo) as gone:
            port = gone.port
        book.register("cid", port, nodes["bob"].key)

        def build(name: str) -> None:
            with pytest.raises((PeerUnreachable, PeerRefused)):
                nodes[name].peering.network(ROOM, SEATS, deadline)

        deadline = soon()
        together(partial(build, "ann"), partial(build, "bob"))
        assert soon(0) < deadline  # nobody was waited for
        for node in nodes.values():
            assert node.peering._connections.count(lambda place: not place.incoming) == 0


def test_of_two_links_of_a_member_the_newest_counts() -> None:
    """Who dials again has given up the link before, as after a crash that is not noticed here yet."""
    with town(["ann", "bob"]) as nodes:
        ann, bob = nodes.values()
        rooms = bob.peering._rooms
        meeting = rooms.open(ROOM, {"ann", "zoe"})
        first = ann.peering.link("bob", ROOM, soon())
        until(lambda: "ann" in meeting.here, "ann's coming")
        before = meeting.here["ann"]
        with pytest.raises(ValueError, match="this room is open already"):
            bob.peering.meet(ROOM, ["ann"], soon())
        second = ann.peering.link("bob", ROOM, soon())
        until(lambda: meeting.here["ann"] is not before, "ann's coming again")
        with pytest.raises(PeerError, match="closed the connection"):
            while True:
                first.send(1, bytes(1000))
        second.send(1, b"x")
        assert meeting.here["ann"].channel.take(1)
        first.close()
        second.close()
        rooms.cancel(meeting, "enough")
        with pytest.raises(PeerUnreachable, match="zoe: enough"):
            rooms.wait(meeting, soon())


def test_who_gave_up_waiting_may_dial_again() -> None:
    with town(["ann", "bob"]) as nodes:
        ann, bob = nodes.values()
        waiting = threading.Thread(target=_try, args=(partial(ann.peering.link, "bob", ROOM, soon()),))
        waiting.start()
        bob.ear.wait(Kind.CONNECTED, peer="ann")
        ann.peering._connections.end(lambda place: True, "gave up")
        waiting.join(LONG)
        sender, receivers = together(
            lambda: ann.peering.link("bob", ROOM, soon()), lambda: bob.peering.meet(ROOM, ["ann"], soon())
        )
        sender.send(1, b"x")
        assert bytes(receivers["ann"].receive(1, 1)) == b"x"
        sender.close()
        receivers["ann"].close()


def test_links_of_one_peer_are_limited() -> None:
    with town(["ann", "bob", "cid"], each={"bob": replace(LIMITS, links_per_peer=2)}) as nodes:
        ann, bob, cid = nodes.values()
        waiting = []
        for k in range(2):
            room = bytes([k]) * 31 + b"x"
            channel = threading.Thread(target=_try, args=(partial(ann.peering.link, "bob", room, soon()),))
            channel.start()
            waiting.append(channel)
        bob.ear.wait(Kind.CONNECTED, peer="ann", times=2)
        with pytest.raises(PeerRefused, match="2 connections of ann are open, the most that may be"):
            ann.peering.link("bob", ROOM, soon())
        sender, receivers = together(
            lambda: cid.peering.link("bob", ROOM, soon()), lambda: bob.peering.meet(ROOM, ["cid"], soon())
        )
        sender.close()
        receivers["cid"].close()
        assert ann.peering.ask("bob", b"?", LONG) == b"ann:?"
        ann.peering._connections.end(lambda place: True, "gave up")
        for thread in waiting:
            thread.join(LONG)


def _try(link: Callable[[], SendLink]) -> None:
    with pytest.raises((PeerUnreachable, PeerRefused)):
        link()


def test_rooms_have_names_of_32_bytes() -> None:
    with town(["ann", "bob"]) as nodes:
        ann, bob = nodes.values()
        for room in (b"short", bytes(32), bytes(33)):
            with pytest.raises(ValueError, match="a room is 32 bytes"):
                ann.peering.link("bob", room, soon())
            with pytest.raises(ValueError, match="a room is 32 bytes"):
                bob.peering.meet(room, ["ann"], soon())


def test_seats_are_of_different_nodes_and_one_is_ours() -> None:
    with town(SEATS) as nodes:
        for seats in (["bob", "cid"], ["ann", "bob", "bob"]):
            with pytest.raises(ValueError, match="each node has one seat, and this node has one"):
                nodes["ann"].peering.network(ROOM, seats, soon())
        with nodes["ann"].peering.network(ROOM, ["ann"], soon()) as alone:
            assert alone.exchange(1, {}, {}) == {}


def test_frames_on_links_are_limited() -> None:
    with town(["ann", "bob"], limits=replace(LIMITS, link_bytes=1000)) as nodes:
        ann, bob = nodes.values()
        sender, receivers = together(
            lambda: ann.peering.link("bob", ROOM, soon(), 2), lambda: bob.peering.meet(ROOM, {"ann": 1}, soon())
        )
        with pytest.raises(PeerError, match="node 2: cannot send: frame of 1001 bytes is over the limit of 1000"):
            sender.send(1, bytes(1001))
        with pytest.raises(PeerError, match="node 1: frame of 1001 bytes is over the limit of 1000"):
            receivers["ann"].receive(1, 1001)
        sender.close()
        receivers["ann"].close()


def test_a_link_that_hangs_up_before_it_is_greeted() -> None:
    with town(["ann", "bob"]) as nodes:
        ann, bob = nodes.values()
        meeting = bob.peering._rooms.open(ROOM, {"ann"})
        channel = call(bob.contact, ann.key, Purpose.DATA, ROOM, LIMITS, soon())
        channel.shut()
        channel.close()
        sender = ann.peering.link("bob", ROOM, soon())
        arrivals = bob.peering._rooms.wait(meeting, soon())
        arrivals["ann"].channel.close()
        sender.close()
