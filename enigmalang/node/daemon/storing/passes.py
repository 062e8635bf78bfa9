"""Challenges for readers: what a node gave out, it recognises without having kept it.

A challenge is a time of this node and an HMAC-SHA256 of it, the key to be read, under a secret of this process (24 of
its bytes). Adversary: anybody, who may have seen other readers' passes at other nodes, or older ones at this one.
"""

import hmac
import os
from collections.abc import Callable
from hashlib import sha256
from time import monotonic

from enigmalang.chain.digests import Domain
from enigmalang.ethereum.keys import Signature, recover
from enigmalang.node.daemon.storing.messages import Pass, pass_digest

#: Seconds for which a challenge is good: a value of 64 MB is read in that time, or another is asked for.
LASTS = 600.0
_TIME = 8


class Passes:
    """Of one node of one hub. Any thread."""

    def __init__(self, domain: Domain, node: str, clock: Callable[[], float] = monotonic) -> None:
        self._domain, self._node, self._clock = domain, node, clock
        self._secret = os.urandom(32)

    def challenge(self, db: int, key: bytes) -> bytes:
        """32 bytes."""
        at = int(self._clock() * 1000).to_bytes(_TIME, "big")
        return at + self._mark(at, db, key)

    def reader(self, db: int, key: bytes, shown: Pass) -> str | None:
        """Who shows this pass for reading `key`; None when it is not good (any more)."""
        at = shown.challenge[:_TIME]
        if not hmac.compare_digest(shown.challenge[_TIME:], self._mark(at, db, key)):
            return None
        if self._clock() - int.from_bytes(at, "big") / 1000 > LASTS:
            return None
        raw = shown.signature
        made = Signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:64], "big"), raw[64])
        digest = pass_digest(self._domain, self._node, db, key, shown.challenge)
        return shown.who if recover(digest, made) == shown.who else None

    def _mark(self, at: bytes, db: int, key: bytes) -> bytes:
        return hmac.new(self._secret, at + bytes([db]) + key, sha256).digest()[: 32 - _TIME]
