"""The file of a node's state: who can read it, what it refuses, and what is left of it after kill -9 or a full disk."""

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
from hashlib import sha256

import numpy as np
import pytest

from enigmalang.chain.hub import EMPTY
from enigmalang.fields import M61
from enigmalang.node.durable.errors import NewerSchema, StateBusy, StateError, StateFull, WrongKey
from enigmalang.node.durable.masks import Given
from enigmalang.node.durable.sqlite import SqliteState
from enigmalang.node.durable.state import Stage
from enigmalang.node.durable.values import shared_value
from enigmalang.sharing import ArithShare

KEY, POOL = bytes(range(32)), "0x" + "12" * 20


def value(*numbers):
    return shared_value(ArithShare(M61, M61.from_ints(np.array(numbers))), False)


def stage(job, root):
    return Stage(POOL, job, 1, 1, bytes(32), EMPTY, root)


def raw(path):
    return sqlite3.connect(path, isolation_level=None)


def test_only_its_owner_can_read_the_file_and_its_log(tmp_path):
    with SqliteState(tmp_path / "state", KEY) as state:
        state.committee(1).keep_term(3)
        modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in tmp_path.iterdir()}
    assert modes == {"state": 0o600, "state-wal": 0o600}


def test_shares_keys_and_masks_are_not_in_the_clear(tmp_path):
    secret = value(*range(1000, 1064))
    with SqliteState(tmp_path / "state", KEY) as state:
        kept = state.committee(1)
        kept.replace(POOL, b"r" * 32, {("x", ()): secret})
        kept.stage(stage(1, b"s" * 32), {("x", ()): secret})
        kept.keep_keys(b"committee keys!!" * 8, True)
        kept.masks.give(1, Given(POOL, 1, b"k" * 32, None, b"pieces of a mask" * 8))
        data = b"".join(entry.read_bytes() for entry in tmp_path.iterdir())
    assert POOL.encode() in data  # so what is looked for would be found
    for clear in (secret.data[:64], b"committee keys!!", b"pieces of a mask"):
        assert clear not in data


def test_a_damaged_state_says_what_to_do(tmp_path):
    path = tmp_path / "state"
    SqliteState(path, KEY).close()
    with open(path, "r+b") as file:
        for place in range(4096, path.stat().st_size, 4096):  # all pages but the first
            file.seek(place)
            file.write(bytes(range(256)) * 16)
    with pytest.raises(StateError, match="is damaged: move it away"):
        SqliteState(path, KEY)


def test_another_key_another_owner_a_newer_schema_no_state(tmp_path):
    path = tmp_path / "state"
    SqliteState(path, KEY, "chain 1").close()
    with pytest.raises(WrongKey, match="another storage key"):
        SqliteState(path, bytes(32), "chain 1")
    with pytest.raises(StateError, match="of chain 1, not of chain 2"):
        SqliteState(path, KEY, "chain 2")
    with pytest.raises(ValueError, match="storage key of 5 bytes"):
        SqliteState(path, b"short")
    with raw(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(NewerSchema, match="later version"):
        SqliteState(path, KEY, "chain 1")
    (tmp_path / "text").write_text("no database, but long enough to look at. " * 50)
    with pytest.raises(StateError, match="is not the state of a node: move it away"):
        SqliteState(tmp_path / "text", KEY)
    with pytest.raises(StateError, match="cannot be opened"):
        SqliteState(tmp_path / "nowhere" / "state", KEY)


def test_one_process_has_it_at_a_time(tmp_path):
    with SqliteState(tmp_path / "state", KEY):
        script = f"""
            from pathlib import Path
            from enigmalang.node.durable.errors import StateBusy
            from enigmalang.node.durable.sqlite import SqliteState
            try:
                SqliteState(Path({str(tmp_path / "state")!r}), bytes(range(32)))
            except StateBusy as error:
                print(error)
        """
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    assert "in use by another process" in done.stdout
    assert issubclass(StateBusy, StateError)


def test_a_value_that_was_moved_or_changed_is_refused(tmp_path):
    path = tmp_path / "state"
    with SqliteState(path, KEY) as state:
        state.committee(1).replace(POOL, b"r" * 32, {("x", ()): value(1), ("y", ()): value(2)})
    with raw(path) as db:
        (one, first), (other, second) = db.execute("SELECT name, value FROM current ORDER BY name").fetchall()
        for name, moved in ((one, second), (other, first)):
            db.execute("UPDATE current SET value = ? WHERE name = ?", (moved, name))
    db.close()
    with SqliteState(path, KEY) as state, pytest.raises(StateError, match="was changed"):
        state.committee(1).values(POOL)


def test_a_full_disk_undoes_the_whole_step_and_harms_nothing(tmp_path):
    with SqliteState(tmp_path / "state", KEY) as state:
        kept = state.committee(1)
        kept.replace(POOL, b"r" * 32, {("x", ()): value(1)})
        state.file.limit(40)
        large = {("x", (number,)): value(*range(400)) for number in range(60)}
        with pytest.raises(StateFull, match="no room left"):
            kept.stage(stage(1, b"s" * 32), large)
        assert kept.staged(POOL) == [] and list(kept.values(POOL)) == [("x", ())]
        kept.stage(stage(1, b"s" * 32), {("x", ()): value(3)})  # there is room for this one
        state.file.limit(10_000)
        kept.stage(stage(2, b"t" * 32), large)
    with SqliteState(tmp_path / "state", KEY) as state:
        assert [found.job for found in state.committee(1).staged(POOL)] == [1, 2]


def test_a_writer_that_fails_in_the_middle_leaves_nothing(tmp_path):
    with SqliteState(tmp_path / "state", KEY) as state:
        kept = state.committee(1)
        with pytest.raises(ZeroDivisionError), state.file.writing():
            state.file.run("INSERT INTO plans VALUES (?, ?)", b"d", b"v")
            raise ZeroDivisionError
        assert state.file.rows("SELECT * FROM plans") == []
        kept.keep_plan(sha256(b"plan").digest(), b"plan")
        assert kept.plan(sha256(b"plan").digest()) == b"plan"


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path):
    path = tmp_path / "state"
    script = f"""
        import itertools, sys
        from pathlib import Path
        from enigmalang.node.durable.masks import Given
        from enigmalang.node.durable.sqlite import SqliteState
        masks = SqliteState(Path({str(path)!r}), bytes(range(32))).committee(1).masks
        for number in itertools.count(1):
            masks.give(number, Given("0xab", number, b"k" * 32))
            print(number, flush=True)
    """
    writer = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    seen = [int(writer.stdout.readline()) for _ in range(50)]
    os.kill(writer.pid, signal.SIGKILL)
    seen += [int(line) for line in writer.stdout if line.endswith("\n")]
    writer.wait()
    writer.stdout.close()
    with SqliteState(path, KEY) as state:
        masks = state.committee(1).masks
        assert masks.highest() >= seen[-1]
        assert all(masks.get(number) == Given("0xab", number, b"k" * 32) for number in seen)


def test_a_copy_of_file_and_log_is_the_state(tmp_path):
    """What a killed process leaves, in the tests that kill nodes."""
    with SqliteState(tmp_path / "state", KEY) as state:
        state.committee(4).keep_term(9)
        for suffix in ("", "-wal"):
            shutil.copy(f"{tmp_path / 'state'}{suffix}", f"{tmp_path / 'copy'}{suffix}")
        with SqliteState(tmp_path / "copy", KEY) as copy:
            assert copy.committee(4).term() == 9 and copy.committees() == [4]


def test_what_is_kept_of_terms_and_keys(tmp_path):
    with SqliteState(tmp_path / "state", KEY) as state:
        one, two = state.committee(1), state.committee(2)
        assert one.keys() is None and one.term() == 0
        one.keep_term(5)
        one.keep_term(4)
        one.keep_keys(b"keys", False)
        two.keep_keys(b"others", True)
    with SqliteState(tmp_path / "state", KEY) as state:
        one, two = state.committee(1), state.committee(2)
        assert (one.term(), one.keys(), two.keys()) == (5, (b"keys", False), (b"others", True))
