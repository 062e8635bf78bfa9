"""`L` on the hub: typed values under keys of several parts, and all that was ever written there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from enigmalang.chain.abi import abi_name, from_abi, to_abi
from enigmalang.chain.client import Chain
from enigmalang.chain.deployed import Values
from enigmalang.chain.digests import address_component, component, kind_text, log_key_of
from enigmalang.chain.hub import hub_interface
from enigmalang.ir.parser import parse_type
from enigmalang.ir.printer import collect_named
from enigmalang.plan.calls import LedgerError
from enigmalang.plan.plan import Plan

#: How many values of a key are asked for in one message.
_PAGE = 256


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of `L` under a key."""

    block: int
    time: int
    value: Any


class Logbook:
    """Reads and encodes `L` in the types that one program knows."""

    def __init__(self, chain: Chain, hub: str, plan: Plan, values: Values) -> None:
        self._chain, self._hub, self._values = chain, hub, values
        self._named = {type.name: type for type in collect_named(plan.program())}

    def made(self, block: int, time: int, value: Any) -> Entry:
        return Entry(block, time, value)

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
        from eth_abi.abi import decode
        from eth_abi.exceptions import DecodingError

        block, time, _, kind, content = raw
        type = parse_type(kind, self._named)
        if type is None:
            raise LedgerError(f"a value of type {kind}, which this program does not know")
        try:
            (data,) = decode([abi_name(type)], content)
        except (DecodingError, ValueError):  # anyone may write anything
            raise LedgerError(f"a value that is no {kind}") from None
        return Entry(block, time, self._values.any_value(type, self._values.leaves_from(from_abi(data, type), type)))

    def encode(self, key: Sequence[Any], value: Any) -> bytes:
        """The call that appends `value` (with its `type` and `leaves`) under `key`."""
        from eth_abi.abi import encode

        content = encode([abi_name(value.type)], [to_abi(self._values.data_from(value.leaves, value.type), value.type)])
        return hub_interface().methods["write"].encode((key_id(key), kind_text(str(value.type)), content))


def key_id(key: Sequence[Any]) -> bytes:
    """What a key of `L` is called on the hub."""
    return log_key_of([address_component(part) if _is_address(part) else component(part) for part in key])


def _is_address(part: Any) -> bool:
    return isinstance(part, str) and len(part) == 42 and part.startswith("0x")
