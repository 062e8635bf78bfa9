"""Transactions of identities: signed by their own key, or, for a shared identity, sent through its account by members
whose keys are here and whose policies let them act (`contracts/Account.vy`).
"""

from collections.abc import Callable, Sequence
from typing import Any

from enigmalang.chain.client import Chain, Receipt
from enigmalang.chain.digests import Domain, execute_digest, sign
from enigmalang.chain.hub import Hub, account_interface, signature_data
from enigmalang.ethereum.keys import SigningKey
from enigmalang.plan.calls import LedgerError


class Senders:
    """Who can send from here. `ready` is called with each address before its key signs."""

    def __init__(self, chain: Chain, hub: Hub, ready: Callable[[str], None]) -> None:
        self._chain, self._hub, self._ready = chain, hub, ready
        self._groups: dict[str, tuple[Any, ...]] = {}

    def share(self, identity: str, members: Sequence[Any]) -> None:
        """`members` (with a `signing` key, None if it is not here) are those of the shared identity at `identity`."""
        self._groups[identity] = tuple(members)

    def key(self, sender: Any) -> SigningKey:
        """The key of `sender`. Raises LedgerError for a shared identity, which has none."""
        key: SigningKey | None = sender.signing
        if key is None:
            raise LedgerError(f"{sender.name} has no key of its own: act as one of its members")
        self._ready(key.address)
        return key

    def any_key(self, sender: Any) -> SigningKey:
        """A key that acts for `sender`: its own, or that of a member, for what anyone may send."""
        if sender.signing is not None:
            return self.key(sender)
        for member in self._local(sender.address):
            return self.key(member)
        return self.key(sender)

    def can_act(self, sender: Any) -> bool:
        """Whether there are keys here that may act as `sender`."""
        return sender.signing is not None or bool(self._actors(sender.address))

    def send(self, sender: Any, to: str, data: bytes, value: int = 0, extra: int = 0) -> Receipt:
        """A transaction from `sender`'s address, with `value` + `extra` wei; whoever signs for a shared identity pays
        `extra`. Raises Reverted, TransactionRefused, and LedgerError when nobody here may act for it."""
        if sender.signing is not None:
            return self._chain.send(self.key(sender), to, data, value + extra)
        account, signers = sender.address, self._actors(sender.address)
        if not signers:
            raise LedgerError(f"nobody here may act for {account}")
        methods = account_interface().methods
        if len(signers) == 1:
            return self._chain.send(signers[0], account, methods["execute"].encode((to, data, value + extra)), extra)
        digest = execute_digest(Domain(self._chain.id, account), to, data, value + extra, self._hub.nonce(account))
        signed = signature_data([sign(digest, key.reveal()) for key in signers])
        call = methods["execute_signed"].encode((to, data, value + extra, signed))
        return self._chain.send(signers[0], account, call, extra)

    def _local(self, identity: str) -> list[Any]:
        return [m for m in self._groups.get(identity, ()) if m.signing is not None]

    def _actors(self, identity: str) -> list[SigningKey]:
        """The keys that together may act: one, if one suffices; several for policies that count signers."""
        members = {m.address: m for m in self._local(identity)}
        for address, member in members.items():
            if self._hub.may(address, identity, "act"):
                return [self.key(member)]
        for address, member in members.items():
            others = [a for a in members if a != address]
            rule = self._hub.policy(identity, address)
            if self._hub.decide(rule, address, [address, *others], address, "act"):
                return [self.key(member), *(self.key(members[a]) for a in others)]
        return []
