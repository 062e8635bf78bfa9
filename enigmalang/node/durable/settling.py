"""Which of what was staged the chain took: kept state follows the hub, at a block that is final for this node."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from enigmalang.chain.digests import keccak
from enigmalang.chain.hub import FULFILLED, OPEN, Hub, hub_interface
from enigmalang.node.durable import points
from enigmalang.node.durable.state import Stage, State

#: Above all numbers of jobs.
_ALL = 1 << 62


@dataclass(frozen=True, slots=True)
class Lack:
    """A contract whose private state is `here` at this node and `there` on the chain (roots)."""

    contract: str
    here: bytes
    there: bytes


def settle(hub: Hub, state: State, contract: str, oldest: int, block: int, at: points.Hook = points.unwatched
           ) -> list[Stage]:
    """What jobs of `contract` before `oldest`, its first open one (0: there is none), wrote becomes current if the
    chain took it, and is forgotten otherwise. What became current. Raises ChainError, StateError.
    """
    before = oldest or _ALL
    current: list[Stage] = []
    for stage in state.staged(contract):
        if stage.job >= before:
            continue
        status = hub.job(stage.job, block).status
        if status == OPEN:
            return current
        if status != FULFILLED or state.root(contract) != stage.before:
            continue
        if _settled(hub, stage, block)["root"] == stage.root:
            at(points.SETTLING)
            state.settle(stage)
            at(points.SETTLED)
            current.append(stage)
    state.close(contract, before)
    return current


def _settled(hub: Hub, stage: Stage, block: int) -> dict[str, Any]:
    """What the hub said when the job was fulfilled."""
    event = hub_interface().event("Settled")
    log = hub.chain.logs(hub.address, [event.topic, stage.job.to_bytes(32, "big")], stage.opened, block)[-1]
    return event.decode(log.topics, log.data)


def chain_root(hub: Hub, contract: str, block: int) -> bytes:
    """The root of the contract's private state as of `block`."""
    return hub.chain.call(contract, keccak(b"private_root()")[:4], tag=block)[:32]


def contracts_of(hub: Hub, committee: int, block: int) -> list[str]:
    """The contracts that are attached to the committee."""
    event = hub_interface().event("Attached")
    logs = hub.chain.logs(hub.address, [event.topic, None, committee.to_bytes(32, "big")], 0, block)
    found = dict.fromkeys(event.decode(log.topics, log.data)["contract"] for log in logs)
    return [contract for contract in found if hub.attachment(contract, block).committee == committee]


def lacking(hub: Hub, state: State, contracts: Iterable[str], block: int, at: points.Hook = points.unwatched
            ) -> list[Lack]:
    """The contracts whose private state this node does not have as the chain has it at `block`, which is not before
    any block that was computed on; after what can be settled is. Raises ChainError, StateError.
    """
    found = []
    for contract in contracts:
        settle(hub, state, contract, hub.attachment(contract, block).oldest, block, at)
        here, there = state.root(contract), chain_root(hub, contract, block)
        if here != there:
            found.append(Lack(contract, here, there))
    return found
