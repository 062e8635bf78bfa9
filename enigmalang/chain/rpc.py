"""A connection to a node by JSON-RPC 2.0: over HTTP, over WebSocket, or over a Unix socket (IPC).

Messages are sent again only when that cannot do anything twice: when the connection was lost, a request that reads, or
one that hands over a signed transaction (the same bytes are the same transaction).
"""

import json
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from enigmalang.chain.errors import ChainUnreachable, RpcError
from enigmalang.chain.evm import Call, Json
from enigmalang.chain.wires import Broken, Wire, open_wire

#: What may be asked once more after the connection broke, besides everything that begins with a prefix of these.
_REPEATABLE = ("eth_get", "eth_call", "eth_chainId", "eth_blockNumber", "eth_estimateGas", "eth_gasPrice",
               "eth_maxPriority", "eth_feeHistory", "eth_sendRawTransaction", "eth_syncing", "net_", "web3_")


class _NotOne(Exception):
    """An error that names no request: the node refused the message as a whole."""

    def __init__(self, error: RpcError) -> None:
        super().__init__(str(error))
        self.error = error


class RpcEvm:
    """An `Evm` at `where`: http://…, https://…, ws://…, wss://…, or the path of a Unix socket.

    `timeout`: seconds for a connection, and for each answer. Threads may share one.
    """

    def __init__(self, where: str, timeout: float = 30.0) -> None:
        """Raises ChainUnreachable when nobody answers there."""
        self.where, self._timeout = where, timeout
        self._lock = threading.Lock()
        self._number = 0
        self._closed = False
        self._batches = True  # until a node refuses one
        self._wire: Wire | None = None
        with self._lock:
            self._connect()

    # ---- the port

    def request(self, method: str, params: Sequence[Json] = ()) -> Json:
        """See `Evm.request`."""
        return self.batch([(method, params)])[0]

    def batch(self, calls: Sequence[Call]) -> list[Json]:
        """See `Evm.batch`."""
        if not calls:
            return []
        if self._batches or len(calls) == 1:
            try:
                return self._together(calls)
            except _NotOne as error:
                if len(calls) == 1:
                    raise error.error from None
                self._batches = False  # and nothing of the message was carried out
        return [self._together([call])[0] for call in calls]

    def _together(self, calls: Sequence[Call]) -> list[Json]:
        with self._lock:
            first = self._number + 1
            self._number += len(calls)
            asked = [
                {"jsonrpc": "2.0", "id": first + i, "method": method, "params": list(params)}
                for i, (method, params) in enumerate(calls)
            ]
            text = json.dumps(asked if len(asked) > 1 else asked[0]).encode()
            repeatable = all(method.startswith(_REPEATABLE) for method, _ in calls)
            answer = self._exchange(text, frozenset(range(first, first + len(calls))), repeatable)
        return [_result(answer[first + i]) for i in range(len(calls))]

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._closed = True
            self._drop()

    def __enter__(self) -> "RpcEvm":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- the wire

    def _exchange(self, text: bytes, ids: frozenset[int], repeatable: bool) -> dict[int, Json]:
        try:
            return self._once(text, ids)
        except Broken as error:
            self._drop()
            if not (repeatable and error.lost):
                raise self._unreachable(str(error)) from None
        try:
            return self._once(text, ids)
        except Broken as error:
            self._drop()
            raise self._unreachable(str(error)) from None

    def _once(self, text: bytes, ids: frozenset[int]) -> dict[int, Json]:
        wire = self._wire or self._connect()
        wire.send(text)
        while True:
            answers = _answers(wire.receive())
            found = {answer["id"]: answer for answer in answers if answer.get("id") in ids}
            if len(found) == len(ids):
                return found
            if any(answer.get("id") is None and "error" in answer for answer in answers):
                raise _NotOne(_error(next(a for a in answers if "error" in a)["error"]))
            if found or not wire.streams:
                raise Broken("the answer lacks what was asked for", lost=False)

    def _connect(self) -> Wire:
        if self._closed:
            raise self._unreachable("the connection was closed here")
        try:
            self._wire = open_wire(self.where, self._timeout)
        except Broken as error:
            raise self._unreachable(str(error)) from None
        return self._wire

    def _drop(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def _unreachable(self, reason: str) -> ChainUnreachable:
        return ChainUnreachable(
            self.where, reason, "Is a node running there? `enig chain up` starts one; without --chain none is needed."
        )


def _answers(message: Json) -> list[dict[str, Any]]:
    answers = message if isinstance(message, list) else [message]
    if not all(isinstance(answer, dict) for answer in answers):
        raise Broken("the answer is not JSON-RPC", lost=False)
    return answers


def _result(answer: dict[str, Any]) -> Json:
    if "error" in answer:
        raise _error(answer["error"])
    return answer.get("result")


def _error(error: Any) -> RpcError:
    if not isinstance(error, dict):
        return RpcError(-32603, str(error))
    return RpcError(int(error.get("code", -32603)), str(error.get("message", "an error without a text")),
                    error.get("data"))
