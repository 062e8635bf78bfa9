"""A key stream from any even word on is the rest of it, so parts drawn one after another never overlap."""

import numpy as np

from enigmalang.sharing.streams import Stream


def words(stream: Stream, count: int) -> list[int]:
    out = np.empty(count, np.uint64)
    stream.fill(out)
    return [int(word) for word in out]


def test_seek_to_a_word() -> None:
    stream = Stream(bytes(range(16)))
    stream.seek(7, 3)
    whole = words(stream, 64)
    assert len(set(whole)) == 64
    for word in (0, 2, 10, 62):
        stream.seek(7, 3, word)
        assert words(stream, 64 - word) == whole[word:]


def test_other_parts_are_other_words() -> None:
    stream, seen = Stream(bytes(range(16))), set()
    for instruction, purpose in ((7, 3), (7, 4), (8, 3), (3, 7)):
        stream.seek(instruction, purpose)
        seen |= set(words(stream, 64))
    assert len(seen) == 4 * 64
