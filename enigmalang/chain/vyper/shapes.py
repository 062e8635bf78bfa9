"""Private values in a ledger program: the chain follows their lengths, and nothing else."""

from collections.abc import Callable

from enigmalang.chain.vyper.arrays import clip, length, solid
from enigmalang.chain.vyper.body import Body, Parts, place_of
from enigmalang.chain.vyper.convert import row
from enigmalang.chain.vyper.expr import SUM, Expr, constant, made
from enigmalang.chain.vyper.problems import Unsupported
from enigmalang.chain.vyper.types import UINT256
from enigmalang.ir.ir import Operation, Value

#: Operations with private operands that have emitters of their own.
KEPT = frozenset({
    "len", "state_load", "state_store", "map_get", "map_set", "attested", "require", "emit", "reveal_to"})

Rule = Callable[[Body, Operation, list[Parts]], list[Parts]]


def shape_of(body: Body, op: Operation) -> None:
    """Define the lengths of each private result."""
    parts: list[Parts] = []
    for value in op.operands:
        found = body.use_parts(value)
        parts.append(found if not body.public(value) else public_shape(body, value, found[0]))
    for value, lengths in zip(op.results, _RULES.get(op.op, _alike)(body, op, parts), strict=True):
        body.define_value(value, *lengths)


def _alike(body: Body, op: Operation, parts: list[Parts]) -> list[Parts]:
    """Each result has the shape of an operand of its rank."""
    if op.regions:
        raise Unsupported("E0803", f"`{op.op}` over private values cannot be followed on the chain", place_of(op))
    return [next((p for p in parts if len(p) == r.rank), parts[0] if parts else ()) for r in op.results]


# ---- a length that changes


def _append(body: Body, op: Operation, parts: list[Parts]) -> list[Parts]:
    size = _axis(parts[0], op)
    most = op.attrs.get("max")
    size = size if size.cheap else body.kept(size, "length")
    if most is not None:
        body.say(f'assert {size.text} < {most}, "the list is full"')
    return [_with(parts[0], op, made(f"{size.at(SUM)} + 1", UINT256, [size], SUM), parts[1])]


def _pop(body: Body, op: Operation, parts: list[Parts]) -> list[Parts]:
    size = body.kept(_axis(parts[0], op), "length")
    body.say(f'assert {size.text} > 0, "the list is empty"')
    shorter = made(f"{size.at(SUM)} - 1", UINT256, [size], SUM)
    return [_with(parts[0], op, shorter), _without(parts[0], op)]


def _concat(body: Body, op: Operation, parts: list[Parts]) -> list[Parts]:
    a, b = _axis(parts[0], op), _axis(parts[1], op)
    return [_with(parts[0], op, made(f"{a.at(SUM)} + {b.at(SUM + 1)}", UINT256, (a, b), SUM))]


def _slice(body: Body, op: Operation, parts: list[Parts]) -> list[Parts]:
    size = body.kept(_axis(parts[0], op), "length")
    low, high = (body.env[v][0] for v in op.operands[1:])
    start, end = body.kept(clip(body, low, size), "start"), body.kept(clip(body, high, size), "end")
    left = made(f"max({start.text}, {end.text}) - {start.text}", UINT256, (start, end), SUM)
    return [_with(parts[0], op, left)]


def _gather(body: Body, op: Operation, parts: list[Parts]) -> list[Parts]:
    return [_with(parts[0], op, parts[1][0])]


# ---- an axis less, or one more


def _index(body: Body, op: Operation, parts: list[Parts]) -> list[Parts]:
    _check_index(body, op, parts)
    return _reduced(body, op, parts)


def _set_index(body: Body, op: Operation, parts: list[Parts]) -> list[Parts]:
    _check_index(body, op, parts)
    return [parts[0]]


def _check_index(body: Body, op: Operation, parts: list[Parts]) -> None:
    if body.public(op.operands[1]):
        size, where = _axis(parts[0], op), body.env[op.operands[1]][0]
        body.say(f'assert {where.text} < {size.text}, "index"')


def _reduced(body: Body, op: Operation, parts: list[Parts]) -> list[Parts]:
    return [_without(parts[0], op)]


def _stack(body: Body, op: Operation, parts: list[Parts]) -> list[Parts]:
    return [_inserted(parts[0], 1 + op.attrs["axis"], (constant(len(parts), UINT256),))]


def _expand(body: Body, op: Operation, parts: list[Parts]) -> list[Parts]:
    return [_inserted(parts[0], 1 + op.attrs["axis"], (constant(1, UINT256),))]


def _fill(body: Body, op: Operation, parts: list[Parts]) -> list[Parts]:
    dims = tuple(constant(d, UINT256) for d in op.attrs["dims"])
    return [_inserted(parts[0], op.attrs["axis"] + len(dims), dims)]


# ---- new arrays


def _empty(body: Body, op: Operation, parts: list[Parts]) -> list[Parts]:
    return [tuple(constant(0, UINT256) for _ in range(op.result.rank))]


def _const(body: Body, op: Operation, parts: list[Parts]) -> list[Parts]:
    return [_sizes(op.attrs["value"], op.result.rank)]


_REDUCTIONS = ("reduce_sum", "reduce_min", "reduce_max", "reduce_any", "reduce_all")
_RULES: dict[str, Rule] = {
    "append": _append, "pop": _pop, "concat": _concat, "slice": _slice, "gather": _gather,
    "index": _index, "set_index": _set_index, "stack": _stack, "expand": _expand, "fill": _fill,
    "empty": _empty, "const": _const, **dict.fromkeys(_REDUCTIONS, _reduced),
}

# ---- shapes


def public_shape(body: Body, value: Value, found: Expr) -> Parts:
    sizes: list[Expr] = []
    inner = found
    for _ in range(value.rank):
        inner = solid(body, inner)
        sizes.append(length(inner))
        inner = row(inner, constant(0, UINT256))
    return tuple(sizes)


def _sizes(value: object, rank: int) -> Parts:
    sizes: list[Expr] = []
    for _ in range(rank):
        assert isinstance(value, tuple)
        sizes.append(constant(len(value), UINT256))
        value = value[0] if value else ()
    return tuple(sizes)


def _axis(parts: Parts, op: Operation) -> Expr:
    axis: int = op.attrs["axis"]
    return parts[axis]


def _with(parts: Parts, op: Operation, size: Expr, inner: Parts = ()) -> Parts:
    at = len(parts) + op.attrs["axis"]
    return (*parts[:at], size, *parts[at + 1 :])


def _without(parts: Parts, op: Operation) -> Parts:
    at = len(parts) + op.attrs["axis"]
    return (*parts[:at], *parts[at + 1 :])


def _inserted(parts: Parts, back: int, sizes: Parts) -> Parts:
    """`sizes` in front of the last `-back` lengths."""
    at = len(parts) + back
    return (*parts[:at], *sizes, *parts[at:])
