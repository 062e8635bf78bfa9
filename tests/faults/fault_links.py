"""Nodes in network namespaces of their own, on a bridge; a part of them can be cut off, silently as a cable is."""

import os
import shutil
import subprocess
from collections.abc import Iterable

from fault_town import Node

PORT = 7400


class CannotLink(Exception):
    """There are no network namespaces for us here; the text says why."""


def ip(*arguments: str) -> None:
    """Raises CannotLink."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise CannotLink(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


class Links:
    """A context manager. `join` gives a node a place on the bridge; this process is on the bridge too."""

    def __init__(self) -> None:
        self._name = f"ef{os.getpid() % 100_000}"
        self._subnet = f"10.213.{os.getpid() % 250}"
        self._joined: set[int] = set()

    def __enter__(self) -> "Links":
        if shutil.which("ip") is None:
            raise CannotLink("there is no `ip`")
        if os.geteuid():
            raise CannotLink("network namespaces need root")
        try:
            for bridge in (self._bridge("a"), self._bridge("b")):
                ip("link", "add", bridge, "type", "bridge")
                ip("link", "set", bridge, "up")
            ip("address", "add", f"{self._subnet}.254/24", "dev", self._bridge("a"))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *raised: object) -> None:
        for number in self._joined:
            subprocess.run(["ip", "netns", "delete", self._space(number)], capture_output=True)
        for letter in "ab":
            subprocess.run(["ip", "link", "delete", self._bridge(letter)], capture_output=True)

    def join(self, node: Node) -> None:
        """Before its first start. Raises CannotLink."""
        number, space, cable = node.number, self._space(node.number), self._cable(node.number)
        ip("netns", "add", space)
        self._joined.add(number)
        ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", space)
        ip("link", "set", cable, "master", self._bridge("a"), "up")
        ip("-n", space, "address", "add", f"{self._subnet}.{number}/24", "dev", "eth0")
        ip("-n", space, "link", "set", "eth0", "up")
        ip("-n", space, "link", "set", "lo", "up")
        node.wrapper = ("ip", "netns", "exec", space)
        node.change("node", endpoint=f"{self._subnet}.{number}:{PORT}")

    def cut_off(self, nodes: Iterable[Node]) -> None:
        """They reach each other, and nobody else; no end of a connection hears of it."""
        for node in nodes:
            ip("link", "set", self._cable(node.number), "master", self._bridge("b"))

    def heal(self) -> None:
        for number in self._joined:
            ip("link", "set", self._cable(number), "master", self._bridge("a"))

    def _bridge(self, letter: str) -> str:
        return f"{self._name}{letter}"

    def _space(self, number: int) -> str:
        return f"{self._name}n{number}"

    def _cable(self, number: int) -> str:
        return f"{self._name}v{number}"
