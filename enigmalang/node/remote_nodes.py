"""A client's connections to nodes that store. Where a node is reached, and which key it holds, is read from the hub."""

from collections.abc import Iterator, Sequence

from enigmalang.node.daemon.storing import messages as m
from enigmalang.node.remote_service import RemoteError
from enigmalang.transport.peering.client import ClientConnection
from enigmalang.transport.peering.contacts import Contact
from enigmalang.transport.peering.errors import PeeringError
from enigmalang.transport.peering.limits import Limits
from enigmalang.wire.errors import WireError
from enigmalang.wire.messages import Message

#: Seconds that a node has for an answer; for finding others, for which it asks many.
ASK, FIND = 20.0, 60.0
WAY_OUT = "`enig node status` shows a node's owner what it is doing; try again later"


class Nodes:
    """The connections of a client. A context manager; any thread. `contacts`: the active nodes (by the hub), in the
    order in which they are asked."""

    def __init__(self, contacts: Sequence[Contact]) -> None:
        self._contacts = {contact.address: contact for contact in contacts}
        self._open = {contact.address: ClientConnection(contact, Limits()) for contact in contacts}

    def __enter__(self) -> "Nodes":
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._open.values():
            connection.close()

    def known(self, addresses: Sequence[str]) -> list[str]:
        """Those of `addresses` that the hub has as active nodes, each once."""
        return [address for address in dict.fromkeys(addresses) if address in self._open]

    def addresses(self) -> list[str]:
        return list(self._open)

    def ask(self, node: str, message: Message, seconds: float = ASK) -> m.ClientReply:
        """Raises PeeringError, and WireError for what is no reply."""
        return m.decode_client_reply(self._open[node].ask(bytes([m.TOPIC]) + m.encode(message), seconds))

    def each(self, message: Message, seconds: float) -> Iterator[tuple[str, m.ClientReply]]:
        """The replies of the nodes, one after the other, of those that give one. Raises RemoteError E0709 when none
        does."""
        failed: list[str] = []
        for node, contact in self._contacts.items():
            try:
                yield node, self.ask(node, message, seconds)
            except (PeeringError, WireError) as error:
                reason = error.reason if isinstance(error, PeeringError) else str(error)
                failed.append(f"{contact.host}:{contact.port} ({reason})")
        if len(failed) == len(self._contacts):
            raise RemoteError("E0709", f"no node answers: {', '.join(failed) or 'there is none on the hub'}", WAY_OUT)
