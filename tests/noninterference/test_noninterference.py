"""The same program on two different secrets that reveal the same: nobody may see a difference in the traffic.

Compared are the printed lines, the circuits (by hash), and for every party the rounds, senders and sizes of all
messages; then, between real processes, the engine's counts of rounds and bytes. What is in the messages is not
looked at here: tests/mpc/test_masks.py tests for each protocol that opened values are uniform, also to t parties
that strip what they know, and tests/sharing/test_joint_views.py the joint views of t parties.
"""

from pathlib import Path

import pytest
from witness import WitnessEngine

from enigmalang.cli.inputs import Inputs, parse_inputs
from enigmalang.cli.programs import compiled
from enigmalang.cli.session import Session, Settings
from enigmalang.execute.runner import run_function
from enigmalang.execute.world import World
from enigmalang.mpc.ahead import SWITCH
from enigmalang.node.local import local_world
from enigmalang.plan.plan import Plan

#: A program, its two secret inputs, and whether they may be told apart by what is revealed (they may not).
PROGRAMS = {
    "comparison": (
        'private a: uint32 = input("x")\nprivate b: uint32 = 50\nprint(reveal(a > b))\n', "51", "4000000000"
    ),
    "private if and while": (
        'private n: int32 = input("x")\nsteps = 0\nwhile n > 1 max 12:\n    n = n // 2\n    steps += 1\n'
        "if n < 0:\n    steps = 99\nprint(reveal(steps >= 3))\n",
        "9", "2000",
    ),
    "private index, inside and outside": (
        'private i: int16 = input("x")\nprivate xs: uint16[5] = [1, 2, 3, 4, 5]\nxs[i] = 7\n'
        "print(reveal(sum(xs) > 14))\n",
        "0", "-9",
    ),
    "division, also by zero": (
        'private d: uint16 = input("x")\nprivate a: uint16 = 60000\nprint(reveal(a // d + a % d < 60001))\n', "0", "7",
    ),
    "sorting and statistics": (
        'from stats import mean, median, variance\nfrom sort import argmax\n'
        'private xs: list[uint8, 9] = input("x")\nprint(len(xs), reveal(mean(xs)), reveal(median(xs)))\n'
        "print(reveal(variance(xs) > 1), reveal(argmax(xs)))\n",
        "[9,1,5,5,5]", "[8,2,6,5,4]",
    ),
    "ties and their ranks": (
        'from sort import argsort, rank, shuffle, top_k\nprivate xs: list[uint8, 60] = input("x")\n'
        "print(reveal(sum(rank(xs)) > 0), reveal(top_k(xs, 2)[1] > 0), reveal(argsort(xs)[0] < 99))\n"
        "print(reveal(sum(shuffle(xs)) > 0), reveal(max(xs) > 1))\n",
        str([5] * 50), str([i + 1 for i in range(50)]),
    ),
    "tables": (
        "from table import group_sum, join, keep, lookup, unique\n"
        'private xs: list[uint8, 9] = input("x")\nys: list[uint8, 9] = [1, 2, 3, 4, 5]\n'
        "print(reveal(unique(xs)[1] > 0), reveal(sum(group_sum(xs, ys)[1])))\n"
        "print(reveal(keep(ys, [x > 200 for x in xs])[1]), reveal(sum(lookup([0, 77], xs, ys)[0])))\n"
        "print(reveal(join(xs, ys, [0, 7, 7], [1, 1, 1])[3]))\n",
        "[9,9,9,9,9]", "[1,2,3,4,5]",
    ),
    "fixed point": (
        'from fixed_math import exp, sqrt\nprivate x: fixed = input("x")\n'
        "print(reveal(sqrt(x) > 1.0), reveal(exp(x) > 2.0), reveal(x * x / 3.0 > 0.1))\n",
        "1.5", "9.25",
    ),
    "clamp, wrap and bits": (
        'private x: int16 = input("x")\ny: uint8 = reveal(clamp(x * 1000))\nz = x & 7\n'
        "print(y, reveal(z > 7))\n",
        "1", "32767",
    ),
    "contract": (
        "contract Box:\n    private best: uint32\n    count: uint8\n"
        "    def put(private x: uint32 in 1..4_000_000_000) -> private bool:\n        higher = x > best\n"
        "        best = x if higher else best\n        count += 1\n        return higher\n"
        "    def above() -> bool:\n        return reveal(best > 10)\n"
        'x: uint32 = input("x")\nb = deploy Box()\nfirst = b.put(x)\nagain = b.put(20)\nprint(b.above(), b.count)\n',
        "11", "3999999999",
    ),
}


def run(world: World, plan: Plan) -> None:
    assert plan.script is not None
    run_function(world, plan.script)


def observe(plan: Plan, secret: str) -> tuple[list[str], object]:
    """What is printed, and what is seen."""
    engine, printed = WitnessEngine(plan.field), list[str]()
    run(local_world(plan, engine, inputs=Inputs(parse_inputs([f"x={secret}"], [])), out=printed.append), plan)
    return printed, engine.trace


@pytest.mark.parametrize("name", PROGRAMS)
def test_observers_see_no_difference(tmp_path: Path, name: str) -> None:
    text, first, second = PROGRAMS[name]
    path = tmp_path / "p.enig"
    path.write_text(text)
    plan = compiled(str(path))
    printed, trace = observe(plan, first)
    again, seen = observe(plan, second)
    assert printed == again, "the two secrets of this test must reveal the same"
    assert trace, "something private must run"
    assert trace == seen


def test_the_witness_would_notice(tmp_path: Path) -> None:
    """A program whose public control follows a revealed value does look different."""
    path = tmp_path / "p.enig"
    path.write_text(
        'private n: uint8 = input("x")\nprivate a: uint8 = 3\nif reveal(n > 5):\n    a = clamp(a * n)\n'
        "print(reveal(a > 0))\n"
    )
    plan = compiled(str(path))
    (printed, trace), (again, seen) = observe(plan, "1"), observe(plan, "9")
    assert printed == again
    assert trace != seen


def test_between_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds, bytes and work, counted by the workers, are the same for two secrets.

    Nothing is made ahead: how much of that there is depends on how long the nodes were idle, and on no secret.
    """
    monkeypatch.setenv(SWITCH, "0")
    with Session(Settings()) as session:
        for name in ("comparison", "private if and while", "sorting and statistics", "tables"):
            text, *secrets = PROGRAMS[name]
            path = tmp_path / "p.enig"
            path.write_text(text)
            plan, counts = compiled(str(path)), []
            for secret in (secrets[0], *secrets):  # the first run also pays for shipping the circuits
                before = session.stats()
                inputs = Inputs(parse_inputs([f"x={secret}"], []))
                run(session.world(plan, inputs, lambda text: None), plan)
                after = session.stats()
                names = ("rounds", "bytes_sent", "products", "ands", "comparisons", "circuits")
                counts.append([getattr(after, name) - getattr(before, name) for name in names])
            assert counts[1] == counts[2]
            assert counts[1][0] > 0


