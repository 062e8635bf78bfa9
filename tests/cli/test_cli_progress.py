"""The spinner: on a terminal only, after a while only, and out of the way of what is printed."""

import io
import time

import pytest

from enigmalang.cli import progress
from enigmalang.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """To be called by the test itself: pytest's own capture takes stderr again when the test begins."""
    made = Terminal()
    monkeypatch.setattr("sys.stderr", made)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    return made


def wait_for(terminal: Terminal, text: str) -> None:
    end = time.monotonic() + 60
    while text not in terminal.getvalue() and time.monotonic() < end:
        time.sleep(0.01)
    assert text in terminal.getvalue()


def test_shown_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    with Progress() as shown:
        shown.phase("compiling")
        wait_for(terminal, "compiling")
        with shown.paused():
            print("a line of the program")
        shown.phase("running")
        wait_for(terminal, "running")
    assert capsys.readouterr().out == "a line of the program\n"
    length = len(terminal.getvalue())
    time.sleep(0.2)
    assert len(terminal.getvalue()) == length, "nothing is drawn after the end"


def test_not_shown_elsewhere(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    with Progress() as hidden:
        hidden.phase("compiling")
        time.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_quick_work_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    monkeypatch.setattr(progress, "PATIENCE", 60.0)
    with Progress() as quick:
        quick.phase("compiling")
    assert terminal.getvalue() == ""
