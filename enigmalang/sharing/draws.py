"""Random elements on their way from key streams to the kernel that uses them: in cached parts, not whole in memory."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from enigmalang.fields import Field
from enigmalang.fields.arithmetic import at
from enigmalang.sharing.streams import Stream

#: Words of each stream made at a time.
PART = 1 << 13

#: Gets the number of the first value, how many values, where their words are, and how many elements a stream's lie
#: after those of the stream before. Says whether one of the words was p, which makes all it did void.
Use = Callable[[int, int, Any, int], bool]


def use_elements(
    field: Field, streams: Sequence[tuple[Stream, int]], instruction: int, count: int, per: int, use: Use
) -> None:
    """Hand `use`, part by part, `per` random elements for each of `count` values from each (stream, purpose).

    A part of a stream is `per` rows, an element for each of the part's values. The kernels behind `use` mask the
    words. The streams are of different keys. An element that is p is drawn again as `Stream.elements` does: then, once
    in 2^61 elements, all is drawn in memory and used once more.
    """
    step = max(1, PART // (per * field.limbs))
    width = min(step, count) * per
    words = np.empty((len(streams), width * field.limbs), np.uint64)
    place, void = at(words), False
    for stream, purpose in streams:
        stream.seek(instruction, purpose)
    for first in range(0, count, step):
        size = min(step, count - first)
        for row, (stream, _) in zip(words, streams, strict=True):
            stream.fill(row[: size * per * field.limbs])
        void |= use(first, size, place, width)
    if void:
        whole = field.empty((len(streams), count * per))
        for row, (stream, purpose) in zip(whole, streams, strict=True):
            stream.seek(instruction, purpose)
            stream.elements(field, row)
        for first in range(0, count, step):
            use(first, min(step, count - first), at(whole) + field.nbytes * per * first, count * per)
