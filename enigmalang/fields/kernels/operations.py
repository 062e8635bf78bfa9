"""What is done with values: conversions, arithmetic, comparisons, memory, four words at once."""

import ast
from collections.abc import Sequence
from typing import Any

import numpy as np

from enigmalang.fields.kernels.assembly import Assembly
from enigmalang.fields.kernels.language import (
    ARITHMETIC,
    BYTE,
    COLUMN,
    CONSTANTS,
    FLAG,
    INT,
    INT32,
    LITERAL,
    ORDERS,
    QUAD,
    REAL,
    SHUFFLES,
    WIDE,
    WORD,
    Array,
    KernelError,
    Value,
    alike,
    four,
    lane,
    llvm_type,
    put_four,
    wide,
)


class Operations:
    """Each adds its lines to the function's code, and gives the value they make. All raise KernelError where the
    language has no such operation on these types."""

    def __init__(self, code: Assembly) -> None:
        self._code = code

    # ------------------------------------------------------------ types

    def fixed(self, value: Value) -> Value:
        return Value(INT, value.text) if value.type == LITERAL else value

    def as_type(self, value: Value | Array, type_: str) -> Value:
        """A literal takes the type, anything else must have it."""
        if isinstance(value, Value) and value.type == LITERAL and type_ not in (FLAG, QUAD) and not type_.endswith("*"):
            return Value(type_, _real(float(value.text)) if type_ == REAL else value.text)
        if not isinstance(value, Value) or value.type != type_:
            raise KernelError(f"{value.type if isinstance(value, Value) else 'an array'} where {type_} is expected")
        return value

    def alike(self, one: Value, other: Value) -> tuple[Value, Value]:
        if {one.type, other.type} == {WORD, WIDE}:
            return self.converted(one, WIDE), self.converted(other, WIDE)
        if {one.type, other.type} == {WORD, QUAD}:
            return self.alike_four(one), self.alike_four(other)
        if one.type == LITERAL:
            return self.as_type(one, other.type), other
        return one, self.as_type(other, one.type)

    def truth(self, value: Value) -> Value:
        if value.type == QUAD:
            raise KernelError(f"the truth of {QUAD}")
        return value if value.type == FLAG else self._code.new(f"icmp ne {self.fixed(value).typed}, 0", FLAG)

    def converted(self, value: Value, type_: str) -> Value:
        if value.type == type_:
            return value
        if value.type == LITERAL:
            return self.as_type(value, type_)
        if {value.type, type_} == {INT, WORD}:
            return Value(type_, value.text)
        if type_ == FLAG:
            return self.truth(value)
        how = {
            (FLAG, WORD): "zext", (FLAG, INT): "zext", (BYTE, WORD): "zext", (WORD, WIDE): "zext",
            (WIDE, WORD): "trunc", (WORD, INT32): "trunc", (INT, INT32): "trunc", (INT32, INT): "sext",
            (INT32, REAL): "sitofp", (INT, REAL): "sitofp", (REAL, INT32): "fptosi", (REAL, INT): "fptosi",
        }.get((value.type, type_))  # fmt: skip
        if how is None:
            raise KernelError(f"{value.type} to {type_}")
        return self._code.new(f"{how} {value.typed} to {llvm_type(type_)}", type_)

    def branch(self, test: Value, yes: str, no: str) -> None:
        self._code.emit(f"br i1 {self.truth(test).text}, label %{yes}, label %{no}")

    def constant(self, value: Any) -> Value:
        """A number that the kernel names or writes down."""
        type_ = CONSTANTS.get(type(value))
        if type_ is None:
            raise KernelError(f"a constant of type {type(value).__name__}")
        return Value(type_, _real(float(value)) if type_ == REAL else str(int(value)))

    def joined(self, values: Sequence[Value], type_: str) -> Value:
        """Several values as one, to be returned."""
        whole = Value(type_, "undef")
        for place, value in enumerate(values):
            whole = self._code.new(f"insertvalue {whole.typed}, {value.typed}, {place}", type_)
        return whole

    # ------------------------------------------------------------ arithmetic

    def binary(self, op: ast.operator, left: Value, right: Value) -> Value:
        if left.type == right.type == LITERAL:
            left = self.fixed(left)
        left, right = self.alike(left, right)
        name = ARITHMETIC[type(op)][COLUMN[left.type]] if type(op) in ARITHMETIC and left.type in COLUMN else ""
        if not name:
            raise KernelError(f"{type(op).__name__} of {left.type}")
        return self._code.new(f"{name} {left.typed}, {right.text}", left.type)

    def unary(self, op: ast.unaryop, value: Value) -> Value:
        if isinstance(op, ast.Not):
            return self._code.new(f"xor {self.truth(value).typed}, true", FLAG)
        if value.type == LITERAL and isinstance(op, ast.USub):
            return Value(LITERAL, str(-int(value.text)))
        value = self.fixed(value)
        if isinstance(op, ast.Invert) and value.type in (INT, WORD, WIDE):
            return self._code.new(f"xor {value.typed}, -1", value.type)
        raise KernelError(f"{type(op).__name__} of {value.type}")

    def compared(self, op: ast.cmpop, left: Value, right: Value) -> Value:
        a, b = self.alike(left, right)
        if QUAD in (a.type, b.type):
            raise KernelError(f"a comparison of {QUAD}")
        kind = "fcmp" if a.type == REAL else "icmp"
        return self._code.new(f"{kind} {ORDERS[type(op)][COLUMN[a.type]]} {a.typed}, {b.text}", FLAG)

    def least(self, one: Value, other: Value) -> Value:
        one, other = self.alike(self.fixed(one), self.fixed(other))
        less = self._code.new(f"icmp {ORDERS[ast.Lt][COLUMN[one.type]]} {one.typed}, {other.text}", FLAG)
        return self._code.new(f"select {less.typed}, {one.typed}, {other.typed}", one.type)

    def wide(self, low: Value, high: Value) -> Value:
        """128 bits of two words."""
        low, high = (self.converted(value, WIDE) for value in (low, high))
        top = self._code.new(f"shl {high.typed}, 64", WIDE)
        return self._code.new(f"or {top.typed}, {low.text}", WIDE)

    # ------------------------------------------------------------ memory

    def address(self, pointer: Value, at: Value) -> str:
        """Of the element number `at`."""
        line = f"getelementptr inbounds {llvm_type(pointer.type[:-1])}, {pointer.typed}, {at.typed}"
        return self._code.new(line, pointer.type).text

    def read(self, type_: str, place: str) -> Value:
        value = self._code.new(f"load {llvm_type(type_)}, ptr {place}, align 1", type_)  # messages lie anywhere
        return self.converted(value, WORD) if type_ == BYTE else value

    def write(self, value: Value, type_: str, place: str) -> None:
        self._code.emit(f"store {self.as_type(value, type_).typed}, ptr {place}, align 1")

    # ------------------------------------------------------------ calls of the language's functions

    def called(self, function: Any, values: Sequence[Value]) -> Sequence[Value]:
        kinds = {np.uint64: WORD, np.int64: INT, np.float64: REAL, np.int32: INT32}
        if function in kinds:
            return [self.converted(values[0], kinds[function])]
        if function is min:
            return [self.least(*values)]
        if function is wide:
            return [self.wide(*values)]
        if function in (alike, four, put_four, lane) or function in SHUFFLES:
            return self.on_four(function, values)
        raise KernelError(f"a call of {getattr(function, '__name__', function)}")

    # ------------------------------------------------------------ four words

    def on_four(self, function: Any, values: Sequence[Value]) -> Sequence[Value]:
        """What a function of `language` on four words gives."""
        if function in SHUFFLES:
            bits, chosen = SHUFFLES[function]
            whole, order = f"<{256 // bits} x i{bits}>", ", ".join(f"i32 {at}" for at in chosen)
            given = [self.as_type(value, QUAD).typed for value in values]
            one, other = (self._code.new(f"bitcast {typed} to {whole}", QUAD).text for typed in given)
            line = f"shufflevector {whole} {one}, {whole} {other}, <{len(chosen)} x i32> <{order}>"
            mixed = self._code.new(line, QUAD)
            return [self._code.new(f"bitcast {whole} {mixed.text} to {llvm_type(QUAD)}", QUAD)]
        if function is alike:
            return [self.alike_four(values[0])]
        if function is lane:
            words, at = self.as_type(values[0], QUAD), self.as_type(values[1], INT)
            return [self._code.new(f"extractelement {words.typed}, {at.typed}", WORD)]
        pointer, at = self.as_type(values[0], f"{WORD}*"), self.as_type(values[1], INT)
        place = self.address(pointer, at)
        if function is four:
            return [self.read(QUAD, place)]
        self.write(self.alike_four(values[2]), QUAD, place)
        return []

    def alike_four(self, value: Value) -> Value:
        """A word four times."""
        if value.type != WORD:
            return self.as_type(value, QUAD)
        one = self._code.new(f"insertelement {llvm_type(QUAD)} poison, {value.typed}, i64 0", QUAD)
        return self._code.new(f"shufflevector {one.typed}, {llvm_type(QUAD)} poison, <4 x i32> zeroinitializer", QUAD)


def _real(value: float) -> str:
    return f"0x{np.float64(value).view(np.uint64):016X}"
