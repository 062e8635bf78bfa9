"""What clients store and read at nodes: who may, who may not, and what lying nodes can do."""

import pytest
from daemon_world import World, until
from storing_nodes import ALICE, BOB, EVE, StoringNodes, filled, key_of_text, only

from enigmalang.chain.hub import DHT
from enigmalang.dht.chunks import CHUNK, Chunk, encode_chunk, leaf_of
from enigmalang.dht.records import encode_record
from enigmalang.node import remote_storage as rs
from enigmalang.node.daemon.storing import messages as m
from enigmalang.node.remote import RemoteError
from enigmalang.transport.peering.errors import PeerRefused, Refusal
from enigmalang.wire import chunk_messages as cm
from enigmalang.wire import dht_messages as dm


def _chunk_from(nodes: StoringNodes, holder, key: str, place: int, shown: m.Pass | None):
    with nodes.client() as client:
        return client.ask(holder.address, m.Read(DHT, key_of_text(key), place, shown))


def _pass(nodes: StoringNodes, holder, key: str, who) -> m.Pass:
    with nodes.client() as client:
        given = client.ask(holder.address, m.Challenge(DHT, key_of_text(key)))
    digest = m.pass_digest(nodes.world.hub.domain, holder.address, DHT, key_of_text(key), given.challenge)
    return m.Pass(who.address, given.challenge, who.signing.sign(digest).to_bytes())


@pytest.fixture(scope="module")
def few(made: World, tmp_path_factory):
    """Four nodes that several tests share; nobody stops one of them."""
    with StoringNodes(made, tmp_path_factory.mktemp("few"), 4, check_seconds=0.5) as nodes:
        yield nodes


def test_sealed_chunks_go_to_whom_the_predicate_lets_and_to_nobody_else(few: StoringNodes):
    content = filled(CHUNK + 5)
    few.put("letter", content, [ALICE, BOB])
    first, second = few.held("letter")[:2]
    assert few.get("letter", BOB) == content
    with pytest.raises(RemoteError) as refused:
        few.get("letter", EVE)
    assert refused.value.code == "E0510" and "not sealed for eve" in refused.value.text
    bobs = _pass(few, first, "letter", BOB)
    assert isinstance(_chunk_from(few, first, "letter", 1, bobs), cm.Piece)
    stolen = m.Pass(BOB.address, bobs.challenge, _pass(few, first, "letter", EVE).signature)
    for holder, shown in [
        (first, None), (first, _pass(few, first, "letter", EVE)), (first, stolen),
        (second, bobs),  # a pass is for one node
    ]:
        assert isinstance(_chunk_from(few, holder, "letter", 0, shown), m.Denied)
    few.put("other letter", content, [ALICE])
    assert isinstance(_chunk_from(few, first, "other letter", 0, bobs), m.Denied | cm.Piece)
    refusals = until(lambda: few.world.hub.events(["Refused"]), "the refusal is recorded")
    assert refusals[0].fields["who"].lower() == EVE.address and refusals[0].fields["key"] == key_of_text("letter")
    assert first.status["refused_reads"] >= 1


def test_who_may_not_read_any_more_is_refused_though_it_is_sealed_for_him(few: StoringNodes):
    """The rule on the hub decides; here it never let Bob, for whom the value is sealed."""
    few.put("draft", filled(1000), [ALICE, BOB], rule=only(ALICE))
    few.held("draft")
    assert few.get("draft", ALICE) == filled(1000)
    with pytest.raises(RemoteError) as refused:
        few.get("draft", BOB)
    assert refused.value.code == "E0510" and "predicate" in refused.value.text


def test_what_is_for_anyone_is_read_without_a_name(few: StoringNodes):
    few.put("news", b"", None)
    assert few.get("news", None) == b""
    content = filled(3 * CHUNK + 1)
    few.put("news", content, None)
    assert few.get("news", None) == few.get("news", EVE) == content
    with pytest.raises(RemoteError) as none:
        few.get("nothing", None)
    assert none.value.code == "E0511"


def test_a_newer_version_wins_and_the_older_one_goes(few: StoringNodes):
    old, new = filled(CHUNK, "old"), filled(2 * CHUNK, "new")
    before = few.put("page", old)
    few.held("page")
    after = few.put("page", new)
    assert after.record.version > before.record.version
    assert few.get("page") == new
    for node in few.all:
        assert until(lambda node=node: (kept := node.part._shelf.record(DHT, key_of_text("page"))) is None
                     or kept.record == after.record, "the old one goes")
        until(lambda node=node: node.part._shelf.missing(before.record) is None, "its chunks go")


def test_strangers_cannot_store(few: StoringNodes):
    """Neither under a key of another, nor under one that the hub does not give them, nor chunks of no value."""
    stored = few.put("mine", filled(10), [ALICE])
    holder = few.held("mine")[0]
    with pytest.raises(RemoteError) as refused:
        few.put("mine", b"eve was here", [EVE], who=EVE)
    assert refused.value.code == "E0510" and ALICE.address in refused.value.text
    chunk = Chunk(0, b"eve", ())
    root = leaf_of(b"eve")
    with few.client() as client:
        for key in ("mine", "free"):
            record = rs.Record(DHT, key_of_text(key), bytes.fromhex(EVE.address[2:]), 2**60, 3, root, rs.CLEAR,
                               stored.record.rule)
            forged = rs.sign_record(record, few.world.hub.domain.separator, EVE.signing)
            with pytest.raises(PeerRefused, match=r"ledger|another"):
                client.ask(holder.address, dm.Store(0, m.name_of(DHT, key_of_text(key)), encode_record(forged)))
        for key in ("mine", "free"):
            name = m.name_of(DHT, key_of_text(key))
            kept = client.ask(holder.address, cm.KeepChunk(0, name, root, 3, encode_chunk(chunk)))
            assert isinstance(kept, cm.Kept) and not kept.accepted
        with pytest.raises(PeerRefused):
            client.ask(holder.address, dm.Ping(0))  # what nodes ask each other is not for clients
    assert few.get("mine") == filled(10)


def test_a_node_that_fails_in_the_middle_of_an_upload_is_replaced_by_the_next(few: StoringNodes, monkeypatch):
    with few.client() as client:
        ranked = next(reply.nodes for _, reply in client.each(m.Where(DHT, key_of_text("opera"), 8 * CHUNK), 20.0))
    failing = next(node for node in few.all if node.address == ranked[0])
    taken = []

    def fails(request):
        taken.append(request)
        raise Refusal("closing")

    monkeypatch.setattr(failing.part._keeper, "keep_chunk", fails)
    stored = few.put("opera", filled(8 * CHUNK), [ALICE])
    assert taken and sorted(stored.holders) == sorted(set(ranked) - {failing.address})
    assert few.get("opera", first=[failing]) == filled(8 * CHUNK)


def test_a_tampered_chunk_is_noticed_and_another_holder_asked(few: StoringNodes, monkeypatch):
    content = filled(4 * CHUNK)
    few.put("ledger", content, [ALICE])
    liar = few.held("ledger")[0]
    asked = []
    true = liar.part._keeper.read

    def lies(request):
        piece = true(request)
        if not isinstance(piece, cm.Piece) or not piece.chunk:
            return piece
        asked.append(request.place)
        return cm.Piece(0, piece.chunk[:-40] + bytes([piece.chunk[-40] ^ 1]) + piece.chunk[-39:])

    monkeypatch.setattr(liar.part._keeper, "read", lies)
    monkeypatch.setattr(liar.part._clients._keeper, "read", lies)
    with few.client([liar]) as client:
        found = rs.find(few.world.hub, client, key_of_text("ledger"))
        assert liar.address in found.holders
        got = bytearray()
        rs.read(few.world.hub, client, rs.Found(found.pointer, found.record,
                (liar.address, *(h for h in found.holders if h != liar.address))), ALICE, got.extend)
        assert got == content and asked
        with pytest.raises(RemoteError) as alone:
            rs.read(few.world.hub, client, rs.Found(found.pointer, found.record, (liar.address,)), ALICE, got.extend)
    assert alone.value.code == "E0709" and "not the one that was signed for" in alone.value.text


def test_a_chunk_that_the_disk_lost_is_not_given_and_is_copied_again(few: StoringNodes):
    few.put("archive", filled(2 * CHUNK), [ALICE])
    keeper = few.held("archive")[0].part._keeper
    record = keeper.kept(DHT, key_of_text("archive")).record
    damage = "UPDATE chunks SET data = x'00' WHERE place = 1 AND value = (SELECT id FROM kept WHERE root = ?)"
    assert keeper.shelf._write(lambda db: db.execute(damage, (record.root,)).rowcount) == 1
    assert keeper.shelf.chunk(record, 1) is None
    assert few.get("archive") == filled(2 * CHUNK)
    until(lambda: keeper.whole(record), "the chunk is copied back")
