"""What the interpreter asks of the place where private values live, and the clear domain."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from enigmalang.execute import numbers as n
from enigmalang.execute.defaults import is_number, zeros
from enigmalang.execute.kernels import ELEMENTWISE, elementwise
from enigmalang.execute.masks import LocalMasks, Masked, mask_for
from enigmalang.execute.orders import KERNELS as ORDER_KERNELS
from enigmalang.execute.orders import ordered, public_columns
from enigmalang.execute.secret import Secret, Shape
from enigmalang.execute.shapes import shaped, tensor
from enigmalang.ir.ir import Operation, Tensor
from enigmalang.ir.typing import ORDERS


@dataclass(frozen=True, slots=True)
class Envelope:
    """A private value on its way to the holder of one key."""

    content: Any = field(repr=False)
    type: Tensor


@dataclass(frozen=True, slots=True)
class Bound:
    """To check in the dark: `low <= every element of secret <= high`."""

    secret: Secret
    low: int
    high: int


class Domain(Protocol):
    """Computes on private values. A scalar has shape (); tensors are arrays."""

    def share(self, value: Any, type: Tensor, *, client: bool) -> Secret:
        """Make a value private; `client`: it is known to the client alone and goes in masked."""
        ...

    def mask(self, values: Sequence[Any]) -> Masked:
        """What a request over the ledger carries of its client's private values."""
        ...

    def admit(self, masked: Masked, types: Sequence[Tensor]) -> list[Secret]:
        """The private values that were masked. Booleans are numbers whose range nobody has checked yet."""
        ...

    def zero(self, type: Tensor, shape: Shape) -> Secret: ...

    def rows(self, items: Sequence[Secret], type: Tensor, shape: Shape) -> Secret:
        """The items, all of `shape`, along a new first axis; `type` is the result's."""
        ...

    def row(self, secret: Secret, number: int, type: Tensor) -> Secret:
        """Row `number` of the first axis; `type` is the row's."""
        ...

    def apply(self, op: Operation, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The results of a computing operation, at least one of whose operands is private."""
        ...

    def reveal(self, secret: Secret, type: Tensor) -> Any:
        """The value, or a `Pending` that `flush` resolves."""
        ...

    def flush(self) -> None:
        """Resolve everything pending."""
        ...

    def abandon(self) -> None:
        """Nothing that is pending will be opened."""
        ...

    def inside(self, bounds: Sequence[Bound]) -> bool:
        """Whether all bounds hold; nothing else is learnt."""
        ...

    def finish(self, keeps: Sequence[Secret], seals: Sequence[tuple[Secret, Tensor, bytes]]) -> list[Envelope]:
        """Resolve everything pending, compute what is kept, and seal values to X25519 public keys: in one run."""
        ...

    def unseal(self, envelope: Envelope, private_key: bytes) -> Any: ...


class ClearSecret(Secret):
    """A private value of the clear engine."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    @property
    def shape(self) -> Shape:
        return self._value.shape if isinstance(self._value, np.ndarray) else ()


class RangeBug(Exception):
    """A value lies outside the range, or is longer, than the analysis said."""


class ClearDomain:
    """Eager, exact, in the clear: the reference. With `check_ranges` every result is held against its range."""

    def __init__(self, check_ranges: bool = False, field: str = "M127") -> None:
        self._check = check_ranges
        self._masks = LocalMasks(field)

    def share(self, value: Any, type: Tensor, *, client: bool) -> Secret:
        return ClearSecret(value)

    def mask(self, values: Sequence[Any]) -> Masked:
        return mask_for(self._masks, values)

    def admit(self, masked: Masked, types: Sequence[Tensor]) -> list[Secret]:
        arrays = self._masks.admit(masked.mask, masked.content, masked.shapes)
        return [ClearSecret(n.scalar(n.shrink(array))) for array in arrays]

    def zero(self, type: Tensor, shape: Shape) -> Secret:
        return ClearSecret(n.scalar(zeros(type.element, shape)))

    def rows(self, items: Sequence[Secret], type: Tensor, shape: Shape) -> Secret:
        if not items:
            return ClearSecret(zeros(type.element, (0, *shape)))
        arrays = [tensor(type.element, peek(i)) for i in items]
        if is_number(type.element) and any(a.dtype == object for a in arrays):
            arrays = [a.astype(object) for a in arrays]
        return ClearSecret(np.stack(arrays))

    def row(self, secret: Secret, number: int, type: Tensor) -> Secret:
        return ClearSecret(n.scalar(peek(secret)[number]))

    def apply(self, op: Operation, args: tuple[Any, ...]) -> tuple[Any, ...]:
        plain = tuple(peek(a) for a in args)
        if op.op in ORDER_KERNELS:
            return self._ordered(op, args, plain)
        private = op.op not in ("index", "set_index") or isinstance(args[1], Secret)
        made = (elementwise if op.op in ELEMENTWISE else shaped)(op, private, plain)
        if op.op == "len":
            return (made,)
        results = made if isinstance(made, tuple) else (made,)
        if self._check:
            self._hold(op, results)
        return tuple(ClearSecret(r) for r in results)

    def _ordered(self, op: Operation, args: tuple[Any, ...], plain: tuple[Any, ...]) -> tuple[Any, ...]:
        made = ordered(op, True, plain)
        public = public_columns(op, args) if op.op in ORDERS else (False,)
        if self._check:
            self._hold(op, made)
        return tuple(r if free else ClearSecret(r) for r, free in zip(made, public, strict=True))

    def _hold(self, op: Operation, results: Sequence[Any]) -> None:
        for value, result in zip(op.results, results, strict=True):
            array = np.asarray(result, dtype=object)
            if value.range is not None and array.size and not isinstance(array.flat[0], str | bytes):
                low, high = int(array.min()), int(array.max())
                if low < value.range.low or high > value.range.high:
                    raise RangeBug(f"{op.op} at {op.span}: {low}..{high} is outside of {value.range}")
            if len(value.lens) == array.ndim and any(
                    most is not None and size > most for size, most in zip(array.shape, value.lens, strict=True)):
                raise RangeBug(f"{op.op} at {op.span}: a shape {array.shape} where {value.lens} is the most")

    def reveal(self, secret: Secret, type: Tensor) -> Any:
        return peek(secret)

    def flush(self) -> None:
        """Nothing is ever pending."""

    def abandon(self) -> None:
        """Nothing is ever pending."""

    def inside(self, bounds: Sequence[Bound]) -> bool:
        return all(_inside(peek(b.secret), b.low, b.high) for b in bounds)

    def finish(self, keeps: Sequence[Secret], seals: Sequence[tuple[Secret, Tensor, bytes]]) -> list[Envelope]:
        return [Envelope(peek(secret), type) for secret, type, _ in seals]

    def unseal(self, envelope: Envelope, private_key: bytes) -> Any:
        return envelope.content


def _inside(value: Any, low: int, high: int) -> bool:
    array = np.asarray(value)
    return array.size == 0 or (low <= int(array.min()) and int(array.max()) <= high)


def peek(value: Any) -> Any:
    """The value behind a secret of the clear engine; anything else as it is."""
    return value._value if isinstance(value, ClearSecret) else value


class ShapeDomain(ClearDomain):
    """Only shapes count: what the ledger knows of private values. Values are zeros of the right shape."""

    def share(self, value: Any, type: Tensor, *, client: bool) -> Secret:
        return self.zero(type, np.shape(value) if type.rank else ())
