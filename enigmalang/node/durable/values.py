"""A value of private state at one node, as bytes and as shares: what is kept under a contract's slot and keys.

The bytes are secret unless the value is a constant. The name, the form and the shape are public, and the same at all
nodes of the committee.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from math import prod
from typing import Any

import msgspec
import numpy as np

from enigmalang.circuits.circuit import Array, Form
from enigmalang.fields import Field, words_for
from enigmalang.node.durable.errors import StateError
from enigmalang.sharing import ArithShare, Share
from enigmalang.sharing.secret import decode_share, encode_share

#: A slot, and the keys that lead to a leaf of it.
Name = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Value:
    """`form` is "arith" or "bits"; `public`: a constant that everyone knows, not a share; `truth`: a boolean. `data`:
    the share (`sharing.secret.encode_share`), or the constant's numbers in decimal.
    """

    form: str
    shape: tuple[int, ...]
    truth: bool
    public: bool
    data: bytes = field(repr=False)

    def share(self, kind: Field, pieces: int) -> Share:
        """The share in a committee whose members have `pieces` pieces of a bit. Raises StateError."""
        if self.public:
            raise ValueError("a constant is no share")
        try:
            return decode_share(self.data, kind if self.form == Form.ARITH.value else None, self.shape, pieces)
        except ValueError as error:
            raise StateError(f"a kept share does not fit the committee: {error}") from None

    def constant(self) -> Array:
        numbers: list[str] = msgspec.msgpack.decode(self.data, type=list[str])
        return np.array([int(number) for number in numbers], dtype=object).reshape(self.shape)

    @property
    def layout(self) -> tuple[str, tuple[int, ...], bool, bool]:
        """What is alike at all nodes."""
        return self.form, self.shape, self.truth, self.public

    def with_share(self, share: Share) -> "Value":
        """The same value with another share of it."""
        return replace(self, data=encode_share(share))

    def size(self, kind: Field, pieces: int) -> int:
        """Bytes of a share of this form and shape."""
        if self.form == Form.ARITH.value:
            return kind.nbytes * prod(self.shape)
        return 8 * pieces * words_for(prod(self.shape))


#: Staged in place of a value that is there no more once the job has ended.
GONE = Value("gone", (), False, True, b"")


def merged(current: Mapping[Name, Value], staged: Mapping[Name, Value]) -> dict[Name, Value]:
    """The current values when what is staged has taken their place."""
    return {name: value for name, value in {**current, **staged}.items() if value != GONE}


def shared_value(share: Share, truth: bool) -> Value:
    form = Form.ARITH if isinstance(share, ArithShare) else Form.BITS
    return Value(form.value, tuple(share.shape), truth, False, encode_share(share))


def constant_value(value: Array, form: Form, truth: bool) -> Value:
    numbers = [str(int(number)) for number in np.asarray(value).ravel().tolist()]
    return Value(form.value, tuple(np.shape(value)), truth, True, msgspec.msgpack.encode(numbers))


# ---- as bytes


class _Packed(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    form: str
    shape: list[int]
    truth: bool
    public: bool
    data: bytes


def encode_value(value: Value) -> bytes:
    return msgspec.msgpack.encode(
        _Packed(value.form, list(value.shape), value.truth, value.public, value.data))


def decode_value(data: bytes) -> Value:
    """The inverse of `encode_value`. Raises StateError."""
    try:
        packed = msgspec.msgpack.decode(data, type=_Packed)
        if packed.form != GONE.form:
            Form(packed.form)
    except (msgspec.MsgspecError, ValueError) as error:
        raise StateError(f"a kept value cannot be read: {error}") from None
    return Value(packed.form, tuple(packed.shape), packed.truth, packed.public, packed.data)


def encode_name(name: Name) -> bytes:
    """Canonical bytes. Keys are integers of any size, booleans, texts, bytes, None, and tuples of such."""
    slot, keys = name
    return msgspec.msgpack.encode([slot, [_packed(key) for key in keys]])


def slot_prefix(slot: str) -> bytes:
    """What the canonical bytes of all names of a slot begin with, and no others."""
    return b"\x92" + msgspec.msgpack.encode(slot)


#: Tuples in tuples that are decoded. Each is decoded by itself, for msgspec's calls nest as deep as the bytes do, up to
#: the recursion limit, which is raised to where the stack ends first (`execute.machine.RECURSION`), and layouts are
#: what other nodes say.
_DEEPEST = 100
_PARTS = msgspec.msgpack.Decoder(list[tuple[str, msgspec.Raw]])
_NAME = msgspec.msgpack.Decoder(tuple[str, list[tuple[str, msgspec.Raw]]])
_PLAIN: dict[str, msgspec.msgpack.Decoder[Any]] = {
    kind: msgspec.msgpack.Decoder(type_)
    for kind, type_ in (("int", str), ("truth", bool), ("text", str), ("bytes", bytes), ("none", None))}


def decode_name(data: bytes) -> Name:
    """The inverse of `encode_name`. Raises StateError."""
    try:
        slot, keys = _NAME.decode(data)
        return slot, tuple(_unpacked(kind, key, 0) for kind, key in keys)
    except (msgspec.MsgspecError, ValueError, KeyError, RecursionError) as error:
        raise StateError(f"a kept name cannot be read: {error}") from None


def _packed(key: Any) -> Any:
    if isinstance(key, bool | np.bool_):
        return ["truth", bool(key)]
    if isinstance(key, int | np.integer):
        return ["int", str(int(key))]
    if isinstance(key, tuple):
        return ["tuple", [_packed(part) for part in key]]
    for kind, type_ in (("text", str), ("bytes", bytes)):
        if isinstance(key, type_):
            return [kind, key]
    if key is None:
        return ["none", None]
    raise TypeError(f"a key of {type(key).__name__} has no canonical bytes")


def _unpacked(kind: str, key: msgspec.Raw, depth: int) -> Any:
    if kind == "tuple":
        if depth == _DEEPEST:
            raise ValueError("nested too deeply")
        return tuple(_unpacked(inner, part, depth + 1) for inner, part in _PARTS.decode(key))
    value = _PLAIN[kind].decode(key)
    return int(value) if kind == "int" else value


def layout_digest(root: bytes, layout: Iterable[tuple[Name, Value]]) -> bytes:
    """Of what is public of a contract's values, in the order of their names' bytes: what nodes compare, 32 bytes."""
    hashed = blake2b(root, digest_size=32, person=b"enig layout")
    for name, value in sorted(((encode_name(name), value) for name, value in layout), key=lambda pair: pair[0]):
        # A constant is public, so it is a part of the layout.
        form, shape, truth, public = value.layout
        packed = msgspec.msgpack.encode([name, form, list(shape), truth, value.data if public else b""])
        hashed.update(len(packed).to_bytes(8, "big") + packed)
    return hashed.digest()
