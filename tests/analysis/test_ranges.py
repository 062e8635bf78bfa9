"""Ranges on programs written as IR text: transfer, loops, refinement, and what is refused."""

import pytest

from enigmalang.analysis.ranges import choose_field, infer_ranges
from enigmalang.analysis.secrecy import infer_secrecy
from enigmalang.diagnostics import Sink
from enigmalang.ir.ir import Program, Value, operations
from enigmalang.ir.text import parse_program
from enigmalang.types.ranges import Range

ONE = '(%100: uint256 = const [value=1])'


def program(params: str, body: str, result: str = "None") -> Program:
    return parse_program(f'program "t.enig"\ndef "f" -> {result} {{\n{params}\n{body}\n}}\n')


def analysed(made: Program) -> tuple[dict[str, Value], Sink]:
    sink = Sink()
    infer_secrecy(made, sink)
    infer_ranges(made, sink)
    (function,) = made.functions.values()
    named = {v.hint: v for op in operations(function.body) for v in op.results}
    for op in operations(function.body):
        named.update({v.hint: v for r in op.regions for v in r.params if v.hint not in named})
    return named, sink


def codes(sink: Sink) -> list[str]:
    return [d.code for d in sink.diagnostics]


A = "param a: uint32 private = (%0.a: uint32)"
AB = A + "\nparam b: uint32 private = (%1.b: uint32)"
XS = "param xs: list[uint32, 1000] private = (%0.xs: uint32<1>)"


@pytest.mark.parametrize(("op", "wanted"), [
    ("add", Range(0, 2**33 - 2)), ("sub", Range(-(2**32) + 1, 2**32 - 1)), ("mul", Range(0, (2**32 - 1) ** 2)),
    ("floordiv", Range(0, 2**32 - 1)), ("mod", Range(0, 2**32 - 2)), ("min", Range(0, 2**32 - 1)),
    ("band", Range(0, 2**32 - 1)), ("bxor", Range(0, 2**32 - 1)),
])
def test_private_arithmetic_is_exact(op: str, wanted: Range) -> None:
    values, _ = analysed(program(AB, f"%2.r: uint32 = {op} %0 %1\nyield"))
    assert values["r"].range == wanted


def test_public_arithmetic_stays_in_its_type() -> None:
    made = program("param a: uint32 = (%0.a: uint32)", "%2.r: uint32 = add %0 %0\nyield")
    assert analysed(made)[0]["r"].range == Range(0, 2**32 - 1)


def test_a_sum_is_as_long_as_the_list_may_be() -> None:
    values, sink = analysed(program(XS, "%1.total: uint256 = reduce_sum %0 [axis=-1]\nyield"))
    assert values["total"].range == Range(0, 1000 * (2**32 - 1)) and not sink.diagnostics


def test_a_sum_over_an_unknown_length_is_refused() -> None:
    made = program("param xs: list[uint32] private = (%0.xs: uint32<1>)",
                   "%1.total: uint256 = reduce_sum %0 [axis=-1]\nyield")
    assert codes(analysed(made)[1]) == ["E0403"]


def test_storing_needs_a_proof() -> None:
    made = program(AB, '%2.r: uint32 = add %0 %1\n%3.s: uint32 = convert %2 [implicit="the variable s: uint32"]\nyield')
    _, sink = analysed(made)
    (found,) = sink.errors
    assert found.code == "E0401" and "33 bits" in found.message
    assert "wrap" in str(found.help) and "clamp" in str(found.help)


def test_wrap_and_clamp_are_proofs() -> None:
    for narrow in ("wrap", "clamp"):
        made = program(AB, f"%2: uint32 = add %0 %1\n%3: uint32 = {narrow} %2\n%4.s: uint32 = convert %3\nyield")
        values, sink = analysed(made)
        assert values["s"].range == Range(0, 2**32 - 1) and not sink.diagnostics


def test_conditions_narrow() -> None:
    made = program("param a: int32 private = (%0.a: int32)", """
  %1: int32 = const [value=0]
  %2: bool = gt %0 %1
  %3.r: int32 = if %2 {
    %4.inner: uint32 = convert %0
    yield %4
  } {
    yield %1
  }
  yield""")
    values, sink = analysed(made)
    assert values["r"].range == Range(0, 2**31 - 1) and values["inner"].range == Range(-(2**31), 2**31 - 1)
    assert not sink.diagnostics


def accumulate(body: str, first: int = 0, length: str = ", 1000") -> Program:
    return program(XS.replace(", 1000", length), f"""
  %1: uint256 = const [value={first}]
  %9: uint256 = const [value=2]
  %2.total: uint256 = for %0 %1 [iterated=1] {{
    (%3.x: uint32, %4.acc: uint256)
    {body}
    yield %5
  }}
  yield""")


def test_accumulation_grows_with_the_steps() -> None:
    values, sink = analysed(accumulate("%5: uint256 = add %4 %3", first=7))
    assert values["total"].range == Range(7, 7 + 1000 * (2**32 - 1)) and not sink.diagnostics


def test_a_conditional_step_is_an_accumulation() -> None:
    values, _ = analysed(accumulate("%6: uint256 = sub %4 %3\n%7: bool = gt %3 %9\n%5: uint256 = select %7 %6 %4"))
    assert values["total"].range == Range(-1000 * (2**32 - 1), 0)


def test_a_running_maximum_is_stable() -> None:
    values, _ = analysed(accumulate("%5: uint256 = max %4 %3"))
    assert values["total"].range == Range(0, 2**32 - 1)


def test_exponential_growth_has_no_bound() -> None:
    _, sink = analysed(accumulate("%8: uint256 = add %4 %3\n%5: uint256 = mul %8 %9"))
    assert codes(sink) == ["E0403"]


def test_growth_that_depends_on_another_variable_is_followed() -> None:
    made = program(XS, """
  %1: uint256 = const [value=0]
  %2.a: uint256, %3.b: uint256 = for %0 %1 %1 [iterated=1] {
    (%4: uint32, %5: uint256, %6: uint256)
    %7: uint256 = add %5 %4
    %8: uint256 = add %6 %5
    yield %7 %8
  }
  yield""")
    values, sink = analysed(made)
    most = 1000 * (2**32 - 1)
    assert values["a"].range == Range(0, most) and values["b"].range == Range(0, 1000 * most) and not sink.diagnostics


def test_nested_accumulation() -> None:
    made = program(XS, """
  %1: uint256 = const [value=0]
  %2.t: uint256 = for %0 %1 [iterated=1] {
    (%4: uint32, %5: uint256)
    %6: uint256 = for %0 %5 [iterated=1] {
      (%7: uint32, %8: uint256)
      %9: uint256 = add %8 %7
      yield %9
    }
    yield %6
  }
  yield""")
    values, sink = analysed(made)
    assert values["t"].range == Range(0, 10**6 * (2**32 - 1)) and not sink.diagnostics


def test_few_steps_are_followed_one_by_one() -> None:
    made = program("param x: uint32 private = (%0.x: uint32)", """
  %1: uint256<1> = const [value=(8, 4, 2, 1,)]
  %2: uint256 = const [value=0]
  %3.root: uint256 = for %1 %2 [iterated=1] {
    (%4: uint256, %5: uint256)
    %6.trial: uint256 = add %5 %4
    %7: uint256 = mul %6 %6
    %8: bool = le %7 %0
    %9: uint256 = select %8 %6 %5
    yield %9
  }
  yield""")
    values, _ = analysed(made)
    assert values["root"].range == Range(0, 15)


def test_gcd_stays_within_its_inputs() -> None:
    made = program(AB, """
  %2: uint32 = const [value=0]
  %3.g: uint32, %4: uint32 = while %0 %1 [max=47] {
    (%5: uint32, %6: uint32)
    %7: bool = ne %6 %2
    yield %7
  } {
    (%8: uint32, %9: uint32)
    %10: uint32 = mod %8 %9
    yield %9 %10
  }
  yield""")
    values, sink = analysed(made)
    assert values["g"].range == Range(0, 2**32 - 1) and not sink.diagnostics


def test_an_unbounded_while_is_refused() -> None:
    made = program("param x: uint32 private = (%0.x: uint32)\nparam n: uint32 = (%1.n: uint32)", """
  %2.s: uint32, %3: uint32 = while %0 %1 {
    (%4: uint32, %5: uint32)
    %6: bool = lt %5 %1
    yield %6
  } {
    (%7: uint32, %8: uint32)
    %9: uint32 = add %7 %7
    yield %9 %8
  }
  yield""")
    assert codes(analysed(made)[1]) == ["E0403"]


def test_appending_grows_the_length() -> None:
    made = program(XS, """
  %1: uint32<1> = empty
  %2.ys: uint32<1> = for %0 %1 [iterated=1] {
    (%3: uint32, %4: uint32<1>)
    %5: uint32<1> = append %4 %3 [axis=-1]
    %6: uint32<1> = append %5 %3 [axis=-1]
    yield %6
  }
  yield""")
    assert analysed(made)[0]["ys"].lens == (2000,)


def test_comprehension_over_range() -> None:
    made = program("param n: uint8 = (%0.n: uint8)", """
  %1: uint256 = const [value=0]
  %2: uint256 = const [value=1]
  %3.r: uint256<1> = range %1 %0 %2
  %4.m: uint256<2> = map %3 [iterated=1, filtered=false] {
    (%5: uint256)
    %6: uint256<1> = map %3 [iterated=1, filtered=false] {
      (%7: uint256)
      %8: uint256 = mul %7 %5
      yield %8
    }
    yield %6
  }
  yield""")
    values, _ = analysed(made)
    assert values["m"].lens == (255, 255) and values["m"].range == Range(0, 254 * 254)


def test_an_empty_range_does_no_harm() -> None:
    made = program("param x: uint32 private = (%9.x: uint32)", """
  %0: uint256 = const [value=5]
  %1: uint256 = const [value=1]
  %2: uint256<1> = range %0 %1 %1
  %3.t: uint32 = for %2 %9 [iterated=1] {
    (%4: uint256, %5: uint32)
    %6: uint32 = mul %5 %5
    yield %6
  }
  yield""")
    values, sink = analysed(made)
    assert values["t"].range == Range(0, 2**32 - 1) and not sink.diagnostics


def test_a_shared_constant_has_the_range_of_its_type() -> None:
    made = program("", "%0: int32 = const [value=41]\n%1.a: int32 = share %0\nyield")
    assert analysed(made)[0]["a"].range == Range(-(2**31), 2**31 - 1)


@pytest.mark.parametrize(("bits", "wanted"), [(24, "M61"), (64, "M127")])
def test_the_field_holds_the_products(bits: int, wanted: str) -> None:
    made = program(f"param a: uint{bits} private = (%0.a: uint{bits})",
                   f"%1.r: uint{bits} = mul %0 %0\nyield" if bits == 24 else f"%1.r: uint{bits} = add %0 %0\nyield")
    _, sink = analysed(made)
    assert choose_field(made, sink) == wanted and not sink.diagnostics


def test_no_field_is_large_enough() -> None:
    made = program("param a: uint64 private = (%0.a: uint64)", "%1.r: uint64 = mul %0 %0\nyield")
    _, sink = analysed(made)
    choose_field(made, sink)
    assert codes(sink) == ["E0402"] and "128 bits" in sink.errors[0].message


def test_fixed_products_need_the_unscaled_product() -> None:
    made = program("param a: fixed<32,16> private = (%0.a: fixed<32,16>)", "%1.r: fixed<32,16> = mul %0 %0\nyield")
    _, sink = analysed(made)
    assert choose_field(made, sink) == "M127"


WIDE = "param a: int64 private in -36028797018963968..36028797018963967 = (%0.a: int64)"  # 56 bits
FIXED = "param a: fixed<40,16> private in 0..13107200 = (%0.a: fixed<40,16>)"  # from 0 to 200


@pytest.mark.parametrize(("params", "body"), [
    (FIXED, "%1: uint8 = const [value=4]\n%2.r: fixed<40,16> = pow %0 %1"),  # 200³ times 200
    ("param a: fixed<24,8> private = (%0.a: fixed<24,8>)", "%1.r: fixed<8,40> = clamp %0"),
    (WIDE, "%1: uint8 = const [value=16]\n%2.x: int64 = mul %0 %1\n%3: uint8 = const [value=3]\n"
           "%4.r: int64 = floordiv %2 %3"),  # of 2^59
    (WIDE, "%1: uint8 = const [value=8]\n%2.x: int64 = mul %0 %1\n%3: int64 = const [value=2097152]\n"
           "%4.y: int64 = add %2 %3\n%5: int64 = const [value=288230376149614584]\n%6: int64 = add %4 %5\n"
           "%7.r: int32 = wrap %6"),  # 2^31 more than nearly 2^59
    (WIDE + "\nparam y: uint64 = (%1.y: uint64)", "%2.r: int64 = mod %1 %0"),  # of a public number
])
def test_what_is_computed_on_the_way_fits_the_field(params: str, body: str) -> None:
    made = program(params, body + "\nyield")
    values, sink = analysed(made)
    found = values["r"].range
    assert found is not None and found.bits <= 59 and choose_field(made, sink) == "M127"
    assert "E0402" not in codes(sink)


def test_a_public_number_past_every_field_may_be_compared() -> None:
    made = program(A + "\nparam y: uint256 = (%1.y: uint256)",
                   "%2.r: bool = lt %0 %1\n%3: uint32 = floordiv %0 %1\nyield")
    _, sink = analysed(made)
    assert choose_field(made, sink) == "M61" and not sink.diagnostics


@pytest.mark.parametrize("op", ["lt", "ge", "eq"])
def test_what_a_far_number_is_compared_as_fits_the_field(op: str) -> None:
    whole = f"param a: int64 private in {-(2**59) + 1}..{2**59 - 1} = (%0.a: int64)"
    near, far = (program(f"{whole}\nparam y: {type} = (%1.y: {type})", f"%2.r: bool = {op} %0 %1\nyield")
                 for type in ("uint32", "uint64"))
    fields = []
    for made in (near, far):
        _, sink = analysed(made)
        fields.append(choose_field(made, sink))
    assert fields == ["M61", "M127"]  # 2^59 stands for what is greater


def test_a_secret_does_not_divide_what_no_field_holds() -> None:
    made = program("param a: uint32 private in 1..9 = (%0.a: uint32)\nparam y: uint256 = (%1.y: uint256)",
                   "%2.r: uint256 = mod %1 %0\nyield")
    _, sink = analysed(made)
    choose_field(made, sink)
    assert codes(sink) == ["E0402"] and "256 bits" in sink.errors[0].message


def test_fixed_ranges_are_raw() -> None:
    made = program("param a: fixed<8,8> private = (%0.a: fixed<8,8>)", "%1.r: fixed<8,8> = mul %0 %0\nyield")
    assert analysed(made)[0]["r"].range == Range(-(2**22) + 2**7, 2**22)


def test_division_by_zero() -> None:
    constant = program(A, "%1: uint32 = const [value=0]\n%2.r: uint32 = floordiv %0 %1\nyield")
    assert codes(analysed(constant)[1]) == ["E0404"]
    private = program(AB, "%2.r: uint32 = floordiv %0 %1\nyield")
    assert codes(analysed(private)[1]) == ["W0406"]


def test_a_declared_range_is_a_promise() -> None:
    made = program("param a: uint32 private in 1..10 = (%0.a: uint32)", "%1.r: uint32 = mod %0 %0\nyield")
    values, sink = analysed(made)
    assert values["r"].range == Range(0, 9) and not sink.diagnostics


def test_a_constant_index_outside() -> None:
    made = program(XS, "%1: uint256 = const [value=1000]\n%2: uint32 = index %0 %1 [axis=-1]\nyield")
    assert codes(analysed(made)[1]) == ["E0408"]


def test_a_list_too_large_is_told_once_of_a_call() -> None:
    made = program("param xs: list[uint32] private = (%0.xs: uint32<1>)", """
  %1: uint256 = len %0 [axis=-1]
  %2: uint256 = const [value=0]
  %3: uint256 = const [value=1]
  %4: uint256<1> = range %2 %1 %3
  %5.x: uint256<1> = share %4
  %6.y: uint256<1> = add %5 %5
  yield""")
    _, sink = analysed(made)
    assert codes(sink) == ["E0408"] and "greatest length" in str(sink.errors[0].help)


def test_a_private_index_may_give_zero() -> None:
    made = program("param i: uint8 private = (%0.i: uint8)",
                   "%1: uint32<1> = const [value=(5, 6,)]\n%2.r: uint32 = index %1 %0 [axis=-1]\nyield")
    assert analysed(made)[0]["r"].range == Range(0, 6)


def test_a_choice_narrows_what_it_chooses() -> None:
    made = program("param a: int32 private = (%0.a: int32)",
                   "%1: int32 = const [value=0]\n%2: bool = gt %0 %1\n%3.r: int32 = select %2 %0 %1\nyield")
    assert analysed(made)[0]["r"].range == Range(0, 2**31 - 1)


def test_what_runs_unchosen_keeps_its_full_range() -> None:
    made = program("param a: int32 private = (%0.a: int32)", """
  %1: int32 = const [value=0]
  %2: bool = gt %0 %1
  %3.r: int32 = if %2 {
    %4.inner: int32 = neg %0
    yield %4
  } {
    yield %1
  }
  yield""")
    values, _ = analysed(made)
    assert values["inner"].range == Range(-(2**31) + 1, 2**31) and values["r"].range == Range(-(2**31) + 1, 0)


def test_an_accumulator_beside_one_that_creeps_to_its_type() -> None:
    made = program(XS, """
  %1: uint256 = const [value=0]
  %2: uint8 = const [value=0]
  %9: uint8 = const [value=1]
  %3.total: uint256, %4.seen: uint8 = for %0 %1 %2 [iterated=1] {
    (%5: uint32, %6: uint256, %7: uint8)
    %8: uint256 = add %6 %5
    %10: bool = gt %5 %7
    %11: uint8 = select %10 %9 %7
    %12: uint8 = add %11 %9
    %13: uint8 = min %5 %12
    %14: uint8 = clamp %13
    yield %8 %14
  }
  yield""")
    values, sink = analysed(made)
    assert values["total"].range == Range(0, 1000 * (2**32 - 1)) and values["seen"].range == Range(0, 255)
    assert not sink.diagnostics
