"""Types of variables, literals, operators and builtins."""

import pytest
from support import codes, constants, good, instance, typed, variables


@pytest.mark.parametrize(("value", "type"), [
    ("1", "int256"), ("2 ** 255", "uint256"), ("1.5", "fixed"), ("True", "bool"), ('"a"', "string"),
    ("uint8(1) + uint32(2)", "uint32"), ("uint8(1) + int8(2)", "int16"), ("uint32(1) + 300", "uint32"),
    ("uint8(1) + 300", "uint16"), ("block_like(1) - 2", "uint8"), ("uint8(1) * -1", "int16"), ("-uint8(1)", "int16"),
    ("abs(int8(1))", "uint8"), ("abs(-3)", "int256"), ("fixed(1) * 2", "fixed"), ("1 - fixed(2)", "fixed"),
    ("fixed[8, 24](1) + 1.5", "fixed[8, 24]"), ("len([1, 2])", "uint256"), ("sum([uint8(1)])", "uint256"),
    ("sum([int8(1)])", "int256"), ("sum([True, False])", "uint256"), ("sum([0.5])", "fixed"),
    ("max(uint8(1), uint16(2))", "uint16"), ("min([uint8(1)])", "uint8"), ("sorted([uint8(1), 2])", "list[uint8, 2]"),
    ("[uint8(1)] + [uint16(2)]", "list[uint16, 2]"), ("[[1, 2], [3, 4]]", "list[int256[2], 2]"),
    ("[x * 2 for x in [uint8(1), 2]]", "list[uint8, 2]"), ("[x for x in range(5) if x > 2]", "list[uint256, 5]"),
    ("[i + j for i in range(2) for j in range(3)]", "list[uint256, 6]"), ("range(-2, 2)", "list[int256, 4]"),
    ("zip([uint8(1)], [True])", "list[(uint8, bool), 1]"), ("enumerate([True])", "list[(uint256, bool), 1]"),
    ("[1, 2, 3][0:2]", "list[int256, 2]"), ("1 if True else uint8(2)", "uint8"), ("(1, True)", "(int256, bool)"),
    ("1 == 2", "bool"), ("1 < 2 <= 3", "bool"), ("not True or False", "bool"), ("~uint8(1)", "uint8"),
    ("uint8(1) << 3", "uint8"), ('"a" + "b"', "string"), ("1 ether", "int256"), ("2 days", "int256"),
    ("0x00112233445566778899aabbccddeeff00112233", "address"), ("0x" + "ab" * 32, "bytes32"), ("0x12", "int256"),
    ("clamp(300, 0, 255)", "int256"), ("wrap(300, uint8)", "uint8"), ("array(uint8, 2, 3)", "uint8[2, 3]"),
    ("reversed([uint8(1)])", "list[uint8, 1]"), ("any([True])", "bool"), ("block_like(3)", "uint8"),
])
def test_type_of_a_value(value: str, type: str) -> None:
    assert variables(f"def block_like(x: uint8) -> uint8:\n    return x\nv = {value}\n")["v"] == type


def test_a_variable_joins_all_that_is_assigned() -> None:
    found = variables("total = 0\nfor x in [uint8(1), 2]:\n    total += x\nwide = uint8(1)\nwide = uint32(2)\n")
    assert found["total"] == "uint8"
    assert found["wide"] == "uint32"


def test_literals_alone_become_int256_and_that_spreads() -> None:
    assert variables("n = 3\nb = n + uint8(1)\n") == {"n": "int256", "b": "int256"}


def test_a_variable_read_before_its_wider_assignment() -> None:
    text = "a = uint8(1)\nb = uint8(1)\nfor i in range(3):\n    b = a\n    a = uint64(2)\n"
    assert variables(text)["b"] == "uint64"


def test_a_zero_becomes_fixed_when_fixed_is_added() -> None:
    text = "total = 0\nfor x in [0.5, 1.5]:\n    total = total + x\n"
    assert variables(text)["total"] == "fixed"
    assert constants(text)["0"] == 0


def test_private_without_a_type() -> None:
    found = variables("private a = 41\nprivate b = 2 ** 40\nprivate c = 1.5\nprivate d = True\n")
    assert found == {"a": "int32", "b": "int64", "c": "fixed", "d": "bool"}


def test_a_growing_list_has_no_bound() -> None:
    assert variables("xs = []\nfor i in range(3):\n    xs.append(uint8(1))\n")["xs"] == "list[uint8]"
    assert variables("xs = [1]\nfor i in range(3):\n    xs = xs + [2]\n")["xs"] == "list[int256]"


def test_expected_types_flow_into_literals() -> None:
    assert typed("x: uint8 = 200\n", "200") == {"uint8"}
    assert typed("xs: list[uint8, 3] = [7, 8]\n", "7") == {"uint8"}
    assert typed("m: uint8[2, 2] = [[1, 2], [3, 4]]\n", "[1, 2]") == {"uint8[2]"}
    assert typed("f: fixed = 3\n", "3") == {"fixed"}
    assert typed("b: bool = uint8(5) > 3\n", "3") == {"uint8"}


def test_constants_of_fixed_are_raw() -> None:
    assert constants("f: fixed[8, 4] = 1.5\n")["1.5"] == 24
    assert constants("f: fixed = 1 / 4\n")["1"] == 65536
    assert constants("f = fixed(1) + 2\n")["2"] == 131072


def test_folding() -> None:
    found = constants("const N = 2 * 3\nx: uint8 = N + 1\ny = 7 // -2\nz = -7 % 3\nb = N > 5 and not False\n")
    assert (found["N + 1"], found["7 // -2"], found["-7 % 3"], found["N > 5 and not False"]) == (7, -3, -1, True)


def test_constants_take_the_type_of_their_context() -> None:
    text = "const N = 3\nconst HALF = 0.5\na = uint8(1) + N\nb: fixed[4, 4] = HALF\nc = fixed(1) * N\n"
    assert variables(text) == {"a": "uint8", "b": "fixed[4, 4]", "c": "fixed"}
    assert typed(text, "HALF") == {"fixed[4, 4]"}
    assert constants(text)["HALF"] == 8


def test_list_constants() -> None:
    checked = good("const TABLE = [250, 120]\nprint(TABLE[0])\n")
    symbol = checked.main.symbols["TABLE"]
    assert (str(symbol.type), symbol.value) == ("list[int256, 2]", (250, 120))


def test_instances_for_each_kind_of_call() -> None:
    checked = good("def twice(x):\n    return x + x\n\na = twice(uint8(1))\nb = twice(0.5)\nc = twice(uint8(2))\n")
    names = sorted(i.name for i in checked.instances)
    assert names == ["script", "twice(fixed)", "twice(uint8)"]
    assert str(instance(checked, "twice(fixed)").result) == "fixed"
    assert checked.instances[-1].name == "script"  # callees first


def test_recursion_is_marked() -> None:
    text = "def f(n: uint32) -> uint32:\n    return 0 if n == 0 else g(n - 1)\n\n" \
        "def g(n: uint32) -> uint32:\n    return f(n)\n" \
        "\ndef h(n: uint32) -> uint32:\n    return f(n)\n\nprint(h(3))\n"
    checked = good(text)
    assert {i.name: i.recursive for i in checked.instances} == {"f": True, "g": True, "h": False, "script": False}


def test_databases() -> None:
    text = 'L["a", 1] = 5\nx: uint32 = L["a", 1]\ny = L["a"]\nMPC["hr/x"] = [uint8(1)]\n' \
        'z = MPC.table("hr")["x"]\nb = "a" in L\nh = L.history("a")\nprint(L["a"] == 5)\n'
    assert variables(text) == {"x": "uint32", "y": "any", "z": "list[uint8, 1]", "b": "bool", "h": "list[any]"}


def test_a_secret_written_after_the_function_that_reads_it() -> None:
    text = 'def pay():\n    return sum(MPC["pay"])\n\nMPC["pay"] = [uint8(1)]\nprivate t = pay()\n'
    assert variables(text)["t"] == "uint256"


def test_deployed_contracts() -> None:
    text = """contract C:
    ages: map[address, uint8]
    def init(n: uint8 = 3):
        pass
    def f(private x: uint8) -> private uint16:
        return x

identity alice
c = deploy C()
a = c.ages[alice]
b = c.f(3)
j = submit c.f(x=4)
d = await j
"""
    assert variables(text) == {"c": "C", "a": "uint8", "b": "uint16", "j": "job[uint16]", "d": "uint16"}


def test_identities_of_tests_need_no_declaration() -> None:
    text = """contract C:
    ages: map[address, uint8]
    def give(to: address, n: uint8):
        ages[to] = n

test "t":
    c = deploy C()
    as alice: c.give(bob, 3)
    assert c.ages[bob] == 3
    who = alice
"""
    (test,) = good(text).tests
    assert str(test.variables["who"]) == "identity"
    assert codes(text.replace("give(bob, 3)", "give(bob, nobody)")) == ["E0101:8"]


def test_state_and_effects() -> None:
    text = """contract C:
    n: uint8
    internal def up():
        n += 1
    def f():
        up()
    view def g() -> uint8:
        return self.n
"""
    checked = good(text)
    assert {i.name: i.writes for i in checked.instances} == {"C.up": True, "C.f": True, "C.g": False}
    assert set(checked.contracts["C"].functions) == {"up", "f", "g"}


def test_parameter_ranges() -> None:
    checked = good("const TOP = 100\ncontract C:\n    def f(private x: uint8 in 1..TOP):\n        pass\n")
    assert str(instance(checked, "C.f").param_ranges["x"]) == "1..100"


def test_branches_that_types_decide() -> None:
    checked = good("from stats import mean\nprint(mean([1.0, 2.0]), mean([1, 2]))\n")
    results = {i.name: str(i.result) for i in checked.instances if i.name.startswith("stats.mean")}
    assert results == {"stats.mean(list[fixed, 2])": "fixed", "stats.mean(list[int256, 2])": "int256"}
