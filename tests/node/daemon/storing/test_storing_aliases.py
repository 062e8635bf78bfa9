"""Another key that points to a value which is kept gives nothing of it: a root is public, and possession is shown."""

import pytest
from daemon_world import World
from storing_nodes import ALICE, BOB, StoringNodes, filled, key_of_text, only

from enigmalang.chain.hub import DHT
from enigmalang.dht.records import Record, encode_record, sign_record
from enigmalang.node import remote_storage as rs
from enigmalang.node.daemon.storing import messages as m
from enigmalang.node.remote import RemoteError
from enigmalang.wire import chunk_messages as cm
from enigmalang.wire import dht_messages as dm


@pytest.mark.parametrize("sealed", [True, False])
def test_a_key_that_points_to_anothers_value_has_none_of_its_chunks(world: World, tmp_path, sealed: bool):
    """Bob has the sealed value's key, or it is in the clear; the rule forbids him to read it all the same."""
    content, hub = filled(200_000), world.hub
    with StoringNodes(world, tmp_path, 3) as nodes:
        nodes.put("draft", content, [ALICE, BOB] if sealed else None, rule=only(ALICE))
        nodes.held("draft")
        assert _refusal(nodes, "draft") == "E0510"
        nodes.put("other", b"x", None, who=BOB)
        with nodes.client() as client:
            there = rs.find(hub, client, key_of_text("draft")).record
            assert there is not None
            mine = Record(DHT, key_of_text("alias"), bytes.fromhex(BOB.address[2:]), 1, there.size, there.root,
                          there.sealing, hub.pointer(DHT, key_of_text("other")).rule)
            hub.point(BOB.signing, DHT, mine.key, mine.commitment(), mine.rule)
            signed = encode_record(sign_record(mine, hub.domain.separator, BOB.signing))
            name = m.name_of(DHT, mine.key)
            for node in nodes.all:
                stored = client.ask(node.address, dm.Store(0, name, signed))
                assert isinstance(stored, dm.Stored) and stored.accepted  # a record, and room for what he may upload
                lacking = client.ask(node.address, cm.AskMissing(0, name, mine.root, mine.size))
                assert isinstance(lacking, cm.Lacking) and list(lacking.places) == list(range(mine.value.chunks))
                piece = client.ask(node.address, m.Read(DHT, mine.key, 0, None))
                assert isinstance(piece, cm.Piece) and not piece.chunk
        assert _refusal(nodes, "alias") == "E0709"
        assert nodes.get("draft", ALICE) == content


def _refusal(nodes: StoringNodes, key: str) -> str:
    with pytest.raises(RemoteError) as refused:
        nodes.get(key, BOB)
    return refused.value.code
