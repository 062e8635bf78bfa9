"""What a kernel may be written with: the types, the operators of each, and what is called in a kernel."""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

INT, WORD, WIDE, QUAD, REAL, FLAG, INT32, BYTE, LITERAL = (
    "int", "word", "wide", "quad", "real", "flag", "int32", "byte", "literal",
)  # fmt: skip
LLVM = {
    INT: "i64", WORD: "i64", WIDE: "i128", QUAD: "<4 x i64>", REAL: "double", FLAG: "i1", INT32: "i32", BYTE: "i8",
    "void": "void",
}  # fmt: skip
CONSTANTS: dict[type, str] = {int: LITERAL, bool: FLAG, np.uint64: WORD, np.int64: INT, np.float64: REAL}
#: LLVM's instructions for signed numbers, for words, for reals.
ARITHMETIC: dict[type[ast.operator], tuple[str, str, str]] = {
    ast.Add: ("add nsw", "add", "fadd"),
    ast.Sub: ("sub nsw", "sub", "fsub"),
    ast.Mult: ("mul nsw", "mul", "fmul"),
    ast.FloorDiv: ("sdiv", "udiv", ""),
    ast.Mod: ("srem", "urem", ""),
    ast.LShift: ("shl", "shl", ""),
    ast.RShift: ("ashr", "lshr", ""),
    ast.BitAnd: ("and", "and", ""),
    ast.BitOr: ("or", "or", ""),
    ast.BitXor: ("xor", "xor", ""),
}
ORDERS: dict[type[ast.cmpop], tuple[str, str, str]] = {
    ast.Eq: ("eq", "eq", "oeq"),
    ast.NotEq: ("ne", "ne", "une"),
    ast.Lt: ("slt", "ult", "olt"),
    ast.LtE: ("sle", "ule", "ole"),
    ast.Gt: ("sgt", "ugt", "ogt"),
    ast.GtE: ("sge", "uge", "oge"),
}
COLUMN = {INT: 0, INT32: 0, WORD: 1, WIDE: 1, QUAD: 1, FLAG: 1, REAL: 2}


class KernelError(Exception):
    """A kernel is not written in the language; names the function and the line."""


@dataclass(frozen=True, slots=True)
class Value:
    """A number or pointer (`type` ends with *) as LLVM writes it."""

    type: str
    text: str

    @property
    def typed(self) -> str:
        return f"{llvm_type(self.type)} {self.text}"


@dataclass(frozen=True, slots=True)
class Array:
    """A pointer with the extents of a contiguous array, which `carray` gives; no first-class value."""

    pointer: Value
    shape: tuple[Value, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A function that kernels call: `inline`, or a loop that is made once."""

    function: Callable[..., Any]
    inline: bool

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)


@dataclass(frozen=True, slots=True)
class Entry:
    """A kernel: called from outside, with operands of these types."""

    function: Callable[..., Any]
    operands: tuple[str, ...]
    returns: str


def carray(pointer: Any, shape: tuple[Any, ...]) -> Any:
    """In a kernel: contiguous memory as an array."""
    raise NotImplementedError("only kernels call this")


def wide(low: Any, high: Any) -> Any:
    """In a kernel: 128 bits; arithmetic on them wraps around, and takes words too."""
    raise NotImplementedError("only kernels call this")


def four(pointer: Any, at: Any) -> Any:
    """In a kernel: the four words from `at` on, handled alike; their arithmetic wraps around, and takes words too."""
    raise NotImplementedError("only kernels call this")


def put_four(pointer: Any, at: Any, words: Any) -> None:
    """In a kernel: four words to memory, from `at` on."""
    raise NotImplementedError("only kernels call this")


def alike(word: Any) -> Any:
    """In a kernel: a word four times."""
    raise NotImplementedError("only kernels call this")


def lane(words: Any, at: Any) -> Any:
    """In a kernel: one of four words."""
    raise NotImplementedError("only kernels call this")


def lows(one: Any, other: Any) -> Any:
    """In a kernel: of four numbers of two words each, in eight words, the low words: of the numbers 0, 2, 1, 3."""
    raise NotImplementedError("only kernels call this")


def middles(one: Any, other: Any) -> Any:
    """As `lows`: bits 32 to 95."""
    raise NotImplementedError("only kernels call this")


def highs(one: Any, other: Any) -> Any:
    """As `lows`: the high words. `lows` and `highs` of the low and the high words are the numbers in their order."""
    raise NotImplementedError("only kernels call this")


#: Shuffles of two vectors: of elements of how many bits, and which ones. Processors have each as one instruction.
SHUFFLES: dict[Callable[..., Any], tuple[int, tuple[int, ...]]] = {
    lows: (64, (0, 4, 2, 6)),
    middles: (32, (1, 2, 9, 10, 5, 6, 13, 14)),
    highs: (64, (1, 5, 3, 7)),
}


def llvm_type(type_: str) -> str:
    """How LLVM writes a type."""
    if type_.startswith("("):
        return "{" + ", ".join(map(llvm_type, type_[1:-1].split(","))) + "}"
    return "ptr" if type_.endswith("*") else LLVM[type_]
