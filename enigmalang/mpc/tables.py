"""Tables for comparisons, made ahead (`mpc.lookup` uses them): shared bits of a random number, one-hot in groups.

Adversary: honest but curious, at most t parties together, n >= 2t + 1; perfect hiding: everything here is random and
independent of the inputs, and a table is used once. Look-up tables on masked inputs: Ishai, Kushilevitz, Meldgaard,
Orlandi, Paskin-Cherniavsky (TCC 2013); masked wires with products of masks: Ben-Efraim, Nielsen, Omri (Turbospeedz,
ACNS 2019). The use of both with a masked sum modulo a Mersenne prime is ours.

For a comparison: r uniform modulo p, as shares and as the 64 lowest bits and the top bit of p - r in [1, p]; for each
group of 8 of these bits the 256 products that tell its value; random masks l_(-1), l_0, …, l_7 and m_0, …, m_7, the 256
products that tell (m_0, …, m_7), and l_i times those that tell (m_(i+1), …, m_7).
ANDs: about 3300 for M61, and an element's bits dealt t times: 0.45 kB per party for n = 3.
"""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from enigmalang.fields import Field, Raw

#: Bytes of tables that a party keeps at most.
CAPACITY_BYTES = 1 << 21
STEP = 1 << 8  # tables made at a time: a few milliseconds
GROUPS = 8
WORDS = 51  # as in `fields.kernels.lookup`


class Tables:
    """A party's tables, first in, first out; how many there are is public and equal at all parties."""

    __slots__ = ("_field", "_shares", "_start", "_tables", "capacity", "taken")

    def __init__(self, field: Field, pieces: int) -> None:
        self._field = field
        self._shares: Raw = field.empty((0,))
        self._tables: Raw = np.empty((0, pieces, WORDS), np.uint64)
        self._start = 0
        self.capacity = CAPACITY_BYTES // (8 * WORDS * max(1, pieces))
        self.taken = 0

    def __len__(self) -> int:
        return len(self._tables) - self._start

    def add(self, shares: Raw, tables: Raw) -> None:
        """Shares (count,) and tables (count, pieces, WORDS)."""
        self._shares = np.concatenate([self._shares[self._start :], shares])
        self._tables = np.concatenate([self._tables[self._start :], tables])
        self._start = 0

    def take(self, count: int) -> tuple[Raw, Raw] | None:
        """They leave the stock. None, at every party, when there are not as many."""
        if not 0 < count <= len(self):
            return None
        part = slice(self._start, self._start + count)
        self._start += count
        self.taken += count
        return self._shares[part], np.ascontiguousarray(self._tables[part])

    def __repr__(self) -> str:
        return f"<Tables for {len(self)} comparisons>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("shares are not pickled")
