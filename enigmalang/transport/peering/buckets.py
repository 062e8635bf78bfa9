"""Token buckets, and what one peer has under way here."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Condition, Lock
from time import monotonic
from typing import Generic, TypeVar

from enigmalang.transport.peering.limits import Limits

K = TypeVar("K")
V = TypeVar("V")


class TokenBucket:
    """`rate` tokens a second, at most `burst` kept. What is taken beyond is a debt, which is waited for: so an
    amount over the burst passes too, at the rate. Times are the caller's."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at = now

    def delay(self, amount: float, now: float) -> float:
        """Seconds until the debt that taking `amount` leaves is paid; nothing is taken."""
        return max(0.0, (amount - self._refilled(now)) / self._rate)

    def take(self, amount: float, now: float) -> None:
        """Take so much, now; a negative amount gives back."""
        self._tokens = min(self._burst, self._refilled(now) - amount)
        self._at = max(self._at, now)

    def _refilled(self, now: float) -> float:
        return min(self._burst, self._tokens + max(0.0, now - self._at) * self._rate)


class Recent(Generic[K, V]):
    """A value for each key, made when first asked for. Of many keys, only the most recently used `most` are kept:
    strangers cannot make it grow."""

    def __init__(self, make: Callable[[], V], most: int = 4096) -> None:
        self._make = make
        self._most = most
        self._lock = Lock()
        self._values: OrderedDict[K, V] = OrderedDict()

    def of(self, key: K) -> V:
        with self._lock:
            value = self._values.get(key)
            if value is None:
                value = self._values[key] = self._make()
                if len(self._values) > self._most:
                    self._values.popitem(last=False)
            self._values.move_to_end(key)
            return value

    def __len__(self) -> int:
        return len(self._values)


class Account:
    """Rate and memory of one peer, or of one host's anonymous clients, over all of its connections."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = monotonic) -> None:
        now = clock()
        self._limits = limits
        self._clock = clock
        self._bytes = TokenBucket(limits.bytes_per_second, max(limits.bytes_per_second, limits.frame_bytes), now)
        self._requests = TokenBucket(limits.requests_per_second, max(limits.requests_per_second, 1.0), now)
        self._held = 0
        self._free = Condition()
        self._slowed = False

    def charge(self, size: int) -> float | None:
        """Seconds that a request of `size` bytes must wait; None when that is over `Limits.slow_seconds`, and
        then nothing is taken: the request is to be refused."""
        with self._free:
            now = self._clock()
            wait = max(self._bytes.delay(size, now), self._requests.delay(1, now))
            if wait > self._limits.slow_seconds:
                return None
            self._bytes.take(size, now)
            self._requests.take(1, now)
            return wait

    def answered(self, size: int) -> None:
        """An answer of `size` bytes is paid for by what is asked next."""
        with self._free:
            self._bytes.take(size, self._clock())

    def slowed(self, wait: float) -> bool:
        """True when this wait is the first of a row: once is enough for a log."""
        with self._free:
            first = wait > 0 and not self._slowed
            self._slowed = wait > 0
            return first

    def hold(self, size: int) -> bool:
        """Reserve memory for a request, after waiting for others of this peer to end. False: they did not."""
        with self._free:
            most = self._limits.memory_per_peer - size
            free = self._free.wait_for(lambda: self._held <= most, self._limits.slow_seconds)
            if free:
                self._held += size
            return free

    def release(self, size: int) -> None:
        with self._free:
            self._held -= size
            self._free.notify_all()
