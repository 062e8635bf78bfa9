"""How many rounds the operations take, about: what a schedule is made by. Those of three parties without a stock.

The protocols state the real ones (`mpc`), which depend on the committee; a schedule must be the same for all of them.
"""

from __future__ import annotations

from typing import Any

from enigmalang.circuits.circuit import OPS

_DIGIT = 8  # bits of a quotient that are found at a time, when quotients are few


def rounds_of(op: str, attrs: dict[str, Any], q: int) -> int:
    """The rounds of an operation over a field of `q` bits."""
    if op in ("ltz", "eqz"):
        bits = attrs.get("bits")
        width = q if bits is None else min(q, int(bits) + 1)
        return _levels(width) + (2 if op == "ltz" else 1)
    if op == "a2b":
        return 2 + _levels(int(attrs["bits"]))
    if op == "shr":
        return 4 + _levels(int(attrs["f"]) + 1) if attrs["mode"] == "exact" else 2
    if op == "divc":
        return 6 + _levels(2 * int(attrs["divisor"]).bit_length())
    if op == "divmod":
        bits = int(attrs["bits"])
        return 18 + _levels(bits) + -(-bits // _DIGIT) * (5 + _levels(bits + _DIGIT))
    return OPS[op].rounds


def _levels(width: int) -> int:
    return (max(1, width) - 1).bit_length()
