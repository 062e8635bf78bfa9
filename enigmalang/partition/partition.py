"""Partition: for each function of a contract, what the ledger runs and what the nodes run."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from enigmalang.ir.builder import Builder
from enigmalang.ir.ir import Contract, Function, Operation, Program, Slot, Tensor, Value, operations
from enigmalang.ir.leaves import leaves_of
from enigmalang.partition.slicing import Slicer
from enigmalang.passes.facts import Facts
from enigmalang.plan.plan import Plan, PlanFunction
from enigmalang.types.types import AnyT, BoolT, IntT, Label, Type

UINT256 = IntT(False, 256)
_SPLIT = frozenset({"external", "view", "init"})
#: Public effects and checks: what the ledger program is for.
_LEDGER = frozenset({"emit", "send", "external_call", "require", "raise", "attested", "reveal"})
#: What the nodes run: private effects, openings, and the checks that could stop them.
_SECRET = frozenset({"reveal", "reveal_to", "require", "raise", "external_call"})
_WRITES = frozenset({"state_store", "map_set"})
_LOG = frozenset({"db_get", "db_get_at", "db_has", "db_history"})


def partition(program: Program, field: str) -> Plan:
    """The plan of an optimised program whose private values are held in `field`."""
    facts = Facts(program)
    functions = {name: _function(f, program, facts) for name, f in program.functions.items()}
    return Plan(program.path, field, dict(program.contracts), functions, program.tests, dict(program.interfaces))


def _function(function: Function, program: Program, facts: Facts) -> PlanFunction:
    if function.kind not in _SPLIT or function.contract is None or not has_private_part(function, program):
        return PlanFunction(function)
    contract = program.contracts[function.contract]
    ledger, checked = ledger_program(function, contract, program)
    unchecked = {op for op in operations(function.body) if op not in checked and facts.may_fail(op)}
    return PlanFunction(ledger, secret_program(function, contract, unchecked))


def has_private_part(function: Function, program: Program) -> bool:
    """Whether a call is a job for the nodes."""
    if any(leaf.private for leaf in leaves_of(function.result, function.result_private)):
        return True
    if any(v.label is Label.PRIVATE for p in function.params for v in p.values):
        return True
    return any(_is_private(op, program, function) for op in operations(function.body))


def _is_private(op: Operation, program: Program, function: Function) -> bool:
    if op.op in ("reveal", "reveal_to") or any(v.label is Label.PRIVATE for v in (*op.operands, *op.results)):
        return True
    contract = program.contracts.get(function.contract or "")
    return op.op in _WRITES and contract is not None and _private_slot(contract, op) is not None


def _private_slot(contract: Contract, op: Operation) -> Slot | None:
    slot = contract.slots.get(op.attrs["slot"])
    return slot if slot is not None and slot.label is Label.PRIVATE else None


def _yielded(function: Function, private: bool) -> Sequence[Value]:
    last = function.body.ops[-1]
    leaves = leaves_of(function.result, function.result_private)
    return [v for v, leaf in zip(last.operands, leaves, strict=True) if leaf.private == private] if (
        last.op == "yield") else []


# ------------------------------------------------------------------------------------------- ledger program


def ledger_program(
    function: Function, contract: Contract, program: Program,
) -> tuple[Function, Collection[Operation]]:
    """Public effects and checks, and which operations of `function` they are. `reveal` became `attested`; of private
    values only lengths are followed.

    What is read of the world outside of the contract may have changed since the nodes read it (what they read of the
    contract has a version): time is theirs, attested, and of everything else they attest a digest.
    """
    untyped = {v for op in operations(function.body)
               if op.op in ("db_get", "db_get_at") and isinstance(op.attrs["type"], AnyT) for v in op.results}
    slicer = Slicer(function)
    for op in operations(function.body):
        if op.op in _LEDGER:
            slicer.keep(op, operands=op.op != "reveal")
        elif op.op in _WRITES:
            slot = _private_slot(contract, op)
            if slot is None or _has_length(slot):
                slicer.keep(op)
            elif slot.keys:
                slicer.keep(op, operands=False)
                slicer.need(op.operands[:-1])
        elif (op.op == "db_set" and op.attrs["db"] != "MPC") or _outside(op, untyped):
            slicer.keep(op)
    yields = _yielded(function, False)
    slicer.need(yields)
    _without_secrets(slicer)
    numbers = iter(range(1 << 30))

    def rewrite(op: Operation) -> Sequence[Operation]:
        if (witnessed := _witnessed(op, program, untyped)) is not None:
            return witnessed
        if op.op == "reveal":
            return (Operation("attested", (), op.results, op.span, {"number": next(numbers)}, (), op.via),)
        if op.op in _WRITES:
            slot = _private_slot(contract, op)
            if slot is not None and not _has_length(slot):
                return _marked(op)
        return (op,)

    return slicer.rebuilt(yields, rewrite), slicer.kept


def _outside(op: Operation, untyped: set[Value]) -> bool:
    """Whether it reads of the world outside what has no version: compared also where only secrets depend on it."""
    return (op.op == "context" and op.attrs["name"] == "balance") or (op.op in _LOG and op.attrs["db"] == "L") or (
        op.op == "convert" and op.operands[0] in untyped)


def _witnessed(op: Operation, program: Program, untyped: set[Value]) -> Sequence[Operation] | None:
    """What a read of the outside becomes; None for any other operation. `untyped`: values of `L` whose type is only
    known where they are converted.
    """
    match op.op:
        case "context" if op.attrs["name"] in ("now", "block"):
            return (replace(op, attrs={**op.attrs, "attested": True}),)
        case "context" if op.attrs["name"] == "balance":
            type: Type = UINT256
        case "db_get" | "db_get_at" if not untyped.intersection(op.results):
            type = op.attrs["type"]
        case "convert" if op.operands[0] in untyped and isinstance(op.result.type, Tensor):
            type = op.result.type.element
        case "db_has":
            type = BoolT()
        case "db_history":
            type = op.attrs["type"]
        case "external_call" if op.results:
            type = program.interfaces[op.attrs["interface"]].functions[op.attrs["function"]].result
        case _:
            return None
    return op, Operation("witness", op.results, (), op.span, {"type": type}, (), op.via)


def _without_secrets(slicer: Slicer) -> None:
    """A `reveal` that is needed for its value does not need what it opens."""
    revealing = {op for op in slicer.parents if op.op == "reveal"}
    slicer.kept |= revealing  # kept already, with their parents; their operands are not followed
    slicer.run()


def _has_length(slot: Slot) -> bool:
    return not all(slot.exact)


def _marked(op: Operation) -> Sequence[Operation]:
    """A write to a private map: on the ledger only the key counts, the value is a stand-in."""
    build = Builder()
    value = op.operands[-1]
    assert isinstance(value.type, Tensor)
    if value.type.rank:
        stand_in = build.value("empty", (), op.span, type=value.type)
    else:
        zero: object = False if isinstance(value.type.element, BoolT) else 0
        stand_in = build.const(zero, value.type, op.span)
    made = Operation(op.op, (*op.operands[:-1], stand_in), (), op.span, op.attrs, (), op.via)
    return (*build.region.ops, made)


# ------------------------------------------------------------------------------------------- secret program


def secret_program(function: Function, contract: Contract, unchecked: Collection[Operation]) -> Function:
    """Private computation and what it needs. Public writes stay: later reads see them, in an overlay.

    `unchecked`: what may fail and the ledger does not run. The call fails by it also where nothing uses its result.
    """
    slicer = Slicer(function)
    for op in operations(function.body):
        if op.op in _SECRET or op.op in _WRITES or op.op == "db_set" or op in unchecked:
            slicer.keep(op)
    yields = _yielded(function, True)
    slicer.need(yields)
    slicer.run()
    return slicer.rebuilt(yields, lambda op: (op,))
