"""Long public arrays that are a few runs of numbers with a constant step: places 0..n-1, zeros, marks of a part.

Circuits on columns of a million rows have many of them, each as large as a column. As runs they take no memory, on the
wire and at the nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Run = tuple[int, int, int]  # count, first, step

#: Arrays below this size stay arrays; longer ones are runs if they have so many elements for each.
LEAST, EACH = 1 << 12, 1 << 8
#: Elements are smaller, so that differences are exact.
BOUND = 1 << 61
#: Elements that are looked at or made at a time.
AT_ONCE = 1 << 16


@dataclass(frozen=True, slots=True)
class Runs:
    """What an int64 array of shape (n,) holds, run by run; NumPy takes it for that array (and then makes it)."""

    runs: tuple[Run, ...]

    @property
    def size(self) -> int:
        return sum(count for count, _, _ in self.runs)

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.size,)

    @property
    def ndim(self) -> int:
        return 1

    @property
    def dtype(self) -> np.dtype[np.int64]:
        return np.dtype(np.int64)

    def min(self) -> int:
        return min(min(first, first + (count - 1) * step) for count, first, step in self.runs)

    def max(self) -> int:
        return max(max(first, first + (count - 1) * step) for count, first, step in self.runs)

    def stretch(self) -> slice | None:
        """Neighbours in ascending order from a place that is not negative: what such indices take is a slice."""
        if len(self.runs) > 1 or self.runs[0][2] != 1 or self.runs[0][1] < 0:
            return None
        count, first, _ = self.runs[0]
        return slice(first, first + count)

    def parts(self) -> Iterator[tuple[slice, Ints]]:
        """The elements, AT_ONCE at a time, and where they stand."""
        before = 0
        for count, first, step in self.runs:
            for start in range(0, count, AT_ONCE):
                stop = min(start + AT_ONCE, count)
                yield slice(before + start, before + stop), first + step * np.arange(start, stop)
            before += count

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError("runs are no array yet")
        out = np.empty(self.size, np.int64)
        for part, elements in self.parts():
            out[part] = elements
        return out if dtype is None else out.astype(dtype, copy=False)


def array_of(value: Any) -> Any:
    """As numpy.asarray, but runs stay what they are: size, shape, dtype and bounds are told alike."""
    return value if isinstance(value, Runs) else np.asarray(value)


def runs_of(array: npt.NDArray[Any]) -> Runs | None:
    """A long int64 array as the runs that it has, each as long as may be, from its front; None if these are many."""
    if array.dtype != np.int64 or array.ndim != 1 or array.size < LEAST:
        return None
    most, found = array.size // EACH, list[Run]()
    start = 0
    while start < array.size:
        if len(found) == most or abs(int(array[start])) >= BOUND:
            return None
        step = int(array[start + 1]) - int(array[start]) if start + 1 < array.size else 0
        count = _length(array[start:], step)
        last = int(array[start]) + (count - 1) * step
        if max(abs(step), abs(last)) >= BOUND:
            return None
        found.append((count, int(array[start]), step))
        start += count
    return Runs(tuple(found))


def _length(array: Ints, step: int) -> int:
    """How many elements from the first on are each `step` more than the one before."""
    for start in range(0, len(array) - 1, AT_ONCE):
        wrong = np.diff(array[start : start + AT_ONCE + 1]) != step
        if wrong.any():
            return start + 1 + int(np.argmax(wrong))
    return len(array)
