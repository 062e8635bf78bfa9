"""The daemon's part that computes: the node's seats in committees, what clients ask of them, and new committees."""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from time import monotonic
from typing import Any

from enigmalang.chain.errors import ChainError
from enigmalang.chain.hub import FAILED, FULFILLED
from enigmalang.node.daemon.connection import Misconfigured
from enigmalang.node.daemon.metrics import Metrics
from enigmalang.node.daemon.parts import Surroundings
from enigmalang.node.daemon.seats import messages as sm
from enigmalang.node.daemon.seats.clients import Clients
from enigmalang.node.daemon.seats.forming import Forming
from enigmalang.node.daemon.seats.head import Head
from enigmalang.node.daemon.seats.here import Here, Pace, Place
from enigmalang.node.daemon.seats.kept import Kept
from enigmalang.node.daemon.seats.member import Member
from enigmalang.node.daemon.seats.plans import find_plan, take_plan
from enigmalang.node.durable import points
from enigmalang.node.durable.errors import StateError
from enigmalang.node.durable.sqlite import SqliteState
from enigmalang.node.faults import describe_bug
from enigmalang.node.reaching import TOPIC
from enigmalang.transport.peering.errors import Refusal
from enigmalang.wire.errors import WireError

#: Short questions to other nodes that are under way at once.
ASKING = 64
STATE, KEPT = "state.db", "seats.db"


class SeatsPart:
    """See `parts.Part`."""

    name, topic = "seats", TOPIC

    def __init__(self, pace: Pace | None = None, at: points.Hook = points.unwatched) -> None:
        self._pace, self._at = pace or Pace(), at
        self._members: dict[int, Member] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._trouble, self._next_look = "", 0.0

    # ---- start and stop

    def start(self, around: Surroundings) -> None:
        folder = around.folder / self.name
        folder.mkdir(mode=0o700, exist_ok=True)
        chain, hub = around.chain, around.hub
        self._around = around
        try:
            self._state = SqliteState(folder / STATE, around.keys.storage, f"chain {chain.id}, hub {hub.address}")
            self._kept = Kept(folder / KEPT)
        except StateError as error:
            raise Misconfigured(str(error)) from None
        self._pool = ThreadPoolExecutor(ASKING, "ask")
        self._head = Head(chain, self._pace.poll, around.log)
        self._here = Here(around.keys.signing, hub, around.peering, self._state, self._kept, self._head, around.log,
                          self._pool, self._pace, around.stop)
        start = around.config.chain.start
        self._forming = Forming(self._here, self._others, start)
        self._clients = Clients(self._here, self._served, self._forming, lambda: len(around.registry.members()))
        self._ticking = threading.Thread(target=self._run, name="seats", daemon=True)
        self._head.start()
        self._ticking.start()

    def stop(self, seconds: float) -> None:
        deadline = monotonic() + seconds
        self._stopped.set()
        self._ticking.join(seconds)
        self._head.close(seconds)
        for member in self._served().values():
            member.close(max(1.0, deadline - monotonic()))
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._state.close()
        self._kept.close()

    # ---- what others ask

    def answer(self, peer: str, body: memoryview) -> bytes:
        """See `Part.answer`."""
        try:
            return sm.encode(self._answer(peer, sm.decode_request(body)))
        except (WireError, StateError) as error:
            raise Refusal(str(error)) from None

    def _answer(self, peer: str, request: sm.Request) -> sm.Answer:
        match request:
            case sm.Propose():
                return self._forming.heard(peer, request)
            case sm.Agree():
                return self._forming.agree(peer, request)
            case sm.TakePlan():
                take_plan(self._here, request.data)
                return sm.Done()
            case sm.WantPlan():
                return sm.Plan(find_plan(self._here, request.digest) or b"")
            case _:
                member = self._served().get(request.committee)
                if member is None:
                    raise Refusal("this node does not serve that committee yet")
                return member.answer(member.place.seat_of(peer), request)

    def serve(self, body: memoryview) -> bytes:
        """See `Part.serve`."""
        return self._clients.serve(body)

    # ---- what is told

    def status(self) -> Mapping[str, Any]:
        """See `Part.status`."""
        members = self._served()
        seats = [member.seat.status for member in members.values()]
        led, met = sum(each.up and each.leader == each.seat for each in seats), sum(each.up for each in seats)
        text = f"{len(seats)} committees" if len(seats) != 1 else "1 committee"
        return {
            "text": f"{text}: {met} met, {led} led here" if seats else text,
            "seats": [asdict(each) for each in seats],
            "jobs": [f"job {job} of committee {number}" for number, member in members.items()
                     for job in member.operator.open_jobs],
        }

    def metrics(self, metrics: Metrics) -> None:
        """See `Part.metrics`."""
        metrics.set("enig_jobs_under_way", float(sum(bool(member.seat.busy) for member in self._served().values())))

    def trouble(self) -> str:
        """See `Part.trouble`."""
        return self._trouble

    # ---- committees

    def _served(self) -> dict[int, Member]:
        with self._lock:
            return dict(self._members)

    def _others(self) -> tuple[str, ...]:
        return tuple(each.address for each in self._around.registry.members()
                     if each.address != self._around.keys.address)

    def _ended(self, status: int) -> None:
        """A job of one of the committees has ended so."""
        outcome = {FULFILLED: "done", FAILED: "failed"}.get(status, "refused")
        self._around.metrics.add("enig_jobs_total", outcome)

    def _run(self) -> None:
        """The thread of this part: seats tick, and new committees are served."""
        while not self._stopped.wait(self._pace.tick):
            try:
                self._tick()
            except Exception as error:  # noqa: BLE001  a node without this thread is none: it is said, and goes on
                self._say(describe_bug(error))

    def _tick(self) -> None:
        trouble = ""
        try:
            if monotonic() >= self._next_look:
                self._next_look = monotonic() + self._pace.poll
                self._follow()
        except (ChainError, StateError) as error:
            trouble = str(error)
        for member in self._served().values():
            try:
                member.seat.tick()
            except StateError as error:
                trouble = str(error)
        self._say(trouble)

    def _say(self, trouble: str) -> None:
        """Once for each trouble."""
        if trouble and trouble != self._trouble:
            self._around.log.warning("seats wait", reason=trouble)
        self._trouble = trouble

    def _follow(self) -> None:
        """Take the seats that this node has, and leave those that it lost. Raises ChainError, StateError."""
        me = self._around.keys.address
        known = self._around.registry.member(me)
        serves = set(known.committees) if known is not None else set()
        for number in serves - self._members.keys():
            found = self._here.hub.committee(number)
            members = tuple(address.lower() for address in found.members)
            place = Place(number, members, found.threshold, members.index(me) + 1)
            member = Member(self._here, place, self._around.config.chain.start, self._ended, self._at)
            with self._lock:
                self._members[number] = member
            member.start()
            self._around.log.info("serving", committee=number, seat=place.me, of=len(members))
        for number in self._members.keys() - serves:
            with self._lock:
                gone = self._members.pop(number)
            gone.close(self._pace.ask)
            self._around.log.info("left", committee=number)
