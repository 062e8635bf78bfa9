"""Private values between a session and the store: taken out of the engine when a job wrote them, put back into another.

What is put back is laid out the same way at all nodes, whatever led there: values of one slot that are alike lie in
one array, in the order of their names, each a row of it. So nodes that begin a session trace the same circuits.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from enigmalang.circuits.circuit import Form
from enigmalang.execute import wires as w
from enigmalang.execute.trace import Traced, Tracer, Wire
from enigmalang.fields import Field, field_named
from enigmalang.node.durable.values import Name, Value, constant_value, encode_name, shared_value
from enigmalang.plan.calls import Key
from enigmalang.sharing import ArithShare, BitShare, Share


class Shares(Protocol):
    """An engine that is this node alone: `node.engine.NodeEngine`."""

    field: str

    @property
    def pieces(self) -> int: ...

    def hold(self, handle: int, share: Share) -> None: ...

    def share(self, handle: int) -> Share: ...


def taken(engine: Shares, writes: Mapping[Key, Any]) -> dict[Name, Value]:
    """The values that a job wrote, by (address, slot, keys): all kept by the engine (`Domain.finish`), or constants."""
    reader = _Reader(engine)
    return {(slot, keys): reader.value(traced) for (_, slot, keys), traced in writes.items()}


class _Reader:
    """Reads shares out of an engine; bits that many values are rows of are unpacked once."""

    def __init__(self, engine: Shares) -> None:
        self._engine = engine
        self._unpacked: dict[int, Any] = {}

    def value(self, traced: Traced) -> Value:
        wire = traced.wire
        if wire.handle is not None:
            return shared_value(self._engine.share(wire.handle.number), traced.truth)
        if wire.op == "const":
            return constant_value(wire.attrs["value"], wire.form, traced.truth)
        if not wire.is_row:
            raise AssertionError(f"{wire!r} was written and not kept")
        return shared_value(self._row(wire), traced.truth)

    def _row(self, wire: Wire) -> Share:
        array, indices, axis = wire.args[0], wire.attrs["indices"], wire.attrs["axis"]
        assert array.handle is not None
        share = self._engine.share(array.handle.number)
        if isinstance(share, ArithShare):
            return ArithShare(share.field, np.ascontiguousarray(np.take(share.raw, indices, axis=axis)))
        lanes = self._unpacked.get(array.handle.number)
        if lanes is None:
            lanes = self._unpacked[array.handle.number] = share.unpacked()
        return BitShare.packed(np.take(lanes, indices, axis=axis + 1))


def put_back(engine: Shares, tracer: Tracer, contract: str, values: Mapping[Name, Value]) -> dict[Key, Traced]:
    """The values in the engine, as the interpreter has them: (address, slot, keys) -> private value. Raises StateError
    for shares that do not fit the committee.
    """
    kind = field_named(engine.field)
    groups: dict[Any, list[tuple[Name, Value]]] = {}
    made: dict[Key, Traced] = {}
    for name, value in sorted(values.items(), key=lambda pair: encode_name(pair[0])):
        if value.public:
            made[contract, *name] = tracer.traced(w.const(value.constant(), Form(value.form)), value.truth)
        else:
            groups.setdefault((name[0], value.layout), []).append((name, value))
    for group in groups.values():
        rows = _held(engine, tracer, kind, [value for _, value in group])
        for (name, value), wire in zip(group, rows, strict=True):
            made[contract, *name] = tracer.traced(wire, value.truth)
    return made


def _held(engine: Shares, tracer: Tracer, kind: Field, values: list[Value]) -> list[Wire]:
    """Wires of values of one form and shape."""
    shares = [value.share(kind, engine.pieces) for value in values]
    form, shape = Form(values[0].form), values[0].shape
    if len(shares) == 1:
        wire, handle = tracer.held(shape, form)
        engine.hold(handle, shares[0])
        return [wire]
    array, handle = tracer.held((len(shares), *shape), form)
    engine.hold(handle, _stacked(kind, shares))
    return [w.take_one(array, row, 0) for row in range(len(shares))]


def _stacked(kind: Field, shares: list[Share]) -> Share:
    """Along a new first axis."""
    elements = [share.raw for share in shares if isinstance(share, ArithShare)]
    if elements:
        return ArithShare(kind, np.stack(elements))
    return BitShare.packed(np.stack([share.unpacked() for share in shares if isinstance(share, BitShare)], axis=1))
