"""The routing table: what stays in it, what goes, and in which order it answers."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from enigmalang.dht.buckets import Table
from enigmalang.dht.ids import bucket_of

MINE = 0b1010_1010
K, PATIENCE, PAUSE = 3, 2, 60.0
PLACES = st.integers(0, 255)


def table(*places: int) -> Table:
    made = Table(MINE, K, PATIENCE, PAUSE)
    for place in places:
        made.add(place, 0.0)
    return made


def test_a_newcomer_waits_until_the_oldest_is_silent() -> None:
    full = table(1, 2, 3)
    assert full.add(4, 0.0) == 1
    assert 4 not in full
    full.failed(1, pinged=True)
    assert list(full) == [2, 3, 4]


def test_a_contact_that_answers_stays_and_the_newcomer_does_not_come_in() -> None:
    full = table(1, 2, 3)
    assert full.add(4, 0.0) == 1
    assert full.touch(1)
    assert list(full) == [2, 3, 1]


def test_pings_for_newcomers_pause() -> None:
    full = table(1, 2, 3)
    assert full.add(4, 100.0) == 1
    assert full.add(5, 159.0) is None
    assert full.add(6, 160.0) == 1


def test_the_latest_spare_comes_first_and_only_k_wait() -> None:
    full = table(1, 2, 3, 4, 5, 6, 7)
    for place in (1, 2, 3):
        full.forget(place)
    assert list(full) == [7, 6, 5]
    for place in (7, 6, 5):
        full.forget(place)
    assert len(full) == 0


def test_one_failure_is_forgiven() -> None:
    full = table(1, 2, 3)
    full.add(4, 0.0)
    full.failed(2)
    full.touch(2)
    full.failed(2)
    assert 2 in full and not full.is_stale(2)
    full.failed(2)
    assert list(full) == [1, 3, 4]


def test_without_a_spare_a_silent_contact_is_kept_behind_the_others() -> None:
    few = table(1, 2)
    for _ in range(5):
        few.failed(1)
    assert few.is_stale(1) and 1 in few
    assert few.nearest(1, 5) == [2, 1]
    assert few.nearest(1, 5, stale=False) == [2]
    assert few.touch(1) and not few.is_stale(1)
    assert few.nearest(1, 5) == [1, 2]


def test_a_stale_contact_makes_room_at_once() -> None:
    full = table(1, 2, 3)
    full.failed(2)
    full.failed(2)
    assert full.add(4, 0.0) is None
    assert list(full) == [1, 3, 4]
    assert full.add(2, 0.0) == 1  # a newcomer like any other


def test_a_silent_spare_is_none_any_more() -> None:
    full = table(1, 2, 3, 4, 5)
    full.failed(5)
    full.forget(1)
    assert list(full) == [2, 3, 4]


def test_buckets_without_a_lookup_want_a_refresh() -> None:
    some = Table(0, K, PATIENCE, PAUSE)
    assert some.unlooked(0.0) == []
    some.add(1 << 252, 0.0)
    assert some.unlooked(0.0) == [252, 253, 254, 255]
    some.looked((1 << 254) + 5, 10.0)
    assert some.unlooked(9.0) == [252, 253, 255]
    assert some.unlooked(10.0) == [252, 253, 254, 255]


class TableMachine(RuleBasedStateMachine):
    """Any sequence of events, against a model that only knows who should still be there."""

    def __init__(self) -> None:
        super().__init__()
        self.table = table()
        self.now = 0.0
        self.failures: dict[int, int] = {}  # of each contact, since it was heard
        self.order: list[int] = []  # contacts, the least recently seen first

    @rule(place=PLACES)
    def hear(self, place: int) -> None:
        before = set(self.table)
        size = sum(bucket_of(MINE, other) == bucket_of(MINE, place) for other in before)
        if self.table.touch(place):
            assert place in before
            self.order.remove(place)
            self.order.append(place)
            self.failures[place] = 0
            return
        assert place not in before
        oldest = self.table.add(place, self.now)
        if oldest is not None:
            assert oldest == next(other for other in self.order if bucket_of(MINE, other) == bucket_of(MINE, place))
        assert (place in self.table) or size == K or place == MINE
        self.sync()

    @rule(place=PLACES, pinged=st.booleans())
    def fail(self, place: int, pinged: bool) -> None:
        if place in self.failures:
            self.failures[place] += PATIENCE if pinged else 1
        self.table.failed(place, pinged)
        self.sync()

    @precondition(lambda self: self.order)
    @rule(data=st.data(), pinged=st.booleans())
    def fail_contact(self, data: st.DataObject, pinged: bool) -> None:
        self.fail(data.draw(st.sampled_from(self.order)), pinged)

    @rule(place=PLACES)
    def forget(self, place: int) -> None:
        self.table.forget(place)
        self.failures.pop(place, None)
        if place in self.order:
            self.order.remove(place)
        assert place not in self.table
        self.sync()

    @rule(seconds=st.floats(0.0, 100.0))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    def sync(self) -> None:
        """Take over who came and who went; who never failed must not have gone."""
        there = set(self.table)
        for gone in set(self.order) - there:
            assert self.failures.pop(gone) >= PATIENCE
            self.order.remove(gone)
        for came in there - set(self.order):
            self.failures[came] = 0
            self.order.append(came)

    @invariant()
    def buckets_are_small_and_without_me(self) -> None:
        contacts = list(self.table)
        assert len(contacts) == len(set(contacts)) == len(self.table)
        assert MINE not in contacts
        for number in range(8):
            assert sum(bucket_of(MINE, place) == number for place in contacts) <= K

    @invariant()
    def each_bucket_is_in_order(self) -> None:
        for number in range(8):
            expected = [place for place in self.order if bucket_of(MINE, place) == number]
            assert [place for place in self.table if bucket_of(MINE, place) == number] == expected

    @invariant()
    def who_failed_is_stale_and_who_did_not_is_none(self) -> None:
        for place, count in self.failures.items():
            assert self.table.is_stale(place) == (count >= PATIENCE)

    @invariant()
    def the_nearest_are_the_nearest(self) -> None:
        for target in (0, MINE, MINE ^ 1, 0b1000_0000, 0b1110_0111):
            def rule_of(place: int, target: int = target) -> tuple[bool, int]:
                return self.table.is_stale(place), place ^ target
            expected = sorted(self.table, key=rule_of)
            for count in (0, 1, K, 2 * K, 100):
                assert self.table.nearest(target, count) == expected[:count]
            alive = [place for place in expected if not self.table.is_stale(place)]
            assert self.table.nearest(target, K, stale=False) == alive[:K]


TableMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestTable = TableMachine.TestCase
