"""`enig repl` at a pseudo-terminal, as a person has it."""

import os
import re
import sys
from pathlib import Path
from types import TracebackType

import pexpect

#: Seconds that anything may take, on a machine that does much else.
DEADLINE = 40
ENTER, TAB, CTRL_C, CTRL_D, UP = "\r", "\t", "\x03", "\x04", "\x1b[A"
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-B0-9]|\x1b[=>]|\r")


class Terminal:
    """A context manager: when it ends, the process is gone."""

    def __init__(self, home: Path, *options: str, cwd: Path | None = None) -> None:
        environment = os.environ | {
            "ENIGMALANG_HOME": str(home), "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}
        self.child = pexpect.spawn(
            str(Path(sys.executable).with_name("enig")), ["repl", *options], env=environment, encoding="utf-8",
            timeout=DEADLINE, dimensions=(40, 100), cwd=None if cwd is None else str(cwd))
        self.child.delaybeforesend = None
        self.prompted = False  # a prompt was seen, and nothing typed at it yet

    def __enter__(self) -> "Terminal":
        self.ready()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:
        self.child.close(force=True)

    def ready(self, prompt: str = r"\w+") -> None:
        """Wait for the next prompt (the terminal is told then to bracket what is pasted)."""
        if not self.prompted:
            self.child.expect(rf"\x1b\[\?2004h[^\n]*?{prompt}>")
        self.prompted = True

    def type(self, *lines: str) -> None:
        """Type the lines of one input at the next prompt, each with Enter."""
        self.keys("".join(line + ENTER for line in lines))

    def keys(self, keys: str) -> None:
        """Press keys at the next prompt."""
        self.ready()
        self.prompted = False
        self.child.send(keys)

    def now(self, keys: str) -> None:
        """Press keys, whatever is shown."""
        self.child.send(keys)

    def until(self, pattern: str) -> str:
        """Wait for an output line that is `pattern`; what came before it, without the terminal's codes."""
        self.child.expect(rf"(?:^|\n|\x1b\[[0-9;?]*[A-Za-z]){pattern}\r\n")
        return plain(self.child.before)

    def sees(self, pattern: str) -> None:
        """Wait for `pattern` anywhere on the screen."""
        self.child.expect(pattern)

    def leaves(self) -> int:
        """Ctrl-D, and the exit status."""
        self.keys(CTRL_D)
        self.child.expect(pexpect.EOF)
        self.child.close()
        assert self.child.exitstatus is not None
        return int(self.child.exitstatus)


def plain(text: str) -> str:
    return _ESCAPE.sub("", text)
