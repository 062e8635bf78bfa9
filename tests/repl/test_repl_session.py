"""The incremental compiler: what earlier inputs defined is known to later ones, with type, secrecy and range."""

from pathlib import Path

import pytest
from session_support import Typed

from enigmalang.diagnostics import EnigmaError, Sink
from enigmalang.repl.declarations import declared, names_in
from enigmalang.syntax import ast

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.enig"))


@pytest.fixture
def typed() -> Typed:
    return Typed()


def test_names_are_known_later(typed: Typed) -> None:
    typed("x = 20")
    assert typed.value("x + 1") == 21
    assert typed.value("_ * 2") == 42


def test_a_name_may_take_a_value_of_another_type(typed: Typed) -> None:
    typed("x = 1")
    typed("x = 'one'")
    assert typed.value("x") == "one"
    typed("x: uint8 = 200")
    assert str(typed.session.variables["x"].type) == "uint8"
    typed("x = 300")
    assert typed.codes == ["E0209"]
    assert typed.value("x") == 200


def test_the_old_value_is_read_before_the_new_one_is_there(typed: Typed) -> None:
    typed("x = 7")
    typed("x = [x, x]")
    assert typed.value("sum(x)") == 14
    typed("y = 'text'")
    typed("x, y = y, x")
    assert typed.value("x") == "text"
    assert typed.value("len(y)") == 2


def test_what_a_type_cannot_hold_is_shown_and_not_kept(typed: Typed) -> None:
    """As `print` shows it: private arithmetic is exact, whatever its type."""
    typed("private x: uint8 = 20")
    assert typed.value("reveal(x * x)") == 400
    assert "_" not in typed.session.variables
    assert typed.value("reveal(x + 1)") == 21
    assert typed.value("_ + 1") == 22
    with pytest.raises(EnigmaError, match="E0502"):
        typed("y = reveal(x * x)")


def test_private_stays_private(typed: Typed) -> None:
    (made,) = typed("private x = 41").values()
    assert made.secret and str(made.type) == "int32"
    assert "41" not in repr(made.leaves)
    typed("y = x + 1")
    assert typed.session.variables["y"].secret
    assert typed.value("reveal(y)") == 42
    typed("print(y)")
    assert typed.codes == ["E0301"]
    typed("x = 5")  # it was declared private
    assert typed.session.variables["x"].secret
    typed("y = 5")  # it was not
    assert not typed.session.variables["y"].secret


def test_ranges_are_those_of_the_values_not_of_the_types(typed: Typed) -> None:
    typed("private x: uint32 = 4_000_000_000")
    typed("y = x * x")
    assert typed.value("reveal(y) == 16 * 10**18") is True
    typed("print(reveal(y))")
    assert typed.printed == [f"{16 * 10**18}\n"]
    typed("reveal(y)")
    assert "_" not in typed.session.variables  # shown, but a uint32 does not hold it
    assert typed.session.variables["y"].ranges[0].high == (2**32 - 1) ** 2  # type: ignore[union-attr]
    typed("z: uint32 = y")
    assert typed.codes == ["E0401"]
    typed("w = y * y * y")
    assert typed.codes == ["E0402"]
    typed("z: uint32 = clamp(y)")
    assert typed.value("reveal(z)") == 2**32 - 1


def test_public_values_have_the_range_that_they_have(typed: Typed) -> None:
    typed("x = 20")
    typed("private a = 41")
    assert typed.value("reveal(a + x)") == 61
    assert typed.value("reveal(a * _)") == 41 * 61
    typed("huge = 2 ** 200")
    typed("a + huge")
    assert typed.codes == ["E0402"]


def test_a_text_alone_is_an_expression(typed: Typed) -> None:
    assert typed.value("'text'") == "text"


def test_functions_structs_and_enums(typed: Typed) -> None:
    typed("def f(x):\n    return x + 1\n")
    assert typed.value("f(1)") == 2
    typed("def f(x):\n    return x + 10\n")
    assert typed.value("f(1)") == 11
    typed("struct P:\n    x: uint8\n    private y: uint8\n\nenum Side:\n    LEFT\n    RIGHT\n")
    typed("p = P(1, 2)")
    assert typed.value("p.x") == 1
    assert typed.value("reveal(p.y)") == 2
    assert typed.value("Side.RIGHT == Side.LEFT") is False


def test_a_function_that_is_wrong_leaves_the_old_one(typed: Typed) -> None:
    typed("def f(x):\n    return x + 1\n")
    typed("def f(x):\n    return nosuch\n")
    assert typed.codes == ["E0101"]
    assert typed.value("f(1)") == 2


def test_imports(typed: Typed) -> None:
    typed("from helper import twice")
    typed("import stats")
    assert typed.value("twice(21)") == 42
    assert typed.value("stats.mean([1, 2, 3])") == 2


def test_a_variable_takes_the_place_of_a_function_and_back(typed: Typed) -> None:
    typed("def f(x):\n    return x\n")
    typed("f = 3")
    assert typed.value("f + 1") == 4
    typed("def f(x):\n    return x * 2\n")
    assert typed.value("f(2)") == 4
    assert "f" not in typed.session.variables


COUNTER = "contract Counter:\n    n: uint32\n    private secret: uint32\n\n" \
          "    def add(private k: uint32 in 0..10):\n        n += {step}\n        secret = k\n\n" \
          "    def get() -> uint32:\n        return reveal(secret) + n\n"


def test_contracts(typed: Typed) -> None:
    typed(COUNTER.format(step=1))
    typed("c = deploy Counter()")
    typed("identity alice")
    typed("as alice: c.add(7)")
    assert typed.value("c.get()") == 8
    assert typed.value("c.n") == 1


def test_a_contract_that_is_declared_again_is_another_one(typed: Typed) -> None:
    typed(COUNTER.format(step=1))
    typed("c = deploy Counter()")
    typed(COUNTER.format(step=100))
    assert "c" not in typed.session.variables
    typed("d = deploy Counter()")
    typed("d.add(1)")
    assert typed.value("d.get()") == 101


def test_a_deployed_contract_does_not_change_with_what_it_calls(typed: Typed) -> None:
    typed("def step() -> uint32:\n    return 1\n")
    typed(COUNTER.format(step="step()"))
    typed("c = deploy Counter()")
    typed("def step() -> uint32:\n    return 50\n")
    typed("c.add(1)")
    assert typed.value("c.n") == 1


def test_blocks_change_variables(typed: Typed) -> None:
    typed("n = 0")
    typed("for i in range(10):\n    n += i\n")
    assert typed.value("n") == 45
    typed("if n > 3:\n    low = False\nelse:\n    low = True\n")
    assert typed.value("low") is False


def test_lengths_are_known(typed: Typed) -> None:
    typed("private xs = [3, 1, 2]")
    typed("ys = sorted([x * x for x in xs])")
    assert list(typed("reveal(ys)")["_"].leaves[0]) == [1, 4, 9]


def test_an_error_while_running_keeps_the_old_value(typed: Typed) -> None:
    typed("x = 1")
    with pytest.raises(EnigmaError):
        typed("x = [1, 2][x + 4]")
    assert typed.value("x") == 1


def test_work_is_lazy_until_something_is_revealed(typed: Typed) -> None:
    engine = typed.world.engine
    assert engine is not None
    typed("private x = 6")
    before = engine.stats().circuits
    typed("y = x * 7")
    typed("z = y > 3")
    assert engine.stats().circuits == before
    typed("reveal(y)")
    assert engine.stats().circuits == before + 1


def test_a_list_has_the_length_that_it_has(typed: Typed) -> None:
    typed("counts = [0, 0, 0]")
    typed("private stock: uint16[3] = counts")
    assert typed.codes == []
    typed("counts.append(5)")
    assert list(typed("counts")["_"].leaves[0]) == [0, 0, 0, 5]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_every_example_is_an_input(typed: Typed, path: Path) -> None:
    """Declarations of all examples are taken; statements run where they need no input from outside."""
    sink, source = Sink(), typed.session.source(path.read_text("utf-8"))
    items = typed.session.parse(source, sink)
    assert items is not None
    assert typed.session.declare(items, source, sink) is not None, sink.errors
    statements = [i for i in items if not declared(i) and not isinstance(i, ast.TestDef)]
    if statements and not any("input" in names_in(i) for i in statements):
        typed.run(statements, source, sink)
        assert not sink.errors
        expected = [line.partition("# expect: ")[2] for line in source.lines if line.startswith("# expect: ")]
        assert "".join(typed.printed).splitlines() == expected
