"""`L` on the hub: typed values under keys of several parts, and all that was ever written there."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from enigmalang.chain.abi import MOST_LOGGED, abi_name, check_size, from_abi, is_of, to_abi
from enigmalang.chain.client import Chain
from enigmalang.chain.deployed import Values
from enigmalang.chain.digests import address_component, component, keccak, kind_text, log_key_of
from enigmalang.chain.hub import hub_interface
from enigmalang.ir.ir import Program, operations
from enigmalang.ir.leaves import leaves_of
from enigmalang.ir.printer import collect_named
from enigmalang.ir.type_parser import parse_type
from enigmalang.plan.calls import LedgerError
from enigmalang.plan.plan import Plan
from enigmalang.types.types import (
    AddressT,
    ArrayT,
    BoolT,
    BytesNT,
    BytesT,
    ContractT,
    EnumT,
    FixedT,
    IntT,
    ListT,
    StringT,
    StructT,
    TupleT,
    Type,
)

#: How many values of a key are asked for in one message.
_PAGE = 256


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of `L` under a key, read when it is asked for: anyone may have written anything."""

    block: int
    time: int
    read: Callable[[], Any]

    @property
    def value(self) -> Any:
        """Raises LedgerError for what is no value of a type that the program knows."""
        return self.read()


class Logbook:
    """Reads and encodes `L` in the types that one program knows. A value is its leaves, abi-encoded."""

    def __init__(self, chain: Chain, hub: str, plan: Plan, values: Values) -> None:
        self._chain, self._hub, self._values = chain, hub, values
        program = plan.program()
        self._named = {type.name: type for type in collect_named(program)}
        self._kinds = {kind_text(str(type)): type for type in _logged(program)}

    def made(self, block: int, time: int, value: Any) -> Entry:
        return Entry(block, time, lambda: value)

    def read(self, key: Sequence[Any], at: int) -> tuple[Entry, ...]:
        """All values under `key` as of block `at`, oldest first."""
        methods, name = hub_interface().methods, key_id(key)
        raw = self._chain.call(self._hub, methods["count"].encode((name,)), tag=at)
        count = methods["count"].decode(raw)[0]
        found: list[Entry] = []
        for start in range(0, count, _PAGE):
            calls = [(self._hub, methods["entry"].encode((name, i))) for i in range(start, min(count, start + _PAGE))]
            found += [self._entry(methods["entry"].decode(answer)[0]) for answer in self._chain.calls(calls, at)]
        return tuple(found)

    def _entry(self, raw: tuple[Any, ...]) -> Entry:
        block, time, _, kind, content = raw
        return Entry(block, time, lambda: self._value(kind, content))

    def type_of(self, kind: str) -> Type | None:
        """The type that a text (`kind_text`) names; None for what this program does not know, or could not be kept."""
        type = self._kinds.get(kind) or parse_type(_as_ir(kind), self._named)
        return type if type is not None and _holds(type) else None

    def _value(self, kind: str, content: bytes) -> Any:
        from eth_abi.abi import decode
        from eth_abi.exceptions import DecodingError

        type = self.type_of(kind)
        if type is None:
            raise LedgerError(f"a value of type {kind}, which this program does not know")
        widest = _widest(type)
        types = [leaf.declared for leaf in leaves_of(widest)]
        try:
            raw = decode([abi_name(t) for t in types], content)
        except (DecodingError, ValueError):
            raise LedgerError(f"a value that is no {kind}") from None
        data = [from_abi(d, t) for d, t in zip(raw, types, strict=True)]
        if not all(is_of(d, t) for d, t in zip(data, types, strict=True)):
            raise LedgerError(f"a value that is no {kind}")
        leaves = [self._values.leaves_from(d, t)[0] for d, t in zip(data, types, strict=True)]
        return self._values.any_value(type if widest == type or is_of(data[0], type) else widest, leaves)

    def encode(self, key: Sequence[Any], value: Any) -> bytes:
        """The call that appends `value` (with its `type` and `leaves`) under `key`. Raises LedgerError if it is too
        large."""
        check_size(value)
        content = self._encoded(value.leaves, value.type)
        return hub_interface().methods["write"].encode((key_id(key), kind_text(str(value.type)), content))


    def digest(self, leaves: Sequence[Any], type: Type) -> int:
        """Of what a contract read, as it computes it: keccak256 of the encoding, as a signed word."""
        return int.from_bytes(keccak(self._encoded(leaves, type)), "big", signed=True)

    def _encoded(self, leaves: Sequence[Any], type: Type) -> bytes:
        from eth_abi.abi import encode

        types = [leaf.declared for leaf in leaves_of(type)]
        return bytes(encode([abi_name(t) for t in types], [
            to_abi(self._values.data_from([leaf], t), t) for leaf, t in zip(leaves, types, strict=True)]))


def _as_ir(kind: str) -> str:
    """The language's text of a type as the IR writes it: `string[3]` as `string<3>`."""
    sized = re.sub(r"\b(string|bytes)\b(?:\[(\d+)\])?", lambda found: f"{found[1]}<{found[2] or '*'}>", kind)
    return re.sub(r"\bfixed\b(?:\[(\d+), (\d+)\])?", lambda found: f"fixed<{found[1] or 16}, {found[2] or 16}>", sized)


def _holds(type: Type) -> bool:
    """Whether `L` could hold a value of `type`: what stands there as its kind is anybody's text."""
    match type:
        case IntT(bits=bits):
            return 0 < bits <= 256 and bits % 8 == 0
        case FixedT(integer=integer, fraction=fraction):
            return integer > 0 and fraction > 0 and integer + fraction <= 256
        case BytesNT(size=size):
            return 0 < size <= 32
        case ArrayT(element=element, dims=dims):
            return all(0 < size <= MOST_LOGGED for size in dims) and _holds(element)
        case ListT(element=element):
            return _holds(element)
        case StructT(fields=fields):
            return bool(fields) and all(_holds(f.type) for f in fields)
        case TupleT(items=items):
            return bool(items) and all(map(_holds, items))
        case _:
            return isinstance(type, BoolT | EnumT | AddressT | ContractT | StringT | BytesT)


def _widest(type: Type) -> Type:
    """Integers and texts are taken as they are, whatever size their writer claims: contracts do the same."""
    match type:
        case IntT(signed=signed):
            return IntT(signed, 256)
        case StringT():
            return StringT(None)
        case BytesT():
            return BytesT(None)
        case _:
            return type


def _logged(program: Program) -> Iterator[Type]:
    """The types of what the program keeps in databases, and what it asks for there."""
    for function in program.functions.values():
        for op in operations(function.body):
            if op.op.startswith("db_") and isinstance(type := op.attrs.get("type"), Type):
                yield type


def key_id(key: Sequence[Any]) -> bytes:
    """What a key of `L` is called on the hub."""
    return log_key_of([address_component(part) if _is_address(part) else component(part) for part in key])


def _is_address(part: Any) -> bool:
    return isinstance(part, str) and len(part) == 42 and part.startswith("0x")
