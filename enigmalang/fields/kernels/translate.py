"""Kernels to LLVM's language: what a kernel may be written in, and what becomes of it.

The language is a part of Python: numbers, pointers, `if`, `while`, `for … in range(…)`, assignments, calls of other
functions of this package. Each value has one of `language`'s types, which never mix by themselves: `np.uint64(x)` and
its like convert, only literals take the type they meet, and a word beside four words is four alike. Signed arithmetic
must not overflow, words wrap around; indices, and operands of // and %, are not negative. Locals live in memory, which
LLVM turns into registers; functions are made once for each kind of arguments.
"""

import ast
import builtins
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

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
    Entry,
    KernelError,
    Part,
    Value,
    alike,
    carray,
    four,
    lane,
    llvm_type,
    put_four,
    wide,
)


def translated(entries: Mapping[str, Entry]) -> str:
    """A module with these functions, and all that they call, not yet optimised. Raises KernelError."""
    module = _Module()
    for name, entry in entries.items():
        module.add_entry(name, entry)
    return "\n".join(module.texts)


class _Module:
    def __init__(self) -> None:
        self.texts: list[str] = []
        self._parts: dict[tuple[Part, tuple[str, ...]], tuple[str, str]] = {}
        self._sources: dict[str, dict[int, ast.FunctionDef]] = {}

    def add_entry(self, name: str, entry: Entry) -> None:
        made = _Function(self, entry.function, entry.operands)
        if made.returns != entry.returns:
            raise KernelError(f"{name} returns {made.returns}, not {entry.returns}")
        self.texts.append(made.text(f"@{name}", "", "nounwind"))

    def part(self, part: Part, types: tuple[str, ...]) -> tuple[str, str]:
        """Name and result of a function for arguments of these types."""
        key = part, types
        if key not in self._parts:
            made = _Function(self, part.function, types)
            name = f"@{part.function.__name__}.{len(self._parts)}"
            self._parts[key] = name, made.returns
            self.texts.append(made.text(name, "internal ", f"{'always' if part.inline else 'no'}inline nounwind"))
        return self._parts[key]

    def source(self, function: Callable[..., Any]) -> ast.FunctionDef:
        code = inspect.unwrap(function).__code__
        path = code.co_filename
        if path not in self._sources:
            nodes = ast.walk(ast.parse(Path(path).read_text(encoding="utf-8")))
            self._sources[path] = {
                (n.decorator_list[0] if n.decorator_list else n).lineno: n
                for n in nodes if isinstance(n, ast.FunctionDef)
            }  # fmt: skip
        return self._sources[path][code.co_firstlineno]


@dataclass(slots=True)
class _Function:
    """One function being made: the lines of its body, its locals and where they are."""

    module: _Module
    function: Callable[..., Any]
    types: tuple[str, ...]
    returns: str = "void"
    _lines: list[str] = field(default_factory=list)
    _places: list[str] = field(default_factory=list)  # the locals' memory: the first lines
    _locals: dict[str, tuple[str, str] | Array] = field(default_factory=dict)
    _loops: list[tuple[str, str]] = field(default_factory=list)  # where continue and break go
    _block: str = "entry"
    _count: int = 0
    _names: list[str] = field(default_factory=list)
    _outer: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        node = self.module.source(self.function)
        seen = inspect.getclosurevars(self.function)
        self._outer = {**vars(builtins), **self.function.__globals__, **seen.nonlocals}
        self._names = [argument.arg for argument in node.args.args]
        if len(self._names) != len(self.types):
            raise KernelError(f"{node.name} takes {len(self._names)} arguments, not {len(self.types)}")
        for name, type_ in zip(self._names, self.types, strict=True):
            value = Value(BYTE if type_ == FLAG else type_, f"%{name}.in")
            self._set(name, self._converted(value, FLAG) if type_ == FLAG else value)
        try:
            self._all(node.body)
        except KernelError as error:
            raise KernelError(f"{node.name}: {error}") from None
        self._emit("ret void" if self.returns == "void" else "unreachable")

    def text(self, name: str, linkage: str, attributes: str) -> str:
        operands = ", ".join(
            f"{'i8' if type_ == FLAG else llvm_type(type_)} %{name}.in"
            for name, type_ in zip(self._names, self.types, strict=True)
        )
        if any(isinstance(local, tuple) and local[0] == QUAD for local in self._locals.values()):
            attributes += " alignstack(32)"  # vectors that are kept there would lie across the cache's lines
        head = f"define {linkage}{llvm_type(self.returns)} {name}({operands}) {attributes} {{"
        return "\n".join([head, "entry:", *self._places, *self._lines, "}"])

    # ------------------------------------------------------------ lines and blocks

    def _emit(self, line: str) -> None:
        self._lines.append(f"  {line}")

    def _new(self, line: str, type_: str) -> Value:
        self._count += 1
        self._emit(f"%v{self._count} = {line}")
        return Value(type_, f"%v{self._count}")

    def _labels(self, *names: str) -> list[str]:
        self._count += 1
        return [f"{name}.{self._count}" for name in names]

    def _begin(self, label: str) -> None:
        self._lines.append(f"{label}:")
        self._block = label

    def _jump(self, label: str) -> None:
        self._emit(f"br label %{label}")

    def _branch(self, test: Value, yes: str, no: str) -> None:
        self._emit(f"br i1 {self._truth(test).text}, label %{yes}, label %{no}")

    def _place(self, name: str, type_: str) -> str:
        self._count += 1
        place = f"%{name}.{self._count}"
        self._places.append(f"  {place} = alloca {llvm_type(type_)}")
        return place

    def _store(self, value: Value, place: str) -> None:
        self._emit(f"store {value.typed}, ptr {place}")

    def _set(self, name: str, value: Value | Array) -> None:
        if isinstance(value, Array):
            self._locals[name] = value
            return
        known = self._locals.get(name)
        if known is None:
            value = self._fixed(value)
            known = self._locals[name] = value.type, self._place(name, value.type)
        if isinstance(known, Array):
            raise KernelError(f"{name} is an array")
        type_, place = known
        self._store(self._as(value, type_), place)

    # ------------------------------------------------------------ statements

    def _all(self, nodes: Sequence[ast.stmt]) -> None:
        for node in nodes:
            try:
                self._statement(node)
            except KernelError as error:
                raise error if "line" in str(error) else KernelError(f"line {node.lineno}: {error}") from None

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr(value=ast.Constant()):
                pass  # a docstring
            case ast.Expr(value=ast.Call() as call):
                self._values(call)
            case ast.Assign(targets=[target], value=value):
                self._assign(target, value)
            case ast.AugAssign(target=ast.Name(id=name) as target, op=op, value=value):
                self._set(name, self._binary(op, self._name(name), self._value(value)))
            case ast.AugAssign(target=ast.Subscript() as target, op=op, value=value):
                type_, place = self._element(target)
                self._write(self._binary(op, self._read(type_, place), self._value(value)), type_, place)
            case ast.If():
                self._if(node)
            case ast.While():
                self._while(node)
            case ast.For():
                self._for(node)
            case ast.Return():
                self._return(node)
            case ast.Break() | ast.Continue():
                self._jump(self._loops[-1][isinstance(node, ast.Break)])
                self._begin(*self._labels("after"))
            case _:
                raise KernelError(f"{type(node).__name__} is not in the language")

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if not isinstance(target, ast.Tuple):
            (given,) = self._values(value)
            self._to(target, given)
            return
        values = self._values(value)
        for one, given in zip(target.elts, values, strict=True):
            self._to(one, given)

    def _to(self, target: ast.expr, value: Value | Array) -> None:
        if isinstance(target, ast.Name):
            self._set(target.id, value)
        elif isinstance(target, ast.Subscript) and isinstance(value, Value):
            type_, place = self._element(target)
            self._write(value, type_, place)
        else:
            raise KernelError(f"cannot assign to {ast.unparse(target)}")

    def _if(self, node: ast.If) -> None:
        yes, no, end = self._labels("then", "else", "end")
        self._branch(self._value(node.test), yes, no)
        for label, body in ((yes, node.body), (no, node.orelse)):
            self._begin(label)
            self._all(body)
            self._jump(end)
        self._begin(end)

    def _while(self, node: ast.While) -> None:
        test, body, end = self._labels("while", "body", "end")
        self._jump(test)
        self._begin(test)
        self._branch(self._value(node.test), body, end)
        with self._loop(body, test, end):
            self._all(node.body)
        self._begin(end)

    def _for(self, node: ast.For) -> None:
        if not (isinstance(node.target, ast.Name) and isinstance(node.iter, ast.Call)):
            raise KernelError("loops go over a range")
        ends = [self._as(self._value(argument), INT) for argument in node.iter.args]
        if len(ends) == 1:
            ends.insert(0, Value(INT, "0"))
        start, stop, step = (*ends, Value(INT, "1"))[:3]
        place = self._place("counter", INT)
        self._store(start, place)
        test, body, following, end = self._labels("for", "body", "next", "end")
        self._jump(test)
        self._begin(test)
        at = self._read(INT, place)
        order = "sgt" if step.text.startswith("-") else "slt"
        self._branch(self._new(f"icmp {order} {at.typed}, {stop.text}", FLAG), body, end)
        with self._loop(body, following, end):
            self._set(node.target.id, at)
            self._all(node.body)
        self._begin(following)
        self._store(self._new(f"add nsw {self._read(INT, place).typed}, {step.text}", INT), place)
        self._jump(test)
        self._begin(end)

    @contextmanager
    def _loop(self, body: str, following: str, end: str) -> Iterator[None]:
        self._begin(body)
        self._loops.append((following, end))
        yield
        self._loops.pop()
        self._jump(following)

    def _return(self, node: ast.Return) -> None:
        if node.value is None:
            self._emit("ret void")
        else:
            values = [self._fixed(value) for value in self._values(node.value) if isinstance(value, Value)]
            type_ = values[0].type if len(values) == 1 else f"({','.join(value.type for value in values)})"
            if self.returns not in ("void", type_):
                raise KernelError(f"returns {type_} and {self.returns}")
            self.returns = type_
            self._emit(f"ret {(values[0] if len(values) == 1 else self._joined(values, type_)).typed}")
        self._begin(*self._labels("after"))

    def _joined(self, values: Sequence[Value], type_: str) -> Value:
        whole = Value(type_, "undef")
        for place, value in enumerate(values):
            whole = self._new(f"insertvalue {whole.typed}, {value.typed}, {place}", type_)
        return whole

    # ------------------------------------------------------------ expressions

    def _value(self, node: ast.expr) -> Value:
        values = self._values(node)
        if len(values) != 1 or not isinstance(values[0], Value):
            raise KernelError(f"{ast.unparse(node)} is not one number")
        return values[0]

    def _values(self, node: ast.expr) -> Sequence[Value | Array]:
        match node:
            case ast.Tuple(elts=elements):
                return [value for element in elements for value in self._values(element)]
            case ast.Call(func=function, args=arguments):
                return self._call(self._known(function), arguments)
            case ast.Name(id=name) if name in self._locals:
                local = self._locals[name]
                return [local if isinstance(local, Array) else self._name(name)]
            case ast.Constant() | ast.Name() | ast.Attribute():
                return [self._constant(node.value if isinstance(node, ast.Constant) else self._known(node))]
            case ast.Subscript():
                return [self._read(*self._element(node))]
            case ast.BinOp(left=left, op=op, right=right):
                return [self._binary(op, self._value(left), self._value(right))]
            case ast.UnaryOp(op=op, operand=operand):
                return [self._unary(op, self._value(operand))]
            case ast.Compare():
                return [self._compare(node)]
            case ast.BoolOp():
                return [self._both(node)]
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return [self._choice(self._value(test), body, orelse)]
            case _:
                raise KernelError(f"{type(node).__name__} is not in the language")

    def _known(self, node: ast.expr) -> Any:
        """What a name outside the function stands for."""
        if isinstance(node, ast.Attribute):
            return getattr(self._known(node.value), node.attr)
        if isinstance(node, ast.Name) and node.id in self._outer:
            return self._outer[node.id]
        raise KernelError(f"{ast.unparse(node)} is not known")

    def _constant(self, value: Any) -> Value:
        type_ = CONSTANTS.get(type(value))
        if type_ is None:
            raise KernelError(f"a constant of type {type(value).__name__}")
        return Value(type_, _real(float(value)) if type_ == REAL else str(int(value)))

    def _name(self, name: str) -> Value:
        local = self._locals.get(name)
        if local is None or isinstance(local, Array):
            raise KernelError(f"{name} has no value")
        type_, place = local
        return self._new(f"load {llvm_type(type_)}, ptr {place}", type_)

    def _element(self, node: ast.Subscript) -> tuple[str, str]:
        """Type and address of an element."""
        (base,) = self._values(node.value)
        indices = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        at = self._as(self._value(indices[0]), INT)
        if isinstance(base, Array):
            for extent, index in zip(base.shape[1:], indices[1:], strict=True):
                at = self._binary(ast.Add(), self._binary(ast.Mult(), at, extent), self._as(self._value(index), INT))
            base = base.pointer
        elif len(indices) > 1:
            raise KernelError("a pointer has one index")
        if not base.type.endswith("*"):
            raise KernelError(f"{ast.unparse(node.value)} is no memory")
        type_ = base.type[:-1]
        return type_, self._new(f"getelementptr inbounds {llvm_type(type_)}, {base.typed}, {at.typed}", base.type).text

    def _read(self, type_: str, place: str) -> Value:
        value = self._new(f"load {llvm_type(type_)}, ptr {place}, align 1", type_)  # messages lie anywhere
        return self._converted(value, WORD) if type_ == BYTE else value

    def _write(self, value: Value, type_: str, place: str) -> None:
        self._emit(f"store {self._as(value, type_).typed}, ptr {place}, align 1")

    def _binary(self, op: ast.operator, left: Value, right: Value) -> Value:
        if left.type == right.type == LITERAL:
            left = self._fixed(left)
        left, right = self._alike(left, right)
        name = ARITHMETIC[type(op)][COLUMN[left.type]] if type(op) in ARITHMETIC and left.type in COLUMN else ""
        if not name:
            raise KernelError(f"{type(op).__name__} of {left.type}")
        return self._new(f"{name} {left.typed}, {right.text}", left.type)

    def _unary(self, op: ast.unaryop, value: Value) -> Value:
        if isinstance(op, ast.Not):
            return self._new(f"xor {self._truth(value).typed}, true", FLAG)
        if value.type == LITERAL and isinstance(op, ast.USub):
            return Value(LITERAL, str(-int(value.text)))
        value = self._fixed(value)
        if isinstance(op, ast.Invert) and value.type in (INT, WORD, WIDE):
            return self._new(f"xor {value.typed}, -1", value.type)
        raise KernelError(f"{type(op).__name__} of {value.type}")

    def _compare(self, node: ast.Compare) -> Value:
        left, found = self._value(node.left), None
        for op, comparator in zip(node.ops, node.comparators, strict=True):
            right = self._value(comparator)
            a, b = self._alike(left, right)
            if QUAD in (a.type, b.type):
                raise KernelError(f"a comparison of {QUAD}")
            kind = "fcmp" if a.type == REAL else "icmp"
            test = self._new(f"{kind} {ORDERS[type(op)][COLUMN[a.type]]} {a.typed}, {b.text}", FLAG)
            found = test if found is None else self._new(f"and {found.typed}, {test.text}", FLAG)
            left = right
        assert found is not None
        return found

    def _both(self, node: ast.BoolOp) -> Value:
        """`and`, `or`: what comes after is looked at only when it decides."""
        (end,), decided = self._labels("decided"), "true" if isinstance(node.op, ast.Or) else "false"
        arms = []
        for value in node.values[:-1]:
            truth = self._truth(self._value(value))
            (following,) = self._labels("further")
            arms.append(f"[{decided}, %{self._block}]")
            self._branch(truth, *((end, following) if isinstance(node.op, ast.Or) else (following, end)))
            self._begin(following)
        last = self._truth(self._value(node.values[-1]))
        arms.append(f"[{last.text}, %{self._block}]")
        self._jump(end)
        self._begin(end)
        return self._new(f"phi i1 {', '.join(arms)}", FLAG)

    def _choice(self, test: Value, body: ast.expr, orelse: ast.expr) -> Value:
        yes, no, end = self._labels("yes", "no", "chosen")
        self._branch(test, yes, no)
        found = []
        for label, node in ((yes, body), (no, orelse)):
            self._begin(label)
            found.append((self._value(node), self._block))
            self._jump(end)
        self._begin(end)
        (one, from_one), (other, from_other) = found
        if one.type == other.type == LITERAL:
            one = self._fixed(one)
        one, other = self._alike(one, other)
        return self._new(
            f"phi {llvm_type(one.type)} [{one.text}, %{from_one}], [{other.text}, %{from_other}]", one.type
        )

    # ------------------------------------------------------------ calls

    def _call(self, function: Any, arguments: Sequence[ast.expr]) -> Sequence[Value | Array]:
        if function is carray:
            pointer, shape = arguments
            (base,) = self._values(pointer)
            extents = [self._as(value, INT) for value in self._values(shape) if isinstance(value, Value)]
            assert isinstance(base, Value)
            return [Array(base, tuple(extents))]
        values = [self._value(argument) for argument in arguments]
        if isinstance(function, Part):
            return self._call_part(function, [self._fixed(value) for value in values])
        if function is min:
            one, other = self._alike(*map(self._fixed, values))
            less = self._new(f"icmp {ORDERS[ast.Lt][COLUMN[one.type]]} {one.typed}, {other.text}", FLAG)
            return [self._new(f"select {less.typed}, {one.typed}, {other.typed}", one.type)]
        if function is wide:
            low, high = (self._converted(value, WIDE) for value in values)
            top = self._new(f"shl {high.typed}, 64", WIDE)
            return [self._new(f"or {top.typed}, {low.text}", WIDE)]
        if function in (alike, four, put_four, lane) or function in SHUFFLES:
            return self._call_four(function, values)
        kinds = {np.uint64: WORD, np.int64: INT, np.float64: REAL, np.int32: INT32}
        if function in kinds:
            return [self._converted(values[0], kinds[function])]
        raise KernelError(f"a call of {getattr(function, '__name__', function)}")

    def _call_four(self, function: Any, values: Sequence[Value]) -> Sequence[Value]:
        if function in SHUFFLES:
            bits, chosen = SHUFFLES[function]
            whole, order = f"<{256 // bits} x i{bits}>", ", ".join(f"i32 {at}" for at in chosen)
            one, other = (self._new(f"bitcast {self._as(v, QUAD).typed} to {whole}", QUAD).text for v in values)
            mixed = self._new(f"shufflevector {whole} {one}, {whole} {other}, <{len(chosen)} x i32> <{order}>", QUAD)
            return [self._new(f"bitcast {whole} {mixed.text} to {llvm_type(QUAD)}", QUAD)]
        if function is alike:
            return [self._alike_four(values[0])]
        if function is lane:
            words, at = values
            return [self._new(f"extractelement {self._as(words, QUAD).typed}, {self._as(at, INT).typed}", WORD)]
        pointer, at = self._as(values[0], f"{WORD}*"), self._as(values[1], INT)
        place = self._new(f"getelementptr inbounds i64, {pointer.typed}, {at.typed}", pointer.type).text
        if function is four:
            return [self._read(QUAD, place)]
        self._write(self._alike_four(values[2]), QUAD, place)
        return []

    def _alike_four(self, value: Value) -> Value:
        """A word four times."""
        if value.type != WORD:
            return self._as(value, QUAD)
        one = self._new(f"insertelement {llvm_type(QUAD)} poison, {value.typed}, i64 0", QUAD)
        return self._new(f"shufflevector {one.typed}, {llvm_type(QUAD)} poison, <4 x i32> zeroinitializer", QUAD)

    def _call_part(self, part: Part, values: Sequence[Value]) -> Sequence[Value]:
        name, returns = self.module.part(part, tuple(value.type for value in values))
        given = ", ".join(
            (self._new(f"zext {v.typed} to i8", BYTE) if v.type == FLAG else v).typed for v in values
        )
        call = f"call {llvm_type(returns)} {name}({given})"
        if returns == "void":
            self._emit(call)
            return []
        result = self._new(call, returns)
        if not returns.startswith("("):
            return [result]
        types = returns[1:-1].split(",")
        return [self._new(f"extractvalue {result.typed}, {place}", type_) for place, type_ in enumerate(types)]

    # ------------------------------------------------------------ types

    def _fixed(self, value: Value) -> Value:
        return Value(INT, value.text) if value.type == LITERAL else value

    def _as(self, value: Value | Array, type_: str) -> Value:
        """A literal takes the type, anything else must have it."""
        if isinstance(value, Value) and value.type == LITERAL and type_ not in (FLAG, QUAD) and not type_.endswith("*"):
            return Value(type_, _real(float(value.text)) if type_ == REAL else value.text)
        if not isinstance(value, Value) or value.type != type_:
            raise KernelError(f"{value.type if isinstance(value, Value) else 'an array'} where {type_} is expected")
        return value

    def _alike(self, one: Value, other: Value) -> tuple[Value, Value]:
        if {one.type, other.type} == {WORD, WIDE}:
            return self._converted(one, WIDE), self._converted(other, WIDE)
        if {one.type, other.type} == {WORD, QUAD}:
            return self._alike_four(one), self._alike_four(other)
        if one.type == LITERAL:
            return self._as(one, other.type), other
        return one, self._as(other, one.type)

    def _truth(self, value: Value) -> Value:
        if value.type == QUAD:
            raise KernelError(f"the truth of {QUAD}")
        return value if value.type == FLAG else self._new(f"icmp ne {self._fixed(value).typed}, 0", FLAG)

    def _converted(self, value: Value, type_: str) -> Value:
        if value.type == type_:
            return value
        if value.type == LITERAL:
            return self._as(value, type_)
        if {value.type, type_} == {INT, WORD}:
            return Value(type_, value.text)
        if type_ == FLAG:
            return self._truth(value)
        how = {
            (FLAG, WORD): "zext", (FLAG, INT): "zext", (BYTE, WORD): "zext", (WORD, WIDE): "zext",
            (WIDE, WORD): "trunc", (WORD, INT32): "trunc", (INT, INT32): "trunc", (INT32, INT): "sext",
            (INT32, REAL): "sitofp", (INT, REAL): "sitofp", (REAL, INT32): "fptosi", (REAL, INT): "fptosi",
        }.get((value.type, type_))  # fmt: skip
        if how is None:
            raise KernelError(f"{value.type} to {type_}")
        return self._new(f"{how} {value.typed} to {llvm_type(type_)}", type_)


def _real(value: float) -> str:
    return f"0x{np.float64(value).view(np.uint64):016X}"
