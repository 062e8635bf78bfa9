"""Messages of the DHT: round trips, and what is refused."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enigmalang.wire import dht_messages as msg
from enigmalang.wire.errors import WireError

KEY = bytes(range(32))
NAME = "0x" + "ab" * 20
REQUESTS: list[msg.Request] = [
    msg.Ping(1), msg.FindNode(2, KEY), msg.FindValue(3, KEY), msg.Store(4, KEY, b"record"), msg.Offer(5, [KEY, KEY])]
REPLIES: list[msg.Reply] = [
    msg.Pong(1), msg.Nodes(2, [NAME] * msg.MAX_CONTACTS, 1 << 40), msg.Value(3, b"record"),
    msg.Stored(4, False, "no room"), msg.Have(5, [True, False])]


@pytest.mark.parametrize("message", REQUESTS)
def test_dht_requests(message: msg.Request) -> None:
    data = msg.encode_message(message)
    assert msg.decode_request(memoryview(data)) == message
    with pytest.raises(WireError, match="malformed DHT message"):
        msg.decode_reply(data)


@pytest.mark.parametrize("message", REPLIES)
def test_dht_replies(message: msg.Reply) -> None:
    data = msg.encode_message(message)
    assert msg.decode_reply(memoryview(data)) == message
    with pytest.raises(WireError, match="malformed DHT message"):
        msg.decode_request(data)


@pytest.mark.parametrize("message", [*REQUESTS, *REPLIES])
def test_truncated_dht_messages_are_refused(message: msg.Request | msg.Reply) -> None:
    data = msg.encode_message(message)
    for size in range(len(data)):
        for decode in (msg.decode_request, msg.decode_reply):
            with pytest.raises(WireError):
                decode(data[:size])


@given(st.binary(max_size=100))
def test_garbage_is_no_dht_message(data: bytes) -> None:
    for decode in (msg.decode_request, msg.decode_reply):
        with pytest.raises(WireError):
            decode(data)


@pytest.mark.parametrize("bad", [
    ["Ping", -1], ["Ping", 1 << 63], ["Ping", "1"], ["Ping"], ["Ping", 1, 1], ["FindNode", 1, bytes(31)],
    ["FindNode", 1, bytes(33)], ["Store", 1, KEY, bytes(msg.MAX_RECORD_BYTES + 1)],
    ["Offer", 1, [KEY] * (msg.MAX_OFFER + 1)], ["Offer", 1, [b""]], ["FindValue", 1, b""], ["FindValue", 1, bytes(65)],
])
def test_requests_over_the_limits_are_refused(bad: list[Any]) -> None:
    with pytest.raises(WireError):
        msg.decode_request(msgspec.msgpack.encode(bad))


@pytest.mark.parametrize("bad", [
    ["Nodes", 1, [NAME] * (msg.MAX_CONTACTS + 1), 0], ["Nodes", 1, [NAME.upper()], 0], ["Nodes", 1, [NAME + "a"], 0],
    ["Nodes", 1, [NAME + "\n"], 0], ["Nodes", 1, [NAME], -1], ["Value", 1, bytes(msg.MAX_RECORD_BYTES + 1)],
    ["Stored", 1, True, "\x1b[2J"], ["Stored", 1, True, "x" * 1000], ["Have", 1, [True] * (msg.MAX_OFFER + 1)],
])
def test_replies_over_the_limits_are_refused(bad: list[Any]) -> None:
    with pytest.raises(WireError):
        msg.decode_reply(msgspec.msgpack.encode(bad))
