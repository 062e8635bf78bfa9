"""Which of what was staged the chain took: kept state follows the hub, at a block that is final for this node."""

import threading
from collections import OrderedDict
from typing import Any

from enigmalang.chain.digests import keccak
from enigmalang.chain.hub import EMPTY, FULFILLED, OPEN, Hub, hub_interface
from enigmalang.ethereum.words import address_word, number_word
from enigmalang.node.durable import points
from enigmalang.node.durable.state import Stage, State

#: Contracts of which a root is remembered, and blocks that are looked at together for it.
ROOTS, BLOCKS = 1_024, 1_000
#: Above all numbers of jobs.
_ALL = 1 << 62


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
    log = hub.chain.logs(hub.address, [event.topic, number_word(stage.job)], stage.opened, block)[-1]
    return event.decode(log.topics, log.data)


def chain_root(hub: Hub, contract: str, block: int) -> bytes:
    """The root of the contract's private state as of `block`, as the contract says; see `SettledRoots`."""
    return hub.chain.call(contract, keccak(b"private_root()")[:4], tag=block)[:32]


class SettledRoots:
    """The roots of private state as a hub has them: those that t+1 of the committees signed last. A contract that was
    not generated may say another one, or none (`chain_root`). Threads may share one."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[int, bytes]] = OrderedDict()  # by contract: up to which block, and the root

    def at(self, contract: str, block: int) -> bytes:
        """As of `block`, which is final. The chain is read back to the last result, or to where the contract was
        attached, and no block a second time. Raises ChainError."""
        with self._lock:
            known, root = self._known.get(contract, (-1, EMPTY))
        if block < known:
            return self._found(contract, self._hub.first_block(), block, EMPTY)
        root = self._found(contract, max(known + 1, self._hub.first_block()), block, root)
        with self._lock:
            self._known[contract] = block, root
            self._known.move_to_end(contract)
            if len(self._known) > ROOTS:
                self._known.popitem(last=False)
        return root

    def _found(self, contract: str, first: int, block: int, before: bytes) -> bytes:
        """`before`: what it was before block `first`."""
        hub, word = self._hub, address_word(contract)
        if not hub.attachment(contract, block).settled:
            return EMPTY
        settled, attached = (hub_interface().event(name) for name in ("Settled", "Attached"))
        for end in range(block, first - 1, -BLOCKS):
            begin = max(first, end - BLOCKS + 1)
            logs = hub.chain.logs(hub.address, [settled.topic, None, word], begin, end)
            if logs:
                return bytes(settled.decode(logs[-1].topics, logs[-1].data)["root"])
            if hub.chain.logs(hub.address, [attached.topic, word], begin, end):
                return EMPTY
        return before
