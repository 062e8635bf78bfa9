"""`enig`, as a process that a test can hurt from outside: `python fault_launcher.py node start FOLDER`.

A file DIE_AT in the node's folder, or in that of all nodes (for whoever gets there first), names a point of
`node.durable.points`: there the process kills itself, once. $ENIGMALANG_TEST_SKEW: seconds by which its wall clock is
wrong. Neither exists outside these tests.
"""

import os
import signal
import sys
import time
from pathlib import Path

DIE_AT, SKEW = "die-at", "ENIGMALANG_TEST_SKEW"


def shift(seconds: float) -> None:
    """Let everything that is imported from now on see another time of day."""
    import datetime

    right, right_ns = time.time, time.time_ns
    time.time = lambda: right() + seconds
    time.time_ns = lambda: right_ns() + int(seconds * 10**9)

    class Shifted(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> "Shifted":
            return cls.fromtimestamp(time.time(), tz)

    datetime.datetime = Shifted  # type: ignore[misc]


class Dying:
    """`points.Hook`."""

    def __init__(self, folder: Path) -> None:
        self._wishes = folder / DIE_AT, folder.parent / DIE_AT

    def __call__(self, point: str) -> None:
        for wish in self._wishes:
            try:
                if wish.read_text() != point:
                    continue
                wish.unlink()  # by one of those who see it
            except FileNotFoundError:
                continue
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    if skew := float(os.environ.get(SKEW, "0")):
        shift(skew)
    from enigmalang.cli.app import run
    from enigmalang.node.daemon import assembly
    from enigmalang.node.daemon.config import Config
    from enigmalang.node.daemon.parts import Part

    def parts(config: Config) -> list[Part]:
        from enigmalang.node.daemon.seats.part import SeatsPart
        from enigmalang.node.daemon.storing.part import StoringPart

        return [SeatsPart(at=Dying(config.folder)), StoringPart()]

    assembly.parts = parts
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
