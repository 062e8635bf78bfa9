"""The text form of a program. Values are numbered in the order of their definition, afresh in every function."""

import json
from collections.abc import Iterable
from typing import Any

from enigmalang.ir.ir import (
    Contract,
    Foreign,
    Function,
    Interface,
    IRType,
    Opaque,
    Operation,
    Param,
    Program,
    Region,
    Slot,
    Tensor,
    Value,
)
from enigmalang.source import Span
from enigmalang.types.ranges import Range
from enigmalang.types.types import (
    ArrayT,
    BytesT,
    ContractT,
    EnumT,
    FixedT,
    JobT,
    Label,
    ListT,
    MapT,
    StringT,
    StructT,
    TupleT,
    Type,
)


def format_type(type: Type) -> str:
    """`type` as text without the ambiguities of the source's notation (`fixed[8, 8]`, `bytes[5]`)."""
    match type:
        case FixedT():
            return f"fixed<{type.integer},{type.fraction}>"
        case BytesT() | StringT():
            name = "bytes" if isinstance(type, BytesT) else "string"
            return f"{name}<{'*' if type.max is None else type.max}>"
        case ArrayT():
            return f"{format_type(type.element)}[{', '.join(map(str, type.dims))}]"
        case ListT():
            bound = "" if type.max is None else f", {type.max}"
            return f"list[{format_type(type.element)}{bound}]"
        case MapT():
            return f"map[{format_type(type.key)}, {format_type(type.value)}]"
        case TupleT():
            return f"({', '.join(format_type(item) for item in type.items)})"
        case ContractT():
            return f"{'interface' if type.interface else 'contract'} {type.name}"
        case JobT():
            return f"job[{format_type(type.result)}]"
        case _:
            return str(type)


def format_ir_type(type: IRType) -> str:
    match type:
        case Tensor():
            return format_type(type.element) + (f"<{type.rank}>" if type.rank else "")
        case Opaque():
            return f"!{format_type(type.type)}"


def format_span(span: Span) -> str:
    return f"@{json.dumps(span.path)}:{span.line}:{span.column}-{span.end_line}:{span.end_column}"


def format_attr(value: Any) -> str:
    """A constant or attribute: None, bool, int, str, bytes, Span, a language type, or a tuple of these."""
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return json.dumps(value)
        case bytes():
            return f"x\"{value.hex()}\""
        case tuple():
            return f"({''.join(format_attr(item) + ', ' for item in value).rstrip()})"
        case Span():
            return format_span(value)
        case _:
            return f"type {format_type(value)}"


def _range(range: Range | None) -> str:
    return "" if range is None else f" in {range.low}..{range.high}"


def _lens(lens: tuple[int | None, ...]) -> str:
    return "" if not lens else f" lens [{', '.join('*' if n is None else str(n) for n in lens)}]"


class _Printer:
    def __init__(self, spans: bool) -> None:
        self.spans = spans
        self.lines: list[str] = []
        self.numbers: dict[Value, int] = {}

    def say(self, depth: int, text: str) -> None:
        self.lines.append("  " * depth + text)

    def span(self, span: Span) -> str:
        return f" {format_span(span)}" if self.spans else ""

    def use(self, value: Value) -> str:
        return f"%{self.numbers[value]}" if value in self.numbers else "%undefined"

    def define(self, value: Value) -> str:
        number = self.numbers.setdefault(value, len(self.numbers))
        plain = value.hint.isidentifier() and value.hint.isascii()
        hint = "" if not value.hint else f".{value.hint if plain else json.dumps(value.hint)}"
        label = " private" if value.label is Label.PRIVATE else ""
        tail = f"{label}{_range(value.range)}{_lens(value.lens)}{self.span(value.span)}"
        return f"%{number}{hint}: {format_ir_type(value.type)}{tail}"

    def operation(self, op: Operation, depth: int) -> None:
        results = ", ".join(self.define(v) for v in op.results)
        operands = "".join(f" {self.use(v)}" for v in op.operands)
        attrs = ", ".join(f"{k}={format_attr(v)}" for k, v in op.attrs.items() if v is not None)
        text = f"{results + ' = ' if results else ''}{op.op}{operands}"
        text += f" [{attrs}]" if attrs else ""
        text += self.span(op.span)
        if self.spans and op.via:
            text += f" via{''.join(' ' + format_span(s) for s in op.via)}"
        self.say(depth, text + (" {" if op.regions else ""))
        for number, region in enumerate(op.regions):
            if number:
                self.say(depth, "} {")
            self.region(region, depth + 1)
        if op.regions:
            self.say(depth, "}")

    def region(self, region: Region, depth: int) -> None:
        if region.params:
            self.say(depth, f"({', '.join(self.define(v) for v in region.params)})")
        for op in region.ops:
            self.operation(op, depth)

    def function(self, function: Function) -> None:
        self.numbers.clear()
        flags = (f" in {function.contract}" if function.contract else "") + (" payable" if function.payable else "")
        flags += " recursive" if function.recursive else ""
        private = "private " if function.result_private else ""
        self.say(0, f"{function.kind} {json.dumps(function.name)}{flags} -> {private}{format_type(function.result)}"
                    f"{self.span(function.span)} {{")
        if function.docstring is not None:
            self.say(1, f"doc {json.dumps(function.docstring)}")
        for param in function.params:
            self.param(param)
        self.region(function.body, 1)
        self.say(0, "}")
        self.say(0, "")

    def param(self, param: Param) -> None:
        private = " private" if param.private else ""
        values = ", ".join(self.define(v) for v in param.values)
        self.say(1, f"param {param.name}: {format_type(param.type)}{private}{_range(param.range)}"
                    f"{self.span(param.span)} = ({values})")

    def contract(self, contract: Contract) -> None:
        self.say(0, f"contract {contract.name}{self.span(contract.span)} {{")
        if contract.docstring is not None:
            self.say(1, f"doc {json.dumps(contract.docstring)}")
        for slot in contract.slots.values():
            self.slot(slot)
        for name, (type, private) in contract.state.items():
            self.say(1, f"state {name}: {format_type(type)}{' private' if private else ''}")
        for word, table in (("event", contract.events), ("error", contract.errors)):
            for name, fields in table.items():
                shown = ", ".join(f"{field}: {format_type(type)}" for field, type in fields)
                self.say(1, f"{word} {name}({shown})")
        for name in contract.functions:
            self.say(1, f"function {json.dumps(name)}")
        self.say(0, "}")
        self.say(0, "")

    def interface(self, interface: Interface) -> None:
        self.say(0, f"interface {interface.name}{self.span(interface.span)} {{")
        for name, function in interface.functions.items():
            self.say(1, _foreign(name, function))
        self.say(0, "}")
        self.say(0, "")

    def slot(self, slot: Slot) -> None:
        keys = f" keys ({', '.join(format_type(k) for k in slot.keys)})" if slot.keys else ""
        exact = f" exact [{', '.join('true' if e else 'false' for e in slot.exact)}]" if slot.exact else ""
        self.say(1, f"slot {json.dumps(slot.name)}: {format_ir_type(slot.type)}{_tag(slot.label)}"
                    f"{_lens(slot.lens)}{exact}{keys} as {format_type(slot.declared)}{self.span(slot.span)}")


def _tag(label: Label) -> str:
    return " private" if label is Label.PRIVATE else ""


def _foreign(name: str, function: Foreign) -> str:
    params = ", ".join(f"{param}: {format_type(type)}" for param, type in function.params)
    flags = (" view" if function.view else "") + (" payable" if function.payable else "")
    return f"function {name}({params}) -> {format_type(function.result)}{flags}"


def print_program(program: Program, *, spans: bool = False) -> str:
    """The whole program as text that `parse_program` reads back."""
    printer = _Printer(spans)
    printer.say(0, f"program {json.dumps(program.path)}")
    for name in program.tests:
        printer.say(0, f"test {json.dumps(name)}")
    named = collect_named(program)
    for declared in named:
        if isinstance(declared, EnumT):
            printer.say(0, f"enum {declared.name}({', '.join(declared.members)})")
    for declared in named:
        if isinstance(declared, StructT):
            fields = (f"{'private ' if f.private else ''}{f.name}: {format_type(f.type)}" for f in declared.fields)
            printer.say(0, f"struct {declared.name}({', '.join(fields)})")
    printer.say(0, "")
    for interface in program.interfaces.values():
        printer.interface(interface)
    for contract in program.contracts.values():
        printer.contract(contract)
    for function in program.functions.values():
        printer.function(function)
    return "\n".join(printer.lines).rstrip() + "\n"


def print_function(function: Function, *, spans: bool = False) -> str:
    """One function as text, for messages and dumps."""
    printer = _Printer(spans)
    printer.function(function)
    return "\n".join(printer.lines).rstrip() + "\n"


def collect_named(program: Program) -> list[StructT | EnumT]:
    """The structs and enums that the program's types mention; those a struct needs come before it."""
    found: dict[str, StructT | EnumT] = {}
    for type in _types(program):
        _collect(type, found)
    return list(found.values())


def _collect(type: Any, found: dict[str, StructT | EnumT]) -> None:
    match type:
        case StructT():
            if type.name not in found:
                for field in type.fields:
                    _collect(field.type, found)
                found[type.name] = type
        case EnumT():
            found.setdefault(type.name, type)
        case ArrayT() | ListT():
            _collect(type.element, found)
        case MapT():
            _collect(type.key, found)
            _collect(type.value, found)
        case TupleT():
            for item in type.items:
                _collect(item, found)
        case JobT():
            _collect(type.result, found)
        case Tensor():
            _collect(type.element, found)
        case Opaque():
            _collect(type.type, found)
        case tuple():
            for item in type:
                _collect(item, found)
        case _:
            pass


def _types(program: Program) -> Iterable[Any]:
    for interface in program.interfaces.values():
        for foreign in interface.functions.values():
            yield from (foreign.result, *(type for _, type in foreign.params))
    for contract in program.contracts.values():
        for slot in contract.slots.values():
            yield from (*slot.keys, slot.type, slot.declared)
        yield from (type for type, _ in contract.state.values())
        for table in (contract.events, contract.errors):
            yield from (type for fields in table.values() for _, type in fields)
    for function in program.functions.values():
        yield function.result
        yield from (param.type for param in function.params)
        yield from _region_types(function.body)


def _region_types(region: Region) -> Iterable[Any]:
    stack = [region]
    while stack:
        current = stack.pop()
        yield from (v.type for v in current.params)
        for op in current.ops:
            yield from (v.type for v in op.results)
            yield from op.attrs.values()
            stack.extend(op.regions)
