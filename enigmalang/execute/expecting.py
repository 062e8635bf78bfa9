"""Blocks that run as somebody (`as alice:`), or that have to fail (`expect revert`, `expect leak`)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from enigmalang.diagnostics import EnigmaError, Note
from enigmalang.execute.failures import Revert, diagnose, fault
from enigmalang.ir.ir import Operation

if TYPE_CHECKING:
    from enigmalang.execute.machine import Machine


def acting(machine: Machine, op: Operation) -> tuple[str, list[Any]] | None:
    identity = machine.forced(machine.env[op.operands[0]])
    machine.handlers["acting"](machine, op, (identity,))
    with machine.world.acting_as(identity):
        return machine.block(op)


def expect_revert(machine: Machine, op: Operation) -> tuple[str, list[Any]] | None:
    """The block must revert; what it did before is undone by the transaction that failed."""
    expected = machine.forced(machine.env[op.operands[0]]) if op.operands else None
    try:
        machine.block(op)
        machine.domain.flush()
    except Revert as failure:
        if failure.fits(expected):
            return None
        problem = f"expected a revert with {expected!r}, but it reverted otherwise: {failure.text}"
        found = diagnose(op, "E0513", problem)
        notes = (*found.notes, Note(failure.diagnostic.span, failure.diagnostic.message))
        raise EnigmaError(replace(found, notes=notes)) from None
    wanted = "" if expected is None else f" with {expected!r}"
    raise fault(op, "E0513", f"expected a revert{wanted}, but nothing reverted")


def expect_leak(machine: Machine, op: Operation) -> tuple[str, list[Any]] | None:
    """Refused by the checker, so it never runs."""
    return None
