"""How a client reaches nodes: the Unix socket of an operator on this machine, or the nodes' own ports.

A node is known by the fingerprint that the hub has of it, and by nothing else; a request is a method and its
parameters (JSON), and any member of a committee answers for it. Who does not answer is passed over for the next one.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from enigmalang.chain.errors import RpcError
from enigmalang.chain.hub import Node
from enigmalang.node.daemon.endpoints import BadEndpoint, read_endpoint
from enigmalang.transport.peering.client import ClientConnection
from enigmalang.transport.peering.contacts import Contact
from enigmalang.transport.peering.errors import PeeringError
from enigmalang.transport.peering.limits import Limits
from enigmalang.wire.json_texts import read_json

#: JSON-RPC's codes for what a server cannot do, and for what it cannot do just now.
REFUSED, LATER = -32000, -32001
#: The first byte of what is asked of a node about committees (`daemon.parts`).
TOPIC = 2
#: Answers may hold the pieces of many private results.
LIMITS = Limits(frame_bytes=1 << 26, memory_per_peer=1 << 27)


class Unanswered(Exception):
    """Nobody answered; the text says who was asked."""


class Line(Protocol):
    """Where nodes' methods are asked for. `request` raises ChainError for what they refuse, `Unanswered` when nobody is
    there."""

    def request(self, method: str, params: Sequence[Any] = ()) -> Any: ...

    def close(self) -> None: ...


def contact_of(address: str, node: Node) -> Contact | None:
    """Where a node is reached, by what the hub has of it; None when it has no port."""
    try:
        endpoint = read_endpoint(node.endpoint)
    except BadEndpoint:
        return None
    return Contact(address, endpoint.host, endpoint.port, node.fingerprint) if endpoint.port else None


class NodesLine:
    """The ports of some nodes: the first that answers does. One thread at a time."""

    def __init__(self, find: Callable[[], Sequence[Contact]], seconds: float) -> None:
        """`find` tells where they are, at first and when none of them is there any more. `seconds` that a node may take
        for an answer."""
        self._find, self._seconds = find, seconds
        self._left: list[Contact] = []
        self._open: tuple[Contact, ClientConnection] | None = None

    def request(self, method: str, params: Sequence[Any] = ()) -> Any:
        """See `Line.request`. A node that does not answer is asked last from then on; each is asked once."""
        body = bytes([TOPIC]) + json.dumps({"method": method, "params": list(params)}).encode()
        answer = self._first(body) if self._left else ""
        if isinstance(answer, str):
            self._left = list(self._find())  # they may have moved, or have other keys
            answer = self._first(body)
        if isinstance(answer, str):
            raise Unanswered(answer or "there is no node to ask")
        return _result(answer)

    def _first(self, body: bytes) -> bytes | str:
        """The answer of the first that gives one; else why there is none."""
        failed: list[str] = []
        for contact in list(self._left):
            try:
                return self._connected(contact).ask(body, self._seconds)
            except PeeringError as error:
                failed.append(f"{contact.host}:{contact.port} ({error.reason})")
                self.close()
                self._left.remove(contact)
                self._left.append(contact)
        return ", ".join(failed)

    def _connected(self, contact: Contact) -> ClientConnection:
        if self._open is not None and self._open[0] != contact:
            self.close()
        if self._open is None:
            self._open = contact, ClientConnection(contact, LIMITS)
        return self._open[1]

    def close(self) -> None:
        if self._open is not None:
            self._open[1].close()
            self._open = None


def _result(body: bytes) -> Any:
    """What a node answered. Raises RpcError."""
    try:
        answer = read_json(body)
        if "error" not in answer:
            return answer["result"]
        code, text = int(answer["error"]["code"]), str(answer["error"]["message"])
    except (ValueError, TypeError, KeyError) as error:
        raise RpcError(REFUSED, f"an answer that is none ({type(error).__name__})") from None
    raise RpcError(code, text)
