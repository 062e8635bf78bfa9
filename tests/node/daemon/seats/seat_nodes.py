"""Nodes whose daemons run in threads of this process, each with its folder and its port, and a client of theirs."""

import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from daemon_world import World, changed, until
from later import Later

from enigmalang.chain import development
from enigmalang.compiler.compiler import compile_file
from enigmalang.diagnostics import Sink
from enigmalang.identity.keys import Identity, Keystore
from enigmalang.node.daemon.config import Config, read_config
from enigmalang.node.daemon.daemon import Daemon
from enigmalang.node.daemon.keys import KeyFolder
from enigmalang.node.daemon.log import Log
from enigmalang.node.daemon.seats.here import Pace
from enigmalang.node.daemon.seats.member import Member
from enigmalang.node.daemon.seats.part import SeatsPart
from enigmalang.node.daemon.seats.terms import Timing
from enigmalang.node.durable import points
from enigmalang.node.networks import Network
from enigmalang.node.remote import connect, open_contract
from enigmalang.node.remote_calls import Caller, Done, deploy
from enigmalang.node.remote_forming import with_committee
from enigmalang.plan.plan import Plan

#: Fast where that costs nothing; patient where a busy machine may be slow.
PACE = Pace(Timing(ask=0.1, silent=5.0, known=2.0, meet=30.0, rest=0.05, turn=2.0, passed=5.0), ask=10.0, poll=0.05,
            tick=0.02, behind=1.0, order=1.0)
LONG = 120.0
POOL = Path(__file__).parents[2] / "service" / "pool.enig"


def compiled(path: Path = POOL) -> Plan:
    plan = compile_file(str(path), Sink())
    assert plan is not None
    return plan


class RunningNode:
    """A daemon from `start` to `stop`; it may be started again."""

    def __init__(self, config: Config, name: str, pace: Pace = PACE) -> None:
        self.folder, self.name, self.pace = config.folder, name, pace
        self.part = SeatsPart(PACE)
        self.daemon: Daemon | None = None
        self._thread: threading.Thread | None = None
        self._raised: list[BaseException] = []

    def start(self, at: points.Hook = points.unwatched) -> None:
        config = read_config(self.folder)
        files = KeyFolder(self.folder)
        log = Log(config.log, self.folder)
        self.part = SeatsPart(self.pace, at)
        daemon = self.daemon = Daemon(config, files.open("correct horse"), files, log, [self.part])

        ready = threading.Event()

        def run() -> None:
            try:
                daemon.run(ready.set)
            except BaseException as error:  # noqa: BLE001  raised by `stop`
                self._raised.append(error)
            finally:
                ready.set()
                log.close()

        self._thread = threading.Thread(target=run, name=f"daemon {self.name}", daemon=True)
        self._thread.start()
        ready.wait()
        until(lambda: self._raised or daemon.following.phase == "serving", "serving", LONG)

    def stop(self) -> None:
        if self.daemon is not None and self._thread is not None:
            self.daemon.stop.set()
            self._thread.join()
            self.daemon = None
        if self._raised:
            raise self._raised.pop()

    def cut(self) -> None:
        """End all its connections at once, as if it had died, and then stop."""
        assert self.daemon is not None
        self.daemon._channels.close()
        self.stop()

    @property
    def address(self) -> str:
        assert self.daemon is not None
        return str(self.daemon._keys.address)

    def member(self, committee: int) -> Member:
        return until(lambda: self.part._served().get(committee), f"{self.name} in committee {committee}", LONG)


class Nodes:
    """`count` nodes on a world's hub, all running; `committees`: options of that section. A context manager."""

    def __init__(self, world: World, folder: Path, count: int, pace: Pace = PACE, **committees: Any) -> None:
        self.world, self._stack = world, ExitStack()
        self.all = {name: RunningNode(changed(world.node(folder / name, name), "committees", **committees), name, pace)
                    for name in (f"node{number}" for number in range(1, count + 1))}

    def __enter__(self) -> "Nodes":
        with ExitStack() as stack:
            for node in self.all.values():
                stack.callback(node.stop)
                node.start()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def network(self) -> Network:
        """As clients see it: committees are drawn."""
        return Network(self.world.chain.id, str(self.world.socket), self.world.hub.address, 0, "", (), 0, "")

    def in_seats(self, members: tuple[str, ...]) -> list[RunningNode]:
        """The nodes of a committee, in the order of its seats; all of them run."""
        found = {node.address: node for node in self.all.values() if node.daemon is not None}
        return [found[member] for member in members]


class Client:
    """Somebody who deploys a contract and calls it, as `enig deploy` and `enig call` do."""

    def __init__(self, nodes: Nodes, plan: Plan, name: str = "Pool", who: str = "alice", rotation: int = 0) -> None:
        self.nodes, self.plan, self.said = nodes, plan, list[str]()
        self.identity: Identity = Keystore().get(who)
        chain = connect(str(nodes.world.socket))
        with chain.evm:
            network = with_committee(chain, nodes.network(), self.identity, plan.field, self.said.append,
                                     rotation=rotation)
            self.network, self.committee, self.members = network, network.committee, network.nodes
            self.address = deploy(chain, network, plan, name, self.identity, [], say=self.said.append)

    def call(self, function: str, *args: Any, who: str | None = None) -> Done:
        """Call, and wait for what comes of it."""
        identity = self.identity if who is None else Keystore().get(who)
        with open_contract(connect(str(self.nodes.world.socket)), self.address) as remote:
            return Caller(remote, identity, self.said.append).call(self.plan.functions[f"Pool.{function}"], list(args))

    def later(self, function: str, *args: Any, who: str | None = None) -> Later:
        """Call in a thread of its own."""
        return Later(lambda: self.call(function, *args, who=who))


__all__ = ["Client", "Later", "Nodes", "RunningNode", "compiled", "development", "until"]
