"""Protocols told round by round, so that the pieces of a large batch overlap: while one's messages travel, another's
next ones are worked out.

A protocol is a generator here: it yields each round when all of it is queued, and goes on when it may read what came.
The pieces of a batch, and how many are under way, follow from public sizes, so every party sends and reads in the same
order. What lies in between is local, or rounds of their own, which wait for all that was sent before them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence

from enigmalang.fields import words_for
from enigmalang.mpc.party import Finish, Party, Round, T

Rounds = Generator[Round, None, T]

#: Pieces of a batch under way at a time: more hide more of a slow link, and need more memory and cache. A link's socket
#: buffers must hold as many small frames.
DEPTH = 2


def in_round(party: Party, begin: Callable[[Round], Finish[T]]) -> Rounds[T]:
    """A sub-protocol in a round of its own."""
    round_ = party.round()
    finish = begin(round_)
    yield round_
    return finish()


def run(rounds: Rounds[T]) -> T:
    """All rounds, one after the other. Raises PeerError."""
    while True:
        try:
            round_ = next(rounds)
        except StopIteration as done:
            result: T = done.value
            return result
        round_.run()


def run_pieces(party: Party, pieces: Sequence[Rounds[None]]) -> None:
    """All pieces of `overlapping`. Raises PeerError."""
    run(overlapping(party, pieces))


def overlapping(party: Party, pieces: Sequence[Rounds[None]]) -> Rounds[None]:
    """All pieces, which write their results themselves, DEPTH at a time.

    What the pieces under way tell in turn is one round, for only rounds that have to follow one another count. Wide
    committees take one piece after the other: their ANDs have rounds within rounds.
    """
    if len(pieces) == 1 or party.structure.wide:
        for piece in pieces:
            yield from piece
        return
    waiting = iter(pieces)
    lines = [_line(waiting) for _ in range(DEPTH)]
    while lines:
        told = None
        for line in tuple(lines):
            round_ = next(line, None)
            if round_ is None:
                lines.remove(line)
                continue
            round_.post()
            told = round_
        if told is not None:
            yield told


def ranges(lanes: int, most: int) -> list[slice]:
    """Pieces of lanes, multiples of 64 long and about equal, as few as hold at most `most` each, rounded up."""
    count = max(1, -(-lanes // max(64, most)))
    step = max(64, words_for(-(-lanes // count)) * 64)
    return [slice(start, min(lanes, start + step)) for start in range(0, lanes, step)]


def _line(waiting: Iterator[Rounds[None]]) -> Rounds[None]:
    """One piece after the other, of those that no other line has taken."""
    for piece in waiting:
        yield from piece
