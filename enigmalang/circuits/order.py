"""Sorting, shuffling and permuting in the clear. Columns have one shape (*batch, n); rows are along the last axis."""

import os

import numpy as np

from enigmalang.circuits.circuit import Array, Node
from enigmalang.circuits.faults import FieldOverflow


def sort(node: Node, *columns: Array) -> Array:
    """The columns in ascending order of the first `keys`, lexicographically and stable: (c, *batch, ranks or n).

    Raises FieldOverflow for a key outside its range: the nodes would sort it wrongly.
    """
    keys = columns[: node.attrs["keys"]]
    for number, (key, (low, high)) in enumerate(zip(keys, node.attrs["ranges"], strict=True)):
        if key.size and not (low <= int(key.min()) and int(key.max()) <= high):
            raise FieldOverflow(f"key {number} of a sort leaves its range {low}..{high} at {node.span}")
    order = np.broadcast_to(np.arange(columns[0].shape[-1]), columns[0].shape)
    for key in reversed(keys):
        again = np.argsort(np.take_along_axis(key, order, -1), axis=-1, kind="stable")
        order = np.take_along_axis(order, again, -1)
    if node.attrs["ranks"] is not None:
        order = order[..., np.array(node.attrs["ranks"], np.int64)]
    return np.stack([np.take_along_axis(column, order, -1) for column in columns])


def shuffle(node: Node, *columns: Array) -> Array:
    """The columns in one uniformly random order per batch row, from the operating system's randomness."""
    order = random_orders(columns[0].shape)
    return np.stack([np.take_along_axis(column, order, -1) for column in columns])


def random_orders(shape: tuple[int, ...]) -> Array:
    """Independent uniform permutations along the last axis: the order of distinct random keys is uniform."""
    while True:
        keys = np.frombuffer(os.urandom(8 * int(np.prod(shape, dtype=np.int64))), np.uint64).reshape(shape)
        order = np.argsort(keys, axis=-1)
        ranked = np.take_along_axis(keys, order, -1)
        if not (ranked[..., 1:] == ranked[..., :-1]).any():
            return order


def permute(node: Node, perm: Array, *columns: Array) -> Array:
    """result[c, ..., perm[..., i]] = columns[c][..., i]. Raises ValueError unless perm permutes 0..n-1."""
    where = perm.astype(np.int64)
    if not np.array_equal(np.sort(where, axis=-1), np.broadcast_to(np.arange(perm.shape[-1]), perm.shape)):
        raise ValueError(f"permute by what is no permutation at {node.span}")
    out = np.empty((len(columns), *perm.shape), columns[0].dtype)
    for row, column in zip(out, columns, strict=True):
        np.put_along_axis(row, where, column, -1)
    return out
