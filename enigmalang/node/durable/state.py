"""The port behind which a node keeps what must outlive its process, for one committee; and its twin in memory.

Private state has two phases. What a job wrote is *staged* before the node signs the job's outcome, under the root that
is signed; it becomes current (`settle`) when the chain says that an outcome with this root was taken, and is
discarded when another was. The root names the run that the shares are of (`node.serving`): a job that was computed
twice left shares of two sharings, and only those of one run fit together.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from enigmalang.chain.hub import EMPTY
from enigmalang.node.durable.errors import StateError
from enigmalang.node.durable.values import Name, Value, merged

Values = Mapping[Name, Value]


@dataclass(frozen=True, slots=True)
class Stage:
    """What a job, opened in block `opened`, wrote on version `version` of a contract's state, whose root was `before`;
    `root` it will be.
    """

    contract: str
    job: int
    opened: int
    version: int
    revealed: bytes
    before: bytes
    root: bytes


@dataclass(frozen=True, slots=True)
class Begun:
    """The blocks that a job was begun on, and how often it was begun in all."""

    blocks: frozenset[int] = frozenset()
    runs: int = 0


class State(Protocol):
    """What one member of one committee keeps. What a method wrote is durable when it returns. All raise StateError."""

    # ---- plans, by the SHA-256 of their canonical bytes

    def plan(self, digest: bytes) -> bytes | None: ...

    def keep_plan(self, digest: bytes, data: bytes) -> None:
        """Raises ValueError for bytes that have another digest."""
        ...

    # ---- jobs

    def begun(self, job: int) -> Begun: ...

    def begin(self, contract: str, job: int, block: int) -> None:
        """Count a run of `job` on `block`."""
        ...

    def last_block(self) -> int:
        """The latest that anything was computed on."""
        ...

    def close(self, contract: str, before: int) -> None:
        """The jobs of `contract` with numbers below `before` have ended: forget their runs and stages."""
        ...

    # ---- private state

    def root(self, contract: str) -> bytes:
        """Of the current values; EMPTY when there are none."""
        ...

    def values(self, contract: str) -> dict[Name, Value]:
        """The current ones."""
        ...

    def names(self, contract: str, slot: str) -> list[Name]:
        """Of the current values in a slot."""
        ...

    def pick(self, contract: str, names: Collection[Name]) -> dict[Name, Value]:
        """The current values of these names, as far as they are there."""
        ...

    def stage(self, stage: Stage, values: Values) -> None:
        """`GONE` among the values: what has that name is no more once this is settled."""
        ...

    def staged(self, contract: str) -> list[Stage]:
        """By job."""
        ...

    def staged_values(self, stage: Stage) -> dict[Name, Value]:
        """Empty for what is not staged."""
        ...

    def settle(self, stage: Stage) -> None:
        """Make what is staged current, and forget what else the job staged. Raises StateError when the current root is
        not the one before it."""
        ...

    def replace(self, contract: str, root: bytes, values: Values) -> None:
        """These are the current values from now on: they came from the other members."""
        ...

    def forget(self, contract: str) -> None:
        """Its private state went to another committee: nothing of it is kept here."""
        ...

    def contracts(self) -> dict[str, bytes]:
        """The roots of all contracts that there is private state of."""
        ...


class MemoryState:
    """`State` of a node that ends with its process."""

    def __init__(self) -> None:
        self._plans: dict[bytes, bytes] = {}
        self._begun: dict[int, tuple[str, Begun]] = {}
        self._block = 0
        self._current: dict[str, tuple[bytes, dict[Name, Value]]] = {}
        self._staged: dict[Stage, dict[Name, Value]] = {}

    def plan(self, digest: bytes) -> bytes | None:
        return self._plans.get(digest)

    def keep_plan(self, digest: bytes, data: bytes) -> None:
        check_plan(digest, data)
        self._plans[digest] = data

    def begun(self, job: int) -> Begun:
        return self._begun.get(job, ("", Begun()))[1]

    def begin(self, contract: str, job: int, block: int) -> None:
        begun = self.begun(job)
        self._begun[job] = contract, Begun(begun.blocks | {block}, begun.runs + 1)
        self._block = max(self._block, block)

    def last_block(self) -> int:
        return self._block

    def close(self, contract: str, before: int) -> None:
        ended = {job for job, (owner, _) in self._begun.items() if owner == contract and job < before}
        for job in ended:
            del self._begun[job]
        for stage in [stage for stage in self._staged if stage.contract == contract and stage.job < before]:
            del self._staged[stage]

    def root(self, contract: str) -> bytes:
        return self._current.get(contract, (EMPTY, {}))[0]

    def values(self, contract: str) -> dict[Name, Value]:
        return dict(self._current.get(contract, (EMPTY, {}))[1])

    def names(self, contract: str, slot: str) -> list[Name]:
        return [name for name in self.values(contract) if name[0] == slot]

    def pick(self, contract: str, names: Collection[Name]) -> dict[Name, Value]:
        values = self.values(contract)
        return {name: values[name] for name in names if name in values}

    def stage(self, stage: Stage, values: Values) -> None:
        self._staged[stage] = dict(values)

    def staged(self, contract: str) -> list[Stage]:
        return sorted((s for s in self._staged if s.contract == contract), key=lambda stage: stage.job)

    def staged_values(self, stage: Stage) -> dict[Name, Value]:
        return dict(self._staged.get(stage, {}))

    def settle(self, stage: Stage) -> None:
        root, values = self._current.get(stage.contract, (EMPTY, {}))
        check_order(stage, root, stage in self._staged)
        self._current[stage.contract] = stage.root, merged(values, self._staged[stage])
        for other in [s for s in self._staged if (s.contract, s.job) == (stage.contract, stage.job)]:
            del self._staged[other]

    def replace(self, contract: str, root: bytes, values: Values) -> None:
        self._current[contract] = root, dict(values)

    def forget(self, contract: str) -> None:
        self._current.pop(contract, None)
        for stage in self.staged(contract):
            del self._staged[stage]

    def contracts(self) -> dict[str, bytes]:
        return {contract: root for contract, (root, _) in self._current.items()}


def check_order(stage: Stage, root: bytes, there: bool) -> None:
    """Raises StateError unless `stage` is there and follows the state whose root is `root`."""
    if not there:
        raise StateError(f"nothing is staged of job {stage.job} under its root")
    if stage.before != root:
        raise StateError(f"what job {stage.job} wrote does not follow the state that is here")


def check_plan(digest: bytes, data: bytes) -> None:
    """Raises ValueError unless `digest` is that of the plan's bytes."""
    if sha256(data).digest() != digest:
        raise ValueError("a plan with another digest")
