"""A contract's call of another one, through an interface: within the transaction of the caller."""

from collections.abc import Sequence
from typing import Any

from enigmalang.execute.failures import revert
from enigmalang.execute.machine import Context, Machine
from enigmalang.execute.ranges import check_arguments
from enigmalang.execute.values import ContractRef
from enigmalang.ir.ir import Operation
from enigmalang.types.abi import NoAbiType, abi_name
from enigmalang.types.types import Type

Args = tuple[Any, ...]


def callee_of(machine: Machine, op: Operation, args: Args) -> tuple[str, str, str, int, list[Any]]:
    """Address, contract, function, wei and arguments of the call. A revert when there is no such function: one is known
    by its name and the types of its parameters. What the interface calls a view must be one. (Of another result type, a
    chain sees the words alone: those that fit pass there, and are refused here.)
    """
    reference, *rest = args
    address = reference.address if isinstance(reference, ContractRef) else str(reference)
    plan, called = machine.world.plan, op.attrs["function"]
    contract = machine.world.ledger.contract_at(address)
    wei = int(rest.pop(0)) if op.attrs["value"] else 0
    name = f"{contract}.{called}"
    declared = plan.interfaces[op.attrs["interface"]].functions[called]
    found = plan.functions.get(name)
    params = [p.type for p in found.public.params] if found is not None else []
    wanted = [type for _, type in declared.params]
    if contract is None or found is None or found.public.kind not in ("external", "view") or not _alike(params, wanted):
        shown = f"{called}({', '.join(map(str, wanted))})"
        raise revert(op, "E0516", f"{op.attrs['interface']} at {address} has no function {shown}")
    if not _alike([found.public.result], [declared.result]):
        raise revert(op, "E0516", f"{name} gives {found.public.result}, not {declared.result} as "
                     f"{op.attrs['interface']} says")
    if declared.view and found.public.kind != "view":
        raise revert(op, "E0516", f"{name} may change things: it is no view, as {op.attrs['interface']} says it is")
    return address, contract, name, wei, rest


def _alike(found: Sequence[Type], wanted: Sequence[Type]) -> bool:
    """Whether outsiders see the same types."""
    try:
        return [abi_name(t) for t in found] == [abi_name(t) for t in wanted]
    except NoAbiType:  # what no chain could hold, an identity for example
        return list(found) == list(wanted)


def external_call(machine: Machine, op: Operation, args: Args) -> Sequence[Any]:
    world, context = machine.world, machine.context
    address, contract, name, wei, rest = callee_of(machine, op, args)
    function = world.plan.functions[name]
    if function.secret is not None:
        raise revert(op, "E0516", f"{name} is a job for the nodes: another contract cannot call it")
    if wei and not function.public.payable:
        raise revert(op, "E0501", f"{name} takes no payment: it is not `payable`")
    if wei and not world.ledger.transfer(context.address, address, wei):
        raise revert(op, "E0512", f"{wei} wei cannot be paid: the balance is {world.ledger.balance(context.address)}")
    check_arguments(op, function.public, rest)
    inner = Context(context.mode, contract, address, context.address, wei, context.attested, context.said)
    callee = Machine(world, machine.domain, inner, machine.handlers)
    callee.depth = machine.depth + 1
    callee.check_depth(op)
    return callee.run(function.public, rest)
