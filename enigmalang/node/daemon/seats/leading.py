"""The nodes of a committee as its leader asks them: a request to every member, their replies, in the leader's order.

Wrong leaders cost time: a member computes what it has read from the chain itself, and compares with the others before
each circuit (`node.session`), so what a leader tells members differently ends his term.
"""

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Protocol

from enigmalang.execute.ports import EngineError
from enigmalang.node.daemon.seats import messages as sm
from enigmalang.node.daemon.seats.here import Here, Place
from enigmalang.node.daemon.seats.meshes import Mesh, TermOver
from enigmalang.node.teams import never
from enigmalang.transport.peering.errors import PeeringError
from enigmalang.wire import messages as msg
from enigmalang.wire.errors import WireError

#: Seconds between two looks at whether they are waited for any longer.
ASKED = 1.0


class Led(Protocol):
    """A seat that may lead."""

    def led(self) -> Mesh | None:
        """The term that is up and led here."""
        ...

    def lost(self, term: int, reason: str) -> None:
        """It is over."""
        ...


class Leading:
    """`teams.Asked` for the members of a committee. One thread asks at a time."""

    def __init__(self, here: Here, place: Place, seat: Led, field_of: Callable[[msg.Message], str]) -> None:
        """`field_of`: what a request computes over."""
        self._here, self._place, self._seat, self._field_of = here, place, seat, field_of
        self._pool = ThreadPoolExecutor(4 * len(place.members), f"lead-{place.committee}")
        self._numbers: tuple[int, int] = (0, 0)  # the term, and the last request in it
        self._lock = threading.Lock()

    @property
    def term(self) -> int:
        """See `teams.Asked.term`."""
        mesh = self._seat.led()
        return mesh.term if mesh is not None else 0

    def ask(self, make: Callable[[int], msg.Message], kind: type[msg.M], enough: Callable[[], str] = never
            ) -> dict[int, msg.M]:
        """See `teams.Asked.ask`: by seat. Any failure ends the term."""
        mesh = self._seat.led()
        if mesh is None:
            raise EngineError("this node does not lead its committee now")
        with self._lock:
            term, last = self._numbers
            number = last + 1 if term == mesh.term else 1
            self._numbers = mesh.term, number
            request = make(number)
            field = self._field_of(request)
            asked = {seat: self._pool.submit(self._one, mesh, seat, number, field, msg.encode_message(request))
                     for seat in range(1, len(self._place.members) + 1)}
            while not (reason := enough()):
                if not wait(asked.values(), ASKED, return_when=FIRST_EXCEPTION).not_done or self._failed(asked):
                    break
            else:
                self._seat.lost(mesh.term, reason)
                raise EngineError(reason, "E0703")
            try:
                return {seat: self._reply(seat, asked[seat], number, kind) for seat in self._failed(asked) or asked}
            except (TermOver, PeeringError, WireError) as error:
                self._seat.lost(mesh.term, str(error))
                raise EngineError(str(error), "E0703") from None

    def close(self) -> None:
        """No more questions."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _one(self, mesh: Mesh, seat: int, number: int, field: str, data: bytes) -> bytes:
        if seat == self._place.me:
            return mesh.do(number, field, data)
        answer = self._here.ask(self._place.members[seat - 1],
                                sm.Do(self._place.committee, mesh.term, number, field, data), self._here.pace.work)
        if not isinstance(answer, sm.Did):
            raise WireError(f"seat {seat} answered with {type(answer).__name__}")
        return answer.reply

    def _failed(self, asked: "dict[int, Future[bytes]]") -> list[int]:
        """The seats that do not reply."""
        return [seat for seat, future in asked.items() if future.done() and future.exception() is not None]

    def _reply(self, seat: int, future: "Future[bytes]", number: int, kind: type[msg.M]) -> msg.M:
        """Raises what the asking raised."""
        reply = msg.decode_reply(future.result())
        if not isinstance(reply, kind) or getattr(reply, "number", number) != number:
            raise WireError(f"seat {seat} replied with {type(reply).__name__} where {kind.__name__} was due")
        return reply
