"""Who is turned away, when, and what it is told; and that nobody else is held up."""

import socket
import struct
from collections.abc import Callable

import pytest

from enigmalang.transport.identity import ChannelKey, client_context, new_key, server_context
from enigmalang.transport.peering.client import ClientConnection
from enigmalang.transport.peering.contacts import Contact, fingerprint
from enigmalang.transport.peering.errors import PeerRefused, PeerUnreachable
from enigmalang.transport.peering.events import Kind
from enigmalang.transport.peering.handshake import WELCOME, call
from enigmalang.transport.peering.limits import Limits
from enigmalang.transport.peering.peering import Peering
from enigmalang.transport.peering.prelude import MAGIC, NO_ROOM, VERSION, Opening, Purpose, Reply, proof, read_reply
from enigmalang.transport.peering.server import host_of
from enigmalang.transport.peering.timed import TimedChannel, read_exactly
from enigmalang.wire.frames import frame
from tests.transport.peering.peering_helpers import (
    HOST,
    LIMITS,
    LONG,
    Book,
    Ghost,
    Node,
    Town,
    connect,
    echo,
    hung_up,
    soon,
    town,
)
from tests.transport.tls_helpers import RecordingProxy

ROOM = bytes(range(32))


def _told(plain: socket.socket) -> str:
    reply = read_reply(lambda count: read_exactly(plain, count, soon()))
    assert not reply.certificate
    return reply.reason


def _opening(node: Node, certificate: bytes, purpose: Purpose = Purpose.CONTROL, room: bytes = NO_ROOM) -> Opening:
    return Opening(purpose, room, node.contact.fingerprint, certificate)


def _still_open(nodes: Town) -> None:
    assert nodes["ann"].peering.ask("bob", b"still", LONG) == b"ann:still"


def test_a_stranger_is_told_no_before_tls() -> None:
    with town(["ann", "bob"]) as nodes:
        bob, key = nodes["bob"], new_key("ann")  # a name in a certificate means nothing
        with connect(bob.peering.port) as plain:
            plain.sendall(_opening(bob, key.certificate).encode())
            assert _told(plain) == "the certificate is not that of a registered node"
            assert hung_up(plain)
        bob.ear.wait(Kind.REFUSED, "the certificate is not that of a registered node")
        assert not bob.ear.has(Kind.CONNECTED)
        _still_open(nodes)


@pytest.mark.parametrize("purpose", ["ask", "link"])
def test_a_node_without_a_deposit_is_refused(purpose: str) -> None:
    book, known = Book(), Book()
    with town(["ann", "bob"], book) as nodes:
        known.register("bob", nodes["bob"].peering.port, nodes["bob"].key)
        with (
            Peering("zoe", new_key("zoe"), known, (HOST, 0), LIMITS, echo) as stranger,
            pytest.raises(PeerRefused, match="bob: the certificate is not that of a registered node"),
        ):
            if purpose == "ask":
                stranger.ask("bob", b"let me in", LONG)
            else:
                stranger.link("bob", ROOM, soon())
        _still_open(nodes)


def test_a_registered_certificate_without_its_key() -> None:
    with town(["ann", "bob"]) as nodes:
        bob, thief = nodes["bob"], new_key("ann")
        with connect(bob.peering.port) as plain:
            plain.sendall(_opening(bob, nodes["ann"].key.certificate).encode())
            reply = read_reply(lambda count: read_exactly(plain, count, soon()))
            assert reply.certificate == bob.key.certificate
            context = client_context(thief, [reply.certificate])
            channel = TimedChannel(plain, context, False, soon())
            channel.handshake()  # in TLS 1.3 the dialler is through first
            assert hung_up(plain)
        bob.ear.wait(Kind.REFUSED, "TLS failed (CERTIFICATE_VERIFY_FAILED)")
        assert not bob.ear.has(Kind.CONNECTED)
        _still_open(nodes)


def test_a_registered_certificate_and_no_certificate_in_tls() -> None:
    with town(["ann", "bob"]) as nodes:
        bob = nodes["bob"]
        with connect(bob.peering.port) as plain:
            plain.sendall(_opening(bob, nodes["ann"].key.certificate).encode())
            reply = read_reply(lambda count: read_exactly(plain, count, soon()))
            context = client_context(nodes["ann"].key, [reply.certificate])
            bare = type(context)(context.protocol)
            bare.check_hostname = False
            bare.load_verify_locations(cadata=reply.certificate)
            TimedChannel(plain, bare, False, soon()).handshake()
            assert hung_up(plain)
        bob.ear.wait(Kind.REFUSED, "TLS failed (PEER_DID_NOT_RETURN_A_CERTIFICATE)")
        _still_open(nodes)


def test_two_certificates_in_one_are_neither() -> None:
    """OpenSSL would trust each of them; pinned is what was named, whole."""
    ours, named = new_key("a"), new_key("b")
    both = ours.certificate + named.certificate
    with town(["ann", "bob"]) as nodes:
        bob = nodes["bob"]
        with connect(bob.peering.port) as plain:
            plain.sendall(_opening(bob, both, Purpose.CLIENT).encode())
            reply = read_reply(lambda count: read_exactly(plain, count, soon()))
            if reply.certificate:
                TimedChannel(plain, client_context(ours, [reply.certificate]), False, soon()).handshake()
            assert hung_up(plain)
        bob.ear.wait(Kind.REFUSED)
        assert not bob.ear.has(Kind.CONNECTED)


def test_the_nodes_own_certificate_is_no_peer() -> None:
    with town(["ann", "bob"]) as nodes:
        bob = nodes["bob"]
        with pytest.raises(PeerRefused, match="the certificate is that of this node itself"):
            call(bob.contact, bob.key, Purpose.CONTROL, NO_ROOM, LIMITS, soon())


@pytest.mark.parametrize("version", [0, VERSION + 1, 65535])
def test_another_version_is_told_which_is_spoken(version: int) -> None:
    with town(["ann", "bob"]) as nodes:
        with connect(nodes["bob"].peering.port) as plain:
            plain.sendall(MAGIC + struct.pack("<H", version) + bytes(4000))  # whatever that version says next
            assert _told(plain) == f"version {VERSION} is spoken here, not {version}"
            assert plain.recv(1) == b""  # an end, and no reset, which could have been faster than the reason
        nodes["bob"].ear.wait(Kind.REFUSED, f"not {version}")
        _still_open(nodes)


def test_a_node_of_another_version_is_understood() -> None:
    def older(plain: socket.socket) -> None:
        plain.recv(1 << 14)
        reason = b"version 9 is spoken here"
        plain.sendall(MAGIC + struct.pack("<HBH", 9, 1, len(reason)) + reason)

    with town(["ann"], book := Book()) as nodes, Ghost(older) as ghost:
        book.register("bob", ghost.port, new_key("bob"))
        with pytest.raises(PeerRefused, match="bob: version 9 is spoken here"):
            nodes["ann"].peering.ask("bob", b"", LONG)
        nodes["ann"].ear.wait(Kind.REFUSED, "version 9 is spoken here", peer="bob")


_GARBAGE: dict[str, tuple[Callable[[Node], bytes], str]] = {
    "http": (lambda node: b"GET / HTTP/1.1\r\nHost: enigma\r\n\r\n", "does not speak this protocol"),
    "tls": (lambda node: bytes.fromhex("16030100f8010000f40303") + bytes(240), "does not speak this protocol"),
    "purpose": (
        lambda node: MAGIC + struct.pack("<HB", VERSION, 9) + NO_ROOM + node.contact.fingerprint + b"\1\0c",
        "purpose 9 is not known here",
    ),
    "room": (lambda node: _opening(node, b"c", room=ROOM).encode(), "a room is for data only"),
    "no certificate": (lambda node: _opening(node, b"").encode(), "certificate of 0 bytes, at most 2048"),
    "large certificate": (lambda node: _opening(node, bytes(2049)).encode(), "certificate of 2049 bytes, at most 2048"),
    "garbage certificate": (
        lambda node: _opening(node, bytes(100), Purpose.CLIENT).encode(),
        "the certificate cannot be read",
    ),
    "other node": (
        lambda node: Opening(Purpose.CONTROL, NO_ROOM, bytes(32), b"c").encode(),
        "another key is held here than the one that is wanted",
    ),
}


@pytest.mark.parametrize("what", _GARBAGE)
def test_garbage_is_answered_with_a_reason(what: str) -> None:
    garbage, reason = _GARBAGE[what]
    with town(["ann", "bob"]) as nodes:
        with connect(nodes["bob"].peering.port) as plain:
            plain.sendall(garbage(nodes["bob"]))
            assert _told(plain) == reason
            assert hung_up(plain)
        nodes["bob"].ear.wait(Kind.REFUSED, reason)
        _still_open(nodes)


@pytest.mark.parametrize("size", [0, 1, 9, 10, 76, 77, 100])
def test_an_opening_that_breaks_off(size: int) -> None:
    with town(["ann", "bob"]) as nodes:
        with connect(nodes["bob"].peering.port) as plain:
            plain.sendall(_opening(nodes["bob"], nodes["ann"].key.certificate).encode()[:size])
        nodes["bob"].ear.wait(Kind.REFUSED, "broke off before it was known (closed the connection)")
        _still_open(nodes)


def test_garbage_where_tls_should_begin() -> None:
    with town(["ann", "bob"]) as nodes:
        with connect(nodes["bob"].peering.port) as plain:
            plain.sendall(_opening(nodes["bob"], nodes["ann"].key.certificate).encode() + bytes(1000))
            assert hung_up(plain)
        nodes["bob"].ear.wait(Kind.REFUSED, "TLS failed")
        _still_open(nodes)


def test_a_recorded_conversation_is_worth_nothing() -> None:
    heard: list[bytes] = []

    def answer(peer: str, body: memoryview) -> bytes:
        heard.append(bytes(body))
        return b""

    with town(["ann", "bob"], book := Book(), answer=answer) as nodes:
        bob = nodes["bob"]
        proxy = RecordingProxy(bob.peering.port)
        book.register("bob", proxy.port, bob.key)
        nodes["ann"].peering.ask("bob", b"pay 100", LONG)
        with connect(bob.peering.port) as plain:
            plain.sendall(bytes(proxy.streams[0]))
            assert hung_up(plain)
        bob.ear.wait(Kind.REFUSED, "TLS failed")
        proxy.close()
    assert heard == [b"pay 100"]


@pytest.mark.parametrize("side", ["dial", "answer"])
def test_what_is_said_in_the_clear_cannot_be_changed_on_the_way(side: str) -> None:
    """Somebody between the ends sends a peer's data link into another room."""
    with town(["ann", "bob"]) as nodes:
        bob, ann = nodes["bob"], nodes["ann"]
        changed = _opening(bob, ann.key.certificate, Purpose.DATA, ROOM)
        meant = _opening(bob, ann.key.certificate, Purpose.DATA, ROOM[::-1])
        if side == "dial":
            with connect(bob.peering.port) as plain:
                plain.sendall(changed.encode())
                reply = read_reply(lambda count: read_exactly(plain, count, soon()))
                channel = TimedChannel(plain, client_context(ann.key, [reply.certificate]), False, soon())
                channel.handshake()
                channel.send(frame(WELCOME, proof("dial", meant, reply)))
                assert hung_up(plain)
            bob.ear.wait(Kind.REFUSED, "what was said in the clear did not arrive as it was said")
        else:

            def other_end(plain: socket.socket) -> None:
                read_exactly(plain, len(meant.encode()), soon())
                reply = Reply(bob.key.certificate)
                plain.sendall(reply.encode())
                channel = TimedChannel(plain, server_context(bob.key, [ann.key.certificate]), True, soon())
                channel.handshake()
                channel.send(frame(WELCOME, proof("answer", changed, reply)))
                hung_up(plain)

            with Ghost(other_end) as ghost:
                contact = Contact("bob", HOST, ghost.port, bob.contact.fingerprint)
                with pytest.raises(PeerUnreachable, match="what was said in the clear did not arrive as it was said"):
                    call(contact, ann.key, Purpose.DATA, ROOM[::-1], LIMITS, soon())


def _impostor(shown: bytes, key: ChannelKey, client: bytes) -> Callable[[socket.socket], None]:
    def act(plain: socket.socket) -> None:
        plain.recv(1 << 14)
        plain.sendall(Reply(shown).encode())
        TimedChannel(plain, server_context(key, [client]), True, soon()).handshake()
        hung_up(plain)

    return act


def test_another_key_where_a_peer_should_be() -> None:
    with town(["ann"], book := Book()) as nodes:
        wanted, held = new_key("bob"), new_key("bob")
        ann = nodes["ann"]
        with Ghost(_impostor(held.certificate, held, ann.key.certificate)) as ghost:
            book.register("bob", ghost.port, wanted)
            with pytest.raises(
                PeerUnreachable, match=r"bob: what listens at .*: its certificate is not the registered"
            ):
                ann.peering.ask("bob", b"secret", LONG)
        with Ghost(_impostor(wanted.certificate, held, ann.key.certificate)) as ghost:
            book.register("bob", ghost.port, wanted)
            with pytest.raises(PeerUnreachable, match=r"bob: no connection \(CERTIFICATE_VERIFY_FAILED\)"):
                ann.peering.ask("bob", b"secret", LONG)


def test_a_client_finds_another_key() -> None:
    with town(["ann"]) as nodes:
        port = nodes["ann"].peering.port
        contact = Contact("ann", HOST, port, fingerprint(new_key("ann").certificate))
        with (
            ClientConnection(contact, LIMITS) as client,
            pytest.raises(PeerRefused, match="ann: another key is held here"),
        ):
            client.ask(b"hello", LONG)


def test_a_peer_that_replies_garbage() -> None:
    with town(["ann"], book := Book()) as nodes, Ghost(lambda plain: plain.sendall(b"220 mail\r\n" * 10)) as ghost:
        book.register("bob", ghost.port, new_key("bob"))
        with pytest.raises(PeerUnreachable, match=r"bob: what listens at .*: does not speak this protocol"):
            nodes["ann"].peering.ask("bob", b"", LONG)


def test_reasons_from_outside_are_cut_and_printable() -> None:
    def act(plain: socket.socket) -> None:
        plain.recv(1 << 14)
        reason = b"no\n{level: error}\x1b[2J" + b"x" * 1000
        plain.sendall(MAGIC + struct.pack("<HBH", VERSION, 1, len(reason)) + reason)

    with town(["ann"], book := Book()) as nodes, Ghost(act) as ghost:
        book.register("bob", ghost.port, new_key("bob"))
        with pytest.raises(PeerRefused) as caught:
            nodes["ann"].peering.ask("bob", b"", LONG)
        assert caught.value.reason.startswith("no?{level: error}?[2Jxxx")
        assert len(caught.value.reason) == 200


def test_silence_is_cut_off() -> None:
    with town(["bob"], limits=Limits(handshake_seconds=0.1)) as nodes:
        with connect(nodes["bob"].peering.port) as silent:
            assert hung_up(silent)
        nodes["bob"].ear.wait(Kind.REFUSED, "broke off before it was known (no answer in time)")


def test_the_silent_make_room_for_those_who_speak() -> None:
    with (
        town(["ann", "bob"], each={"bob": Limits(handshakes=2)}) as nodes,
        connect(nodes["bob"].peering.port) as first,
        connect(nodes["bob"].peering.port) as second,
    ):
        _still_open(nodes)
        assert hung_up(first)
        second.setblocking(False)
        with pytest.raises(BlockingIOError):
            second.recv(1)


def test_strangers_of_one_host_come_slowly_and_peers_do_not_count() -> None:
    limits = Limits(strangers_per_second=0.001, connections_per_peer=1)
    with town(["ann", "bob", "cid"], limits=limits) as nodes:
        bob = nodes["bob"]
        for _ in range(3):
            for name in ("ann", "cid"):
                assert nodes[name].peering.ask("bob", b"", LONG) == f"{name}:".encode()
                nodes[name].peering.refresh()
        with connect(bob.peering.port) as plain:
            plain.sendall(_opening(bob, new_key("zoe").certificate).encode())
            assert "not that of a registered node" in _told(plain)
        with connect(bob.peering.port) as plain:
            assert hung_up(plain)
        bob.ear.wait(Kind.LIMITED, "too many connections of this host")
        assert nodes["ann"].peering.ask("bob", b"kept", LONG) == b"ann:kept"


def test_a_peer_that_connects_all_the_time_counts_as_a_stranger() -> None:
    limits = Limits(strangers_per_second=0.001, connects_per_second=0.001, connections_per_peer=1, links_per_peer=1)
    with town(["ann", "bob"], limits=limits) as nodes:
        ann, bob = nodes.values()

        def come() -> None:
            channel = call(bob.contact, ann.key, Purpose.CONTROL, NO_ROOM, LIMITS, soon())
            channel.shut()
            channel.close()

        for times in range(1, 4):
            come()
            bob.ear.wait(Kind.LOST, peer="ann", times=times)
        for _ in range(3):
            with pytest.raises(PeerUnreachable, match=r"bob: no connection"):
                come()
        assert bob.ear.count(Kind.LIMITED, "too many connections of this host are not a peer's") == 1


def test_hosts_are_counted_as_their_owners_have_them() -> None:
    assert host_of("192.0.2.7") == host_of("::ffff:192.0.2.7") == "192.0.2.7"
    assert host_of("2001:db8:1:2:3::4") == host_of("2001:db8:1:2::9%eth0") == "2001:db8:1:2::/64"
    assert host_of("2001:db8:1:3::4") != host_of("2001:db8:1:2::4")
