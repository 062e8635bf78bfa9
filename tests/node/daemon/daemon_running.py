"""Daemons in threads of this process, and a part that they may have."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from daemon_world import PASSWORD, until

from enigmalang.node.daemon.config import Config, read_config
from enigmalang.node.daemon.daemon import Daemon
from enigmalang.node.daemon.keys import KeyFolder
from enigmalang.node.daemon.log import Log
from enigmalang.node.daemon.metrics import Family
from enigmalang.node.daemon.pidfile import FolderLock
from enigmalang.transport.peering.errors import Refusal


class Echo:
    """A part that tells who asked what."""

    name, topic = "echo", 7

    def __init__(self, around_start: Any = lambda part: None) -> None:
        self._hook = around_start
        self.calls: list[str] = []
        self.seconds = -1.0
        self.wrong = ""

    def start(self, around):
        self._hook(self)
        self.around = around
        around.metrics.declare(Family("enig_echo_answered", "gauge", "Requests that were answered."))
        self.calls.append("start")

    def stop(self, seconds):
        self.seconds = seconds
        self.around.chain.block_number()  # the chain is there until all parts have stopped
        self.calls.append("stop")

    def answer(self, peer, body):
        if bytes(body) == b"no":
            raise Refusal("not that")
        self.calls.append(peer)
        return peer.encode() + b": " + body

    def serve(self, body):
        return b"client: " + body

    def status(self):
        return {"text": f"{len(self.calls)} calls", "jobs": ["echoing"]}

    def metrics(self, metrics):
        metrics.set("enig_echo_answered", len(self.calls) - 1)

    def trouble(self):
        return self.wrong


@contextmanager
def up(config: Config, *parts: Any, rejoin: bool = False, phase: str = "serving") -> Iterator[Daemon]:
    """The daemon of a folder, when it has come so far, until the end of the `with`; what it raises, is raised there."""
    config = read_config(config.folder)
    files = KeyFolder(config.folder)
    log = Log(config.log, config.folder)
    daemon = Daemon(config, files.open(PASSWORD), files, log, parts, rejoin)
    raised: list[BaseException] = []
    begun = threading.Event()

    def run() -> None:
        try:
            with FolderLock(config.folder):
                daemon.run(begun.set)
        except BaseException as error:  # noqa: BLE001  raised again below
            raised.append(error)
        begun.set()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        begun.wait()
        until(lambda: raised or daemon.following.phase == phase, phase)
        if not raised:
            yield daemon
    finally:
        daemon.stop.set()
        thread.join()
        log.close()
    if raised:
        raise raised[0]
