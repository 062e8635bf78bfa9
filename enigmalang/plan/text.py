"""The text of `enig dump plan`."""

from enigmalang.ir.ir import Function, operations
from enigmalang.ir.text import print_function
from enigmalang.plan.codec import hash_plan
from enigmalang.plan.cost import cost_of
from enigmalang.plan.plan import Plan


def print_plan(plan: Plan) -> str:
    """Every function with its programs, and what its secret one costs (products, comparisons, divisions)."""
    lines = [f"plan {plan.path}", f"field {plan.field}", f"hash {hash_plan(plan).hex()}", ""]
    for name, function in plan.functions.items():
        if function.secret is None:
            lines += [f"# {name}: public, {_count(function.public)}", print_function(function.public)]
            continue
        lines += [f"# {name}: ledger program, {_count(function.public)}", print_function(function.public)]
        lines += [f"# {name}: secret program, {cost_of(function.secret)}", print_function(function.secret)]
    return "\n".join(lines).rstrip() + "\n"


def _count(function: Function) -> str:
    number = sum(1 for _ in operations(function.body))
    return f"{number} operation{'' if number == 1 else 's'}"
