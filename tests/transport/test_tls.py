"""TLS links: rounds, identities, and every way a peer can break off."""

import socket
import ssl
import threading
import weakref
from functools import partial
from time import monotonic

import numpy as np
import pytest
from tls_helpers import LONG, RecordingProxy, mesh, record_types, together

from enigmalang.transport.doors import HOST, SWITCH
from enigmalang.transport.identity import client_context, new_key, server_context
from enigmalang.transport.links import DIRECT_BYTES, ReceiveLink, SendLink
from enigmalang.transport.mesh import Listener, dial
from enigmalang.transport.network import PeerError
from enigmalang.transport.tls import TlsNetwork
from enigmalang.wire.frames import frame


def _all_to_all(network: TlsNetwork, tag: int, size: int) -> dict[int, bytes]:
    others = [k for k in range(1, network.n + 1) if k != network.me]
    sends = {k: bytes([network.me, k]) * size for k in others}
    received = network.exchange(tag, sends, dict.fromkeys(others, 2 * size))
    return {k: bytes(body) for k, body in received.items()}


@pytest.mark.parametrize("n", [3, 5])
def test_rounds(n: int) -> None:
    with mesh(n) as networks:
        for tag, size in enumerate([0, 1, 100, DIRECT_BYTES // 2, DIRECT_BYTES // 2 + 1, 200_000]):
            results = together(*[partial(_all_to_all, net, tag, size) for net in networks])
            for net, received in zip(networks, results, strict=True):
                assert received == {k: bytes([k, net.me]) * size for k in range(1, n + 1) if k != net.me}
        assert all(net.rounds == 6 and net.waiting_for == 0 for net in networks)
        assert len({net.bytes_sent for net in networks}) == 1


def test_large_sends_both_ways_do_not_deadlock() -> None:
    size = 20 << 20  # far over what the kernel's socket buffers hold
    with mesh(3) as networks:
        results = together(*[lambda net=net: _all_to_all(net, 1, size // 2) for net in networks])
        assert all(len(body) == size for received in results for body in received.values())


def test_large_then_small_keep_their_order() -> None:
    big, small = bytes(8 << 20), b"small"
    with mesh(3) as networks:
        first, second, _ = networks

        def give() -> None:
            first.exchange(1, {2: big}, {})
            first.exchange(2, {2: small}, {})

        def take() -> bytes:
            assert len(second.exchange(1, {}, {1: len(big)})[1]) == len(big)
            return bytes(second.exchange(2, {}, {1: len(small)})[1])

        assert together(give, take)[1] == small


@pytest.mark.parametrize(
    ("tag", "length", "text"),
    [
        (8, 3, "node 1: frame with tag 7, expected tag 8"),
        (7, 4, "node 1: frame of 3 bytes, expected 4 bytes"),
    ],
)
def test_other_tag_or_length(tag: int, length: int, text: str) -> None:
    with mesh(3) as networks:
        networks[0].exchange(7, {2: b"abc"}, {})
        with pytest.raises(PeerError, match=text) as caught:
            networks[1].exchange(tag, {}, {1: length})
        assert caught.value.peer == 1


def test_peer_that_is_late() -> None:
    with mesh(3, timeout=0.05) as networks, pytest.raises(PeerError, match="node 3: late"):
        networks[0].exchange(1, {}, {3: 8})


def test_peer_that_is_gone() -> None:
    with mesh(3) as networks:
        networks[1].close()
        with pytest.raises(PeerError, match="node 2: closed the connection"):
            networks[0].exchange(1, {}, {2: 8})
        with pytest.raises(PeerError, match="node 2: closed the connection"):
            for tag in range(2, 100):  # the system may take a few frames before it tells
                networks[0].exchange(tag, {2: bytes(1000)}, {})


def test_peer_that_is_gone_in_the_middle_of_a_large_frame() -> None:
    with mesh(3) as networks:
        first, second, _ = networks
        first.exchange(1, {2: bytes(64 << 20)}, {})
        first.close()
        with pytest.raises(PeerError, match="node 1: closed the connection"):
            second.exchange(1, {}, {1: 64 << 20})


def test_flush_waits_until_a_large_frame_is_taken_and_forgotten() -> None:
    size = 32 << 20  # far over what the kernel's socket buffers hold
    with mesh(3) as networks:
        first, second, _ = networks
        large = np.zeros(size, np.uint8)
        kept = weakref.ref(large)
        first.post(1, {2: large.data, 3: b"small"})
        del large

        def take() -> bool:
            deadline = monotonic() + LONG
            while first.waiting_for != 2 and monotonic() < deadline:
                threading.Event().wait(0.001)
            held = kept() is not None
            second.fetch(1, {1: size})
            return held

        held, _ = together(take, first.flush)
        assert held and kept() is None
        first.flush()  # nothing is under way
        assert first.waiting_for == 0


@pytest.mark.parametrize("closer", [0, 1])
def test_flush_ends_when_either_end_is_closed(closer: int) -> None:
    with mesh(3) as networks:
        first = networks[0]
        first.post(1, {2: bytes(64 << 20)})
        with pytest.raises(PeerError, match="node 2: closed the connection"):
            together(first.flush, networks[closer].close)


def test_socket_that_takes_only_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    send = socket.socket.send
    monkeypatch.setattr(socket.socket, "send", lambda sock, data, flags=0: send(sock, data[:1000], flags))
    with mesh(3) as networks:
        for tag, size in enumerate((10, 5000, 300_000), 1):
            body = bytes(range(250)) * (size // 250 + 1)
            networks[0].exchange(tag, {2: body}, {})
            assert networks[1].exchange(tag, {}, {1: len(body)})[1] == body


def test_peer_that_says_goodbye_in_tls() -> None:
    """A close_notify is an end like any other, also while its sender keeps the connection."""
    member, server = new_key("node 1"), new_key("node 2")
    listener = Listener()
    accepting = server_context(server, [member.certificate])
    context = client_context(member, [server.certificate])

    def speak() -> None:
        with (
            socket.create_connection((HOST, listener.port), LONG) as plain,
            context.wrap_socket(plain) as sock,
        ):
            sock.recv(100)  # the greeting
            sock.sendall(frame(1, b"one") + frame(2, b"two"))
            with pytest.raises(OSError, match=r".*"):
                sock.unwrap()  # says goodbye and waits for an answer, which a one-way link does not give

    def listen() -> None:
        link = listener.accept(accepting, {1: member.certificate}, monotonic() + LONG)[1]
        assert bytes(link.receive(1, 3)) == b"one"  # both came in one record
        assert bytes(link.receive(2, 3)) == b"two"
        with pytest.raises(PeerError, match="node 1: closed the connection"):
            link.receive(3, 8)
        link.close()

    together(speak, listen)
    listener.close()


def test_garbage_after_the_handshake() -> None:
    with mesh(3) as networks:
        channel = networks[0]._senders[2]._channel
        channel._sock.sendall(bytes(1000))
        with pytest.raises(PeerError, match="node 1: broke TLS"):
            networks[1].exchange(1, {}, {1: 8})


def test_requests_for_new_keys_are_not_answered() -> None:
    """TLS lays its answers down in memory while it reads: a peer could make it grow without end."""
    with mesh(3) as networks:
        networks[1]._receivers[1]._channel._outgoing.write(b"an answer")
        networks[0].exchange(1, {2: bytes(8)}, {})
        with pytest.raises(PeerError, match="NEW_KEYS"):
            networks[1].exchange(1, {}, {1: 8})


def test_frames_that_arrive_together() -> None:
    with mesh(3) as networks:
        bodies = [bytes([k]) * size for k, size in enumerate([3, 0, 5000, DIRECT_BYTES, 9 << 20, 0])]
        for tag, body in enumerate(bodies):
            networks[0].exchange(tag, {2: body}, {})
        for tag, body in enumerate(bodies):  # the last, empty, was waiting behind a large one
            assert networks[1].exchange(tag, {}, {1: len(body)})[1] == body


def test_frame_limits() -> None:
    keys = {k: new_key(str(k)) for k in (1, 2)}
    listener = Listener()
    deadline = monotonic() + LONG
    context = client_context(keys[1], [keys[2].certificate])
    accepting = server_context(keys[2], [keys[1].certificate])
    links, sender = together(
        lambda: listener.accept(accepting, {1: keys[1].certificate}, deadline, limit=100),
        lambda: dial(listener.port, context, 2, keys[2].certificate, deadline, limit=1000),
    )
    listener.close()
    assert isinstance(links[1], ReceiveLink)
    assert isinstance(sender, SendLink)
    with pytest.raises(PeerError, match="node 2: cannot send: frame of 1001 bytes is over the limit of 1000"):
        sender.send(1, bytes(1001))
    sender.send(1, bytes(101))
    with pytest.raises(PeerError, match="node 1: frame announces 101 bytes, over the limit of 100 bytes"):
        links[1].receive_any()
    with pytest.raises(PeerError, match="over the limit of 100 bytes"):
        links[1].receive(1, 101)
    sender.close()
    links[1].close()


class _Door:
    """A listener that waits for node 1, in a thread, while a test knocks."""

    def __init__(self) -> None:
        self.member, self.server = new_key("node 1"), new_key("node 2")
        self.listener = Listener()
        self.links: dict[int, ReceiveLink] = {}
        self.deadline = monotonic() + LONG
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        certificate = self.member.certificate
        context = server_context(self.server, [certificate])
        self.links = self.listener.accept(context, {1: certificate}, self.deadline)

    def let_member_in(self) -> None:
        """The member still gets in, and what it sends arrives."""
        context = client_context(self.member, [self.server.certificate])
        sender = dial(self.listener.port, context, 2, self.server.certificate, self.deadline)
        self._thread.join(LONG)
        self.listener.close()
        sender.send(3, b"hello")
        assert bytes(self.links[1].receive(3, 5)) == b"hello"
        sender.close()
        self.links[1].close()


def test_stranger_is_refused() -> None:
    door = _Door()
    stranger = client_context(new_key("node 1"), [door.server.certificate])
    with pytest.raises(PeerError, match="node 2: no connection"):
        dial(door.listener.port, stranger, 2, door.server.certificate, door.deadline)
    door.let_member_in()


def test_client_without_certificate_is_refused() -> None:
    door = _Door()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((HOST, door.listener.port), LONG) as plain,
        context.wrap_socket(plain) as sock,
        pytest.raises(ssl.SSLError),
    ):
        sock.recv(1)
    door.let_member_in()


def test_tls_1_2_is_refused() -> None:
    door = _Door()
    context = client_context(door.member, [door.server.certificate])
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(PeerError, match=r"node 2: no connection \(.*VERSION"):
        dial(door.listener.port, context, 2, door.server.certificate, door.deadline)
    door.let_member_in()


def test_garbage_and_silence_hold_up_nobody() -> None:
    door = _Door()
    with (
        socket.create_connection((HOST, door.listener.port), LONG),  # says nothing
        socket.create_connection((HOST, door.listener.port), LONG) as noisy,
    ):
        noisy.sendall(frame(1, b"no TLS at all"))
        socket.create_connection((HOST, door.listener.port), LONG).close()
        door.let_member_in()


def test_server_with_another_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that our trust store would accept (another member) is still not the one we dialled."""
    monkeypatch.setenv(SWITCH, "1")  # beside TCP the greeting may find that node 1 has gone, and then it is no link
    door = _Door()
    other = new_key("node 3")
    context = client_context(door.member, [door.server.certificate, other.certificate])
    with pytest.raises(PeerError, match="node 3: showed a certificate that is not the registered one"):
        dial(door.listener.port, context, 3, other.certificate, door.deadline)
    # The listener took that connection for node 1's, and node 1 has gone: that is seen at the first frame.
    door._thread.join(LONG)
    door.listener.close()
    with pytest.raises(PeerError, match="node 1: closed the connection"):
        door.links[1].receive(1, 1)
    door.links[1].close()


def test_server_that_speaks_tls_1_2_is_refused() -> None:
    key, member = new_key("node 2"), new_key("node 1")
    context = server_context(key, [member.certificate])
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    listener = Listener()

    def accept() -> None:
        with pytest.raises(PeerError, match="node 1: did not connect in time"):
            listener.accept(context, {1: member.certificate}, monotonic() + 0.5)

    def knock() -> None:
        dialling = client_context(member, [key.certificate])
        with pytest.raises(PeerError, match="node 2: no connection"):
            dial(listener.port, dialling, 2, key.certificate, monotonic() + LONG)

    together(accept, knock)
    listener.close()


def test_server_that_hangs_up_in_the_handshake() -> None:
    with socket.create_server((HOST, 0)) as server:

        def hang_up() -> None:
            plain, _ = server.accept()
            plain.recv(1 << 14)  # all of the greeting: then closing is an end, not a reset
            plain.close()

        def knock() -> None:
            key = new_key("node 2")
            context = client_context(key, [key.certificate])
            with pytest.raises(PeerError, match=r"node 2: no connection \(closed the connection\)"):
                dial(server.getsockname()[1], context, 2, key.certificate, monotonic() + LONG)

        together(hang_up, knock)


def test_nobody_listens() -> None:
    listener = Listener()
    listener.close()
    key = new_key("node 2")
    with pytest.raises(PeerError, match="node 2: no connection"):
        dial(listener.port, client_context(key, [key.certificate]), 2, key.certificate, monotonic() + LONG)


def test_connections_carry_tls_records_and_no_plaintext() -> None:
    proxies: list[RecordingProxy] = []

    def between(_: int, port: int) -> int:
        proxies.append(RecordingProxy(port))
        return proxies[-1].port

    secret = bytes(range(7, 71))
    with mesh(3, ports=between) as networks:
        for tag, body in enumerate([secret, secret * 2000]):
            received = together(
                lambda body=body, tag=tag: networks[0].exchange(tag, {2: body, 3: body}, {}),
                lambda body=body, tag=tag: networks[1].exchange(tag, {}, {1: len(body)}),
                lambda body=body, tag=tag: networks[2].exchange(tag, {}, {1: len(body)}),
            )
            assert bytes(received[1][1]) == body
    for proxy in proxies:
        proxy.close()
    streams = [bytes(stream) for proxy in proxies for stream in proxy.streams]
    assert len(streams) == 6
    assert sum(map(len, streams)) > 4000 * len(secret)  # the proxies did see the traffic
    for stream in streams:
        assert set(record_types(stream)) <= {20, 21, 22, 23}
        for start in range(0, 64, 8):
            assert secret[start : start + 8] not in stream


def test_private_keys_do_not_stay() -> None:
    key = new_key("node 1")
    assert "PRIVATE" in key.pem.decode()
    assert "PRIVATE" not in repr(key)
    with pytest.raises(TypeError):
        key.__reduce__()


def test_links_must_be_complete() -> None:
    with pytest.raises(ValueError, match="node 1 of 3 needs one link each way"):
        TlsNetwork(1, 3, {}, {})
