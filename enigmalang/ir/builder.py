"""Builds operations: result types come from the typing rules, or from the caller where the operands do not decide."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from enigmalang.ir.ir import IRType, Operation, Region, Value
from enigmalang.ir.ops import OPS
from enigmalang.ir.typing import infer
from enigmalang.source import Span


class BuildError(Exception):
    """An operation was asked for that has no type: a bug of the caller."""


class Builder:
    """Appends operations to `region`, the current one; `into` makes another region current for a while."""

    def __init__(self, region: Region | None = None) -> None:
        self.region = region if region is not None else Region()

    @contextmanager
    def into(self, region: Region) -> Iterator[Region]:
        outer, self.region = self.region, region
        try:
            yield region
        finally:
            self.region = outer

    def emit(
        self, op: str, operands: Sequence[Value], span: Span, *, types: Sequence[IRType] | None = None,
        attrs: dict[str, Any] | None = None, regions: Sequence[Region] = (), hints: Sequence[str] = (),
    ) -> Operation:
        """Append one operation. Attributes of the table that are not given are None.

        Raises BuildError when `types` is needed and missing.
        """
        row = OPS[op]
        full = dict.fromkeys(row.attrs) | (attrs or {})
        if types is None:
            types = infer(op, [v.type for v in operands], full)
        if types is None:
            shown = ", ".join(str(v.type) for v in operands)
            raise BuildError(f"{span}: `{op}` on ({shown}) has no result type")
        names = list(hints) + [""] * (len(types) - len(hints))
        results = tuple(Value(t, span, hint=h) for t, h in zip(types, names, strict=False))
        operation = Operation(op, tuple(operands), results, span, full, tuple(regions))
        self.region.ops.append(operation)
        return operation

    def value(
        self, op: str, operands: Sequence[Value], span: Span, *, type: IRType | None = None,
        hint: str = "", **attrs: Any,
    ) -> Value:
        """Append an operation with one result, and give the result."""
        types = None if type is None else (type,)
        return self.emit(op, operands, span, types=types, attrs=attrs, hints=(hint,)).result

    def const(self, value: Any, type: IRType, span: Span) -> Value:
        return self.value("const", (), span, type=type, value=value)
