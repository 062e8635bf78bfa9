"""What the embedded chain remembers of its blocks, in the form in which JSON-RPC tells it: blocks, receipts, logs."""

from dataclasses import dataclass, field
from typing import Any

from enigmalang.chain.evm import Json, hexed, quantity
from enigmalang.chain.pyevm import Applied
from enigmalang.ethereum.transactions import created_address


@dataclass(frozen=True, slots=True)
class Record:
    """A block: py-evm's header, the block as JSON, its one transaction and receipt if it has one."""

    header: Any
    block: Json
    transaction: Json | None = None
    receipt: Json | None = None


@dataclass(slots=True)
class Records:
    """The blocks of the chain, found by number, by hash, and by what they hold."""

    _blocks: list[Record] = field(default_factory=list)
    _by_hash: dict[str, int] = field(default_factory=dict)
    _transactions: dict[str, int] = field(default_factory=dict)
    _logged: dict[str, list[int]] = field(default_factory=dict)  # address -> numbers of the blocks where it logged

    def __len__(self) -> int:
        return len(self._blocks)

    def add(self, record: Record) -> None:
        """The next block."""
        number = len(self._blocks)
        self._blocks.append(record)
        self._by_hash[record.block["hash"]] = number
        if record.transaction is not None and record.receipt is not None:
            self._transactions[record.transaction["hash"]] = number
            for address in {log["address"] for log in record.receipt["logs"]}:
                self._logged.setdefault(address, []).append(number)

    def cut(self, length: int) -> None:
        """Forget all blocks but the first `length`."""
        while len(self._blocks) > length:
            record = self._blocks.pop()
            del self._by_hash[record.block["hash"]]
            if record.transaction is not None and record.receipt is not None:
                del self._transactions[record.transaction["hash"]]
                for address in {log["address"] for log in record.receipt["logs"]}:
                    self._logged[address].pop()

    def at(self, number: int) -> Record | None:
        """The block of a number; None when there is none."""
        return self._blocks[number] if 0 <= number < len(self._blocks) else None

    def number_of(self, hash: str) -> int | None:
        """A block's number; None when there is none with this hash."""
        return self._by_hash.get(hash)

    def of_transaction(self, hash: str) -> Record | None:
        """The block that has the transaction; None when none has."""
        number = self._transactions.get(hash)
        return None if number is None else self._blocks[number]

    def logs(self, addresses: tuple[str, ...], topics: list[Json], first: int, last: int) -> list[Json]:
        """The logs of blocks `first` to `last` that fit: any of `addresses` (none given: any), and `topics` by place
        (null: any; a list: any of it)."""
        if addresses:
            numbers = sorted({n for a in addresses for n in self._logged.get(a, ()) if first <= n <= last})
        else:
            numbers = list(range(max(0, first), min(last, len(self._blocks) - 1) + 1))
        return [log for number in numbers for log in logs_of(self._blocks[number].receipt, addresses, topics)]


def logs_of(receipt: Json, addresses: tuple[str, ...], topics: list[Json]) -> list[Json]:
    """The logs of one receipt that fit; see `Records.logs`."""
    return [
        log for log in (receipt["logs"] if receipt else ())
        if (not addresses or log["address"] in addresses) and _fits(log["topics"], topics)
    ]


def _fits(has: list[str], wanted: list[Json]) -> bool:
    if len(wanted) > len(has):
        return False
    return all(w is None or (t in w if isinstance(w, list) else t == w) for w, t in zip(wanted, has, strict=False))


def empty_record(header: Any) -> Record:
    """A block without transactions."""
    return Record(header, _block(header, []))


def record(applied: Applied) -> Record:
    """The block of a transaction, with its receipt."""
    header = applied.header
    transaction = _transaction(applied)
    return Record(header, _block(header, [transaction["hash"]]), transaction, _receipt(applied, transaction))


def _block(header: Any, transactions: list[str]) -> Json:
    return {
        "number": quantity(header.block_number),
        "hash": hexed(header.hash),
        "parentHash": hexed(header.parent_hash),
        "timestamp": quantity(header.timestamp),
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "baseFeePerGas": quantity(header.base_fee_per_gas),
        "miner": hexed(header.coinbase),
        "difficulty": "0x0",
        "totalDifficulty": "0x0",
        "extraData": hexed(header.extra_data),
        "mixHash": hexed(header.mix_hash),
        "nonce": hexed(header.nonce),
        "logsBloom": hexed(header.bloom.to_bytes(256, "big")),
        "sha3Uncles": hexed(header.uncles_hash),
        "stateRoot": hexed(header.state_root),
        "receiptsRoot": hexed(header.receipt_root),
        "transactionsRoot": hexed(header.transaction_root),
        "size": quantity(len(header.extra_data) + 600),
        "uncles": [],
        "transactions": transactions,
    }


def _transaction(applied: Applied) -> Json:
    header, sent = applied.header, applied.transaction
    kind = getattr(sent, "type_id", None) or 0
    return {
        "hash": hexed(sent.hash),
        "blockHash": hexed(header.hash),
        "blockNumber": quantity(header.block_number),
        "transactionIndex": "0x0",
        "type": quantity(kind),
        "from": hexed(sent.sender),
        "to": hexed(sent.to) if sent.to else None,
        "nonce": quantity(sent.nonce),
        "value": quantity(sent.value),
        "gas": quantity(sent.gas),
        "chainId": quantity(sent.chain_id or 0),
        "input": hexed(sent.data),
        "r": quantity(sent.r),
        "s": quantity(sent.s),
        **_priced(sent, kind),
    }


def _priced(sent: Any, kind: int) -> Json:
    """The fields that a transaction has by its type: what it pays for gas (the base fee is zero), and its parity."""
    if kind == 0:
        return {"gasPrice": quantity(sent.gas_price), "v": quantity(sent.v)}
    listed = [
        {"address": hexed(address), "storageKeys": [hexed(slot.to_bytes(32, "big")) for slot in slots]}
        for address, slots in sent.access_list
    ]
    parity = {"accessList": listed, "v": quantity(sent.y_parity), "yParity": quantity(sent.y_parity)}
    if kind == 1:
        return {"gasPrice": quantity(sent.gas_price), **parity}
    highest, tip = sent.max_fee_per_gas, sent.max_priority_fee_per_gas
    fees = {"maxFeePerGas": quantity(highest), "maxPriorityFeePerGas": quantity(tip)}
    return {"gasPrice": quantity(min(highest, tip)), **fees, **parity}


def _receipt(applied: Applied, transaction: Json) -> Json:
    receipt = applied.receipt
    place = {name: transaction[name] for name in ("blockHash", "blockNumber", "transactionIndex")}
    place["transactionHash"] = transaction["hash"]
    created = None
    if transaction["to"] is None:
        created = created_address(transaction["from"], applied.transaction.nonce)
    return {
        **place,
        "type": transaction["type"],
        "from": transaction["from"],
        "to": transaction["to"],
        "status": "0x0" if applied.revert else "0x1",
        "gasUsed": quantity(receipt.gas_used),
        "cumulativeGasUsed": quantity(receipt.gas_used),
        "effectiveGasPrice": transaction["gasPrice"],
        "contractAddress": created,
        "logsBloom": hexed(receipt.bloom.to_bytes(256, "big")),
        "logs": [_log(log, index, place) for index, log in enumerate(receipt.logs)],
    }


def _log(log: Any, index: int, place: Json) -> Json:
    return {
        **place,
        "address": hexed(log.address),
        "topics": [hexed(topic.to_bytes(32, "big")) for topic in log.topics],
        "data": hexed(log.data),
        "logIndex": quantity(index),
        "removed": False,
    }
