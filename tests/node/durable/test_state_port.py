"""The store in memory and the one in a file do the same; the file does it after it was opened again, too."""

import subprocess
import sys
from dataclasses import replace
from hashlib import sha256

import msgspec
import numpy as np
import pytest

from enigmalang.chain.hub import EMPTY
from enigmalang.circuits.circuit import Form
from enigmalang.fields import M61, M127
from enigmalang.node.durable.errors import StateError
from enigmalang.node.durable.handover import state_at
from enigmalang.node.durable.masks import Given, MemoryMasks, NumberTaken
from enigmalang.node.durable.sqlite import SqliteState
from enigmalang.node.durable.state import Begun, MemoryState, Stage
from enigmalang.node.durable.values import (
    GONE,
    constant_value,
    decode_name,
    decode_value,
    encode_name,
    encode_value,
    layout_digest,
    shared_value,
)
from enigmalang.sharing import ArithShare, BitShare

KEY, POOL = bytes(range(32)), "0x" + "12" * 20


class Kept:
    """A store, and what is there when it is opened again."""

    def __init__(self, path):
        self.path, self.file = path, None
        self.state, self.masks = MemoryState(), MemoryMasks()
        if path is not None:
            self.again()

    def again(self):
        if self.path is not None:
            self.close()
            self.file = SqliteState(self.path, KEY)
            self.state = self.file.committee(3)
            self.masks = self.state.masks
        return self

    def close(self):
        if self.file is not None:
            self.file.close()


@pytest.fixture(params=["memory", "file"])
def kept(request, tmp_path):
    made = Kept(tmp_path / "state" if request.param == "file" else None)
    yield made
    made.close()


def arith(*numbers, field=M61):
    return shared_value(ArithShare(field, field.from_ints(np.array(numbers, dtype=object))), False)


def stage(job, before=EMPTY, root=b"r" * 32):
    return Stage(POOL, job, 10 + job, 4, b"v" * 32, before, root)


BITS = shared_value(BitShare.packed(np.array([[1, 0, 1], [0, 0, 1]], np.uint8)), True)
CONSTANT = constant_value(np.array([[1, -2], [3, 1 << 100]], dtype=object), Form.ARITH, False)
VALUES = {("amounts", (1 << 200,)): arith(5, -7), ("votes", ("0xab", True, ("x", 2))): BITS, ("most", ()): CONSTANT}


def same(one, other):
    return {name: encode_value(value) for name, value in one.items()} == {
        name: encode_value(value) for name, value in other.items()}


def test_what_is_staged_becomes_current_when_it_is_settled(kept):
    kept.state.stage(stage(1), VALUES)
    state = kept.again().state
    assert state.root(POOL) == EMPTY and state.values(POOL) == {}
    assert state.staged(POOL) == [stage(1)] and same(state.staged_values(stage(1)), VALUES)
    state.settle(stage(1))
    state = kept.again().state
    assert state.root(POOL) == b"r" * 32 and same(state.values(POOL), VALUES)
    assert state.staged(POOL) == [] and state.contracts() == {POOL: b"r" * 32}
    new = {("amounts", (1 << 200,)): arith(6)}
    state.stage(stage(2, b"r" * 32, b"s" * 32), new)
    state.settle(stage(2, b"r" * 32, b"s" * 32))
    assert same(kept.again().state.values(POOL), VALUES | new)


def test_what_is_gone_is_no_more_once_it_is_settled(kept):
    kept.state.stage(stage(1), VALUES)
    kept.state.settle(stage(1))
    gone, new = {("most", ()): GONE, ("nothing", ()): GONE}, {("amounts", (7,)): arith(7)}
    second = stage(2, b"r" * 32, b"s" * 32)
    kept.state.stage(second, gone | new)
    state = kept.again().state
    assert same(state.values(POOL), VALUES) and state.staged_values(second)["most", ()] == GONE
    left = {name: value for name, value in VALUES.items() if name != ("most", ())} | new
    assert same(state_at(state, POOL, second.root), left)
    state.settle(second)
    assert same(kept.again().state.values(POOL), left)


def test_single_values_are_found_by_their_names(kept):
    kept.state.stage(stage(1), VALUES | {("amounts", (7,)): arith(7), ("amount", ()): arith(1)})
    kept.state.settle(stage(1))
    state = kept.again().state
    assert sorted(state.names(POOL, "amounts")) == [("amounts", (7,)), ("amounts", (1 << 200,))]
    assert state.names(POOL, "none") == state.names("0x" + "13" * 20, "amounts") == []
    assert same(state.pick(POOL, [("amounts", (7,)), ("votes", ())]), {("amounts", (7,)): arith(7)})


def test_of_two_runs_of_a_job_the_settled_one_counts(kept):
    first, second = stage(1), stage(1, root=b"s" * 32)
    kept.state.stage(first, {("x", ()): arith(1)})
    kept.state.stage(second, {("x", ()): arith(2)})
    kept.again().state.settle(first)
    assert same(kept.again().state.values(POOL), {("x", ()): arith(1)}) and kept.state.staged(POOL) == []


def test_what_does_not_follow_is_not_settled(kept):
    late = stage(2, before=b"q" * 32)
    kept.state.stage(late, VALUES)
    for wrong in (late, stage(1)):
        with pytest.raises(StateError):
            kept.state.settle(wrong)
    assert kept.again().state.values(POOL) == {}


def test_a_job_that_ended_leaves_nothing(kept):
    kept.state.begin(POOL, 1, 20)
    kept.state.stage(stage(1), VALUES)
    kept.state.stage(stage(2), VALUES)
    kept.again().state.close(POOL, 2)
    state = kept.again().state
    assert state.staged(POOL) == [stage(2)] and state.begun(1) == Begun() and state.last_block() == 20


def test_runs_are_counted_by_block(kept):
    for block in (20, 20, 22, 21):
        kept.again().state.begin(POOL, 1, block)
    assert kept.again().state.begun(1) == Begun(frozenset({20, 21, 22}), 4)
    assert kept.state.last_block() == 22 and kept.state.begun(2) == Begun()


def test_plans_and_replaced_values(kept):
    digest = sha256(b"a plan").digest()
    kept.state.keep_plan(digest, b"a plan")
    with pytest.raises(ValueError, match="another digest"):
        kept.state.keep_plan(b"e" * 32, b"a plan")
    kept.state.stage(stage(1), VALUES)
    kept.state.settle(stage(1))
    kept.again().state.replace(POOL, b"z" * 32, {("y", ()): BITS})
    assert kept.again().state.plan(digest) == b"a plan" and kept.state.plan(b"e" * 32) is None
    assert kept.state.root(POOL) == b"z" * 32 and same(kept.state.values(POOL), {("y", ()): BITS})


def test_a_contract_that_went_elsewhere_is_forgotten(kept):
    kept.state.stage(stage(1), VALUES)
    kept.state.settle(stage(1))
    kept.state.stage(stage(2, b"r" * 32, b"s" * 32), VALUES)
    kept.again().state.forget(POOL)
    state = kept.again().state
    assert state.contracts() == {} and state.values(POOL) == {} and state.staged(POOL) == []
    assert state.root(POOL) == EMPTY


# ---- masks


def test_a_mask_is_given_once_and_used_by_one_job(kept):
    given = Given("0xab", 3, b"k" * 32, None, b"shares")
    kept.masks.give(7, given)
    for number in (7, 6, 0, -1, 1 << 64):
        with pytest.raises(NumberTaken):
            kept.masks.give(number, given)
    masks = kept.again().masks
    assert masks.get(7) == given and masks.highest() == 7 and masks.get(8) is None and masks.get(1 << 200) is None
    assert masks.use(7, 4) and not masks.use(7, 5) and not masks.use(8, 4)
    masks = kept.again().masks
    assert masks.use(7, 4) and not masks.use(7, 5)
    assert masks.get(7) == replace(given, job=4)
    masks.close([4])
    assert kept.again().masks.get(7) is None
    with pytest.raises(NumberTaken):
        kept.masks.give(7, given)


def test_numbers_are_skipped_and_masks_taken_over(kept):
    kept.masks.skip(10)
    kept.masks.skip(5)
    assert kept.again().masks.highest() == 10
    kept.masks.adopt(4, Given("0xab", 1, b"k" * 32))
    kept.masks.adopt(4, Given("0xcd", 1, b"k" * 32))
    kept.masks.adopt(12, Given("0xab", 1, b"k" * 32))
    assert kept.again().masks.get(4) == Given("0xab", 1, b"k" * 32) and kept.masks.highest() == 12
    kept.masks.drop(4)
    assert kept.again().masks.get(4) is None


def test_masks_that_nobody_came_back_for_go_first():
    masks = MemoryMasks(most=3)
    for number in range(1, 4):
        masks.give(number, Given("0xab", 1, b""))
    masks.use(1, 9)
    masks.give(4, Given("0xab", 1, b""))
    assert [masks.get(number) is None for number in range(1, 5)] == [False, True, False, False]


# ---- values


@pytest.mark.parametrize("value", [arith(), arith(1, -1), arith((1 << 126) - 1, field=M127), BITS, CONSTANT])
def test_a_value_is_read_as_it_was_written(value):
    assert decode_value(encode_value(value)) == value


def test_names_have_one_form_each():
    names = [("a", ()), ("a", (1,)), ("a", ("1",)), ("a", (True,)), ("a", (b"1",)), ("a", ((1,),)), ("a", (None,)),
             ("b", (1 << 255, -1))]
    data = [encode_name(name) for name in names]
    assert len(set(data)) == len(names) and [decode_name(each) for each in data] == names


@pytest.mark.parametrize("key", [["truth", {}], ["text", [1]], ["none", 1], ["int", 1], ["tuple", "a"], ["other", 1]])
def test_a_name_of_another_node_that_is_none_is_refused(key):
    with pytest.raises(StateError):
        decode_name(msgspec.msgpack.encode(["a", [key]]))


def test_a_name_that_is_nested_without_end_is_refused_where_the_recursion_limit_is_raised():
    """In a process of its own: the end of the stack would be that of all tests."""
    code = ("import sys; from enigmalang.execute.machine import RECURSION; sys.setrecursionlimit(RECURSION)\n"
            "from enigmalang.node.durable.values import StateError, decode_name\n"
            "for keys in (b'\\x91' * 200_000, b'\\x91' + b'\\x92\\xa5tuple\\x91' * 20_000 + b'\\x92\\xa4none\\xc0'):\n"
            "    try: decode_name(b'\\x92\\xa1a' + keys)\n    except StateError: print('refused')")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "refused\n" * 2


def test_the_layout_says_what_is_public_alone():
    digest = layout_digest(b"r", VALUES.items())
    other = VALUES | {("amounts", (1 << 200,)): arith(8, 9)}  # another share
    assert layout_digest(b"r", reversed(list(other.items()))) == digest
    constant = VALUES | {("most", ()): constant_value(np.array([[1, 2], [3, 4]]), Form.ARITH, False)}
    longer = VALUES | {("amounts", (1 << 200,)): arith(8, 9, 10)}
    assert len({layout_digest(b"r", values.items()) for values in (VALUES, constant, longer)}) == 3


def test_nothing_shows_what_it_holds():
    assert "data" not in repr(BITS) and "pieces" not in repr(Given("0xab", 1, b"", None, b"secret"))
