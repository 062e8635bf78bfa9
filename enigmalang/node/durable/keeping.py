"""The private state of contracts in one session: taken from the store, staged, and settled with the chain."""

from collections.abc import Mapping
from typing import Any

from enigmalang.chain.digests import keccak
from enigmalang.chain.hub import Hub
from enigmalang.chain.ledger import EvmLedger
from enigmalang.chain.requested import Requested
from enigmalang.execute.trace import Tracer
from enigmalang.node.durable import points
from enigmalang.node.durable.settling import settle
from enigmalang.node.durable.shares import Shares, put_back, taken
from enigmalang.node.durable.state import Stage, State
from enigmalang.plan.calls import Key


class Keeper:
    """One session's view of the store. What was computed in this session stays in the engine as it is; what was before
    it is put there when a contract is first needed. All nodes do both at the same jobs.
    """

    def __init__(self, state: State, engine: Shares, tracer: Tracer, at: points.Hook) -> None:
        self._state, self._engine, self._tracer, self._at = state, engine, tracer, at
        self._loaded: dict[str, EvmLedger] = {}
        self._made: dict[Stage, Mapping[Key, Any]] = {}  # staged in this session

    def settle(self, hub: Hub, contract: str, oldest: int, block: int) -> None:
        """See `settling.settle`. Raises ChainError, StateError."""
        for stage in settle(hub, self._state, contract, oldest, block, self._at):
            made, ledger = self._made.get(stage), self._loaded.get(contract)
            if made is None or ledger is None:
                self._loaded.pop(contract, None)
            else:
                ledger.keep(made)
        for stage in [s for s in self._made if s.contract == contract and (not oldest or s.job < oldest)]:
            del self._made[stage]

    def load(self, contract: str, ledger: EvmLedger) -> None:
        """Have the current private state of `contract` in the engine and in `ledger`. Raises StateError."""
        if contract not in self._loaded:
            ledger.keep(put_back(self._engine, self._tracer, contract, self._state.values(contract)))
            self._loaded[contract] = ledger

    def stage(self, requested: Requested, version: int, revealed: bytes, root: bytes, writes: Mapping[Key, Any]
              ) -> None:
        """Keep what a job wrote until the chain has decided. Raises StateError: then nothing may be signed."""
        opened = requested.opened
        stage = Stage(opened.contract, opened.job, opened.block, version, revealed, self._state.root(opened.contract),
                      root)
        self._state.stage(stage, taken(self._engine, writes))
        self._made[stage] = dict(writes)


def run_root(root: bytes, run: bytes) -> bytes:
    """The root under which the shares of one run are kept and signed. `root` says what was written by which job
    (`chain.outcomes.private_root`); `run` is the same at all nodes, and names this computation of it alone: shares of
    two computations of one job do not fit together, and the chain's choice of an outcome is one of shares too.
    """
    return keccak(root + run)
