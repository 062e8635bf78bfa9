"""The text form: printing and parsing are inverse, for programs written by hand and for generated ones."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enigmalang.ir.builder import Builder
from enigmalang.ir.ir import Function, Opaque, Program, Tensor
from enigmalang.ir.text import NOWHERE, ParseError, parse_program, print_program
from enigmalang.ir.verify import verify
from enigmalang.source import Span
from enigmalang.types.ranges import Range
from enigmalang.types.types import (
    ADDRESS,
    BOOL,
    FIXED,
    NONE,
    ArrayT,
    BytesNT,
    BytesT,
    ContractT,
    EnumT,
    Field,
    FixedT,
    IdentityT,
    IntT,
    JobT,
    Label,
    ListT,
    MapT,
    StringT,
    StructT,
    TupleT,
)

TEXT = '''program "dir/a.enig"
test "test: x"
enum Color(Red, Green)
struct P(x: uint32, private y: fixed<16,16>)

interface Token {
  function pay(to: address, amount: uint256) -> None payable
  function held(who: address, p: P) -> (uint256, P) view
}

contract C {
  doc "says \\"hi\\""
  slot "s.x": uint32 private keys (address) as uint32
  slot "p": address<1> lens [1000] exact [false] as list[address, 1000]
  state s: map[address, P] private
  state c: Color
  event E(who: address, p: P)
  error N()
  function "C.f"
}

external "C.f" in C payable -> private uint32 {
  doc "what it \\"does\\""
  param a: uint32 private in -1..5 = (%0.a: uint32 private in -1..5)
  %1: bool = const [value=true]
  %2."a b": uint32 = if %1 {
    %3: bytes<*> = const [value=x"00ff"]
    yield %0
  } {
    %4: address<1> lens [3] = const [value=("0x1", "0x2",)]
    yield %0
  }
  emit %1 %1 [event="E"]
  %5: uint32 = add %2 %2
  yield %5
}

test "test: x" -> None {
  %0: !list[contract C] = identity [name="a"]
  yield
}
'''

scalars = st.one_of(
    st.just(BOOL), st.just(ADDRESS), st.just(FIXED), st.just(FixedT(8, 8)), st.just(BytesNT(32)),
    st.builds(IntT, st.booleans(), st.integers(1, 32).map(lambda n: 8 * n)),
    st.builds(BytesT, st.none() | st.integers(1, 99)), st.builds(StringT, st.none() | st.integers(1, 99)),
    st.just(EnumT("Color", ("Red", "Green"))),
)
P = StructT("P", (Field("x", ListT(FixedT(8, 8), 3), True), Field("y", EnumT("Color", ("Red", "Green")))))
types = st.recursive(
    scalars | st.just(P) | st.just(IdentityT()) | st.builds(ContractT, st.just("Token"), st.booleans()),
    lambda inner: st.one_of(
        st.builds(ListT, inner, st.none() | st.integers(1, 99)),
        st.builds(ArrayT, inner, st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple)),
        st.builds(MapT, scalars, inner), st.builds(JobT, inner),
        st.lists(inner, max_size=3).map(lambda items: TupleT(tuple(items))),
    ), max_leaves=5,
)
attrs = st.recursive(
    st.booleans() | st.integers() | st.text() | st.binary(max_size=6) | scalars
    | st.builds(Span, st.text(), *[st.integers(1, 999)] * 4),
    lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=6,
)


def test_text_of_a_written_program_is_read_back_exactly():
    assert print_program(parse_program(TEXT)) == TEXT
    verify(parse_program(TEXT))


def test_spans_are_read_back_when_printed():
    program = parse_program(TEXT)
    add = program.functions["C.f"].body.ops[-2]
    add.span, add.via = Span("b.enig", 3, 5, 4, 9), (Span("a.enig", 1, 2, 1, 3), Span("q\"uote", 9, 9, 9, 9))
    again = parse_program(print_program(program, spans=True)).functions["C.f"].body.ops[-2]
    assert (again.span, again.via) == (add.span, add.via)
    assert parse_program(print_program(program)).functions["C.f"].body.ops[-2].span == NOWHERE


def _one_value(type_, attr, label, range_, hint):
    builder = Builder()
    ir_type = Tensor(type_, 2) if isinstance(type_, scalar_classes) else Opaque(type_)
    op = builder.emit("const", (), Span("s", 1, 1, 1, 2), types=(ir_type,), attrs={"value": attr})
    op.result.label, op.result.range, op.result.hint = label, range_, hint
    builder.emit("yield", (), NOWHERE)
    return Program("x", {"script": Function("script", "script", (), builder.region, NONE, False, NOWHERE)})


scalar_classes = (type(BOOL), type(ADDRESS), FixedT, BytesNT, IntT, BytesT, StringT, EnumT)
ranges = st.none() | st.builds(lambda a, n: Range(a, a + abs(n)), st.integers(), st.integers())


@settings(max_examples=60, deadline=None)
@given(types, attrs, st.sampled_from(Label), ranges, st.text(max_size=5))
def test_every_type_attribute_and_mark_is_read_back(type_, attr, label, range_, hint):
    program = _one_value(type_, attr, label, range_, hint)
    text = print_program(program, spans=True)
    op = parse_program(text).functions["script"].body.ops[0]
    old = program.functions["script"].body.ops[0]
    assert (op.result.type, op.attrs, op.span) == (old.result.type, old.attrs, old.span)
    assert (op.result.label, op.result.range, op.result.hint) == (label, range_, hint)
    assert print_program(parse_program(text), spans=True) == text


@pytest.mark.parametrize("text, problem", [
    ('script', "expected 'program'"),
    ('program "a"\nscript "s" -> None {\n  frob\n}', "line 3: expected an operation; `frob` is unknown"),
    ('program "a"\nscript "s" -> None {\n  yield %4\n}', "%4 is not"),
    ('program "a"\nscript "s" -> Nope {\n}', "a type; `Nope` is unknown"),
    ('program "a" ~', "line 1: cannot read"),
])
def test_malformed_text_is_refused_with_its_line(text, problem):
    with pytest.raises(ParseError) as caught:
        parse_program(text)
    assert problem in str(caught.value)
