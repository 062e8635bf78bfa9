"""Uniformly random orders from a key stream."""

import numpy as np
import numpy.typing as npt

from enigmalang.fields.warm import kernels
from enigmalang.sharing.streams import Stream

_PIECE = 1 << 15  # words drawn at a time


def uniform_orders(stream: Stream, rows: int, n: int) -> npt.NDArray[np.int32]:
    """`rows` independent uniform permutations of n, as flat places (rows * n,): those of row i are i * n + 0..n-1.
    Together they have fewer than 2^31 items.

    Whoever has the stream at the same place gets the same.
    """
    order = np.arange(rows * n, dtype=np.int32)
    if n < 2:
        return order
    words = np.empty(min(_PIECE, rows * (n - 1)), np.uint64)
    state = np.array([0, n - 1], np.int64)
    while state[0] < rows:
        stream.fill(words)
        kernels().shuffle_rows(words, order, rows, n, state)
    return order
