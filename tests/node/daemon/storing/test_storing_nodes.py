"""Values on nodes: they outlive nodes, and go to whom they are for."""

from daemon_world import World
from storing_nodes import ALICE, BOB, StoringNodes, filled


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
