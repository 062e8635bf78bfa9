"""Frames: header, limits, and errors that name them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enigmalang.wire.errors import WireError
from enigmalang.wire.frames import HEADER_BYTES, MAX_TAG, expect_header, frame, header, parse_header


@given(st.integers(0, MAX_TAG), st.binary(max_size=300))
def test_round_trip(tag: int, body: bytes) -> None:
    data = frame(tag, body)
    assert parse_header(data) == (len(body), tag)
    assert data[HEADER_BYTES:] == body
    expect_header(data, tag, len(body))


def test_layout_is_fixed() -> None:
    assert frame(0x0102, b"xyz") == bytes.fromhex("0300000000000000 0201000000000000") + b"xyz"


@given(st.integers(0, HEADER_BYTES - 1))
def test_short_header_refused(size: int) -> None:
    with pytest.raises(WireError, match=f"header of {size} bytes"):
        parse_header(frame(7, b"abc")[:size])


def test_limits_are_named() -> None:
    with pytest.raises(WireError, match="frame of 11 bytes is over the limit of 10 bytes"):
        frame(1, bytes(11), limit=10)
    with pytest.raises(WireError, match="announces 4096 bytes, over the limit of 10 bytes"):
        parse_header(header(1, 4096), limit=10)
    with pytest.raises(WireError, match="outside 0"):
        frame(MAX_TAG + 1, b"")
    assert parse_header(frame(1, bytes(10), limit=10), limit=10) == (10, 1)


def test_other_tag_or_length_is_named() -> None:
    with pytest.raises(WireError, match="frame with tag 5, expected tag 6"):
        expect_header(header(5, 8), 6, 8)
    with pytest.raises(WireError, match="frame of 8 bytes, expected 16 bytes"):
        expect_header(header(5, 8), 5, 16)
