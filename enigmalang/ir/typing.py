"""The typing rules: result types that follow from an operation's operands and attributes.

`None` stands where the operands do not decide (constants, conversions, loads): the builder must then be told.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from enigmalang.ir.ir import IRType, Scalar, Tensor
from enigmalang.ir.ops import OPS
from enigmalang.types.types import (
    ADDRESS,
    BOOL,
    UINT256,
    BytesNT,
    BytesT,
    FixedT,
    IntT,
    StringT,
)

_V = TypeVar("_V")


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


BOOL_RESULT = words("lt le gt ge eq ne and or xor not contains map_has db_has reduce_any reduce_all")
SAME_AS_FIRST = words("concat append slice reverse share reveal set_index gather netlist")
ORDERS = words("sort shuffle permute spread")  # a result for each column
STATED = words(  # the result types are part of the operation itself
    "const convert wrap clamp empty state_load map_get context external_call attested input deploy call_contract "
    "read_contract submit await identity shared_identity predicate db_get db_get_at db_history declassify call if "
    "for while map scope acting expect_revert expect_leak")
NOTHING = words(
    "state_store map_set emit require raise send reveal_to print assert db_set witness advance yield break continue "
    "leave")
CONTEXT = {"sender": ADDRESS, "self": ADDRESS, "value": UINT256, "now": UINT256, "block": UINT256,
           "balance": UINT256, "chain": UINT256}


def join_ints(a: IntT, b: IntT) -> IntT:
    """The smallest integer type that contains both, 256 bits at most."""
    if a.signed == b.signed:
        return a if a.bits >= b.bits else b
    signed, unsigned = (a, b) if a.signed else (b, a)
    return IntT(True, min(256, max(signed.bits, unsigned.bits + 8)))


def join_scalars(a: Scalar, b: Scalar) -> Scalar | None:
    """The nominal type of a value that may be either; None where no such type exists."""
    if a == b:
        return a
    match a, b:
        case IntT(), IntT():
            return join_ints(a, b)
        case FixedT(), FixedT():
            return FixedT(max(a.integer, b.integer), max(a.fraction, b.fraction))
        case (FixedT(), IntT()) | (StringT(), StringT()) | (BytesT(), BytesT()):
            return a if not isinstance(a, StringT | BytesT) else type(a)(None)
        case IntT(), FixedT():
            return b
    return None


def compatible(a: IRType, b: IRType) -> bool:
    """Whether both are held alike: equal, or integers, strings or bytes of different nominal sizes."""
    if a == b:
        return True
    if not (isinstance(a, Tensor) and isinstance(b, Tensor)) or a.rank != b.rank:
        return False
    return any(isinstance(a.element, t) and isinstance(b.element, t) for t in (IntT, StringT, BytesT)) or (
        isinstance(a.element, BytesNT | BytesT) and isinstance(b.element, BytesNT | BytesT))


def infer(op: str, operands: Sequence[IRType], attrs: dict[str, object]) -> tuple[IRType, ...] | None:
    """The result types of `op`, or None where they must be stated (or they are wrong: the verifier says)."""
    if op in NOTHING:
        return ()
    if op in STATED:
        return None
    tensors = [t for t in operands if isinstance(t, Tensor)]
    rank = max((t.rank for t in tensors), default=0)
    if op in BOOL_RESULT:
        return (Tensor(BOOL, _bool_rank(op, tensors, rank)),)
    if op == "like":
        y = tensors[-1]
        return (Tensor(y.element, rank),)
    if op in ORDERS and len(tensors) == len(operands):
        return tuple(columns(op, tensors, attrs))
    if len(tensors) != len(operands):
        return operands_alone(op, operands)
    if OPS[op].elementwise:
        joined = _joined(tensors[1:] if op == "select" else tensors)
        return None if joined is None else (Tensor(joined, rank),)
    return _shaped(op, tensors, attrs)


def columns(op: str, operands: Sequence[_V], attrs: Mapping[str, object]) -> Sequence[_V]:
    """The columns among the operands of an operation of `ORDERS`."""
    if op == "sort":
        return operands[:-1] if attrs["ranked"] else operands
    return operands if op == "shuffle" else operands[1:]


def operands_alone(op: str, operands: Sequence[IRType]) -> tuple[IRType, ...] | None:
    """What follows when an operand is opaque."""
    if op == "len":
        return (Tensor(UINT256),)
    if op in SAME_AS_FIRST:
        return (operands[0],)
    return None


def _bool_rank(op: str, tensors: list[Tensor], rank: int) -> int:
    match op:
        case "contains" | "db_has":
            return 0
        case "reduce_any" | "reduce_all":
            return rank - 1
        case _:
            return rank


def _joined(tensors: list[Tensor]) -> Scalar | None:
    joined: Scalar | None = tensors[0].element if tensors else None
    for tensor in tensors[1:]:
        joined = joined and join_scalars(joined, tensor.element)
    return joined


def _shaped(op: str, tensors: list[Tensor], attrs: dict[str, object]) -> tuple[IRType, ...] | None:
    """Operations on tensors that change the shape."""
    first = tensors[0] if tensors else None
    if op == "range":
        joined = _joined(tensors)
        return None if joined is None else (Tensor(joined, 1),)
    if first is None:
        return None
    if op in SAME_AS_FIRST:
        joined = _joined([t for t in tensors if op == "concat"] or [first])
        return (Tensor(joined or first.element, first.rank),)
    match op:
        case "stack":
            joined = _joined(tensors)
            return None if joined is None else (Tensor(joined, first.rank + 1),)
        case "fill":
            dims = attrs.get("dims")
            return (Tensor(first.element, first.rank + (len(dims) if isinstance(dims, tuple) else 1)),)
        case "expand":
            return (Tensor(first.element, first.rank + 1),)
        case "pop":
            return (first, Tensor(first.element, first.rank - 1))
        case "len":
            return (Tensor(UINT256),)
        case "index" | "reduce_sum" | "reduce_min" | "reduce_max":
            return (Tensor(first.element, first.rank - 1),) if first.rank else None
        case "transpose" | "cumsum":
            return (first,)
        case "dot" | "matmul":
            return _product(op, tensors)
    return None


def _product(op: str, tensors: list[Tensor]) -> tuple[IRType, ...] | None:
    joined = _joined(tensors)
    if joined is None or len(tensors) != 2:
        return None
    a, b = tensors[0].rank, tensors[1].rank
    if op == "dot":
        return (Tensor(joined, max(a, b) - 1),)
    return (Tensor(joined, max(a, b) if min(a, b) > 1 else a + b - 2),)
