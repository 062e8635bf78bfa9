"""The embedded chain: an EVM in this process, with nothing to install, that answers as a node does.

A transaction is mined at once, in a block of its own, a second after the last. Gas is metered and costs nothing. Where
it is kept, and whether it outlives the process, its store says (`chainstore`).
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from enigmalang.chain.chainstore import ChainStore, Mark, MemoryStore
from enigmalang.chain.errors import Reverted, RpcError, TransactionRefused
from enigmalang.chain.evm import EMBEDDED, Json, LocalEvm, hexed, quantity, unhexed, unquantity
from enigmalang.chain.memory import BLOCK_SECONDS, CHAIN_ID, GENESIS_TIME
from enigmalang.chain.pyevm import BLOCK_GAS, TRANSACTION_GAS, Message, Outcome, PyEvm
from enigmalang.chain.records import Record, empty_record, record
from enigmalang.chain.reverts import FAULT_CODE, REFUSED_CODE, REVERT_CODE
from enigmalang.ethereum.hashing import keccak256
from enigmalang.ethereum.keys import SigningKey

#: JSON-RPC codes (JSON-RPC 2.0, section 5.1): a bad parameter, no such method.
INVALID, UNKNOWN = -32602, -32601
#: What the sender of calls and funds owns at the start.
FAUCET_WEI = 10**30
#: What a call may forward more than what it needs (EIP-150), and the stipend of a call that sends money.
_STIPEND = 2300


def faucet_key() -> SigningKey:
    """The key that owns all money of a development chain at its start: as public as the name it is made of."""
    return SigningKey(keccak256(b"enigmalang development faucet"))


class EmbeddedEvm(LocalEvm):
    """An `Evm` in this process.

    Beyond a node's methods it has anvil's `evm_snapshot`, `evm_revert`, `evm_mine`, `evm_increaseTime`, `anvil_mine`,
    `evm_setNextBlockTimestamp`, `anvil_setBalance`; and `enigma_send`, which is `eth_sendRawTransaction` for a
    transaction that is not wanted in a block if it reverts. Threads may share one: it answers one request at a time.
    """

    def __init__(self, funds: Mapping[str, int] | None = None, store: ChainStore | None = None) -> None:
        """`funds`: 0x-address -> wei that it owns at the start, beside the faucet. `store`: gone on with, if it has a
        chain, and closed with this."""
        owned = {bytes.fromhex(faucet_key().address[2:]): FAUCET_WEI}
        owned |= {bytes.fromhex(address[2:]): wei for address, wei in (funds or {}).items()}
        self._store: ChainStore = MemoryStore() if store is None else store
        self._blocks, ends = self._store.blocks, self._store.ends()
        with self._store.changing():
            self._evm = PyEvm(CHAIN_ID, GENESIS_TIME - 1, owned, self._store.nodes, ends)
            if ends is None:
                self._blocks.add(empty_record(self._evm.head))
                self._store.save(self._evm.head, self._evm.pending)
        self._lock = threading.RLock()
        self._reads, self._changes = self._reading(), self._changing()

    # ---- the port

    def request(self, method: str, params: Sequence[Json] = ()) -> Json:
        """See `Evm.request`."""
        read, change = self._reads.get(method), self._changes.get(method)
        if read is None and change is None:
            raise RpcError(UNKNOWN, f"the embedded chain has no method {method}")
        with self._lock:
            try:
                return self._change(change, params) if read is None else read(*params)
            except Reverted as error:
                if error.revert.kind == "fault":
                    raise RpcError(FAULT_CODE, error.text) from None
                raise RpcError(REVERT_CODE, f"execution reverted: {error.text}", hexed(error.data)) from None
            except TransactionRefused as error:
                raise RpcError(REFUSED_CODE, str(error)) from None
            except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
                raise RpcError(INVALID, f"bad parameters of {method}: {error}") from error

    def close(self) -> None:
        """Let go of the store."""
        with self._lock:
            self._store.close()

    def _change(self, change: Any, params: Sequence[Json]) -> Json:
        """Wholly or not at all, and kept when this returns."""
        before = self._evm.head, self._evm.pending
        try:
            with self._store.changing():
                done = change(*params)
                self._store.save(self._evm.head, self._evm.pending)
            return done
        except BaseException:
            self._evm.rewind(*before)
            raise

    def _reading(self) -> dict[str, Callable[..., Json]]:
        return {
            "web3_clientVersion": lambda: EMBEDDED,
            "eth_chainId": lambda: quantity(CHAIN_ID),
            "net_version": lambda: str(CHAIN_ID),
            "eth_syncing": lambda: False,
            "eth_accounts": list,
            "eth_gasPrice": lambda: "0x0",
            "eth_maxPriorityFeePerGas": lambda: "0x0",
            "eth_blockNumber": lambda: quantity(len(self._blocks) - 1),
            "eth_getBlockByNumber": self._block_by_number,
            "eth_getBlockByHash": self._block_by_hash,
            "eth_getTransactionByHash": lambda hash: self._of_transaction(hash, "transaction"),
            "eth_getTransactionReceipt": lambda hash: self._of_transaction(hash, "receipt"),
            "eth_getBalance": lambda who, tag="latest": quantity(self._state(tag).get_balance(unhexed(who))),
            "eth_getTransactionCount": lambda who, tag="latest": quantity(self._state(tag).get_nonce(unhexed(who))),
            "eth_getCode": lambda who, tag="latest": hexed(self._state(tag).get_code(unhexed(who))),
            "eth_getStorageAt": self._storage,
            "eth_call": self._call,
            "eth_estimateGas": self._estimate,
            "eth_getLogs": self._logs,
        }

    def _changing(self) -> dict[str, Callable[..., Json]]:
        return {
            "eth_sendRawTransaction": lambda raw: self._send(raw, True),
            "enigma_send": lambda raw: self._send(raw, False),
            "evm_snapshot": self._snapshot,
            "evm_revert": self._revert,
            "evm_mine": lambda *_: self._mine(),
            "anvil_mine": self._mine_many,
            "evm_increaseTime": self._increase_time,
            "evm_setNextBlockTimestamp": self._set_next_time,
            "anvil_setBalance": self._set_balance,
        }

    # ---- blocks

    def _record(self, tag: Json) -> Record | None:
        """The block that a number, a tag, or an object with a hash (EIP-1898) means."""
        if isinstance(tag, dict):
            hash = tag.get("blockHash")
            number = self._blocks.number_of(hash) if hash else unquantity(tag["blockNumber"])
        elif tag in ("latest", "safe", "finalized", "pending"):
            number = len(self._blocks) - 1
        else:
            number = 0 if tag == "earliest" else unquantity(tag)
        return None if number is None else self._blocks.at(number)

    def _header(self, tag: Json) -> Any:
        if tag in ("latest", "safe", "finalized", "pending"):
            return self._evm.latest
        found = self._record(tag)
        if found is None:
            raise RpcError(INVALID, f"the chain has no block {tag}")
        return found.header

    def _block_by_number(self, tag: Json, full: bool = False) -> Json:
        return self._shown(self._record(tag), full)

    def _block_by_hash(self, hash: str, full: bool = False) -> Json:
        return self._shown(self._record({"blockHash": hash}), full)

    def _shown(self, found: Record | None, full: bool) -> Json:
        if found is None or not full or found.transaction is None:
            return found.block if found else None
        return {**found.block, "transactions": [found.transaction]}

    def _of_transaction(self, hash: str, what: str) -> Json:
        found = self._blocks.of_transaction(hash)
        return None if found is None else getattr(found, what)

    def _logs(self, query: Json) -> Json:
        given = query.get("address") or ()
        addresses = tuple(a.lower() for a in ((given,) if isinstance(given, str) else given))
        if "blockHash" in query:
            first = last = unquantity(self._shown(self._record(query), False)["number"])
        else:
            first, last = (self._header(query.get(k, "latest")).block_number for k in ("fromBlock", "toBlock"))
        return self._blocks.logs(addresses, query.get("topics") or [], first, last)

    # ---- state

    def _state(self, tag: Json) -> Any:
        return self._evm.state(self._header(tag))

    def _storage(self, who: str, slot: str, tag: Json = "latest") -> Json:
        return hexed(self._state(tag).get_storage(unhexed(who), unquantity(slot)).to_bytes(32, "big"))

    def _call(self, call: Json, tag: Json = "latest") -> Json:
        outcome = self._evm.run(_message(call), self._header(tag))
        return hexed(_ran(outcome).output)

    def _estimate(self, call: Json, tag: Json = "latest") -> Json:
        """The least gas with which `call` passes. Code that asks how much gas is left may need more than it uses."""
        header = self._evm.pending if tag in ("latest", "pending") else self._header(tag)
        message = _message(call)
        outcome = _ran(self._evm.run(message, header))
        passes, fails = outcome.gas_used + outcome.refund, 0
        if not self._enough(message, passes, header):
            # A call keeps back a 64th of what is left (EIP-150), so that deep calls need more than they use.
            fails, passes = passes, min(message.gas, passes * 64 // 63 + _STIPEND)
            while not self._enough(message, passes, header):
                fails, passes = passes, min(message.gas, passes * 2)
            while passes - fails > 1:
                middle = (passes + fails) // 2
                passes, fails = (middle, fails) if self._enough(message, middle, header) else (passes, middle)
        return quantity(passes)

    def _enough(self, message: Message, gas: int, header: Any) -> bool:
        if gas >= message.gas:
            return True
        return self._evm.run(replace(message, gas=gas), header).revert is None

    # ---- transactions

    def _send(self, raw: str, keep_reverted: bool) -> Json:
        applied = self._evm.apply(unhexed(raw), keep_reverted)
        self._blocks.add(record(applied))
        return hexed(applied.transaction.hash)

    # ---- a development chain's powers

    def _snapshot(self) -> Json:
        return quantity(self._store.mark(Mark(len(self._blocks), self._evm.head, self._evm.pending)))

    def _revert(self, snapshot: str) -> Json:
        mark = self._store.unmark(unquantity(snapshot))
        if mark is None:
            return False
        self._blocks.cut(mark.length)
        self._evm.rewind(mark.head, mark.pending)
        return True

    def _mine(self) -> Json:
        self._blocks.add(empty_record(self._evm.mine()))
        return "0x0"

    def _mine_many(self, count: Json = 1, interval: Json = BLOCK_SECONDS) -> None:
        for _ in range(_number(count)):
            self._evm.set_time(self._evm.head.timestamp + max(1, _number(interval)))
            self._mine()

    def _increase_time(self, seconds: Json) -> Json:
        """The next block is `seconds` later than it would have been."""
        self._evm.set_time(self._evm.pending.timestamp + _number(seconds))
        return quantity(_number(seconds))

    def _set_next_time(self, time: Json) -> None:
        if _number(time) <= self._evm.head.timestamp:
            raise RpcError(INVALID, "a block is later than the one before it")
        self._evm.set_time(_number(time))

    def _set_balance(self, who: str, wei: Json) -> None:
        self._evm.set_balance(unhexed(who), _number(wei))


def _number(value: Json) -> int:
    """anvil takes plain numbers as well as quantities."""
    return value if isinstance(value, int) else unquantity(value)


def _message(call: Json) -> Message:
    gas = unquantity(call["gas"]) if call.get("gas") else TRANSACTION_GAS
    return Message(
        sender=unhexed(call.get("from") or "0x" + "00" * 20),
        to=unhexed(call.get("to") or "0x"),
        value=unquantity(call.get("value") or "0x0"),
        data=unhexed(call.get("input") or call.get("data") or "0x"),
        gas=min(gas, BLOCK_GAS),
    )


def _ran(outcome: Outcome) -> Outcome:
    if outcome.revert is not None:
        raise Reverted(outcome.revert)
    return outcome
