"""kill -9 at each point of writing: what was acknowledged is there, what was not is there whole or not at all."""

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from shelf_child import COUNT, value_of
from storing import name, verified

import enigmalang
from enigmalang.dht.shelf import Shelf
from enigmalang.dht.writing import POINTS

FOLDER = Path(__file__).parent
#: Transactions before the one that is cut short: the first, one in the middle, the last but one.
BEFORE = (0, 4, 9)


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("point", POINTS)
def test_killed(tmp_path: Path, point: str, before: int):
    path = tmp_path / "shelf.db"
    checkout = Path(enigmalang.__file__).parents[1]
    child = subprocess.run(
        [sys.executable, FOLDER / "shelf_child.py", path, point, str(before)], capture_output=True, text=True,
        timeout=60, env={"PYTHONPATH": f"{FOLDER}:{checkout}"}, check=False)
    assert child.returncode == -signal.SIGKILL, child.stderr
    said = set(child.stdout.splitlines())
    # "answered" comes after the answer: the child may have had time to pass it on.
    assert before <= len(said) <= before + (point == "answered")
    with sqlite3.connect(path) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
    raw.close()
    with Shelf(path, 2**30) as shelf:
        check(shelf, said)
        for number in range(COUNT):  # and it goes on where it stopped
            value = value_of(number)
            record = verified(value, str(number)).record
            if shelf.record(1, name(str(number))) is not None:
                shelf.put_chunks(record, value.all_chunks())
                assert shelf.missing(record) == ()


def check(shelf: Shelf, said: set[str]) -> None:
    for number in range(COUNT):
        value = value_of(number)
        found, record = shelf.record(1, name(str(number))), verified(value, str(number)).record
        if f"dropped {number}" in said:
            assert found is None
        elif f"record {number}" in said and f"chunks {number + 1}" not in said:
            assert found is not None and found.record.root == value.root
        if f"chunks {number}" in said:
            chunk = shelf.chunk(record, 0)
            assert chunk is not None and chunk.data == value.chunks[0]
        assert shelf.missing(record) in ((), (0,), None)
