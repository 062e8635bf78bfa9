"""`enig cost` and budgets, through the real command."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from run_support import EXAMPLES, ROOT, enig

from enigmalang.node.costing import parse_link

SALARIES = "examples/salaries.enig"


def as_json(*arguments: str) -> Any:
    done = enig("cost", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example(path: Path) -> None:
    done = enig("cost", str(path.relative_to(ROOT)), "--chain", "memory")
    assert (done.returncode, done.stderr) == (0, "")
    assert "rounds" in done.stdout and "bytes a node" in done.stdout


def test_the_same_as_a_run_on_a_chain() -> None:
    run = as_json(SALARIES)["run"]
    stats = enig("run", SALARIES, "--stats").stderr
    shown = {name: int(number.replace(",", "")) for name, number in re.findall(r"^(.+?)  +([\d,]+)$", stats, re.M)}
    assert [run[name] for name in ("rounds", "bytes_sent", "products", "ands", "comparisons", "circuits")] == [
        shown[name] for name in ("rounds", "bytes sent by a node", "products", "ANDs", "comparisons", "circuits")]
    assert run["ahead"]["rounds"] <= shown["made ahead: rounds"]  # more is made in pauses


def test_gas_and_fee() -> None:
    functions = {f["name"]: f for f in as_json(SALARIES)["functions"]}
    for name in ("join", "average", "my_rank"):
        found = functions[f"Salaries.{name}"]
        assert 150_000 < found["gas"] < 600_000
        assert found["fee"] == found["rounds"] * 10**9 + found["products"] * 1000 + found["additions"]


def test_lengths() -> None:
    def rank(*lets: str) -> Any:
        return as_json(SALARIES, "--function", "my_rank", "--chain", "memory", *lets)["functions"][0]

    assert rank("--let", "people=100")["comparisons"] == 100
    assert rank()["comparisons"] == 1000
    assert rank()["assumed"][0].startswith("people has 1,000 elements")
    assert rank("--let", "people=100")["assumed"] == []


def test_lines_have_their_text() -> None:
    text = enig("cost", SALARIES, "--chain", "memory", "--let", "people=3").stdout
    assert re.search(r"salaries\.enig:22 +\d+ .* return sum\(\[salary\[p\] > mine for p in people\]\) \+ 1", text)


@pytest.mark.parametrize(("option", "words"), [
    (("--let", "people"), "--let takes NAME=VALUE"), (("--let", "poeple=3"), "nothing in examples/salaries.enig"),
    (("--link", "far"), "a link is lan, wan, or MS,MBIT"), (("--nodes", "2"), "a cluster has 3 to"),
    (("--function", "mean"), "there is no function mean"),
])
def test_wrong_usage(option: tuple[str, ...], words: str) -> None:
    done = enig("cost", SALARIES, *option)
    assert done.returncode == 2
    assert words in done.stderr and "Traceback" not in done.stderr


def test_too_long_a_list() -> None:
    done = enig("cost", SALARIES, "--chain", "memory", "--let", "people=1001", "--function", "average")
    assert done.returncode == 1
    assert "error[E1002]" in done.stderr and "people holds at most 1,000 elements" in done.stderr


def test_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "open.enig"
    path.write_text('count: uint8 = input("count")\nprivate a: uint8 = 3\nfor i in range(count):\n'
                    "    print(reveal(a > i))\n", "utf-8")
    done = enig("cost", str(path))
    assert done.returncode == 1 and "count: a public input (uint8)" in done.stderr and "--let count=" in done.stderr
    found = as_json(str(path), "--let", "count=6")["functions"][0]
    assert found["comparisons"] == 6
    assert [line["line"] for line in found["lines"]] == [4]


def test_seconds_of_links() -> None:
    lan, wan = (as_json("examples/hello.enig", "--link", link)["functions"][0] for link in ("lan", "40,100"))
    assert wan["seconds"] == pytest.approx(lan["seconds"] + lan["rounds"] * 0.0398, rel=0.01)
    assert parse_link("wan") == parse_link("40,100").__class__("wan", 0.04, 1e8)


def test_what_is_assumed(tmp_path: Path) -> None:
    path = tmp_path / "search.enig"
    path.write_text('private xs: list[uint32, 300] = input("xs")\nprivate a: uint8 = 3\nif reveal(a > 2):\n'
                    "    print(reveal(sorted(xs)[0]))\n", "utf-8")
    assumed = as_json(str(path))["functions"][0]["assumed"]
    assert any("depends on revealed values" in text for text in assumed)
    assert any("random order" in text for text in assumed)
    assert any(text.startswith("xs has 300 elements") for text in assumed)


BUDGETED = """contract Ages:
    private ages: list[uint8, 1000]

    @budget({limits})
    def adults() -> uint32:
        old = [a >= 18 for a in ages]
        return reveal(sum(old))
"""


def budgeted(folder: Path, limits: str, text: str = BUDGETED) -> str:
    path = folder / "ages.enig"
    path.write_text(text.format(limits=limits), "utf-8")
    return str(path)


def test_budget_kept(tmp_path: Path) -> None:
    path = budgeted(tmp_path, "comparisons=1_000, rounds=30, bytes=100_000, products=0, ands=100_000, seconds=0.1")
    done = enig("check", path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", [("check",), ("run",), ("compile", "--to", "abi")], ids=lambda c: c[0])
def test_budget_exceeded(command: tuple[str, ...], tmp_path: Path) -> None:
    done = enig(*command, budgeted(tmp_path, "rounds=30, comparisons=999"))
    assert done.returncode == 1
    assert "error[E1001]: `adults` takes 1,000 comparisons, and its budget is 999" in done.stderr
    assert "ages.enig:4:24" in done.stderr  # the limit
    assert "ages.enig:6:9" in done.stderr  # the line
    assert "this line takes most of them: 1,000 comparisons" in done.stderr
    assert done.stderr.count("error[") == 1  # the rounds are within theirs


def test_budget_of_a_def(tmp_path: Path) -> None:
    text = "@budget({limits})\ndef richer(x, y):\n    return x > y\n\nprivate a = 3\nprivate b = 4\n" \
           "print(reveal(richer(a, b)))\nprint(reveal(a * b))\n"
    assert enig("check", budgeted(tmp_path, "comparisons=1, products=0", text)).returncode == 0
    done = enig("check", budgeted(tmp_path, "comparisons=0", text))
    assert done.returncode == 1 and "`richer` takes 1 comparisons" in done.stderr


UNREACHED = {
    "nothing calls it": "@budget(rounds=9)\ndef least(xs):\n    return min(xs)\n\nprint(1)\n",
    "with zeros for inputs, does not come": "@budget(rounds=9)\ndef odd(x):\n    return reveal(x * x > 5)\n\n"
                                            "private a: uint8 = input(\"a\")\n"
                                            "if reveal(a > 2):\n    print(odd(a))\n",
}


@pytest.mark.parametrize("why", UNREACHED)
def test_a_budget_that_nothing_counts_is_not_kept(why: str, tmp_path: Path) -> None:
    path = tmp_path / "unreached.enig"
    path.write_text(UNREACHED[why], "utf-8")
    done = enig("check", str(path))
    assert done.returncode == 1 and "error[E1002]" in done.stderr and why in done.stderr


def test_random_orders_cost_the_same_each_time(tmp_path: Path) -> None:
    path = tmp_path / "greatest.enig"
    path.write_text('private xs: list[uint32, 400] = input("xs")\nprint(reveal(max(xs)))\n', "utf-8")
    assert as_json(str(path)) == as_json(str(path))


@pytest.mark.parametrize(("limits", "code"), [
    ("roundz=1", "E0204"), ("rounds=1, rounds=2", "E0204"), ("5", "E0001"), ("", "E0203"), ("rounds=1.5", "E0221"),
    ("bytes=len(ages)", "E0221"),
])
def test_malformed_budget(limits: str, code: str, tmp_path: Path) -> None:
    done = enig("check", budgeted(tmp_path, limits))
    assert done.returncode == 1 and f"error[{code}]" in done.stderr
    assert done.stderr.count("error[") == 1


def test_formatting_keeps_a_budget_at_its_function(tmp_path: Path) -> None:
    path = budgeted(tmp_path, "rounds = 30,bytes=1_000")
    assert enig("fmt", path).returncode == 0
    assert "\n\n    @budget(rounds=30, bytes=1_000)\n    def adults() -> uint32:\n" in Path(path).read_text("utf-8")


def test_help_has_an_example() -> None:
    assert "enig cost examples/salaries.enig" in enig("cost", "--help").stdout
