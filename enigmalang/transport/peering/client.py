"""A user's programs speak with a node: anonymous to it, while it is known by its fingerprint."""

from enigmalang.transport.identity import new_key
from enigmalang.transport.peering.connections import Place
from enigmalang.transport.peering.contacts import Contact
from enigmalang.transport.peering.handshake import call
from enigmalang.transport.peering.limits import Limits
from enigmalang.transport.peering.pool import Pool
from enigmalang.transport.peering.prelude import NO_ROOM, Purpose
from enigmalang.transport.peering.requests import Line


class ClientConnection:
    """Requests to one node, connected when first asked. A context manager; any thread may ask, many at once.

    The key is thrown away with this object: nothing ties two of them together but where they connect from.
    """

    def __init__(self, contact: Contact, limits: Limits) -> None:
        self._contact = contact
        self._limits = limits
        self._key = new_key("client")
        self._pool = Pool(limits, self._dial)

    def ask(self, body: bytes, seconds: float) -> bytes:
        """The node's answer to one request; nothing is sent again by itself.

        Raises PeerUnreachable after at most `seconds` (a name that the system resolves slowly can add to it), also
        when who listens there holds another key; PeerRefused; ValueError when the request is larger than a frame.
        """
        return self._pool.ask(self._contact, body, seconds)

    def close(self) -> None:
        """End the connections. Whoever asks gets PeerUnreachable."""
        self._pool.close()

    def __enter__(self) -> "ClientConnection":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _dial(self, contact: Contact, deadline: float) -> Line:
        channel = call(contact, self._key, Purpose.CLIENT, NO_ROOM, self._limits, deadline)
        address = contact.address
        return Line(Place(address, address, contact.fingerprint, Purpose.CLIENT, False, channel), self._limits)
