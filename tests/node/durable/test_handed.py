"""What another committee hands over lies beside what is current until the chain has decided."""

import sqlite3

import pytest

from enigmalang.fields import M61
from enigmalang.node.durable.errors import StateError
from enigmalang.node.durable.handed import Handed
from enigmalang.node.durable.masks import Given
from enigmalang.node.durable.sqlite import SqliteState
from enigmalang.node.durable.state import Stage
from enigmalang.node.durable.values import shared_value
from enigmalang.sharing import ArithShare

KEY = b"k" * 32
CONTRACT, OTHER = "0x" + "ab" * 20, "0x" + "cd" * 20
NAME = ("total", ())


def value(number):
    return shared_value(ArithShare(M61, M61.reshape(M61.from_ints([number]), ())), False)


def handed(run, settled=4, contract=CONTRACT):
    return Handed(contract, 1, settled, bytes([run]) * 32, b"r" * 32)


@pytest.fixture
def state(tmp_path):
    with SqliteState(tmp_path / "state", KEY, "test") as made:
        yield made.committee(2)


def test_one_run_becomes_current_and_the_others_are_forgotten(state):
    masks = {7: Given("owner", 1, b"k" * 32, 7, b"p" * 8)}
    state.handed.keep(handed(1), {NAME: value(11)}, {})
    state.handed.keep(handed(2), {NAME: value(22)}, masks)
    state.handed.keep(handed(3, contract=OTHER), {NAME: value(33)}, {})
    assert state.handed.values(handed(1)) == {NAME: value(11)}
    assert state.values(CONTRACT) == {} and state.masks.get(-7) is None
    state.handed.take(handed(2))
    assert state.values(CONTRACT) == {NAME: value(22)} and state.root(CONTRACT) == b"r" * 32
    assert state.masks.get(-7) == masks[7] and state.masks.handed() == [7]
    assert [each.run[0] for each in state.handed.all()] == [3]
    with pytest.raises(StateError, match="nothing of that hand-over"):
        state.handed.take(handed(1))
    state.handed.drop(handed(3, contract=OTHER))
    assert state.handed.all() == [] and state.values(OTHER) == {}


def test_a_contract_without_private_state_has_no_root(state):
    empty = Handed(CONTRACT, 1, 0, bytes(32), bytes(32))
    state.handed.keep(empty, {}, {})
    state.handed.take(empty)
    assert state.contracts() == {} and state.root(CONTRACT) == bytes(32)


def test_what_is_erased_is_not_in_the_file(tmp_path):
    path = tmp_path / "state"
    with SqliteState(path, KEY, "test") as made:
        one, two = made.committee(1), made.committee(2)
        for each in (one, two):
            each.keep_keys(b"keys", True)
            each.masks.give(3, Given("owner", 1, b"k" * 32))
            each.begin(CONTRACT, 5, 9)
            each.masks.use(3, 5)
            each.stage(Stage(CONTRACT, 5, 1, 0, b"", bytes(32), b"s" * 32), {NAME: value(1)})
            each.handed.keep(handed(1), {NAME: value(2)}, {6: Given("owner", 1, b"k" * 32, 6, b"p" * 8)})
            each.replace(CONTRACT, b"r" * 32, {NAME: value(3)})
        sealed = [bytes(row) for table in ("current", "staged_values", "handed_values")
                  for (row,) in made.file.rows(f"SELECT value FROM {table}")]
        one.erase()
        assert one.keys() is None and not one.known() and one.handed.all() == [] and one.masks.get(3) is None
        assert two.keys() == (b"keys", True) and two.values(CONTRACT) == {NAME: value(3)}
        left = [bytes(row) for table in ("current", "staged_values", "handed_values")
                for (row,) in made.file.rows(f"SELECT value FROM {table}")]
        on_disk = b"".join(each.read_bytes() for each in tmp_path.iterdir())
        assert len(left) == 3 and all(each in on_disk for each in left)
        assert not any(each in on_disk for each in sealed if each not in left)
        two.forget(CONTRACT)
        assert two.known() == set() and two.masks.get(3) is None and two.keys() is not None
        assert made.committees() == [2]


def test_a_file_of_the_first_schema_is_brought_up(tmp_path):
    path = tmp_path / "state"
    with SqliteState(path, KEY, "test") as made:
        made.committee(1).replace(CONTRACT, b"r" * 32, {NAME: value(3)})
    with sqlite3.connect(path) as db:
        for table in ("handed", "handed_values", "handed_masks"):
            db.execute(f"DROP TABLE {table}")
        db.execute("PRAGMA user_version = 1")
    db.close()
    with SqliteState(path, KEY, "test") as made:
        assert made.committee(1).values(CONTRACT) == {NAME: value(3)}
        made.committee(1).handed.keep(handed(1), {NAME: value(2)}, {})
        assert len(made.committee(1).handed.all()) == 1
