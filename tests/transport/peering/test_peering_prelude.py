"""The bytes in the clear: what is read of them, and what of garbage."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enigmalang.transport.channel import Ended
from enigmalang.transport.peering.errors import printable
from enigmalang.transport.peering.prelude import (
    MAGIC,
    NO_ROOM,
    VERSION,
    Opening,
    Purpose,
    Read,
    Reply,
    proof,
    read_opening,
    read_reply,
)
from enigmalang.wire.errors import WireError

KEYS = st.binary(min_size=32, max_size=32)
CERTIFICATES = st.binary(min_size=1, max_size=2048)
OPENINGS = st.one_of(
    st.builds(Opening, st.sampled_from([Purpose.CONTROL, Purpose.CLIENT]), st.just(NO_ROOM), KEYS, CERTIFICATES),
    st.builds(Opening, st.just(Purpose.DATA), KEYS, KEYS, CERTIFICATES),
)

QUIET = settings(deadline=None, derandomize=True)  # no example depends on the speed of the machine


def _reader(data: bytes) -> tuple[Read, io.BytesIO]:
    stream = io.BytesIO(data)

    def read(count: int) -> bytes:
        assert count <= 2048  # nobody makes us wait for, or hold, more
        found = stream.read(count)
        if len(found) < count:
            raise Ended
        return found

    return read, stream


@QUIET
@given(OPENINGS, st.binary(max_size=10))
def test_an_opening_is_read_as_it_was_written_and_no_further(opening: Opening, more: bytes) -> None:
    read, stream = _reader(opening.encode() + more)
    assert read_opening(read) == opening
    assert stream.read() == more


@QUIET
@given(CERTIFICATES, st.binary(max_size=10))
def test_a_welcome_is_read_as_it_was_written(certificate: bytes, more: bytes) -> None:
    read, stream = _reader(Reply(certificate).encode() + more)
    assert read_reply(read) == Reply(certificate)
    assert stream.read() == more


@QUIET
@given(st.text(min_size=1))
def test_a_reason_is_read_as_printable_text(reason: str) -> None:
    read, stream = _reader(Reply(reason=reason).encode())
    told = read_reply(read).reason
    assert told.isascii()
    assert told.isprintable()
    assert 0 < len(told) <= 200
    assert not stream.read()


@QUIET
@given(st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(lambda tail: MAGIC + b"\1\0" + tail)))
def test_garbage_is_an_error_that_is_named(data: bytes) -> None:
    for parse in (read_opening, read_reply):
        read, _ = _reader(data)
        try:
            parse(read)
        except WireError as error:
            assert printable(str(error).encode()) == str(error)
        except Ended:
            assert len(data) < 10 + 67 + 2048


@QUIET
@given(OPENINGS, CERTIFICATES, st.data())
def test_a_proof_is_of_every_byte(opening: Opening, certificate: bytes, data: st.DataObject) -> None:
    reply = Reply(certificate)
    shown = proof("dial", opening, reply)
    assert shown != proof("answer", opening, reply)  # neither end can show the other its own
    other = data.draw(OPENINGS)
    assert (proof("dial", other, reply) == shown) == (other == opening)
    assert proof("dial", opening, Reply(certificate + b"x")) != shown


def test_rooms_and_fingerprints_have_their_size() -> None:
    with pytest.raises(ValueError, match="rooms and fingerprints are 32 bytes"):
        Opening(Purpose.DATA, b"short", bytes(32), b"c").encode()


def test_the_first_bytes_are_the_same_in_every_version() -> None:
    """They are what two versions tell each other with: not to be changed, not with VERSION either."""
    opening = Opening(Purpose.DATA, bytes(32), bytes(32), b"c").encode()
    assert opening[:8] == b"\xf0enigma\n"
    assert int.from_bytes(opening[8:10], "little") == VERSION
    assert Reply(reason="no").encode() == b"\xf0enigma\n" + VERSION.to_bytes(2, "little") + b"\x01\x02\x00no"
