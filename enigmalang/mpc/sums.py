"""Bits of many numbers that become integers only to be added up with weights: an element for each bit is never held.

A result of a bit operation on integers is `sum(scale(b2a(bits)))`: 32 elements of which one is left. The three nodes
are then worked out together, in pieces (`bits.b2a_sums`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from enigmalang.circuits.table import Table
from enigmalang.mpc.party import PIECE

#: Bits of a number: of longer rows a piece would be too large.
WIDEST = 256


class WeightedSum(NamedTuple):
    """The nodes that scale the bits and add them up; nothing else uses the bits as integers."""

    scale: int
    sum: int


def weighted_sums(table: Table, uses: Sequence[int]) -> dict[int, WeightedSum]:
    """By the `b2a` node, of more bits than a piece has. The same at every party."""
    found = {}
    for number in table.where("sum").tolist():
        scaled = table.args[table.starts[number]].item()
        if uses[number] and uses[scaled] == 1 and table.op(scaled) == "scale":
            bits = table.args[table.starts[scaled]].item()
            if uses[bits] == 1 and table.op(bits) == "b2a" and _fits(table, bits, scaled, number):
                found[bits] = WeightedSum(scaled, number)
    return found


def _fits(table: Table, bits: int, scaled: int, number: int) -> bool:
    """Whether there are many bits, and a weight for each place of a row of few."""
    node = table[bits]
    factor = np.asarray(table[scaled].attrs["factor"])
    if node.size <= PIECE or table[scaled].shape != node.shape:
        return False
    width, axis = node.shape[-1], table[number].attrs["axis"] % len(node.shape)
    fits = axis == len(node.shape) - 1 and width <= WIDEST
    return fits and factor.shape[-1:] == (width,) and factor.size == width
