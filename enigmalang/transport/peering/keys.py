"""This node's own channel keys: the one it uses, and the one before while it is still registered."""

from dataclasses import dataclass

from enigmalang.transport.identity import ChannelKey, server_context
from enigmalang.transport.peering.contacts import Registry, fingerprint


@dataclass(frozen=True, slots=True)
class _Own:
    key: ChannelKey
    fingerprint: bytes


class Keys:
    """Key rotation without a gap: until the hub names the new key, peers expect the old one and get it."""

    def __init__(self, me: str, key: ChannelKey, registry: Registry) -> None:
        self._me = me
        self._registry = registry
        self._owned: tuple[_Own, ...] = (_own(key),)  # newest first; replaced as a whole, so that readers need no lock

    def rekey(self, key: ChannelKey) -> None:
        """A new key; of the others only the one before is kept. Raises ssl.SSLError when it is no key."""
        self._owned = (_own(key), self._owned[0])

    def holding(self, wanted: bytes) -> ChannelKey | None:
        """The key of this fingerprint, for who dialled and expects it."""
        return next((own.key for own in self._owned if own.fingerprint == wanted), None)

    def registered(self) -> ChannelKey:
        """The key to dial with: the one that the registry names, or the newest when it names none of them."""
        owned = self._owned
        return next((own.key for own in owned if self._registry.who(own.fingerprint) == self._me), owned[0].key)

    def forget(self) -> None:
        """Drop the key before once the newest is registered."""
        newest = self._owned[0]
        if self._registry.who(newest.fingerprint) == self._me:
            self._owned = (newest,)


def _own(key: ChannelKey) -> _Own:
    server_context(key, [key.certificate])  # a key that cannot be used is found now, by who gives it
    return _Own(key, fingerprint(key.certificate))
