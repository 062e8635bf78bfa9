"""What was typed, across sessions: one file that only its owner can read, without the secrets that were typed."""

import os
from collections.abc import Callable
from pathlib import Path

from prompt_toolkit.history import FileHistory

from enigmalang.identity.files import home
from enigmalang.repl.redact import is_remark, redacted
from enigmalang.repl.secrecy import Secrets


def history_path() -> Path:
    """$ENIGMALANG_HOME/history, or ~/.enigmalang/history."""
    return home() / "history"


class RedactedHistory(FileHistory):
    """A `FileHistory` that writes `…` for secret literals. Within the session the up key still brings them back.

    An input is written when it has run (`settle`): then it is known what in it is private. A comment alone is not
    written: it does nothing, and may speak of a secret. `secrets` gives what the
    session knows of private places by now. Raises OSError when the file cannot be made.
    """

    def __init__(self, path: Path, secrets: Callable[[], Secrets]) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600))
        path.chmod(0o600)
        super().__init__(str(path))
        self._secrets = secrets
        self._waiting: str | None = None

    def store_string(self, string: str) -> None:
        self._waiting = string

    def settle(self, good: bool) -> None:
        """Write the last input, if it is not yet written; `good`: it went well."""
        text, self._waiting = self._waiting, None
        if text is not None and not is_remark(text):
            super().store_string(redacted(text, self._secrets(), good))
