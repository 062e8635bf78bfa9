"""Secret sharing: Shamir over a prime field, replicated bits, keys and pseudo-random shares."""

from enigmalang.sharing.keys import KEY_BYTES, Keys, keys_from_contributions, new_contributions
from enigmalang.sharing.secret import ArithShare, BitShare, Share
from enigmalang.sharing.structure import Structure, structure

__all__ = [
    "KEY_BYTES",
    "ArithShare",
    "BitShare",
    "Keys",
    "Share",
    "Structure",
    "keys_from_contributions",
    "new_contributions",
    "structure",
]
