"""One iterative lookup: which nodes are nearest to a place (Kademlia, section 2.3).

Up to `alpha` nodes are asked at a time, always the nearest not asked yet; when as many answers in a row brought nothing
nearer than what was known, all of the k nearest are asked at once. It is done when the k nearest nodes that did not
fail have answered; those that were silent and would be among them are asked once more at the end. No more than `budget`
requests are made, so it ends whatever the peers answer: a peer can hide nodes, and can send the lookup to other
registered nodes, but cannot keep it going.

The nearest of my own contacts, the `anchors`, are asked in any case. Without that, colluding nodes win a lookup as soon
as they are the first `alpha`: each other's names fill the list, and nobody else is asked. (S/Kademlia, Baumgart and
Mies, ICPADS 2007, has disjoint paths against it, which cost more requests.)
"""

from bisect import insort
from collections.abc import Iterable, Iterator
from enum import Enum, auto
from itertools import chain


class _State(Enum):
    NEW = auto()
    ASKED = auto()
    ANSWERED = auto()
    FAILED = auto()


class Lookup:
    """The state of a lookup of `target` that begins with the `known` nodes. Nodes are given and named by their places;
    `mine` is never asked.
    """

    def __init__(self, target: int, mine: int, known: Iterable[int], k: int, alpha: int, budget: int,
                 anchors: int = 0) -> None:
        self.target = target
        self._k = k
        self._alpha = alpha
        self._budget = budget
        # Distances to the target stand for the nodes. `_near` has those that did not fail, in order.
        self._near: list[int] = []
        self._states: dict[int, _State] = {mine ^ target: _State.FAILED}
        self._hops: dict[int, int] = {}
        self._silent: list[int] = []
        self._asked_again = False
        self._waiting = 0
        self._stalled = 0
        self.asked = 0
        self.answers = 0
        self._learn(known, 1)
        self._anchors = self._near[:anchors]

    def next(self) -> list[int]:
        """The nodes to be asked now. They count as asked from here on."""
        chosen = []
        for distance in self._to_ask():
            self._states[distance] = _State.ASKED
            chosen.append(distance ^ self.target)
        self._waiting += len(chosen)
        self.asked += len(chosen)
        return chosen

    def answered(self, place: int, nodes: Iterable[int]) -> None:
        """A node that was asked answered with these nodes. Anything else is ignored."""
        distance = place ^ self.target
        if self._states.get(distance) is not _State.ASKED:
            return
        self._states[distance] = _State.ANSWERED
        self._waiting -= 1
        self.answers += 1
        nearest = self._near[0]
        self._learn(nodes, self._hops[distance] + 1)
        self._stalled = 0 if self._near[0] < nearest else self._stalled + 1
        self._ask_again()

    def failed(self, place: int, silent: bool = False) -> None:
        """A node that was asked did not answer, or (not `silent`) not as it should."""
        distance = place ^ self.target
        if self._states.get(distance) is not _State.ASKED:
            return
        self._states[distance] = _State.FAILED
        self._waiting -= 1
        self._near.remove(distance)
        if silent:
            self._silent.append(distance)
        self._ask_again()

    @property
    def done(self) -> bool:
        """Whether the k nearest nodes have answered and the anchors were asked, or nobody is left to be asked."""
        for distance in chain(self._near[:self._k], self._anchors):
            state = self._states[distance]
            if state is _State.ASKED or (state is _State.NEW and self.asked < self._budget):
                return False
        return True

    def found(self) -> list[int]:
        """Up to k nodes that answered, the nearest first."""
        return [place for place, _ in zip(self._found(), range(self._k), strict=False)]

    @property
    def hops(self) -> int:
        """How many nodes, each named by the one before, had to be asked to find the nearest; 0 if none answered."""
        nearest = next(self._found(), None)
        return 0 if nearest is None else self._hops[nearest ^ self.target]

    def _found(self) -> Iterator[int]:
        return (distance ^ self.target for distance in self._near if self._states[distance] is _State.ANSWERED)

    def _to_ask(self) -> list[int]:
        width = self._k if self._stalled >= self._alpha else self._alpha
        room = min(width - self._waiting, self._budget - self.asked)
        if room <= 0:
            return []
        new = [distance for distance in chain(self._near[:self._k], self._anchors)
               if self._states[distance] is _State.NEW]
        return list(dict.fromkeys(new))[:room]

    def _ask_again(self) -> None:
        if self._asked_again or not self.done:
            return
        self._asked_again = True
        for distance in self._silent:
            self._states[distance] = _State.NEW
            insort(self._near, distance)

    def _learn(self, nodes: Iterable[int], hops: int) -> None:
        for place in nodes:
            distance = place ^ self.target
            if distance not in self._states:
                self._states[distance] = _State.NEW
                self._hops[distance] = hops
                insort(self._near, distance)
