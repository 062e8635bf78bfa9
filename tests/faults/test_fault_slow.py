"""A node that is slow: behind a line that holds what passes, or a process that stands still now and then."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from fault_purse import Purse
from fault_relay import Relay
from fault_town import Node


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextmanager
def behind(node: Node, seconds: float, rng: Random) -> Iterator[Relay]:
    """Begin the node anew behind a slow line, and afterwards as it was."""
    before = node.config.node
    listen = free_port()
    node.stop()
    with Relay(listen, seconds, rng) as relay:
        node.change("node", endpoint=f"127.0.0.1:{relay.port}", listen=f"127.0.0.1:{listen}")
        node.start()
        node.serving()
        yield relay
        node.stop()
    node.change("node", endpoint=before.endpoint, listen=before.listen)
    node.start()


@contextmanager
def stumbling(node: Node, rng: Random) -> Iterator[None]:
    """It stands still for up to two seconds, and goes on for up to two, again and again."""
    end = threading.Event()

    def stumble() -> None:
        while not end.wait(rng.uniform(0, 2)):
            node.signal(signal.SIGSTOP)
            end.wait(rng.uniform(0, 2))
            node.signal(signal.SIGCONT)

    thread = threading.Thread(target=stumble)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def test_a_slow_line(purse: Purse, rng):
    with behind(rng.choice(purse.members), 0.05, rng) as relay:
        assert purse.put()
        assert relay.passed > 0
        purse.check()


def test_a_process_that_stumbles(purse: Purse, rng):
    with stumbling(rng.choice(purse.members), rng):
        for _ in range(2):
            purse.put()
    purse.check()
