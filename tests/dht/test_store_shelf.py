"""The shelf of one node: what it keeps, what it refuses, and that full means refused and nothing else."""

import sqlite3
import stat
import threading
from pathlib import Path

import msgspec
import pytest
from storing import (
    ALICE,
    BOB,
    DOMAIN,
    NOW,
    Ledger,
    Ready,
    filled,
    in_the_clear,
    name,
    record_of,
    sealed,
    signed,
    verified,
)

from enigmalang.dht.chunks import CHUNK, ChunkRefused
from enigmalang.dht.records import Record, SignedRecord, Verified, verify
from enigmalang.dht.shelf import Shelf, ShelfFull, ShelfRefused
from enigmalang.dht.writing import Closed

QUOTA = 8 * 2**20
LARGE = in_the_clear(filled(3 * CHUNK + 7))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shelf.db"


def at(value: Ready, key: str = "key") -> Record:
    return verified(value, key).record


def fill(shelf: Shelf, value: Ready, key: str = "key", version: int = 1) -> None:
    shelf.put(verified(value, key, version))
    shelf.put_chunks(at(value, key), value.all_chunks())


def content_of(shelf: Shelf, value: Ready, key: str = "key") -> bytes:
    found = []
    for i in range(len(value.chunks)):
        chunk = shelf.chunk(at(value, key), i)
        assert chunk is not None
        chunk.check(value.name)
        found.append(chunk.data)
    return b"".join(found)


def test_what_is_put_is_there_and_after_opening_again(path: Path):
    with Shelf(path, QUOTA) as shelf:
        fill(shelf, LARGE)
        assert shelf.missing(at(LARGE)) == ()
        used = shelf.usage().used
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with Shelf(path, QUOTA) as shelf:
        assert shelf.record(1, name("key")) == verified(LARGE).signed
        assert content_of(shelf, LARGE) == b"".join(LARGE.chunks)
        assert shelf.usage().used == used >= LARGE.size


def test_chunks_come_in_any_order(path: Path):
    with Shelf(path, QUOTA) as shelf:
        shelf.put(verified(LARGE))
        assert shelf.missing(at(LARGE)) == (0, 1, 2, 3)
        shelf.put_chunks(at(LARGE), [LARGE.chunk(2)])
        shelf.put_chunks(at(LARGE), [LARGE.chunk(0), LARGE.chunk(2)])  # again is no fault
        assert shelf.missing(at(LARGE)) == (1, 3)
        assert shelf.chunk(at(LARGE), 1) is None


def test_what_is_not_there(path: Path):
    with Shelf(path, QUOTA) as shelf:
        assert shelf.record(1, name("key")) is None and shelf.missing(at(LARGE)) is None
        assert shelf.missing(at(LARGE)) is None and shelf.chunk(at(LARGE), 0) is None
        assert not shelf.drop(1, name("key")) and list(shelf.records()) == [] and shelf.sweep() == 0


def test_chunks_of_nothing_and_wrong_ones(path: Path):
    with Shelf(path, QUOTA) as shelf:
        with pytest.raises(ShelfRefused, match="no record"):
            shelf.put_chunks(at(LARGE), [LARGE.chunk(0)])
        shelf.put(verified(LARGE))
        first = LARGE.chunk(0)
        for change in ({"index": 1}, {"index": 4}, {"index": -1}, {"data": first.data[1:]}, {"path": first.path[1:]}):
            with pytest.raises(ChunkRefused):
                shelf.put_chunks(at(LARGE), [LARGE.chunk(2), msgspec.structs.replace(first, **change)])
        assert shelf.missing(at(LARGE)) == (0, 1, 2, 3)  # all or none


def test_versions(path: Path):
    one, two = in_the_clear(b"one"), in_the_clear(b"two")
    with Shelf(path, QUOTA) as shelf:
        assert shelf.put(verified(one, version=1))
        assert not shelf.put(verified(one, version=1))
        assert shelf.put(verified(two, version=2))
        with pytest.raises(ShelfRefused, match="version 2 is kept"):
            shelf.put(verified(one, version=1))
        found = shelf.record(1, name("key"))
        assert found is not None and found.record.root == two.root


def test_a_key_that_has_another_owner_now(path: Path):
    """The hub gave Bob the key, so his first version counts after Alice's fifth."""
    mine, his = in_the_clear(b"mine"), in_the_clear(b"his")
    record, ledger = record_of(his, owner=BOB, version=1), Ledger()
    ledger.point(record)
    with Shelf(path, QUOTA) as shelf:
        shelf.put(verified(mine, version=5))
        shelf.put(verify(signed(record, BOB), DOMAIN, ledger, NOW))
        found = shelf.record(1, name("key"))
        assert found is not None and found.record == record


def test_two_of_one_version_end_alike_on_all_shelves(tmp_path: Path):
    values = [in_the_clear(bytes([i])) for i in range(2)]
    kept = set()
    for order in (values, values[::-1]):
        with Shelf(tmp_path / f"{len(kept)}-{order[0].root.hex()}", QUOTA) as shelf:
            for value in order:
                try:
                    shelf.put(verified(value))
                except ShelfRefused:
                    assert value is order[1]
            found = shelf.record(1, name("key"))
            assert found is not None
            kept.add(found.record.root)
    assert len(kept) == 1


def test_what_nothing_refers_to_is_swept(path: Path):
    with Shelf(path, QUOTA) as shelf:
        fill(shelf, LARGE, "one")
        fill(shelf, LARGE, "two")
        shelf.drop(1, name("one"))
        assert shelf.missing(at(LARGE, "one")) == ()
        assert shelf.sweep() == 1 and content_of(shelf, LARGE, "two")
        assert shelf.missing(at(LARGE, "one")) is None
        shelf.drop(1, name("two"))
        assert shelf.sweep() == 1
        assert shelf.usage().used == 0
    assert path.stat().st_size < LARGE.size  # the room is the disk's again


def test_chunks_are_of_one_key_and_one_owner(path: Path):
    """A root stands in public records: who signs for it under another key has no chunk of it."""
    with Shelf(path, QUOTA) as shelf:
        fill(shelf, LARGE)
        his = record_of(LARGE, owner=BOB)
        shelf.put(verified(LARGE, "alias"))
        assert shelf.missing(at(LARGE, "alias")) == (0, 1, 2, 3) and shelf.chunk(at(LARGE, "alias"), 0) is None
        ledger = Ledger()
        ledger.point(his)
        shelf.put(verify(signed(his, BOB), DOMAIN, ledger, NOW))  # the key is Bob's now
        assert shelf.missing(his) == (0, 1, 2, 3) and shelf.chunk(his, 0) is None


def test_a_new_version_frees_what_it_replaces(path: Path):
    other = in_the_clear(filled(CHUNK, "other"))
    with Shelf(path, QUOTA) as shelf:
        fill(shelf, LARGE)
        fill(shelf, other, version=2)
        assert content_of(shelf, LARGE)  # whoever reads it now may finish
        assert shelf.sweep() == 1
        assert shelf.missing(at(LARGE)) is None and content_of(shelf, other)


def test_usage_is_that_of_what_is_there(tmp_path: Path):
    """However it came about: as on a shelf that never had anything else."""
    value, readable = in_the_clear(b"x"), sealed(b"secret", [ALICE])
    with Shelf(tmp_path / "one", QUOTA) as shelf, Shelf(tmp_path / "other", QUOTA) as fresh:
        fill(shelf, value)
        fill(shelf, readable, version=2)  # a longer record in place of a shorter one
        fill(shelf, LARGE, "large")
        shelf.drop(1, name("large"))
        shelf.sweep()
        fill(fresh, readable, version=2)
        assert shelf.usage() == fresh.usage()


def test_records_are_gone_through_in_the_order_of_their_keys(path: Path):
    value = in_the_clear(b"x")
    with Shelf(path, QUOTA) as shelf:
        for i in range(600):
            if i < 3 or i > 596:
                shelf.put(verified(value, str(i)))
        found = [r.record.key for r in shelf.records()]
        assert found == sorted(name(str(i)) for i in (0, 1, 2, 597, 598, 599))


def test_pages_of_an_iteration(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("enigmalang.dht.shelf._PAGE", 2)
    value = in_the_clear(b"x")
    with Shelf(path, QUOTA) as shelf:
        for i in range(5):
            shelf.put(verified(value, str(i)))
        assert len({r.record.key for r in shelf.records()}) == 5


# ---- full


def test_the_quota_is_for_whole_values(path: Path):
    small = in_the_clear(b"small")
    with Shelf(path, LARGE.size + 4096) as shelf:
        shelf.put(verified(LARGE))
        other = in_the_clear(filled(CHUNK, "other"))
        with pytest.raises(ShelfFull, match="quota"):
            shelf.put(verified(other, "other"))
        assert shelf.record(1, name("other")) is None and shelf.missing(at(other, "other")) is None
        shelf.put_chunks(at(LARGE), LARGE.all_chunks())  # promised room is there
        shelf.put(verified(small, "small"))
        assert shelf.usage().used <= shelf.usage().quota


def test_room_is_made_before_it_is_refused(path: Path):
    other = in_the_clear(filled(2 * CHUNK, "other"))
    with Shelf(path, LARGE.size + 4096) as shelf:
        fill(shelf, LARGE)
        shelf.drop(1, name("key"))
        fill(shelf, other, "other")
        assert shelf.missing(at(LARGE)) is None and content_of(shelf, other, "other")


def test_a_full_disk_refuses_and_keeps_what_it_has(path: Path):
    """sqlite says SQLITE_FULL at a page limit exactly as on a full disk."""
    other = in_the_clear(filled(6 * CHUNK, "other"))
    with Shelf(path, 2**30, most_pages=120) as shelf:
        fill(shelf, LARGE)
        shelf.put(verified(other, "other"))
        with pytest.raises(ShelfFull, match="disk"):
            shelf.put_chunks(at(other, "other"), other.all_chunks())
        assert shelf.missing(at(other, "other")) == (0, 1, 2, 3, 4, 5)
        assert content_of(shelf, LARGE) == b"".join(LARGE.chunks)
        shelf.drop(1, name("key"))  # room can still be made
        assert shelf.sweep() == 1
        shelf.put_chunks(at(other, "other"), other.all_chunks())
        assert shelf.missing(at(other, "other")) == ()


def test_on_a_full_disk_the_small_ones_of_a_batch_get_in(path: Path):
    """Many threads at once: whoever fits is kept, whoever does not is refused, and nobody waits for ever."""
    values = [in_the_clear(filled(CHUNK if i % 4 else 8 * CHUNK, str(i))) for i in range(16)]
    with Shelf(path, 2**30, most_pages=230) as shelf:
        for i, value in enumerate(values):
            shelf.put(verified(value, str(i)))
        outcomes: dict[int, bool] = {}

        def put(i: int) -> None:
            try:
                shelf.put_chunks(at(values[i], str(i)), values[i].all_chunks())
                outcomes[i] = True
            except ShelfFull:
                outcomes[i] = False

        threads = [threading.Thread(target=put, args=(i,)) for i in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(outcomes) == 16 and any(outcomes.values()) and not all(outcomes.values())
        for i, kept in outcomes.items():
            assert (shelf.missing(at(values[i], str(i))) == ()) == kept


# ---- damage


def test_a_chunk_that_the_disk_changed_is_missing(path: Path):
    with Shelf(path, QUOTA) as shelf:
        fill(shelf, LARGE)
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE chunks SET data = CAST(x'00' || substr(data, 2) AS BLOB) WHERE place = 1")
    raw.close()
    with Shelf(path, QUOTA) as shelf:
        assert shelf.chunk(at(LARGE), 1) is None
        assert shelf.missing(at(LARGE)) == (1,)
        shelf.put_chunks(at(LARGE), [LARGE.chunk(1)])
        assert content_of(shelf, LARGE) == b"".join(LARGE.chunks)


def test_a_record_that_the_disk_changed_is_missing(path: Path):
    with Shelf(path, QUOTA) as shelf:
        for key in "abc":
            fill(shelf, LARGE, key)
    with sqlite3.connect(path) as raw:
        raw.executemany("UPDATE records SET body = x'00' WHERE key = ?", [(name("a"),), (name("b"),)])
    raw.close()
    with Shelf(path, QUOTA) as shelf:
        assert shelf.put(verified(LARGE, "b"))
        assert {r.record.key for r in shelf.records()} == {name("b"), name("c")}
        assert shelf.record(1, name("a")) is None and shelf.put(verified(LARGE, "a"))
        assert shelf.record(1, name("a")) == verified(LARGE, "a").signed


def test_a_shelf_of_another_format(path: Path):
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA user_version=99")
    raw.close()
    with pytest.raises(ShelfRefused, match="format 99"):
        Shelf(path, QUOTA)


def test_a_closed_shelf(path: Path):
    shelf = Shelf(path, QUOTA)
    shelf.close()
    shelf.close()
    with pytest.raises(Closed):
        shelf.put(verified(LARGE))


def test_nothing_secret_stands_in_the_file(path: Path):
    secret = b"a secret that nobody else may know"
    value = sealed(secret, [ALICE])
    with Shelf(path, QUOTA) as shelf:
        fill(shelf, value)
    files = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert value.chunks[0] in files and secret not in files


def test_a_false_size_stands_in_nobodys_way(path: Path):
    """Eve signs for Alice's root with another size, and comes first."""
    lying = msgspec.structs.replace(verified(LARGE).record, key=name("lie"), size=LARGE.size + 1)
    with Shelf(path, QUOTA) as shelf:
        shelf.put(Verified(SignedRecord(lying, bytes(65))))
        fill(shelf, LARGE)
        assert content_of(shelf, LARGE) == b"".join(LARGE.chunks)
        assert shelf.missing(lying) == (0, 1, 2, 3)


def test_a_record_with_another_signature_of_the_same_owner_is_the_same_record(path: Path):
    first = verified(LARGE)
    again = Verified(SignedRecord(first.record, bytes(65)))  # as if signed with other randomness
    with Shelf(path, QUOTA) as shelf:
        shelf.put(first)
        assert shelf.put(again)
        assert shelf.record(1, name("key")) == again.signed
