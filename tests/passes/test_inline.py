"""Inlining: copies with fresh values, call sites in `via`, recursion left alone."""

from enigmalang.ir.ir import operations
from enigmalang.ir.text import parse_program, print_function, print_program
from enigmalang.ir.verify import verify
from enigmalang.passes.inline import inline, recursive_functions

TEXT = '''program "a.enig"
def "id" -> uint8 {
  param x: uint8 = (%0.x: uint8)
  yield %0
}
def "twice" -> uint8 {
  param x: uint8 = (%0.x: uint8)
  %1: uint8 = call %0 [function="id"] @"a.enig":5:1-5:4
  %2: uint8 = add %1 %0 @"a.enig":6:1-6:4
  yield %2
}
def "first" -> uint8 {
  param xs: list[uint8, 9] = (%0.xs: uint8<1> lens [9])
  %1: uint8 = scope {
    for %0 [iterated=1] {
      (%2: uint8)
      leave %2
    }
    %3: uint8 = const [value=0]
    yield %3
  }
  yield %1
}
def "fact" -> uint8 {
  param n: uint8 = (%0.n: uint8)
  %1: uint8 = call %0 [function="twice"] @"a.enig":7:1-7:4
  %2: uint8 = call %1 [function="fact"]
  yield %2
}
def "unused" -> None {
  yield
}
script "script" -> None {
  %0: uint8<1> = const [value=(1, 2,)]
  %1: uint8 = call %0 [function="first"]
  %2: bool = const [value=true]
  %3: uint8 = if %2 {
    %4: uint8 = call %1 [function="twice"] @"a.enig":9:1-9:4
    yield %4
  } {
    %5: uint8 = call %1 [function="fact"]
    yield %5
  }
  %6: uint8 = call %3 [function="id"]
  print %6 [items=(type uint8,), sep="", end=""]
  yield
}
'''


def test_calls_disappear_and_recursive_functions_stay():
    program = parse_program(TEXT)
    verify(program)
    assert recursive_functions(program) == {"fact"}
    made = inline(program)
    verify(made)
    assert set(made.functions) == {"script", "fact"}
    assert made.functions["fact"].recursive
    calls = [op.attrs["function"] for f in made.functions.values() for op in operations(f.body) if op.op == "call"]
    assert calls == ["fact", "fact"]


def test_the_inlined_script():
    made = inline(parse_program(TEXT))
    assert print_function(made.functions["script"]) == '''script "script" -> None {
  %0: uint8<1> = const [value=(1, 2,)]
  %1: uint8 = scope {
    for %0 [iterated=1] {
      (%2: uint8)
      leave %2
    }
    %3: uint8 = const [value=0]
    yield %3
  }
  %4: bool = const [value=true]
  %5: uint8 = if %4 {
    %6: uint8 = add %1 %1
    yield %6
  } {
    %7: uint8 = call %1 [function="fact"]
    yield %7
  }
  print %5 [items=(type uint8,), sep="", end=""]
  yield
}
'''


def test_via_lists_call_sites_outermost_first():
    program = parse_program('''program "a.enig"
def "inner" -> None {
  %0: uint8 = const [value=1]
  yield
}
def "middle" -> None {
  call [function="inner"] @"a.enig":2:1-2:2
  yield
}
script "script" -> None {
  call [function="middle"] @"a.enig":3:1-3:2
  call [function="middle"] @"a.enig":4:1-4:2
  yield
}
''')
    first, second, _ = inline(program).functions["script"].body.ops
    assert [span.line for span in first.via] == [3, 2]
    assert [span.line for span in second.via] == [4, 2]
    assert first.result is not second.result


def test_functions_of_the_file_that_nobody_calls_are_kept_for_the_checks():
    text = TEXT.replace('def "unused" -> None {', 'def "unused" -> None @"a.enig":1:1-1:2 {')
    assert set(inline(parse_program(text)).functions) == {"script", "fact", "unused"}


def test_inlining_twice_changes_nothing():
    once = inline(parse_program(TEXT))
    text = print_program(once, spans=True)
    assert print_program(inline(once), spans=True) == text
