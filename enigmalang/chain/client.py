"""Reading and writing a chain through its port, the same on every adapter: calls, transactions, receipts, logs.

Addresses are 0x-hex in lower case, amounts wei, data bytes. Transactions are signed here (`SigningKey`); nothing is
asked of a node's own accounts. A transaction that would revert is not sent.
"""

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any

from enigmalang.chain.errors import ChainError, Revert, Reverted, RpcError, TransactionLost, TransactionRefused
from enigmalang.chain.evm import EMBEDDED, Call, Evm, Json, hexed, quantity, unhexed, unquantity
from enigmalang.chain.fees import RAISE_SECONDS, raised
from enigmalang.chain.pyevm import TRANSACTION_GAS
from enigmalang.chain.reverts import normalised
from enigmalang.ethereum.keys import SigningKey
from enigmalang.ethereum.transactions import Signed, Transaction, sign_transaction

#: What is added to an estimate on a chain where others act between estimate and block, in percent.
GAS_MARGIN = 25
#: Blocks of which logs are asked for at once: what public nodes answer.
LOG_BLOCKS = 1_000
#: A block number, or one of JSON-RPC's words for a block.
Tag = int | str


@dataclass(frozen=True, slots=True)
class Log:
    """What a contract logged, and where."""

    address: str
    topics: tuple[bytes, ...]
    data: bytes
    block: int
    block_hash: str
    transaction: str
    index: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """A transaction in a block. `contract`: the address that it created; `ok` False when it reverted."""

    hash: str
    block: int
    block_hash: str
    sender: str
    to: str | None
    contract: str | None
    gas_used: int
    ok: bool
    logs: tuple[Log, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A block's place and time (seconds since 1970)."""

    number: int
    hash: str
    parent: str
    time: int
    base_fee: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A transaction on its way: signed once, so that it can be sent again without being another.

    With `transaction` and `key`, it can be offered at a higher price, which is another that takes its place.
    """

    signed: Signed
    request: Json
    transaction: Transaction | None = None
    key: SigningKey | None = field(default=None, repr=False)

    @property
    def hash(self) -> str:
        return self.signed.hash


class Chain:
    """A chain as its users see it. Several threads may share one.

    `confirmations`: how many blocks must follow a transaction's before its receipt is handed out; `patience`: seconds
    without progress after which a transaction is given up; `raise_after`: seconds in no block after which it is offered
    at a higher price (`fees.raised`). `sending`: shared by chains through which one key sends.
    """

    def __init__(self, evm: Evm, *, confirmations: int = 0, patience: float = 120.0,
                 raise_after: float = RAISE_SECONDS, sending: "threading.Lock | None" = None) -> None:
        self.evm, self.confirmations, self.patience = evm, confirmations, patience
        self._raise_after = raise_after
        self.client, chain_id = self.ask_all([("web3_clientVersion", ()), ("eth_chainId", ())])
        self.id = unquantity(chain_id)
        self.embedded = self.client.startswith(EMBEDDED)
        self.development = self.embedded or self.client.lower().startswith("anvil")
        self._sending = sending or threading.Lock()

    # ---- reading

    def ask(self, method: str, *params: Json) -> Json:
        """A JSON-RPC request, its errors normalised (`Reverted`, `TransactionRefused`)."""
        try:
            return self.evm.request(method, params)
        except RpcError as error:
            raise normalised(error) from None

    def ask_all(self, calls: Sequence[Call]) -> list[Json]:
        """Several requests in one message."""
        try:
            return self.evm.batch(calls)
        except RpcError as error:
            raise normalised(error) from None

    def block_number(self) -> int:
        return unquantity(self.ask("eth_blockNumber"))

    def block(self, tag: Tag = "latest") -> Block:
        """The block at `tag`; ChainError when there is none."""
        found = self.find_block(tag)
        if found is None:
            raise ChainError(f"the chain has no block {tag}")
        return found

    def find_block(self, tag: Tag) -> Block | None:
        """The block at `tag`, None when there is none (yet, or any more)."""
        found = self.ask("eth_getBlockByNumber", _tag(tag), False)
        return None if found is None else read_block(found)

    def balance(self, address: str, tag: Tag = "latest") -> int:
        return unquantity(self.ask("eth_getBalance", address, _tag(tag)))

    def nonce(self, address: str, tag: Tag = "latest") -> int:
        """How many transactions `address` has sent; with "pending" also those that are not yet in a block."""
        return unquantity(self.ask("eth_getTransactionCount", address, _tag(tag)))

    def code(self, address: str, tag: Tag = "latest") -> bytes:
        return unhexed(self.ask("eth_getCode", address, _tag(tag)))

    def call(self, to: str, data: bytes, *, sender: str | None = None, value: int = 0, tag: Tag = "latest") -> bytes:
        """What `to` returns for `data`, changing nothing; Reverted when its code reverts."""
        return unhexed(self.ask("eth_call", _request(sender, to, data, value), _tag(tag)))

    def calls(self, targets: Sequence[tuple[str, bytes]], tag: Tag = "latest") -> list[bytes]:
        """Several calls in one message, all at the same block."""
        at = _tag(self.block_number() if tag == "latest" and len(targets) > 1 else tag)
        answers = self.ask_all([("eth_call", (_request(None, to, data, 0), at)) for to, data in targets])
        return [unhexed(answer) for answer in answers]

    def estimate(self, sender: str, to: str | None, data: bytes, value: int = 0) -> int:
        """The gas that a transaction needs; Reverted when it would revert."""
        return unquantity(self.ask("eth_estimateGas", _request(sender, to, data, value)))

    def logs(
        self, address: str | Sequence[str] = (), topics: Sequence[Json] = (), first: Tag = 0, last: Tag = "latest"
    ) -> tuple[Log, ...]:
        """The logs of blocks `first` to `last`. `topics`, by place: 32 bytes, a list of which any fits, or None.

        They are asked for `LOG_BLOCKS` blocks at a time, fewer where the chain's node refuses so many.
        """
        query: dict[str, Json] = {"topics": list(map(_topic, topics))}
        if address:
            query["address"] = address if isinstance(address, str) else list(address)
        end = self.block_number() if last == "latest" else last
        if not isinstance(first, int) or not isinstance(end, int):
            pieces = [(first, last)]
        elif end - first < LOG_BLOCKS:
            pieces = [(first, last)]  # with what came while the height was asked for
        else:
            pieces = [(each, min(each + LOG_BLOCKS - 1, end)) for each in range(first, end + 1, LOG_BLOCKS)]
        return tuple(read_log(log) for piece in pieces for log in self._logs(query, *piece))

    def _logs(self, query: dict[str, Json], first: Tag, last: Tag) -> list[Json]:
        """What a node refuses is asked for by halves: it may be too much for one answer."""
        try:
            return list(self.ask("eth_getLogs", {**query, "fromBlock": _tag(first), "toBlock": _tag(last)}))
        except RpcError:
            last = self.block_number() if last == "latest" else last
            if not isinstance(first, int) or not isinstance(last, int) or first >= last:
                raise
            middle = (first + last) // 2
            return self._logs(query, first, middle) + self._logs(query, middle + 1, last)

    def last_log(self, address: str, topics: Sequence[Json], first: int, last: int) -> Log | None:
        """The last one of these blocks; None if there is none. It is looked for from the end, so what is asked for is
        short when it is not long ago."""
        size, end = 1_000, last
        while end >= first:
            begin = max(first, end - size + 1)
            found = self.logs(address, topics, begin, end)
            if found:
                return found[-1]
            size, end = 2 * size, begin - 1
        return None

    # ---- writing

    def send(
        self, key: SigningKey, to: str | None, data: bytes = b"", value: int = 0, gas: int | None = None
    ) -> Receipt:
        """The receipt of a transaction of `key`, `confirmations` blocks deep. `to` None creates a contract.

        Raises Reverted when it would revert (then it is not sent, and costs nothing) or did; TransactionRefused when
        no block takes it; TransactionLost when it is in no block in time. With `gas` given, a node is not asked first:
        what reverts there is mined, and pays.
        """
        return self.wait(self.submit(key, to, data, value, gas))

    def deploy(self, key: SigningKey, code: bytes, arguments: bytes = b"", value: int = 0) -> Receipt:
        """The receipt of a new contract: `code` creates it, `arguments` are ABI-encoded."""
        return self.send(key, None, code + arguments, value)

    def submit(
        self, key: SigningKey, to: str | None, data: bytes = b"", value: int = 0, gas: int | None = None
    ) -> Sent:
        """A transaction handed to the chain and not waited for; errors as for `send`."""
        request = _request(key.address, to, data, value)
        gas = gas or self._gas(request)
        with self._sending:
            tip, max_fee = self._fees()
            nonce = self.nonce(key.address, "pending")
            transaction = Transaction(self.id, nonce, max_fee, tip, gas, to, value, data)
            signed = sign_transaction(transaction, key)
            self._hand_over(signed)
        return Sent(signed, request, transaction, key)

    def _gas(self, request: Json) -> int:
        """The embedded chain finds out in the one run by which it mines."""
        if self.embedded:
            return TRANSACTION_GAS
        return unquantity(self.ask("eth_estimateGas", request)) * (100 + GAS_MARGIN) // 100

    def _fees(self) -> tuple[int, int]:
        """Tip and highest price of a unit of gas: enough for six full blocks in a row before this one."""
        if self.embedded:
            return 0, 0
        block, tip = self.ask_all([("eth_getBlockByNumber", ("latest", False)), ("eth_maxPriorityFeePerGas", ())])
        base, tip = unquantity(block.get("baseFeePerGas", "0x0")), unquantity(tip)
        return (0 if base == 0 and self.development else tip), 2 * base + (tip if base else 0)

    def _hand_over(self, signed: Signed) -> None:
        """Sending the same signed transaction twice is sending it once: what the chain knows already is fine."""
        try:
            self.ask("enigma_send" if self.embedded else "eth_sendRawTransaction", hexed(signed.raw))
        except TransactionRefused:
            if self.ask("eth_getTransactionByHash", signed.hash) is None:
                raise

    def wait(self, sent: Sent, confirmations: int | None = None) -> Receipt:
        """The receipt of `sent`, `confirmations` blocks deep (default: the chain's).

        When a reorganisation takes the transaction out of its block, it is handed over again, as it was signed. When
        no block takes it for long, it is offered at a higher price; the receipt is that of what was taken.
        """
        depth = self.confirmations if confirmations is None else confirmations
        pause, last, progress, offered = 0.002, (0, ""), monotonic(), monotonic()
        offers = [sent]
        while True:
            *receipts, head = self.ask_all([
                *(("eth_getTransactionReceipt", (each.hash,)) for each in offers), ("eth_blockNumber", ())])
            found = next((receipt for receipt in receipts if receipt is not None), None)
            if found is not None and unquantity(head) >= unquantity(found["blockNumber"]) + depth:
                return self._checked(sent, read_receipt(found))
            state = (unquantity(head), found["blockHash"] if found else "")
            if state != last:
                last, progress = state, monotonic()
            elif monotonic() - progress > self.patience:
                raise TransactionLost(sent.hash, f"not {depth} blocks deep, and no new block for {self.patience:g} s")
            if found is None:
                self._keep(offers)
                if monotonic() - offered > self._raise_after:
                    offers += self._raised(offers)
                    offered = monotonic()
            sleep(pause)
            pause = min(pause * 1.5, 1.0)

    def _keep(self, offers: Sequence[Sent]) -> None:
        """Hand the last of `offers` over again if the chain has forgotten all; TransactionLost if another transaction
        has taken their place."""
        if self._known(offers):
            return
        last = offers[-1]
        try:
            self._hand_over(last.signed)
        except TransactionRefused as error:
            if not self._known(offers):  # which one may have become while this was said
                raise TransactionLost(last.hash, f"taken out by a reorganisation, and not taken back: {error}"
                                      ) from None

    def _known(self, offers: Sequence[Sent]) -> bool:
        return any(self.ask("eth_getTransactionByHash", each.hash) is not None for each in reversed(offers))

    def _raised(self, offers: Sequence[Sent]) -> list[Sent]:
        """What is offered instead of the last of `offers`; nothing once that is the most."""
        first, last = offers[0].transaction, offers[-1].transaction
        key = offers[-1].key
        if first is None or last is None or key is None:
            return []
        offer = raised(last, first, *self._fees())
        if offer is None:
            return []
        signed = sign_transaction(offer, key)
        # Refused when a block has just taken one, or when the node wants still more: then the next is higher.
        with suppress(TransactionRefused):
            self._hand_over(signed)
        return [Sent(signed, offers[0].request, offer, key)]

    def _checked(self, sent: Sent, receipt: Receipt) -> Receipt:
        if receipt.ok:
            return receipt
        try:
            self.ask("eth_call", sent.request, quantity(receipt.block - 1))
        except Reverted as error:
            raise Reverted(error.revert, sent.hash) from None
        raise Reverted(Revert("empty", "reverted, for a reason that was gone afterwards"), sent.hash)


def _tag(tag: Tag) -> str:
    return quantity(tag) if isinstance(tag, int) else tag


def _topic(topic: Any) -> Json:
    if isinstance(topic, bytes):
        return hexed(topic)
    return None if topic is None else [_topic(t) for t in topic]


def _request(sender: str | None, to: str | None, data: bytes, value: int) -> Json:
    request = {"data": hexed(data), "value": quantity(value)}
    if sender is not None:
        request["from"] = sender
    if to is not None:
        request["to"] = to
    return request


def read_block(block: Json) -> Block:
    """A block as JSON-RPC tells it."""
    return Block(unquantity(block["number"]), block["hash"], block["parentHash"], unquantity(block["timestamp"]),
                 unquantity(block.get("baseFeePerGas") or "0x0"))


def read_log(log: Json) -> Log:
    """A log as JSON-RPC tells it."""
    return Log(log["address"].lower(), tuple(map(unhexed, log["topics"])), unhexed(log["data"]),
               unquantity(log["blockNumber"]), log["blockHash"], log["transactionHash"], unquantity(log["logIndex"]))


def read_receipt(receipt: Json) -> Receipt:
    """A receipt as JSON-RPC tells it."""
    to, created = receipt.get("to"), receipt.get("contractAddress")
    return Receipt(
        receipt["transactionHash"], unquantity(receipt["blockNumber"]), receipt["blockHash"], receipt["from"].lower(),
        to.lower() if to else None, created.lower() if created else None, unquantity(receipt["gasUsed"]),
        receipt["status"] == "0x1", tuple(read_log(log) for log in receipt["logs"]),
    )
