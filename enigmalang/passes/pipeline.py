"""The passes in their order. Each is a function from a program to a program; `optimise` runs them all."""

from collections.abc import Callable

from enigmalang.ir.ir import Program
from enigmalang.passes.balance import balance
from enigmalang.passes.bounds import compare_bounds
from enigmalang.passes.cse import share_subexpressions
from enigmalang.passes.dead import remove_dead
from enigmalang.passes.fold import fold_constants
from enigmalang.passes.fuse import fuse_products
from enigmalang.passes.private_if import flatten_private_ifs
from enigmalang.passes.private_index import scan_private_indices
from enigmalang.passes.private_while import unroll_private_whiles
from enigmalang.passes.vectorise import vectorise

Pass = Callable[[Program], Program]

PIPELINE: tuple[Pass, ...] = (
    fold_constants,
    unroll_private_whiles,  # its bodies may hold private ifs; its guards are selects
    flatten_private_ifs,
    scan_private_indices,  # before batching: indices are along the first axis
    share_subexpressions,
    vectorise,
    compare_bounds,  # before balancing: chains of one kind keep their bounds apart
    fuse_products,
    balance,
    fold_constants,
    share_subexpressions,
    remove_dead,
)


def optimise(program: Program, check: Callable[[Program], None] | None = None) -> Program:
    """`program` after all passes; `check` (the verifier, in tests) runs after each."""
    for step in PIPELINE:
        program = step(program)
        if check is not None:
            check(program)
    return program
