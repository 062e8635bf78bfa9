"""The kernels: loops over contiguous uint64 memory, in a part of Python that `translate` understands. Imported only to
compile them.

`fields.native` keeps the machine code and calls it, so a process needs no compiler once one has compiled. Residues
are canonical (0 <= x < p) on entry and on exit.
"""

from enigmalang.fields.kernels import bits, elements, gf2k, lookup, order, residues, rounds
from enigmalang.fields.kernels.build import KERNELS
from enigmalang.fields.kernels.translate import translated

__all__ = ["KERNELS", "bits", "elements", "gf2k", "lookup", "order", "residues", "rounds", "translated"]
