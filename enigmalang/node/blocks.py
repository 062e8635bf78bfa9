"""Masks in stock: a block of random numbers and bits, told to the client ahead, used from the front, each once.

So a run whose inputs are small needs one message there and one back. A block is one mask of `node.masking` of either
form; how much of it is used is public and equal at the nodes and the client. Wide committees, which talk to
make masks, have none.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from enigmalang.circuits.circuit import Array
from enigmalang.fields import Raw, field_named, pack_bits, unpack_bits
from enigmalang.mpc.party import Party
from enigmalang.node.masking import Mask, Slot, draw_masks, mask_message, masked_with, told_mask
from enigmalang.sharing import Structure
from enigmalang.wire.errors import WireError

#: Numbers, and as many bits, in a block.
BLOCK = 512
SLOTS = (Slot((BLOCK,), False), Slot((BLOCK,), True))
#: With fewer of either left a new block is made; what remains of the old one is dropped.
FEW = BLOCK // 2


class Position:
    """How far into a block the users are: numbers, bits."""

    def __init__(self, used: int) -> None:
        self.numbers = self.bits = used

    def ranges(self, slots: Iterable[Slot]) -> list[tuple[Slot, slice]] | None:
        """Where the masks of these inputs lie, in order; None, and nothing changes, when they are not all there."""
        numbers, bits = self.numbers, self.bits
        found = []
        for slot in slots:
            first = bits if slot.bits else numbers
            found.append((slot, slice(first, first + slot.size)))
            if slot.bits:
                bits += slot.size
            else:
                numbers += slot.size
            if max(numbers, bits) > BLOCK:
                return None
        self.numbers, self.bits = numbers, bits
        return found

    @property
    def low(self) -> bool:
        return BLOCK - max(self.numbers, self.bits) < FEW


class NodeBlock:
    """A node's pieces of the masks in stock."""

    def __init__(self, party: Party) -> None:
        self._party = party
        self.position = Position(BLOCK)
        self._numbers: Raw = party.field.empty((party.pieces, 0))
        self._bits = np.empty((party.pieces, 0), np.uint8)  # unpacked

    def renewed(self) -> list[bytes]:
        """What the client is told of a new block, when one is due; else nothing. Local."""
        party = self._party
        if party.structure.wide or not self.position.low:
            return []
        numbers, bits = masks = draw_masks(party, SLOTS)
        self.position = Position(0)
        self._numbers = numbers.drawn(party.field)
        self._bits = unpack_bits(bits.drawn(party.field), BLOCK)
        return [mask_message(mask, party.structure) for mask in masks]

    def take(self, slots: Iterable[Slot]) -> list[Mask]:
        """The masks of these inputs; each is given once. Raises WireError when there are not as many."""
        ranges = self.position.ranges(slots)
        if ranges is None:
            raise WireError("more inputs than there are masks in stock")
        return [
            Mask(slot, pieces=pack_bits(self._bits[:, at]) if slot.bits else self._numbers[:, at])
            for slot, at in ranges
        ]


class ClientBlock:
    """The client's side: what the masks are."""

    def __init__(self, field: str, shape: Structure) -> None:
        self._field = field
        self._shape = shape
        self._position = Position(BLOCK)
        self._numbers: Array = np.empty(0, np.int64)
        self._bits = np.empty(0, np.uint8)

    def renew(self, told: Mapping[int, Sequence[bytes]]) -> None:
        """Start on the block that the nodes told with their results; nothing changes when they told none.

        Raises MaskError when they told different blocks.
        """
        if not any(told.values()):
            return
        parts = [{node: parts[k] if k < len(parts) else b"" for node, parts in told.items()} for k in range(2)]
        numbers, bits = (
            told_mask(slot, self._field, self._shape, part) for slot, part in zip(SLOTS, parts, strict=True)
        )
        self._numbers, self._bits = numbers, unpack_bits(bits[None], BLOCK)[0]
        self._position = Position(0)

    def mask(self, slots: Mapping[int, Slot], inputs: Sequence[Array]) -> list[bytes] | None:
        """The masked inputs (already checked), or None when the block has not as many masks left."""
        ranges = self._position.ranges(slots.values())
        if ranges is None:
            return None
        kind, masked = field_named(self._field), []
        for number, (slot, at) in zip(slots, ranges, strict=True):
            mask = pack_bits(self._bits[at]) if slot.bits else self._numbers[at]
            masked.append(masked_with(np.asarray(inputs[number]).reshape(-1), slot, kind, mask))
        return masked

    def __repr__(self) -> str:
        return "<ClientBlock>"
