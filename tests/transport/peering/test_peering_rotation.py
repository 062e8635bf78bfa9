"""New keys, and peers that are not registered any more."""

import ssl
from contextlib import suppress

import pytest

from enigmalang.transport.identity import ChannelKey, new_key
from enigmalang.transport.network import PeerError
from enigmalang.transport.peering.client import ClientConnection
from enigmalang.transport.peering.errors import PeerRefused, PeerUnreachable
from enigmalang.transport.peering.events import Kind
from tests.transport.peering.peering_helpers import LIMITS, LONG, Book, Node, soon, town
from tests.transport.tls_helpers import together

ROOM = bytes(range(32))


def _register(book: Book, node: Node, key: ChannelKey) -> None:
    node.contact = book.register(node.contact.address, node.peering.port, key)


def test_a_node_that_is_dialled_changes_its_key_without_a_gap() -> None:
    with town(["ann", "bob", "cid"], book := Book()) as nodes:
        ann, bob, cid = nodes.values()
        old, new = bob.contact, new_key("bob")
        assert ann.peering.ask("bob", b"1", LONG) == b"ann:1"
        bob.peering.rekey(new)
        assert cid.peering.ask("bob", b"2", LONG) == b"cid:2"  # a new connection: the hub still has the old key
        _register(book, bob, new)
        with ClientConnection(old, LIMITS) as late:  # it has not heard of the new one yet, nor has bob
            assert late.ask(b"3", LONG) == b"anybody:3"
        for node in nodes.values():
            node.peering.refresh()
        ann.ear.wait(Kind.LOST, "the key is not registered any more", peer="bob")
        for node in (ann, cid):
            assert node.peering.ask("bob", b"4", LONG)[4:] == b"4"
        with (
            ClientConnection(old, LIMITS) as late,
            pytest.raises(PeerRefused, match="another key is held here than the one that is wanted"),
        ):
            late.ask(b"5", LONG)
        assert bob.peering.ask("ann", b"6", LONG) == b"bob:6"


def test_a_node_that_dials_changes_its_key_without_a_gap() -> None:
    with town(["ann", "bob"], book := Book()) as nodes:
        ann, bob = nodes.values()
        ann.peering.rekey(key := new_key("ann"))
        assert ann.peering.ask("bob", b"1", LONG) == b"ann:1"  # still with the old key
        _register(book, ann, key)
        with pytest.raises(PeerRefused, match="not that of a registered node any more"):
            ann.peering.ask("bob", b"2", LONG)  # bob did not refresh, but looks at each request
        assert ann.peering.ask("bob", b"3", LONG) == b"ann:3"  # with the new one
        ann.peering.refresh()
        assert ann.peering.ask("bob", b"4", LONG) == b"ann:4"
        assert bob.peering.ask("ann", b"5", LONG) == b"bob:5"


def test_a_kept_connection_to_an_old_key_is_not_used() -> None:
    with town(["ann", "bob"], book := Book()) as nodes:
        ann, bob = nodes.values()
        assert ann.peering.ask("bob", b"1", LONG) == b"ann:1"
        bob.peering.rekey(key := new_key("bob"))
        _register(book, bob, key)  # and nobody refreshes
        assert ann.peering.ask("bob", b"2", LONG) == b"ann:2"
        assert ann.ear.count(Kind.CONNECTED, peer="bob") == 2
        assert ann.ear.count(Kind.LOST, peer="bob") == 1


def test_a_key_that_is_removed_while_it_is_dialled() -> None:
    """The refresh came before the connection stood in the table."""

    class Removed(Book):
        def who(self, wanted: bytes) -> str | None:
            known = super().who(wanted)
            return None if known == "bob" else known

    with town(["ann", "bob"], Removed()) as nodes:
        with pytest.raises(PeerUnreachable, match="bob: is not registered any more"):
            nodes["ann"].peering.ask("bob", b"1", LONG)
        assert nodes["ann"].peering._connections.count(lambda place: True) == 0


def test_rotation_may_be_repeated() -> None:
    with town(["ann", "bob"], book := Book()) as nodes:
        ann, bob = nodes.values()
        for k in range(4):
            bob.peering.rekey(key := new_key("bob"))
            _register(book, bob, key)
            for node in nodes.values():
                node.peering.refresh()
            assert ann.peering.ask("bob", b"%d" % k, LONG) == b"ann:%d" % k
            assert bob.peering.ask("ann", b"%d" % k, LONG) == b"bob:%d" % k


def test_what_is_no_key_is_not_taken() -> None:
    with town(["ann", "bob"]) as nodes:
        ann, bob = nodes.values()
        with pytest.raises(ssl.SSLError):
            bob.peering.rekey(ChannelKey(bob.key.certificate, b"no key"))
        assert ann.peering.ask("bob", b"1", LONG) == b"ann:1"


def test_a_node_that_is_slashed_is_cut_off() -> None:
    with town(["ann", "bob"], book := Book()) as nodes:
        ann, bob = nodes.values()
        assert ann.peering.ask("bob", b"1", LONG) == b"ann:1"
        assert bob.peering.ask("ann", b"1", LONG) == b"bob:1"
        contact = ann.contact
        book.remove("ann")
        bob.peering.refresh()
        bob.ear.wait(Kind.LOST, "the key is not registered any more", peer="ann", times=2)  # both ways
        with pytest.raises(PeerUnreachable, match="ann: is not registered"):
            bob.peering.ask("ann", b"2", LONG)
        with pytest.raises((PeerRefused, PeerUnreachable)):
            ann.peering.ask("bob", b"2", LONG)
        with pytest.raises(PeerRefused, match="the certificate is not that of a registered node"):
            ann.peering.ask("bob", b"3", LONG)
        book.register("ann", contact.port, ann.key)
        assert ann.peering.ask("bob", b"4", LONG) == b"ann:4"


def test_data_links_end_with_the_key() -> None:
    with town(["ann", "bob"], book := Book()) as nodes:
        ann, bob = nodes.values()
        sender, receivers = together(
            lambda: ann.peering.link("bob", ROOM, soon(), 2),
            lambda: bob.peering.meet(ROOM, {"ann": 1}, soon()),
        )
        sender.send(1, b"hello")
        assert bytes(receivers["ann"].receive(1, 5)) == b"hello"
        book.remove("ann")
        bob.peering.refresh()
        with pytest.raises(PeerError, match="node 1: closed the connection"):
            receivers["ann"].receive(2, 5)
        with pytest.raises(PeerError, match="node 2: closed the connection"):
            for tag in range(2, 100):  # the system may take a few frames before it tells
                sender.send(tag, bytes(10_000))
        sender.close()
        receivers["ann"].close()


def test_a_key_that_takes_over_the_address_of_another() -> None:
    """The hub says who has a certificate; two connections with one key are never two nodes."""
    with town(["ann", "bob"], book := Book()) as nodes:
        ann, bob = nodes.values()
        assert ann.peering.ask("bob", b"1", LONG) == b"ann:1"
        book.remove("ann")
        book.register("zoe", ann.peering.port, ann.key)
        bob.peering.refresh()
        bob.ear.wait(Kind.LOST, "the key is not registered any more", peer="ann")
        with suppress(PeerUnreachable):  # ann may not have seen the end of her connection
            ann.peering.ask("bob", b"2", LONG)
        assert ann.peering.ask("bob", b"3", LONG) == b"zoe:3"
