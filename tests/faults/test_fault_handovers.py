"""Nodes are killed (kill -9) at every named point of a hand-over: the contract is one committee's or the other's, never
nobody's; nothing is lost, the next job is right, and of what the old committee had nothing is left in the end.

A few points always, the others when asked for: `pytest -m faults_long tests/faults`.
"""

from collections.abc import Iterator
from contextlib import closing
from random import Random

import pytest
from fault_purse import PEOPLE, Purse, on_disk
from fault_town import SOON, Node, Town, until

from enigmalang.chain import development
from enigmalang.chain.hub import Hub
from enigmalang.node.durable import points

HOUR = 3600
#: Seconds that a hand-over may take in which somebody dies: it begins anew when nobody waits for them any more, which
#: takes a minute, and again when they are back.
IN_THE_END = 400.0
USUAL = (points.HAND_RECEIVED, points.HAND_SENT)


@pytest.fixture(scope="module")
def moving() -> Iterator[Purse]:
    """A town of its own: its clock jumps, and its committees last an hour."""
    with Town(4, job_time=600, prepare=lambda node: node.change("committees", refresh_hours=1.0)) as town, closing(
            Purse(town, Random("hand-overs"))) as purse:
        for who in PEOPLE:
            assert purse.put(who)
        yield purse


def sealed(hub: Hub, node: Node, committee: int) -> list[bytes]:
    """The rows of a node's disk that are of no use to anybody but this committee."""
    with on_disk(hub, node) as state:
        rows = [state.file.rows(f"SELECT {column} FROM {table} WHERE committee = ?", committee)
                for column, table in (("value", "current"), ("keys", "committees"), ("pieces", "masks"))]
        return [bytes(value) for found in rows for (value,) in found if value]


def is_gone(hub: Hub, node: Node, committee: int, rows: list[bytes]) -> bool:
    """Whether a node's disk has nothing of a committee any more."""
    files = b"".join(path.read_bytes() for path in (node.folder / "data" / "seats").glob("state.db*"))
    with on_disk(hub, node) as state:
        return committee not in state.committees() and not any(row in files for row in rows)


def homes(hub: Hub, node: Node, contract: str) -> set[int]:
    """The committees under which a node keeps anything of a contract."""
    with on_disk(hub, node) as state:
        return {number for number in state.committees() if contract in state.committee(number).known() or any(
            handed.contract == contract for handed in state.committee(number).handed.all())}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("point", [
    pytest.param(name, marks=() if name in USUAL else pytest.mark.faults_long) for name in points.HANDING])
def test_a_node_is_killed_in_a_hand_over(point: str, moving: Purse) -> None:
    purse, town = moving, moving.town
    town.mend()
    with town.on_hub() as hub:
        old = hub.attachment(purse.address).committee
        rows = {node.number: sealed(hub, node, old) for node in purse.members}
        assert all(rows.values())
        town.somebody_dies_at(point)
        development.advance(hub.chain, seconds=HOUR)
        victim = until(lambda: next((node for node in town.nodes if not node.runs), None), "a death", SOON)
        victim.died()
        later = purse.putting()  # asked for in the middle of it
        victim.start()
        new = until(lambda: (now := hub.attachment(purse.address).committee) != old and now, "a hand-over",
                    IN_THE_END)
        assert later.result(IN_THE_END)
        purse.check()
        assert hub.attachment(purse.address).committee == new
        for node in town.nodes:
            until(lambda node=node: is_gone(hub, node, old, rows.get(node.number, [])),
                  f"node {node.number} having nothing of committee {old}", SOON)
            assert homes(hub, node, purse.address) == ({new} if node in purse.members else set())
