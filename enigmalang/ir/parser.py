"""Reads the text form back. Spans that the text leaves out become `NOWHERE`."""

from typing import Any

from enigmalang.ir.ir import Contract, Foreign, Function, Interface, Operation, Param, Program, Region, Slot, Value
from enigmalang.ir.ops import OPS
from enigmalang.ir.type_parser import TypeParser
from enigmalang.source import Span
from enigmalang.types.ranges import Range
from enigmalang.types.types import EnumT, Field, Label, StructT, Type

NOWHERE = Span("", 1, 1, 1, 1)


class _Parser(TypeParser):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.values: dict[int, Value] = {}

    # ---- small parts

    def span(self) -> Span:
        if not self.accept("@"):
            return NOWHERE
        path = self.string()
        self.expect(":")
        line = self.number()
        self.expect(":")
        column = self.number()
        if (end := self.number()) >= 0:
            raise self.fail("'-'")
        self.expect(":")
        return Span(path, line, column, -end, self.number())

    def range(self) -> Range | None:
        if not self.accept("in"):
            return None
        low = self.number()
        self.expect("..")
        return Range(low, self.number())

    def lens(self) -> tuple[int | None, ...]:
        return tuple(self.listed("[", "]", self.bound)) if self.accept("lens") else ()

    def label(self) -> Label:
        return Label.PRIVATE if self.accept("private") else Label.PUBLIC

    def attr(self) -> Any:
        token = self.peek()
        if token in ("none", "true", "false"):
            self.at += 1
            return {"none": None, "true": True, "false": False}[token]
        if token.startswith('x"'):
            return bytes.fromhex(self.next()[2:-1])
        if token.startswith('"'):
            return self.string()
        if token == "(":
            return tuple(self.listed("(", ")", self.attr))
        if token == "@":
            return self.span()
        if self.accept("type"):
            return self.type()
        return self.number()

    def define(self) -> Value:
        self.expect("%")
        number = self.number()
        hint = ""
        if self.accept("."):
            hint = self.string() if self.peek().startswith('"') else self.word()
        self.expect(":")
        type = self.ir_type()
        label, range, lens = self.label(), self.range(), self.lens()
        value = Value(type, self.span(), label, range, lens, hint)
        self.values[number] = value
        return value

    def use(self) -> Value:
        self.expect("%")
        number = self.number()
        if number not in self.values:
            raise self.fail(f"a value defined before; %{number} is not")
        return self.values[number]

    # ---- operations and regions

    def operation(self) -> Operation:
        results: list[Value] = []
        if self.peek() == "%":
            results.append(self.define())
            while self.accept(","):
                results.append(self.define())
            self.expect("=")
        name = self.word()
        if name not in OPS:
            raise self.fail(f"an operation; `{name}` is unknown")
        operands: list[Value] = []
        while self.peek() == "%" and self.peek(2) not in (":", "."):  # `%3: …` begins the next operation
            operands.append(self.use())
        attrs = dict.fromkeys(OPS[name].attrs) | self.attrs()
        span = self.span()
        via: list[Span] = []
        if self.accept("via"):
            while self.peek() == "@":
                via.append(self.span())
        regions: list[Region] = []
        while self.peek() == "{":
            regions.append(self.region())
        return Operation(name, tuple(operands), tuple(results), span, attrs, tuple(regions), tuple(via))

    def attrs(self) -> dict[str, Any]:
        def pair() -> tuple[str, Any]:
            key = self.word()
            self.expect("=")
            return key, self.attr()
        return dict(self.listed("[", "]", pair)) if self.peek() == "[" else {}

    def region(self) -> Region:
        self.expect("{")
        params = self.listed("(", ")", self.define) if self.peek() == "(" else []
        ops: list[Operation] = []
        while not self.accept("}"):
            ops.append(self.operation())
        return Region(params, ops)

    # ---- declarations

    def param(self) -> Param:
        name = self.word()
        self.expect(":")
        type = self.type()
        private, range, span = self.accept("private"), self.range(), self.span()
        self.expect("=")
        return Param(name, type, private, tuple(self.listed("(", ")", self.define)), range, span)

    def function(self, kind: str) -> Function:
        self.values.clear()
        name = self.string()
        contract = self.word() if self.accept("in") else None
        payable, recursive = self.accept("payable"), self.accept("recursive")
        self.expect("->")
        private = self.accept("private")
        result, span = self.type(), self.span()
        if self.peek() != "{":
            raise self.fail("'{'")
        params: list[Param] = []
        self.expect("{")
        docstring = self.string() if self.accept("doc") else None
        while self.accept("param"):
            params.append(self.param())
        self.at -= 1
        self.tokens[self.at] = ("{", self.tokens[self.at][1])
        body = self.region()
        return Function(name, kind, tuple(params), body, result, private, span, contract, payable, recursive, docstring)

    def fields(self) -> tuple[tuple[str, Type], ...]:
        def one() -> tuple[str, Type]:
            name = self.word()
            self.expect(":")
            return name, self.type()
        return tuple(self.listed("(", ")", one))

    def contract(self) -> Contract:
        made = Contract(self.word(), {}, {}, {}, {}, (), self.span())
        self.expect("{")
        while not self.accept("}"):
            self.contract_line(made)
        return made

    def contract_line(self, made: Contract) -> None:
        match self.word():
            case "doc":
                made.docstring = self.string()
            case "slot":
                slot = self.slot()
                made.slots[slot.name] = slot
            case "state":
                name = self.word()
                self.expect(":")
                made.state[name] = (self.type(), self.accept("private"))
            case "event":
                name = self.word()
                made.events[name] = self.fields()
            case "error":
                name = self.word()
                made.errors[name] = self.fields()
            case "function":
                made.functions = (*made.functions, self.string())
            case _:
                self.at -= 1
                raise self.fail("slot, state, event, error or function")

    def interface(self) -> Interface:
        made = Interface(self.word(), {}, self.span())
        self.expect("{")
        while not self.accept("}"):
            self.expect("function")
            name, params = self.word(), self.fields()
            self.expect("->")
            made.functions[name] = Foreign(params, self.type(), self.accept("view"), self.accept("payable"))
        return made

    def slot(self) -> Slot:
        name = self.string()
        self.expect(":")
        type = self.ir_type()
        label, lens = self.label(), self.lens()
        exact = tuple(bool(e) for e in self.listed("[", "]", self.attr)) if self.accept("exact") else ()
        keys = tuple(self.listed("(", ")", self.scalar)) if self.accept("keys") else ()
        self.expect("as")
        declared = self.type()
        return Slot(name, keys, type, lens, exact, label, declared, self.span())

    def struct(self) -> StructT:
        name = self.word()

        def one() -> Field:
            private = self.accept("private")
            field = self.word()
            self.expect(":")
            return Field(field, self.type(), private)
        return StructT(name, tuple(self.listed("(", ")", one)))

    def program(self) -> Program:
        self.expect("program")
        program = Program(self.string())
        while self.at < len(self.tokens):
            word = self.word()
            if word == "test" and self.peek(1) not in ("->", "in"):
                program.tests = (*program.tests, self.string())
            elif word == "enum":
                name = self.word()
                self.named[name] = EnumT(name, tuple(self.listed("(", ")", self.word)))
            elif word == "struct":
                struct = self.struct()
                self.named[struct.name] = struct
            elif word == "contract":
                contract = self.contract()
                program.contracts[contract.name] = contract
            elif word == "interface":
                interface = self.interface()
                program.interfaces[interface.name] = interface
            else:
                function = self.function(word)
                program.functions[function.name] = function
        return program


def parse_program(text: str) -> Program:
    """The program that `print_program` wrote as `text`. Raises ParseError."""
    return _Parser(text).program()
