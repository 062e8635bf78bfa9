"""A value of private state at one node, as bytes and as shares: what is kept under a contract's slot and keys.

The bytes are secret unless the value is a constant. The name, the form and the shape are public, and the same at all
nodes of the committee.
"""

from collections.abc import Iterable
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
    the share (`sharing.encode_share`), or the constant's numbers in decimal.
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
        Form(packed.form)
    except (msgspec.MsgspecError, ValueError) as error:
        raise StateError(f"a kept value cannot be read: {error}") from None
    return Value(packed.form, tuple(packed.shape), packed.truth, packed.public, packed.data)


def encode_name(name: Name) -> bytes:
    """Canonical bytes. Keys are integers of any size, booleans, texts, bytes, None, and tuples of such."""
    slot, keys = name
    return msgspec.msgpack.encode([slot, [_packed(key) for key in keys]])


def decode_name(data: bytes) -> Name:
    """The inverse of `encode_name`. Raises StateError."""
    try:
        slot, keys = msgspec.msgpack.decode(data)
        return str(slot), tuple(_unpacked(key) for key in keys)
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
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


def _unpacked(packed: Any) -> Any:
    kind, value = packed
    match kind:
        case "int":
            return int(value)
        case "tuple":
            return tuple(_unpacked(part) for part in value)
        case "truth" | "text" | "bytes" | "none":
            return value
        case _:
            raise ValueError(f"a key of kind {kind!r}")


def layout_digest(root: bytes, layout: Iterable[tuple[Name, Value]]) -> bytes:
    """Of what is public of a contract's values, in the order of their names' bytes: what nodes compare, 32 bytes."""
    hashed = blake2b(root, digest_size=32, person=b"enig layout")
    for name, value in sorted(((encode_name(name), value) for name, value in layout), key=lambda pair: pair[0]):
        # A constant is public, so it is a part of the layout.
        form, shape, truth, public = value.layout
        packed = msgspec.msgpack.encode([name, form, list(shape), truth, value.data if public else b""])
        hashed.update(len(packed).to_bytes(8, "big") + packed)
    return hashed.digest()
