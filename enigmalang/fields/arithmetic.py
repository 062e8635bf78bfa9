"""The kernels of a prime field as functions on arrays. Operands are contiguous; `at` gives an array's address.

A step is 0 for one element that is repeated, or 1. Lengths are in elements.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from _cffi_backend import FFI

_ffi: Any = FFI()
#: The address of an array; raises for one that is not contiguous. It keeps the array alive.
at: Any = _ffi.from_buffer
_POINTERS: Any = _ffi.typeof("void*[]")
_SIGNED: Any = _ffi.typeof("int64_t[]")

#: Words of elements that the kernels handle at a time, for which they need memory.
PIECE = 1024
#: What a dealt value is: x, x * y, x * (y - z), or 0.
GIVEN, PRODUCT, SELECT, NOTHING = range(4)

_STRIDED = "void*, int64_t, int64_t, void*, int64_t, int64_t, void*, int64_t, int64_t"
DECLARED = {
    "mul": _STRIDED,
    "add": f"{_STRIDED}, _Bool",
    "sum": "void*, void*, int64_t, int64_t, int64_t",
    "dot": "void*, int64_t, void*, int64_t, void*, int64_t, int64_t",
    "matmul": "void*, int64_t, void*, int64_t, void*, int64_t, int64_t, int64_t, int64_t",
    "reshare": "int64_t, void*, int64_t, void*, int64_t, void*, int64_t, int64_t, void*, int64_t, int64_t,"
    "int64_t, int64_t, int64_t, void*, void*, int64_t, int64_t, void*, int64_t, int64_t, void*",
    "gather": "void*, void**, int64_t, int64_t",
    "combine": "void*, void**, int64_t, void*, int64_t",
    "mask": "void*, int64_t",
    "check": "void*, int64_t",
    "signed": "int64_t*, void*, int64_t",
    "centred": "void*, int64_t*, int64_t",
}
#: Those that give a word back: not 0 if something was wrong.
TELLING = {"reshare", "gather", "combine", "mask", "check", "centred"}
NAMES = {f"{name}_{q}": name for name in DECLARED for q in (61, 127)}
#: (rows, columns) of a result, then for each operand how far apart its rows are and the step of its columns.
Layout = tuple[int, int, int, int, int, int]


class Arithmetic:
    """One field's kernels. `function` gives the machine code of a name in `NAMES`."""

    def __init__(self, function: Callable[[str], Any], q: int) -> None:
        made = {name: function(f"{name}_{q}") for name in DECLARED}
        self.limbs = (q + 63) // 64
        self._mul, self._add, self._sum = made["mul"], made["add"], made["sum"]
        self._dot, self._matmul = made["dot"], made["matmul"]
        self._reshare, self._gather, self._combine = made["reshare"], made["gather"], made["combine"]
        self._mask, self._check = made["mask"], made["check"]
        self._signed, self._centred = made["signed"], made["centred"]

    def mul(self, x: Any, y: Any, out: Any, layout: Layout) -> None:
        """x * y."""
        rows, n, ox, dx, oy, dy = layout
        self._mul(at(x), ox, dx, at(y), oy, dy, at(out), rows, n)

    def add(self, x: Any, y: Any, out: Any, layout: Layout, subtract: bool) -> None:
        """x + y, or x - y."""
        rows, n, ox, dx, oy, dy = layout
        self._add(at(x), ox, dx, at(y), oy, dy, at(out), rows, n, subtract)

    def sum(self, x: Any, out: Any, outer: int, m: int, n: int) -> None:
        """(outer, m, n) over the middle axis, m >= 1."""
        self._sum(at(x), at(out), outer, m, n)

    def dot(self, x: Any, ox: int, y: Any, oy: int, out: Any, rows: int, n: int) -> None:
        """Inner products of rows of n elements, which are `ox` and `oy` apart."""
        self._dot(at(x), ox, at(y), oy, at(out), rows, n)

    def matmul(self, x: Any, ox: int, y: Any, oy: int, out: Any, sizes: tuple[int, int, int, int]) -> None:
        """(m, k) @ (k, n), k >= 1, for sizes (batch, m, k, n); operands' matrices are `ox` and `oy` apart."""
        self._matmul(at(x), ox, at(y), oy, at(out), *sizes)

    def reshare(self, *operands: Any) -> bool:
        """As `kernels.elements.reshare`, pointers given by `at`: whether a random element was p and all is void."""
        return bool(self._reshare(*operands))

    def gather(self, own: Any, parts: Sequence[Any], n: int) -> bool:
        """Add the parts to `own` in place: whether all were residues."""
        places = [at(part) for part in parts]
        return not self._gather(at(own), _ffi.new(_POINTERS, places), len(places), n)

    def combine(self, table: Any, parts: Sequence[Any], out: Any, n: int) -> bool:
        """The sum of table[j] * parts[j], the table given by `at`: whether all parts were residues."""
        places = [at(part) for part in parts]
        return not self._combine(table, _ffi.new(_POINTERS, places), len(places), at(out), n)

    def mask(self, x: Any, n: int) -> bool:
        """Clear the bits above q in place: whether an element is now p."""
        return bool(self._mask(at(x), n))

    def reduced(self, x: Any, n: int) -> bool:
        """Whether all are residues."""
        return not self._check(at(x), n)

    def signed(self, x: Any, out: Any, n: int) -> None:
        """int64 to residues."""
        self._signed(at(_SIGNED, x), at(out), n)

    def centred(self, x: Any, out: Any, n: int) -> bool:
        """Residues to int64: whether all fit, which those of M61 do."""
        return not self._centred(at(x), at(_SIGNED, out), n)
