"""`enig repl` through a pseudo-terminal, typed at as a person would."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from terminal import CTRL_C, TAB, UP, Terminal

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Terminal]:
    """Without nodes."""
    with Terminal(tmp_path / "home", "--engine", "circuit", cwd=tmp_path) as terminal:
        yield terminal


def test_values_secrets_and_errors(quick: Terminal, tmp_path: Path) -> None:
    quick.type("private x = 41")
    quick.until("x = <private int32, shared>")
    quick.type("x + 1")
    quick.until("<private int32, not computed yet>")
    quick.type("reveal(_)")
    quick.until("42")
    quick.type("print(x)")
    quick.sees(r"error\[E0301\]")
    quick.sees("the secret is born here: `x` is private here")
    quick.type("[1, 2][reveal(x)]")
    quick.sees(r"error\[E05")
    quick.type("reveal(x) + 3")
    quick.until("44")
    assert quick.leaves() == 0


def test_blocks_indent_themselves(quick: Terminal) -> None:
    # typed without any spaces; `return` ends the block of the `if`
    quick.type("def f(n):", "if n > 3:", "return n * 2", "return n + 100", "")
    quick.type("f(5)")
    quick.until("10")
    quick.type("f(1)")
    quick.until("101")
    quick.type("xs = [1,", "2,", "39]")
    quick.type("sum(xs)")
    quick.until("42")


def test_completion_shows_types_and_secrecy(quick: Terminal) -> None:
    quick.type("private salaries: list[uint32, 10] = [7, 5]")
    quick.until("salaries = <private .*>")
    quick.type("salad = 3")
    quick.keys("sala" + TAB)
    quick.sees(r"private list\[uint32, 10\]")
    quick.sees("public int256")
    quick.now("r" + TAB)  # only `salaries` is left
    quick.sees("ies")
    quick.now("\r")
    quick.until("<private list.*>")
    quick.keys("from stats import vari" + TAB)
    quick.sees("ance")
    quick.now("\r")
    quick.type(":type variance")
    quick.until("from stats import variance")


def test_history_outlives_the_session_and_keeps_no_secret(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with Terminal(home, "--engine", "clear") as terminal:
        terminal.type("privat pin = 987654")
        terminal.sees("error")
        terminal.type("def f(private a: uint32) -> uint32:", "return reveal(a) + 1", "")
        terminal.type("f(987654)  # 987654")  # known to be private only when it runs
        terminal.until("987655")
        terminal.type("private pin = 987654")
        terminal.until("pin = <private int32>")
        terminal.type("12_345 + 1")
        terminal.until("12346")
        terminal.keys(UP + UP + "\r")  # within the session it comes back whole
        terminal.until("pin = <private int32>")
        terminal.type("reveal(pin)")
        terminal.until("987654")
        terminal.leaves()
    history = home / "history"
    assert history.stat().st_mode & 0o777 == 0o600
    assert "987654" not in history.read_text("utf-8")
    for kept in ("private pin = …", "privat pin = …", "f(…)  # …", "12_345 + 1"):
        assert f"+{kept}\n" in history.read_text("utf-8")
    with Terminal(home, "--engine", "clear") as terminal:
        terminal.keys(UP + UP + UP + "\r")
        terminal.until("12346")
        assert terminal.leaves() == 0


def test_commands(quick: Terminal, tmp_path: Path) -> None:
    quick.type("private a: uint8 = 7")
    quick.type("b = 2")
    quick.type(":type a * 1_000")
    quick.until("u?int\\d+")
    quick.type(":secrecy a + b")
    quick.until("private, because of `a` .*")
    quick.type(":secrecy reveal(a)")
    quick.until("public: it is revealed")
    quick.type(":cost a * a > 9")
    quick.sees("products +1")
    quick.sees("as `enig cost` does")
    quick.type(":circuit a * a")
    quick.sees("arith = mul")
    quick.type(":ir a + 1")
    quick.sees("= add ")
    quick.type(":as alice")
    quick.ready("alice")
    quick.type("reveal(a, to=alice)")
    quick.until("alice learns 7")
    quick.type(":identities")
    quick.until(r"\* alice  0x[0-9a-f]{40}")
    quick.type(":as")
    quick.ready()
    quick.type(f":load {EXAMPLES / 'salaries.enig'}")
    quick.until("✓ three people learn the mean and their own rank")
    quick.type(":time s = deploy Salaries()")
    quick.sees(r"\d\.\d+ s, \d+ rounds, \d+ products, \d+ ANDs, \d+ comparisons, \d+ bytes")
    quick.type(":names")
    quick.sees(r"Salaries +contract Salaries with join, average, my_rank")
    quick.type(":save out.enig")
    quick.until("saved .* to out.enig; 1 secret became `input.*; \\d+ literals of private places stay as typed .*")
    text = (tmp_path / "out.enig").read_text("utf-8")
    assert 'private a: uint8 = input("a")' in text
    quick.type(":nosuch")
    quick.sees("there is no command")
    quick.type(":help")
    quick.sees(":secrecy EXPR")
    quick.type(":reset")
    quick.type("a")
    quick.sees(r"error\[E0101\]")
    assert quick.leaves() == 0


def test_the_prompt_asks_for_inputs_without_showing_them(quick: Terminal) -> None:
    quick.type('private pay: uint32 = input("pay")')
    quick.sees("not shown")
    quick.now("4711\r")
    quick.until("pay = <private uint32, shared>")
    quick.type("reveal(pay) + 1")
    shown = quick.until("4712")
    assert "4711" not in shown


def test_nodes_stay_and_stop_and_come_back(tmp_path: Path) -> None:
    """With real nodes: Ctrl-C stops an expression and nothing else; a killed worker is told; `:reset` restores."""
    with Terminal(tmp_path / "home") as terminal:
        terminal.type("private x = 41")
        terminal.until("x = <private int32, shared>")
        terminal.type(":nodes")
        before = terminal.until("Any 1 of the 3 nodes.*")
        pids = [int(found) for found in re.findall(r"process (\d+)", before)]
        assert len(pids) == 3
        assert "1 Shamir share, 16 bytes" in before
        assert "41" not in re.sub(r"process \d+", "", before)
        terminal.type("n = 0")
        terminal.type("if n == 0:", "print('it', 'runs')", "while True:", "n += 1", "")
        terminal.until("it runs")
        terminal.now(CTRL_C)
        terminal.until("stopped; nothing else has changed")
        terminal.type("reveal(x + 1)")
        terminal.until("42")
        os.kill(pids[1], signal.SIGKILL)
        terminal.type("reveal(x + 1)")
        terminal.sees("node 2: its process was killed")
        terminal.sees(":reset")
        terminal.type("x")
        terminal.until("<private int32, lost>")
        terminal.type("reveal(x + 1)")  # the cause stays the same, and so is told no second time
        terminal.sees("node 2: its process was killed")
        terminal.type(":nodes")
        assert "the nodes are lost" not in terminal.until(r"the nodes are lost \(node 2: its process was killed.*")
        terminal.type(":time 1 + 1")
        assert "the nodes are lost" not in terminal.until(r"\d\.\d+ s")
        terminal.type("1 + 1")
        terminal.until("2")
        terminal.type(":reset")
        terminal.until("all names are forgotten; new nodes are starting")
        terminal.type("private x = 50")
        terminal.until("x = <private int32, shared>")
        terminal.type("reveal(x + 1)")
        terminal.until("51")
        terminal.type(":nodes")
        after = [int(found) for found in re.findall(r"process (\d+)", terminal.until("Any 1 of the 3 nodes.*"))]
        assert terminal.leaves() == 0
    for pid in {*pids, *after}:
        assert not Path(f"/proc/{pid}").exists()
