"""Canonical bytes of plans."""

import gc
import weakref
from pathlib import Path

import pytest

from enigmalang.compiler import compile_file
from enigmalang.diagnostics import Sink
from enigmalang.plan.codec import PlanError, decode_plan, encode_plan, hash_plan

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.enig"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_round_trip(path):
    plan = compile_file(str(path), Sink())
    assert plan is not None
    data = encode_plan(plan)
    read = decode_plan(data)
    assert encode_plan(read) == data
    assert hash_plan(read) == hash_plan(plan)
    assert read.functions.keys() == plan.functions.keys()


def test_a_plan_that_somebody_has_is_not_made_again_and_none_is_kept_for_nobody(tmp_path):
    path = tmp_path / "a.enig"
    path.write_text("print(7)\n")
    plan = compile_file(str(path), Sink())
    assert plan is not None
    data = encode_plan(plan)
    one, other = decode_plan(data), decode_plan(bytes(bytearray(data)))
    assert one is other
    gone = weakref.ref(one)
    del one, other
    gc.collect()
    assert gone() is None


def test_equal_sources_have_equal_plans_and_others_do_not(tmp_path):
    path = tmp_path / "a.enig"
    hashes = []
    for text in ("print(1)\n", "print(1)\n", "print(2)\n"):
        path.write_text(text)
        plan = compile_file(str(path), Sink())
        assert plan is not None
        hashes.append(hash_plan(plan))
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize("change", [
    lambda d: b"", lambda d: d[:40], lambda d: d[:-1], lambda d: d + b"\n", lambda d: b"\xff" + d,
    lambda d: d.replace(b"field M61", b"field M62"), lambda d: d.replace(b" = add", b" = evil"),
    lambda d: d.replace(b"enigma plan 1", b"enigma plan 9"), lambda d: d[: len(d) // 2]])
def test_malformed_plans_are_refused(change, tmp_path):
    path = tmp_path / "a.enig"
    path.write_text("private a: uint8 = 1\nprint(reveal(a + a))\n")
    plan = compile_file(str(path), Sink())
    assert plan is not None
    with pytest.raises(PlanError):
        decode_plan(change(encode_plan(plan)))
