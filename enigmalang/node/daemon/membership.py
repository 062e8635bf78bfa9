"""A node's place on the hub: entering it with a deposit, its keys and endpoint there, leaving it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from enigmalang.chain.errors import Reverted, TransactionRefused
from enigmalang.chain.hub import Hub
from enigmalang.node.daemon.config import Config
from enigmalang.node.daemon.keys import KeyFolder, NodeKeys
from enigmalang.node.daemon.log import Log
from enigmalang.node.daemon.registry import ever_registered, read_member
from enigmalang.node.daemon.registry_file import Member
from enigmalang.transport.identity import ChannelKey
from enigmalang.transport.peering.contacts import fingerprint

#: Gas that registering takes at most, for saying how much money is missing.
REGISTER_GAS = 300_000


class NotYet(Exception):
    """The node cannot be registered now; the text says what has to happen, and it is tried again."""


class Ended(Exception):
    """The node was one, and is none any more: it was slashed, or has withdrawn."""


@dataclass(frozen=True, slots=True)
class Funds:
    """Wei: what the node's address has, what it has put down, what it has not claimed."""

    balance: int
    deposit: int
    owed: int


class Membership:
    """One node and one hub. `channel` is the channel key that counts. Threads may share one."""

    def __init__(self, hub: Hub, keys: NodeKeys, files: KeyFolder, config: Config, log: Log) -> None:
        self._hub, self._keys, self._files, self._config, self._log = hub, keys, files, config, log
        self._lock = threading.RLock()
        self._announced: ChannelKey | None = None
        self.channel = keys.channel

    # ---- entering

    def enter(self, endpoint: str, rejoin: bool) -> Member:
        """What the hub knows of the node, when that is right: it registers, or updates what has changed.

        Who was slashed, or withdrew, enters again only to `rejoin`. Raises NotYet, Ended and ChainError.
        """
        with self._lock:
            member = read_member(self._hub, self._keys.address)
            if not member.deposit:
                self._register(endpoint, rejoin)
            else:
                self.follow(member)
                if self._differs(member, endpoint):
                    self._hub.update(self._keys.signing, *self._entry(self.channel, endpoint))
                    self._log.info("updated on the hub", endpoint=endpoint)
            return read_member(self._hub, self._keys.address)

    def follow(self, member: Member) -> bool:
        """Take up the prepared channel key if the hub has it already: whether it does. Raises BadKeys."""
        with self._lock:
            prepared = self._files.prepared(self._keys)
            if prepared is None or member.fingerprint != fingerprint(prepared.certificate):
                return False
            self._files.promote()
            self.channel = prepared
            return True

    def foreign(self, member: Member) -> bool:
        """Whether the hub has a channel key for this node that is not in its folder. Raises BadKeys."""
        with self._lock:
            prepared = self._files.prepared(self._keys)
            ours = [self.channel] if prepared is None else [self.channel, prepared]
            return member.fingerprint not in [fingerprint(key.certificate) for key in ours]

    def _entry(self, channel: ChannelKey, endpoint: str) -> tuple[bytes, bytes, str]:
        return self._keys.receiving_public, fingerprint(channel.certificate), endpoint

    def _differs(self, member: Member, endpoint: str) -> bool:
        return (member.key, member.fingerprint, member.endpoint) != self._entry(self.channel, endpoint)

    def _register(self, endpoint: str, rejoin: bool) -> None:
        chain, address = self._hub.chain, self._keys.address
        if not rejoin and ever_registered(chain, self._hub, address, self._config.chain.start):
            raise Ended(f"{address} was a node of the hub {self._hub.address} and is none any more: it was slashed, or "
                        "has withdrawn. `enig node start --rejoin` puts down a new deposit")
        least = self._hub.minimum_deposit()
        deposit = self._config.node.deposit or least
        if deposit < least:
            raise NotYet(f"the hub takes deposits from {least} wei on; node.deposit in node.toml is {deposit}")
        balance = chain.balance(address)
        gas = REGISTER_GAS * chain.block().base_fee
        if balance < deposit + gas:
            raise NotYet(f"{address} has {_amount(balance)} and needs {_amount(deposit)} for the deposit"
                         f"{_and_gas(gas)}: send it {_amount(deposit + gas - balance)} on chain {chain.id}")
        try:
            self._hub.register(self._keys.signing, *self._entry(self.channel, endpoint), deposit)
        except (Reverted, TransactionRefused) as error:
            if read_member(self._hub, address).deposit:
                return  # a transaction from before we were killed was faster
            raise NotYet(f"the node cannot be registered: {error}") from None
        self._log.info("registered on the hub", deposit=str(deposit), endpoint=endpoint)

    # ---- what its owner asks for; each raises ChainError

    def rotate(self, announce: Callable[[ChannelKey], None] = lambda key: None) -> ChannelKey:
        """A new channel key, which the hub has when this returns; `NotYet` when the node is not registered.

        `announce` is called with it before the hub hears of it: peers may read the hub sooner than we do.
        """
        with self._lock:
            member = self._registered()
            key = self._files.prepare(self._keys)
            if key != self._announced:  # once: the channels keep the one before it, until the hub has this one
                announce(key)
                self._announced = key
            self._hub.update(self._keys.signing, *self._entry(key, member.endpoint))
            self._files.promote()
            self.channel = key
        self._log.info("new channel key", fingerprint=fingerprint(key.certificate).hex())
        return key

    def leave(self) -> Member:
        """Give notice; what the hub knows afterwards. Giving it again changes nothing."""
        with self._lock:
            member = self._registered()
            if not member.leaves:
                self._hub.leave(self._keys.signing)
                member = self._registered()
                self._log.info("notice given", until=member.leaves)
            return member

    def withdraw(self) -> int:
        """The deposit, paid back; Reverted with the hub's reason when it is not the time."""
        with self._lock:
            member = self._registered()
            self._hub.withdraw(self._keys.signing)
        self._log.info("deposit withdrawn", wei=str(member.deposit))
        return member.deposit

    def claim(self) -> int:
        """Fees and refunds, paid out: how much."""
        with self._lock:
            if not self._hub.owed(self._keys.address):
                return 0
            paid = self._hub.claim(self._keys.signing)
        self._log.info("claimed", wei=str(paid))
        return paid

    def funds(self) -> Funds:
        """Raises ChainError."""
        address = self._keys.address
        return Funds(self._hub.chain.balance(address), self._hub.node(address).deposit, self._hub.owed(address))

    def _registered(self) -> Member:
        member = read_member(self._hub, self._keys.address)
        if not member.deposit:
            raise NotYet(f"{self._keys.address} is no node of the hub {self._hub.address}: `enig node start` enters it")
        return member


def _amount(wei: int) -> str:
    """To send just that: in ether where that is short, else in wei."""
    whole, rest = divmod(wei, 10**18)
    if not wei or rest % 10**12:
        return f"{wei} wei"
    return f"{whole}.{rest // 10**12:06}".rstrip("0").rstrip(".") + " ether"


def _and_gas(gas: int) -> str:
    return f" and about {_amount(gas)} for gas" if gas else ""
