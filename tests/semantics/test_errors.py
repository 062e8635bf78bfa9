"""What is refused, beyond the programs in tests/programs/fail: counts, places, follow-ups."""

import pytest
from support import codes, good, run


def test_one_mistake_is_told_once() -> None:
    assert codes("x = nothing + 1\ny = x * 2\nprint(y, [y], sum([y]))\n") == ["E0101:1"]


def test_many_mistakes_are_told_in_one_go() -> None:
    assert codes("a: uint8 = True\nb = c\nd: nope = 1\n") == ["E0201:1", "E0101:2", "E0202:3"]


def test_a_mistake_in_a_library_call_is_told_at_the_call() -> None:
    _, sink = run('from stats import mean\nprint(mean("abc"))\n')
    (found,) = sink.errors
    assert (found.span.path, found.span.line) == ("main.enig", 2)
    assert found.message.startswith("stats.mean(string)")
    assert found.notes[0].span.path.endswith("stats.enig")


def test_a_function_that_is_never_called_is_checked_too() -> None:
    assert codes("def f(x):\n    return x + nothing\n") == ["E0101:2"]


def test_import_cycle_names_the_cycle() -> None:
    _, sink = run("import a\n", {"a": "import b\n", "b": "import a\n"})
    (found,) = sink.errors
    assert found.code == "E0104"
    assert found.message.endswith("a → b → a")


def test_an_imported_module_with_errors() -> None:
    assert codes("from a import f\nprint(f(1))\n", {"a": "def f(x):\n    return y\n"}) == ["E0101:2"]


def test_imports_bind_names() -> None:
    good("import a\nfrom a import f as g, Point\np = a.Point(1)\nq: Point = p\nprint(g(a.N), a.f(2), q.x)\n",
         {"a": "const N = 3\nstruct Point:\n    x: uint8\n\ndef f(x):\n    return x + N\n"})


@pytest.mark.parametrize("text", [
    "def f(x: bool) -> uint8:\n    if x:\n        return 1\n    else:\n        return 2\n",
    "def f(x: bool) -> uint8:\n    while True:\n        if x:\n            return 1\n",
    "def f(x: bool):\n    if x:\n        y = 1\n    else:\n        return\n    print(y)\n",
    "def f(value, now):\n    owner = value\n    return owner + now\n",
    "contract C:\n    owner: address\n    def init():\n        owner = sender\n",
    "x: uint32[3]\nprint(x)\n",
])
def test_accepted(text: str) -> None:
    good(text)


@pytest.mark.parametrize(("text", "found"), [
    ("def f(x: bool) -> uint8:\n    while True:\n        if x:\n            break\n", ["E0212:1"]),
    ("for i in range(3):\n    x = i\nprint(x)\n", ["E0107:3"]),
    ("x = 1\nx = True\n", ["E0201:2"]),
    ("x: uint8 = 1\nx = 300\n", ["E0209:2"]),
    ("print([1, 2][0.5])\n", ["E0201:1"]),
    ("contract C:\n    m: map[address, uint8]\n    def f():\n        x = m\n", ["E0201:4"]),
    ("contract C:\n    def f():\n        now = 3\n", ["E0109:3"]),
    ("__dot([1], [2])\n", ["E0205:1"]),
    ("from stats import __hidden\n", ["E0105:1"]),
])
def test_refused(text: str, found: list[str]) -> None:
    assert codes(text) == found


def test_deep_expressions_in_deep_calls() -> None:
    functions = "".join(f"def f{i}(x):\n    return {'(x + ' * 80}f{i + 1}(x){')' * 80}\n\n" for i in range(45))
    good(functions + "def f45(x):\n    return x\n\nprint(f0(uint8(1)))\n")


def chain(length: int) -> str:
    """Functions without declared types, each of which calls the one before."""
    calls = (f"def f{i}(x):\n    return f{i - 1}(x) + 1\n" for i in range(1, length))
    return "def f0(x):\n    return x + 1\n" + "".join(calls) + f"print(f{length - 1}(1))\n"


def test_long_chains_of_untyped_functions() -> None:
    assert codes(chain(400)) == []
    (error,) = run(chain(700))[1].errors
    assert (error.code, error.message) == ("E0215", "calls are nested more than 500 deep while checking types")
