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

from enigmalang.fields.kernels.assembly import Assembly
from enigmalang.fields.kernels.language import (
    BYTE,
    FLAG,
    INT,
    LITERAL,
    QUAD,
    Array,
    Entry,
    KernelError,
    Part,
    Value,
    carray,
    llvm_type,
)
from enigmalang.fields.kernels.operations import Operations


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
    _code: Assembly = field(default_factory=Assembly)
    _locals: dict[str, tuple[str, str] | Array] = field(default_factory=dict)
    _loops: list[tuple[str, str]] = field(default_factory=list)  # where continue and break go
    _names: list[str] = field(default_factory=list)
    _outer: dict[str, Any] = field(default_factory=dict)
    _do: Operations = field(init=False)

    def __post_init__(self) -> None:
        self._do = Operations(self._code)
        node = self.module.source(self.function)
        seen = inspect.getclosurevars(self.function)
        self._outer = {**vars(builtins), **self.function.__globals__, **seen.nonlocals}
        self._names = [argument.arg for argument in node.args.args]
        if len(self._names) != len(self.types):
            raise KernelError(f"{node.name} takes {len(self._names)} arguments, not {len(self.types)}")
        for name, type_ in zip(self._names, self.types, strict=True):
            value = Value(BYTE if type_ == FLAG else type_, f"%{name}.in")
            self._set(name, self._do.converted(value, FLAG) if type_ == FLAG else value)
        try:
            self._all(node.body)
        except KernelError as error:
            raise KernelError(f"{node.name}: {error}") from None
        self._code.emit("ret void" if self.returns == "void" else "unreachable")

    def text(self, name: str, linkage: str, attributes: str) -> str:
        operands = ", ".join(
            f"{'i8' if type_ == FLAG else llvm_type(type_)} %{name}.in"
            for name, type_ in zip(self._names, self.types, strict=True)
        )
        if any(isinstance(local, tuple) and local[0] == QUAD for local in self._locals.values()):
            attributes += " alignstack(32)"  # vectors that are kept there would lie across the cache's lines
        head = f"define {linkage}{llvm_type(self.returns)} {name}({operands}) {attributes} {{"
        return "\n".join([head, "entry:", *self._code.places, *self._code.lines, "}"])

    # ------------------------------------------------------------ lines and blocks

    def _set(self, name: str, value: Value | Array) -> None:
        if isinstance(value, Array):
            self._locals[name] = value
            return
        known = self._locals.get(name)
        if known is None:
            value = self._do.fixed(value)
            known = self._locals[name] = value.type, self._code.place(name, value.type)
        if isinstance(known, Array):
            raise KernelError(f"{name} is an array")
        type_, place = known
        self._code.store(self._do.as_type(value, type_), place)

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
                self._set(name, self._do.binary(op, self._name(name), self._value(value)))
            case ast.AugAssign(target=ast.Subscript() as target, op=op, value=value):
                type_, place = self._element(target)
                self._do.write(self._do.binary(op, self._do.read(type_, place), self._value(value)), type_, place)
            case ast.If():
                self._if(node)
            case ast.While():
                self._while(node)
            case ast.For():
                self._for(node)
            case ast.Return():
                self._return(node)
            case ast.Break() | ast.Continue():
                self._code.jump(self._loops[-1][isinstance(node, ast.Break)])
                self._code.begin(*self._code.labels("after"))
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
            self._do.write(value, type_, place)
        else:
            raise KernelError(f"cannot assign to {ast.unparse(target)}")

    def _if(self, node: ast.If) -> None:
        yes, no, end = self._code.labels("then", "else", "end")
        self._do.branch(self._value(node.test), yes, no)
        for label, body in ((yes, node.body), (no, node.orelse)):
            self._code.begin(label)
            self._all(body)
            self._code.jump(end)
        self._code.begin(end)

    def _while(self, node: ast.While) -> None:
        test, body, end = self._code.labels("while", "body", "end")
        self._code.jump(test)
        self._code.begin(test)
        self._do.branch(self._value(node.test), body, end)
        with self._loop(body, test, end):
            self._all(node.body)
        self._code.begin(end)

    def _for(self, node: ast.For) -> None:
        if not (isinstance(node.target, ast.Name) and isinstance(node.iter, ast.Call)):
            raise KernelError("loops go over a range")
        ends = [self._do.as_type(self._value(argument), INT) for argument in node.iter.args]
        if len(ends) == 1:
            ends.insert(0, Value(INT, "0"))
        start, stop, step = (*ends, Value(INT, "1"))[:3]
        place = self._code.place("counter", INT)
        self._code.store(start, place)
        test, body, following, end = self._code.labels("for", "body", "next", "end")
        self._code.jump(test)
        self._code.begin(test)
        at = self._do.read(INT, place)
        order = "sgt" if step.text.startswith("-") else "slt"
        self._do.branch(self._code.new(f"icmp {order} {at.typed}, {stop.text}", FLAG), body, end)
        with self._loop(body, following, end):
            self._set(node.target.id, at)
            self._all(node.body)
        self._code.begin(following)
        self._code.store(self._code.new(f"add nsw {self._do.read(INT, place).typed}, {step.text}", INT), place)
        self._code.jump(test)
        self._code.begin(end)

    @contextmanager
    def _loop(self, body: str, following: str, end: str) -> Iterator[None]:
        self._code.begin(body)
        self._loops.append((following, end))
        yield
        self._loops.pop()
        self._code.jump(following)

    def _return(self, node: ast.Return) -> None:
        if node.value is None:
            self._code.emit("ret void")
        else:
            values = [self._do.fixed(value) for value in self._values(node.value) if isinstance(value, Value)]
            type_ = values[0].type if len(values) == 1 else f"({','.join(value.type for value in values)})"
            if self.returns not in ("void", type_):
                raise KernelError(f"returns {type_} and {self.returns}")
            self.returns = type_
            self._code.emit(f"ret {(values[0] if len(values) == 1 else self._do.joined(values, type_)).typed}")
        self._code.begin(*self._code.labels("after"))

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
                return [self._do.constant(node.value if isinstance(node, ast.Constant) else self._known(node))]
            case ast.Subscript():
                return [self._do.read(*self._element(node))]
            case ast.BinOp(left=left, op=op, right=right):
                return [self._do.binary(op, self._value(left), self._value(right))]
            case ast.UnaryOp(op=op, operand=operand):
                return [self._do.unary(op, self._value(operand))]
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

    def _name(self, name: str) -> Value:
        local = self._locals.get(name)
        if local is None or isinstance(local, Array):
            raise KernelError(f"{name} has no value")
        type_, place = local
        return self._code.new(f"load {llvm_type(type_)}, ptr {place}", type_)

    def _element(self, node: ast.Subscript) -> tuple[str, str]:
        """Type and address of an element."""
        (base,) = self._values(node.value)
        indices = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        at = self._do.as_type(self._value(indices[0]), INT)
        if isinstance(base, Array):
            for extent, index in zip(base.shape[1:], indices[1:], strict=True):
                row = self._do.binary(ast.Mult(), at, extent)
                at = self._do.binary(ast.Add(), row, self._do.as_type(self._value(index), INT))
            base = base.pointer
        elif len(indices) > 1:
            raise KernelError("a pointer has one index")
        if not base.type.endswith("*"):
            raise KernelError(f"{ast.unparse(node.value)} is no memory")
        return base.type[:-1], self._do.address(base, at)

    def _compare(self, node: ast.Compare) -> Value:
        left, found = self._value(node.left), None
        for op, comparator in zip(node.ops, node.comparators, strict=True):
            right = self._value(comparator)
            test = self._do.compared(op, left, right)
            found = test if found is None else self._code.new(f"and {found.typed}, {test.text}", FLAG)
            left = right
        assert found is not None
        return found

    def _both(self, node: ast.BoolOp) -> Value:
        """`and`, `or`: what comes after is looked at only when it decides."""
        (end,), decided = self._code.labels("decided"), "true" if isinstance(node.op, ast.Or) else "false"
        arms = []
        for value in node.values[:-1]:
            truth = self._do.truth(self._value(value))
            (following,) = self._code.labels("further")
            arms.append(f"[{decided}, %{self._code.block}]")
            self._do.branch(truth, *((end, following) if isinstance(node.op, ast.Or) else (following, end)))
            self._code.begin(following)
        last = self._do.truth(self._value(node.values[-1]))
        arms.append(f"[{last.text}, %{self._code.block}]")
        self._code.jump(end)
        self._code.begin(end)
        return self._code.new(f"phi i1 {', '.join(arms)}", FLAG)

    def _choice(self, test: Value, body: ast.expr, orelse: ast.expr) -> Value:
        yes, no, end = self._code.labels("yes", "no", "chosen")
        self._do.branch(test, yes, no)
        found = []
        for label, node in ((yes, body), (no, orelse)):
            self._code.begin(label)
            found.append((self._value(node), self._code.block))
            self._code.jump(end)
        self._code.begin(end)
        (one, from_one), (other, from_other) = found
        if one.type == other.type == LITERAL:
            one = self._do.fixed(one)
        one, other = self._do.alike(one, other)
        return self._code.new(
            f"phi {llvm_type(one.type)} [{one.text}, %{from_one}], [{other.text}, %{from_other}]", one.type
        )

    # ------------------------------------------------------------ calls

    def _call(self, function: Any, arguments: Sequence[ast.expr]) -> Sequence[Value | Array]:
        if function is carray:
            pointer, shape = arguments
            (base,) = self._values(pointer)
            extents = [self._do.as_type(value, INT) for value in self._values(shape) if isinstance(value, Value)]
            assert isinstance(base, Value)
            return [Array(base, tuple(extents))]
        values = [self._value(argument) for argument in arguments]
        if isinstance(function, Part):
            return self._call_part(function, [self._do.fixed(value) for value in values])
        return self._do.called(function, values)

    def _call_part(self, part: Part, values: Sequence[Value]) -> Sequence[Value]:
        name, returns = self.module.part(part, tuple(value.type for value in values))
        given = ", ".join(
            (self._code.new(f"zext {v.typed} to i8", BYTE) if v.type == FLAG else v).typed for v in values
        )
        call = f"call {llvm_type(returns)} {name}({given})"
        if returns == "void":
            self._code.emit(call)
            return []
        result = self._code.new(call, returns)
        if not returns.startswith("("):
            return [result]
        types = returns[1:-1].split(",")
        return [self._code.new(f"extractvalue {result.typed}, {place}", type_) for place, type_ in enumerate(types)]
