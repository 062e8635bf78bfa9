"""The circuit evaluator in the clear: what the nodes compute on shares, computed on the values themselves.

Integers are exact: int64 arrays where every value of the field fits one (M61), arrays of Python integers in M127.
Every ARITH value is checked to lie in the field's signed range (|v| < p/2), so a wrong range analysis shows here
instead of as a wrong answer of the nodes.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from enigmalang.circuits.circuit import Array, Circuit, Form, Node
from enigmalang.circuits.faults import FieldOverflow
from enigmalang.circuits.order import permute, shuffle, sort

#: The greatest |v| of a field: (p - 1) / 2.
LIMITS = {"M61": ((1 << 61) - 2) // 2, "M127": ((1 << 127) - 2) // 2}


def evaluate(circuit: Circuit, inputs: Sequence[Array], memory: Mapping[int, Array]) -> list[Array]:
    """Values of all nodes, in order. `inputs[slot]` and `memory[handle]` are clear arrays of the nodes' shapes.

    Raises FieldOverflow; KeyError for an unknown handle.
    """
    values: list[Array] = []
    limit = LIMITS[circuit.field]
    for number, node in enumerate(circuit.nodes):
        args = [values[a] for a in node.args]
        if node.op == "input":
            value = _leaf(node, inputs[node.attrs["slot"]], circuit.field)
        elif node.op == "load":
            value = memory[node.attrs["handle"]]
        elif node.op == "const":
            value = _leaf(node, np.asarray(node.attrs["value"]), circuit.field)
        else:
            value = _RULES[node.op](node, *args)
        # A single element of an array of Python integers is an int: NumPy would make uint64 of it from 2^63 on.
        value = np.asarray(value, dtype=object if isinstance(value, int) else None).reshape(node.shape)
        if node.form is Form.ARITH:
            value = _checked(value, circuit.field, limit, number, node)
        values.append(value)
    return values


def _leaf(node: Node, value: Array, field: str) -> Array:
    if node.form is Form.BITS:
        return np.asarray(value, dtype=bool)
    return np.asarray(value, dtype=np.int64 if field == "M61" else object)


def _checked(value: Array, field: str, limit: int, number: int, node: Node) -> Array:
    if value.size and (int(value.min()) < -limit or int(value.max()) > limit):
        raise FieldOverflow(f"node {number} ({node.op}) leaves the range of {field} at {node.span}")
    return value.astype(np.int64) if field == "M61" and value.dtype != np.int64 else value


def _wide(value: Array) -> Array:
    """Python integers wherever an int64 product or sum could overflow."""
    if value.dtype == object or value.size == 0:
        return value
    return value.astype(object)


def _exactly(
    bound: Callable[[int, int, int], int], operation: Callable[[Any, Any], Any], a: Array, b: Array, terms: int = 1
) -> Array:
    """`operation` in int64 when `bound(max|a|, max|b|, terms)` fits, in Python integers otherwise."""
    if a.dtype != object and b.dtype != object and bound(_top(a), _top(b), terms) < 1 << 63:
        return np.asarray(operation(a.astype(np.int64), b.astype(np.int64)))
    return np.asarray(operation(_wide(a), _wide(b)), dtype=object)


def _top(value: Array) -> int:
    return max(abs(int(value.min())), abs(int(value.max()))) if value.size else 0


def _sum(node: Node, x: Array) -> Array:
    axis = node.attrs["axis"]
    if x.dtype != object and _top(x) * max(1, x.shape[axis]) < 1 << 63:
        return np.asarray(x.sum(axis=axis, dtype=np.int64))
    return np.asarray(_wide(x).sum(axis=axis), dtype=object)


def _cumsum(node: Node, x: Array) -> Array:
    if x.dtype != object and _top(x) * max(1, x.shape[-1]) < 1 << 63:
        return np.asarray(np.cumsum(x, axis=-1, dtype=np.int64))
    return np.asarray(np.cumsum(_wide(x), axis=-1), dtype=object)


def _product(a: int, b: int, terms: int) -> int:
    return a * b * max(1, terms)


def _linear(a: int, b: int, terms: int) -> int:
    return a + b


def _dot(node: Node, a: Array, b: Array) -> Array:
    def operation(x: Any, y: Any) -> Any:
        return (x * y).sum(axis=-1)

    return _exactly(_product, operation, a, b, max(a.shape[-1], b.shape[-1]))


def _put(node: Node, x: Array, rows: Array) -> Array:
    out = x.copy()
    out[np.asarray(node.attrs["indices"])] = rows
    return out


def _a2b(node: Node, x: Array) -> Array:
    wide = _wide(x)[..., None]
    shifts = np.array([1 << i for i in range(node.attrs["bits"])], dtype=object)
    return np.asarray((wide // shifts) % 2 == 1, dtype=bool)


def _select(node: Node, c: Array, x: Array, y: Array) -> Array:
    return np.where(np.asarray(c == 1, dtype=bool), x, y)


def _divmod(node: Node, x: Array, y: Array) -> Array:
    x, y = np.broadcast_arrays(_wide(x), _wide(y))
    zero = np.asarray(y == 0, dtype=bool)
    safe = np.where(zero, 1, y)
    # of scalars `//` gives an int, which may be longer than 64 bits
    found = (np.asarray(value, dtype=object) for value in (x // safe, x % safe))
    return np.stack([np.where(zero, 0, value) for value in found])


def _concat(node: Node, *parts: Array) -> Array:
    return np.concatenate(parts, axis=node.attrs["axis"])


_RULES: dict[str, Callable[..., Any]] = {
    "add": lambda node, a, b: _exactly(_linear, np.add, a, b),
    "sub": lambda node, a, b: _exactly(_linear, np.subtract, a, b),
    "neg": lambda node, a: -a,
    "scale": lambda node, a: _exactly(_product, np.multiply, a, np.asarray(node.attrs["factor"])),
    "sum": _sum,
    "cumsum": _cumsum,
    "xor": lambda node, a, b: np.logical_xor(a, b),
    "not": lambda node, a: np.logical_not(a),
    "reshape": lambda node, a: a.reshape(node.shape),
    "broadcast": lambda node, a: np.broadcast_to(a, node.shape),
    "take": lambda node, a: np.take(a, node.attrs["indices"], axis=node.attrs["axis"]),
    "transpose": lambda node, a: np.transpose(a, node.attrs["axes"]),
    "concat": _concat,
    "put": _put,
    "mul": lambda node, a, b: _exactly(_product, np.multiply, a, b),
    "dot": _dot,
    "matmul": lambda node, a, b: _exactly(_product, np.matmul, a, b, a.shape[-1]),
    "and": lambda node, a, b: np.logical_and(a, b),
    "ltz": lambda node, a: np.asarray(a < 0, dtype=bool),
    "eqz": lambda node, a: np.asarray(a == 0, dtype=bool),
    "b2a": lambda node, a: a.astype(np.int64),
    "a2b": _a2b,
    "select": _select,
    "shr": lambda node, a: _floor(a, 1 << node.attrs["f"]),
    "divc": lambda node, a: _floor(a, node.attrs["divisor"]),
    "divmod": _divmod,
    "permute": permute,
    "shuffle": shuffle,
    "sort": sort,
}


def _floor(a: Array, divisor: int) -> Array:
    if a.dtype != object and divisor < 1 << 63:
        return a // np.int64(divisor)
    return np.asarray(_wide(a) // divisor, dtype=object)
