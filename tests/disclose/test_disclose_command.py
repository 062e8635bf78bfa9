"""`enig disclose`: goldens of every example, what a change discloses anew, and every rule's operation."""

import contextlib
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from run_support import EXAMPLES, ROOT, Done, enig

from enigmalang.analysis.exits import EXITS
from enigmalang.cli.app import run
from enigmalang.compiler.disclosure import ManifestError, dump_manifest, load_manifest, print_manifest
from enigmalang.compiler.disclosure.rules import RULES
from enigmalang.ir.ops import OPS, Effect

HERE = Path(__file__).resolve().parent


def here(*arguments: str) -> Done:
    """The command in this process: its status and what it wrote."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run(arguments)
    return Done(arguments, status, out.getvalue(), err.getvalue())


SHOWN = [*EXAMPLES, *sorted((HERE / "programs").glob("*.enig"))]


@pytest.mark.parametrize("path", SHOWN, ids=lambda p: p.stem)
def test_golden(golden: Any, path: Path) -> None:
    done = enig("disclose", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    golden(HERE / "golden" / f"{path.stem}.txt", done.stdout)


@pytest.mark.parametrize("path", SHOWN, ids=lambda p: p.stem)
def test_json_is_the_same_manifest(path: Path, tmp_path: Path) -> None:
    done = here("disclose", "--json", str(path))
    found = load_manifest(done.stdout)
    assert dump_manifest(found) == done.stdout
    assert print_manifest(found) == (HERE / "golden" / f"{path.stem}.txt").read_text("utf-8")
    saved = tmp_path / "saved.json"
    saved.write_text(done.stdout)
    same = here("disclose", str(path), "--diff", str(saved))
    assert (same.returncode, same.stdout) == (0, "nothing is newly disclosed\n")


def test_a_manifest_is_the_same_in_every_folder(tmp_path: Path) -> None:
    copy = tmp_path / "auction.enig"
    copy.write_text((ROOT / "examples" / "auction.enig").read_text("utf-8"))
    assert here("disclose", str(copy)).stdout == (HERE / "golden" / "auction.txt").read_text("utf-8")
    assert str(tmp_path) not in here("disclose", "--json", str(copy)).stdout


# ---- changes

BEFORE = """from stats import mean

const LEAST = 3

contract Pay:
    private salary: map[address, uint32]
    private bonus: map[address, uint32]
    people: list[address, 100]

    def join(private amount: uint32):
        salary[sender] = amount
        people.append(sender)

    def grant(who: address, private amount: uint32):
        bonus[who] = amount

    def average() -> uint32:
        require len(people) >= LEAST, "too few"
        xs = [salary[p] for p in people]
        return reveal(mean(xs))
"""


def changed(tmp_path: Path, old: str, new: str, *options: str) -> Done:
    """`enig disclose` of BEFORE with `old` replaced by `new`, compared with BEFORE."""
    assert old in BEFORE
    (tmp_path / "before.enig").write_text(BEFORE)
    (tmp_path / "after.enig").write_text(BEFORE.replace(old, new))
    return here("disclose", str(tmp_path / "after.enig"), "--diff", str(tmp_path / "before.enig"), *options)


@pytest.mark.parametrize("old, new", [
    ("from stats", "# a comment\n\n\nfrom stats"),
    ("        people.append(sender)\n", "        people.append(sender)  # so that they can be counted\n"),
    ("    def average", "\n    def average"),
    ("reveal(mean(xs))", "reveal( mean(xs) )  # everyone"),
])
def test_moving_and_commenting_discloses_nothing_new(tmp_path: Path, old: str, new: str) -> None:
    done = changed(tmp_path, old, new)
    assert (done.returncode, done.stdout) == (0, "nothing is newly disclosed\n")


@pytest.mark.parametrize("old, new, told", [
    ("        return reveal", "        print_it = reveal(max(xs))\n        return reveal", "reveal(max(xs))"),
    ("xs = [salary[p] for p in people]", "xs = [salary[p] for p in people[0:1]]", "people[0:1]"),
    ("salary[sender] = amount", "salary[sender] = clamp(amount + bonus[sender])", "bonus"),
    ("private amount: uint32):\n        salary", "amount: uint32):\n        salary", "with which `amount`"),
    ("        people.append(sender)\n", "        people.append(sender)\n        require reveal(amount > 9), 'low'\n",
     "whether this `require` fails"),
    ("-> uint32:\n        require", "-> uint32:\n        low = reveal(salary[sender] < 5)\n        require",
     "reveal(salary[sender] < 5)"),
    ('        require len(people) >= LEAST, "too few"\n', "", "reveal(mean(xs))"),
    ("len(people) >= LEAST", "len(people) >= 1", "only if len(people) >= 1"),
    ("const LEAST = 3", "const LEAST = 1", "LEAST = 1"),
    ("        salary[sender] = amount", "        kept = amount if sender == self else 0\n        salary[sender] = kept",
     "computed by kept = amount if sender == self else 0"),
])
def test_what_is_new_is_told_with_status_1(tmp_path: Path, old: str, new: str, told: str) -> None:
    done = changed(tmp_path, old, new)
    assert done.returncode == 1
    fresh, _, _ = done.stdout.partition("no longer disclosed")
    assert fresh.startswith("newly disclosed:\n") and told in fresh
    data = json.loads(changed(tmp_path, old, new, "--json").stdout)
    assert data["new"] and all(entry["line"] > 0 and entry["who"] for entry in data["new"])


def test_a_constant_that_a_revealed_value_is_computed_with(tmp_path: Path) -> None:
    (tmp_path / "a.enig").write_text("const K = 5\nprivate x: uint8 = 9\nprint(reveal(x > K))\n")
    (tmp_path / "b.enig").write_text("const K = 6\nprivate x: uint8 = 9\nprint(reveal(x > K))\n")
    done = here("disclose", str(tmp_path / "b.enig"), "--diff", str(tmp_path / "a.enig"))
    assert done.returncode == 1 and "K = 6" in done.stdout


def test_what_is_gone_is_told_with_status_0(tmp_path: Path) -> None:
    done = changed(tmp_path, "return reveal(mean(xs))", "return 0")
    assert done.returncode == 0
    assert done.stdout.startswith("no longer disclosed:\n") and "reveal(mean(xs))" in done.stdout


def test_the_literal_of_a_secret_is_in_no_manifest(tmp_path: Path) -> None:
    path = tmp_path / "secret.enig"
    path.write_text("private pin: uint32 = 48_151\nprivate pins: uint32[2] = [62_342, 7]\n"
                    "print(reveal(pin + pins[0] > 100))\n")
    for options in ((), ("--json",)):
        text = here("disclose", str(path), *options).stdout
        assert "pin" in text and "48_151" not in text and "48151" not in text and "62_342" not in text


# ---- mistakes


def test_a_program_with_errors_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "leak.enig"
    path.write_text("private x = 1\nprint(x)\n")
    done = here("disclose", str(path))
    assert (done.returncode, done.stdout) == (1, "") and "E0301" in done.stderr


@pytest.mark.parametrize("text, told", [
    ("{", "not JSON"), ("[]", "its format is not"), ('{"format": "enigma disclosure 1"}', "malformed"),
    ('{"format": "enigma disclosure 1", "file": "x", "functions": [3]}', "malformed"),
])
def test_what_is_no_manifest(tmp_path: Path, text: str, told: str) -> None:
    saved = tmp_path / "old.json"
    saved.write_text(text)
    done = here("disclose", str(EXAMPLES[0]), "--diff", str(saved))
    assert done.returncode == 2 and told in done.stderr and "Traceback" not in done.stderr
    with pytest.raises(ManifestError, match=told):
        load_manifest(text)


def test_an_old_file_that_is_not_there(tmp_path: Path) -> None:
    done = here("disclose", str(EXAMPLES[0]), "--diff", str(tmp_path / "none.json"))
    assert done.returncode == 2 and "cannot be read" in done.stderr


# ---- rules

#: Exits of the leak checker without a rule of their own, and why: what their operands decide is followed to where it
#: is seen (lengths, places, results), or it is public by its kind.
FOLLOWED = {
    "slice", "gather", "sort", "pow", "shl", "shr", "range",  # their results depend on them
    "read_contract", "predicate",  # reads public state; told where the rule is used
    "advance", "expect_revert",  # time and tests
    "witness",  # a digest of public data that the nodes read
}


def test_every_way_out_has_a_rule() -> None:
    ways = {name for name, op in OPS.items() if op.effect in (Effect.LEDGER, Effect.REVEALS)} | set(EXITS)
    assert ways - set(RULES) <= FOLLOWED
    assert set(RULES) <= set(OPS)


def test_an_older_one_in_a_pipe_by_name_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = here("disclose", str(EXAMPLES[0]), "--diff", str(tmp_path / "pipe"))
    assert done.returncode == 2 and "is no file on a disk" in done.stderr
