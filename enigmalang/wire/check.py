"""The circuit verifier: forms, shapes, attributes, numbers.

One rule an operation, in a table; `check_circuit` applies the rule of each node to its arguments, which come
before it, once for all nodes that are alike. A circuit that passes can be run without further checks (except that
`load`ed shares must have the node's shape, which only the node that keeps them knows).
"""

from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import Any

import numpy as np

from enigmalang.circuits.circuit import OPS, Array, Circuit, Form, Node
from enigmalang.circuits.runs import array_of
from enigmalang.circuits.table import OP_LIST, SMALL, Table, distinct, table_of
from enigmalang.wire.arrays import MAX_ELEMENTS, checked_size
from enigmalang.wire.errors import WireError

#: Signed integers of these bit lengths are held by each field.
FIELDS = {"M61": 60, "M127": 126}
MAX_HANDLE = (1 << 63) - 1
MAX_SLOT = (1 << 20) - 1
#: Multiplications of one `dot` or `matmul`: its result may be small, and its work large.
MAX_PRODUCTS = 1 << 34

Shape = tuple[int, ...]
Rule = Callable[[Node, list[Shape], int], Shape]


class _Refused(Exception):
    """A rule's refusal; `check_circuit` adds where."""


def check_circuit(circuit: Circuit) -> None:
    """Raise WireError, naming the node, unless every node of `circuit` obeys the rule of its operation."""
    if circuit.field not in FIELDS:
        raise WireError(f"unknown field {circuit.field!r}")
    try:
        table = table_of(circuit.nodes)
    except KeyError as error:
        raise WireError(f"unknown operation {error}") from None
    check_nodes(circuit, checked_nodes(table))
    _check_ends(circuit, len(table))


def check_nodes(circuit: Circuit, numbers: Iterable[int]) -> None:
    """Apply the rules of these nodes only. Raises WireError, naming the node."""
    bits, table = FIELDS[circuit.field], table_of(circuit.nodes)
    seen: dict[int, tuple[Shape, Form]] = {}
    for index in numbers:
        node = table[index]
        try:
            _check_node(table, index, node, bits)
            if node.op == "input":
                _same_slot(seen, node)
        except _Refused as refusal:
            raise WireError(f"node {index} ({node.op}): {refusal}") from None


_ARITIES = np.array([-1 if op.arity is None else op.arity for op in OP_LIST])


def checked_nodes(table: Table) -> list[int]:
    """The nodes to check, in order. A rule looks at nothing but the operation, attributes, form and shape of a node
    and the forms and shapes of its arguments: of nodes that are alike in these, the first stands for all.

    What has a wrong number of arguments, or one that is no earlier node, is the last to check: it is refused.
    """
    if len(table) < SMALL:
        return list(range(len(table)))
    counts, users, arities = table.counts, table.users(), _ARITIES[table.ops]
    wrong = np.where(arities < 0, counts < 1, counts != arities)
    wrong[users[(table.args >= users) | (table.args < 0)]] = True
    sound = int(np.argmax(wrong)) if wrong.any() else len(table)
    values = distinct(table.shapes, table.forms)[1]
    columns: list[Array] = [table.ops[:sound], table.attrs[:sound], values[:sound]]
    for place in range(3):
        has = counts[:sound] > place
        column = np.zeros(sound, np.int64)
        column[has] = values[table.args[table.starts[:sound][has] + place]] + 1
        columns.append(column)
    many = np.nonzero(counts[:sound] > 3)[0]
    found = set(distinct(*columns)[0].tolist()) | set(many.tolist())
    return [*sorted(found), *([sound] if sound < len(table) else [])]


def _same_slot(seen: dict[int, tuple[Shape, Form]], node: Node) -> None:
    kind = (node.shape, node.form)
    if seen.setdefault(node.attrs["slot"], kind) != kind:
        raise _Refused("two inputs of one slot differ in shape or form")


def _check_ends(circuit: Circuit, count: int) -> None:
    ends = [*circuit.opens, *(out.node for out in circuit.outputs), *(keep[0] for keep in circuit.keeps)]
    if ends and not (min(ends) >= 0 and max(ends) < count):
        raise WireError(f"an opening, output or keep names a node outside 0..{count - 1}")
    if any(not 0 <= output.recipient <= MAX_SLOT for output in circuit.outputs):
        raise WireError(f"an output's recipient is outside 0..{MAX_SLOT}")
    handles = [handle for _, handle in circuit.keeps]
    if any(not 0 <= handle <= MAX_HANDLE for handle in handles):
        raise WireError("a keep's handle is outside 0..2^63-1")
    if len(set(handles)) != len(handles):
        raise WireError("two keeps have one handle")


def _check_node(nodes: Sequence[Node], index: int, node: Node, bits: int) -> None:
    op, args, shape = node.op, node.args, node.shape
    if op not in OPS:
        raise _Refused("unknown operation")
    arity = OPS[op].arity
    if arity is None:
        if not args:
            raise _Refused("needs at least one argument")
    elif len(args) != arity:
        raise _Refused(f"{len(args)} arguments, needs {arity}")
    for arg in args:
        if not 0 <= arg < index:
            raise _Refused("an argument is not an earlier node")
    if op in _ELEMENTWISE and _all_alike(nodes, node):
        return  # the common case; the arguments' sizes were checked before
    operands = [nodes[arg] for arg in args]
    _check_forms(node, operands)
    shapes = [operand.shape for operand in operands]
    try:
        checked_size(shape, "shape")
    except WireError as error:
        raise _Refused(str(error)) from None
    result = _RULES[op](node, shapes, bits)
    if result != shape:
        raise _Refused(f"shape {shape}, expected {result}")


_BITS_ARGS = frozenset({"xor", "not", "and", "b2a"})
_ELEMENTWISE = frozenset({"add", "sub", "neg", "xor", "not", "mul", "and", "b2a", "select"})


def _all_alike(nodes: Sequence[Node], node: Node) -> bool:
    shape, wanted = node.shape, Form.BITS if node.op in _BITS_ARGS else Form.ARITH
    for arg in node.args:
        operand = nodes[arg]
        if operand.form is not wanted or operand.shape != shape:
            return False
    return node.form is OPS[node.op].result


def _check_forms(node: Node, operands: list[Node]) -> None:
    if not operands:
        return
    result = OPS[node.op].result
    if result is None:  # structural: one form throughout
        wanted = node.form
    else:
        wanted = Form.BITS if node.op in _BITS_ARGS else Form.ARITH
        if node.form is not result:
            raise _Refused(f"its form is {node.form.value}, expected {result.value}")
    for operand in operands:
        if operand.form is not wanted:
            raise _Refused(f"an argument's form is {operand.form.value}, expected {wanted.value}")


# --- rules: the shape that the operation gives to arguments of these shapes ---


def _broadcast(*shapes: Shape) -> Shape:
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise _Refused(f"shapes {', '.join(map(str, shapes))} do not broadcast") from None


def _axis(axis: Any, ndim: int) -> int:
    if not isinstance(axis, int) or not -ndim <= axis < ndim:
        raise _Refused(f"axis {axis} is outside an array of {ndim} axes")
    return axis % ndim


def _between(name: str, value: Any, low: int, high: int) -> int:
    if not isinstance(value, int) or not low <= value <= high:
        raise _Refused(f"{name} is outside {low}..{high}")
    return value


def _elementwise(node: Node, shapes: list[Shape], bits: int) -> Shape:
    return _broadcast(*shapes)


def _input(node: Node, shapes: list[Shape], bits: int) -> Shape:
    _between("slot", node.attrs["slot"], 0, MAX_SLOT)
    return node.shape


def _load(node: Node, shapes: list[Shape], bits: int) -> Shape:
    _between("handle", node.attrs["handle"], 0, MAX_HANDLE)
    return node.shape


def _within(array: Any, bits: int) -> None:
    # |value| < 2^(bits-1) fits a signed integer of `bits` bits.
    if array.size and array.dtype != np.bool_:
        low, high = int(array.min()), int(array.max())
        if not (-(1 << (bits - 1)) < low and high < 1 << (bits - 1)):
            raise _Refused(f"a constant is outside ±2^{bits - 1}")


def _const(node: Node, shapes: list[Shape], bits: int) -> Shape:
    value = array_of(node.attrs["value"])
    if node.form is Form.ARITH:
        _within(value, bits)
    elif value.dtype != np.bool_ and value.size and (value.min() < 0 or value.max() > 1):
        raise _Refused("a constant of bits is neither 0 nor 1")
    return tuple(value.shape)


def _scale(node: Node, shapes: list[Shape], bits: int) -> Shape:
    factor = array_of(node.attrs["factor"])
    _within(factor, bits)
    return _broadcast(shapes[0], tuple(factor.shape))


def _sum(node: Node, shapes: list[Shape], bits: int) -> Shape:
    axis = _axis(node.attrs["axis"], len(shapes[0]))
    return shapes[0][:axis] + shapes[0][axis + 1 :]


def _cumsum(node: Node, shapes: list[Shape], bits: int) -> Shape:
    _axis(-1, len(shapes[0]))
    return shapes[0]


def _reshape(node: Node, shapes: list[Shape], bits: int) -> Shape:
    if prod(shapes[0]) != prod(node.shape):
        raise _Refused(f"cannot reshape {shapes[0]} to {node.shape}")
    return node.shape


def _broadcast_to(node: Node, shapes: list[Shape], bits: int) -> Shape:
    return _broadcast(shapes[0], node.shape)


def _indices(node: Node, length: int) -> Shape:
    indices = array_of(node.attrs["indices"])
    if indices.dtype != np.int64:
        raise _Refused("indices are not int64")
    if indices.size and not (-length <= int(indices.min()) and int(indices.max()) < length):
        raise _Refused(f"an index is outside an axis of {length}")
    return tuple(indices.shape)


def _take(node: Node, shapes: list[Shape], bits: int) -> Shape:
    axis = _axis(node.attrs["axis"], len(shapes[0]))
    return shapes[0][:axis] + _indices(node, shapes[0][axis]) + shapes[0][axis + 1 :]


def _transpose(node: Node, shapes: list[Shape], bits: int) -> Shape:
    axes = node.attrs["axes"]
    if sorted(axes) != list(range(len(shapes[0]))):
        raise _Refused(f"axes {tuple(axes)} do not permute {len(shapes[0])} axes")
    return tuple(shapes[0][axis] for axis in axes)


def _concat(node: Node, shapes: list[Shape], bits: int) -> Shape:
    first = shapes[0]
    axis = _axis(node.attrs["axis"], len(first))
    rest = first[:axis] + first[axis + 1 :]
    if any(len(s) != len(first) or s[:axis] + s[axis + 1 :] != rest for s in shapes):
        raise _Refused("arguments differ beside the axis")
    return (*first[:axis], sum(s[axis] for s in shapes), *first[axis + 1 :])


def _put(node: Node, shapes: list[Shape], bits: int) -> Shape:
    into, rows = shapes
    if not into:
        raise _Refused("needs at least one axis")
    wanted = _indices(node, into[0]) + into[1:]
    if _broadcast(rows, wanted) != wanted:
        raise _Refused(f"rows {rows} do not fit {wanted}")
    return into


def _bounded(products: Shape, *operands: Shape) -> None:
    # `operands` after broadcasting, which may be far larger than what was sent and than the result.
    if any(prod(operand) > MAX_ELEMENTS for operand in operands):
        raise _Refused(f"an operand has more than {MAX_ELEMENTS} elements when broadcast")
    if prod(products) > MAX_PRODUCTS:
        raise _Refused(f"{prod(products)} multiplications, at most {MAX_PRODUCTS}")


def _dot(node: Node, shapes: list[Shape], bits: int) -> Shape:
    x, y = shapes
    if not x or not y or x[-1] != y[-1]:
        raise _Refused(f"last axes of {x} and {y} differ")
    whole = _broadcast(x, y)
    _bounded(whole, whole)
    return whole[:-1]


def _matmul(node: Node, shapes: list[Shape], bits: int) -> Shape:
    x, y = shapes
    if len(x) < 2 or len(y) < 2 or x[-1] != y[-2]:
        raise _Refused(f"{x} @ {y} is no matrix product")
    batch = _broadcast(x[:-2], y[:-2])
    _bounded((*batch, *x[-2:], y[-1]), (*batch, *x[-2:]), (*batch, *y[-2:]))
    return (*batch, x[-2], y[-1])


def _a2b(node: Node, shapes: list[Shape], bits: int) -> Shape:
    return (*shapes[0], _between("bits", node.attrs["bits"], 1, bits - 1))


def _shr(node: Node, shapes: list[Shape], bits: int) -> Shape:
    _between("f", node.attrs["f"], 0, bits - 1)
    if node.attrs["mode"] not in ("exact", "fast"):
        raise _Refused("mode is neither 'exact' nor 'fast'")
    return shapes[0]


def _divc(node: Node, shapes: list[Shape], bits: int) -> Shape:
    _between("divisor", node.attrs["divisor"], 1, (1 << (bits - 1)) - 1)
    return shapes[0]


def _divmod(node: Node, shapes: list[Shape], bits: int) -> Shape:
    _between("bits", node.attrs["bits"], 1, bits - 1)
    return (2, *_broadcast(*shapes))


def _columns(shapes: list[Shape]) -> Shape:
    """The one shape of all columns, at least one axis; what is computed on them stays within the limit."""
    first = shapes[0]
    if not first or any(shape != first for shape in shapes):
        raise _Refused("columns have no axis, or differ in shape")
    if len(shapes) * prod(first) > MAX_ELEMENTS:
        raise _Refused(f"columns of {len(shapes) * prod(first)} elements, at most {MAX_ELEMENTS}")
    return first


def _shuffle(node: Node, shapes: list[Shape], bits: int) -> Shape:
    return (len(shapes), *_columns(shapes))


def _permute(node: Node, shapes: list[Shape], bits: int) -> Shape:
    if len(shapes) < 2:
        raise _Refused("nothing to permute")
    return (len(shapes) - 1, *_columns(shapes))


def _sort(node: Node, shapes: list[Shape], bits: int) -> Shape:
    columns = _columns(shapes)
    keys = _between("keys", node.attrs["keys"], 1, len(shapes))
    ranges, ranks, limit = node.attrs["ranges"], node.attrs["ranks"], 1 << (bits - 1)
    if len(ranges) != keys:
        raise _Refused(f"{len(ranges)} ranges of {keys} keys")
    if any(not -limit < low <= high < limit for low, high in ranges):
        raise _Refused(f"a key's range is empty or outside ±2^{bits - 1}")
    if ranks is None:
        return (len(shapes), *columns)
    if any(not 0 <= rank < columns[-1] for rank in ranks):
        raise _Refused(f"a rank is outside 0..{columns[-1] - 1}")
    return (len(shapes), *columns[:-1], len(ranks))


def _compared(node: Node, shapes: list[Shape], bits: int) -> Shape:
    if node.attrs:
        _between("bits", node.attrs["bits"], 1, 2 * bits)
    return shapes[0]


_RULES: dict[str, Rule] = {
    "ltz": _compared,
    "eqz": _compared,
    **dict.fromkeys(_ELEMENTWISE, _elementwise),
    "input": _input,
    "load": _load,
    "const": _const,
    "scale": _scale,
    "sum": _sum,
    "cumsum": _cumsum,
    "reshape": _reshape,
    "broadcast": _broadcast_to,
    "take": _take,
    "transpose": _transpose,
    "concat": _concat,
    "put": _put,
    "dot": _dot,
    "matmul": _matmul,
    "a2b": _a2b,
    "shr": _shr,
    "divc": _divc,
    "divmod": _divmod,
    "permute": _permute,
    "shuffle": _shuffle,
    "sort": _sort,
}
