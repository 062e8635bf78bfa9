"""Soundness: whatever differs between two runs on different secrets, for anybody to see, has an entry at its line."""

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from observer import Trace, run, uncovered
from run_support import EXAMPLES, PROGRAMS, Bench, Program, read_program

from enigmalang.cli.inputs import Inputs, parse_inputs
from enigmalang.compiler import plan_as_written
from enigmalang.compiler.disclosure import Entry, Kind, Manifest, manifest_of
from enigmalang.diagnostics import Sink
from enigmalang.execute.machine import RECURSION
from enigmalang.plan.plan import Plan

sys.path.append(str(Path(__file__).resolve().parent.parent / "generated"))
from generate_programs import Generated, programs

sys.setrecursionlimit(RECURSION)
#: Nor do other libraries ask: py-evm raises it further when another test of this process has imported it.
pytestmark = pytest.mark.filterwarnings("ignore:The recursion limit will not be reset")
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
SHIFTS = (1, 2)
#: Examples that show something else with other secrets, so that their test is not empty.
TELLING = ("auction", "battleship", "salaries", "hello", "gcd", "lookup", "vote")


def manifest(path: Path) -> Manifest:
    plan = plan_as_written(str(path), Sink())
    assert plan is not None
    return manifest_of(plan)


def given_inputs(program: Program) -> Inputs:
    named, _, numbered = " ".join(program.arguments).partition(" -- ")
    return Inputs(parse_inputs([word for word in named.split() if word != "--input"], numbered.split()))


def traces(bench: Bench, plan: Plan, shift: int, inputs: Inputs | None = None) -> list[Trace]:
    """Of the script, or of each test; what a test's own lines do is not in a manifest."""
    if plan.script is not None:
        return [run(bench.session, plan, plan.script, shift, inputs)]
    found = [run(bench.session, plan, plan.functions[name].public, shift, inputs) for name in plan.tests]
    for trace in found:
        trace.calls[0].clear()
    return found


def check(bench: Bench, path: Path, inputs: Inputs | None = None, shifts: Any = SHIFTS) -> int:
    """How many shifts changed what is seen; all of it is in the manifest."""
    plan, told = bench.plan(path), manifest(path)
    base = traces(bench, plan, 0, inputs)
    changed = 0
    for shift in shifts:
        other = traces(bench, plan, shift, inputs)
        for one, two in zip(base, other, strict=True):
            assert uncovered(told, one, two) == [], f"{path.name}, shift {shift}"
        changed += [t.calls for t in base] != [t.calls for t in other]
    return changed


@pytest.mark.parametrize("path", [*EXAMPLES, *PROGRAMS], ids=lambda p: p.stem)
def test_other_secrets_show_only_what_the_manifest_says(bench: Bench, path: Path) -> None:
    changed = check(bench, path, given_inputs(read_program(path)))
    assert changed or path.stem not in TELLING, "the secrets were changed to others that show the same"


@settings(max_examples=25, deadline=None, suppress_health_check=QUIET, derandomize=True)
@given(program=programs())
def test_generated_programs(bench: Bench, tmp_path: Path, program: Generated) -> None:
    path = tmp_path / "generated.enig"
    path.write_text(program.enig)
    check(bench, path, shifts=(1, 4))


@settings(max_examples=25, deadline=None, suppress_health_check=QUIET, derandomize=True)
@given(program=programs())
def test_generated_programs_without_reveal_have_no_values(tmp_path: Path, program: Generated) -> None:
    path = tmp_path / "generated.enig"
    path.write_text("".join(line + "\n" for line in program.enig.splitlines() if "reveal(" not in line))
    entries = [e for f in manifest(path).functions for e in f.entries]
    assert [e for e in entries if e.kind is Kind.VALUE or e.after or e.secrets] == []


#: Public control over what was revealed, one kind a line; `{}` is a revealed number or truth.
TAILS = (
    'if {truth}:\n    print("yes")\nelse:\n    print("no")',
    "for i in range(min(abs({number}), 5)):\n    print(i)",
    "found = 0\nfor i in range(6):\n    if {truth} and i > 2:\n        break\n    found += 1\nprint(found)",
    "n = min(abs({number}), 4)\nwhile n > 0:\n    print(n)\n    n -= 1",
    "kept = [x for x in [1, 2, 3] if x < {number}]\nprint(len(kept))",
    "picked = [10, 20, 30][min(abs({number}), 4)]\nprint(picked)",
    'L["seen"] = {number}\nagain: int256 = L["seen"]\nprint(again)',
    "print([1, 2, 3, 4][0:min(abs({number}), 4)])",
    "def twice(k):\n    if {truth}:\n        return k\n    print(1)\n    return 2 * k\nprint(twice(3))",
    "rest = 10 // {number}\nprint(1)",
    "total = 0\nfor i in range(3):\n    for j in range(3):\n        if {truth}:\n            continue\n"
    "        total += 1\nprint(total)",
)


@settings(max_examples=40, deadline=None, suppress_health_check=QUIET, derandomize=True)
@given(program=programs(), tails=st.lists(st.sampled_from(TAILS), min_size=1, max_size=3, unique=True),
       low=st.integers(-20, 20))
def test_control_over_what_was_revealed(
    bench: Bench, tmp_path: Path, program: Generated, tails: list[str], low: int
) -> None:
    path = tmp_path / "generated.enig"
    name = program.enig.split(":")[0].removeprefix("private ")
    told = [tail.format(truth=f"reveal({name} > {low})", number=f"reveal({name})") for tail in tails]
    first = [t for t in told if t.startswith("def")]  # a function sees no variables of the script: it is given them
    told = [t for t in told if t not in first] + [
        t.replace("def twice(k):", f"def twice(k, {name}):").replace("twice(3)", f"twice(3, {name})") for t in first]
    path.write_text(program.enig + "\n".join(told) + "\n")
    check(bench, path, shifts=(1, 3))


def learnt(path: Path) -> list[Entry]:
    return [e for f in manifest(path).functions for e in f.entries]


@pytest.mark.parametrize("path", [*EXAMPLES, *PROGRAMS], ids=lambda p: p.stem)
def test_what_runs_lets_out_nothing_that_the_program_as_written_does_not(bench: Bench, path: Path) -> None:
    """The optimised plan (which `enig show` reads from the chain) and the plan as written tell the same of values."""

    def values(found: Manifest) -> set[tuple[object, ...]]:
        return {(e.audience, e.kind, e.line, e.secrets) for f in found.functions for e in f.values}

    assert values(manifest_of(bench.plan(path))) == values(manifest(path))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_a_program_that_lets_nothing_out_has_no_values(path: Path) -> None:
    text = path.read_text("utf-8")
    lets_out = any(word in text for word in ("reveal", "declassify", "-> private", "DHT"))
    found = [e for e in learnt(path) if e.kind is Kind.VALUE]
    assert lets_out or not found


LENGTHS = """private xs: list[uint16, 9] = input("x")
print(len(xs))
for i in range(len(xs)):
    print("one more")
enough = len(xs) >= 3
if enough:
    print("enough")
print(reveal(sum(xs) > 4), [reveal(x > 1) for x in xs])
largest = reveal(max(xs))
print(largest)
half = len(xs) // 2
L["half"] = half
"""


@pytest.mark.parametrize("one, other", [("[1,2,3]", "[1,2,3,4,5]"), ("[7]", "[7,7,7]"), ("[]", "[0]")])
def test_lengths_of_private_lists(bench: Bench, tmp_path: Path, one: str, other: str) -> None:
    path = tmp_path / "lengths.enig"
    path.write_text(LENGTHS)
    plan, told = bench.plan(path), manifest(path)
    assert plan.script is not None
    a, b = (run(bench.session, plan, plan.script, 0, Inputs(parse_inputs([f"x={text}"], []))) for text in (one, other))
    assert a.calls != b.calls
    assert uncovered(told, a, b) == []
    lengths = [e for e in learnt(path) if 'the length of input("x")' in e.after]
    assert {e.line for e in lengths} == {1, 2, 4, 5, 7, 8, 9, 12}
