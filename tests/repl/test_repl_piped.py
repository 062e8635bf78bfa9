"""`enig repl` without a terminal: lines in, answers out, a status."""

import re
import subprocess
import sys
from pathlib import Path

ENIG = Path(sys.executable).with_name("enig")
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.enig"))


def piped(text: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ENIG), "repl", *options], input=text, capture_output=True, text=True,
        timeout=120, check=False)


def test_lines_in_answers_out() -> None:
    done = piped("private x = 41\nx + 1\nreveal(_)\ndef f(y):\n    return y * 2\nreveal(f(x))\n")
    assert done.stdout == "x = <private int32, shared>\n<private int32, not computed yet>\n42\n82\n"
    assert (done.stderr, done.returncode) == ("", 0)


def test_what_goes_wrong_is_told_and_the_rest_runs() -> None:
    done = piped("nosuch\n1 + 1\n:nothing\n", "--engine", "clear")
    assert done.stdout == "2\nthere is no command `:nothing`; `:help` lists them\n"
    assert "error[E0101]" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 1


def test_inputs_are_given_by_options() -> None:
    done = piped('private x: uint8 = input("pay")\nreveal(x)\n', "--engine", "circuit", "--input", "pay=7")
    assert done.stdout.endswith("7\n") and done.returncode == 0
    done = piped('private x: uint8 = input("pay")\n', "--engine", "circuit")
    assert "E0603" in done.stderr and done.returncode == 1


def test_wrong_usage() -> None:
    assert piped("", "--nodes", "2").returncode == 2


def test_load_every_example() -> None:
    """What `:load` shows of each is what `enig run` shows: the file says it, or has tests."""
    study = EXAMPLES[0].parent / "data" / "study.csv"
    text = "".join(f':load {path}\n"end of {path.stem}"\n:reset\n' for path in EXAMPLES)
    done = piped(text, "--engine", "circuit", "--input", f"hours={study}:hours", "--input", f"score={study}:score")
    assert (done.stderr, done.returncode) == ("", 0)
    shown = done.stdout.split("all names are forgotten\n")
    for path, output in zip(EXAMPLES, shown, strict=False):
        source = path.read_text("utf-8")
        *lines, last = output.splitlines()
        assert last == f"'end of {path.stem}'"
        if "\ntest " in source:
            assert [line for line in lines if line.startswith("✓")] == [
                f"✓ {name}" for name in re.findall(r'^test "(.*)":', source, re.MULTILINE)]
        else:
            assert lines == re.findall(r"^# expect: (.*)", source, re.MULTILINE)


def test_a_file_is_loaded_first() -> None:
    done = piped("3\n", "--engine", "clear", str(EXAMPLES[0].parent / "gcd.enig"))
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "3" and len(done.stdout.splitlines()) > 1
