"""The daemon of a node: everything that runs, from its start to its end, in order.

Threads: the caller's waits for the end; one follows the chain (`following`); one answers /health and /metrics, one the
control socket; those of the channels and of the parts are their own.
"""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from time import monotonic, time
from typing import Any

import enigmalang
from enigmalang.chain.errors import ChainError, shown
from enigmalang.node.daemon.config import Config
from enigmalang.node.daemon.connection import Misconfigured, open_chain
from enigmalang.node.daemon.control import Control
from enigmalang.node.daemon.endpoints import Endpoint
from enigmalang.node.daemon.following import Following, fetch_heights
from enigmalang.node.daemon.keys import KeyFolder, NodeKeys, age_days
from enigmalang.node.daemon.log import Log
from enigmalang.node.daemon.metrics import Metrics, health
from enigmalang.node.daemon.monitor import Monitor
from enigmalang.node.daemon.parts import Part, Router, Surroundings
from enigmalang.node.daemon.peers import ContactBook, Hearer
from enigmalang.node.durable.errors import StateError
from enigmalang.transport.peering.contacts import fingerprint
from enigmalang.transport.peering.limits import Limits
from enigmalang.transport.peering.peering import Peering

Json = Any
#: The folder in a node's folder for what it keeps for others.
DATA = "data"
STOPPING = "stopping"


class Daemon:
    """One node, from `run` to its return. `parts` are started in their order."""

    def __init__(self, config: Config, keys: NodeKeys, files: KeyFolder, log: Log, parts: Sequence[Part] = (),
                 rejoin: bool = False) -> None:
        self.config, self.log, self.metrics = config, log, Metrics()
        self.stop = threading.Event()
        self._keys, self._files, self._rejoin = keys, files, rejoin
        self._parts, self._started = tuple(parts), list[Part]()
        self._router, self._book = Router(), ContactBook()
        self._hearer = Hearer(log, self.metrics)
        self._stack = ExitStack()
        self._since, self._began = time(), monotonic()
        self._around: Surroundings | None = None
        self._monitor: Monitor | None = None
        self._data = config.folder / DATA

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Until `stop` is set. `ready` is called when the control socket answers.

        Raises Misconfigured, PortTaken, Ended, BadKeys, ChainUnreachable (the control socket cannot be made), and what
        ends a part's start: OSError, StateError.
        """
        self._data.mkdir(mode=0o700, exist_ok=True)
        with self._stack:
            self._begin()
            thread = ThreadPoolExecutor(1, "chain")
            followed = thread.submit(self.following.run)
            followed.add_done_callback(lambda _: self.stop.set())  # what ends the chain's thread ends the daemon
            thread.shutdown(wait=False)
            ready()
            self.stop.wait()
            self._end(followed)
        error = followed.exception() if followed.done() else None
        if error is not None:
            self.log.error("ended", reason=str(error))
            raise error
        self.log.info("stopped")

    # ---- begin and end

    def _begin(self) -> None:
        config = self.config
        self.log.info("starting", address=self._keys.address, version=enigmalang.__version__, pid=os.getpid())
        listen = config.listen
        try:
            self._channels = Peering(
                self._keys.address, self._keys.channel, self._book, (listen.host, listen.port),
                Limits(**asdict(config.limits)), self._router.answer, self._router.serve, self._hearer)
        except OSError as error:
            raise Misconfigured(f"the node cannot listen at {listen}: {error.strerror or error}; change node.listen or "
                                "node.endpoint in node.toml, or end the program that is there") from None
        self._stack.callback(self._channels.close)
        given = config.endpoint
        endpoint = str(given if given.port else Endpoint(given.host, self._channels.port))
        self.following = Following(config, self._keys, self._files, self.log, endpoint, self._rejoin,
                                   self._channels, self._book.open, self._start_parts)
        self.endpoint = endpoint
        self.metrics.before_reading(self._measure)
        if config.monitor.port >= 0:
            self._monitor = self._stack.enter_context(
                Monitor(config.monitor.address, config.monitor.port, self.metrics, self.health))
        self._stack.enter_context(Control(config.folder, self._verbs()))
        self.log.info("listening", at=f"{listen.host}:{self._channels.port}",
                      monitor=self._monitor.port if self._monitor else -1)

    def _end(self, followed: "Future[None]") -> None:
        """Parts finish what they do; what they need is there until then."""
        self.log.info("stopping")
        deadline = monotonic() + self.config.node.stop_seconds
        self.following.phase = STOPPING
        self.following.closed.set()
        if not wait([followed], self.config.node.stop_seconds).done:
            self.log.warning("the chain does not answer, and is not waited for")
        for part in reversed(self._started):
            self._router.remove(part)
            try:
                part.stop(max(deadline - monotonic(), 0.0))
            except (ChainError, OSError, StateError) as error:  # the others are to stop all the same
                self.log.error("not stopped in order", part=part.name, reason=str(error))

    def _start_parts(self) -> None:
        """In the chain's thread, when the node is on the hub; called again when the chain fell silent meanwhile."""
        if self._around is None:
            chain, hub = open_chain(self.config.chain, sending=self.following.sending)  # until all parts have stopped
            self._stack.callback(chain.evm.close)
            registry = self.following.registry
            assert registry is not None
            self._around = Surroundings(self.config, self._keys, chain, hub, registry, self._channels, self._data,
                                        self.log, self.metrics, self.stop)
        for part in self._parts[len(self._started) :]:
            if self.stop.is_set():
                return
            part.start(self._around)
            self._started.append(part)
            self._router.add(part)

    # ---- what is told

    def _verbs(self) -> Mapping[str, Callable[[], Json]]:
        return {"status": self.status, "stop": self._stop, "rotate": self._rotate, "leave": self._leave,
                "withdraw": lambda: str(self.following.standing().withdraw()),
                "claim": lambda: str(self.following.standing().claim())}

    def _stop(self) -> Json:
        self.stop.set()
        return os.getpid()

    def _rotate(self) -> Json:
        key = self.following.standing().rotate(self._channels.rekey)
        return fingerprint(key.certificate).hex()

    def _leave(self) -> Json:
        return self.following.standing().leave().leaves

    def health(self) -> tuple[bool, Mapping[str, Json]]:
        """Whether the node can do its work, and what hinders it."""
        troubles = [(part.name, part.trouble()) for part in self._started]
        well, checks = health([*self.following.check(), *troubles])
        return well and not self.stop.is_set(), {"phase": self.following.phase, "checks": checks}

    def status(self) -> dict[str, Json]:
        """Everything that `enig node status` shows, as JSON; amounts of wei are texts."""
        following, config = self.following, self.config
        well, said = self.health()
        height, lag = fetch_heights(following.registry)
        registry, member, funds = following.registry, following.member, following.funds
        channel = following.membership.channel if following.membership else self._keys.channel
        if registry is not None:
            member = registry.member(self._keys.address) or member
        listen = config.listen
        return {
            "running": True, "address": self._keys.address, "pid": os.getpid(), "version": enigmalang.__version__,
            "since": self._since, "uptime_seconds": monotonic() - self._began, "healthy": well, **said,
            "standing": _standing(following, member), "leaves": member.leaves if member else 0,
            "balance": str(funds.balance) if funds else None, "deposit": str(funds.deposit) if funds else None,
            "owed": str(funds.owed) if funds else None,
            "chain": {"url": shown(config.chain.url), "hub": config.chain.hub,
                      "id": following.chain and following.chain.id, "block": height, "lag": lag,
                      "silent_seconds": following.silent_seconds},
            "endpoint": self.endpoint, "listening": f"{listen.host}:{self._channels.port}",
            "monitor": self._monitor.port if self._monitor else None,
            "channel": {"fingerprint": fingerprint(channel.certificate).hex(), "age_days": age_days(channel)},
            "peers": {"known": self._known(), "connected": self._connected()},
            "committees": list(member.committees) if member else [],
            "jobs": self._jobs(),
            "stored_bytes": stored_bytes(self._data),
            "parts": {part.name: dict(part.status()) for part in self._started},
            "problems": [asdict(problem) for problem in self.log.problems()],
        }

    def _connected(self) -> list[dict[str, Json]]:
        traffic = self._channels.traffic()
        counted = [(peer, traffic.get(peer.address, (0, 0))) for peer in self._hearer.connected()]
        return [{**asdict(peer), "received": received, "sent": sent} for peer, (received, sent) in counted]

    def _jobs(self) -> dict[str, int]:
        for part in self._started:  # what nobody counts it says when it is asked
            part.metrics(self.metrics)
        ended = {name: int(self.metrics.get("enig_jobs_total", name)) for name in ("done", "failed", "refused")}
        return {"under_way": int(self.metrics.get("enig_jobs_under_way")), **ended}

    def _known(self) -> int:
        registry = self.following.registry
        return sum(each.address != self._keys.address for each in registry.members()) if registry is not None else 0

    def _measure(self) -> None:
        """Bring the numbers up to date that nobody counts."""
        height, lag = fetch_heights(self.following.registry)
        funds = self.following.funds
        now = {
            "enig_up": 1, "enig_healthy": self.health()[0], "enig_uptime_seconds": monotonic() - self._began,
            "enig_block_height": height or 0, "enig_block_lag": lag,
            "enig_chain_silent_seconds": self.following.silent_seconds, "enig_peers_known": self._known(),
            "enig_peers_connected": len(self._hearer.connected()), "enig_stored_bytes": stored_bytes(self._data),
            "enig_balance_wei": funds.balance if funds else 0, "enig_deposit_wei": funds.deposit if funds else 0,
            "enig_owed_wei": funds.owed if funds else 0,
        }
        for name, value in now.items():
            self.metrics.set(name, float(value))
        for place, name in enumerate(("received", "sent")):
            total = sum(counted[place] for counted in self._channels.traffic().values())
            self.metrics.set("enig_bytes_total", total, name)
        for level, times in self.log.counts().items():
            self.metrics.set("enig_problems_total", times, level)
        self.metrics.set("enig_log_lines_lost_total", self.log.lost)
        for part in self._started:
            part.metrics(self.metrics)


def _standing(following: Following, member: Any) -> str:
    if member is None or not member.deposit:
        return following.obstacle or "not registered yet"
    return "leaving" if member.leaves else "active"


def stored_bytes(folder: Path) -> int:
    """Bytes of the files in `folder` and below; files may come and go meanwhile."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(path, name)).st_size
            except FileNotFoundError:
                continue
    return total
