"""What a call of a contract may take: anyone may ask for it, and all nodes compute it."""

from math import prod
from typing import Any

import numpy as np

from enigmalang.execute.failures import revert
from enigmalang.execute.kernels import ELEMENTWISE
from enigmalang.execute.secret import Secret
from enigmalang.ir.ir import Operation

#: Steps of loops together, and elements of one value: seconds of the interpreter, and 32 MB of words.
MOST_STEPS, MOST_ELEMENTS = 1 << 17, 1 << 22
_BROADCAST = frozenset(ELEMENTWISE) | {"dot", "select"}


def check_elements(op: Operation, args: tuple[Any, ...]) -> None:
    """Raises Revert E0515 when the result would be larger than MOST_ELEMENTS: before anything of it is made."""
    shapes = [arg.shape for arg in args if isinstance(arg, np.ndarray | Secret)]
    if op.op not in ("range", "fill") and sum(map(prod, shapes)) <= _SMALL:
        return
    match op.op:
        case "range":
            size = _steps(*map(int, args))
        case "fill":
            size = prod(op.attrs["dims"]) * prod(shapes[0] if shapes else ())
        case "gather" if len(shapes) == 2:
            size = prod(shapes[0]) // max(1, shapes[0][op.attrs["axis"]]) * prod(shapes[1])
        case "matmul" if len(shapes) == 2:
            size = prod(shapes[0]) // max(1, shapes[0][-1]) * shapes[1][-1]
        case _ if op.op in _BROADCAST and len(shapes) > 1:
            size = prod(np.broadcast_shapes(*shapes)) if _fit(shapes) else 0
        case _:
            size = sum(map(prod, shapes))
    if size > MOST_ELEMENTS:
        raise revert(op, "E0515", f"a value with {size:,} elements, in a contract",
                     f"a call of a contract makes values of at most {MOST_ELEMENTS:,} elements")


#: Two values of so many elements together make none that is too large.
_SMALL = 1 << 11


def _steps(low: int, high: int, step: int) -> int:
    return len(range(low, high, step)) if step else 0


def _fit(shapes: list[tuple[int, ...]]) -> bool:
    """Lists of different lengths are the operation's own error."""
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    return all(len({n for n in axis if n != 1}) <= 1 for axis in zip(*padded, strict=True))
