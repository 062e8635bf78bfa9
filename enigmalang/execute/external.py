"""A contract's call of another one, through an interface: within the transaction of the caller."""

from collections.abc import Sequence
from typing import Any

from enigmalang.execute.failures import revert
from enigmalang.execute.machine import Context, Machine
from enigmalang.execute.values import ContractRef
from enigmalang.ir.ir import Operation

Args = tuple[Any, ...]


def callee_of(machine: Machine, op: Operation, args: Args) -> tuple[str, str, str, int, list[Any]]:
    """Address, contract, function, wei and arguments of the call. A revert when there is no such function."""
    reference, *rest = args
    address = reference.address if isinstance(reference, ContractRef) else str(reference)
    contract = machine.world.ledger.contract_at(address)
    wei = int(rest.pop(0)) if op.attrs["value"] else 0
    name = f"{contract}.{op.attrs['function'].rpartition('.')[2]}"
    if contract is None or name not in machine.world.plan.functions:
        raise revert(op, "E0516", f"{op.attrs['interface']} at {address} has no function {op.attrs['function']}")
    return address, contract, name, wei, rest


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
    inner = Context(context.mode, contract, address, context.address, wei, context.attested)
    callee = Machine(world, machine.domain, inner, machine.handlers)
    callee.depth = machine.depth + 1
    callee.check_depth(op)
    return callee.run(function.public, rest)
