"""What the emitters of scalar operations share. They check exactly as the interpreter checks (execute/kernels.py)."""

from collections.abc import Callable, Sequence
from typing import Any

from enigmalang.chain.vyper import helpers
from enigmalang.chain.vyper.body import Body
from enigmalang.chain.vyper.expr import Expr, made
from enigmalang.chain.vyper.types import INT256, VInt, VText, scalar_type
from enigmalang.ir.ir import Operation, Tensor
from enigmalang.types.types import FixedT

Args = Sequence[Expr]
Scalar = Callable[[Body, Operation, Args], Expr]


def element(op: Operation, number: int | None = None) -> Any:
    type = op.result.type if number is None else op.operands[number].type
    return type.element if isinstance(type, Tensor) else type.type


def target_of(op: Operation) -> VInt:
    found = scalar_type(element(op))
    assert isinstance(found, VInt)
    return found


def within(body: Body, op: Operation, expr: Expr, kind: Any) -> Expr:
    """A `fixed` value whose bits are no multiple of 8 is held in int256: its bounds are checked by name."""
    if isinstance(kind, FixedT) and (kind.integer + kind.fraction) % 8:
        return made(helpers.bounded(body.unit, kind.low, kind.high, expr.text), INT256, [expr], fails=True)
    return expr


def joined(args: Args) -> Expr:
    """Texts one after the other."""
    kind = "String" if any(isinstance(a.type, VText) and a.type.kind == "String" for a in args) else "Bytes"
    most = sum(a.type.max if isinstance(a.type, VText) else int(str(a.type)[5:]) for a in args)
    return made(f"concat({', '.join(a.text for a in args)})", VText(kind, most), args)
