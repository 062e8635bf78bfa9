"""Inputs that come over the ledger, at a node: masks that are given before, and the shares of what they masked.

A client asks for a mask, publishes x - r with its request (protocols.md §3), and the nodes add r when they begin the
job. A mask is used once, and none of its values leaves the node but to the client, as in `node.masking`.

Nothing is drawn for a mask: it is a function (HKDF, then Cramer, Damgard, Ishai 2005) of keys of its own and of all
that it is bound to, so a member makes it again after a restart, whatever else it drew meanwhile; and nodes that are
told different owners make different masks. Only a committee with too many sets to have keys draws, in one round,
and keeps its shares.
"""

from collections.abc import Collection, Sequence
from hashlib import blake2b

from enigmalang.fields import Raw
from enigmalang.mpc.outputs import encrypt
from enigmalang.mpc.party import Party
from enigmalang.node.durable import points
from enigmalang.node.durable.masks import Given, Masks
from enigmalang.node.masking import Mask, Slot, draw_masks, mask_message, unmask_share
from enigmalang.sharing import ArithShare, Keys, seeds
from enigmalang.sharing.pseudorandom import random_share
from enigmalang.sharing.secret import split_arith
from enigmalang.sharing.streams import Streams
from enigmalang.wire.arrays import checked_size
from enigmalang.wire.errors import WireError


class Admission:
    """A node's masks, which `masks` keeps. `keys` are those of the committee, for masks alone: the same as long as
    `masks` lasts.
    """

    def __init__(self, party: Party, keys: Keys, masks: Masks, at: points.Hook = points.unwatched) -> None:
        self._party, self._keys, self._masks, self._at = party, keys, masks, at

    @property
    def draws(self) -> bool:
        """Whether masks are drawn, in a round, and not made of keys."""
        return not self._party.structure.subsets

    def reserve(self, number: int, size: int, owner: str = "", receiver: bytes = b"") -> list[bytes]:
        """A mask of `size` numbers, kept; what the client is told of it, encrypted if there is a `receiver`. One round
        in a committee that `draws`. Raises WireError for a receiver that is no key; NumberTaken.
        """
        checked_size((size,), "a mask")
        given = Given(owner, size, receiver)
        if self.draws:
            (mask,) = draw_masks(self._party, [Slot((size,), False)])
            assert mask.pieces is not None  # a share of it is kept
            given = Given(owner, size, receiver, None, mask.pieces.astype("<u8", copy=False).tobytes())
        else:
            mask = self._mask(number, given)
        told = mask_message(mask, self._party.structure)
        if receiver:
            try:
                told = encrypt(receiver, self._party.me, told)
            except ValueError:
                raise WireError("a mask asked for under a key that is none") from None
        self._at(points.MASK_MADE)
        self._masks.give(number, given)
        self._at(points.MASK_KEPT)
        return [told]

    def known(self, number: int) -> Given | None:
        """What mask `number` is bound to; None for one that is not there."""
        return self._masks.get(number)

    def adopt(self, number: int, given: Given) -> None:
        """See `Masks.adopt`."""
        self._masks.adopt(number, given)

    def close(self, jobs: Collection[int]) -> None:
        """See `Masks.close`."""
        self._masks.close(jobs)

    def admit(self, number: int, masked: bytes, shapes: Sequence[Sequence[int]], job: int | None = None
              ) -> list[ArithShare]:
        """This node's shares of the arrays that mask `number` masked. `job`: whose mask it is from now on; without one
        it is forgotten. Raises WireError for a mask that is not there (or was used) and for bytes that do not fit it.
        """
        given = self._masks.get(number)
        if given is None or given.job not in (None, job):
            raise WireError(f"an input masked with mask {number}, which was used, dropped, or never drawn")
        if job is None:
            self._masks.drop(number)
        else:
            self._masks.use(number, job)
            self._at(points.MASK_USED)
        sizes = [checked_size(tuple(shape), "an input") for shape in shapes]
        if sum(sizes) != given.size:
            raise WireError(f"an input of {sum(sizes)} numbers for a mask of {given.size}")
        party = self._party
        try:
            raw = self._share(number, given, masked)
        except ValueError as error:
            raise WireError(f"an input: {error}") from None
        parts = split_arith(party.field, raw, [tuple(shape) for shape in shapes])
        return [ArithShare(party.field, part.copy()) for part in parts]

    def share_of(self, number: int) -> ArithShare:
        """This node's share of mask `number` itself, (size,): to be dealt to another committee, with the job that uses
        it. Raises WireError for one that is not there."""
        given = self._masks.get(number)
        if given is None:
            raise WireError(f"mask {number} is not there")
        party = self._party
        return ArithShare(party.field, self._share(number, given, bytes(party.field.nbytes * given.size)))

    def _share(self, number: int, given: Given, masked: bytes) -> Raw:
        """Of what was masked: m + r, (size,). Raises ValueError for bytes that do not fit."""
        party, field = self._party, self._party.field
        if given.pieces:
            return field.add(field.from_bytes(given.pieces, (given.size,)), field.from_bytes(masked, (given.size,)))
        share = unmask_share(self._mask(number, given), masked, field, party.structure, party.me)
        assert isinstance(share, ArithShare)
        return share.raw

    def binding(self, number: int) -> bytes:
        """Of a mask that is there: what the members compare before they compute on what it masked."""
        given = self._masks.get(number)
        return b"" if given is None else _binding(self._party.field.name, number, given)

    def _mask(self, number: int, given: Given) -> Mask:
        party, slot = self._party, Slot((given.size,), False)
        field, shape = party.field, party.structure
        streams = Streams(self._keys.derive(b"mask/" + _binding(self._party.field.name, number, given)))
        if shape.wide:
            return Mask(slot, pieces=random_share(streams, field, shape, party.me, 0, given.size))
        return Mask(slot, seeds.seeds_for(streams, shape, party.me, 0))


def _binding(field: str, number: int, given: Given) -> bytes:
    numbers = number.to_bytes(8, "big", signed=True) + given.size.to_bytes(8, "big")
    hashed = blake2b(numbers, digest_size=32, person=b"enig mask")
    for part in (field.encode(), given.owner.encode(), given.receiver):
        hashed.update(len(part).to_bytes(8, "big") + part)
    return hashed.digest()
