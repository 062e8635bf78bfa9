"""Which literals are secrets: the history file and `:save` hold none."""

from pathlib import Path
from typing import Any

import pytest

from enigmalang.diagnostics import Sink
from enigmalang.execute.ports import EngineError
from enigmalang.repl.commands import dispatch
from enigmalang.repl.history import RedactedHistory
from enigmalang.repl.interactive import Interactive
from enigmalang.repl.redact import redacted
from enigmalang.repl.saving import Saved, saved_text
from enigmalang.repl.secrecy import Secrets
from enigmalang.repl.settings import Settings
from enigmalang.semantics import TextLoader
from enigmalang.source import SourceFile, Span
from enigmalang.syntax.parser import parse
from enigmalang.types.types import Type

DEEP = "struct Deep:\n    private depth: uint32\n\ndef dive(private x: uint32) -> uint32:\n    return reveal(x)\n"
BANK = "from deep import dive as plunge\n\n" \
       "struct Pay:\n    private amount: uint32\n    year: uint16\n\n" \
       "def secretly(private x: uint32) -> private uint64:\n    private total: uint32 = 3\n    return x + total\n"
LOADER = TextLoader({"bank": BANK, "deep": DEEP})
DECLARED = """
from bank import secretly, Pay
from bank import secretly as sly, Pay as Wage
import bank
import bank as b

contract S:
    private held: uint32
    def join(private amount: uint32):
        held = amount
    def pay(n: uint8, private amount: uint32):
        held = amount

contract T:
    n: uint8
    def pay(private n: uint8, amount: uint32):
        pass

struct P:
    private pay: uint32
    private notes: list[uint8, 9]
    year: uint16
"""


def secrets() -> Secrets:
    found = Secrets(LOADER)
    module = parse(SourceFile("s.enig", DECLARED), Sink())
    assert module is not None
    found.places(module.body)
    found.variables.add("y")
    found.holding.add("h")
    return found


@pytest.mark.parametrize(("text", "kept"), [
    ("private x = 41", "private x = …"),
    ("private xs: list[uint32, 10] = [1, 2]", "private xs: list[uint32, 10] = […, …]"),
    ("private x = -41 + y * 2", "private x = -… + y * …"),
    ("x = 41  # pin 41", "x = 41  # pin 41"),
    ("y = 42", "y = …"),
    ("y[0] = 42", "y[0] = …"),
    ("y += 1", "y += …"),
    ("y, z = 42, 1", "y, z = …, 1"),
    ("z, y = both(42)", "z, y = both(…)"),
    ("(y, z), x = (42, 1), 7", "(y, z), x = (…, 1), 7"),
    ("y.append(42)", "y.append(…)"),
    ("y[0].append(42)", "y[0].append(…)"),
    ("z.append(42)", "z.append(42)"),
    ("h = 42", "h = 42"),  # a public value from now on
    ("h += 42", "h += …"),
    ("h[1] = 42", "h[1] = …"),
    ("h.append(42)", "h.append(…)"),
    ("def g(private a: uint8 = 7):\n    pass\n", "def g(private a: uint8 = …):\n    pass\n"),
    ("def g() -> private uint8:\n    return 7\n", "def g() -> private uint8:\n    return …\n"),
    ("def g(private a: uint8):\n    a = 7\n", "def g(private a: uint8):\n    a = …\n"),
    ('MPC["height"] = 180', 'MPC["height"] = …'),
    ('MPC.set("height", 180, anyone)', 'MPC.set("height", …, anyone)'),
    ('MPC.table("a")["b"] = 180', 'MPC.table("a")["b"] = …'),
    ('print(MPC.declassify("height") + 1)', 'print(MPC.declassify("height") + 1)'),
    ("s.join(90_000)", "s.join(…)"),
    ("s.pay(5, amount=90_000)", "s.pay(…, amount=…)"),  # private in one of the two contracts
    ("as alice: s.join(90_000)", "as alice: s.join(…)"),
    ('private x = input("pay")', 'private x = input("pay")'),
    ("def g(private a: uint8):\n    pass\n\ng(7)\n", "def g(private a: uint8):\n    pass\n\ng(…)\n"),
    ("p.pay = 80004", "p.pay = …"),
    ("ps[0].pay = 90011", "ps[0].pay = …"),
    ("ps[0].notes.append(7)", "ps[0].notes.append(…)"),
    ("p.year = 1999", "p.year = 1999"),
    ("p = P(80004, [1], 1999)", "p = P(…, […], 1999)"),
    ("r = secretly(80005)", "r = secretly(…)"),
    ("q = Pay(80006, 2)", "q = Pay(…, 2)"),
    ("q = Wage(80006, year=2)", "q = Wage(…, year=2)"),
    ("q.amount = 80006", "q.amount = …"),
    ("bank.secretly(80007)", "bank.secretly(…)"),
    ("b.secretly(80007)", "b.secretly(…)"),
    ("b.plunge(80007)", "b.plunge(…)"),
    ("sly(80008)", "sly(…)"),
    ("q.deep.depth = 80009", "q.deep.depth = …"),
    ("total = 3", "total = 3"),  # private only inside of a function
    ("map(sly, [80008, 80009])", "map(sly, […, …])"),
    ("for pay in [80001, 80002]:\n    sly(pay)\n", "for pay in […, …]:\n    sly(pay)\n"),
    ("[sly(a + n) for a, n in zip([8, 9], [1, 2])]", "[sly(a + n) for a, n in zip([…, …], […, …])]"),
    ("for i in range(10):\n    sly(i)\n", "for i in range(10):\n    sly(i)\n"),
    ("private c = 80010  # pin 80010", "private c = …  # …"),
    ('def f():\n    "pin 80010"\n    private c = 80010\n', 'def f():\n    "…"\n    private c = …\n'),
    (":time private x = 41", ":time private x = …"),
    (":type\tprivate_of(y) + sly(90000)", ":type\tprivate_of(y) + sly(…)"),
    (":load 2024.enig", ":load 2024.enig"),
    (":circuit", ":circuit"),
])  # fmt: skip
def test_secrets_of_a_good_input_are_hidden(text: str, kept: str) -> None:
    assert redacted(text, secrets(), good=True) == kept


@pytest.mark.parametrize(("text", "kept"), [
    ("privat salary = 80020", "privat salary = …"),
    ("private x = 41 42", "private x = … …"),
    ("private x = 'abc", "private x = …"),
    ('private x = """abc\n80020 and "more"', "private x = …"),
    ("s.join(90_000", "s.join(…"),
    ("s.jion(90_000)", "s.jion(…)"),
    ("x = 1.25  # 80020", "x = …  # …"),
    (":tme private salary = 90000", ":tme private salary = …"),
    (":type\tprivate salary = 90000", ":type\tprivate salary = …"),
])  # fmt: skip
def test_an_input_that_went_wrong_keeps_no_literal(text: str, kept: str) -> None:
    assert redacted(text, secrets(), good=False) == kept


def test_an_import_in_the_same_input_counts() -> None:
    text = "from bank import secretly as s\ns({})\n"
    assert redacted(text.format(80005), Secrets(LOADER), good=True) == text.format("…")


class Given:
    """Every input by its name."""

    def __init__(self, **values: Any) -> None:
        self.values = values

    def read(self, name: str, type: Type, span: Span) -> Any:
        return self.values[name.replace(" ", "_")]


class Talk:
    """An interactive session on the clear engine; `shown` is what it printed."""

    def __init__(self, **inputs: Any) -> None:
        self.shown: list[str] = []
        self.wrong: list[str] = []
        self.session = Interactive(Settings("clear"), self.shown.append, self._complain, Given(**inputs), LOADER)

    def _complain(self, found: Any, session: Any) -> None:
        self.wrong += [d.message for d in found]

    def say(self, *texts: str) -> None:
        for text in texts:
            assert dispatch(self.session, text) if text.startswith(":") else self.session.feed(text), self.wrong

    def saved(self) -> Saved:
        inner = self.session.session
        return saved_text(self.session.history, inner.secrets, inner.constants)

    def runs(self) -> str:
        """What the saved program prints."""
        saved = Talk(**self.session.inputs.values)  # type: ignore[attr-defined]
        saved.say(self.saved().text)
        return "".join(saved.shown)


def test_save_makes_inputs_of_secrets_and_a_program_that_runs() -> None:
    talk = Talk(pay=1, pay_2=80_000, x=80_005, amount=80_006, amount_2=80_011, y=7, y_2=9, c=80_010, MPC=180, xs=[1, 2])
    talk.say(
        "from bank import secretly, Pay", "private c = 80010  # pin 80010", "struct P:\n    private pay: uint32\n",
        "p = P(1)", "p.pay = 80000", "r = secretly(80005)", "q = Pay(80006, 2)", "ps = [q]", "ps[0].amount = 80011",
        "n = 3", "private y: uint8 = 7", "y = clamp(y + 9 * n)", 'MPC["height"] = 180', "private xs = [1, 2]",
        ":as alice", "private z = c - c", ":as",
        "print(reveal(p.pay), reveal(r), reveal(q.amount), reveal(ps[0].amount), reveal(y), reveal(c), reveal(xs))")
    saved = talk.saved()
    assert "80" not in saved.text.replace("180", "")
    assert 'private y: uint8 = input("y")\n' in saved.text
    assert "n = 3\n" in saved.text and "Pay(input(" in saved.text and ", 2)\n" in saved.text
    assert saved.left == 0
    assert talk.runs().splitlines()[-1] == talk.shown[-1].rstrip("\n")


CONTRACT = """contract S:
    private held: uint64
    def join(private amount: uint32):
        held = amount + bonus()
    def out() -> uint64:
        return reveal(held)

def bonus() -> private uint32:
    return 5

test "joins":
    s = deploy S()
    s.join(90)
    assert s.out() == 95
"""


def test_save_leaves_code_that_reads_no_input() -> None:
    talk = Talk(amount=80_030)
    talk.say(CONTRACT, "s = deploy S()", "s.join(80030)", "print(s.out())")
    saved = talk.saved()
    assert "80030" not in saved.text and "s.join(90)" in saved.text and "return 5" in saved.text
    assert (saved.inputs, saved.left) == (1, 2)
    assert "80035\n" in talk.runs()


def test_names_that_were_private_once_stay_hidden() -> None:
    talk = Talk(f=80_040)
    talk.say("def f(private a: uint32):\n    pass\n", "f(80040)", "def f(a: uint32):\n    print(a)\n")
    assert "80040" not in talk.saved().text
    talk.say("private a = 80041", "a = 80042", ":type a")
    assert "8004" not in talk.saved().text


def test_save_says_what_makes_it_no_program(tmp_path: Path) -> None:
    talk = Talk()
    talk.say("x = 1", f":save {tmp_path / 'good.enig'}")
    assert talk.shown == [f"saved 1 inputs to {tmp_path / 'good.enig'}\n"]
    talk.say("x = 'one'", f":save {tmp_path / 'bad.enig'}")
    assert talk.shown[-1].startswith("it is no program yet: line 2: ")


def test_save_narrows_unsigned_literals() -> None:
    talk = Talk(n=[900_049, 900_050], m=[900_055], m_2=0)
    talk.say("private n = sum([900049, 900050])", "private m = [900055][0]", "print(reveal(n), reveal(m))")
    saved = talk.saved().text
    assert "9000" not in saved and "256" not in saved
    assert talk.session.session.fault_of(saved) is None
    assert talk.runs().endswith(talk.shown[-1])


def test_a_comment_alone_is_kept_nowhere(tmp_path: Path) -> None:
    talk = Talk()
    talk.say("# my secret is 900063", "x = 1")
    assert talk.saved().text == "x = 1\n"
    path = tmp_path / "history"
    history = RedactedHistory(path, lambda: talk.session.session.secrets)
    for text in ("# my secret is 900063", "  # or\n# 900064\n", "x = 1"):
        history.store_string(text)
        history.settle(True)
    kept = path.read_text("utf-8")
    assert "9000" not in kept and "+x = 1" in kept


def test_what_dead_nodes_stop_is_shown() -> None:
    talk, found = Talk(), []
    talk.session.complain = lambda diagnostics, session: found.extend(diagnostics)

    def dead(*_: Any) -> None:
        raise EngineError("node 2: its process was killed", "E0701")

    talk.session.world.inputs.read = dead  # type: ignore[method-assign]
    assert not talk.session.feed('a = 1\nb = input("n", uint8)')
    (fault,) = found
    assert (fault.code, fault.span.line) == ("E0701", 2)
    assert talk.session.session.sources[fault.span.path].line(2).startswith("b = input")
