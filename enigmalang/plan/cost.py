"""What operations cost the nodes: a first table, for dumps and comparisons; sizes are known only when a job runs."""

from dataclasses import dataclass

from enigmalang.ir.ir import Function, operations
from enigmalang.types.types import Label

#: IR operation -> kind of secure operation that it needs on private operands.
KINDS: dict[str, str] = {
    **dict.fromkeys(("mul", "select", "dot", "matmul", "pow"), "products"),
    **dict.fromkeys(("lt", "le", "gt", "ge", "eq", "ne", "min", "max", "abs", "contains"), "comparisons"),
    **dict.fromkeys(("reduce_min", "reduce_max", "clamp"), "comparisons"),
    **dict.fromkeys(("floordiv", "mod", "div", "wrap", "shr"), "divisions"),
    **dict.fromkeys(("and", "or", "reduce_any", "reduce_all", "band", "bor", "bxor"), "bit operations"),
    **dict.fromkeys(("reveal", "reveal_to"), "openings"),
    **dict.fromkeys(("sort", "shuffle", "permute"), "orders"),
    "spread": "products",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """How often each kind occurs in the text of a program (loops count once)."""

    counts: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        shown = [f"{number} {kind}" for kind, number in self.counts if number]
        return ", ".join(shown) or "local work only"


def cost_of(function: Function) -> Cost:
    counts = dict.fromkeys(dict.fromkeys(KINDS.values()), 0)
    for op in operations(function.body):
        kind = KINDS.get(op.op)
        if kind is not None and any(v.label is Label.PRIVATE for v in op.operands):
            counts[kind] += 1
    return Cost(tuple(counts.items()))
