"""The verifier refuses each kind of malformed IR, naming function, operation and place."""

import pytest

from enigmalang.ir.ir import Foreign, Interface
from enigmalang.ir.text import NOWHERE, parse_program
from enigmalang.ir.verify import VerifyError, verify
from enigmalang.source import Span
from enigmalang.types.types import NONE, IntT

GOOD = """
  %0: bool = const [value=true]
  %1: uint32<1> = const [value=(1, 2, 3,)]
  %2: uint32 = const [value=0]
  %3: uint32 = for %1 %2 [iterated=1] {
    (%4: uint32, %5: uint32)
    %6: bool = gt %4 %5
    %7: uint32 = if %6 {
      break %5
    } {
      %8: uint32 = add %4 %5
      yield %8
    }
    yield %7
  }
  %9: uint32 = scope {
    if %0 {
      leave %3
    } {
      yield
    }
    yield %2
  }
  %10: uint256<1> = map %1 [iterated=1, filtered=true] {
    (%11: uint32)
    %12: uint256 = convert %11
    yield %0 %12
  }
"""


ROWS = "%0: uint8<1> = const [value=(1, 2,)] %1: string<*><1> = const [value=(\"a\", \"b\",)]"


def program(body: str, result: str = "None", end: str = "yield"):
    return parse_program(f'program "a.enig"\nscript "script" -> {result} {{\n{body}\n{end}\n}}')


def test_well_formed_control_flow_is_accepted():
    verify(program(GOOD))
    verify(program(GOOD, "uint32", "yield %9"))


@pytest.mark.parametrize("body, op, problem", [
    (f"{ROWS} %2: uint8<1> = sort %0 [axes=(), keys=1, descending=false, ranked=false]", "sort", "an axis for each"),
    (f"{ROWS} %2: uint8<1> = sort %0 [axes=(-2,), keys=1, descending=false, ranked=false]", "sort", "axis -2"),
    (f"{ROWS} %2: uint8<1> = sort %0 [axes=(-1,), keys=2, descending=false, ranked=false]", "sort", "2 keys among 1"),
    (f"{ROWS} %2: uint8<1> = sort %0 [axes=(-1,), keys=1, ranked=false]", "sort", "`descending` is"),
    (f"{ROWS} %2: string<*><1> = sort %1 [axes=(-1,), keys=1, descending=false, ranked=false]", "sort", "no column of"),
    (f"{ROWS} %2: uint8<1> = sort %0 %1 [axes=(-1,), keys=1, descending=false, ranked=true]", "sort", "ranks are"),
    (f"{ROWS} %2: uint8<1> = permute %1 %0 [axes=(-1,)]", "permute", "goes by places"),
    (f"{ROWS} %2: uint8<1> = spread %0 %0 [axes=(-1,)]", "spread", "goes by flags"),
    (f"{ROWS} shuffle [axes=()]", "shuffle", "has 0 operands"),
    ("%0: bool = const [value=1]", "const", "1 is no bool"),
    ("%0: uint8<1> = const [value=(1, true,)]", "const", "is no uint8<1>"),
    ("%0: uint8 = const", "const", "is no uint8"),
    ("%0: bool = const [value=true] %1: bool = and %0", "and", "has 1 operands"),
    ("%0: uint8 = const [value=1] %1: bool = not %0", "not", "works on bools"),
    ("%0: uint8 = const [value=1] %1: uint8<1> = add %0 %0", "add", "rank of the result is 1, not 0"),
    ("%0: uint8 = const [value=1] %1: string<*> = const [value=\"a\"] %2: bool = eq %0 %1", "eq", "different kinds"),
    ("%0: uint8 = const [value=1] %1: uint8 = index %0 %0 [axis=-1]", "index", "axis -1 does not exist at rank 0"),
    ("%0: uint8 = const [value=1] if %0 { yield } { yield }", "if", "the condition is uint8, not a bool"),
    ("%0: bool = const [value=true] if %0 { yield } { }", "if", "no terminator"),
    ("%0: bool = const [value=true] if %0 { yield yield } { yield }", "yield", "before the end"),
    ("%0: bool = const [value=true] %1: bool = if %0 { yield %0 } { yield }", "yield", "yielded values: has ()"),
    ("break", "break", "before the end"),
    ("%0: bool = const [value=true] if %0 { break } { yield }", "break", "stands in no for or while"),
    ("%0: bool = const [value=true] if %0 { leave } { yield }", "leave", "stands in no scope"),
    ("%0: bool = state_load [slot=\"x\"]", "state_load", "no slot `x`"),
    ("call [function=\"f\"]", "call", "calls `f`, which does not exist"),
    ("%0: uint8<1> = const [value=(1,)] map %0 [iterated=1] { (%1: bool) yield }", "map", "region parameters"),
    ("%0: bool = const [value=true] send %0", "send", "has 1 operands"),
    ("%0: uint8<1> = empty %1: uint8<1> = append %0 %0 [axis=-1]", "append", "an element of uint8<1>"),
    ("%0: uint8 = const [value=1] %1: uint8 = share %0 [audience=1]", "share", "unknown attribute `audience`"),
    ("%0: uint8 = input [name=\"x\", private=false]", "input", "attribute `type` is None"),
])
def test_malformed_operations_are_refused(body, op, problem):
    with pytest.raises(VerifyError) as caught:
        verify(program(body))
    assert (caught.value.op, caught.value.function) == (op, "script")
    assert problem in caught.value.problem


@pytest.mark.parametrize(("call", "problem"), [
    ('external_call %0 %2 [interface="Nobody", function="pay", value=false]', "no interface `Nobody` declares `pay`"),
    ('external_call %0 %2 [interface="Token", function="take", value=false]', "no interface `Token` declares `take`"),
    ('external_call %0 %1 [interface="Token", function="pay", value=false]', "arguments: has (bool)"),
    ('%3: bool = external_call %0 %2 [interface="Token", function="pay", value=false]', "results: has (bool)"),
    ('external_call %0 %2 %2 [interface="Token", function="pay", value=true]', "`pay` takes no money"),
])
def test_calls_through_interfaces_are_as_declared(call, problem):
    head = "%0: address = const [value=\"0x1\"] %1: bool = const [value=true] %2: uint8 = const [value=1]"
    made = program(f"{head} {call}")
    pay = Foreign((("x", IntT(False, 8)),), NONE, False, False)
    made.interfaces["Token"] = Interface("Token", {"pay": pay}, NOWHERE)
    with pytest.raises(VerifyError) as caught:
        verify(made)
    assert problem in caught.value.problem


def test_a_value_does_not_outlive_its_region():
    made = program("%0: bool = const [value=true] if %0 { %1: bool = not %0 yield } { yield } %2: bool = not %1")
    made.functions["script"].body.ops[2].span = Span("a.enig", 7, 3, 7, 9)
    with pytest.raises(VerifyError, match=r"a\.enig:7:3: in script, `not`: operand .* used before or outside"):
        verify(made)


def test_the_result_has_the_declared_type():
    with pytest.raises(VerifyError, match="the result"):
        verify(program("%0: bool = const [value=true]", "uint8", "yield %0"))


def test_a_value_is_defined_once():
    made = program("%0: bool = const [value=true]")
    body = made.functions["script"].body
    body.ops.insert(0, body.ops[0])
    with pytest.raises(VerifyError, match="defined twice"):
        verify(made)
