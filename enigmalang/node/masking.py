"""Masked inputs (protocols.md §3, §4): the nodes draw r, tell it to the client alone, the client publishes
x - r.

r is pseudo-random (Cramer, Damgård, Ishai 2005): the sum over all sets A of n-t nodes of r_A, which A's
members draw alike; bits are the same with XOR. They draw it from a seed of its own (`sharing.seeds`), and what
every member tells the client is that seed: 16 bytes for each of its sets, however large the input. Of n-t > t
members one at least is honest, so a node that tells another seed than the rest of its set is noticed.

In a wide committee, which has no sets, the nodes make r together (`mpc.wide.masks`) and tell the client their
shares: t+1 honest ones fix the polynomial, so a false share is noticed too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from math import prod

import numpy as np

from enigmalang.circuits.circuit import Array, Circuit, Form
from enigmalang.circuits.table import table_of
from enigmalang.fields import Field, Raw, field_named, pack_bits, words_for
from enigmalang.mpc.party import Party
from enigmalang.mpc.wide.masks import random_masks
from enigmalang.sharing import ArithShare, BitShare, Share, Structure, binary, seeds
from enigmalang.sharing.faults import SharingError
from enigmalang.sharing.pseudorandom import clear_padding, share_of_pieces
from enigmalang.sharing.shamir import reconstruct
from enigmalang.sharing.streams import Streams
from enigmalang.wire.check import FIELDS
from enigmalang.wire.frames import Buffer


class MaskError(Exception):
    """Nodes told the client different masks, or malformed ones; `nodes` are those who may be at fault."""

    code = "E0706"  # of the diagnostic, as EngineError.code

    def __init__(self, nodes: tuple[int, ...], reason: str) -> None:
        super().__init__(reason)
        self.nodes = nodes


@dataclass(frozen=True, slots=True)
class Slot:
    """What a circuit expects as one input: all that is public about it."""

    shape: tuple[int, ...]
    bits: bool

    @property
    def size(self) -> int:
        return prod(self.shape)

    def nbytes(self, kind: Field) -> int:
        """Bytes of the masked value."""
        return 8 * words_for(self.size) if self.bits else kind.nbytes * self.size


def slots_of(circuit: Circuit) -> dict[int, Slot]:
    """The inputs of a circuit by slot, in order."""
    table = table_of(circuit.nodes)
    inputs = [table[number] for number in table.where("input").tolist()]
    found = {node.attrs["slot"]: Slot(node.shape, node.form is Form.BITS) for node in inputs}
    return dict(sorted(found.items()))


# --- at a node ---


@dataclass(frozen=True, slots=True)
class Mask:
    """What a node has of one mask, used for one input: a seed, or when they are drawn `pieces`, for each set that the
    node is in. In a wide committee `pieces` is the node's share.
    """

    slot: Slot
    seeds: tuple[bytes, ...] = field(default=(), repr=False)
    pieces: Raw | None = field(default=None, repr=False)

    def drawn(self, kind: Field) -> Raw:
        """The pieces, a row for each set."""
        if self.pieces is not None:
            return self.pieces
        if not self.slot.bits:
            return seeds.element_rows(kind, self.seeds, self.slot.size)
        words = seeds.bit_rows(self.seeds, words_for(self.slot.size))
        clear_padding(words, self.slot.size)
        return words


def draw_masks(party: Party, slots: Sequence[Slot]) -> list[Mask]:
    """Masks for inputs, at all nodes alike. Local; one round in a wide committee."""
    if party.structure.wide:
        shares = random_masks(party, [(slot.size, slot.bits) for slot in slots]) if slots else []
        return [Mask(slot, pieces=share) for slot, share in zip(slots, shares, strict=True)]
    return [draw_mask(slot, party.streams, party.structure, party.me, party.fresh()) for slot in slots]


def draw_mask(slot: Slot, streams: Streams, shape: Structure, me: int, instruction: int) -> Mask:
    """Local; all nodes draw with the same fresh `instruction` number."""
    return Mask(slot, seeds.seeds_for(streams, shape, me, instruction))


def mask_message(mask: Mask, shape: Structure) -> bytes:
    """What a node tells the client: its seeds, in the order of its sets. Its share in a wide committee."""
    if shape.wide:
        assert mask.pieces is not None
        return mask.pieces.astype("<u8", copy=False).tobytes()
    return b"".join(mask.seeds)


def needs_input(shape: Structure, me: int) -> bool:
    """Whether a node must be told m of a mask that was not drawn ahead: m is added to r_A of the first set A, whose
    n - t members know it; the others' shares of it are 0. All nodes of a wide committee must.
    """
    return shape.wide or me in shape.subsets[0]


class InputsDigest:
    """Of all masked values of a run: what the nodes compare, and are told who do not need the values."""

    def __init__(self, masked: Iterable[Buffer] = ()) -> None:
        self._hash = sha256()  # twice as fast as BLAKE2 where the processor has instructions for it
        for data in masked:
            self.add(data)

    def add(self, masked: Buffer) -> None:
        self._hash.update(len(masked).to_bytes(8, "big"))
        self._hash.update(masked)

    def digest(self) -> bytes:
        return self._hash.digest()


def unmask_share(mask: Mask, masked: Buffer | None, kind: Field, shape: Structure, me: int) -> Share:
    """A node's share of x = m + r; None for `masked` where it is not needed.

    Raises ValueError when it has the wrong length or is not reduced.
    """
    slot = mask.slot
    if masked is not None and len(masked) != slot.nbytes(kind):
        raise ValueError(f"{len(masked)} bytes where {slot.nbytes(kind)} were expected")
    if slot.bits:
        return BitShare(_unmasked_words(mask, masked, kind, shape, me), slot.shape)
    public = None if masked is None else kind.from_bytes(masked, (slot.size,))
    if mask.pieces is None:
        raw = seeds.add_share_of_sum(kind, shape, me, mask.seeds, public, slot.size)
    else:
        assert public is not None
        raw = kind.add(mask.pieces if shape.wide else share_of_pieces(kind, shape, me, mask.pieces), public)
    return ArithShare(kind, kind.reshape(raw, slot.shape))


def _unmasked_words(mask: Mask, masked: Buffer | None, kind: Field, shape: Structure, me: int) -> Raw:
    words = mask.drawn(kind)
    if masked is None or not needs_input(shape, me):
        return words
    if mask.pieces is not None:
        words = words.copy()
    row = 0 if shape.wide else shape.held(me).index(shape.subsets[0])  # wide: a constant polynomial
    words[row] ^= np.frombuffer(masked, "<u8")
    if not shape.wide:
        clear_padding(words, mask.slot.size)
    return words


# --- at the client ---


def mask_value(
    value: Array, slot: Slot, field_name: str, shape: Structure, messages: Mapping[int, bytes]
) -> Buffer:
    """m = x - r for one input; `messages` hold what each node told about r.

    Raises ValueError when `value` does not fit the slot, MaskError when the nodes' messages do not fit
    together.
    """
    clear, kind = check_value(value, slot, field_name).reshape(-1), field_named(field_name)
    if shape.wide:
        mask = _reconstructed(slot, kind, shape, messages)
        return masked_with(clear, slot, kind, mask if slot.bits else kind.to_ints(mask))
    told = collect_seeds(shape, messages)
    if not slot.bits:
        return kind.to_bytes(seeds.subtract_sum(kind, kind.from_ints(clear), told))
    words = pack_bits(clear)
    seeds.xor_bits(words, told, slot.size)
    return words.astype("<u8", copy=False).view(np.uint8).data


def masked_with(clear: Array, slot: Slot, kind: Field, mask: Array) -> bytes:
    """x - r for flat x; `mask` is r as integers, or packed bits."""
    if slot.bits:
        return (pack_bits(clear) ^ mask).astype("<u8", copy=False).tobytes()
    return bytes(kind.to_bytes(kind.from_ints(kind.to_ints(kind.from_ints(clear)) - mask)))


def told_mask(slot: Slot, field_name: str, shape: Structure, messages: Mapping[int, bytes]) -> Array:
    """r of few values, flat integers or packed bits, from what each node told of it. Raises MaskError unless it fits
    together.
    """
    kind, told = field_named(field_name), collect_seeds(shape, messages)
    if not slot.bits:
        return kind.to_ints(seeds.sum_of_elements(kind, told, slot.size))
    words = np.zeros(words_for(slot.size), np.uint64)
    seeds.xor_bits(words, told, slot.size)
    return words


def mask_numbers(slot: Slot, field_name: str, shape: Structure, messages: Mapping[int, bytes]) -> Array:
    """r as flat integers, whatever the committee. Raises MaskError unless what the nodes told fits together."""
    if not shape.wide:
        return told_mask(slot, field_name, shape, messages)
    kind = field_named(field_name)
    return kind.to_ints(_reconstructed(slot, kind, shape, messages))


def check_value(value: Array, slot: Slot, field_name: str) -> Array:
    """`value` as integers, or bits. Raises ValueError when it does not fit: shape, type, range."""
    array = np.asarray(value)
    if array.shape != slot.shape:
        raise ValueError(f"an input of shape {array.shape} where the circuit has {slot.shape}")
    if array.dtype.kind not in "biuO":
        raise ValueError(f"an input of {array.dtype}: only integers and booleans can be shared")
    if array.size:
        low, high = (0, 1) if slot.bits else _range(field_name)
        if not (low <= array.min() and array.max() <= high):
            raise ValueError(f"an input is outside {low}..{high}")
    return array


def _range(field_name: str) -> tuple[int, int]:
    bound = (1 << (FIELDS[field_name] - 1)) - 1
    return -bound, bound


def collect_seeds(shape: Structure, messages: Mapping[int, bytes]) -> list[bytes]:
    """The seed of every set. Raises MaskError unless all members of every set agree."""
    told = {node: _cut(messages[node], node, shape) for node in shape.parties}
    found = []
    for subset in shape.subsets:
        first, *others = subset
        seed = told[first][subset]
        for node in others:
            if told[node][subset] != seed:
                raise MaskError((first, node), f"nodes {first} and {node} drew different masks")
        found.append(seed)
    return found


def _cut(message: bytes, node: int, shape: Structure) -> dict[tuple[int, ...], bytes]:
    held, size = shape.held(node), seeds.SEED_BYTES
    if len(message) != size * len(held):
        raise MaskError((node,), f"node {node} told a mask of {len(message)} bytes, expected {size * len(held)}")
    return {subset: message[size * k : size * (k + 1)] for k, subset in enumerate(held)}


def _reconstructed(slot: Slot, kind: Field, shape: Structure, messages: Mapping[int, bytes]) -> Raw:
    """The mask from all nodes' shares, (lanes,) elements or words. Raises MaskError unless they fit together."""
    shares = {}
    for node in shape.parties:
        try:
            shares[node] = _share_from(messages[node], slot, kind, shape)
        except ValueError as error:
            raise MaskError((node,), f"node {node} told a malformed share of a mask: {error}") from None
    try:
        return _put_together(shares, slot, kind, shape)
    except SharingError as error:
        nodes = _suspects(shares, slot, kind, shape)
        names = " or ".join(map(str, nodes))
        raise MaskError(nodes, f"node {names} told a false share of a mask: {error}") from None


def _share_from(message: bytes, slot: Slot, kind: Field, shape: Structure) -> Raw:
    if not slot.bits:
        return kind.from_bytes(message, (slot.size,))
    if len(message) != shape.degree * slot.nbytes(kind):
        raise ValueError(f"{len(message)} bytes where {shape.degree * slot.nbytes(kind)} were expected")
    return np.frombuffer(message, "<u8").astype(np.uint64, copy=False).reshape(shape.degree, -1)


def _put_together(shares: Mapping[int, Raw], slot: Slot, kind: Field, shape: Structure) -> Raw:
    if slot.bits:
        return binary.reconstruct(shape.degree, shares, shape.t)
    return reconstruct(kind, shares, shape.t)


def _suspects(shares: Mapping[int, Raw], slot: Slot, kind: Field, shape: Structure) -> tuple[int, ...]:
    """The nodes without one of whom the rest fit together; all, when more than one told a false share."""
    found = []
    for node in shape.parties:
        try:
            _put_together({j: share for j, share in shares.items() if j != node}, slot, kind, shape)
        except SharingError:
            continue
        found.append(node)
    return tuple(found) or shape.parties
