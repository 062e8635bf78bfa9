"""Reads types in the text form: of the language, and of the IR's values."""

import re
from collections.abc import Mapping

from enigmalang.ir.ir import IRType, Opaque, Scalar, Tensor
from enigmalang.ir.leaves import SCALARS
from enigmalang.ir.tokens import ParseError, Tokens
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
    FixedT,
    IdentityT,
    IntT,
    JobT,
    ListT,
    MapT,
    PredicateT,
    StringT,
    TupleT,
    Type,
)

_PLAIN: dict[str, Type] = {
    "bool": BOOL, "address": ADDRESS, "None": NONE, "any": ANY, "identity": IdentityT(), "predicate": PredicateT()}


class TypeParser(Tokens):
    """`named`: the structs and enums that the text has declared so far."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.named: dict[str, Type] = {}

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


def parse_type(text: str, named: Mapping[str, Type]) -> Type | None:
    """The type that is written so, with the structs and enums of `named`; None for anything else."""
    try:
        reader = TypeParser(text)
        reader.named.update(named)
        type = reader.type()
        return type if reader.at == len(reader.tokens) else None
    except ParseError:
        return None
