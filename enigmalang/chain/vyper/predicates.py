"""A user's predicate as a contract of its own: a view that the hub asks (language.md §6)."""

from dataclasses import replace

from enigmalang.chain.vyper.compiled import Deployable, compile_contract
from enigmalang.ir.ir import Contract
from enigmalang.plan.plan import Plan

#: How the contract around a predicate is called.
SUFFIX = "_predicate"


def compile_predicate(plan: Plan, name: str) -> Deployable:
    """A contract without state that shows the predicate `name` of `plan`. Raises EnigmaError (E08xx) when the chain
    cannot decide it, for instance because it asks what is not on the chain."""
    called = name + SUFFIX
    around = Contract(called, {}, {}, {}, {}, (), plan.functions[name].public.span)
    functions = {n: f for n, f in plan.functions.items() if n == name or f.public.kind not in ("predicate", "test")}
    return compile_contract(replace(plan, contracts={**plan.contracts, called: around}, functions=functions), called)
