"""What one may take, and that the others still get theirs."""

import random
import threading
from dataclasses import replace

import pytest

from enigmalang.transport.peering.buckets import Account, Recent, TokenBucket
from enigmalang.transport.peering.client import ClientConnection
from enigmalang.transport.peering.errors import PeerRefused, PeerUnreachable
from enigmalang.transport.peering.events import Kind
from enigmalang.transport.peering.limits import Limits
from tests.transport.peering.peering_helpers import LIMITS, LONG, echo, town, until_idle
from tests.transport.tls_helpers import together


def test_a_bucket_lets_no_more_through_than_its_rate() -> None:
    rng = random.Random(6)
    for _ in range(50):
        rate, burst = rng.uniform(1, 100), rng.uniform(1, 200)
        bucket = TokenBucket(rate, burst, 0.0)
        now = passed = 0.0
        for _ in range(200):
            now += rng.uniform(0, 2)
            amount = rng.uniform(0, 2 * burst)  # also more than fits the bucket
            now += bucket.delay(amount, now)
            bucket.take(amount, now)
            passed += amount
            assert passed <= burst + rate * now + 1e-6


def test_a_bucket_makes_nobody_wait_within_its_rate() -> None:
    bucket = TokenBucket(10.0, 5.0, 0.0)
    for second in range(100):
        assert bucket.delay(5.0, float(second)) == 0
        bucket.take(5.0, float(second))
    assert bucket.delay(1.0, 99.0) == pytest.approx(0.1)
    assert bucket.delay(1.0, 0.0) == pytest.approx(0.1)  # a clock that goes back pays nothing
    bucket.take(-100.0, 99.0)
    assert bucket.delay(5.0, 99.0) == 0  # what is given back fills it, and no more
    assert bucket.delay(6.0, 99.0) == pytest.approx(0.1)


def test_an_account_waits_a_little_and_refuses_what_is_far_over() -> None:
    now = 0.0
    account = Account(Limits(frame_bytes=100, bytes_per_second=100.0, slow_seconds=1.0), lambda: now)
    assert account.charge(100) == 0
    assert account.charge(50) == pytest.approx(0.5)
    assert account.charge(60) is None  # and nothing is taken
    assert account.charge(40) == pytest.approx(0.9)
    now = 2.0
    account.answered(110)
    assert account.charge(10) == pytest.approx(0.2)


def test_strangers_do_not_make_tables_grow() -> None:
    made = iter(range(1000))
    recent: Recent[int, int] = Recent(lambda: next(made), most=3)
    assert [recent.of(key) for key in (1, 2, 3, 1, 4, 1, 2)] == [0, 1, 2, 0, 3, 0, 4]
    assert len(recent) == 3


@pytest.mark.parametrize("name", ["frame_bytes", "connections", "requests_per_second", "idle_seconds"])
def test_limits_are_positive(name: str) -> None:
    with pytest.raises(ValueError, match=f"limit {name} must be positive"):
        Limits(**{name: 0})


def test_limits_let_the_largest_frame_through() -> None:
    with pytest.raises(ValueError, match="limit memory_per_peer is below frame_bytes"):
        Limits(frame_bytes=100, memory_per_peer=99)


def test_a_peer_far_over_its_rate_is_refused_and_others_are_not() -> None:
    limits = replace(LIMITS, frame_bytes=1000, bytes_per_second=1.0, slow_seconds=0.01)
    with town(["ann", "bob", "cid"], limits=limits, answer=lambda peer, body: b"") as nodes:
        ask = nodes["ann"].peering.ask
        assert ask("bob", bytes(900), LONG) == b""
        for _ in range(3):
            with pytest.raises(PeerRefused, match="bob: over the rate of one peer: ask again later"):
                ask("bob", bytes(900), LONG)
        nodes["bob"].ear.wait(Kind.LIMITED, "far over its rate", peer="ann")
        assert nodes["cid"].peering.ask("bob", bytes(900), LONG) == b""
        assert not nodes["bob"].ear.has(Kind.LIMITED, peer="cid")
        with ClientConnection(nodes["bob"].contact, limits) as client:
            assert client.ask(bytes(900), LONG)[:8] == b"anybody:"


def test_a_large_request_over_the_rate_hears_why() -> None:
    size = 8 << 20  # more than the system holds for the other end
    limits = Limits(frame_bytes=size, bytes_per_second=1.0, slow_seconds=0.01)
    with town(["ann", "bob"], limits=limits, answer=lambda peer, body: b"") as nodes:
        assert nodes["ann"].peering.ask("bob", bytes(size - 16), LONG) == b""
        with pytest.raises(PeerRefused, match="over the rate"):
            nodes["ann"].peering.ask("bob", bytes(size), LONG)


def test_a_peer_a_little_over_its_rate_is_slowed() -> None:
    limits = Limits(frame_bytes=2000, bytes_per_second=20_000.0, slow_seconds=LONG)
    with town(["ann", "bob", "cid"], limits=limits, answer=lambda peer, body: b"") as nodes:
        ear = nodes["bob"].ear
        while not ear.has(Kind.LIMITED, "slowed: over its rate", peer="ann"):
            assert nodes["ann"].peering.ask("bob", bytes(2000), LONG) == b""
        assert nodes["cid"].peering.ask("bob", bytes(2000), LONG) == b""
        assert not ear.has(Kind.LIMITED, peer="cid")


def test_requests_are_counted_too() -> None:
    limits = Limits(requests_per_second=0.001, slow_seconds=0.01)
    with town(["ann", "bob"], limits=limits) as nodes:
        assert nodes["ann"].peering.ask("bob", b"", LONG) == b"ann:"
        with pytest.raises(PeerRefused, match="over the rate"):
            nodes["ann"].peering.ask("bob", b"", LONG)


class _Slow:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.release = threading.Event()

    def __call__(self, peer: str, body: memoryview) -> bytes:
        self.begun.release()
        if bytes(body[:4]) == b"wait":
            assert self.release.wait(LONG)
        return echo(peer, body[:4])


def test_memory_of_one_peer() -> None:
    slow = _Slow()
    limits = Limits(frame_bytes=1000, memory_per_peer=1500, slow_seconds=0.05)
    with town(["ann", "bob", "cid"], limits=limits, answer=slow) as nodes:
        ask = nodes["ann"].peering.ask

        def meanwhile() -> None:
            assert slow.begun.acquire(timeout=LONG)
            with pytest.raises(PeerRefused, match="over the memory of one peer"):
                ask("bob", bytes(1000), LONG)
            assert ask("bob", bytes(400), LONG) == b"ann:" + bytes(4)
            assert nodes["cid"].peering.ask("bob", bytes(1000), LONG) == b"cid:" + bytes(4)
            slow.release.set()

        together(lambda: ask("bob", b"wait" + bytes(900), LONG), meanwhile)
        assert ask("bob", bytes(1000), LONG) == b"ann:" + bytes(4)  # it is free again


def test_memory_is_waited_for() -> None:
    slow = _Slow()
    limits = Limits(frame_bytes=1000, memory_per_peer=1000, slow_seconds=LONG)
    with town(["ann", "bob"], limits=limits, answer=slow) as nodes:
        ask = nodes["ann"].peering.ask

        def meanwhile() -> bytes:
            assert slow.begun.acquire(timeout=LONG)
            threading.Timer(0.05, slow.release.set).start()
            return ask("bob", b"next" + bytes(900), LONG)

        assert together(lambda: ask("bob", b"wait" + bytes(900), LONG), meanwhile) == [b"ann:wait", b"ann:next"]


def test_requests_at_once_of_all() -> None:
    slow = _Slow()
    with town(["ann", "bob", "cid"], limits=Limits(requests=1, slow_seconds=0.05), answer=slow) as nodes:

        def meanwhile() -> None:
            assert slow.begun.acquire(timeout=LONG)
            with pytest.raises(PeerRefused, match="bob: busy: ask again later"):
                nodes["cid"].peering.ask("bob", b"", LONG)
            slow.release.set()

        together(lambda: nodes["ann"].peering.ask("bob", b"wait", LONG), meanwhile)
        assert nodes["cid"].peering.ask("bob", b"", LONG) == b"cid:"


def test_connections_of_one_peer() -> None:
    slow = _Slow()
    each = {"bob": Limits(connections_per_peer=1)}  # ann would open more
    with town(["ann", "bob", "cid"], answer=slow, each=each) as nodes:
        ask = nodes["ann"].peering.ask

        def meanwhile() -> None:
            assert slow.begun.acquire(timeout=LONG)
            with pytest.raises(PeerRefused, match="1 connections of ann are open, the most that may be"):
                ask("bob", b"", LONG)
            assert nodes["cid"].peering.ask("bob", b"", LONG) == b"cid:"
            slow.release.set()

        together(lambda: ask("bob", b"wait", LONG), meanwhile)
        nodes["bob"].ear.wait(Kind.LIMITED, "1 connections of ann are open", peer="ann")


def test_an_idle_connection_makes_room_for_another_of_its_peer() -> None:
    """As when a machine lost its power, and dials again before its old connections are found dead."""
    each = {"bob": Limits(connections_per_peer=1)}
    with town(["ann", "bob"], each=each) as nodes:
        bob = nodes["bob"]
        assert nodes["ann"].peering.ask("bob", b"1", LONG) == b"ann:1"
        until_idle(bob, "ann")
        lost = nodes["ann"].peering._pool._idle.pop("bob")  # it knows nothing of its connection any more
        assert nodes["ann"].peering.ask("bob", b"2", LONG) == b"ann:2"
        for line, _ in lost:
            line.place.channel.close()
        bob.ear.wait(Kind.LIMITED, "an idle connection lost its place", peer="ann")
        bob.ear.wait(Kind.LOST, "another connection took its place", peer="ann")


def test_a_full_table_prefers_peers_to_clients() -> None:
    with town(["ann", "bob", "cid"], each={"bob": Limits(connections=2)}) as nodes:
        bob = nodes["bob"]
        assert nodes["ann"].peering.ask("bob", b"", LONG) == b"ann:"
        with ClientConnection(bob.contact, LIMITS) as client:
            assert client.ask(b"", LONG) == b"anybody:"
            until_idle(bob)
            assert nodes["cid"].peering.ask("bob", b"", LONG) == b"cid:"
            bob.ear.wait(Kind.LOST, "another connection took its place", peer="")
        assert not bob.ear.has(Kind.LOST, peer="ann")


@pytest.mark.parametrize("name", ["clients", "clients_per_host"])
def test_clients_are_few(name: str) -> None:
    begun, release = threading.Semaphore(0), threading.Event()

    def clients(body: memoryview) -> bytes:
        begun.release()
        assert release.wait(LONG)
        return b"served"

    limits = replace(LIMITS, **{name: 1})  # type: ignore[arg-type]
    with town(["ann", "bob"], clients=clients, each={"bob": limits}) as nodes:
        contact = nodes["bob"].contact
        with ClientConnection(contact, LIMITS) as first, ClientConnection(contact, LIMITS) as second:

            def meanwhile() -> None:
                assert begun.acquire(timeout=LONG)
                with pytest.raises(PeerRefused, match="the most that may be"):
                    second.ask(b"", LONG)
                assert nodes["ann"].peering.ask("bob", b"", LONG) == b"ann:"
                release.set()

            assert together(lambda: first.ask(b"", LONG), meanwhile)[0] == b"served"
            until_idle(nodes["bob"])
            assert second.ask(b"", LONG) == b"served"  # in the place of the first, which is idle
            until_idle(nodes["bob"])
            assert first.ask(b"", LONG) == b"served"


def test_threads_are_as_few_as_connections() -> None:
    limits = replace(LIMITS, connections=4, connections_per_peer=4)
    with town(["ann", "bob", "cid", "dan"], each={"bob": limits}) as nodes:

        def ask(name: str) -> None:
            try:
                nodes[name].peering.ask("bob", b"", LONG)
            except (PeerRefused, PeerUnreachable):  # its place went to another
                return

        together(*[lambda name=name: ask(name) for name in ["ann", "cid", "dan"] * 5])
        table = nodes["bob"].peering._connections
        assert table.count(lambda place: place.incoming) <= 4
