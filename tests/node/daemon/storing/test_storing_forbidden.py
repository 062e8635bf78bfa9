"""Whom the predicate forbids reads nothing at any node, whatever is asked of it: a value that is sealed for him, or one
that is in the clear."""

import pytest
from daemon_world import World
from storing_nodes import ALICE, BOB, EVE, StoringNodes, filled, key_of_text, only

from enigmalang.chain.digests import Domain
from enigmalang.chain.hub import DHT
from enigmalang.dht.chunks import CHUNK
from enigmalang.dht.records import decode_record
from enigmalang.node import remote_storage as rs
from enigmalang.node.daemon.storing import messages as m
from enigmalang.transport.peering.errors import PeerRefused
from enigmalang.wire import chunk_messages as cm
from enigmalang.wire import dht_messages as dm


@pytest.fixture(scope="module")
def three(made: World, tmp_path_factory):
    with StoringNodes(made, tmp_path_factory.mktemp("three"), 3) as nodes:
        yield nodes


def shown(nodes: StoringNodes, client: rs.Nodes, node: str, key: str, signer, who=None, at=None, domain=None) -> m.Pass:
    """A pass that `signer` signs for reading `key`; forged in what is given beside that."""
    given = client.ask(node, m.Challenge(DHT, key_of_text(key)))
    digest = m.pass_digest(domain or nodes.world.hub.domain, at or node, DHT, key_of_text(key), given.challenge)
    return m.Pass((who or signer).address, given.challenge, signer.signing.sign(digest).to_bytes())


def forged(nodes: StoringNodes, client: rs.Nodes, node: str, key: str, other: str) -> dict[str, m.Pass | None]:
    """All that Bob can show; Alice, who may read, has shown a pass to another node and for another key."""
    alices = shown(nodes, client, node, key, ALICE)
    bobs = shown(nodes, client, node, key, BOB)
    elsewhere = next(each.address for each in nodes.all if each.address != node)
    return {
        "nobody": None,
        "himself": bobs,
        "himself, as Alice": shown(nodes, client, node, key, BOB, who=ALICE),
        "Alice's challenge": m.Pass(ALICE.address, alices.challenge, bobs.signature),
        "Alice's pass at another node": shown(nodes, client, elsewhere, key, ALICE),
        "Alice's pass for another key": shown(nodes, client, node, other, ALICE),
        "Alice's signature for another node": shown(nodes, client, node, key, ALICE, at=elsewhere),
        "Alice's signature on another chain": shown(nodes, client, node, key, ALICE,
                                                    domain=Domain(1, nodes.world.hub.address)),
        "Alice's pass in his name": m.Pass(BOB.address, alices.challenge, alices.signature),
        "a challenge of his own": m.Pass(ALICE.address, bytes(32), alices.signature),
        "no signature": m.Pass(ALICE.address, alices.challenge, bytes(65)),
        "a stranger": shown(nodes, client, node, key, EVE),
    }


@pytest.mark.parametrize("sealed", [True, False])
def test_nothing_that_is_shown_or_asked_helps(three: StoringNodes, sealed: bool):
    content, key, other = filled(CHUNK + 7), f"mine {sealed}", f"another {sealed}"
    three.put(key, content, [ALICE, BOB] if sealed else None, rule=only(ALICE))
    three.put(other, b"x", None, who=BOB)
    three.held(key)
    with three.client() as client:
        record = rs.find(three.world.hub, client, key_of_text(key)).record
        assert record is not None
        for node in three.all:
            for name, given in forged(three, client, node.address, key, other).items():
                for place in range(record.value.chunks):
                    answer = client.ask(node.address, m.Read(DHT, key_of_text(key), place, given))
                    assert isinstance(answer, m.Denied), name
            good = shown(three, client, node.address, key, ALICE)  # else all of it proves nothing
            pieces = [client.ask(node.address, m.Read(DHT, key_of_text(key), place, good))
                      for place in range(record.value.chunks)]
            assert all(isinstance(piece, cm.Piece) and piece.chunk for piece in pieces)
            # What nodes ask each other, a client cannot ask; and the record that anyone may see has no content.
            for request in (cm.AskChunk(0, m.name_of(DHT, key_of_text(key)), record.root, record.size, 0),
                            dm.FindValue(0, m.name_of(DHT, key_of_text(key)))):
                with pytest.raises(PeerRefused):
                    client.ask(node.address, request)
            told = client.ask(node.address, m.Locate(DHT, key_of_text(key)))
            assert isinstance(told, m.Located) and len(told.record) < 2000
            assert decode_record(told.record).record == record
    assert three.get(key, ALICE) == content
