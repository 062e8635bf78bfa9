"""The language of the kernels: what it refuses, and that operands are declared as the kernels take them."""

from typing import Any

import pytest

from enigmalang.fields import arithmetic, native
from enigmalang.fields.kernels import KERNELS, translated
from enigmalang.fields.kernels.build import N, U, W, four, put_four
from enigmalang.fields.kernels.language import Entry, KernelError

_DECLARED_AS = {
    "word*": ("void*",), "byte*": ("void*",), "real*": ("void*",), "int*": ("int64_t*", "void*"),
    "int32*": ("int32_t*", "void*"), "word**": ("void**",),
    "int": ("int64_t",), "word": ("uint64_t",), "flag": ("_Bool", "int64_t"), "real": ("double",),
}  # fmt: skip


def _mixes(x: Any, n: int) -> None:
    for i in range(n):
        x[i] = x[i] + i


def _changes(x: Any, n: int) -> None:
    a = x[0]
    a = n
    x[0] = a


def _unknown(x: Any, n: int) -> None:
    with x:
        pass


def _compares_four(x: Any, n: int) -> None:
    if four(x, n) == four(x, 0):
        x[n] = x[0]


def _asks_four(x: Any, n: int) -> None:
    if four(x, n):
        x[n] = x[0]


def _adds_a_literal_to_four(x: Any, n: int) -> None:
    put_four(x, n, four(x, n) + 1)


@pytest.mark.parametrize(
    "function", [_mixes, _changes, _unknown, _compares_four, _asks_four, _adds_a_literal_to_four]
)
def test_what_is_not_in_the_language_is_refused(function: Any) -> None:
    with pytest.raises(KernelError, match=f"{function.__name__}: line [0-9]+: "):
        translated({"refused": Entry(function, (W, N), "void")})


def test_results_are_as_declared() -> None:
    with pytest.raises(KernelError, match="returns void, not word"):
        translated({"refused": Entry(_gives_nothing, (W, N), U)})


def _gives_nothing(x: Any, n: int) -> None:
    x[n] = x[0]


@pytest.mark.parametrize("name", sorted({**arithmetic.NAMES, **native.NAMES, **native._RESIDUES}))
def test_declared_operands_are_those_of_the_kernel(name: str) -> None:
    if name in arithmetic.NAMES:
        declared = arithmetic.DECLARED[arithmetic.NAMES[name]]
        telling = arithmetic.NAMES[name] in arithmetic.TELLING
    else:
        declared = native._DECLARED[native.NAMES[name]] if name in native.NAMES else native._RESIDUES[name]
        telling = native.NAMES.get(name) in native._TELLING
    entry = KERNELS[name]
    given = [operand.strip() for operand in declared.split(",")]
    assert len(given) == len(entry.operands)
    for operand, type_ in zip(given, entry.operands, strict=True):
        assert operand in _DECLARED_AS[type_]
    assert (entry.returns == "word") == telling
