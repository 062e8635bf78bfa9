"""`MPC` of a script at the nodes of a vault (`execute.world.Entries`).

An entry is written in two steps, by an order and by the hub's pointer to it. The order comes first: its shares lie
apart for each owner and rule, so that until the pointer says so the entry is what it was, under the rule that it had;
and where owner and rule stay, the order is all. Whoever is killed between leaves what was there.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from enigmalang.chain.digests import kind_text
from enigmalang.chain.hub import MPC
from enigmalang.chain.ledger import EvmLedger
from enigmalang.chain.logbook import key_id
from enigmalang.chain.vault import Entry
from enigmalang.circuits.circuit import Form, Node
from enigmalang.execute.databases import shown_key
from enigmalang.execute.ports import EngineError, Identity, StoreError
from enigmalang.execute.secret import Secret
from enigmalang.execute.trace import Traced, Tracer, Wire
from enigmalang.execute.world import Held
from enigmalang.ir.ir import Tensor
from enigmalang.ir.leaves import Leaf as Declared
from enigmalang.ir.leaves import leaves_of
from enigmalang.node.network_engine import NetworkEngine
from enigmalang.node.order_drafts import Draft
from enigmalang.types.types import BoolT, Type
from enigmalang.wire.arrays import checked_size
from enigmalang.wire.errors import WireError
from enigmalang.wire.orders import MAX_ABOUT, Erase, Leaf, Write
from enigmalang.wire.typed import Decoder, encode

_NOBODY = "0x" + "0" * 40


class _Array(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A leaf: its shape, whether it is in bits, and whether it is truths."""

    shape: list[int]
    bits: bool
    truth: bool


class _About(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What an entry says of itself: the text of its type (`digests.kind_text`), and its leaves."""

    version: int
    kind: str
    leaves: list[_Array]


_VERSION = 1
_ABOUT: Decoder[_About] = Decoder(_About, "description of an entry")


class NetworkEntries:
    """See `Entries`. `type_of` reads the text of a type; None: the program does not know it."""

    def __init__(self, engine: NetworkEngine, tracer: Tracer, ledger: EvmLedger,
                 type_of: Callable[[str], Type | None]) -> None:
        self._engine, self._tracer, self._ledger, self._type_of = engine, tracer, ledger, type_of
        self._vault = engine.client.vault
        self._known: dict[bytes, tuple[Entry, Held]] = {}

    def has(self, key: Any) -> bool:
        """See `Entries.has`."""
        return self._entry(key) is not None

    def find(self, key: Any) -> Held | None:
        """See `Entries.find`."""
        entry, name = self._entry(key), key_id(key)
        if entry is None:
            return None
        known = self._known.get(name)
        if known is None or known[0] != entry:
            known = self._known[name] = entry, self._held(key, entry)
        return known[1]

    def _entry(self, key: Any) -> Entry | None:
        """What the chain says; None for a key that nobody owns."""
        name = key_id(key)
        self._engine.client.name(name, shown_key(key))
        entry = self._vault.entry(name)
        if entry is None and self._vault.hub.pointer(MPC, name).owner != _NOBODY:
            raise StoreError("E0709", f"MPC[{shown_key(key)}] is not with the nodes of the vault {self._vault.address}",
                             "it was written elsewhere: `--vault ADDRESS` names another vault")
        return entry

    def _held(self, key: Any, entry: Entry) -> Held:
        try:
            about = _ABOUT.decode(memoryview(entry.about))
            for leaf in about.leaves:
                checked_size(tuple(leaf.shape), "a leaf")
        except WireError as error:
            raise StoreError("E0201", f"MPC[{shown_key(key)}] says of itself what cannot be read: {error}") from None
        type = self._type_of(about.kind) if about.version == _VERSION else None
        if type is None:
            raise StoreError("E0201", f"MPC[{shown_key(key)}] is of a type that this program does not know: "
                             f"{about.kind}")
        declared = leaves_of(type)
        if len(declared) != len(about.leaves) or not all(map(_fits, declared, about.leaves)):
            raise StoreError("E0201", f"MPC[{shown_key(key)}] says of itself that it is a {about.kind}, and is none")
        made = []
        for number, leaf in enumerate(about.leaves):
            shape, form = tuple(leaf.shape), Form.BITS if leaf.bits else Form.ARITH
            wire, handle = self._tracer.held(shape, form)
            self._engine.bind(handle, Leaf(key_id(key), number), shape, form)
            made.append(self._tracer.traced(wire, leaf.truth))
        return Held(tuple(made), entry.owner.lower(), None, type)

    # ---- writing

    def write(self, writer: Identity, key: Any, secrets: Sequence[Secret], type: Type, rule: bytes) -> None:
        """See `Entries.write`."""
        name = key_id(key)
        self._engine.client.name(name, shown_key(key))
        traced = [_traced(secret) for secret in secrets]
        with self._engine.deferring():
            self._tracer.run((), (), [each.wire for each in traced if each.wire.op != "const"])
        draft = self._engine.draft()
        draft.leaves = [(_node(draft, each.wire), Leaf(name, number)) for number, each in enumerate(traced)]
        about = encode(_About(_VERSION, kind_text(str(type)), [
            _Array(list(each.shape), each.wire.form is Form.BITS, each.truth) for each in traced]))
        if len(about) > MAX_ABOUT:
            raise EngineError(f"MPC[{shown_key(key)}] would have too many parts for one entry", "E0803")
        before = self._vault.hub.pointer(MPC, name)
        old = self._vault.written(name, before.owner, before.rule) if before.owner.lower() == writer.address else None
        self._engine.write(draft, Write(name, rule, about, len(traced)))
        self._known.pop(name, None)
        if (before.owner.lower(), before.rule) == (writer.address, rule):
            return
        made = self._vault.written(name, writer.address, rule)
        try:
            self._ledger.point(writer, "MPC", key, about, rule)
        except BaseException:
            if made is not None:
                self._engine.erase(writer.address, Erase(name, rule, made[0]))
            raise
        if old is not None:
            self._engine.erase(writer.address, Erase(name, before.rule, old[0]))

    @contextmanager
    def raw(self) -> Iterator[None]:
        """See `Entries.raw`."""
        with self._engine.raw():
            yield


def _fits(declared: Declared, leaf: _Array) -> bool:
    """Whether what an entry's owner says of a leaf can be: what cannot would break the program that uses it."""
    kind = declared.type
    if not isinstance(kind, Tensor) or len(leaf.shape) != kind.rank:
        return False
    sizes = zip(leaf.shape, declared.lens, declared.exact, strict=True)
    return (isinstance(kind.element, BoolT) or not (leaf.truth or leaf.bits)) and all(
        most is None or (size == most if exact else size <= most) for size, most, exact in sizes)


def _traced(secret: Secret) -> Traced:
    assert isinstance(secret, Traced)
    return secret


def _node(draft: Draft, wire: Wire) -> int:
    """The node of `draft` that is what a wire stands for, which is kept, a row of what is kept, or a constant."""
    if wire.handle is not None:
        return draft.load(wire.handle.number, wire.shape, wire.form)
    if wire.op == "const":
        return draft.append(Node("const", (), wire.shape, wire.form, wire.attrs))
    assert wire.is_row
    array = wire.args[0]
    assert array.handle is not None
    whole = draft.load(array.handle.number, array.shape, array.form)
    return draft.append(Node("take", (whole,), wire.shape, wire.form, wire.attrs))
