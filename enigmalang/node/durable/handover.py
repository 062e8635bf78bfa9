"""A contract's private state between members: what is public of it, and the shares, by name and in one order.

Who lacks a root asks the others for its `layout`; more than t say the same, or it is not believed. Then it gets its
shares (`sharing.recovery`, `mpc.reshare`, which name values by texts) and keeps them.
"""

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from enigmalang.circuits.circuit import Form
from enigmalang.fields import Field
from enigmalang.node.durable.errors import StateError
from enigmalang.node.durable.state import State
from enigmalang.node.durable.values import (
    Name,
    Value,
    decode_name,
    decode_value,
    encode_name,
    encode_value,
    layout_digest,
    merged,
)
from enigmalang.sharing import Share
from enigmalang.sharing.kinds import Kind, kind_of


def state_at(state: State, contract: str, root: bytes) -> dict[Name, Value] | None:
    """The values of `contract` at `root`: the current ones, or those with what is staged under that root; None when
    they are not here.
    """
    if state.root(contract) == root:
        return state.values(contract)
    for stage in state.staged(contract):
        if stage.root == root and stage.before == state.root(contract):
            return merged(state.values(contract), state.staged_values(stage))
    return None


def text_of(name: Name) -> str:
    """How recovery names a value: the texts are in the order of the names' bytes."""
    return encode_name(name).hex()


def part_of(values: Mapping[Name, Value], first: int, count: int) -> dict[Name, Value]:
    """Of the values that are shared, in the order of their texts, `count` from number `first` on."""
    shared = sorted((text_of(name), name) for name, value in values.items() if not value.public)
    return {name: values[name] for _, name in shared[first : first + count]}


def shares_of(values: Mapping[Name, Value], kind: Field, pieces: int) -> dict[str, Share]:
    """The shares among `values`, in the order of their texts. `pieces`: of a bit, that this member has."""
    shared = {text_of(name): value for name, value in values.items() if not value.public}
    return {text: value.share(kind, pieces) for text, value in sorted(shared.items())}


def kinds_of(layout: Mapping[Name, Value], kind: Field) -> dict[str, Kind]:
    """What is public of the shares, in the order of their texts: for who has none."""
    shared = {text_of(name): value for name, value in layout.items() if not value.public}
    return {text: Kind(kind if value.form == Form.ARITH.value else None, value.shape)
            for text, value in sorted(shared.items())}


def encode_layout(values: Mapping[Name, Value]) -> bytes:
    """What is public of them: canonical bytes, without any share."""
    named = sorted((encode_name(name), value) for name, value in values.items())
    return msgspec.msgpack.encode(
        [[name, encode_value(value if value.public else replace(value, data=b""))] for name, value in named])


def decode_layout(data: bytes) -> dict[Name, Value]:
    """The inverse of `encode_layout`; shares are empty. Raises StateError for what is none, or not canonical."""
    try:
        rows = msgspec.msgpack.decode(data, type=list[tuple[bytes, bytes]])
    except msgspec.MsgspecError as error:
        raise StateError(f"a layout cannot be read: {error}") from None
    layout = {decode_name(name): decode_value(value) for name, value in rows}
    if encode_layout(layout) != data:
        raise StateError("a layout is not in its canonical form")
    return layout


def filled(layout: Mapping[Name, Value], shares: Mapping[str, Share]) -> dict[Name, Value]:
    """The values of a layout with this member's shares. Raises StateError unless they fit it."""
    made = {}
    for name, value in layout.items():
        if value.public:
            made[name] = value
            continue
        share = shares.get(text_of(name))
        if share is None:
            raise StateError("a share is missing")
        kind = kind_of(share)
        if kind.shape != value.shape or (kind.field is not None) != (value.form == Form.ARITH.value):
            raise StateError("a share is of another form than the layout says")
        made[name] = value.with_share(share)
    return made


__all__ = [
    "decode_layout", "encode_layout", "filled", "kinds_of", "layout_digest", "part_of", "shares_of", "state_at",
    "text_of"]
