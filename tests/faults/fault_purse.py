"""People who use a contract of a town that is hurt, a model of what they have, and the invariants of issue 6: no
acknowledged value is lost, a job ends in its result or a refund, roots are the chain's, and no secret is in any file.
"""

import os
import re
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from fault_town import Later, Node, Town, until
from lacking import Lack, lacking

from enigmalang.chain.hub import Hub
from enigmalang.compiler.compiler import compile_file
from enigmalang.diagnostics import Sink
from enigmalang.identity.keys import Keystore
from enigmalang.node.daemon.keys import KeyFolder
from enigmalang.node.durable.sqlite import SqliteState
from enigmalang.node.remote import Remote, RemoteError, connect, open_contract
from enigmalang.node.remote_calls import Caller, deploy
from enigmalang.node.remote_forming import with_committee

SOURCE = Path(__file__).with_name("purse.enig")
PEOPLE = ("alice", "bob", "carol")
#: What a client is told of a job that was not done by its deadline: fee and payment are back.
REFUNDED = "E0711"


class Purse:
    """The contract `purse.enig` with a committee of its own, and what its people own. `rng` draws the amounts."""

    def __init__(self, town: Town, rng: Random) -> None:
        self.town, self._rng = town, rng
        plan = compile_file(str(SOURCE), Sink())
        assert plan is not None
        self.plan, self.has = plan, dict[str, int]()
        self.secrets: set[int] = set()
        self._idle: list[tuple[object, Remote]] = []
        self._unseen: set[str] = set()  # who has put something down since they looked last
        owner = Keystore().get(PEOPLE[0])
        chain = connect(town.url)
        with chain.evm:
            network = with_committee(chain, town.network, owner, plan.field)
            self.committee = network.committee
            self.address = deploy(chain, network, plan, "Purse", owner, [])

    @property
    def members(self) -> list[Node]:
        """In the order of their seats."""
        with self.town.on_hub() as hub:
            now = hub.attachment(self.address).committee
            return [self.town.at(address.lower()) for address in hub.committee(now).members]

    # ---- calls

    def call(self, function: str, *args: Any, who: str = PEOPLE[0]) -> Any:
        """The result. Raises RemoteError, ChainError."""
        remote = self._remote()
        try:
            done = Caller(remote, Keystore().get(who)).call(self.plan.functions[f"Purse.{function}"], list(args))
        except BaseException:
            remote.__exit__()
            raise
        self._idle.append((self.town.chain_process, remote))
        return done.leaves[0] if done.leaves else None

    def _remote(self) -> Remote:
        """One that is not in use: to make one takes half a second of compiling. Those of a chain that died are not
        used again."""
        while self._idle:
            process, remote = self._idle.pop()
            if process is self.town.chain_process:
                return remote
            remote.__exit__()
        return open_contract(connect(self.town.url), self.address)

    def close(self) -> None:
        while self._idle:
            self._idle.pop()[1].__exit__()

    def put(self, who: str | None = None) -> bool:
        """Somebody puts an amount down, and is told whether it was taken or refunded."""
        who = who or self._rng.choice(PEOPLE)
        amount = self._rng.randrange(10**9, 1 << 32)  # long enough to be nobody else's number
        self.secrets.add(amount)
        try:
            self.call("put", amount, who=who)
        except RemoteError as error:
            if error.code != REFUNDED:
                raise
            return False
        self.has[who] = amount
        self._unseen.add(who)
        return True

    def putting(self, who: str | None = None) -> Later:
        return Later(lambda: self.put(who))

    # ---- invariants

    def check(self, look: bool = True) -> None:
        """All that was acknowledged is there, at every member; nothing is known to whom it should not be. `look`: who
        has put something down looks at it too."""
        if len(self.has) > 1:  # of one, it would tell the amount
            assert self.call("total") == sum(self.has.values())
        for who in sorted(self._unseen) if look else ():
            assert self.call("mine", who=who) == self.has[who]
            self._unseen.remove(who)
        self.check_roots()
        self.check_no_secrets()

    def check_roots(self) -> None:
        """Every member has the private state that the chain names, on its disk."""
        with self.town.on_hub() as hub:
            for node in self.members:
                until(lambda node=node: not self.lacks(hub, node), f"node {node.number} having the state")

    def lacks(self, hub: Hub, node: Node) -> list[Lack]:
        """What a member's disk does not have, as a process that begins with it now would see it."""
        block = hub.chain.block_number()
        attached = hub.attachment(self.address, block).committee
        with on_disk(hub, node) as state:
            return lacking(hub, state.committee(attached), [self.address], block)

    def check_no_secrets(self) -> None:
        """No amount, password or key is in any file of the town, but where they belong."""
        forms = [form for amount in self.secrets for form in _forms(amount)]
        for node in self.town.nodes:
            keys = KeyFolder(node.folder).open(node.password())
            for secret in (keys.storage, keys.signing.reveal()):
                forms += [secret, secret.hex().encode()]
        found = re.compile(b"|".join(map(re.escape, forms)))
        passwords = re.compile(b"|".join(re.escape(node.password().encode()) for node in self.town.nodes))
        for path, data in _files(self.town.folder):
            assert not found.search(data), f"a secret is in {path}"
            assert path.name == "password" or not passwords.search(data), f"a password is in {path}"


def _forms(amount: int) -> list[bytes]:
    """How a number may stand in a file: in digits, as a word."""
    return [b"%d" % amount, amount.to_bytes(8, "little"), amount.to_bytes(8, "big")]


def _files(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for path in folder.rglob("*"):
        try:
            if path.is_file():
                yield path, path.read_bytes()
        except FileNotFoundError:
            continue  # a log of a database is gone when its process ends


@contextmanager
def on_disk(hub: Hub, node: Node) -> Iterator[SqliteState]:
    """A copy of what a node's disk has."""
    keys = KeyFolder(node.folder).open(node.password())
    with tempfile.TemporaryDirectory() as copy:
        copied = _copied(node, Path(copy))
        with SqliteState(copied, keys.storage, f"chain {hub.chain.id}, hub {hub.address}") as state:
            yield state


def _copied(node: Node, folder: Path) -> Path:
    """The node's state as it is on the disk at one moment, while its process is held."""
    source = node.folder / "data" / "seats"
    if node.runs:
        node.signal(signal.SIGSTOP)
        assert node.process is not None
        os.waitid(os.P_PID, node.process.pid, os.WSTOPPED | os.WNOWAIT)
    try:
        for name in ("state.db", "state.db-wal"):
            if (source / name).exists():
                shutil.copy(source / name, folder / name)
    finally:
        if node.runs:
            node.signal(signal.SIGCONT)
    return folder / "state.db"


__all__ = ["PEOPLE", "REFUNDED", "Purse", "on_disk"]
