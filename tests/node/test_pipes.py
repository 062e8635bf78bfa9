"""Frames over pipes: round trips, and every way the other end can fail."""

import os
from collections.abc import Iterator
from time import monotonic

import pytest

from enigmalang.node.pipes import MAX_PIPE_BYTES, read_frame, write_frame
from enigmalang.wire.errors import WireError
from enigmalang.wire.frames import frame, header


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue  # the test closed it


def test_round_trip(pipe: tuple[int, int]) -> None:
    for body in (b"", b"x", bytes(60_000)):
        write_frame(pipe[1], body)
        assert read_frame(pipe[0], monotonic() + 30) == body


def test_end_late_and_garbage(pipe: tuple[int, int]) -> None:
    with pytest.raises(TimeoutError):
        read_frame(pipe[0], monotonic() + 0.01)
    os.write(pipe[1], frame(5, b"abc"))
    with pytest.raises(WireError, match="tag 5 on a pipe"):
        read_frame(pipe[0])
    os.read(pipe[0], 3)
    os.write(pipe[1], header(0, MAX_PIPE_BYTES + 1))
    with pytest.raises(WireError, match="over the limit"):
        read_frame(pipe[0])
    os.write(pipe[1], frame(0, b"abcdef")[:-1])
    os.close(pipe[1])
    with pytest.raises(EOFError):
        read_frame(pipe[0])


def test_too_much_is_not_written(pipe: tuple[int, int]) -> None:
    with pytest.raises(WireError, match="over the limit"):
        write_frame(pipe[1], bytes(MAX_PIPE_BYTES + 1))
