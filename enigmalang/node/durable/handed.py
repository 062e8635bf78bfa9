"""What a committee is handed over by another one, until the chain has said which committee serves the contract.

The second of two phases for a contract that moves (`seats.handing`): its members put their new shares here, on the
disk, before they sign for them. They become current (`take`) when the hub says that this run of the hand-over was
taken, and are dropped when it cannot be any more. Several runs lie side by side: shares of two do not fit together.
"""

from collections.abc import Mapping
from dataclasses import astuple, dataclass

from enigmalang.chain.hub import EMPTY
from enigmalang.node.durable.box import Place
from enigmalang.node.durable.errors import StateError
from enigmalang.node.durable.file import StateFile
from enigmalang.node.durable.masks import Given
from enigmalang.node.durable.values import Name, Value, decode_name, decode_value, encode_name, encode_value


@dataclass(frozen=True, slots=True)
class Handed:
    """A contract as committee `old` handed it over when the hub had counted `settled`; `run` (32 bytes) names the
    sharing, `root` is that of the private state."""

    contract: str
    old: int
    settled: int
    run: bytes
    root: bytes


class HandedState:
    """What was handed over to committee `number`. All raise StateError."""

    def __init__(self, file: StateFile, number: int) -> None:
        self._file, self._box, self._committee = file, file.box, number

    def keep(self, handed: Handed, values: Mapping[Name, Value], masks: Mapping[int, Given]) -> None:
        """Durable when it returns. `masks` are shares, by the open jobs that use them."""
        rows = [(encode_name(name), encode_value(value)) for name, value in values.items()]
        sealed = [(name, self._box.seal(self._place(handed, name), data)) for name, data in rows]
        shares = [(job, given.owner, given.size, given.receiver, self._box.seal(self._place(handed, job), given.pieces))
                  for job, given in masks.items()]
        with self._file.writing():
            stage = self._file.run(
                "INSERT INTO handed (committee, contract, old, settled, run, root) VALUES (?, ?, ?, ?, ?, ?)",
                self._committee, *astuple(handed))
            self._file.run_many("INSERT INTO handed_values VALUES (?, ?, ?)",
                                [(stage, name, value) for name, value in sealed])
            self._file.run_many("INSERT INTO handed_masks VALUES (?, ?, ?, ?, ?, ?)",
                                [(stage, *share) for share in shares])

    def all(self) -> list[Handed]:
        """The oldest first."""
        return [Handed(*row) for row in self._file.rows(
            "SELECT contract, old, settled, run, root FROM handed WHERE committee = ? ORDER BY stage",
            self._committee)]

    def take(self, handed: Handed) -> None:
        """It is what the committee has of the contract from now on; other runs are forgotten. One transaction."""
        stage = self._stage(handed)
        current, masks = [], []
        for name, value in self._file.rows("SELECT name, value FROM handed_values WHERE stage = ?", stage):
            data = self._box.open(self._place(handed, name), value)
            place = current_place(self._committee, handed.contract, name)
            current.append((self._committee, handed.contract, name, self._box.seal(place, data)))
        for job, owner, size, receiver, sealed in self._file.rows(
                "SELECT job, owner, size, receiver, pieces FROM handed_masks WHERE stage = ?", stage):
            pieces = self._box.open(self._place(handed, job), sealed)
            again = self._box.seal(mask_place(self._committee, -job), pieces)
            masks.append((self._committee, -job, owner, size, receiver, job, again))
        with self._file.writing():
            for table in ("current", "roots"):
                self._file.run(f"DELETE FROM {table} WHERE committee = ? AND contract = ?", self._committee,
                               handed.contract)
            self._file.run_many("INSERT INTO current VALUES (?, ?, ?, ?)", current)
            self._file.run_many("INSERT OR REPLACE INTO masks VALUES (?, ?, ?, ?, ?, ?, ?)", masks)
            if handed.root != EMPTY:
                self._file.run("INSERT INTO roots VALUES (?, ?, ?)", self._committee, handed.contract, handed.root)
            for (other,) in self._file.rows("SELECT stage FROM handed WHERE committee = ? AND contract = ?",
                                            self._committee, handed.contract):
                self._forget(other)

    def drop(self, handed: Handed) -> None:
        """It came to nothing; what was deleted is overwritten."""
        with self._file.writing():
            self._forget(self._stage(handed))
        self._file.scrub()

    def values(self, handed: Handed) -> dict[Name, Value]:
        """Its values."""
        return {decode_name(name): decode_value(self._box.open(self._place(handed, name), value))
                for name, value in self._file.rows("SELECT name, value FROM handed_values WHERE stage = ?",
                                                   self._stage(handed))}

    # ---- parts

    def _place(self, handed: Handed, row: bytes | int) -> Place:
        return "handed", self._committee, handed.contract, handed.run, row

    def _stage(self, handed: Handed) -> int:
        found = self._file.row("SELECT stage FROM handed WHERE committee = ? AND contract = ? AND run = ?",
                               self._committee, handed.contract, handed.run)
        if found is None:
            raise StateError("nothing of that hand-over is here")
        return int(found[0])

    def _forget(self, stage: int) -> None:
        for table in ("handed_values", "handed_masks", "handed"):
            self._file.run(f"DELETE FROM {table} WHERE stage = ?", stage)


def current_place(committee: int, contract: str, name: bytes) -> Place:
    """What a current value is sealed for."""
    return "current", committee, contract, name


def mask_place(committee: int, number: int) -> Place:
    """What a mask's share is sealed for."""
    return "masks", committee, number
