"""Rooms: where data links of one group of peers meet.

A link that comes before its room is opened waits, without a thread, and is greeted when somebody meets there. Who is
not of the room is turned away. A dialler is greeted only by the meeting itself, so its `link` returns when both ends
have each other.
"""

import threading
from collections.abc import Collection
from time import monotonic

from enigmalang.transport.peering.errors import PeerUnreachable
from enigmalang.transport.peering.handshake import Arrival


class Meeting:
    """One opened room. Made and used by Rooms."""

    def __init__(self, room: bytes, members: Collection[str]) -> None:
        self.room = room
        self.members = frozenset(members)
        self.coming: dict[str, Arrival] = {}  # who dialled last, while its thread greets it
        self.here: dict[str, Arrival] = {}
        self.cancelled = ""
        self.over = False

    def missing(self) -> set[str]:
        return set(self.members) - self.here.keys()


class Rooms:
    """All rooms of one node."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._meetings: dict[bytes, Meeting] = {}
        self._parked: dict[tuple[bytes, str], tuple[Arrival, float]] = {}  # with the time when it came
        self._closed = False

    def arrive(self, guest: Arrival) -> str:
        """Somebody dialled into its room. Returns why it was turned away, or nothing."""
        before = None
        with self._changed:
            meeting, closed = self._meetings.get(guest.room), self._closed
            if meeting is None and not closed:
                before = self._parked.get((guest.room, guest.peer))
                self._parked[guest.room, guest.peer] = guest, monotonic()
        if before is not None:
            before[0].turn_away("dialled again")
        if closed:
            guest.turn_away("closing")
        return self._take(meeting, guest) if meeting is not None and not closed else ""

    def open(self, room: bytes, members: Collection[str]) -> Meeting:
        """From here on `members` are greeted, the waiting ones at once. To be followed by `wait`, always.

        Raises ValueError when a meeting is going on in this room.
        """
        meeting = Meeting(room, members)
        with self._changed:
            if room in self._meetings:
                raise ValueError("this room is open already")
            if self._closed:
                meeting.cancelled = "this end is closed"
            self._meetings[room] = meeting
            waiting = [self._parked.pop(key)[0] for key in list(self._parked) if key[0] == room]
        for guest in waiting:
            self._take(meeting, guest)
        return meeting

    def wait(self, meeting: Meeting, deadline: float) -> dict[str, Arrival]:
        """One greeted guest for each member, and the end of the meeting. Raises PeerUnreachable naming one that did
        not come by `deadline` (monotonic clock), or any when the meeting was cancelled."""
        with self._changed:
            try:
                self._changed.wait_for(
                    lambda: meeting.cancelled or not meeting.missing(), max(0.0, deadline - monotonic())
                )
            finally:
                meeting.over = True
                del self._meetings[meeting.room]
            missing = meeting.missing()
        if not missing and not meeting.cancelled:
            return meeting.here
        for guest in meeting.here.values():
            guest.channel.close()
        late = f"did not come into the room in time ({len(missing)} are missing)"
        raise PeerUnreachable(min(missing or meeting.members), meeting.cancelled or late)

    def cancel(self, meeting: Meeting, reason: str) -> None:
        """Let `wait` raise PeerUnreachable at once."""
        with self._changed:
            meeting.cancelled = reason
            self._changed.notify_all()

    def sweep(self, before: float) -> list[Arrival]:
        """Turn away who came before that time (monotonic clock) and whom nobody met; forget who hung up."""
        with self._changed:
            gone = [key for key, (guest, came) in self._parked.items() if came < before or guest.channel.ended()]
            guests = [self._parked.pop(key)[0] for key in gone]
        for guest in guests:
            guest.turn_away("nobody opened this room in time")
        return guests

    def close(self) -> None:
        """End all meetings and turn away all who wait."""
        with self._changed:
            self._closed = True
            for meeting in self._meetings.values():
                meeting.cancelled = "this end is closed"
            self._changed.notify_all()
            guests = [guest for guest, _ in self._parked.values()]
            self._parked.clear()
        for guest in guests:
            guest.turn_away("closing")

    def _take(self, meeting: Meeting, guest: Arrival) -> str:
        # A member that dials again has given up the link before: the newest counts.
        if guest.peer not in meeting.members:
            guest.turn_away("not of this room")
            return "not of this room"
        with self._changed:
            meeting.coming[guest.peer] = guest
        gone = guest.channel.ended()
        if not gone:
            try:
                guest.greet()
            except OSError:
                gone = True
        return self._keep(meeting, guest, gone)

    def _keep(self, meeting: Meeting, guest: Arrival, gone: bool) -> str:
        old = None
        with self._changed:
            newest = meeting.coming.get(guest.peer) is guest
            if newest:
                del meeting.coming[guest.peer]
            kept = newest and not gone and not meeting.over
            if kept:
                old = meeting.here.pop(guest.peer, None)
                meeting.here[guest.peer] = guest
                self._changed.notify_all()
        if old is not None:
            old.channel.close()
        if not kept:
            guest.channel.close()
        if gone:
            return "hung up before it was greeted"
        return "" if kept else "came when the room was closed" if newest else "dialled again"
