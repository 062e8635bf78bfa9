"""Inputs that come over the ledger, at a node: masks that were drawn before, and the shares of what they masked.

A client asks for a mask, publishes x - r with its request (protocols.md §3), and the nodes add r when they begin the
job. A mask is used once, and none of its values leaves the node but to the client, as in `node.masking`.
"""

from collections.abc import Sequence

from enigmalang.mpc.outputs import encrypt
from enigmalang.mpc.party import Party
from enigmalang.node.masking import Mask, Slot, draw_masks, mask_message, unmask_share
from enigmalang.sharing import ArithShare
from enigmalang.sharing.secret import split_arith
from enigmalang.wire.arrays import checked_size
from enigmalang.wire.errors import WireError

#: Masks that a node holds for clients who never came back; the oldest goes first.
MOST = 4096


class Admission:
    """A node's masks in waiting, by the number of the request that drew them."""

    def __init__(self, party: Party) -> None:
        self._party = party
        self._masks: dict[int, tuple[Mask, str]] = {}

    def reserve(self, number: int, size: int, owner: str = "", receiver: bytes = b"") -> list[bytes]:
        """Draw a mask of `size` numbers; what the client is told of it, encrypted if there is a `receiver`. One round
        in a wide committee. Raises WireError for a receiver that is no key.
        """
        checked_size((size,), "a mask")
        (mask,) = draw_masks(self._party, [Slot((size,), False)])
        if len(self._masks) >= MOST:
            del self._masks[next(iter(self._masks))]
        self._masks[number] = mask, owner
        told = mask_message(mask, self._party.structure)
        if not receiver:
            return [told]
        try:
            return [encrypt(receiver, self._party.me, told)]
        except ValueError:
            raise WireError("a mask asked for under a key that is none") from None

    def known(self, number: int) -> tuple[str, int] | None:
        """Whose jobs may use mask `number`, and how many numbers it masks; None for one that is not there."""
        found = self._masks.get(number)
        return (found[1], found[0].slot.size) if found is not None else None

    def admit(self, number: int, masked: bytes, shapes: Sequence[Sequence[int]]) -> list[ArithShare]:
        """This node's shares of the arrays that mask `number` masked. Raises WireError for a mask that is not there (or
        was used) and for bytes that do not fit it.
        """
        mask, _ = self._masks.pop(number, (None, ""))
        if mask is None:
            raise WireError(f"an input masked with mask {number}, which was used, dropped, or never drawn")
        sizes = [checked_size(tuple(shape), "an input") for shape in shapes]
        if sum(sizes) != mask.slot.size:
            raise WireError(f"an input of {sum(sizes)} numbers for a mask of {mask.slot.size}")
        party = self._party
        try:
            share = unmask_share(mask, masked, party.field, party.structure, party.me)
        except ValueError as error:
            raise WireError(f"an input: {error}") from None
        assert isinstance(share, ArithShare)
        parts = split_arith(party.field, share.raw, [tuple(shape) for shape in shapes])
        return [ArithShare(party.field, part.copy()) for part in parts]
