"""For tests of any folder: something that goes on beside the test."""

import threading
from collections.abc import Callable
from typing import Any

#: Seconds for what has to end at all.
LONG = 150.0


class Later:
    """What is done in a thread, and waited for."""

    def __init__(self, run: Callable[[], Any]) -> None:
        self._result: list[Any] = []
        self._raised: list[BaseException] = []

        def runs() -> None:
            try:
                self._result.append(run())
            except BaseException as error:  # noqa: BLE001  raised again by `result`
                self._raised.append(error)

        self._thread = threading.Thread(target=runs, daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def result(self, seconds: float = LONG) -> Any:
        self._thread.join(seconds)
        assert self.done, f"it does not end in {seconds:g} seconds"
        if self._raised:
            raise self._raised[0]
        return self._result[0]
