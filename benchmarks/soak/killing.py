"""One node after the other is killed (kill -9) and started again at once."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from time import monotonic

from benchmarks.soak.network import Node, SoakError


@dataclass(frozen=True, slots=True)
class Kill:
    """`at`: seconds since the soak began; `away`: until the node served again."""

    node: int
    at: float
    away: float


class Killer:
    """Kills in a thread every `every` seconds, until `close`. The node that was killed last has served again for
    half of that before the next is killed, so at most one is away at a time, and on a machine that is too busy to start
    nodes in time kills are rarer. The last `spare` nodes are spared (`watching`)."""

    def __init__(self, nodes: Sequence[Node], spare: int, every: float, rng: Random, say: Callable[[str], None]
                 ) -> None:
        self.kills, self.trouble = list[Kill](), ""
        self._nodes, self._every, self._rng, self._say = nodes[: len(nodes) - spare], every, rng, say
        self._began, self._stop = monotonic(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="killer", daemon=True)
        if every:
            self._thread.start()

    def close(self) -> None:
        self._stop.set()
        if self._every:
            self._thread.join()

    def _run(self) -> None:
        next_kill = self._began
        while True:
            next_kill = max(next_kill + self._every, monotonic() + self._every / 2)
            if self._stop.wait(next_kill - monotonic()):
                return
            node, began = self._rng.choice(self._nodes), monotonic()
            node.kill()
            node.start()
            try:
                node.await_serving()
            except SoakError as error:
                self.trouble = str(error)
                self._say(self.trouble)
                return
            self.kills.append(Kill(node.number, began - self._began, monotonic() - began))
            self._say(f"{began - self._began:6.1f} s  node {node.number} killed, serves again after "
                      f"{self.kills[-1].away:.1f} s")
