"""What a script that uses `MPC` costs on a network, where the nodes of a vault compute for it: its orders.

The script runs in a rehearsal as any other does. Each circuit that it runs would be an order, what it writes to `MPC`
is one, with what was left to compute for it, and so is its end; what is too much for one goes in parts. The rules are
those of `node.network_engine`, which has nobody to talk to here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from enigmalang.circuits.circuit import Array, Circuit
from enigmalang.execute.ports import RunResult
from enigmalang.execute.world import Held
from enigmalang.node.costing.rehearsal import Rehearsal
from enigmalang.node.network_engine import MOST_MASKED, MOST_TOLD
from enigmalang.node.vault_room import Amounts

#: Gas of an order's request, of telling the hub of an entry that has another owner or rule than before, and of a rule
#: that the hub does not know: as measured on an EVM.
REQUEST_GAS, POINT_GAS, RULE_GAS = 187_000, 95_000, 71_000


@dataclass(slots=True)
class Counted:
    """Orders so far, entries that the hub was told of, and the rounds that the room they took is paid as; `most`: those
    of the order that took most."""

    orders: int = 0
    points: int = 0
    room: int = 0
    most: int = 0

    @property
    def gas(self) -> int:
        """Of the client's transactions, about, when the hub knows the rules."""
        return self.orders * REQUEST_GAS + self.points * POINT_GAS

    def assumed(self, room: int) -> str:
        """What the gas and the fee are for, in words; `room`: wei of the fee."""
        most = room * self.most // max(1, self.room)
        told = f"{self.points} entr{'y' if self.points == 1 else 'ies'}"
        return (f"{self.orders} orders: the gas is that of asking for them, and of telling the hub of {told} (a rule "
                f"that it does not know takes {RULE_GAS:,} more); {room / 1e9:,.0f} gwei of the fee are for room, of "
                f"one order up to {most / 1e9:,.0f}: what `enig run --fee` offers is for each order")


class Ordering:
    """The engine of the script: `rehearsal`, and a count of orders."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self.counted = Counted()
        self._rehearsal = rehearsal
        self._kept: dict[int, int] = {}  # numbers by handle
        self._entries: dict[Any, Amounts] = {}
        self._freed = Amounts()
        self._opened = False  # whether the nodes have, or had, anything of the script's session
        self._computed = False  # whether the last order is for a write to come

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rehearsal, name)

    def run(self, circuit: Circuit, inputs: Sequence[Array], recipients: Sequence[bytes] = (),
            handles: Sequence[int] | None = None) -> RunResult:
        """See `Engine.run`."""
        result = self._rehearsal.run(circuit, inputs, recipients, handles)
        told = [circuit.nodes[node].size for node in (*circuit.opens, *(output.node for output in circuit.outputs))]
        self._computed = not told
        self.counted.orders += 1 + self._given([np.size(value) for value in inputs]) + self._told(told)
        kept = {handles[own] if handles is not None else own: circuit.nodes[node] for node, own in circuit.keeps}
        sizes = {handle: node.size for handle, node in kept.items() if node.op != "const"}  # a leaf, and nothing else
        opens = not self._opened and bool(sizes)
        self._opened |= opens
        self._kept |= sizes
        self._take(Amounts(sum(sizes.values()), len(sizes), int(opens)))
        return result

    def forget(self, handles: Sequence[int]) -> None:
        """See `Engine.forget`: it is told with the next order."""
        gone = [self._kept.pop(handle) for handle in handles if handle in self._kept]
        self._freed += Amounts(-sum(gone), -len(gone))
        self._rehearsal.forget(handles)

    def wrote(self, key: Any, held: Held, moved: bool) -> None:
        """An entry; `moved`: whether its owner or rule is another than before."""
        self.counted.orders += not self._computed
        self._computed = False
        self.counted.points += moved
        now = Amounts(sum(prod(leaf.shape) for leaf in held.leaves), len(held.leaves))
        before = self._entries.get(key, Amounts())
        self._entries[key] = now
        self._take(Amounts(now.numbers - before.numbers, now.values - before.values))

    def ended(self) -> Counted:
        """The script has ended."""
        self.counted.orders += bool(self._kept) or self._freed != Amounts()
        return self.counted

    def _take(self, more: Amounts) -> None:
        rounds = (more + self._freed).rounds
        self.counted.room += rounds
        self.counted.most = max(self.counted.most, rounds)
        self._freed = Amounts()

    def _given(self, sizes: Sequence[int]) -> int:
        """Orders before one that is given arrays of these sizes: what is beyond the first numbers goes in parts."""
        more, left = 0, MOST_MASKED
        for size in sizes:
            left -= size
            more += -(-size // MOST_MASKED) + 1 if left < 0 else 0
        return more

    def _told(self, sizes: Sequence[int]) -> int:
        """Orders after one that tells so much that it is given in parts."""
        most = MOST_TOLD // self._rehearsal.n
        return sum(max(1, -(-size // most)) for size in sizes) if sum(sizes) > most else 0


class Entries(dict[Any, Held]):
    """`MPC` of the rehearsal: what is written is counted."""

    def __init__(self, ordering: Ordering) -> None:
        super().__init__()
        self._ordering = ordering

    def __setitem__(self, key: Any, held: Held) -> None:
        before = self.get(key)
        moved = before is None or (before.owner, before.predicate) != (held.owner, held.predicate)
        super().__setitem__(key, held)
        self._ordering.wrote(key, held, moved)
