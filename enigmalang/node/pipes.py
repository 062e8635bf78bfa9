"""Frames over a pair of pipes: how a worker process and its parent get to know each other.

Only public data passes here (numbers, ports, certificates).
"""

import os
import select
from time import monotonic

from enigmalang.wire.errors import WireError
from enigmalang.wire.frames import HEADER_BYTES, frame, parse_header

#: Registries of nine members are a few kilobytes.
MAX_PIPE_BYTES = 1 << 16
#: Exit status of a worker that could not link up with another one: look for the cause there.
GAVE_UP = 75


def write_frame(descriptor: int, body: bytes) -> None:
    """Write one frame. Raises BrokenPipeError when the other end is gone."""
    data = frame(0, body, MAX_PIPE_BYTES)
    while data:
        data = data[os.write(descriptor, data) :]


def read_frame(descriptor: int, deadline: float | None = None) -> bytes:
    """The body of the next frame. Raises EOFError at the pipe's end, TimeoutError at `deadline` (monotonic
    clock), WireError when the frame is over its limit."""
    length, tag = parse_header(_read(descriptor, HEADER_BYTES, deadline), MAX_PIPE_BYTES)
    if tag != 0:
        raise WireError(f"frame with tag {tag} on a pipe")
    return _read(descriptor, length, deadline)


def _read(descriptor: int, length: int, deadline: float | None) -> bytes:
    data = b""
    while len(data) < length:
        if deadline is not None:
            readable, _, _ = select.select([descriptor], [], [], max(0.0, deadline - monotonic()))
            if not readable:
                raise TimeoutError("nothing came through the pipe in time")
        piece = os.read(descriptor, length - len(data))
        if not piece:
            raise EOFError("the pipe's other end was closed")
        data += piece
    return data
