"""Partition: each contract function becomes a ledger program and a secret program; both are cut out of the whole
function by the same liveness walk, with different ideas of what is an effect.

The **ledger program** has every public read, check, write, event and payment, in order; each `reveal` becomes
`attested`, whose number is the place of the reveal in the function (a reveal in a loop is attested once a turn, in
order). What only computes on secrets is gone, and so are the private parts of state.

The **secret program** has the private computing, and the public reads, checks and writes that it may depend on; its
public writes go to an overlay that is thrown away, so that later reads see them. Events and payments are gone.
"""

from enigmalang.ir.clone import clone
from enigmalang.ir.ir import Contract, Function, Operation, Program, Region, Value, operations
from enigmalang.ir.ops import OPS, Effect
from enigmalang.passes.dead import has_effect, prune
from enigmalang.plan.plan import Plan
from enigmalang.types.types import NONE, Label

_OF_CONTRACTS = frozenset({"external", "view", "init"})


def partition(program: Program, field: str) -> Plan:
    """The plan of `program`, whose private values fit `field`. `program` is not changed."""
    plan = Plan(program.path, field, program.contracts, tests=program.tests)
    for name, function in program.functions.items():
        if function.kind not in _OF_CONTRACTS or function.contract is None:
            plan.whole[name] = function
            continue
        contract = program.contracts[function.contract]
        plan.ledger[name] = ledger_program(function, contract)
        if has_secrets(function, contract):
            plan.secret[name] = secret_program(function)
    return plan


def has_secrets(function: Function, contract: Contract) -> bool:
    """Whether `function` touches anything private: then a call of it is a job for the nodes."""
    if function.result_private or any(p.private for p in function.params):
        return True
    return any(
        writes_private(op, contract) or any(v.label is Label.PRIVATE for v in (*op.operands, *op.results))
        for op in operations(function.body))


def writes_private(op: Operation, contract: Contract) -> bool:
    """Whether `op` writes a private slot."""
    return op.op in ("state_store", "map_set") and contract.slots[op.attrs["slot"]].label is Label.PRIVATE


def ledger_program(function: Function, contract: Contract) -> Function:
    """What the chain executes of `function`."""
    ledger = clone(function)
    _attest(ledger.body)
    if ledger.result_private:
        ledger.body.ops[-1].operands = ()
        ledger.result, ledger.result_private = NONE, False

    def is_public_effect(op: Operation) -> bool:
        if op.op == "reveal_to" or writes_private(op, contract):
            return False
        return op.op == "attested" or (has_effect(op) and not _is_private(op))

    prune(ledger, is_public_effect)
    return ledger


def _is_private(op: Operation) -> bool:
    return bool(op.results) and all(v.label is Label.PRIVATE for v in op.results) and (
        OPS[op.op].effect is not Effect.CONTROL)


def _attest(body: Region) -> None:
    """Replace each `reveal` of a secret by `attested`, numbered in the order of the text."""
    number = 0

    def visit(region: Region) -> None:
        nonlocal number
        for position, op in enumerate(region.ops):
            if op.op == "reveal" and op.operands[0].label is Label.PRIVATE:
                region.ops[position] = Operation("attested", (), op.results, op.span, {"number": number}, (), op.via)
                number += 1
            for inner in op.regions:
                visit(inner)

    visit(body)


def secret_program(function: Function) -> Function:
    """What the nodes execute of `function`."""
    secret = clone(function)

    def is_secret_effect(op: Operation) -> bool:
        return op.op not in ("emit", "send") and has_effect(op)

    prune(secret, is_secret_effect)
    return secret


def revealed(function: Function) -> list[Value]:
    """The values that `function` reveals, in the order of the text: the numbers of `attested`."""
    return [op.operands[0] for op in operations(function.body)
            if op.op == "reveal" and op.operands[0].label is Label.PRIVATE]
