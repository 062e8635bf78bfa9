"""Steps of a thread that has to go on whatever happens: what goes wrong is said once for each reason, and tried again.
"""

import threading
from collections.abc import Callable

from enigmalang.node.daemon.seats.here import Here
from enigmalang.node.faults import describe_bug


class Steady:
    """`what` is said of the thread when it waits, for a `committee`. Used by one thread."""

    def __init__(self, here: Here, what: str, committee: int, stop: threading.Event,
                 expected: tuple[type[Exception], ...]) -> None:
        """`expected`: what may go wrong. Everything else is a bug, of which no text is told; values may be in it."""
        self._here, self._what, self._committee, self._stop, self._expected = here, what, committee, stop, expected
        self._said = ""

    def did(self, step: Callable[[], None]) -> bool:
        """Whether it went well. If not, this returns after a pause."""
        try:
            step()
        except self._expected as error:
            self._say(str(error))
        except Exception as error:  # noqa: BLE001  nobody else would do this thread's work: it is said, and goes on
            self._say(describe_bug(error))
        else:
            self._said = ""
            return True
        self._stop.wait(self._here.pace.poll)
        return False

    def _say(self, reason: str) -> None:
        if reason != self._said:
            self._here.log.warning(self._what, committee=self._committee, reason=reason)
        self._said = reason
