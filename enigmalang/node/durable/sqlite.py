"""`State` in a file: `SqliteState` is a node's, `CommitteeState` the part of it that is one committee's."""

from collections.abc import Collection
from dataclasses import astuple
from pathlib import Path
from typing import Any

from enigmalang.chain.hub import EMPTY
from enigmalang.node.durable.box import Place
from enigmalang.node.durable.file import StateFile
from enigmalang.node.durable.handed import HandedState, current_place, mask_place
from enigmalang.node.durable.masks import NUMBERS, Given, check_number
from enigmalang.node.durable.state import Begun, Stage, Values, check_order, check_plan
from enigmalang.node.durable.values import (
    GONE,
    Name,
    Value,
    decode_name,
    decode_value,
    encode_name,
    encode_value,
    slot_prefix,
)

#: Masks that no job used are kept until so many numbers were given after theirs.
KEPT_NUMBERS = 1 << 16


class SqliteState:
    """A node's state in the file at `path`, under a storage key of 32 bytes. A context manager."""

    def __init__(self, path: Path, key: bytes, belongs: str = "") -> None:
        """See `StateFile`. Raises StateError."""
        self.file = StateFile(path, key, belongs)

    def committee(self, number: int) -> "CommitteeState":
        """What is kept of committee `number` of the hub."""
        return CommitteeState(self.file, number)

    def committees(self) -> list[int]:
        """Those that something is kept of."""
        return [number for (number,) in self.file.rows("SELECT committee FROM committees ORDER BY committee")]

    def close(self) -> None:
        self.file.close()

    def __enter__(self) -> "SqliteState":
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


class CommitteeState:
    """`State`, `Masks` (in `masks`) and `KeyVault` of one committee."""

    def __init__(self, file: StateFile, number: int) -> None:
        self._file, self._box, self.number = file, file.box, number
        self.masks = SqliteMasks(file, number)
        self.handed = HandedState(file, number)

    # ---- keys, and terms

    def keys(self) -> tuple[bytes, bool] | None:
        """See `KeyVault.keys`."""
        found = self._file.row("SELECT keys, confirmed FROM committees WHERE committee = ?", self.number)
        if found is None or found[0] is None:
            return None
        return self._box.open(("committees", self.number), found[0]), bool(found[1])

    def keep_keys(self, keys: bytes, confirmed: bool) -> None:
        """See `KeyVault.keep_keys`."""
        sealed = self._box.seal(("committees", self.number), keys)
        with self._file.writing():
            self._file.run(
                "INSERT INTO committees (committee, keys, confirmed) VALUES (?1, ?2, ?3) "
                "ON CONFLICT DO UPDATE SET keys = ?2, confirmed = ?3", self.number, sealed, confirmed)

    def term(self) -> int:
        """The greatest that was kept; 0 at first."""
        return self._number("term")

    def keep_term(self, term: int) -> None:
        with self._file.writing():
            _raise_to(self._file, self.number, "term", term)

    def _number(self, column: str) -> int:
        found = self._file.row(f"SELECT {column} FROM committees WHERE committee = ?", self.number)
        return int(found[0]) if found is not None else 0

    # ---- plans

    def plan(self, digest: bytes) -> bytes | None:
        found = self._file.row("SELECT value FROM plans WHERE digest = ?", digest)
        return None if found is None else self._box.open(("plans", digest), found[0])

    def keep_plan(self, digest: bytes, data: bytes) -> None:
        check_plan(digest, data)
        with self._file.writing():
            self._file.run("INSERT OR IGNORE INTO plans VALUES (?, ?)", digest,
                           self._box.seal(("plans", digest), data))

    # ---- jobs

    def begun(self, job: int) -> Begun:
        rows = self._file.rows("SELECT block, runs FROM runs WHERE committee = ? AND job = ?", self.number, job)
        return Begun(frozenset(block for block, _ in rows), sum(runs for _, runs in rows))

    def begin(self, contract: str, job: int, block: int) -> None:
        with self._file.writing():
            self._file.run("INSERT INTO runs VALUES (?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET runs = runs + 1",
                           self.number, job, block, contract)
            _raise_to(self._file, self.number, "block", block)

    def last_block(self) -> int:
        return self._number("block")

    def close(self, contract: str, before: int) -> None:
        """See `State.close`; the masks that these jobs used go with them."""
        ended = [job for (job,) in self._file.rows(
            "SELECT DISTINCT job FROM runs WHERE committee = ? AND contract = ? AND job < ?",
            self.number, contract, before)]
        stages = [stage for (stage,) in self._file.rows(
            "SELECT stage FROM stages WHERE committee = ? AND contract = ? AND job < ?",
            self.number, contract, before)]
        if not ended and not stages:
            return
        with self._file.writing():
            self._forget_stages(stages)
            for job in ended:
                self._file.run("DELETE FROM runs WHERE committee = ? AND job = ?", self.number, job)
                self._file.run("DELETE FROM masks WHERE committee = ? AND job = ?", self.number, job)

    # ---- private state

    def root(self, contract: str) -> bytes:
        found = self._file.row("SELECT root FROM roots WHERE committee = ? AND contract = ?", self.number, contract)
        return EMPTY if found is None else bytes(found[0])

    def contracts(self) -> dict[str, bytes]:
        return dict(self._file.rows("SELECT contract, root FROM roots WHERE committee = ?", self.number))

    def values(self, contract: str) -> dict[Name, Value]:
        rows = self._file.rows("SELECT name, value FROM current WHERE committee = ? AND contract = ? ORDER BY name",
                               self.number, contract)
        return {decode_name(name): self._opened(self._current(contract, name), value) for name, value in rows}

    def names(self, contract: str, slot: str) -> list[Name]:
        first = slot_prefix(slot)
        rows = self._file.rows("SELECT name FROM current WHERE committee = ? AND contract = ? AND name >= ? "
                               "AND name < ? ORDER BY name", self.number, contract, first, first + b"\xff")
        return [decode_name(name) for (name,) in rows]

    def pick(self, contract: str, names: Collection[Name]) -> dict[Name, Value]:
        found = {}
        for name in names:
            data = encode_name(name)
            row = self._file.row("SELECT value FROM current WHERE committee = ? AND contract = ? AND name = ?",
                                 self.number, contract, data)
            if row is not None:
                found[name] = self._opened(self._current(contract, data), row[0])
        return found

    def stage(self, stage: Stage, values: Values) -> None:
        rows = [(encode_name(name), encode_value(value)) for name, value in values.items()]
        sealed = [(name, self._box.seal(self._staged(stage, name), value)) for name, value in rows]
        with self._file.writing():
            old = self._stage(stage)
            self._forget_stages([] if old is None else [old])
            number = self._file.run(
                "INSERT INTO stages (committee, contract, job, opened, version, revealed, before, root) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self.number, *astuple(stage))
            self._file.run_many("INSERT INTO staged_values VALUES (?, ?, ?)",
                                [(number, name, value) for name, value in sealed])

    def staged(self, contract: str) -> list[Stage]:
        return [Stage(*row) for row in self._file.rows(
            "SELECT contract, job, opened, version, revealed, before, root FROM stages "
            "WHERE committee = ? AND contract = ? ORDER BY job, stage", self.number, contract)]

    def staged_values(self, stage: Stage) -> dict[Name, Value]:
        return {decode_name(name): self._opened(self._staged(stage, name), value)
                for name, value in self._staged_rows(stage)}

    def settle(self, stage: Stage) -> None:
        """See `State.settle`: one transaction."""
        sealed, gone = [], []
        for name, value in self._staged_rows(stage):
            data, place = self._box.open(self._staged(stage, name), value), self._current(stage.contract, name)
            if decode_value(data) == GONE:
                gone.append((self.number, stage.contract, name))
            else:
                sealed.append((self.number, stage.contract, name, self._box.seal(place, data)))
        with self._file.writing():
            check_order(stage, self.root(stage.contract), self._stage(stage) is not None)
            self._file.run_many("INSERT OR REPLACE INTO current VALUES (?, ?, ?, ?)", sealed)
            self._file.run_many("DELETE FROM current WHERE committee = ? AND contract = ? AND name = ?", gone)
            self._file.run("INSERT OR REPLACE INTO roots VALUES (?, ?, ?)", self.number, stage.contract, stage.root)
            self._forget_stages([number for (number,) in self._file.rows(
                "SELECT stage FROM stages WHERE committee = ? AND contract = ? AND job = ?",
                self.number, stage.contract, stage.job)])

    def replace(self, contract: str, root: bytes, values: Values) -> None:
        rows = [(encode_name(name), encode_value(value)) for name, value in values.items()]
        sealed = [(self.number, contract, name, self._box.seal(self._current(contract, name), data))
                  for name, data in rows]
        with self._file.writing():
            self._file.run("DELETE FROM current WHERE committee = ? AND contract = ?", self.number, contract)
            self._file.run_many("INSERT INTO current VALUES (?, ?, ?, ?)", sealed)
            self._file.run("INSERT OR REPLACE INTO roots VALUES (?, ?, ?)", self.number, contract, root)

    def forget(self, contract: str) -> None:
        """See `State.forget`; the masks of its jobs go with it. What was deleted is overwritten."""
        with self._file.writing():
            self._forget_stages([stage for (stage,) in self._file.rows(
                "SELECT stage FROM stages WHERE committee = ? AND contract = ?", self.number, contract)])
            self._file.run("DELETE FROM masks WHERE committee = ?1 AND job IN "
                           "(SELECT job FROM runs WHERE committee = ?1 AND contract = ?2)", self.number, contract)
            for table in ("current", "roots", "runs"):
                self._file.run(f"DELETE FROM {table} WHERE committee = ? AND contract = ?", self.number, contract)
        self._file.scrub()

    def known(self) -> set[str]:
        """The contracts of which anything is kept."""
        return {contract for table in ("roots", "stages", "runs") for (contract,) in self._file.rows(
            f"SELECT DISTINCT contract FROM {table} WHERE committee = ?", self.number)}

    def erase(self) -> None:
        """The committee is no more: its keys, and all that was kept for it, are overwritten. Plans stay."""
        with self._file.writing():
            for table in ("stages", "handed"):
                values = ("staged_values",) if table == "stages" else ("handed_values", "handed_masks")
                for inner in values:
                    self._file.run(f"DELETE FROM {inner} WHERE stage IN "
                                   f"(SELECT stage FROM {table} WHERE committee = ?)", self.number)
            for table in ("stages", "handed", "current", "roots", "runs", "masks", "committees"):
                self._file.run(f"DELETE FROM {table} WHERE committee = ?", self.number)
        self._file.scrub()

    # ---- parts

    def _current(self, contract: str, name: bytes) -> Place:
        return current_place(self.number, contract, name)

    def _staged(self, stage: Stage, name: bytes) -> Place:
        return "staged", self.number, stage.contract, stage.job, stage.root, name

    def _opened(self, place: Place, value: bytes) -> Value:
        return decode_value(self._box.open(place, value))

    def _stage(self, stage: Stage) -> int | None:
        found = self._file.row("SELECT stage FROM stages WHERE committee = ? AND contract = ? AND job = ? AND root = ?",
                               self.number, stage.contract, stage.job, stage.root)
        return None if found is None else int(found[0])

    def _staged_rows(self, stage: Stage) -> list[Any]:
        return self._file.rows("SELECT name, value FROM staged_values WHERE stage = ? ORDER BY name",
                               self._stage(stage))

    def _forget_stages(self, stages: list[int]) -> None:
        for stage in stages:
            self._file.run("DELETE FROM staged_values WHERE stage = ?", stage)
            self._file.run("DELETE FROM stages WHERE stage = ?", stage)


class SqliteMasks:
    """`Masks` of one committee in the file."""

    def __init__(self, file: StateFile, number: int) -> None:
        self._file, self._box, self._committee = file, file.box, number

    def highest(self) -> int:
        found = self._file.row("SELECT highest FROM committees WHERE committee = ?", self._committee)
        return int(found[0]) if found is not None else 0

    def skip(self, number: int) -> None:
        if number > self.highest():
            with self._file.writing():
                _raise_to(self._file, self._committee, "highest", number)

    def give(self, number: int, given: Given) -> None:
        """See `Masks.give`."""
        with self._file.writing():
            check_number(number, self.highest())
            self._file.run("DELETE FROM masks WHERE committee = ? AND number <= ? AND job IS NULL",
                           self._committee, number - KEPT_NUMBERS)
            self._put(number, given)

    def adopt(self, number: int, given: Given) -> None:
        with self._file.writing():
            self._put(number, given)

    def _put(self, number: int, given: Given) -> None:
        sealed = self._box.seal(self._place(number), given.pieces)
        self._file.run("INSERT OR IGNORE INTO masks VALUES (?, ?, ?, ?, ?, ?, ?)", self._committee, number, given.owner,
                       given.size, given.receiver, given.job, sealed)
        _raise_to(self._file, self._committee, "highest", number)

    def get(self, number: int) -> Given | None:
        if not -NUMBERS < number < NUMBERS:
            return None
        found = self._file.row(
            "SELECT owner, size, receiver, job, pieces FROM masks WHERE committee = ? AND number = ?",
            self._committee, number)
        if found is None:
            return None
        owner, size, receiver, job, sealed = found
        return Given(owner, size, receiver, job, self._box.open(self._place(number), sealed))

    def use(self, number: int, job: int) -> bool:
        found = self.get(number)
        if found is None or found.job not in (None, job):
            return False
        if found.job is None:
            with self._file.writing():
                self._file.run("UPDATE masks SET job = ? WHERE committee = ? AND number = ?", job, self._committee,
                               number)
        return True

    def drop(self, number: int) -> None:
        with self._file.writing():
            self._file.run("DELETE FROM masks WHERE committee = ? AND number = ?", self._committee, number)

    def handed(self) -> list[int]:
        """The jobs whose masks came with them from another committee."""
        return [-number for (number,) in self._file.rows(
            "SELECT number FROM masks WHERE committee = ? AND number < 0", self._committee)]

    def close(self, jobs: Collection[int]) -> None:
        """See `Masks.close`. Most are gone by `CommitteeState.close`."""
        for job in jobs:
            if self._file.row("SELECT 1 FROM masks WHERE committee = ? AND job = ?", self._committee, job) is not None:
                with self._file.writing():
                    self._file.run("DELETE FROM masks WHERE committee = ? AND job = ?", self._committee, job)

    def _place(self, number: int) -> Place:
        return mask_place(self._committee, number)


def _raise_to(file: StateFile, committee: int, column: str, number: int) -> None:
    """Within `writing`: the committee's `column` is at least `number` from now on."""
    file.run(f"INSERT INTO committees (committee, {column}) VALUES (?1, ?2) "
             f"ON CONFLICT DO UPDATE SET {column} = max({column}, ?2)", committee, number)
