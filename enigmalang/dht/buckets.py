"""The routing table: k-buckets (Maymounkov and Mazières, Kademlia, IPTPS 2002, sections 2.2, 2.4 and 4.1).

Bucket i holds up to k nodes at distance 2^i to 2^(i+1) - 1 from mine, the least recently seen first. A node that is
there stays: a newcomer to a full bucket waits among the spares until the one that was silent for longest has not
answered a ping. Nodes that were up for long tend to stay up, and nobody can flush a table by introducing many nodes.

A contact that failed to answer a few times in a row is *stale*: it makes room for a newcomer or a spare, but is kept
when there is none, so that a node whose own network was down for a while does not forget everybody (section 4.1).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from enigmalang.dht.ids import BITS, bucket_of


@dataclass(slots=True)
class _Bucket:
    """`contacts` and `spares`: places, the least recently seen first. `pinged`: when a newcomer last caused a ping."""

    contacts: list[int] = field(default_factory=list)
    spares: list[int] = field(default_factory=list)
    pinged: float = float("-inf")


class Table:
    """The nodes that the node at place `mine` knows to be there. It holds only places; times are seconds.

    `size` is k, for contacts and again for spares; after `patience` failures in a row a contact is stale; a bucket has
    its oldest contact pinged at most every `pause` seconds.
    """

    def __init__(self, mine: int, size: int, patience: int, pause: float) -> None:
        self._mine = mine
        self._size = size
        self._patience = patience
        self._pause = pause
        self._buckets: dict[int, _Bucket] = {}
        self._failures: dict[int, int] = {}
        self._stale: set[int] = set()
        self._looked: dict[int, float] = {}

    def __len__(self) -> int:
        return sum(len(bucket.contacts) for bucket in self._buckets.values())

    def __iter__(self) -> Iterator[int]:
        """All contacts, from the nearest bucket to the farthest, in each the least recently seen first."""
        for _, bucket in sorted(self._buckets.items()):
            yield from bucket.contacts

    def __contains__(self, place: int) -> bool:
        bucket = self._buckets.get(bucket_of(self._mine, place))
        return bucket is not None and place in bucket.contacts

    def touch(self, place: int) -> bool:
        """A contact was heard: it is the most recently seen. False, and nothing happens, if it is none."""
        bucket = self._buckets.get(bucket_of(self._mine, place))
        if bucket is None or place not in bucket.contacts:
            return False
        self._recover(place)
        if bucket.contacts[-1] != place:
            bucket.contacts.remove(place)
            bucket.contacts.append(place)
        return True

    def add(self, place: int, now: float) -> int | None:
        """A node was heard that is no contact. It becomes one if there is room, else a spare; then the contact is
        returned that should be pinged, which makes room by not answering. Myself is never added.
        """
        number = bucket_of(self._mine, place)
        if number < 0 or self.touch(place):
            return None
        bucket = self._buckets.get(number)
        if bucket is None:
            bucket = self._buckets[number] = _Bucket()
        if len(bucket.contacts) >= self._size:
            stale = next((old for old in bucket.contacts if old in self._stale), None)
            if stale is None:
                return self._wait(bucket, place, now)
            self._drop(bucket, stale)
        if place in bucket.spares:
            bucket.spares.remove(place)
        bucket.contacts.append(place)
        return None

    def load(self, places: Iterable[int]) -> None:
        """Begin with these (each once), as if they were heard one after the other. For an empty table."""
        groups: dict[int, list[int]] = {}
        for place in places:
            groups.setdefault(bucket_of(self._mine, place), []).append(place)
        for number, group in groups.items():
            if number >= 0:
                self._buckets[number] = _Bucket(group[:self._size], group[self._size:][-self._size:])

    def failed(self, place: int, pinged: bool = False) -> None:
        """A node did not answer: the ping that `add` asked for (`pinged`), or something else."""
        bucket = self._buckets.get(bucket_of(self._mine, place))
        if bucket is None:
            return
        if place in bucket.spares:
            bucket.spares.remove(place)
        if place not in bucket.contacts:
            return
        self._failures[place] = self._failures.get(place, 0) + 1
        if not pinged and self._failures[place] < self._patience:
            return
        if bucket.spares:
            self._drop(bucket, place)
            bucket.contacts.append(bucket.spares.pop())
        else:
            self._stale.add(place)

    def forget(self, place: int) -> None:
        """A node left the network for good."""
        bucket = self._buckets.get(bucket_of(self._mine, place))
        if bucket is None:
            return
        if place in bucket.spares:
            bucket.spares.remove(place)
        elif place in bucket.contacts:
            self._drop(bucket, place)
            if bucket.spares:
                bucket.contacts.append(bucket.spares.pop())

    def nearest(self, target: int, count: int, stale: bool = True) -> list[int]:
        """Up to `count` contacts, nearest to `target` first; stale ones only if allowed, and behind all others."""
        found: list[int] = []
        near_to_target = target.__xor__
        for group in self._outwards(bucket_of(self._mine, target)):
            if self._stale:
                group = [place for place in group if place not in self._stale]
            found += sorted(group, key=near_to_target)
            if len(found) >= count:
                return found[:count]
        if stale:
            found += sorted(self._stale, key=near_to_target)
        return found[:count]

    def is_stale(self, place: int) -> bool:
        return place in self._stale

    def looked(self, target: int, now: float) -> None:
        """A lookup of `target` began: the bucket that holds it needs no refresh for a while."""
        self._looked[bucket_of(self._mine, target)] = now

    def unlooked(self, since: float) -> list[int]:
        """The buckets, from my nearest contact's outwards, in which nothing was looked up after `since`."""
        first = min((number for number, bucket in self._buckets.items() if bucket.contacts), default=BITS)
        return [number for number in range(first, BITS) if self._looked.get(number, float("-inf")) <= since]

    def _outwards(self, middle: int) -> Iterator[list[int]]:
        # With the target in bucket b, seen from me: those of bucket b share its highest differing bit, so they are
        # nearest; all of the buckets below b come next, mixed; then one bucket after the other.
        buckets = self._buckets
        if middle in buckets:
            yield buckets[middle].contacts
        yield [place for number, bucket in buckets.items() if number < middle for place in bucket.contacts]
        for number in sorted(buckets):
            if number > middle:
                yield buckets[number].contacts

    def _wait(self, bucket: _Bucket, place: int, now: float) -> int | None:
        if place in bucket.spares:
            bucket.spares.remove(place)
        bucket.spares.append(place)
        del bucket.spares[:-self._size]
        if now < bucket.pinged + self._pause:
            return None
        bucket.pinged = now
        return bucket.contacts[0]

    def _drop(self, bucket: _Bucket, place: int) -> None:
        bucket.contacts.remove(place)
        self._recover(place)

    def _recover(self, place: int) -> None:
        if self._failures:
            self._failures.pop(place, None)
            self._stale.discard(place)
