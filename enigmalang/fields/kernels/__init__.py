"""The kernels, written for Numba: loops over contiguous uint64 memory. Imported only to compile them.

`fields.native` keeps the machine code and calls it, so a process needs no compiler once one has compiled. Residues
are canonical (0 <= x < p) on entry and on exit.
"""

from enigmalang.fields.kernels import bits, elements, gf2k, lookup, order, residues, rounds
from enigmalang.fields.kernels.build import COMPILED

__all__ = ["COMPILED", "bits", "elements", "gf2k", "lookup", "order", "residues", "rounds"]
