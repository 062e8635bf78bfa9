"""Processes that share cores are started at the same addresses, and only those."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from enigmalang.node.layout import SWITCH, alike

NO_RANDOM = 0x0040000
MANY = 1 << 20  # more than a machine has cores
SHOW = "print(open('/proc/self/personality').read())"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="personality(2) is Linux's")


def fixed() -> bool:
    """Whether a process started now lies at fixed addresses."""
    shown = subprocess.run([sys.executable, "-I", "-S", "-c", SHOW], capture_output=True, text=True, check=True)
    return bool(int(shown.stdout, 16) & NO_RANDOM)


@pytest.fixture
def usual() -> bool:
    return fixed()


def test_many_processes_are_alike_as_far_as_the_system_permits(usual: bool) -> None:
    with alike(MANY) as given:
        assert fixed() == (given or usual)
    assert fixed() == usual


def test_one_process_is_as_usual(usual: bool) -> None:
    with alike(1) as given:
        assert not given
        assert fixed() == usual


def test_the_environment_may_forbid_it(usual: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "1")
    with alike(MANY) as given:
        assert not given
        assert fixed() == usual


def test_other_threads_go_on_as_usual(usual: bool) -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(int).result() == 0  # the thread is there before
        with alike(MANY):
            assert pool.submit(fixed).result() == usual


def test_the_layout_is_given_back_when_a_start_fails(usual: bool) -> None:
    with pytest.raises(OSError), alike(MANY):
        raise OSError
    assert fixed() == usual
