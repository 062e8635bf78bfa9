"""The traced domain: private values are wires; nothing is computed before something must come out."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from enigmalang.circuits.circuit import Array
from enigmalang.execute import wires as w
from enigmalang.execute.domain import Bound, Envelope
from enigmalang.execute.masks import Masked, mask_for
from enigmalang.execute.numbers import grow, scalar, shrink
from enigmalang.execute.secret import Pending, Secret, Shape
from enigmalang.execute.trace import Traced, Tracer, Wire
from enigmalang.execute.traced_numbers import NUMBER_RULES, Rule, is_truth
from enigmalang.execute.traced_order import ORDER_RULES
from enigmalang.execute.traced_shapes import SHAPE_RULES
from enigmalang.ir.ir import Operation, Tensor
from enigmalang.types.types import BoolT


class TracedDomain:
    """Values of one engine. `reveal` is lazy: what is revealed together is opened together."""

    def __init__(self, tracer: Tracer) -> None:
        self.tracer = tracer
        self._pending: list[Pending] = []

    # ---- making

    def share(self, value: Any, type: Tensor, *, client: bool) -> Secret:
        truth = isinstance(type.element, BoolT)
        form = w.B if truth and not (client and self.tracer.numbers) else w.A
        wire = w.given(value, form) if client else w.const(value, form)
        return self.tracer.traced(wire, truth)

    def made(self, wire: Wire) -> Traced:
        return self.tracer.traced(wire, wire.form is w.B)

    def mask(self, values: Sequence[Any]) -> Masked:
        return mask_for(self.tracer.engine, values)

    def admit(self, masked: Masked, types: Sequence[Tensor]) -> list[Secret]:
        wires = self.tracer.admit(masked.mask, masked.content, masked.shapes)
        return [self.tracer.traced(wire, isinstance(t.element, BoolT)) for wire, t in zip(wires, types, strict=True)]

    def truth(self, wire: Wire) -> Traced:
        return self.tracer.traced(wire, True)

    def zero(self, type: Tensor, shape: Shape) -> Secret:
        return self.share(np.zeros(shape, dtype=np.int64), type, client=False)

    def rows(self, items: Sequence[Secret], type: Tensor, shape: Shape) -> Secret:
        if not items:
            return self.zero(type, (0, *shape))
        alike = self.alike(items)
        return self.tracer.traced(w.concat([w.expand(i, 0) for i in alike], 0), is_truth(type))

    def row(self, secret: Secret, number: int, type: Tensor) -> Secret:
        traced = _traced(secret)
        return self.tracer.traced(w.take_one(traced.wire, number, 0), traced.truth)

    def alike(self, items: Sequence[Any]) -> list[Wire]:
        """Wires of one form: bits if all are booleans that have them."""
        truths = [(isinstance(i, Traced) and i.truth) or isinstance(i, bool | np.bool_) or (
            isinstance(i, np.ndarray) and i.dtype == np.bool_) for i in items]
        if all(truths) and any(isinstance(i, Traced) and i.bits is not None for i in items):
            return [self.bits(i) for i in items]
        return [self.arith(i) for i in items]

    # ---- forms

    def arith(self, value: Any) -> Wire:
        if not isinstance(value, Traced):
            return w.const(value)
        if value.arith is None:
            assert value.bits is not None
            value.arith = w.b2a(value.bits)
        return value.arith

    def bits(self, value: Any) -> Wire:
        if not isinstance(value, Traced):
            return w.const(value, w.B)
        if value.bits is None:
            assert value.arith is not None
            value.bits = w.reshape(w.a2b(value.arith, 1), value.shape)
        return value.bits

    # ---- letting out

    def reveal(self, secret: Secret, type: Tensor) -> Any:
        pending = Pending(secret, type.rank)
        self._pending.append(pending)
        return pending

    def flush(self) -> None:
        self.finish((), ())

    def abandon(self) -> None:
        self._pending.clear()

    def finish(self, keeps: Sequence[Secret], seals: Sequence[tuple[Secret, Tensor, bytes]]) -> list[Envelope]:
        pending, self._pending = self._pending, []
        revealed = [(_traced(p.secret).wire, _traced(p.secret).truth) for p in pending]
        for item in pending:
            item.secret = None  # what is opened need not be kept as well
        parcels = [(_traced(secret).wire, key) for secret, _, key in seals]
        opened, sealed = self.tracer.run([wire for wire, _ in revealed], parcels, [_traced(k).wire for k in keeps])
        for item, (_, truth), array in zip(pending, revealed, opened, strict=True):
            item.resolve(plain(array, truth))
        return [
            Envelope((parcel, _traced(secret).wire.form is w.B, _traced(secret).truth), type)
            for parcel, (secret, type, _) in zip(sealed, seals, strict=True)]

    def unseal(self, envelope: Envelope, private_key: bytes) -> Any:
        parcel, bits, truth = envelope.content
        return plain(self.tracer.engine.unseal(parcel, private_key, bits), truth)

    def inside(self, bounds: Sequence[Bound]) -> bool:
        outside = [
            w.reshape(check, (int(np.prod(check.shape, dtype=np.int64)),))
            for b in bounds for x in [self.arith(b.secret)] if 0 not in x.shape
            for check in (w.ltz(w.shift(x, -b.low)), w.ltz(w.shift(w.neg(x), b.high)))]
        if not outside:
            return True
        verdict = w.fold(w.concat(outside, 0), 0, w.or_)
        opened, _ = self.tracer.run([verdict])
        return not bool(opened[0].any())

    # ---- computing

    def apply(self, op: Operation, args: tuple[Any, ...]) -> tuple[Any, ...]:
        if op.op == "len":
            return (args[0].shape[op.attrs["axis"]],)
        made = RULES[op.op](self, op, *args)
        if type(made) is Traced:
            wire = made.arith if made.bits is None else made.bits
            if wire is not None and wire.span is None:
                wire.span = op.span
            return (made,)
        results = made if isinstance(made, tuple) else (made,)
        for result in results:
            for wire in (result.arith, result.bits) if isinstance(result, Traced) else ():
                if wire is not None and wire.span is None:
                    wire.span = op.span
        return results


def _traced(secret: Secret | None) -> Traced:
    assert isinstance(secret, Traced)
    return secret


def plain(array: Array, truth: bool) -> Any:
    """An opened array as a public value."""
    array = np.asarray(array)
    if truth:
        return scalar(array.astype(bool))
    return scalar(shrink(array) if array.dtype == object else grow(array.astype(np.int64)))


RULES: dict[str, Rule] = {**NUMBER_RULES, **SHAPE_RULES, **ORDER_RULES}
