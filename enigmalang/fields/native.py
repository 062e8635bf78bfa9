"""Calling the kernels' machine code, and making it.

A process that finds the code in the cache loads it with llvmlite and calls it through cffi: no compiler, and
1 µs a call. Calls release the GIL.
"""

from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm
from _cffi_backend import FFI

from enigmalang.fields import arithmetic
from enigmalang.fields.arithmetic import Arithmetic
from enigmalang.fields.residues import Residues

_DECLARED = {
    "divide": "void*, uint64_t, uint64_t, void*, void*, int64_t",
    "to_planes": "void*, void*, void*, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t",
    "spread": "void*, int64_t*, void*, int64_t, int64_t, int64_t",
    "to_lanes": "void*, void*, int64_t, int64_t, int64_t",
    "cross_and": "void*, int64_t*, int64_t, void*, int64_t*, int64_t, void*, void*, int64_t, int64_t, int64_t",
    "look_up": "void*, void*, void*, void*, int64_t, int64_t, int64_t, int64_t, int64_t",
    "look_on": "void*, void*, void*, void*, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t",
    "from_planes": "void*, void*, void*, int64_t, int64_t, int64_t",
    "xor_rows": "void*, void*, void*, int64_t, int64_t, int64_t",
    "mul_gf2k": "void*, int64_t*, int64_t, void*, int64_t*, int64_t, void*, int64_t, int64_t, int64_t, int64_t",
    "shuffle_rows": "void*, int64_t, void*, int64_t, int64_t, void*",
    "deal": "void*, int64_t, void*, int64_t, void*, void*, int64_t, int64_t, void*, int64_t, int64_t",
    "absorb": "void*, void*, int64_t",
}
#: Those that give a word back: not 0 if something was wrong.
_TELLING = {"absorb"}
_RESIDUES = {
    **{f"residues_{q}": "void*, void*, double, double, void*, int64_t" for q in (61, 127)},
    "collect": "void*, double, double, void*, int64_t, void*, void*, int64_t",
    **{f"restore_{q}": "void*, void*, void*, void*, _Bool, void*, int64_t" for q in (61, 127)},
}
#: Names of the kernels in the machine code, with their entry in `_DECLARED`.
NAMES = {
    **{f"{name}_{q}": name for name in ("deal", "absorb") for q in (61, 127)},
    "divide_127": "divide",
    "to_planes": "to_planes",
    "cross_and": "cross_and",
    "spread": "spread",
    "to_lanes": "to_lanes",
    **{name: name for name in ("look_up", "look_on", "from_planes")},
    "xor_rows": "xor_rows",
    "mul_gf2k": "mul_gf2k",
    "shuffle_rows": "shuffle_rows",
}
_ffi: Any = FFI()
_at: Any = _ffi.from_buffer  # the address of an array; raises for one that is not contiguous


class Kernels:
    """The kernels as functions on contiguous arrays. `kernel(name)` is what `NAMES` lists."""

    def __init__(self, code: bytes) -> None:
        """Raises RuntimeError when the code cannot be loaded on this machine."""
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine())  # owns the code
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()
        functions = {name: self._named(name) for name in NAMES}
        self.prime = {q: Arithmetic(self._prime_function, q) for q in (61, 127)}
        self.residues = {q: self._residue_kernels(q) for q in (61, 127)}
        self.deal = {61: _deal(functions["deal_61"], 1), 127: _deal(functions["deal_127"], 2)}
        self.absorb = {61: _absorb(functions["absorb_61"], 1), 127: _absorb(functions["absorb_127"], 2)}
        self._divide_127 = functions["divide_127"]
        self._to_planes = functions["to_planes"]
        self._cross_and = functions["cross_and"]
        self._spread = functions["spread"]
        self._to_lanes = functions["to_lanes"]
        self._look_up, self._look_on = functions["look_up"], functions["look_on"]
        self._from_planes = functions["from_planes"]
        self._xor_rows = functions["xor_rows"]
        self._mul_gf2k = functions["mul_gf2k"]
        self._shuffle_rows = functions["shuffle_rows"]

    def _residue_kernels(self, q: int) -> Residues:
        digits, collect, restore = (
            self._function(name, _RESIDUES[name]) for name in (f"residues_{q}", "collect", f"restore_{q}")
        )
        return Residues(digits, collect, restore, _at)

    def _prime_function(self, name: str) -> Any:
        kind = arithmetic.NAMES[name]
        return self._function(name, arithmetic.DECLARED[kind], "uint64_t" if kind in arithmetic.TELLING else "void")

    def _named(self, name: str) -> Any:
        kind = NAMES[name]
        return self._function(name, _DECLARED[kind], "uint64_t" if kind in _TELLING else "void")

    def _function(self, name: str, operands: str, returns: str = "void") -> Any:
        address = self._engine.get_function_address(_symbol(name))
        if not address:
            raise RuntimeError(f"no kernel {name}")
        return _ffi.cast(f"{returns}(*)({operands})", address)

    def divide_127(self, x: Any, low: int, high: int, quotient: Any, rest: Any) -> None:
        """Two-limb integers (N, 2) by high * 2^64 + low."""
        self._divide_127(_at(x), low, high, _at(quotient), _at(rest), len(x))

    def to_planes(self, x: Any, out: Any, q: int, first: int) -> None:
        """(lanes, limbs) of q bits to the bit planes first, first + 1, … modulo q: (count, words)."""
        lanes, limbs = x.shape
        block = _ffi.new("uint64_t[256]")
        sizes = (lanes, limbs, out.shape[1], q, first, out.shape[0])
        self._to_planes(_at(x), _at(out), block, *sizes)

    def spread(self, out: Any, rows: Any, x: Any, kept: int) -> None:
        """out[rows[r]] ^= x[r] for r < kept, = x[r] for the others: (planes, words), (count, words)."""
        count, words = x.shape
        self._spread(_at(out), _at("int64_t[]", rows), _at(x), kept, count, words)

    def to_lanes(self, words: Any, out: Any, limbs: int) -> None:
        """One plane's bits as integers 0 and 1 into (lanes,) of so many limbs."""
        self._to_lanes(_at(words), _at(out), len(out), limbs, len(words))

    def from_planes(self, planes: Any, out: Any) -> None:
        """Bit planes (64 * limbs, words) to integers (lanes, limbs)."""
        block = _ffi.new("uint64_t[64]")
        self._from_planes(_at(planes), _at(out), block, *out.shape, planes.shape[1])

    def look_up(self, tables: Any, c: Any, top: Any, out: Any, width: int, mode: int, one: bool) -> None:
        """Masked bits (pieces, lanes) from tables (lanes, pieces, words) and public numbers; see `kernels.lookup`."""
        sizes = (*tables.shape[:2], width, mode, one)
        self._look_up(_at(tables), _at(c), _at(top), _at(out), *sizes)

    def look_on(self, tables: Any, opened: Any, c: Any, out: Any, width: int, mode: int, at: int, one: bool) -> None:
        """The bits asked for, (pieces, words), from tables and what was opened; see `kernels.lookup`."""
        sizes = (*tables.shape[:2], width, mode, at, one)
        self._look_on(_at(tables), _at(opened), _at(c), _at(out), *sizes)

    def cross_and(self, x: Any, rows_x: Any, y: Any, rows_y: Any, mine: Any, out: Any) -> None:
        """As `gf2.and_cross`, into `out` (rows, words)."""
        pieces, planes, words = x.shape
        at_x, at_y = _at("int64_t[]", rows_x), _at("int64_t[]", rows_y)
        ends = (_at(x), at_x, planes, _at(y), at_y, y.shape[1], _at(mine), _at(out))
        self._cross_and(*ends, len(rows_x), pieces, words)

    def xor_rows(self, table: Any, rows: Any, out: Any) -> None:
        """As `gf2k.combine`: bytes (m, k), words (k, N) into (m, N)."""
        m, k = table.shape
        self._xor_rows(_at(table), _at(rows), _at(out), m, k, rows.shape[1])

    def mul_gf2k(self, x: Any, rows_x: Any, y: Any, rows_y: Any, modulus: int, out: Any) -> None:
        """As `gf2k.product`, into `out` (degree, rows, words)."""
        degree, planes, words = x.shape
        at_x, at_y = _at("int64_t[]", rows_x), _at("int64_t[]", rows_y)
        ends = (_at(x), at_x, planes, _at(y), at_y, y.shape[1], _at(out))
        self._mul_gf2k(*ends, len(rows_x), degree, words, modulus)

    def shuffle_rows(self, words: Any, order: Any, rows: int, n: int, state: Any) -> None:
        """Go on shuffling the rows of `order` (rows * n) with these words; `state` (2,) is where it stands."""
        self._shuffle_rows(_at(words), len(words), _at(order), rows, n, _at(state))


def _deal(function: Any, limbs: int) -> Callable[[Any, Any], Callable[[Any, Any, int, Any], None]]:
    """Of weights and masks, what puts weights[r] * x * y + masks[r, first:…] into `out` (rows, n); an operand of one
    element is repeated."""

    def with_masks(weights: Any, masks: Any) -> Callable[[Any, Any, int, Any], None]:
        at_weights, at_masks, length, rows = _at(weights), _at(masks), masks.shape[1], len(weights)

        def deal(x: Any, y: Any, first: int, out: Any) -> None:
            ends = (_at(x), x.size // limbs, _at(y), y.size // limbs, at_weights, at_masks, length, first)
            function(*ends, _at(out), rows, out.shape[1])

        return deal

    return with_masks


def _absorb(function: Any, limbs: int) -> Callable[[Any, Any], bool]:
    """total += told, words or bytes of as many elements; whether all of `told` was reduced. Any thread."""

    def absorb(total: Any, told: Any) -> bool:
        return not function(_at(total), _at(told), total.size // limbs)

    return absorb


# ------------------------------------------------------------ making the machine code


def fingerprint() -> str:
    """Names the machine code: what it is made from, and for which processor."""
    source = b"".join(path.read_bytes() for path in sorted(Path(__file__).with_name("kernels").glob("*.py")))
    made_by = f"{llvmlite.__version__} {llvm.llvm_version_info} {_cpu()}"
    return blake2b(source + made_by.encode(), digest_size=16).hexdigest()


def compiled() -> bytes:
    """Compile all kernels to one object file: about two seconds."""
    from enigmalang.fields.kernels import KERNELS, translated

    machine = _machine()
    text = translated({_symbol(name): entry for name, entry in KERNELS.items()})
    whole = llvm.parse_assembly(f'target triple = "{machine.triple}"\n{text}')
    whole.data_layout = str(machine.target_data)
    whole.verify()
    tuning = llvm.create_pipeline_tuning_options(speed_level=3)
    tuning.loop_vectorization, tuning.loop_unrolling = True, True
    builder = llvm.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(whole, builder)
    code: bytes = machine.emit_object(whole)
    return code


def _symbol(name: str) -> str:
    return f"enigmalang_{name}"


def _cpu() -> tuple[str, str]:
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


def _machine() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    name, features = _cpu()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(cpu=name, features=features, opt=3, jit=True, codemodel="jitdefault")
