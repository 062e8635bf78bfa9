"""Messages about chunks: there and back, within their limits, and nothing else."""

import msgspec
import pytest

from enigmalang.dht.chunks import MAX_ENCODED, MOST_CHUNKS
from enigmalang.wire import chunk_messages as m
from enigmalang.wire.errors import WireError

KEY, ROOT = b"\x01" + bytes(32), bytes(range(32))
REQUESTS = [m.KeepChunk(1, KEY, ROOT, 5, b"chunk"), m.AskChunk(2, KEY, ROOT, 5, 0), m.AskMissing(3, KEY, ROOT, 5)]
REPLIES = [m.Kept(1, True), m.Kept(1, False, "full"), m.Piece(2, b"chunk"), m.Piece(2, b"", "not for you"),
           m.Lacking(3, True, [1, 2]), m.Lacking(3, False, [])]


def test_there_and_back():
    for request in REQUESTS:
        assert m.decode_chunk_request(m.encode_message(request)) == request
    for reply in REPLIES:
        assert m.decode_chunk_reply(m.encode_message(reply)) == reply


def test_the_limits_are_those_of_storage():
    assert m.MAX_CHUNK_BYTES >= MAX_ENCODED and m.MAX_PLACES >= MOST_CHUNKS
    m.decode_chunk_request(m.encode_message(m.KeepChunk(0, KEY, ROOT, 0, bytes(m.MAX_CHUNK_BYTES))))


@pytest.mark.parametrize("wrong", [
    m.KeepChunk(1, KEY, ROOT[1:], 5, b""), m.KeepChunk(1, KEY, ROOT, -1, b""), m.KeepChunk(-1, KEY, ROOT, 5, b""),
    m.KeepChunk(1, KEY, ROOT, 5, bytes(m.MAX_CHUNK_BYTES + 1)), m.AskChunk(1, KEY, ROOT, 5, m.MAX_PLACES),
    m.AskChunk(1, KEY, ROOT, 5, -1),
    m.Kept(1, True, "x" * 501), m.Kept(1, True, "\x1b[2J"), m.Lacking(1, True, [0] * (m.MAX_PLACES + 1)),
    m.Lacking(1, True, [m.MAX_PLACES])])
def test_beyond_the_limits(wrong: m.ChunkRequest | m.ChunkReply):
    for decode in (m.decode_chunk_request, m.decode_chunk_reply):
        with pytest.raises(WireError):
            decode(m.encode_message(wrong))


@pytest.mark.parametrize("data", [
    b"", b"\xc1", b"\x93", bytes(100), msgspec.msgpack.encode(["AskMissing", 1, KEY, ROOT]),
    msgspec.msgpack.encode(["AskMissing", 1, KEY, ROOT, 5, 6]), msgspec.msgpack.encode(["Kept", 1, True, b"\xff"]),
    b"\x94\xa4Kept\x01\xc3\xa1\xff", b"\x91" * 100_000])
def test_what_is_no_message(data: bytes):
    for decode in (m.decode_chunk_request, m.decode_chunk_reply):
        with pytest.raises(WireError):
            decode(data)


def test_requests_are_no_replies():
    for request in REQUESTS:
        with pytest.raises(WireError):
            m.decode_chunk_reply(m.encode_message(request))


def test_nothing_of_a_chunk_stands_in_a_text():
    assert "chunk" not in repr(REQUESTS[0]).lower().replace("keepchunk", "")
