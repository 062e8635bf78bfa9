"""Reads the text form back. Spans that the text leaves out become `NOWHERE`."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

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
    Scalar,
    Slot,
    Tensor,
    Value,
)
from enigmalang.ir.leaves import SCALARS
from enigmalang.ir.ops import OPS
from enigmalang.source import Span
from enigmalang.types.ranges import Range
from enigmalang.types.types import (
    ADDRESS,
    ANY,
    BOOL,
    ERROR,
    NONE,
    ArrayT,
    BytesNT,
    BytesT,
    ContractT,
    EnumT,
    Field,
    FixedT,
    IdentityT,
    IntT,
    JobT,
    Label,
    ListT,
    MapT,
    PredicateT,
    StringT,
    StructT,
    TupleT,
    Type,
)

NOWHERE = Span("", 1, 1, 1, 1)
_T = TypeVar("_T")
_TOKEN = re.compile(r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<hex>x"[0-9a-f]*")|(?P<word>[^\W\d]\w*)"""
                    r"""|(?P<number>-?\d+)|(?P<dots>\.\.|->)|(?P<sign>[%@.,:;=()\[\]{}<>*!?-]))""")
_PLAIN: dict[str, Type] = {
    "bool": BOOL, "address": ADDRESS, "None": NONE, "any": ANY, "identity": IdentityT(), "predicate": PredicateT()}


class ParseError(Exception):
    """The text is not a program's text form; the message names the line."""


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, int]] = []
        position = 0
        end = len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None:
                line = text.count("\n", 0, position) + 1
                raise ParseError(f"line {line}: cannot read {text[position:position + 20]!r}")
            self.tokens.append((match.group().strip(), match.start()))
            position = match.end()
        self.at = 0
        self.named: dict[str, Type] = {}
        self.values: dict[int, Value] = {}

    # ---- tokens

    def peek(self, ahead: int = 0) -> str:
        return self.tokens[self.at + ahead][0] if self.at + ahead < len(self.tokens) else ""

    def next(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def fail(self, wanted: str) -> ParseError:
        index = min(self.at, len(self.tokens) - 1)
        offset = self.tokens[index][1] if self.tokens else 0
        line = self.text.count("\n", 0, offset) + 1
        return ParseError(f"line {line}: expected {wanted}, found {self.peek()!r}")

    def expect(self, token: str) -> None:
        if self.peek() != token:
            raise self.fail(repr(token))
        self.at += 1

    def accept(self, token: str) -> bool:
        if self.peek() == token:
            self.at += 1
            return True
        return False

    def number(self) -> int:
        if not re.fullmatch(r"-?\d+", self.peek()):
            raise self.fail("a number")
        return int(self.next())

    def word(self) -> str:
        if not self.peek().isidentifier():
            raise self.fail("a name")
        return self.next()

    def string(self) -> str:
        if not self.peek().startswith('"'):
            raise self.fail("a string")
        return str(json.loads(self.next()))

    def listed(self, open: str, close: str, item: Callable[[], _T]) -> list[_T]:
        self.expect(open)
        items: list[_T] = []
        while not self.accept(close):
            items.append(item())
            if not self.accept(",") and self.peek() != close:
                raise self.fail(f"',' or {close!r}")
        return items

    # ---- types

    def type(self) -> Type:
        base = self.base_type()
        while self.peek() == "[":
            base = ArrayT(base, tuple(self.listed("[", "]", self.number)))
        return base

    def base_type(self) -> Type:
        if self.peek() == "(":
            return TupleT(tuple(self.listed("(", ")", self.type)))
        if self.accept("?"):
            return ERROR
        word = self.word()
        if word in _PLAIN:
            return _PLAIN[word]
        if match := re.fullmatch(r"(u?)int(\d+)", word):
            return IntT(not match[1], int(match[2]))
        if match := re.fullmatch(r"bytes(\d+)", word):
            return BytesNT(int(match[1]))
        return self.compound_type(word)

    def compound_type(self, word: str) -> Type:
        match word:
            case "fixed":
                integer, fraction = self.listed("<", ">", self.number)
                return FixedT(integer, fraction)
            case "bytes" | "string":
                (bound,) = self.listed("<", ">", self.bound)
                return BytesT(bound) if word == "bytes" else StringT(bound)
            case "list":
                return self.list_type()
            case "map":
                key, value = self.listed("[", "]", self.type)
                return MapT(key, value)
            case "job":
                (result,) = self.listed("[", "]", self.type)
                return JobT(result)
            case "contract" | "interface":
                return ContractT(self.word(), word == "interface")
        if word not in self.named:
            raise self.fail(f"a type; `{word}` is unknown")
        return self.named[word]

    def list_type(self) -> Type:
        self.expect("[")
        element = self.type()
        limit = self.number() if self.accept(",") else None
        self.expect("]")
        return ListT(element, limit)

    def bound(self) -> int | None:
        return None if self.accept("*") else self.number()

    def scalar(self) -> Scalar:
        type = self.base_type()
        if not isinstance(type, SCALARS):
            raise self.fail("a scalar type")
        return type

    def ir_type(self) -> IRType:
        if self.accept("!"):
            return Opaque(self.type())
        element = self.scalar()
        rank = self.listed("<", ">", self.number)[0] if self.peek() == "<" else 0
        return Tensor(element, rank)

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


def parse_type(text: str, named: Mapping[str, Type]) -> Type | None:
    """The type that is written so, with the structs and enums of `named`; None for anything else."""
    try:
        reader = _Reader(text)
        reader.named.update(named)
        type = reader.type()
        return type if reader.at == len(reader.tokens) else None
    except ParseError:
        return None


def parse_program(text: str) -> Program:
    """The program that `print_program` wrote as `text`. Raises ParseError."""
    return _Reader(text).program()
