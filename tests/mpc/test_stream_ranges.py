"""No word of a key stream is drawn twice by a party in a session: runs of every protocol, preprocessing and blocks of
masks between them.
"""

from collections import defaultdict
from itertools import pairwise
from threading import get_ident
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from test_masks import circuit

from enigmalang.fields import M61, Raw
from enigmalang.mpc import ahead
from enigmalang.mpc.machine import execute
from enigmalang.mpc.party import Party
from enigmalang.mpc.setup import exchange_keys
from enigmalang.node.blocks import BLOCK, NodeBlock
from enigmalang.node.masking import Slot, draw_masks, unmask_share
from enigmalang.sharing import ArithShare
from enigmalang.sharing.streams import Stream
from enigmalang.transport.memory import run_parties

Place = tuple[bytes, int, int]  # key, instruction, purpose


class Log:
    """The words that each party drew, by place: (start, stop)."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.party: dict[int, int] = {}  # by thread
        self.drawn: dict[int, dict[Place, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
        self._at: dict[int, tuple[Stream, bytes, list[int]]] = {}
        begin, seek, fill, xor = Stream.__init__, Stream.seek, Stream.fill, Stream.xor

        def begun(stream: Stream, key: bytes) -> None:
            begin(stream, key)
            self._at[id(stream)] = stream, key, [0, 0, 0]

        def sought(stream: Stream, instruction: int, purpose: int = 0, word: int = 0) -> None:
            self._at[id(stream)][2][:] = instruction, purpose, word
            seek(stream, instruction, purpose, word)

        def filled(stream: Stream, words: Raw) -> None:
            self._use(stream, words.size)
            fill(stream, words)

        def xored(stream: Stream, words: Raw) -> None:
            self._use(stream, words.size)
            xor(stream, words)

        for name, method in (("__init__", begun), ("seek", sought), ("fill", filled), ("xor", xored)):
            patch.setattr(Stream, name, method)

    def _use(self, stream: Stream, count: int) -> None:
        _, key, at = self._at[id(stream)]
        self.drawn[self.party[get_ident()]][key, at[0], at[1]].append((at[2], at[2] + count))
        at[2] += count

    def overlaps(self, me: int) -> int:
        found = 0
        for ranges in self.drawn[me].values():
            ranges.sort()
            found += sum(start < stop for (_, stop), (start, _) in pairwise(ranges))
        return found


def log_of(n: int, t: int, patch: pytest.MonkeyPatch, stuck: bool = False) -> Log:
    patch.setattr(ahead, "STEP", 512)
    patch.setattr(ahead, "TABLES", 64)
    log = Log(patch)
    recipient = X25519PrivateKey.generate().public_key().public_bytes_raw()

    def start(network: Any) -> None:
        log.party[get_ident()] = network.me
        party = Party(network, exchange_keys(network, t), M61, b"test")
        block = NodeBlock(party)
        ahead.begin(party)
        memory: dict[int, Any] = {1: ArithShare(M61, M61.from_ints(np.arange(70)))}
        for _ in range(2):
            if stuck:
                party._instruction = 3
            inputs = {}
            for slot, bits in ((0, False), (1, True)):
                kind = Slot((70,), bits)
                (mask,) = draw_masks(party, [kind])
                inputs[slot] = unmask_share(mask, bytes(kind.nbytes(M61)), M61, party.structure, party.me)
            execute(party, circuit(), inputs, memory, [recipient])
            ahead.replenish(party)
            if block.renewed():
                block.take([Slot((BLOCK - 1,), False)])

    run_parties(n, start, seconds=60)
    return log


@pytest.mark.parametrize(("n", "t"), [(3, 1), (4, 1), (8, 3)])
def test_no_word_is_drawn_twice(n: int, t: int, monkeypatch: pytest.MonkeyPatch) -> None:
    log = log_of(n, t, monkeypatch)
    assert [log.overlaps(me) for me in range(1, n + 1)] == [0] * n
    assert all(len(places) > 100 for places in log.drawn.values())


def test_words_drawn_twice_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    log = log_of(3, 1, monkeypatch, stuck=True)
    assert all(log.overlaps(me) for me in (1, 2, 3))
