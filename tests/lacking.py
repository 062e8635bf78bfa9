"""For tests of any folder: which private state a node does not have, as a process that begins with it now sees it."""

from collections.abc import Iterable
from dataclasses import dataclass

from enigmalang.chain.hub import Hub
from enigmalang.node.durable.settling import chain_root, settle
from enigmalang.node.durable.state import State


@dataclass(frozen=True, slots=True)
class Lack:
    """A contract whose private state is `here` at a node and `there` on the chain (roots)."""

    contract: str
    here: bytes
    there: bytes


def lacking(hub: Hub, state: State, contracts: Iterable[str], block: int) -> list[Lack]:
    """The contracts whose private state a node does not have as the chain has it at `block`, which is not before any
    block that was computed on; after what can be settled is."""
    found = []
    for contract in contracts:
        settle(hub, state, contract, hub.attachment(contract, block).oldest, block)
        here, there = state.root(contract), chain_root(hub, contract, block)
        if here != there:
            found.append(Lack(contract, here, there))
    return found
