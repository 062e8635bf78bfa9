"""Values on nodes: they outlive nodes, and go to whom they are for."""


import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO

import pytest
from daemon_world import PARAMETERS, World, until
from storing_nodes import ALICE, ANYONE, BOB, LONG, SETTINGS, StoringNodes, filled, key_of_text

from enigmalang.chain import development
from enigmalang.chain.hub import DHT
from enigmalang.chain.rules import rule_name
from enigmalang.dht.chunks import CHUNK
from enigmalang.dht.records import encode_record
from enigmalang.node import remote_storage as rs
from enigmalang.node.daemon.storing.messages import Holders, Where, name_of
from enigmalang.node.remote import RemoteError, active_nodes
from enigmalang.wire import chunk_messages as cm
from enigmalang.wire import dht_messages as dm


def test_twenty_megabytes_outlive_any_two_nodes_and_after_repair_two_more(world: World, tmp_path):
    content = filled(20 << 20)
    with StoringNodes(world, tmp_path, 7) as nodes:
        stored = nodes.put("film", content, [ALICE, BOB])
        assert len(stored.holders) == stored.wanted == 3
        for reader in (ALICE, BOB):
            lost = nodes.held("film")[:2]
            for node in lost:
                node.stop()
            assert nodes.get("film", reader) == content
            nodes.held("film")  # copied again
        assert len(nodes.running) == 3
        assert nodes.get("film", BOB) == content


def test_a_node_that_is_started_again_has_what_it_had_and_is_found(world: World, tmp_path):
    with StoringNodes(world, tmp_path, 3) as nodes:
        nodes.put("will", filled(CHUNK), [ALICE])
        nodes.held("will")
        for node in nodes.all:
            node.stop()
        for node in nodes.all:
            assert (node.folder / "data" / "dht-contacts.json").exists()
            node.start()
        for node in nodes.all:
            node.ready()
        assert len(nodes.held("will")) == 3 and nodes.get("will") == filled(CHUNK)
        nodes.acquainted()


def test_a_holder_that_comes_back_is_one_too_many_and_one_of_them_goes(world: World, tmp_path):
    with StoringNodes(world, tmp_path, 5, replace(SETTINGS, republish=2.0)) as nodes:
        nodes.put("map", filled(CHUNK), None)
        gone = nodes.held("map")[0]
        gone.stop()
        others = nodes.held("map")
        gone.start()
        gone.ready()
        until(lambda: gone.part._keeper.kept(DHT, key_of_text("map")), "it has kept it")
        assert set(nodes.held("map")) <= {gone, *others}
        assert sum(node.status["values"] for node in nodes.all) == 3


def test_who_gives_notice_gets_nothing_new_and_is_replaced_when_it_is_gone(world: World, tmp_path):
    with StoringNodes(world, tmp_path, 4, away_seconds=1000.0) as nodes:
        nodes.put("old", filled(CHUNK), [ALICE])
        leaving = nodes.held("old")[0]
        others = [node for node in nodes.all if node is not leaving]
        world.hub.leave(leaving.daemon._keys.signing)
        until(lambda: all(not node.part._view.standing(leaving.address).reputation for node in others), "it is noticed")
        stored = nodes.put("new", filled(CHUNK), [ALICE])
        assert set(stored.holders) == {node.address for node in others}
        assert leaving in nodes.holders("old")
        leaving.stop()
        development.advance(world.chain, seconds=PARAMETERS.unbonding + 1)
        until(lambda: all(node in nodes.holders("old") for node in others), "the others have it")


def test_a_holder_that_is_away_for_a_short_time_is_waited_for(world: World, tmp_path):
    with StoringNodes(world, tmp_path, 5, away_seconds=3600.0) as nodes:
        nodes.put("map", filled(CHUNK), None)
        gone, *others = nodes.held("map")
        until(lambda: all(len(node.part._copies._others.get(name_of(DHT, key_of_text("map")), ())) == 2
                          for node in others), "they know each other")
        gone.stop()
        until(lambda: all(gone.address in node.part._copies._away for node in others), "they miss it")
        for node in others:
            node.part._copies.review(name_of(DHT, key_of_text("map")))
        assert set(nodes.holders("map")) == set(others)
        assert all(node.status["copies"] == 0 for node in others)


def test_what_had_too_few_holders_has_enough_when_a_node_is_there_again(world: World, tmp_path):
    with StoringNodes(world, tmp_path, 3) as nodes:
        late = nodes.all[2]
        late.stop()
        assert len(nodes.put("map", filled(CHUNK), None).holders) == 2
        late.start()
        late.ready()
        assert late in nodes.held("map", 3)


class _Halting(rs.Nodes):
    """A client that hands chunks to the node that it comes to first, and to the others when it `goes_on`."""

    def __init__(self, contacts) -> None:
        super().__init__(contacts)
        self.first, self.goes_on, self._lock = "", threading.Event(), threading.Lock()

    def ask(self, node, message, seconds=LONG):
        if isinstance(message, cm.KeepChunk):
            with self._lock:
                self.first = self.first or node
            assert node == self.first or self.goes_on.wait(LONG)
        return super().ask(node, message, seconds)


def test_what_is_just_being_stored_is_not_copied_to_others(world: World, tmp_path):
    name = name_of(DHT, key_of_text("map"))
    with StoringNodes(world, tmp_path, 4, replicas=2, away_seconds=1000.0) as nodes, ThreadPoolExecutor(1) as pool:
        with _Halting(active_nodes(world.hub)) as client:
            source, size = BytesIO(filled(CHUNK)), CHUNK
            putting = pool.submit(rs.put, world.hub, client, ALICE, key_of_text("map"), source, size, None, ANYONE)
            try:
                early = nodes.held("map", 1)[0]
                assert not early.part._copies.review(name)  # that another is missing is seen
                assert nodes.holders("map") == [early] and early.status["copies"] == 0
            finally:
                client.goes_on.set()
            stored = putting.result(LONG)
        assert early.part._copies.review(name)
        assert {node.address for node in nodes.holders("map")} == set(stored.holders) and len(stored.holders) == 2
        assert all(node.status["copies"] == 0 for node in nodes.all)


def test_a_node_that_knows_of_no_room_does_not_end_the_search(world: World, tmp_path):
    class Narrow(rs.Nodes):
        """A client whose first node knows of nobody."""

        asked = 0

        def ask(self, node, message, seconds=LONG):
            reply = super().ask(node, message, seconds)
            if isinstance(message, Where):
                self.asked += 1
                return Holders([], reply.replicas) if self.asked == 1 else reply
            return reply

    with StoringNodes(world, tmp_path, 3), Narrow(active_nodes(world.hub)) as client:
        stored = rs.put(world.hub, client, ALICE, key_of_text("map"), BytesIO(filled(9)), 9, None, ANYONE)
        assert client.asked == 2 and len(stored.holders) == 3


def test_a_full_node_says_so_and_others_take_the_value(world: World, tmp_path):
    with StoringNodes(world, tmp_path, 3, replicas=2, quota_bytes=3 << 20, away_seconds=1000.0) as nodes:
        assert len(nodes.put("one", filled(1800 << 10, "one"), None).holders) == 2
        assert len(nodes.put("two", filled(1800 << 10, "two"), None).holders) == 1  # two nodes are full
        with pytest.raises(RemoteError) as full:
            nodes.put("three", filled(1800 << 10, "three"), None)
        assert full.value.code == "E0709" and "no node has room" in full.value.text
        assert world.hub.pointer(DHT, key_of_text("three")).commitment == bytes(32)  # nothing was paid for
        refused = nodes.all[0].part._keeper.store(_too_large(nodes))
        assert not refused.accepted and "quota" in refused.why
        assert nodes.get("two", None) == filled(1800 << 10, "two")


def _too_large(nodes: StoringNodes) -> dm.Store:
    """A record of a value that fits nowhere, to which the hub points."""
    record = rs.Record(DHT, key_of_text("large"), bytes.fromhex(ALICE.address[2:]), 1, 4 << 20, bytes(32), rs.CLEAR,
                       rule_name(ANYONE))
    nodes.world.hub.point(ALICE.signing, DHT, record.key, record.commitment(), record.rule)
    signed = rs.sign_record(record, nodes.world.hub.domain.separator, ALICE.signing)
    return dm.Store(0, name_of(DHT, record.key), encode_record(signed))


def test_a_client_goes_on_when_the_node_that_it_asked_dies(world: World, tmp_path):
    with StoringNodes(world, tmp_path, 4) as nodes:
        nodes.put("song", filled(CHUNK), None)
        dead = nodes.held("song")[0]
        with nodes.client([dead]) as client:
            found = rs.find(world.hub, client, key_of_text("song"))
            assert found.holders[0] == dead.address
            dead.stop()
            got = bytearray()
            rs.read(world.hub, client, found, None, got.extend)  # from the other holders
            assert got == filled(CHUNK)
            assert dead.address not in rs.find(world.hub, client, key_of_text("song")).holders
        assert len(nodes.put("another", filled(10), None, first=[dead]).holders) == 3


