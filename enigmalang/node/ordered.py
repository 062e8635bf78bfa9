"""What a node checks of an order before it computes: who asks, and what for, by the chain as of one block; and where in
the kept state what it reads, keeps and forgets lies. All nodes come to the same, for all of it is public.

Kept are, by slot of `durable.values.Name`: `entry` (a slot of `chain.vault.slot_of`, a leaf), `wrote` (the job that
wrote an entry's leaves, and how many), `kept` (a session, a number), `open` (when a session last kept or read
something, by the chain's time, and whose it is), and `size` (`vault_room`). Nothing of it goes but by an order of whose
it is, or with a session that was idle for long.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from enigmalang.chain.digests import Domain, Work
from enigmalang.chain.hub import MPC, Hub, Pointer
from enigmalang.chain.requested import Requested
from enigmalang.chain.vault import MISSING, NOT_PERMITTED, order_digest, slot_of
from enigmalang.circuits.circuit import Circuit, Form
from enigmalang.node.admitting import Inadmissible
from enigmalang.node.durable.state import State
from enigmalang.node.durable.values import GONE, Name, Value, constant_value
from enigmalang.node.reserved import signed_by
from enigmalang.node.vault_room import IDLE, Amounts, Room, TooMuch
from enigmalang.wire.orders import DECLASSIFY, Leaf, Order, Place, SignedOrder, Write, loads_of

#: Seconds in which a session that only reads is not written down anew.
FRESH = IDLE // 16


@dataclass(frozen=True, slots=True)
class Checked:
    """An order that may be carried out: the values it reads, the names it keeps under (both in its order), the entries
    it writes with their slots, what else changes in the kept state (`GONE`: is forgotten), and the rounds that the room
    it takes is paid as."""

    reads: list[Value] = field(repr=False)
    keeps: list[Name]
    writes: list[tuple[bytes, Write]]
    changes: dict[Name, Value] = field(repr=False)
    rounds: int = 0


class Checker:
    """Checks one order of one job. Raises Inadmissible with what its requester is told, ChainError, StateError."""

    def __init__(self, hub: Hub, state: State, requested: Requested, block: int) -> None:
        self._hub, self._state, self._block = hub, state, block
        self._vault, self._job = requested.opened.contract, requested.opened.job
        self._requester = requested.opened.requester
        self._pointers: dict[bytes, Pointer] = {}
        self._owners: dict[Name, str] = {}  # of the sessions, by their `open`

    def check(self, signed: SignedOrder, order: Order, circuit: Circuit | None) -> Checked:
        """All of it."""
        signers = self._signers(self._hub.domain, signed, order)
        self._permitted(signers, order)
        names = [self._name_of(order, place) for place in order.reads]
        reads = self._read(order, names)
        if circuit is not None:
            _check_loads(circuit, order, reads)
        writes = [(slot_of(write.key, self._requester, write.rule), write) for write in order.writes]
        slots = {write.key: slot for slot, write in writes}
        keeps = [("entry", (slots[place.key], place.number)) if isinstance(place, Leaf)
                 else ("kept", (order.session, place.number)) for place in order.keeps]
        changes = self._changes(order, writes)
        sizes = [circuit.nodes[node].size for node, _ in circuit.keeps] if circuit is not None else []
        records, rounds = self._room(dict(zip(keeps, sizes, strict=True)), changes)
        return Checked(reads, keeps, writes, changes | records, rounds)

    # ---- who asks

    def _signers(self, domain: Domain, signed: SignedOrder, order: Order) -> list[str]:
        """The requester, and who else signed."""
        digest = order_digest(domain, self._vault, self._requester, signed.core)
        if signed_by(digest, signed.signature) != "0x" + order.session.hex():
            raise Inadmissible(f"{NOT_PERMITTED}the order is not signed by its session")
        found = dict.fromkeys([self._requester.lower()])
        for approval in signed.approvals:
            who = signed_by(digest, approval)
            if who is None:
                raise Inadmissible(f"{NOT_PERMITTED}an approval that nobody signed")
            found[who] = None
        return list(found)

    def _permitted(self, signers: Sequence[str], order: Order) -> None:
        """By the hub, which knows owners and rules."""
        uses = ("read", "reading the raw data of") if order.kind == DECLASSIFY else ("compute", "computing with")
        read = {place.key for place in order.reads if isinstance(place, Leaf)}
        asked = [(key, *uses) for key in sorted(read)]
        asked += [(write.key, "write", "writing to") for write in order.writes]
        for key, action, told in asked:
            if not self._hub.may_data_signed(signers, MPC, key, action, self._block):
                if self._there(key) or action == "write":
                    raise Inadmissible(f"{NOT_PERMITTED}{told} MPC key {key.hex()}")
                raise Inadmissible(f"{MISSING}MPC key {key.hex()}")

    def _there(self, key: bytes) -> bool:
        return any(bytes.fromhex(self._pointer(key).owner[2:]))

    def _pointer(self, key: bytes) -> Pointer:
        if key not in self._pointers:
            self._pointers[key] = self._hub.pointer(MPC, key, self._block)
        return self._pointers[key]

    # ---- what is read

    def _name_of(self, order: Order, place: Place) -> Name:
        if isinstance(place, Leaf):
            pointer = self._pointer(place.key)
            return "entry", (slot_of(place.key, pointer.owner, pointer.rule), place.number)
        return "kept", (order.session, place.number)

    def _read(self, order: Order, names: Sequence[Name]) -> list[Value]:
        found = self._state.pick(self._vault, names)
        for place, name in zip(order.reads, names, strict=True):
            if name not in found:
                what = (f"leaf {place.number} of MPC key {place.key.hex()}" if isinstance(place, Leaf)
                        else f"value {place.number} of the session")
                raise Inadmissible(MISSING + what)
        return [found[name] for name in names]

    # ---- how much there is

    def _room(self, keeps: Mapping[Name, int], changes: Mapping[Name, Value]) -> tuple[dict[Name, Value], int]:
        """The records of what there is, with `keeps` (numbers by name) and without what goes, and what is paid for
        it."""
        more: dict[str, Amounts] = defaultdict(Amounts)
        gone = [name for name, value in changes.items() if value == GONE and name[0] in ("entry", "kept")]
        for name, value in self._state.pick(self._vault, [*keeps, *gone]).items():
            more[self._owner(name)] += Amounts(-prod(value.shape), -1)
        for name, size in keeps.items():
            more[self._owner(name)] += Amounts(size, 1)
        for name, value in changes.items():
            if name[0] == "open" and (value == GONE or name not in self._owners):
                more[self._owner(name)] += Amounts(sessions=-1 if value == GONE else 1)
        try:
            records, rounds = Room(self._state, self._vault).changed(more)
        except TooMuch as much:
            raise Inadmissible(str(much)) from None
        self._paid(rounds)
        return records, rounds

    def _owner(self, name: Name) -> str:
        """Whose room something takes: a temporary's is that of who opened its session."""
        mine = self._requester.lower()
        return mine if name[0] == "entry" else self._owners.get(("open", (name[1][0],)), mine)

    def _paid(self, rounds: int) -> None:
        """Raises Inadmissible when the fee is less than the price of the room."""
        if not rounds:
            return
        price, fee = self._hub.price(Work(rounds), self._block), self._hub.job(self._job, self._block).fee
        if fee < price:
            raise Inadmissible(f"what this keeps costs {price} wei, and the fee is {fee}: offer more, with --fee, or "
                               "keep less")

    # ---- what is forgotten

    def _changes(self, order: Order, writes: Iterable[tuple[bytes, Write]]) -> dict[Name, Value]:
        changes: dict[Name, Value] = {}
        for slot, write in writes:
            changes |= self._emptied(slot, write.leaves)
            changes["wrote", (slot,)] = numbers(self._job, write.leaves)
        for erase in order.erases:
            pointer, slot = self._pointer(erase.key), slot_of(erase.key, self._requester, erase.rule)
            if slot == slot_of(erase.key, pointer.owner, pointer.rule):
                continue  # it is in use (again)
            known = self._wrote(slot)
            if known is not None and known[0] == erase.job and ("wrote", (slot,)) not in changes:
                changes |= self._emptied(slot, 0) | {("wrote", (slot,)): GONE}
        return changes | self._sessions(order)

    def _wrote(self, slot: bytes) -> tuple[int, int] | None:
        """The job that wrote a slot last, and how many leaves."""
        name = ("wrote", (slot,))
        found = self._state.pick(self._vault, [name]).get(name)
        return None if found is None else read_numbers(found)

    def _emptied(self, slot: bytes, leaves: int) -> dict[Name, Value]:
        """What there was beyond so many leaves."""
        known = self._wrote(slot)
        return {("entry", (slot, number)): GONE for number in range(leaves, known[1] if known is not None else 0)}

    def _sessions(self, order: Order) -> dict[Name, Value]:
        """The order's session is open, or closed; those that were idle for long are over."""
        state, vault, mine = self._state, self._vault, ("open", (order.session,))
        now, opened = self._hub.chain.block(self._block).time, dict[Name, int]()
        for name, value in state.pick(vault, state.names(vault, "open")).items():
            opened[name], owner = read_numbers(value)
            self._owners[name] = f"0x{owner:040x}"
        used = any(not isinstance(place, Leaf) for place in (*order.reads, *order.keeps))
        over = [name for name, last in opened.items() if last + IDLE < now and name != mine]
        changes: dict[Name, Value] = {}
        if order.closes:
            over += [mine] if mine in opened else []
        elif used and (mine not in opened or opened[mine] + FRESH <= now):
            changes[mine] = numbers(now, int(self._owners.get(mine, self._requester), 16))
        changes |= dict.fromkeys(over, GONE)
        if over or order.forgets:
            keeps = {place.number for place in order.keeps if not isinstance(place, Leaf)}
            gone = {name[1][0] for name in over}
            forgets = {("kept", (order.session, number)) for number in set(order.forgets) - keeps}
            changes |= {name: GONE for name in state.names(vault, "kept") if name[1][0] in gone or name in forgets}
        return changes


def _check_loads(circuit: Circuit, order: Order, reads: Sequence[Value]) -> None:
    """Each load of something kept is of its form and shape."""
    for node in loads_of(circuit):
        number = node.attrs["handle"] - len(order.inputs)
        if number >= 0 and (reads[number].form, reads[number].shape) != (node.form.value, node.shape):
            raise Inadmissible("a kept value is of another form or shape than the order says")


def numbers(first: int, second: int) -> Value:
    """A record: public, the same at all nodes."""
    return constant_value(np.array([first, second], dtype=object), Form.ARITH, False)


def read_numbers(value: Value) -> tuple[int, int]:
    """The inverse of `numbers`."""
    first, second = value.constant().tolist()
    return int(first), int(second)
