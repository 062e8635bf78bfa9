"""Money of those who act on a chain: where it comes from on a development chain, and what the hub keeps for them."""

from enigmalang.chain import development
from enigmalang.chain.client import Chain, Tag
from enigmalang.chain.hub import Hub
from enigmalang.chain.memory import FUNDS
from enigmalang.ethereum.keys import SigningKey


class Money:
    """Balances and payments of one client's identities.

    Fees that were not used up, and payments of failed jobs, lie with the hub until they are claimed. Here they count
    as owned, and are claimed when they are needed.
    """

    def __init__(self, chain: Chain, hub: Hub, since: int | None = None) -> None:
        """`since`: the block after which nobody but this client was on the chain, if there is one."""
        self._chain, self._hub, self._since = chain, hub, since
        self._funded: set[str] = set()
        self._lent: dict[str, int] = {}

    def fund(self, address: str, account: bool = False) -> None:
        """On a development chain, who has never been seen starts with money, as on every ledger of this kind.

        On a chain of its own, a client knows who has been seen: all get the same, whatever they own from earlier.
        """
        if not self._chain.development or address in self._funded:
            return
        self._funded.add(address)
        if not account and self._chain.code(address):
            return
        if self._since is not None:
            development.fund(self._chain, address, FUNDS - self._chain.balance(address, self._since))
        elif (account or not self._chain.nonce(address)) and not self._chain.balance(address):
            development.fund(self._chain, address, FUNDS)

    def of(self, address: str, tag: Tag = "latest") -> int:
        """What `address` owns itself."""
        return self._chain.balance(address, tag)

    def with_owed(self, address: str) -> int:
        """What `address` owns, and what the hub owes it, without what was lent to it."""
        return self.of(address) + self._hub.owed(address) - self._lent.get(address, 0)

    def ready(self, key: SigningKey, address: str, value: int, fee: int = 0) -> None:
        """Let `address` have `value` + `fee` if it can: `key` claims for it what the hub owes. A development chain
        lends what is missing of a fee: there it stands for nothing, and comes back."""
        missing = value + fee - self.of(address)
        if missing > 0 and (owed := self._hub.owed(address)):
            self._hub.claim(key, address)
            missing -= owed
        if 0 < missing <= fee and self._chain.development:
            development.fund(self._chain, address, missing)
            self._lent[address] = self._lent.get(address, 0) + missing
