"""An EVM for tests of contracts: one py-evm state, no blocks mined, so that a call costs a millisecond.

Transactions are run on the state itself, from whatever sender; time and block number are set by the test.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_abi import decode, encode

from enigmalang.chain.compiling import Compiled, compile_source
from enigmalang.chain.digests import keccak

CHAIN = 1337
START = 1_700_000_000
GAS = 16_000_000
FUNDS = 10**24


class Refused(Exception):
    """A transaction or call that reverted: its text, or what the machine says of it."""


@dataclass(frozen=True)
class Receipt:
    value: Any
    logs: tuple[tuple[str, dict[str, Any]], ...]
    gas: int


class Machine:
    def __init__(self) -> None:
        from eth.chains.base import MiningChain
        from eth.db.atomic import AtomicDB
        from eth.vm.forks import PragueVM

        kind = type("TestChain", (MiningChain,), {"chain_id": CHAIN, "vm_configuration": ((0, PragueVM),)})
        genesis = {"difficulty": 0, "gas_limit": 2 * GAS, "timestamp": START, "base_fee_per_gas": 0}
        chain = kind.from_genesis(AtomicDB(), genesis, {})
        self._builder = chain.get_vm().get_transaction_builder()
        self._state = chain.get_vm().state
        for special in range(18):  # the miner and the precompiled: empty ones would be deleted, which no revert undoes
            self._state.set_balance(special.to_bytes(20, "big"), 1)
        self._state.execution_context._timestamp = START
        self.events: dict[str, dict[bytes, dict[str, Any]]] = {}

    # ---- time

    @property
    def now(self) -> int:
        return self._state.execution_context._timestamp

    @property
    def number(self) -> int:
        return self._state.execution_context._block_number

    def advance(self, seconds: int) -> None:
        self._state.execution_context._timestamp += seconds
        self._state.execution_context._block_number += 1

    def snapshot(self) -> Any:
        context = self._state.execution_context
        return self._state.snapshot(), context._timestamp, context._block_number

    def revert(self, mark: Any) -> None:
        inner, time, number = mark
        self._state.revert(inner)
        self._state.execution_context._timestamp = time
        self._state.execution_context._block_number = number

    # ---- accounts

    def balance(self, who: str) -> int:
        return self._state.get_balance(raw(who))

    def fund(self, who: str, amount: int = FUNDS) -> None:
        self._state.set_balance(raw(who), amount)

    # ---- running

    def deploy(self, compiled: Compiled, sender: str, *args: Any, value: int = 0) -> "Contract":
        made = next((e for e in compiled.abi if e["type"] == "constructor"), {"inputs": []})
        data = compiled.init + encode([type_of(i) for i in made["inputs"]], args)
        result = self._run(sender, b"", data, value)
        return Contract(self, "0x" + result.msg.storage_address.hex(), compiled.abi)

    def deploy_blueprint(self, compiled: Compiled, sender: str) -> str:
        return "0x" + self._run(sender, b"", compiled.blueprint, 0).msg.storage_address.hex()

    def transact(self, sender: str, to: str, data: bytes, value: int) -> tuple[bytes, list[Any], int]:
        result = self._run(sender, raw(to), data, value)
        gas = GAS - result.get_gas_remaining()
        return result.output, result.get_log_entries(), gas - min(gas // 5, result.get_gas_refund())

    def _run(self, sender: str, to: bytes, data: bytes, value: int) -> Any:
        from eth.vm.spoof import SpoofTransaction

        state = self._state
        if state.get_balance(raw(sender)) < value:
            raise Refused("too little money")
        unsigned = self._builder.new_unsigned_dynamic_fee_transaction(
            chain_id=CHAIN, nonce=state.get_nonce(raw(sender)), max_priority_fee_per_gas=0, max_fee_per_gas=0,
            gas=GAS, to=to, value=value, data=data, access_list=())
        result = state.apply_transaction(SpoofTransaction(unsigned, from_=raw(sender), gas=GAS))
        if result.is_error:
            raise Refused(reason(result.output) or repr(result.error))
        return result


class Contract:
    """A deployed contract: `c.name(args, sender=…, value=…)`, and `c.view(args)` without a sender."""

    def __init__(self, machine: Machine, address: str, abi: Sequence[dict[str, Any]]) -> None:
        self.machine, self.address, self.abi = machine, address, abi
        machine.events[address] = {event_topic(e): e for e in abi if e["type"] == "event"}

    def data(self, name: str, *args: Any) -> bytes:
        entry = self._entry(name, len(args))
        types = [type_of(i) for i in entry["inputs"]]
        return keccak(f"{name}({','.join(types)})".encode())[:4] + encode(types, args)

    def send(self, name: str, *args: Any, sender: str, value: int = 0) -> Receipt:
        output, logs, gas = self.machine.transact(sender, self.address, self.data(name, *args), value)
        return Receipt(self._decoded(name, len(args), output), tuple(self._logs(logs)), gas)

    def call(self, name: str, *args: Any, sender: str = "0x" + "00" * 19 + "01") -> Any:
        mark = self.machine.snapshot()
        try:
            return self.send(name, *args, sender=sender).value
        finally:
            self.machine.revert(mark)

    def _entry(self, name: str, count: int) -> dict[str, Any]:
        found = [e for e in self.abi if e.get("name") == name and e["type"] == "function" and len(e["inputs"]) == count]
        assert len(found) == 1, (name, count)
        return found[0]

    def _decoded(self, name: str, count: int, output: bytes) -> Any:
        outputs = self._entry(name, count)["outputs"]
        values = decode([type_of(o) for o in outputs], output) if outputs else ()
        named = [_named(o, v) for o, v in zip(outputs, values, strict=True)]
        return named[0] if len(named) == 1 else tuple(named) or None

    def _logs(self, logs: list[Any]) -> Any:
        for address, topics, data in logs:
            known = self.machine.events.get("0x" + address.hex(), {})
            event = known.get(topics[0].to_bytes(32, "big"))
            if event is not None:
                yield event["name"], _event(event, topics[1:], data)


def _event(event: dict[str, Any], topics: Sequence[int], data: bytes) -> dict[str, Any]:
    indexed = [i for i in event["inputs"] if i["indexed"]]
    plain = [i for i in event["inputs"] if not i["indexed"]]
    found = {i["name"]: decode([type_of(i)], t.to_bytes(32, "big"))[0] for i, t in zip(indexed, topics, strict=True)}
    values = decode([type_of(i) for i in plain], data)
    return found | {i["name"]: _named(i, v) for i, v in zip(plain, values, strict=True)}


def _named(entry: dict[str, Any], value: Any) -> Any:
    """A struct as a dictionary."""
    if entry["type"] == "tuple":
        return {c["name"]: _named(c, v) for c, v in zip(entry["components"], value, strict=True)}
    return value


def type_of(entry: dict[str, Any]) -> str:
    if not entry["type"].startswith("tuple"):
        return str(entry["type"])
    return f"({','.join(type_of(c) for c in entry['components'])}){entry['type'][5:]}"


def event_topic(entry: dict[str, Any]) -> bytes:
    return keccak(f"{entry['name']}({','.join(type_of(i) for i in entry['inputs'])})".encode())


def reason(output: bytes) -> str:
    """The text of `Error(string)`; empty for anything else."""
    return str(decode(["string"], output[4:])[0]) if output[:4] == b"\x08\xc3\x79\xa0" else ""


def raw(address: str) -> bytes:
    return bytes.fromhex(address[2:])


@cache
def compiled(source: str) -> Compiled:
    return compile_source(source, "Test")
