"""Private values in a ledger program: the chain follows their lengths, and nothing else."""

from types import SimpleNamespace

from enigmalang.chain.vyper.body import Body, Parts, place_of
from enigmalang.chain.vyper.expr import SUM, Expr, constant, made
from enigmalang.chain.vyper.problems import Unsupported
from enigmalang.chain.vyper.types import UINT256
from enigmalang.ir.ir import Operation, Tensor, Value

#: Operations with private operands that have emitters of their own.
SHAPES = SimpleNamespace(keep=frozenset({
    "len", "state_load", "state_store", "map_get", "map_set", "attested", "require", "emit", "reveal_to"}))


def _rank(value: Value) -> int:
    return value.type.rank if isinstance(value.type, Tensor) else 0


def shape_of(body: Body, op: Operation) -> None:
    """Define the lengths of each private result."""
    from enigmalang.chain.vyper.arrays import clip, length

    parts: list[Parts] = []
    for value in op.operands:
        found = body.use_parts(value)
        parts.append(found if not body.public(value) else _public_shape(body, value, found[0], length))
    results: list[Parts] = []
    match op.op:
        case "append":
            size = _axis(parts[0], op)
            most = op.attrs.get("max")
            size = size if size.cheap else body.kept(size, "length")
            if most is not None:
                body.say(f'assert {size.text} < {most}, "the list is full"')
            results = [_with(parts[0], op, made(f"{size.at(SUM)} + 1", UINT256, [size], SUM), parts[1])]
        case "pop":
            size = body.kept(_axis(parts[0], op), "length")
            body.say(f'assert {size.text} > 0, "the list is empty"')
            shorter = made(f"{size.at(SUM)} - 1", UINT256, [size], SUM)
            results = [_with(parts[0], op, shorter), _without(parts[0], op)]
        case "concat":
            a, b = _axis(parts[0], op), _axis(parts[1], op)
            results = [_with(parts[0], op, made(f"{a.at(SUM)} + {b.at(SUM + 1)}", UINT256, (a, b), SUM))]
        case "slice":
            size = body.kept(_axis(parts[0], op), "length")
            low, high = (body.env[v][0] for v in op.operands[1:])
            start, end = body.kept(clip(body, low, size), "start"), body.kept(clip(body, high, size), "end")
            left = made(f"max({start.text}, {end.text}) - {start.text}", UINT256, (start, end), SUM)
            results = [_with(parts[0], op, left)]
        case "index" | "reduce_sum" | "reduce_min" | "reduce_max" | "reduce_any" | "reduce_all":
            if op.op == "index" and body.public(op.operands[1]):
                size, where = _axis(parts[0], op), body.env[op.operands[1]][0]
                body.say(f'assert {where.text} < {size.text}, "index"')
            results = [_without(parts[0], op)]
        case "set_index":
            if body.public(op.operands[1]):
                size, where = _axis(parts[0], op), body.env[op.operands[1]][0]
                body.say(f'assert {where.text} < {size.text}, "index"')
            results = [parts[0]]
        case "stack":
            at = len(parts[0]) + 1 + op.attrs["axis"]
            results = [(*parts[0][:at], constant(len(parts), UINT256), *parts[0][at:])]
        case "fill":
            own = -op.attrs["axis"] - len(op.attrs["dims"])
            at = len(parts[0]) - own
            dims = tuple(constant(d, UINT256) for d in op.attrs["dims"])
            results = [(*parts[0][:at], *dims, *parts[0][at:])]
        case "expand":
            at = len(parts[0]) + 1 + op.attrs["axis"]
            results = [(*parts[0][:at], constant(1, UINT256), *parts[0][at:])]
        case "gather":
            results = [_with(parts[0], op, parts[1][0])]
        case "empty":
            results = [tuple(constant(0, UINT256) for _ in range(_rank(op.result)))]
        case "const":
            results = [_sizes(op.attrs["value"], _rank(op.result))]
        case _ if op.regions:
            raise Unsupported("E0803", f"`{op.op}` over private values cannot be followed on the chain", place_of(op))
        case _:
            results = [next((p for p in parts if len(p) == _rank(r)), parts[0] if parts else ()) for r in op.results]
    for value, found in zip(op.results, results, strict=True):
        body.define_value(value, *found)


def _public_shape(body: Body, value: Value, found: Expr, length) -> Parts:  # type: ignore[no-untyped-def]
    from enigmalang.chain.vyper.arrays import solid
    from enigmalang.chain.vyper.convert import row

    sizes: list[Expr] = []
    inner = found
    for _ in range(_rank(value)):
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
