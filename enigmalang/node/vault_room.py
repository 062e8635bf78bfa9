"""Room in a vault: how much each identity keeps there, how much it may, and what that costs.

Room is of three kinds: numbers, values, and runs of scripts that have something there (*sessions*). An entry counts
for who wrote it, a temporary for whose order opened its session. Each identity has a part of each kind, and what it
does takes nothing from another's part. But identities cost nothing: so who takes more room pays for it, by the work
that the nodes attest, and whichever kind is filled up, all of it costs the same.

Kept under the slot `size` are the vault's amounts, and by address those of each identity.
"""

from collections.abc import Mapping
from dataclasses import astuple, dataclass

import numpy as np

from enigmalang.circuits.circuit import Form
from enigmalang.node.durable.state import State
from enigmalang.node.durable.values import GONE, Name, Value, constant_value

#: Of one vault, since members get it all back, and hand it over; and of it, the part that each identity may have.
NUMBERS, VALUES, SESSIONS, PART = 1 << 22, 1 << 14, 1 << 10, 4
#: Rounds that each number more is paid as; a value and a session count as many numbers as there is room for each.
ROUNDS = 10
#: A run of a script of which nothing was heard for so many seconds of the chain's time is over.
IDLE = 24 * 3600
_ALL: Name = ("size", ())


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much room: or how much more."""

    numbers: int = 0
    values: int = 0
    sessions: int = 0

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def rounds(self) -> int:
        """What taking so much is paid as; giving room back costs nothing."""
        value, session = NUMBERS // VALUES, NUMBERS // SESSIONS
        return ROUNDS * (max(0, self.numbers) + value * max(0, self.values) + session * max(0, self.sessions))

    def beyond(self, before: "Amounts", part: int) -> str:
        """What there is too much of, in words, for who may have a `part` of the vault; empty when nothing that grew."""
        told = ("numbers", NUMBERS), ("values", VALUES), ("runs of scripts", SESSIONS)
        return next((f"{most // part} {what} at most, and would keep {now}" for now, old, (what, most) in zip(
            astuple(self), astuple(before), told, strict=True) if now > max(old, most // part)), "")


class TooMuch(Exception):
    """The vault has no room for it: the text says whose part, or that all of it, is full."""


@dataclass(slots=True)
class Room:
    """What changes in a vault with one order."""

    state: State
    vault: str

    def changed(self, more: Mapping[str, Amounts]) -> tuple[dict[Name, Value], int]:
        """The new records when each identity keeps so much more (or less), and the rounds that it is paid as. Raises
        TooMuch."""
        grown = {owner: amount for owner, amount in more.items() if amount != Amounts()}
        if not grown:
            return {}, 0
        names = {owner: ("size", (owner,)) for owner in grown}
        found = self.state.pick(self.vault, [_ALL, *names.values()])
        changes: dict[Name, Value] = {}
        for owner, amount in grown.items():
            before = _amounts(found.get(names[owner]))
            after = before + amount
            if beyond := after.beyond(before, PART):
                raise TooMuch(f"this vault keeps for {owner} {beyond}")
            changes[names[owner]] = _record(after)
        before = _amounts(found.get(_ALL))
        after = sum(grown.values(), before)
        if beyond := after.beyond(before, 1):
            raise TooMuch(f"the vault is full: it keeps {beyond}")
        changes[_ALL] = _record(after)
        return changes, sum(amount.rounds for amount in grown.values())


def room_line(state: State, vault: str) -> str:
    """How full a vault is, for people. Raises StateError."""
    found, owners = _amounts(state.pick(vault, [_ALL]).get(_ALL)), len(state.names(vault, "size"))
    people = "1 identity" if owners == 2 else f"{max(0, owners - 1):,} identities"
    return (f"vault {vault} keeps {found.numbers:,} of {NUMBERS:,} numbers, {found.values:,} of {VALUES:,} values, and "
            f"has {found.sessions:,} of {SESSIONS:,} runs of scripts, for {people}; "
            f"each may have 1/{PART} of that")


def _amounts(value: Value | None) -> Amounts:
    return Amounts() if value is None else Amounts(*map(int, value.constant().tolist()))


def _record(amounts: Amounts) -> Value:
    """Public, the same at all nodes; none for nothing."""
    if amounts == Amounts():
        return GONE
    return constant_value(np.array(astuple(amounts), dtype=object), Form.ARITH, False)
