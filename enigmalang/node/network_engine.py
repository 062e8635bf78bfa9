"""The engine of a script whose private computing is done by the nodes of a vault: each run is an order.

What a run keeps are temporaries of the script's session, which end with it; a handle may also stand for a leaf of an
entry of `MPC`. What was kept and is not needed any more is told with the next order.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import count
from math import prod
from time import perf_counter

import msgspec
import numpy as np

from enigmalang.chain.errors import ChainError
from enigmalang.chain.vault import FIELD
from enigmalang.circuits.circuit import Array, Circuit, Form, Node, Output
from enigmalang.execute.ports import EngineError, EngineStats, RunResult, Sealed
from enigmalang.fields import field_named
from enigmalang.mpc.outputs import unseal
from enigmalang.node.order_drafts import Draft
from enigmalang.node.remote import RemoteError
from enigmalang.node.vault_client import Ran, VaultClient
from enigmalang.plan.calls import LedgerError
from enigmalang.sharing import structure
from enigmalang.sharing.faults import SharingError
from enigmalang.sharing.structure import MAX_PARTIES
from enigmalang.wire.orders import DECLASSIFY, MAX_FORGETS, MAX_WRITES, RUN, Erase, Leaf, Order, Place, Temporary, Write

#: Numbers that an order opens or seals, for all members together, and that it masks: what nodes tell, or are told, at
#: once is bounded (`transport.peering.limits`).
MOST_TOLD, MOST_MASKED = 1 << 16, 1 << 16
#: Handles of our own, which no tracer gives.
_OWN = count(1 << 61)


@dataclass(frozen=True, slots=True)
class Kept:
    """A leaf of an entry that a handle stands for."""

    leaf: Leaf
    shape: tuple[int, ...]
    form: Form


class NetworkEngine:
    """See `execute.ports.Engine`. For one thread and one script. Unlike others it goes on after an order that the nodes
    refuse: nothing of that was done."""

    field = FIELD

    def __init__(self, client: VaultClient) -> None:
        self.client = client
        self._leaves: dict[int, Kept] = {}
        self._temporary: set[int] = set()  # handles of what the nodes keep for this session
        self._gone: list[int] = []
        self._erases: list[tuple[str, Erase]] = []  # and whose it is
        self._deferred: Draft | None = None
        self._before: list[int] = []  # what was given for it
        self._deferring = False
        self._raw = False
        self._committee: tuple[int, int] = (0, 0)
        self._stats = EngineStats()

    # ---- the Engine port

    def run(self, circuit: Circuit, inputs: Sequence[Array], recipients: Sequence[bytes] = (),
            handles: Sequence[int] | None = None) -> RunResult:
        """See `Engine.run`. Raises RemoteError and ChainError, too."""
        draft, before = self._given_before(Draft.of(circuit, inputs, recipients, handles))
        if self._deferring and not draft.opens and not draft.outputs:
            self._deferred, self._before = draft, before
            return RunResult((), ())
        kind = RUN if not self._raw else DECLASSIFY
        ends = [draft.table[node] for node in (*draft.opens, *(output.node for output in draft.outputs))]
        total = sum(node.size for node in ends)
        if total > MOST_TOLD // MAX_PARTIES and total > self._most:
            result = self._in_parts(draft, kind)
        else:
            ran = self._carried_out(draft, kind)
            result = RunResult(ran.opened, ran.sealed)
        self.forget(before)
        for array, node in zip(result.opened, ends, strict=False):
            if array.shape != node.shape:
                raise EngineError("the nodes opened a value of another shape than the circuit has", "E0706")
        return result

    def reserve(self, size: int) -> tuple[int, Array]:
        """Contracts are called elsewhere."""
        raise EngineError("a script on a network requests no jobs of contracts", "E0803")

    def admit(self, mask: int, masked: bytes, shapes: Sequence[tuple[int, ...]], handles: Sequence[int]) -> None:
        """See `reserve`."""
        raise EngineError("a script on a network requests no jobs of contracts", "E0803")

    def unseal(self, sealed: Sealed, private_key: bytes, form_bits: bool) -> Array:
        """See `Engine.unseal`."""
        form, (n, t) = Form.BITS if form_bits else Form.ARITH, self._committee
        parts = [sealed.pieces[start : start + n] for start in range(0, len(sealed.pieces), n)]
        shapes: list[tuple[int, ...]] = [sealed.shape]
        if len(parts) > 1:
            shapes = [(stop - start,) for start, stop in slices(prod(sealed.shape), len(parts))]
        try:
            opened = [unseal(dict(enumerate(pieces, 1)), private_key, shape, form, field_named(FIELD), structure(n, t))
                      for pieces, shape in zip(parts, shapes, strict=True)]
        except (SharingError, ValueError) as error:
            raise EngineError(f"what the nodes sealed does not fit together: {error}", "E0706") from None
        return np.concatenate([part.reshape(-1) for part in opened]).reshape(sealed.shape)

    def forget(self, handles: Sequence[int]) -> None:
        """See `Engine.forget`: told with the next order."""
        for handle in handles:
            self._leaves.pop(handle, None)
            if handle in self._temporary:
                self._temporary.discard(handle)
                self._gone.append(handle)

    def stats(self) -> EngineStats:
        return self._stats

    def close(self) -> None:
        """The session ends: what the nodes keep for it is forgotten, sooner or later, also when they do not hear it."""
        if not (self._temporary or self._gone or self._erases):
            return
        order = Order(RUN, self.client.session, erases=self._erases_of(self.client.last), closes=True)
        self._temporary.clear()
        self._gone.clear()
        self._erases.clear()
        with suppress(RemoteError, EngineError, LedgerError, ChainError):
            self.client.request(order)

    # ---- entries

    @contextmanager
    def raw(self) -> Iterator[None]:
        """What is sealed meanwhile is entries as they are."""
        self._raw = True
        try:
            yield
        finally:
            self._raw = False

    @contextmanager
    def deferring(self) -> Iterator[None]:
        """What is only kept meanwhile is computed with the entry that is written next."""
        self._deferring = True
        try:
            yield
        finally:
            self._deferring = False

    def bind(self, handle: int, leaf: Leaf, shape: tuple[int, ...], form: Form) -> None:
        """`handle` stands for a leaf of an entry."""
        self._leaves[handle] = Kept(leaf, shape, form)

    def draft(self) -> Draft:
        """What was deferred, to be written with `write`."""
        found, self._deferred = self._deferred, None
        return found or Draft.empty()

    def write(self, draft: Draft, write: Write) -> None:
        """Carry out `draft`, whose `leaves` become the entry. Raises as `run`; then nothing was written."""
        references = [(handle, kept) for handle, kept in self._leaves.items() if kept.leaf.key == write.key]
        computed = Draft(draft.table, draft.inputs, draft.recipients, keeps=list(draft.keeps))
        for handle, kept in references:  # what the script still refers to is as it was
            draft.keeps.append((draft.load(handle, kept.shape, kept.form), handle))
        try:
            self._carried_out(draft, RUN, (write,), dict(references))
        except EngineError:
            if computed.keeps:
                self._carried_out(computed, RUN)
            raise
        for handle, _ in references:
            del self._leaves[handle]
        self.forget(self._before)
        self._before = []

    def erase(self, owner: str, erase: Erase) -> None:
        """What `owner` wrote there is not needed any more, or never was."""
        self._erases.append((owner, erase))

    # ---- what is too much for one order

    @property
    def _most(self) -> int:
        """Numbers that an order opens or seals."""
        return MOST_TOLD // len(self.client.remote.committee().members)

    def _given_before(self, draft: Draft) -> tuple[Draft, list[int]]:
        """`draft` with no more inputs than an order takes, and the handles of those that were given before it."""
        left, before = MOST_MASKED, dict[int, int]()
        for slot, value in enumerate(draft.inputs):
            left -= value.size
            if left < 0:
                before[slot] = self._given(value)
        return draft.given_before(before) if before else draft, list(before.values())

    def _given(self, value: Array) -> int:
        """The handle under which the nodes have an array of the client."""
        flat, parts = np.asarray(value).reshape(-1), list[tuple[int, int]]()
        for start, stop in slices(flat.size, -(-flat.size // MOST_MASKED)):
            draft, handle = Draft.empty(), next(_OWN)
            draft.keeps.append((draft.input(flat[start:stop]), handle))
            self._carried_out(draft, RUN)
            parts.append((handle, stop - start))
        draft, whole = Draft.empty(), next(_OWN)
        rows = tuple(draft.load(handle, (size,), Form.ARITH) for handle, size in parts)
        joined = draft.append(Node("concat", rows, (flat.size,), Form.ARITH, {"axis": 0}))
        draft.keeps.append((draft.append(Node("reshape", (joined,), value.shape, Form.ARITH)), whole))
        self._carried_out(draft, RUN)
        self.forget([handle for handle, _ in parts])
        return whole

    def _in_parts(self, draft: Draft, kind: str) -> RunResult:
        """Keep what is opened and sealed, and have it given in parts; entries that are read as they are need no
        keeping."""
        ends = [*((node, None) for node in draft.opens), *((out.node, out.recipient) for out in draft.outputs)]
        nodes = [draft.table[node] for node, _ in ends]
        if kind == DECLASSIFY:
            handles = [int(node.attrs["handle"]) for node in nodes]
        else:
            handles = [next(_OWN) for _ in ends]
            keeps = [*draft.keeps, *((node, handle) for (node, _), handle in zip(ends, handles, strict=True))]
            self._carried_out(replace(draft, recipients=[], opens=(), outputs=(), keeps=keeps), RUN)
        opened, sealed, most = [], [], self._most
        for handle, node, (_, recipient) in zip(handles, nodes, ends, strict=True):
            key = draft.recipients[recipient] if recipient is not None else None
            pieces = slices(node.size, max(1, -(-node.size // most)))
            parts = [self._part(handle, node, piece, kind, key) for piece in pieces]
            if recipient is None:
                opened.append(np.concatenate([part.opened[0] for part in parts]).reshape(node.shape))
            else:
                sealed.append(Sealed(node.shape, tuple(piece for part in parts for piece in part.sealed[0].pieces)))
        if kind == RUN:
            self.forget(handles)
        return RunResult(tuple(opened), tuple(sealed))

    def _part(self, handle: int, node: Node, part: tuple[int, int], kind: str, key: bytes | None) -> Ran:
        """Some of the numbers under a handle, opened, or sealed for `key`."""
        draft = Draft.empty()
        flat = draft.append(Node("reshape", (draft.load(handle, node.shape, node.form),), (node.size,), node.form))
        indices = np.arange(*part, dtype=np.int64)
        taken = draft.append(Node("take", (flat,), indices.shape, node.form, {"indices": indices, "axis": 0}))
        if key is None:
            return self._carried_out(replace(draft, opens=(taken,)), kind)
        return self._carried_out(replace(draft, outputs=(Output(taken, 0),), recipients=[key]), kind)

    # ---- orders

    def _place(self, handle: int) -> Place:
        kept = self._leaves.get(handle)
        return kept.leaf if kept is not None else Temporary(handle)

    def _carried_out(self, draft: Draft, kind: str, writes: Sequence[Write] = (),
                     saved: dict[int, Kept] | None = None) -> Ran:
        """`saved`: handles that stand for leaves up to this order, and for temporaries after it."""
        began = perf_counter()
        order, inputs = draft.order(kind, self.client.session, self._place)
        if saved:
            keeps = [Temporary(handle) for _, handle in draft.keeps]
            order = msgspec.structs.replace(order, keeps=[*keeps, *order.keeps[len(keeps):]])
        gone = self._gone[:MAX_FORGETS] if kind == RUN else []
        erases = self._erases_of(self.client.requester) if kind == RUN else []
        order = msgspec.structs.replace(order, writes=list(writes), forgets=gone, erases=erases)
        ran = self.client.carried_out(order, inputs, (len(draft.opens), len(draft.outputs)))
        del self._gone[: len(gone)]
        self._erases = [(owner, erase) for owner, erase in self._erases if erase not in erases]
        self._temporary |= {handle for _, handle in draft.keeps}
        self._committee = len(ran.committee.members), ran.committee.threshold
        self._stats.circuits += 1
        seconds = self._stats.seconds
        seconds["orders"] = seconds.get("orders", 0.0) + perf_counter() - began
        return ran

    def _erases_of(self, who: str) -> list[Erase]:
        """Those that `who` may ask for."""
        return list(dict.fromkeys(erase for owner, erase in self._erases if owner.lower() == who.lower()))[:MAX_WRITES]


def slices(size: int, parts: int) -> list[tuple[int, int]]:
    """`size` numbers in so many parts: where each begins and ends."""
    return [(size * part // parts, size * (part + 1) // parts) for part in range(parts)]
