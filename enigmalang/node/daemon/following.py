"""The daemon's chain thread: reach the chain, enter the hub, start the parts, and keep up with all that changes."""

import sqlite3
import threading
from collections.abc import Callable
from time import monotonic

from enigmalang.chain.client import Chain
from enigmalang.chain.hub import Hub
from enigmalang.node.daemon.config import Config
from enigmalang.node.daemon.connection import Retried, Stopping, reach
from enigmalang.node.daemon.keys import KeyFolder, NodeKeys, age_days
from enigmalang.node.daemon.log import Log
from enigmalang.node.daemon.membership import Funds, Membership, NotYet
from enigmalang.node.daemon.parts import Channels
from enigmalang.node.daemon.registry import HubRegistry
from enigmalang.node.daemon.registry_file import Member, RegistryFile

#: Seconds until another try to make a new channel key, when the chain did not take one.
ROTATE_AGAIN = 3600.0
#: Seconds between two looks at what the node owns: nothing hangs on it.
FUNDS_SECONDS = 2.0
#: In a node's folder: what it knows of the hub's nodes.
HUB = "hub.db"
REACHING, READING, ENTERING, SERVING = (
    "waiting for the chain", "reading the hub", "entering the hub", "serving")


class Following:
    """One thread's work (`run`); what it knows may be read by all. Attributes are None until they are known.

    `endpoint`: as it shall stand on the hub. `found` is called when there is a registry, `entered` once the node stands
    on the hub.
    """

    def __init__(self, config: Config, keys: NodeKeys, files: KeyFolder, log: Log, endpoint: str, rejoin: bool,
                 channels: Channels, found: Callable[[HubRegistry], None], entered: Callable[[], None]) -> None:
        self._config, self._keys, self._files, self._log = config, keys, files, log
        self._endpoint, self._rejoin = endpoint, rejoin
        self._channels, self._found, self._entered = channels, found, entered
        self.closed, self.sending = threading.Event(), threading.Lock()
        self.phase = REACHING
        self.chain: Chain | None = None
        self.hub: Hub | None = None
        self.registry: HubRegistry | None = None
        self._kept: RegistryFile | None = None
        self.membership: Membership | None = None
        self.member: Member | None = None
        self.funds: Funds | None = None
        self.obstacle = ""  # why the node is not on the hub
        self._heard = self._tried = self._next_funds = monotonic()
        self._version = 0

    @property
    def silent_seconds(self) -> float:
        """Since the chain answered last, or since the start."""
        return monotonic() - self._heard

    def run(self) -> None:
        """Until `closed` is set. Raises Misconfigured, Ended and BadKeys, and what starting a part raises."""
        try:
            self._follow()
        except Stopping:
            pass
        finally:
            if self._kept is not None:
                self._kept.close()
            if self.chain is not None:
                self.chain.evm.close()

    def _follow(self) -> None:
        chain, hub = reach(self._config.chain, self._log, self.closed, self.sending)
        try:
            self._kept = RegistryFile(self._config.folder / HUB, f"chain {chain.id}, hub {hub.address}")
        except (OSError, sqlite3.Error) as error:
            self._log.warning("the hub's nodes are not kept, and are read anew at each start", reason=str(error))
        self.registry = HubRegistry(hub, self._config.chain.start, self._kept)
        self.membership = Membership(hub, self._keys, self._files, self._config, self._log)
        self.chain, self.hub = chain, hub
        self._heard = monotonic()
        self.phase = READING
        retried = Retried(self._log)
        while not self.closed.is_set():
            if retried(self._step):
                self._heard = monotonic()
            self.closed.wait(self._config.chain.poll_seconds)

    def _step(self) -> None:
        assert self.registry is not None and self.membership is not None
        touched = self.registry.step()
        if self.phase == READING:
            self._found(self.registry)
            self.phase = ENTERING
            self._log.info("the hub is read", block=self.registry.block, nodes=len(self.registry.members()))
        if self.registry.version != self._version:
            self._version = self.registry.version
            self._channels.refresh()
        if monotonic() >= self._next_funds:
            self.funds, self._next_funds = self.membership.funds(), monotonic() + FUNDS_SECONDS
        if self.phase == ENTERING:
            self._enter(self.membership)
            return
        if self._keys.address in touched:
            self._changed(self.registry, self.membership)
        self._renew(self.membership)

    def _enter(self, membership: Membership) -> None:
        try:
            before = membership.channel
            self.member = membership.enter(self._endpoint, self._rejoin)
        except NotYet as error:
            if str(error) != self.obstacle:
                self._log.warning("not on the hub yet", reason=str(error))
            self.obstacle = str(error)
            return
        self.obstacle, self.funds = "", membership.funds()
        if membership.channel is not before:
            self._channels.rekey(membership.channel)
        self._entered()
        self.phase = SERVING
        self._log.info("serving", address=self._keys.address, endpoint=self._endpoint)

    def _changed(self, registry: HubRegistry, membership: Membership) -> None:
        """Something about this node has changed on the hub."""
        now = registry.member(self._keys.address)
        before, self.member = self.member, now
        if now is None:
            if before is not None:
                self.obstacle = "the node is none of the hub's any more: it was slashed, or has withdrawn"
                self._log.error("no node of the hub any more", deposit=str(before.deposit))
            return
        self.obstacle = ""
        if membership.follow(now):
            self._channels.rekey(membership.channel)
        elif membership.foreign(now):
            self._log.warning("the hub has another channel key for this node: does another process use its key?",
                              fingerprint=now.fingerprint.hex())

    def _renew(self, membership: Membership) -> None:
        """A new channel key in good time: a certificate does not last for ever."""
        days = self._config.node.rotate_days
        if not days or self.member is None or age_days(membership.channel) < days or monotonic() < self._tried:
            return
        self._tried = monotonic() + ROTATE_AGAIN
        membership.rotate(self._channels.rekey)

    # ---- what the owner asks for

    def standing(self) -> Membership:
        """Raises NotYet while there is no chain."""
        if self.membership is None:
            raise NotYet("the chain is not reached yet")
        return self.membership

    def check(self) -> tuple[tuple[str, str], ...]:
        """What has to be so for the node to be well, and what is wrong with it."""
        late = self.silent_seconds
        chain = "not reached yet" if self.chain is None else (
            f"silent for {late:.0f} s" if late > self._config.chain.late_seconds else "")
        hub = self.obstacle or ("" if self.phase == SERVING else "not on the hub yet")
        return ("chain", chain), ("hub", hub)


def fetch_heights(registry: HubRegistry | None) -> tuple[int | None, int]:
    """The chain's newest block, and how many of its blocks are not read yet."""
    if registry is None or registry.block < 0:
        return None, 0
    return registry.height, max(registry.height - registry.block, 0)
