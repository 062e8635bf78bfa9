"""What seats keep in a file besides private state: a bounded number of outcomes, and of their bytes."""

import pytest

from enigmalang.node.daemon.seats import kept
from enigmalang.node.daemon.seats.kept import Kept


@pytest.fixture
def file(tmp_path):
    made = Kept(tmp_path / "kept")
    yield made
    made.close()


def there(file, committee=1, jobs=range(1, 30)):
    return [job for job in jobs if file.outcome(committee, job)]


def test_the_last_outcomes_of_each_committee_are_kept(file, monkeypatch):
    monkeypatch.setattr(kept, "OUTCOMES", 4)
    file.keep_outcome(2, 1, b"of another committee")
    for job in (3, 1, 2, 5, 4, 6, 4):
        file.keep_outcome(1, job, b"%d" % job)
    assert there(file) == [3, 4, 5, 6] and there(file, 2) == [1]
    file.keep_outcome(1, 2, b"too old by now")
    assert there(file) == [3, 4, 5, 6]


def test_they_have_a_bounded_number_of_bytes(file, monkeypatch):
    monkeypatch.setattr(kept, "OUTCOMES_BYTES", 1000)
    for job in range(1, 6):
        file.keep_outcome(1, job, bytes([job]) * 300)
    assert there(file) == [3, 4, 5]
    file.keep_outcome(1, 5, bytes(700))  # the same job once more, larger
    assert there(file) == [4, 5]
    file.keep_outcome(1, 6, bytes(1000))
    assert there(file) == [6] and file.outcome(1, 6) == bytes(1000)


def test_of_committees_that_were_left_the_newest_are_kept(file):
    for committee in range(1, 8):
        file.keep_outcome(committee, 10 + committee, b"x")
    file.forget_past({2, 7}, 2)
    assert [number for number in range(1, 8) if there(file, number)] == [2, 5, 6, 7]
