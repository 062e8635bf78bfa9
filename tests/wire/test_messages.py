"""Control-plane messages: round trips, and malformed ones refused at every byte."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enigmalang.wire import messages as msg
from enigmalang.wire.errors import WireError

REQUESTS = [
    msg.Prepare(3, b"d" * 32, b"circuit", [b"e" * 32]),
    msg.Input(3, 1 << 20),
    msg.Run(3, b"i" * 32, [b"k" * 32]),
    msg.Job(3, b"d" * 32, b"", [], [b"m"], [], [5, 7]),
    msg.Replenish(4),
    msg.Forget([1, 2**63 - 1]),
    msg.AskStats(9),
]
REPLIES = [
    msg.Ready(),
    msg.Masks(3, [b"share"]),
    msg.Done(3, [b"opened"], []),
    msg.Done(3, [], [], [b"numbers", b"bits"]),
    msg.Stocked(4, True),
    msg.Stats(9, {"rounds": 5}, {"run": 0.25}),
    msg.Fault(2, "closed the connection", True),
    msg.Heartbeat(10**12, 3),
]
MEMBER = msg.Member(1, 4711, b"certificate")
STARTERS = [
    msg.Bootstrap(1, 2, 3, 1, "M61", 20.0),
    msg.Introduction(MEMBER),
    msg.Registry([MEMBER, MEMBER]),
]


@pytest.mark.parametrize("request_", REQUESTS)
def test_requests(request_: msg.Request) -> None:
    data = msg.encode_message(request_)
    assert msg.decode_request(data) == request_
    with pytest.raises(WireError, match="malformed control message"):
        msg.decode_reply(data)


@pytest.mark.parametrize("reply", REPLIES)
def test_replies(reply: msg.Reply) -> None:
    data = msg.encode_message(reply)
    assert msg.decode_reply(memoryview(data)) == reply
    with pytest.raises(WireError, match="malformed control message"):
        msg.decode_request(data)


@pytest.mark.parametrize("message", STARTERS)
def test_start_up(message: msg.Message) -> None:
    assert msg.decode_as(type(message), msg.encode_message(message)) == message


@pytest.mark.parametrize("message", [*REQUESTS, *REPLIES])
def test_truncation_at_every_byte_is_refused(message: msg.Message) -> None:
    data = msg.encode_message(message)
    for size in range(len(data)):
        for decode in (msg.decode_request, msg.decode_reply):
            with pytest.raises(WireError):
                decode(data[:size])


@given(st.binary(max_size=100))
def test_garbage_is_refused(data: bytes) -> None:
    for decode in (msg.decode_request, msg.decode_reply):
        with pytest.raises(WireError):
            decode(data)


def test_wrong_types_and_too_many_fields_are_refused() -> None:
    for bad in (["AskStats", "nine"], ["AskStats", 9, 9], ["AskStats"], ["Nothing", 1], ["Forget", [2**64]]):
        try:
            data = msgspec.msgpack.encode(bad)
        except OverflowError:
            continue  # MessagePack cannot even say it
        with pytest.raises(WireError):
            msg.decode_request(data)


@pytest.mark.parametrize("text", ["x" * 501, "\x1b[2J", "two\nlines", "\x9b2J"])
def test_fault_is_short_and_printable(text: str) -> None:
    with pytest.raises(WireError, match="malformed control message"):
        msg.decode_reply(msg.encode_message(msg.Fault(0, text, False)))
    made = msg.fault(0, text)
    assert msg.decode_reply(msg.encode_message(made)) == made


def test_names_of_seconds_are_short_and_printable() -> None:
    for name in ("x" * 501, "\x1b[2J"):
        with pytest.raises(WireError, match="malformed control message"):
            msg.decode_reply(msg.encode_message(msg.Stats(1, {}, {name: 1.0})))
