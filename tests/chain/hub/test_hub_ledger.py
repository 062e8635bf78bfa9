"""`L`: append-only, with writers, blocks and times."""

import pytest
from actors import World
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import START, Refused

from enigmalang.chain.digests import log_key

KEY = log_key(["price", 1])


def write(world: World, value: bytes, kind: str = "int64", key: bytes = KEY) -> int:
    receipt = world.hub.send("write", key, kind, value, sender=world.alice.address)
    assert receipt.logs[0][1]["key"] == key
    return receipt.logs[0][1]["index"]


def test_everything_that_was_written_stays(world: World):
    assert not world.hub.call("has", KEY)
    wrote = []
    for i, value in enumerate((b"", b"a" * 32, b"b" * 4096)):
        assert write(world, value, f"kind {i % 2}") == i
        wrote.append({"block": world.machine.number, "time": world.machine.now, "writer": world.alice.address,
                      "kind": f"kind {i % 2}", "value": value})
        world.machine.advance(10)
    assert world.hub.call("count", KEY) == 3
    assert [world.hub.call("entry", KEY, i) for i in range(3)] == wrote
    assert world.hub.call("latest", KEY) == wrote[-1]
    assert world.hub.call("has", KEY)
    assert not world.hub.call("has", log_key(["price", 2]))


def test_nothing_there(world: World):
    for name, args in (("latest", (KEY,)), ("at", (KEY, 2**40))):
        with pytest.raises(Refused, match="nothing under the key"):
            world.hub.call(name, *args)
    with pytest.raises(Refused, match="no such entry"):
        world.hub.call("entry", KEY, 0)


def test_too_much(world: World):
    for kind, value in (("int64", bytes(4097)), ("x" * 65, b"")):
        with pytest.raises(Refused):
            write(world, value, kind)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=9))
def test_as_of_a_block_or_time(deployed: World, pauses: list[int]):
    world = deployed
    mark = world.machine.snapshot()
    try:
        placed = []
        for i, pause in enumerate(pauses):
            for _ in range(pause):
                world.machine.advance(7)
            write(world, bytes([i]))
            placed.append((world.machine.number, world.machine.now, bytes([i])))
        for at in range(placed[0][0], placed[-1][0] + 2):
            expected = [value for number, _, value in placed if number <= at][-1]
            assert world.hub.call("at", KEY, at)["value"] == expected
        for at in range(placed[0][1], placed[-1][1] + 8, 3):
            expected = [value for _, time, value in placed if time <= at][-1]
            assert world.hub.call("at", KEY, at)["value"] == expected
        for before in (placed[0][0] - 1, placed[0][1] - 1):
            with pytest.raises(Refused, match="nothing under the key"):
                world.hub.call("at", KEY, before)
    finally:
        world.machine.revert(mark)
    assert world.machine.now == START
