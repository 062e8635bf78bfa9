"""How many operands and results each operation has, and which of its attributes may be None."""

from enigmalang.ir.ir import Operation
from enigmalang.ir.ops import OPS
from enigmalang.ir.typing import words

_BINARY = words(
    "add sub mul pow floordiv mod div min max band bor bxor shl shr lt le gt ge eq ne and or xor concat append index "
    "gather contains dot matmul reveal_to send like")
_UNARY = words(
    "neg abs bnot not convert wrap clamp fill expand pop len reverse transpose cumsum reduce_sum reduce_any reduce_all "
    "netlist reduce_min reduce_max state_store share reveal advance await acting")
_SOME = words(
    "stack map_get map_has require call_contract read_contract submit external_call db_get db_has db_history "
    "declassify if for assert sort shuffle witness")
#: Operands: least and greatest number (None: any).
ARITY: dict[str, tuple[int, int | None]] = {
    **dict.fromkeys(words("const empty state_load context attested input identity expect_leak scope"), (0, 0)),
    **dict.fromkeys(_BINARY, (2, 2)),
    **dict.fromkeys(_UNARY, (1, 1)),
    **dict.fromkeys(words("select set_index slice range"), (3, 3)),
    **dict.fromkeys(_SOME, (1, None)),
    **dict.fromkeys(words("map_set db_get_at permute spread"), (2, None)),
    "expect_revert": (0, 1),
}
_ONE_RESULT = words(
    "const convert wrap clamp empty state_load map_get context attested deploy submit identity shared_identity "
    "predicate share reveal")
RESULTS: dict[str, int] = {"pop": 2, **dict.fromkeys(_ONE_RESULT, 1)}
#: Attributes that may be None.
OPTIONAL = words("implicit max early error predicate value filtered event code private sep end attested")


def misfit(op: Operation) -> str | None:
    """What is wrong with the number of operands, regions or results of `op`, or with its attributes; else None."""
    row = OPS[op.op]
    low, high = ARITY.get(op.op, (0, None))
    if len(op.operands) < low or (high is not None and len(op.operands) > high):
        return f"has {len(op.operands)} operands"
    if len(op.regions) != row.regions:
        return f"has {len(op.regions)} regions, not {row.regions}"
    if op.op in RESULTS and len(op.results) != RESULTS[op.op]:
        return f"has {len(op.results)} results, not {RESULTS[op.op]}"
    for name in row.attrs:
        if name not in op.attrs and name not in OPTIONAL:
            return f"attribute `{name}` is missing"
        if op.attrs.get(name) is None and name not in OPTIONAL and not _may_be_none(op, name):
            return f"attribute `{name}` is None"
    if extra := set(op.attrs) - set(row.attrs):
        return f"unknown attribute `{sorted(extra)[0]}`"
    return None


def _may_be_none(op: Operation, name: str) -> bool:
    return (op.op, name) in {("const", "value"), ("len", "axis"), ("index", "axis"), ("slice", "axis")}
