"""What a party keeps of values made ahead: random, shared, independent of every input, each used once.

The state is public and equal at all parties: they add and take the same amounts in the same order. So all of
them decide alike whether the stock is enough for a protocol, or whether it runs its form without preparation.
`mpc.ahead` fills the stock.
"""

from __future__ import annotations

from typing import NoReturn

import numpy as np
import numpy.typing as npt

from enigmalang.fields import Field, Raw, pack_bits

#: Random bits that a party keeps at most; for n = 3 in M61 one takes 10 bytes.
CAPACITY = 1 << 16


class Stock:
    """Random bits shared in both forms (protocols.md §5), first in, first out."""

    __slots__ = ("_elements", "_field", "_lanes", "_pieces", "_start", "taken")

    def __init__(self, field: Field, pieces: int) -> None:
        self._field = field
        self._pieces = pieces
        self._lanes: npt.NDArray[np.uint8] = np.empty((pieces, 0), np.uint8)
        self._elements: Raw = field.empty((0,))
        self._start = 0
        self.taken = 0  # bits used so far

    @property
    def bits(self) -> int:
        """How many random bits are there."""
        return int(self._lanes.shape[1]) - self._start

    def add_bits(self, lanes: npt.NDArray[np.uint8], elements: Raw) -> None:
        """Random bits in both forms: pieces as 0/1 bytes (pieces, count), and the same as integers (count,).

        Raises ValueError when they do not fit together, or the stock cannot hold them.
        """
        count = self._field.size_of(elements)
        if lanes.shape != (self._pieces, count):
            raise ValueError(f"random bits of shape {lanes.shape} for {count} integers")
        if self.bits + count > CAPACITY:
            raise ValueError(f"{self.bits} and {count} random bits are more than {CAPACITY}")
        self._lanes = np.concatenate([self._lanes[:, self._start :], lanes], axis=1)
        self._elements = np.concatenate([self._elements[self._start :], elements])
        self._start = 0

    def take_bits(self, planes: int, lanes: int) -> tuple[Raw, Raw] | None:
        """`planes` rows of `lanes` random bits: words (pieces, planes, words), integers (planes * lanes,).

        They leave the stock. None, at every party, when there are not as many.
        """
        count = planes * lanes
        if count > self.bits:
            return None
        start, stop = self._start, self._start + count
        self._start = stop
        self.taken += count
        bits = self._lanes[:, start:stop].reshape(self._pieces * planes, lanes)
        return pack_bits(bits).reshape(self._pieces, planes, -1), self._elements[start:stop]

    def __repr__(self) -> str:
        return f"<Stock of {self.bits} random bits>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("shares are not pickled")
