"""The text form of a plan: every program of it, for `enig dump plan` and as its canonical bytes."""

from enigmalang.ir.text import print_program
from enigmalang.plan.plan import Part, Plan


def print_plan(plan: Plan, *, spans: bool = False) -> str:
    """`plan` as text, deterministic; with spans it says everything about the plan."""
    parts = [f"plan {plan.field}\n"]
    for part in Part:
        parts.append(f"==== {part} ====\n{print_program(plan.program(part), spans=spans)}")
    return "".join(parts)
