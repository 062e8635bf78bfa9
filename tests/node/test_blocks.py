"""Masks in stock: the same at the nodes and the client, each used once; runs without enough of them do the long way."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pytest
from node_helpers import LONG, A, B, run_product

from enigmalang.circuits.circuit import Circuit, Node
from enigmalang.fields import field_named
from enigmalang.mpc.opening import reveal, reveal_bits
from enigmalang.mpc.party import Party
from enigmalang.mpc.setup import exchange_keys
from enigmalang.node.blocks import BLOCK, FEW, ClientBlock, NodeBlock, Position
from enigmalang.node.cluster import Cluster
from enigmalang.node.masking import MaskError, Slot, unmask_share
from enigmalang.sharing import ArithShare, structure
from enigmalang.transport.memory import MemoryNetwork, run_parties
from enigmalang.wire import messages as msg
from enigmalang.wire.errors import WireError

T = TypeVar("T")


def nodes(n: int, field: str, body: Callable[[Party], T], wide: bool | None = None) -> list[T]:
    def start(network: MemoryNetwork) -> T:
        keys = exchange_keys(network, (n - 1) // 2, wide=wide)
        return body(Party(network, keys, field_named(field), b"test"))

    return run_parties(n, start, seconds=30)


@pytest.mark.parametrize(("n", "field"), [(3, "M61"), (5, "M127"), (4, "M61")])
def test_masked_with_a_block_and_shared(n: int, field: str) -> None:
    slots = {0: Slot((3,), False), 1: Slot((2, 35), True), 4: Slot((), False), 7: Slot((), True)}
    half = (1 << (60 if field == "M61" else 126)) - 1
    inputs = [np.array([-half, half, 0], dtype=object)] + [np.zeros(())] * 7
    inputs[1] = np.arange(70).reshape(2, 35) % 3 == 0
    inputs[4], inputs[7] = np.array(-5), np.array(True)
    client = ClientBlock(field, structure(n, (n - 1) // 2))
    assert client.mask(slots, inputs) is None  # no block yet
    blocks: dict[int, NodeBlock] = {}
    told: dict[int, list[bytes]] = {}

    def begin(party: Party) -> Party:
        blocks[party.me] = NodeBlock(party)
        told[party.me] = blocks[party.me].renewed()
        return party

    def body(party: Party) -> list[list[int]]:
        shares = [
            unmask_share(mask, data, party.field, party.structure, party.me)
            for mask, data in zip(blocks[party.me].take(slots.values()), masked, strict=True)
        ]
        opened = []
        for share in shares:
            if isinstance(share, ArithShare):
                opened.append([int(v) for v in party.field.to_ints(reveal(party, share)).reshape(-1)])
            else:
                words = reveal_bits(party, share)
                opened.append([int(words[i // 64]) >> (i % 64) & 1 for i in range(share.size)])
        return opened

    parties = {party.me: party for party in nodes(n, field, begin)}
    client.renew(told)
    found = client.mask(slots, inputs)
    assert found is not None
    masked = found

    def again(network: MemoryNetwork) -> list[list[int]]:
        party = parties[network.me]
        party.network = network
        return body(party)

    expected = [[int(v) for v in np.asarray(inputs[number]).reshape(-1).tolist()] for number in slots]
    assert run_parties(n, again, seconds=30) == [expected] * n


def test_no_mask_is_given_twice() -> None:
    """The places in a block follow each other; what does not fit changes nothing."""
    position = Position(0)
    number, bit = Slot((100,), False), Slot((100,), True)
    seen: list[tuple[bool, int]] = []
    for slots in ([number], [bit, number], [number, number, bit], [bit] * 5, [number] * 2, [bit]):
        before = position.numbers, position.bits
        ranges = position.ranges(slots)
        if ranges is None:
            assert (position.numbers, position.bits) == before
            continue
        seen += [(slot.bits, k) for slot, at in ranges for k in range(at.start, at.stop)]
    assert len(seen) == len(set(seen))
    assert max(k for _, k in seen) < BLOCK
    assert (position.numbers, position.bits) == (400, 300)


def test_renewed_when_few_are_left() -> None:
    def body(party: Party) -> list[int]:
        block = NodeBlock(party)
        with pytest.raises(WireError, match="masks in stock"):
            block.take([Slot((1,), False)])
        first = block.renewed()
        assert block.renewed() == []  # enough
        block.take([Slot((BLOCK - FEW,), False)])
        assert block.renewed() == []
        block.take([Slot((1,), True), Slot((1,), False)])
        second = block.renewed()
        assert first != second
        return [len(part) for part in first + second]

    for sizes in nodes(3, "M61", body):
        assert sizes[:2] == sizes[2:]


def test_a_wide_committee_has_no_blocks() -> None:
    assert nodes(4, "M61", lambda party: NodeBlock(party).renewed(), wide=True) == [[]] * 4


@pytest.mark.parametrize("spoil", [lambda parts: [], lambda parts: parts[:1], lambda parts: [parts[0][::-1], parts[1]]])
def test_who_tells_another_block_is_noticed(spoil: Callable[[list[bytes]], list[bytes]]) -> None:
    told = dict(enumerate(nodes(3, "M61", lambda party: NodeBlock(party).renewed()), 1))
    told[2] = spoil(told[2])
    client = ClientBlock("M61", structure(3, 1))
    with pytest.raises(MaskError) as caught:
        client.renew(told)
    assert 2 in caught.value.nodes
    assert client.mask({0: Slot((), False)}, [np.array(1)]) is None


def test_runs_take_the_short_way_when_they_can() -> None:
    """Messages to the nodes: two for the first run, then one, two again for a large input; all answers right."""
    large = Circuit("M61", (Node("input", (), (BLOCK + 1,), A, {"slot": 0}), Node("neg", (0,), (BLOCK + 1,), A)), (1,))
    flip = (Node("load", (), (2,), B, {"handle": 0}), Node("not", (0,), (2,), B))
    public = Circuit("M61", flip, (1,), keeps=((1, 1),))
    first = Circuit("M61", (Node("input", (), (2,), B, {"slot": 0}),), (0,), keeps=((0, 0),))
    sent: list[str] = []
    with Cluster.start(timeout=LONG) as cluster:
        cluster._idle.stop()
        assert cluster._control is not None
        send_all = cluster._control.send_all

        def send(message: msg.Message) -> None:
            sent.append(type(message).__name__)
            send_all(message)

        cluster._control.send_all = send  # type: ignore[method-assign]
        run_product(cluster)
        for _ in range(2 * BLOCK // 8):  # through several blocks
            run_product(cluster)
        assert cluster.run(large, [np.arange(BLOCK + 1)]).opened[0].tolist() == [-k for k in range(BLOCK + 1)]
        assert cluster.run(first, [np.array([True, False])], handles=[70]).opened[0].tolist() == [True, False]
        assert cluster.run(public, [], handles=[70, 71]).opened[0].tolist() == [False, True]
        assert cluster.run(public, [], handles=[71, 72]).opened[0].tolist() == [True, False]
    runs = 2 * BLOCK // 8
    assert sent == ["Prepare", "Run", *["Job"] * runs, "Prepare", "Run", *["Job"] * 3]
