"""Bristol files: reading what others wrote, writing what can be read back, and saying what is wrong in which line."""

import re
import secrets

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enigmalang.circuits.boolean import BooleanCircuit, Gates, from_bits, to_bits
from enigmalang.circuits.bristol import BristolError, NotOld, parse_bristol, print_bristol
from tests.circuit_files import circuit_files as files

SMALL = ("arith-add-32-bit-old", "compare-lt-32-bit-signed-old", "logic-or-4-bit", "logic-nand-4-bit")


def answers(circuit: BooleanCircuit, *values: int) -> list[int]:
    row = np.concatenate([to_bits(v, n) for v, n in zip(values, circuit.inputs, strict=True)])
    (outputs,) = circuit.splits(circuit.evaluate(row[None]))
    return [from_bits(part) for part in outputs]


def random_rows(circuit: BooleanCircuit, count: int) -> np.ndarray:
    made = np.frombuffer(secrets.token_bytes(count * circuit.width), np.uint8) % 2
    rows = made.reshape(count, circuit.width).astype(bool)
    rows[0], rows[1] = False, True
    return rows


EDGES = (0, 1, 2, 2**31 - 1, 2**31, 2**32 - 1, 0xDEADBEEF)


@pytest.mark.parametrize("a", EDGES)
def test_adder_and_comparison_of_others(a: int) -> None:
    adder, less = (parse_bristol(files.text(n)) for n in SMALL[:2])
    for b in EDGES:
        assert answers(adder, a, b) == [a + b]
        signed = [x - (x >> 31 << 32) for x in (a, b)]
        assert answers(less, a, b) == [int(signed[0] < signed[1])]


def test_multiplier_of_others() -> None:
    circuit = parse_bristol(files.text("arith-mul-64-bit"))
    for a, b in ((0, 5), (2**64 - 1, 2**64 - 1), (secrets.randbits(64), secrets.randbits(64))):
        (found,) = answers(circuit, a, b)
        assert found >> 64 | (found & 2**64 - 1) << 64 == a * b  # the upper half stands first


def test_aes_of_others_gives_the_answer_of_fips_197() -> None:
    circuit = parse_bristol(files.text("aes-128-reverse"))
    assert circuit.counts == {"XOR": 28176, "AND": 6400, "INV": 2087}
    assert circuit.and_depth == 60
    assert answers(circuit, *files.AES[:2]) == [files.AES[2]]


def test_sha256_of_others_gives_the_answer_of_fips_180() -> None:
    circuit = parse_bristol(files.text("sha-256-reverse"))
    for message in (b"abc", b"", secrets.token_bytes(55)):
        block = files.padded(message)
        assert answers(circuit, block >> 256, block & (1 << 256) - 1) == [files.sha256(message)]


def test_headers_mean_the_same() -> None:
    new = files.text("arith-add-32-bit-old")
    old = new.replace("2 32 32\n1 33\n", "32 32 33\n\n\n", 1)
    assert old != new
    rows = random_rows(parse_bristol(new), 100)
    assert (parse_bristol(old).evaluate(rows) == parse_bristol(new).evaluate(rows)).all()
    assert parse_bristol(old).inputs == (32, 32)


@pytest.mark.parametrize("old", (False, True))
@pytest.mark.parametrize("name", SMALL)
def test_what_is_written_is_read_back(name: str, old: bool) -> None:
    circuit = parse_bristol(files.text(name))
    written = print_bristol(circuit, old=old)
    assert set(re.findall("[A-Z]+", written)) <= {"XOR", "AND", "INV"} | (set() if old else {"EQ", "EQW"})
    again = parse_bristol(written)
    rows = random_rows(circuit, 300)
    assert (again.inputs, again.outputs) == (circuit.inputs, circuit.outputs)
    assert (again.evaluate(rows) == circuit.evaluate(rows)).all()


def test_all_kinds_of_gates() -> None:
    text = """
    # inputs a, b; the last four wires: a&b, !a&b, 1, a
    5 9

    2 1 1
    2 1 3

    1 1 0 2 INV
    1 1 1 3 EQ
    1 1 2 4 EQW
    4 2 0 4 1 1 5 6 MAND     # after a blank line
    1 1 2 8 NOT
    1 1 3 7 EQW
    """.replace("5 9", "6 9")
    circuit = parse_bristol(text)
    for a in (0, 1):
        for b in (0, 1):
            assert answers(circuit, a, b) == [a & b, (1 - a) & b | 2 | a << 2]


gates = st.lists(st.tuples(st.sampled_from(("xor", "and_", "or_", "inv")), st.integers(0, 99), st.integers(0, 99)),
                 max_size=40)


@settings(max_examples=80, deadline=None)
@given(gates, st.lists(st.integers(0, 120), min_size=1, max_size=8), st.booleans())
def test_any_circuit_is_read_back(steps: list[tuple[str, int, int]], ends: list[int], old: bool) -> None:
    """Also with outputs that are inputs, constants, or there twice."""
    build = Gates((3, 2))
    wires = [*range(5), Gates.ZERO, Gates.ONE]
    for name, a, b in steps:
        args = (wires[a % len(wires)], wires[b % len(wires)])
        wires.append(getattr(build, name)(*(args[:1] if name == "inv" else args)))
    circuit = build.finish([[wires[e % len(wires)]] for e in ends])
    again = parse_bristol(print_bristol(circuit, old=old))
    rows = np.array([[n >> k & 1 for k in range(5)] for n in range(32)], bool)
    assert (again.evaluate(rows) == circuit.evaluate(rows)).all()
    assert again.outputs == ((len(ends),) if old else circuit.outputs)


def test_old_header_has_two_inputs() -> None:
    build = Gates((1, 1, 1))
    circuit = build.finish([[build.and_(0, build.and_(1, 2))]])
    with pytest.raises(NotOld, match="two inputs, and this circuit 3"):
        print_bristol(circuit, old=True)


GOOD = "2 4\n2 1 1\n1 1\n2 1 0 1 2 XOR\n1 1 2 3 INV\n"


@pytest.mark.parametrize(("old", "new", "line", "text"), (
    ("2 4\n", "2\n", 1, "two numbers"),
    ("2 4\n", "2 four\n", 1, "only numbers"),
    ("2 4\n", "3 4\n", 5, "ends after 2 gates"),
    ("2 4\n", "1 4\n", 5, "more gates than the first"),
    ("2 4\n", "2 99999999999\n", 1, "only numbers"),
    ("2 4\n", "2 999999999\n", 1, "more than"),
    ("2 4\n", "2 50000000\n", 1, "more wires than the gates"),
    ("2 4\n2 1 1\n", "2 50000000\n1 50000000\n", 2, "more than 4,194,304 bits"),
    ("2 1 1\n", "2 1\n", 2, "how many inputs"),
    ("2 1 1\n", "1 9\n", 2, "more bits"),
    ("1 1\n2", "1 1 1\n2", 3, "how many outputs"),
    ("1 1\n2", "0\n2", 2, "no output"),
    ("0 1 2 XOR", "0 1 2 XNOR", 4, "unknown kind of gate"),
    ("2 1 0 1 2 XOR", "2 1 0 1 XOR", 4, "not as many follow"),
    ("2 1 0 1 2 XOR", "1 1 0 2 XOR", 4, "XOR reads 2"),
    ("0 1 2 XOR", "0 3 2 XOR", 4, "wire 3 is read before"),
    ("0 1 2 XOR", "0 9 2 XOR", 4, "no wire 9"),
    ("0 1 2 XOR", "0 1 1 XOR", 4, "wire 1 has a value already"),
    ("1 1 2 3 INV", "XOR", 5, "a gate is written as"),
    ("1 1 2 3 INV", "1 1 2 3 EQ", 5, "EQ is written as"),
    ("1 1 2 3 INV", "3 1 0 1 2 3 MAND", 5, "MAND reads twice"),
    ("2 4\n", "2 5\n", 5, "output wire 4 never gets a value"),
))
def test_what_is_wrong_is_said_with_its_line(old: str, new: str, line: int, text: str) -> None:
    assert parse_bristol(GOOD).counts == {"XOR": 1, "INV": 1}
    with pytest.raises(BristolError, match=text) as caught:
        parse_bristol(GOOD.replace(old, new, 1))
    assert caught.value.line == line


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.text(st.sampled_from("0123 9\nANDXORINV#-²\x00"), max_size=4),
       st.integers(0, 5))
def test_broken_files_are_refused_or_read(place: int, put: str, cut: int) -> None:
    text = GOOD[:place] + put + GOOD[place + cut :]
    try:
        circuit = parse_bristol(text)
    except BristolError as error:
        assert 1 <= error.line <= text.count("\n") + 1
    else:
        assert len(circuit.ends) == sum(circuit.outputs)


@pytest.mark.parametrize("text", (
    "root-4711:x:0\n1 1\n", "4711 0815\n4711 1 1\n", "4711 4711\n0815 4711\n1 1\n", "1 4711\n1 1 4711\n",
    "1 3\n1 1 1\n1 4711 0 AND\n", "1 3\n1 1 1\n2 1 0 1 2 NET4711\n", "1 3\n1 1 1\n4711 0815 2 1 MAND\n",
))
def test_what_stands_in_a_file_that_is_no_circuit_is_not_told(text: str) -> None:
    with pytest.raises(BristolError) as caught:
        parse_bristol(text)
    assert "4711" not in str(caught.value) and "815" not in str(caught.value)
