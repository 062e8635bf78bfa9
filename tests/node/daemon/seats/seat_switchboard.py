"""Nodes without daemons: what one asks another is answered at once by the part that the other is, unless it is down."""

import threading
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path

from daemon_world import World, key_of

from enigmalang.node.daemon.config import LogOptions
from enigmalang.node.daemon.log import Log
from enigmalang.node.daemon.seats import messages as sm
from enigmalang.node.daemon.seats.forming import Forming
from enigmalang.node.daemon.seats.head import Head
from enigmalang.node.daemon.seats.here import Here, Pace
from enigmalang.node.daemon.seats.kept import Kept
from enigmalang.node.durable.sqlite import SqliteState
from enigmalang.transport.peering.errors import PeerRefused, PeerUnreachable, Refusal


class Switchboard:
    """Who is there, by address: what answers its requests."""

    def __init__(self) -> None:
        self.answers = {}
        self.down: set[str] = set()
        self.asked: list[tuple[str, str, str]] = []

    def of(self, me: str) -> "Line":
        return Line(self, me)


class Line:
    """`parts.Channels` of one node, as far as questions go."""

    def __init__(self, board: Switchboard, me: str) -> None:
        self._board, self._me = board, me

    def ask(self, peer: str, body: bytes, seconds: float) -> bytes:
        board = self._board
        if peer in board.down or peer not in board.answers:
            raise PeerUnreachable(peer, "is down")
        request = sm.decode_request(body[1:])
        board.asked.append((self._me, peer, type(request).__name__))
        try:
            return sm.encode(board.answers[peer](self._me, request))
        except Refusal as refusal:
            raise PeerRefused(peer, str(refusal)) from None


class Office:
    """Nodes of a world that form committees. A context manager."""

    def __init__(self, world: World, folder: Path, names: list[str]) -> None:
        self.world, self.board = world, Switchboard()
        self._pool = ThreadPoolExecutor(8)
        self.here: dict[str, Here] = {}
        self.forming: dict[str, Forming] = {}
        for name in names:
            address = world.register(name, f"localhost:{1000 + len(self.here)}")
            (folder / name).mkdir()
            log = Log(LogOptions(), folder, StringIO())
            here = self.here[name] = Here(
                key_of(name), world.hub, self.board.of(address), SqliteState(folder / name / "state", bytes(32)),
                Kept(folder / name / "kept"), Head(world.chain, 1.0, log), log, self._pool, Pace(), threading.Event())
            forming = self.forming[name] = Forming(here, lambda me=address: self.others(me), 0)
            self.board.answers[address] = lambda peer, request, forming=forming: _formed(forming, peer, request)
            assert here.key.address == address

    def others(self, me: str) -> tuple[str, ...]:
        return tuple(sorted(address for address in self.board.answers if address != me))

    def address(self, name: str) -> str:
        return self.here[name].key.address

    def __enter__(self) -> "Office":
        return self

    def __exit__(self, *exc: object) -> None:
        self._pool.shutdown()
        for here in self.here.values():
            here.state.close()
            here.kept.close()


def _formed(forming: Forming, peer: str, request: sm.Request) -> sm.Answer:
    if isinstance(request, sm.Propose):
        return forming.heard(peer, request)
    if isinstance(request, sm.WantPlan):
        return sm.Plan(b"")
    assert isinstance(request, sm.Agree)
    return forming.agree(peer, request)
