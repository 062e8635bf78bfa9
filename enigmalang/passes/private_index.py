"""Private indices: a scan that touches every element alike, so that nobody sees which one was meant."""

from enigmalang.ir.ir import Operation, Program, Tensor, Value
from enigmalang.passes.make import Maker, rewrite
from enigmalang.types.ranges import BIT, Range
from enigmalang.types.types import BOOL, UINT256, BoolT, Label


def scan_private_indices(program: Program) -> Program:
    """Rewrite `index` and `set_index` with a private index in every function of `program`, in place."""
    return rewrite(program, _scan)


def _scan(op: Operation) -> list[Operation] | None:
    if op.op not in ("index", "set_index") or op.operands[1].label is not Label.PRIVATE:
        return None
    made: list[Operation] = []
    (_read if op.op == "index" else _write)(op, made)
    return made


def _hit(op: Operation, maker: Maker) -> Value:
    """One bool a row of the indexed tensor: is it the one? Shaped (rows, 1, …) to broadcast over the row."""
    xs, i = op.operands[:2]
    assert isinstance(xs.type, Tensor) and op.attrs["axis"] == -xs.type.rank, "private indices come before batching"
    rows = xs.lens[0] if xs.lens else None
    length = maker.value("len", (xs,), Tensor(UINT256), Label.PUBLIC, Range(0, rows) if rows is not None else None,
                         axis=op.attrs["axis"])
    top = Range(0, max(0, rows - 1)) if rows is not None else None
    numbers = maker.value("range", (maker.integer(0), length, maker.integer(1)), Tensor(UINT256, 1), Label.PUBLIC,
                          top, (rows,))
    assert isinstance(i.type, Tensor)
    wide = maker.value("expand", (i,), Tensor(i.type.element, 1), Label.PRIVATE, i.range, (1,), axis=-1)
    hit = maker.value("eq", (wide, numbers), Tensor(BOOL, 1), Label.PRIVATE, BIT, (rows,))
    for rank in range(1, xs.type.rank):
        lens = (rows, *(1,) * rank)
        hit = maker.value("expand", (hit,), Tensor(BOOL, rank + 1), Label.PRIVATE, BIT, lens, axis=-1)
    return hit


def _read(op: Operation, made: list[Operation]) -> None:
    """The sum of the rows with all but the hit one made 0; 0 when there is none."""
    maker = Maker(made, op.span, op.via)
    xs, type = op.operands[0], op.operands[0].type
    assert isinstance(type, Tensor)
    hit = _hit(op, maker)
    if isinstance(type.element, BoolT):
        kept = maker.value("and", (hit, xs), type, Label.PRIVATE, BIT, xs.lens)
        name = "reduce_any"
    else:
        zero = maker.value("const", (), Tensor(type.element), Label.PUBLIC, Range(0, 0), value=0)
        range = xs.range.join(Range(0, 0)) if xs.range is not None else None
        kept = maker.value("select", (hit, xs, zero), type, Label.PRIVATE, range, xs.lens)
        name = "reduce_sum"
    op.result.label = Label.PRIVATE
    made.append(Operation(name, (kept,), op.results, op.span, {"axis": -type.rank}, (), op.via))


def _write(op: Operation, made: list[Operation]) -> None:
    """Every row, replaced where it is the hit one."""
    maker = Maker(made, op.span, op.via)
    xs, _, new = op.operands
    op.result.label = Label.PRIVATE
    made.append(Operation("select", (_hit(op, maker), new, xs), op.results, op.span, {}, (), op.via))
