"""What stands for values that nobody knows yet: zeros where they are secret, what `--let` says or zero where they are
public, and lists as long as `--let` says, or as they may be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from enigmalang.chain.memory import MemoryLedger
from enigmalang.execute.defaults import zero_of, zeros
from enigmalang.execute.trace import Tracer
from enigmalang.ir.ir import Contract, Opaque, Slot, Tensor
from enigmalang.node.costing.rehearsal import UNMASKED
from enigmalang.source import Span
from enigmalang.types.types import (
    AddressT,
    ArrayT,
    BoolT,
    EnumT,
    FixedT,
    IntT,
    Label,
    ListT,
    StringT,
    StructT,
    TupleT,
    Type,
)
from enigmalang.types.zeros import zero_scalar

Lets = Mapping[str, int | str]
#: A list that may be longer than this is not taken to be: counting takes the time and the memory of computing.
LARGEST = 1 << 20


class BadLet(Exception):
    """A `--let` that does not fit; the text is for the user."""


class Missing(Exception):
    """`names`: what must be given with `--let`, each with what it is."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = dict(names)
        told = "; ".join(f"{name}: {what}" for name, what in self.names.items())
        super().__init__(f"not known: {told}; give it with --let {next(iter(self.names), 'n')}=1000")


@dataclass(slots=True)
class Unknowns:
    """Makes values, and remembers in words what it assumed, and which `--let` it used."""

    lets: Lets
    spare: int = 0  # room that state lists have, where nothing says how long they are
    assumed: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def length(self, name: str, most: int | None, spare: int = 0) -> int:
        """Of the list `name`. Raises Missing when nothing says it, BadLet when it may not be so long."""
        if name in self.lets:
            self.used.add(name)
            given = self.lets[name]
            if not isinstance(given, int) or given < 0:
                raise BadLet(f"{name} is a list: its length is a number, not {given!r}")
            if most is not None and given > most:
                raise BadLet(f"{name} holds at most {most:,} elements, not {given:,}")
            return given
        if most is None:
            raise Missing({name: "the length of a list without a maximum"})
        if most > LARGEST:
            raise Missing({name: f"the length of a list that may hold {most:,} elements"})
        count, words = max(0, most - spare), "the most it can hold" + (", less the one that is added" if spare else "")
        self.assumed[name] = f"{name} has {count:,} elements, {words} (--let {name}=N)"
        return count

    def scalar(self, name: str, type: Type, private: bool) -> Any:
        """A private one is zero: costs do not depend on it. A public one is what was given."""
        if name in self.lets and not private:
            self.used.add(name)
            return self._given(name, type)
        if not private:
            self.assumed[name] = f"{name} is {_shown(zero_scalar(type))} (--let {name}=VALUE)"
        return zero_scalar(type)

    def _given(self, name: str, type: Type) -> Any:
        given = self.lets[name]
        match type, given:
            case BoolT(), int() | "True" | "False":
                return given in (1, "True")
            case (IntT(low=low, high=high) | FixedT(low=low, high=high)), int() if low <= given <= high:
                return given
            case EnumT(members=members), str() if given in members:
                return members.index(given)
            case (StringT() | AddressT()), str():
                return given
        raise BadLet(f"{name} is {type}, and cannot be {given!r}")

    def data(self, name: str, type: Type, private: bool) -> Any:
        """Python data of `type`, as `execute.values.leaves_from` takes it."""
        match type:
            case ListT(element, most):
                return self._many(name, element, self.length(name, most), private)
            case ArrayT(element, dims):
                inner = element if len(dims) == 1 else ArrayT(element, dims[1:])
                return self._many(name, inner, dims[0], private)
            case StructT(fields=fields):
                return tuple(self.data(f"{name}.{f.name}", f.type, private or f.private) for f in fields)
            case TupleT(items):
                return tuple(self.data(f"{name}.{n}", item, private) for n, item in enumerate(items))
            case _:
                return self.scalar(name, type, private)

    def _many(self, name: str, element: Type, count: int, private: bool) -> list[Any]:
        if isinstance(element, AddressT):
            return [_address(n) for n in range(count)]  # different ones
        if isinstance(element, ArrayT | ListT | StructT | TupleT):
            row = self.data(name if isinstance(element, ArrayT) else f"{name}[]", element, private)
            return [row] * count
        return [zero_scalar(element)] * count

    def leaf(self, name: str, type: Tensor, lens: tuple[int | None, ...], private: bool) -> Any:
        """One leaf of state: an array, or a scalar."""
        if not type.rank:
            return self.scalar(name, type.element, private)
        shape = tuple(lens)
        found = (self.length(name, shape[0], self.spare), *(self.length(f"{name}[]", n) for n in shape[1:]))
        if isinstance(type.element, AddressT) and len(found) == 1:
            made = zeros(type.element, found)
            made[:] = [_address(n) for n in range(found[0])]
            return made
        return zero_of(type, found)


def _address(number: int) -> str:
    return f"0x{number + 1:040x}"


def _shown(value: Any) -> str:
    return repr(value) if value not in ("", b"") else "empty"


class UnknownInputs:
    """Gives `input(NAME)`."""

    def __init__(self, unknowns: Unknowns, private: Mapping[str, bool]) -> None:
        self._unknowns, self._private = unknowns, private

    def read(self, name: str, type: Type, span: Span) -> Any:
        """Raises Missing, BadLet."""
        return self._unknowns.data(name, type, self._private.get(name, True))


class UnknownState(MemoryLedger):
    """A ledger on which every slot of one contract has been written by someone."""

    def __init__(self, contract: Contract, unknowns: Unknowns, tracer: Tracer) -> None:
        super().__init__()
        self._contract, self._unknowns, self._tracer = contract, unknowns, tracer

    def get(self, address: str, slot: str, keys: tuple[Any, ...]) -> Any | None:
        """What was stored; else something of the slot's type: kept zeros where it is private."""
        found = super().get(address, slot, keys)
        if found is not None or slot not in self._contract.slots:
            return found
        made = self._made(self._contract.slots[slot])
        self._slots[address, slot, keys] = made  # not journalled: it was always there
        return made

    def _made(self, slot: Slot) -> Any:
        if isinstance(slot.type, Opaque):
            return None
        exact = all(slot.exact)
        private = slot.label is Label.PRIVATE
        if exact and slot.type.rank:
            value = zero_of(slot.type, tuple(n or 0 for n in slot.lens))
        else:
            value = self._unknowns.leaf(slot.name, slot.type, slot.lens, private)
        if not private:
            return value
        shape = value.shape if slot.type.rank else ()
        (wire,) = self._tracer.admit(UNMASKED, b"", [shape])
        return self._tracer.traced(wire, isinstance(slot.type.element, BoolT))


def unused(lets: Lets, *used: set[str]) -> Iterator[str]:
    """Names that nothing asked for."""
    return (name for name in lets if not any(name in found for found in used))
