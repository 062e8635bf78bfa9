"""Secrecy on programs written as IR text: labels, and one leak of each kind."""

import pytest

from enigmalang.analysis.secrecy import infer_secrecy
from enigmalang.diagnostics import Sink
from enigmalang.ir.ir import Program, Value, operations
from enigmalang.ir.text import parse_program
from enigmalang.types.types import Label

HEAD = """program "t.enig"
contract C {
  slot "open": uint32 as uint32
  slot "secret": uint32 private as uint32
  slot "m": uint32 private keys (address) as uint32
  slot "list": uint32<1> private lens [10] exact [false] as list[uint32, 10]
  event E(x: uint32)
  function "C.f"
}
"""
PARAMS = """  param s: uint32 private = (%0.s: uint32)
  param p: uint32 = (%1.p: uint32)
  param xs: list[uint32, 10] private = (%2.xs: uint32<1>)
"""
C = "%3: bool = gt %0 %1"


def program(body: str, result: str = "None") -> Program:
    return parse_program(f'{HEAD}external "C.f" in C -> {result} {{\n{PARAMS}\n{body}\n}}\n')


def infer(body: str, result: str = "None") -> tuple[dict[str, Value], list[str]]:
    made, sink = program(body, result), Sink()
    infer_secrecy(made, sink)
    values = {v.hint: v for op in operations(made.functions["C.f"].body) for v in op.results}
    return values, [d.code for d in sink.diagnostics]


def under(body: str) -> str:
    return f"{C}\nif %3 {{\n{body}\nyield\n}} {{\nyield\n}}\nyield"


def test_labels_follow_data_control_and_index() -> None:
    values, codes = infer("""
  %3.sum: uint32 = add %0 %1
  %4.n: uint256 = len %2 [axis=-1]
  %5.public: uint32 = add %1 %1
  %6: bool = gt %0 %1
  %7.chosen: uint32 = if %6 {
    %8.inside: uint32 = add %1 %1
    yield %8
  } {
    yield %1
  }
  %9: uint32<1> = const [value=(1, 2,)]
  %10.looked: uint32 = index %9 %0 [axis=-1]
  %11.out: uint32 = reveal %10
  yield""")
    private = {name for name, v in values.items() if name and v.label is Label.PRIVATE}
    assert private == {"sum", "chosen", "looked"} and not codes
    assert values["inside"].label is Label.PUBLIC and values["out"].label is Label.PUBLIC


def test_a_secret_that_comes_round_a_loop() -> None:
    values, _ = infer("""
  %3.a: uint32, %4.b: uint32, %5.c: uint32 = for %2 %1 %1 %1 [iterated=1] {
    (%6: uint32, %7: uint32, %8: uint32, %9: uint32)
    yield %8 %6 %9
  }
  yield""")
    assert [values[n].label for n in "abc"] == [Label.PRIVATE, Label.PRIVATE, Label.PUBLIC]


@pytest.mark.parametrize(("code", "body"), [
    ("E0301", 'print %0 [items=("x",)]\nyield'),
    ("E0302", f"{C}\nrequire %3\nyield"),
    ("E0303", under('%4: uint32 = add %1 %1\nemit %4 [event="E"]')),
    ("E0303", under('state_store %1 [slot="open"]')),
    ("E0304", under("%4: uint32 = reveal %0")),
    ("E0306", "%4: uint256 = const [value=0]\n%5: uint256<1> = range %4 %0 %4\nyield"),
    ("E0308", 'state_store %0 [slot="open"]\nyield'),
    ("E0310", 'emit %0 [event="E"]\nyield'),
    ("E0313", "%4: uint256 = const [value=0]\n%5: uint32<1> = slice %2 %4 %0 [axis=-1]\nyield"),
    ("E0318", under('%4: uint32 = const [value=1]\n%5: bool = eq %1 %4\nrequire %5')),
    ("E0318", under('raise [error="N"]')),
    ("E0315", '%4: string<*> = const [value="k"]\ndb_set %4 %0 [db="L", keys=1]\nyield'),
    ("E0319", '%4: string<*> = const [value="k"]\n%5: uint32 = db_get %4 [db="MPC"]\nprint %5 [items=("",)]\nyield'),
    ("E0407", "%4: uint32 = pow %1 %0\nyield"),
    ("E0313", f"""{C}
  %4: uint32<1> = if %3 {{
    %5: uint32<1> = append %2 %1 [axis=-1]
    yield %5
  }} {{
    yield %2
  }}
  yield"""),
    ("E0313", """
  %4: uint32<1> = map %2 [iterated=1, filtered=true] {
    (%5: uint32)
    %6: bool = gt %5 %1
    yield %6 %5
  }
  yield"""),
    ("E0307", """
  %4: uint32 = while %0 {
    (%5: uint32)
    %6: bool = gt %5 %1
    yield %6
  } {
    (%7: uint32)
    yield %7
  }
  yield"""),
])
def test_one_leak(code: str, body: str) -> None:
    assert infer(body)[1] == [code]


def test_private_keys() -> None:
    made = parse_program(HEAD + """external "C.f" in C -> None {
  param who: address private = (%0.who: address)
  %1: uint32 = map_get %0 [slot="m"]
  yield
}
""")
    sink = Sink()
    infer_secrecy(made, sink)
    assert [d.code for d in sink.errors] == ["E0309"]


def test_results() -> None:
    assert infer("yield %0", "uint32")[1] == ["E0312"]
    assert infer("yield %0", "private uint32")[1] == []
    assert infer("%3: uint32 = share %1\nyield %3", "private uint32")[1] == ["W0317"]


@pytest.mark.parametrize("body", [
    under('state_store %1 [slot="secret"]'),
    under('%4: uint256 = const [value=0]\n%5: uint32 = index %2 %4 [axis=-1]'),
    f"""{C}
  %4: uint256 = const [value=0]
  %5: uint32<1> = if %3 {{
    %6: uint32<1> = set_index %2 %4 %1 [axis=-1]
    yield %6
  }} {{
    yield %2
  }}
  yield""",
    under('%4: uint256 = const [value=0]\n%5: uint32<1> = state_load [slot="list"]\n'
          '%6: uint32<1> = set_index %5 %4 %1 [axis=-1]\nstate_store %6 [slot="list"]'),
])
def test_what_a_private_condition_may_do(body: str) -> None:
    assert infer(body)[1] == []


def test_appending_to_state_under_a_private_condition() -> None:
    _, codes = infer(under('%5: uint32<1> = state_load [slot="list"]\n'
                           '%6: uint32<1> = append %5 %1 [axis=-1]\nstate_store %6 [slot="list"]'))
    assert codes == ["E0313"]


def test_leaving_early() -> None:
    _, codes = infer(f'{C}\nif %3 [early=@"t.enig":9:5-9:11] {{\nyield\n}} {{\nyield\n}}\nyield')
    assert codes == ["E0305"]


def test_an_expected_leak_is_removed() -> None:
    made, sink = program('expect_leak [code="E0301"] {\nprint %0 [items=("",)]\nyield\n}\nyield'), Sink()
    infer_secrecy(made, sink)
    assert not sink.diagnostics
    assert [op.op for op in operations(made.functions["C.f"].body)] == ["yield"]


@pytest.mark.parametrize(("attrs", "body", "found"), [
    ("", "", ["E0316"]),
    ('[code="E0308"]', 'print %0 [items=("",)]', ["E0316"]),
    ("", 'print %0 [items=("",)]', []),
])
def test_expected_leaks(attrs: str, body: str, found: list[str]) -> None:
    assert sorted(infer(f"expect_leak {attrs} {{\n{body}\nyield\n}}\nyield")[1]) == found


def test_a_leak_shows_birth_and_steps() -> None:
    text = """program "t.enig"
script "script" -> None @"t.enig":1:1-9:1 {
  %0: int32 @"t.enig":1:13-1:15 = const [value=41] @"t.enig":1:13-1:15
  %1.a: int32 @"t.enig":1:9-1:10 = share %0 @"t.enig":1:9-1:10
  %2.b: int32 @"t.enig":2:1-2:2 = add %1 %0 @"t.enig":2:5-2:10
  %3.c: int32 @"t.enig":3:1-3:2 = mul %2 %2 @"t.enig":3:5-3:10
  print %3 [items=("",)] @"t.enig":4:1-4:9
  yield
}
"""
    sink = Sink()
    infer_secrecy(parse_program(text), sink)
    (leak,) = sink.errors
    assert [n.span.line for n in leak.notes] == [1, 2, 3] and leak.span.line == 4
    assert "`a`" in leak.notes[0].text and "`+`" in leak.notes[1].text and "`*`" in leak.notes[2].text
    assert "reveal" in str(leak.help)


def test_recursive_functions() -> None:
    made = parse_program("""program "t.enig"
def "g" recursive -> uint32 {
  param x: uint32 = (%0.x: uint32)
  %1: uint32 = call %0 [function="g"]
  yield %1
}
def "f" -> uint32 {
  param s: uint32 private = (%0.s: uint32)
  %1.r: uint32 = call %0 [function="g"]
  yield %0
}
""")
    infer_secrecy(made, Sink())
    assert made.functions["g"].params[0].values[0].label is Label.PRIVATE


def test_the_table() -> None:
    made = program("%3.sum: uint32 = add %0 %1\n%4.twice: uint32 = add %1 %1\nyield")
    text = infer_secrecy(made, Sink()).dump()
    assert "sum: private  (the parameter `s` is private" in text and "twice: public\n" in text
