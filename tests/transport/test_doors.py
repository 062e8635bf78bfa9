"""Where members meet: beside TCP on one machine, at a port wherever that may not or cannot be."""

import os
import socket
import sys
from collections.abc import Iterator
from time import monotonic

import pytest
from tls_helpers import LONG

from enigmalang.transport import doors
from enigmalang.transport.doors import SWITCH, Doors, knock

linux = pytest.mark.skipif(sys.platform != "linux", reason="names of sockets outside of the file system are Linux's")


@pytest.fixture
def opened() -> Iterator[Doors]:
    found = Doors()
    yield found
    found.close()


def _meet(opened: Doors) -> socket.AddressFamily:
    """The family of a connection that carries a byte."""
    with knock(opened.port, monotonic() + LONG) as near:
        (far,) = opened.accept(LONG)
        with far:
            near.sendall(b"x")
            assert far.recv(1) == b"x"
            assert near.family == far.family
            return socket.AddressFamily(near.family)


@linux
def test_one_users_processes_meet_beside_tcp(opened: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "ENOUGH_BYTES", 1)
    assert _meet(opened) == socket.AF_UNIX


def test_at_the_port_when_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "1")
    opened = Doors()
    assert _meet(opened) == socket.AF_INET
    opened.close()


def test_one_end_alone_may_be_told_so(opened: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "1")
    assert _meet(opened) == socket.AF_INET


def test_at_the_port_when_the_system_grants_little(opened: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "ENOUGH_BYTES", 1 << 40)
    assert _meet(opened) == socket.AF_INET


@linux
def test_at_the_port_when_another_user_has_the_name(opened: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    another = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: another)
    with knock(opened.port, monotonic() + LONG) as near:
        assert near.family == socket.AF_INET
        for far in opened.accept(LONG):
            far.close()


@linux
def test_at_the_port_when_the_name_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX) as taken:
        taken.bind(f"\0enigmalang/taken-{os.getpid()}")  # and nobody listens
        monkeypatch.setattr(doors, "_name", lambda port: f"\0enigmalang/taken-{os.getpid()}")
        opened = Doors()
        assert _meet(opened) == socket.AF_INET
        opened.close()


def test_both_at_once(opened: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    knocks = [knock(opened.port, monotonic() + LONG)]
    monkeypatch.setenv(SWITCH, "1")
    knocks.append(knock(opened.port, monotonic() + LONG))
    arrived: list[socket.socket] = []
    while len(arrived) < 2:
        more = opened.accept(LONG)
        assert more
        arrived += more
    for plain in (*knocks, *arrived):
        plain.close()


def test_nobody_knocks_and_closed_doors(opened: Doors) -> None:
    assert opened.accept(0.001) == []
    opened.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        opened.accept(LONG)
    with pytest.raises(ConnectionRefusedError):
        knock(opened.port, monotonic() + LONG)
