"""What a node does with stored data by itself, in a thread of its own: it keeps up with who is a node, asks the other
holders, copies what is held too rarely, deletes what nobody pays for or points to, and records refused readers.
"""

import sqlite3
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from random import SystemRandom
from time import monotonic, time

from enigmalang.chain.errors import ChainError, Reverted
from enigmalang.dht.records import Record
from enigmalang.dht.rent import State
from enigmalang.dht.shelf import ShelfFull
from enigmalang.ethereum.keys import SigningKey
from enigmalang.node.daemon.config import StorageOptions
from enigmalang.node.daemon.storing import messages as m
from enigmalang.node.daemon.storing.copies import Copies
from enigmalang.node.daemon.storing.driver import Driver
from enigmalang.node.daemon.storing.earning import Earning
from enigmalang.node.daemon.storing.keeper import Keeper
from enigmalang.node.daemon.storing.view import View

#: Seconds between two looks at the registry, and after which an upload that never ended is deleted.
LOOK, UNFINISHED = 1.0, 3600.0
#: Refused readers that wait to be recorded, and that are remembered so that each is recorded once.
WAITING, REMEMBERED = 16, 1024
HOUR = 3600.0
#: Nodes that one asks for its place at a time.
BOOTSTRAP = 32


class Refusals:
    """Readers whom the predicate did not let read, until they are recorded on the hub; at most so many an hour, since
    anybody can make a key and ask. Any thread."""

    def __init__(self, per_hour: int, clock: Callable[[], float] = monotonic) -> None:
        self._per_hour, self._clock = per_hour, clock
        self._lock = threading.Lock()
        self._waiting: deque[tuple[str, int, bytes]] = deque(maxlen=WAITING)
        self._known: OrderedDict[tuple[str, int, bytes], None] = OrderedDict()  # those refused last at the end
        self._recorded: deque[float] = deque()
        self.seen = 0

    def add(self, who: str, db: int, key: bytes) -> None:
        with self._lock:
            self.seen += 1
            if not self._per_hour:
                return
            refused = (who, db, key)
            if refused not in self._known:
                self._waiting.append(refused)
            self._known[refused] = None
            self._known.move_to_end(refused)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)

    def next(self) -> tuple[str, int, bytes] | None:
        """One that may be recorded now."""
        with self._lock:
            while self._recorded and self._clock() - self._recorded[0] > HOUR:
                self._recorded.popleft()
            if not self._waiting or len(self._recorded) >= self._per_hour:
                return None
            self._recorded.append(self._clock())
            return self._waiting.popleft()


class Tending:
    """Runs from `start` to `close`. `refresh` brings the view of the registry up to date; `save` keeps the routing
    table; `say` is told what hinders the work, and "" when nothing does; `bug` of faults of our own."""

    def __init__(self, keeper: Keeper, driver: Driver, view: View, copies: Copies, refusals: Refusals,
                 key: SigningKey, options: StorageOptions, refresh: Callable[[], None], save: Callable[[], None],
                 say: Callable[[str], None], bug: Callable[[Exception], None]) -> None:
        self._keeper, self._driver, self._view = keeper, driver, view
        self._copies, self._refusals = copies, refusals
        self._key, self._every = key, options.check_seconds
        self._earning = Earning(keeper.ledger, key)
        self._refresh, self._save, self._say, self._bug = refresh, save, say, bug
        self._changed = threading.Condition()
        self._closed, self._expire, self._again, self._newcomers = False, False, False, False
        self._next = monotonic() + self._every
        self._review: dict[bytes, float] = {}  # what is to be looked up anew, and when
        self._waits: dict[bytes, float] = {}  # of those that could not be mended: seconds to the next try
        self._doubted: dict[bytes, float] = {}  # what may have to go, since when
        self._thread = threading.Thread(target=self._run, name="dht-tending", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Begin nothing any more."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def close(self, seconds: float) -> None:
        """After `end`, and when what it may wait for has ended."""
        self._thread.join(seconds)

    # ---- told by others

    def expire(self) -> None:
        """Look what is to be deleted."""
        self._tell("_expire")

    def again(self) -> None:
        """Look everything up anew: others may stand nearer by now."""
        self._tell("_again")

    def newcomers(self) -> None:
        """A node came near, or went."""
        self._tell("_newcomers")

    def _tell(self, what: str) -> None:
        with self._changed:
            setattr(self, what, True)
            self._changed.notify()

    def _take(self, what: str) -> bool:
        with self._changed:
            found = bool(getattr(self, what))
            setattr(self, what, False)
        return found

    # ---- the thread

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._closed and not self._expire:
                    self._changed.wait(min(LOOK, max(0.0, self._next - monotonic())))
                if self._closed:
                    return
            try:
                self._step()
                self._say("")
            except (ChainError, ShelfFull, sqlite3.Error, TimeoutError) as error:
                self._say(str(error) or type(error).__name__)
                self._rest()
            except Exception as error:  # noqa: BLE001  without this thread data is lost: the fault is told
                self._bug(error)
                self._rest()

    def _rest(self) -> None:
        """After a step that came to nothing: what was due still is, and would be tried again at once."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed, LOOK)

    def _step(self) -> None:
        self._refresh()
        if self._take("_expire"):
            self._delete()
            self._earning.look(signed.record for signed in self._keeper.shelf.records()
                               if self._keeper.whole(signed.record))
        self._record()
        if monotonic() < self._next:
            return
        self._next = monotonic() + self._every
        self._driver.room()
        self._save()
        self._meet()
        if self._take("_again"):
            self._ask_for(m.name_of(s.record.db, s.record.key) for s in self._keeper.shelf.records())
        self._ask_for(self._copies.watch(self._take("_newcomers")))
        for name in [name for name, at in self._review.items() if at <= monotonic()]:
            if self._closed:
                return
            self._mend(name)

    def _ask_for(self, names: Iterable[bytes]) -> None:
        self._review |= dict.fromkeys(names, 0.0)

    def _mend(self, name: bytes) -> None:
        """Too few nodes with room, or there at all: tried again, and less and less often."""
        well = False
        with suppress(TimeoutError):  # the others are reviewed all the same
            well = self._copies.review(name)
        if well:
            del self._review[name]
            self._waits.pop(name, None)
        else:
            wait = self._waits[name] = min(2 * self._waits.get(name, self._every / 2), HOUR)
            self._review[name] = monotonic() + wait

    def _meet(self) -> None:
        """While the routing table has room, ask registered nodes that are not in it: they may have come since the
        start, and where there are few, nobody else names them."""
        contacts = set(self._driver.contacts())
        unknown = [each for each in self._view.addresses() if each not in contacts and each != self._driver.me]
        if unknown and len(contacts) < self._driver.k:
            self._driver.join(SystemRandom().sample(unknown, min(BOOTSTRAP, len(unknown))))

    def _record(self) -> None:
        refused = self._refusals.next()
        if refused is not None:
            who, db, key = refused
            with suppress(Reverted):  # the predicate lets it by now, or this node is not active any more
                self._keeper.ledger.hub.record_refusal(self._key, db, key, who, "read")

    def _delete(self) -> None:
        """What has ended goes at once; what may only seem to have ended, when it still does at another look."""
        doubted: dict[bytes, float] = {}
        for signed in self._keeper.shelf.records():
            record = signed.record
            name = m.name_of(record.db, record.key)
            rent = self._keeper.ledger.paid(record)
            ended = bool(record.expires) and time() >= record.expires
            unsure = not ended and (rent is State.NONE or not self._keeper.current(signed))
            if ended or rent is State.DELETED or (unsure and name in self._doubted):
                self._drop(record, name)
            elif unsure or not self._keeper.whole(record):
                since = doubted[name] = self._doubted.get(name, monotonic())
                if not unsure and monotonic() - since >= UNFINISHED:
                    self._drop(record, name)
        self._doubted = doubted
        if self._keeper.shelf.sweep():
            self._driver.room()

    def _drop(self, record: Record, name: bytes) -> None:
        self._keeper.shelf.drop(record.db, record.key)
        self._copies.forget(name)
