"""Rules of lowered control flow and of evaluation, on small programs."""

from pathlib import Path

import pytest
from lowering_helpers import lowered, tree

from enigmalang.ir.ir import operations
from enigmalang.ir.ops import OPS
from enigmalang.ir.verify import verify
from enigmalang.lowering.exits import MOST_GUARDS, assigned, early_exit, structured
from enigmalang.passes.inline import inline

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.enig"))


def ops_of(text: str, name: str = "script"):
    program = lowered(text)
    verify(program)
    return list(operations(program.functions[name].body))


def names_of(text: str, name: str = "script"):
    return [op.op for op in ops_of(text, name)]


def test_the_rest_after_a_guard_goes_into_the_other_branch():
    text = "def f(a: bool) -> uint8:\n    if a:\n        return 1\n    b: uint8 = 2\n    return b\nprint(f(True))\n"
    names = names_of(text, "f")
    assert "scope" not in names and "leave" not in names
    (branch,) = [op for op in ops_of(text, "f") if op.op == "if"]
    assert branch.attrs["early"].line == 3
    assert len(branch.results) == 1


def test_a_return_in_a_loop_leaves_a_scope():
    text = ("def f(n: uint8) -> uint8:\n    for i in range(n):\n        if i > 3:\n            return 1\n    return 2\n"
            "print(f(1))\n")
    ops = ops_of(text, "f")
    assert [op.op for op in ops].count("leave") == 1
    (scope,) = [op for op in ops if op.op == "scope"]
    assert len(scope.results) == 1


def test_many_guards_do_not_nest():
    guards = "".join(f"    if a == {n}:\n        return {n}\n" for n in range(4 * MOST_GUARDS))
    text = f"def f(a: uint32) -> uint32:\n{guards}    return 0\nprint(f(1))\n"
    program = lowered(text)
    body = program.functions["f"].body
    (scope,) = [op for op in body.ops if op.op == "scope"]
    assert sum(op.op == "if" for op in scope.regions[0].ops) == 4 * MOST_GUARDS


def test_only_leaves_that_change_come_out_of_an_if():
    text = "x = 1\ny = [1, 2]\nc = len(y) > 1\nif c:\n    x = 2\n    z = 3\nelse:\n    z = 4\nprint(x, y, z)\n"
    (branch,) = [op for op in ops_of(text) if op.op == "if"]
    assert [v.hint for v in branch.results] == ["x", "z"]
    assert branch.attrs["early"] is None


def test_nothing_follows_a_terminator_and_dead_statements_are_dropped():
    text = "for i in range(3):\n    if i > 1:\n        break\n        print(1)\n    continue\n    print(2)\nprint(3)\n"
    ops = ops_of(text)
    assert [op.op for op in ops].count("print") == 1
    for op in ops:
        for region in op.regions:
            assert [OPS[o.op].terminator for o in region.ops].count(True) == 1


def test_a_loop_carries_what_it_assigns_and_no_more():
    text = "a = 1\nb = 2\nfor i in range(3):\n    a = a + b\n    c = i\nprint(a, b)\n"
    (loop,) = [op for op in ops_of(text) if op.op == "for"]
    assert [v.hint for v in loop.results] == ["a"]


def test_the_second_operand_runs_only_when_needed():
    strict = "x = 1\nprint(x > 0 and x < 9)\n"
    lazy = "x = 1\nprint(x > 0 and 10 // x > 2)\n"
    assert "and" in names_of(strict) and "if" not in names_of(strict)
    assert "and" not in names_of(lazy) and "if" in names_of(lazy)


def test_a_failing_branch_of_a_choice_is_an_if():
    assert "select" in names_of("x = 1\nprint(x if x > 2 else 5)\n")
    assert "if" in names_of("x = 1\nprint(x + 1 if x > 2 else 5)\n")


def test_an_augmented_target_is_found_once():
    text = "def k() -> uint8:\n    return 1\nxs = [1, 2]\nxs[k()] += 5\nprint(xs)\n"
    assert names_of(text).count("call") == 1


def test_a_chain_of_comparisons_computes_each_operand_once():
    text = "def k() -> uint8:\n    return 1\nprint(0 < k() < 5)\n"
    assert names_of(text).count("call") == 1


def test_conversions_name_their_destination():
    text = ("struct P:\n    x: uint8\ndef f(a: uint8) -> uint8:\n    return a\nb: uint8 = 1\np = P(b)\np.x = b\n"
            "print(f(b), p.x)\n")
    found = {op.attrs["implicit"] for op in ops_of(text) + ops_of(text, "f") if op.op == "convert"}
    assert found == {"the variable b: uint8", "the field x of P", "the parameter a", "the result of f"}


def test_private_places_take_shares_once():
    text = "private a: uint8 = 1\nprivate b: uint8 = 2\nb = a\nprint(reveal(b))\n"
    assert names_of(text).count("share") == 2


def test_state_is_split_into_slots_and_only_the_changed_leaf_is_stored():
    text = ("struct A:\n    private x: uint8\n    y: uint8\ncontract C:\n    m: map[address, A]\n"
            "    def f():\n        m[sender].y += 1\n")
    program = lowered(text)
    assert list(program.contracts["C"].slots) == ["m.x", "m.y"]
    stored = [op.attrs["slot"] for op in operations(program.functions["C.f"].body) if op.op == "map_set"]
    assert stored == ["m.y"]


def test_what_statements_assign_and_where_they_leave():
    text = "for i in range(3):\n    a.b[i] = 1\n    xs.append(2)\n    if i: break\nwhile c:\n    (d, e) = f\n"
    body = tree(text).body
    assert assigned(body) == {"i", "a", "xs", "d", "e"}
    assert early_exit(body) is None
    assert early_exit(body[0].body).line == 4


@pytest.mark.parametrize("text, expected", [
    ("if a: return 1\nelse: return 2", True),
    ("if a: return 1\nreturn 2", True),
    ("if a:\n    if b: return 1\nreturn 2", False),
    ("if a:\n    if b: return 1\n    return 3\nreturn 2", True),
    ("for x in xs:\n    return 1\nreturn 2", False),
    ("if a:\n    raise E()\nelif b: return 1\nreturn 2", True),
])
def test_which_returns_need_no_scope(text, expected):
    lines = "".join(f"    {line}\n" for line in text.split("\n"))
    (function,) = tree(f"def f():\n{lines}").body
    assert structured(function.body) is expected


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_examples_are_well_formed_before_and_after_inlining(file):
    program = lowered(file.read_text(), str(file))
    verify(program)
    made = inline(program)
    verify(made)
    assert all(op.op != "call" or made.functions[op.attrs["function"]].recursive
               for f in made.functions.values() for op in operations(f.body))
