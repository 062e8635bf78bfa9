"""Finite fields on NumPy arrays: the Mersenne primes 2^61 - 1 and 2^127 - 1, and packed GF(2) bits.

Importing this package loads no compiler; the kernels load when first used, or by `warm()`.
"""

from enigmalang.fields.field import Field, Raw, words_from
from enigmalang.fields.gf2 import Rows, and_cross, bit_integers, bit_planes, pack_bits, unpack_bits, words_for
from enigmalang.fields.mersenne import FIELDS, M61, M127, field_named
from enigmalang.fields.warm import warm

__all__ = [
    "FIELDS",
    "M61",
    "M127",
    "Field",
    "Raw",
    "Rows",
    "and_cross",
    "bit_integers",
    "bit_planes",
    "field_named",
    "pack_bits",
    "unpack_bits",
    "warm",
    "words_for",
    "words_from",
]
