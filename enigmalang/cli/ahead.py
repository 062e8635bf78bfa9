"""Workers that load their modules while the program is still being compiled."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from enigmalang.node.processes import Processes

_LARGEST = 1 << 24  # bytes of a program's text that are looked at
MOST_AHEAD = 31  # as `sharing.structure.MAX_PARTIES`, which is checked later: importing it costs more


@contextmanager
def workers_ahead(paths: Iterable[str], engine: str, nodes: int) -> Iterator["Processes | None"]:
    """Start the workers of programs of which one's text has the word `private`: it will need them. None for
    others. When the context ends, they are gone, used or not.
    """
    with workers_at_once(engine if any(map(_keeps_secrets, paths)) else "none", nodes) as workers:
        yield workers


@contextmanager
def workers_at_once(engine: str, nodes: int) -> Iterator["Processes | None"]:
    """Start workers for an engine that has some. When the context ends, they are gone, used or not."""
    if engine != "mpc" or not 3 <= nodes <= MOST_AHEAD:
        yield None
        return
    from enigmalang.node.processes import Processes

    workers = Processes(nodes)
    with suppress(OSError):  # told when the cluster is started
        workers.start()
    try:
        yield workers
    finally:
        workers.end()


def _keeps_secrets(path: str) -> bool:
    try:
        with Path(path).open("rb") as file:
            return b"private" in file.read(_LARGEST)
    except OSError:
        return False  # told when the file is compiled
