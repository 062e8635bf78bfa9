"""`enig compile --to ir|json|bristol|bristol-fashion|dot|svg`, through the real command and on every example."""

import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from run_support import EXAMPLES, enig

from enigmalang.circuits.boolean import from_bits, to_bits
from enigmalang.circuits.bristol import parse_bristol, print_bristol
from enigmalang.circuits.drawing import picture, to_dot, to_svg
from enigmalang.circuits.evaluate import evaluate
from enigmalang.circuits.export_boolean import to_boolean
from enigmalang.circuits.export_json import SCHEMA, JsonError, parse_document, print_document
from enigmalang.circuits.text import circuit_to_json
from enigmalang.cli.programs import compiled
from enigmalang.node.recording import Flow, Given, Recording, record, recordable
from tests.circuit_files import circuit_files as files

#: Few people and rows, so that sorts of gates stay small.
LETS = {"people": 2, "bidders": 4, "voters": 5, "hours": 6, "score": 6, "n": 4}


def recordings(path: Path) -> list[Recording]:
    plan = compiled(str(path))
    lets = {} if path.stem == "millionaires" else LETS  # where two people are the most
    made = [record(plan, name, lets) for name in recordable(plan)]
    assert any(flow.circuit.nodes for recording in made for flow in recording.flows)
    return made


def drawn_inputs(given: Sequence[Given], edge: int | None) -> list[np.ndarray]:
    """Values of all inputs: random ones, or all the least (0) or greatest (1) of their types."""
    found = []
    for item in given:
        reach = item.reach
        assert reach is not None
        values = [(reach.low, reach.high)[edge] if edge is not None else
                  reach.low + secrets.randbelow(reach.high - reach.low + 1) for _ in range(item.port.size)]
        found.append(np.array(values, object).reshape(item.shape))
    return found


def wires(values: np.ndarray, bits: int) -> list[np.ndarray]:
    return [to_bits(int(v), bits) for v in values.ravel()]


def check_agreement(given: Sequence[Given], flow: Flow, rounds: int = 4) -> None:
    """The gates give what the circuit on integers gives, on edges and random inputs."""
    made = to_boolean(flow.circuit, [item.port for item in given], flow.outputs)
    again = parse_bristol(print_bristol(made))
    for edge in (0, 1, *[None] * rounds):
        inputs = drawn_inputs(given, edge)
        values = evaluate(flow.circuit, inputs, {})
        row = np.concatenate([bit for x, g in zip(inputs, given, strict=True) for bit in wires(x, g.port.bits)])
        for circuit in (made, again):
            (parts,) = circuit.splits(circuit.evaluate(row[None]))
            for part, (number, _) in zip(parts, flow.outputs, strict=True):
                wanted = values[number]
                bits = len(part) // max(1, wanted.size)
                assert [from_bits(b) for b in np.split(part, wanted.size)] == [
                    int(v) & (1 << bits) - 1 for v in wanted.ravel()]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_gates_of_every_example_give_what_its_circuits_give(path: Path) -> None:
    for recording in recordings(path):
        for flow in recording.flows:
            check_agreement(recording.inputs, flow)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_json_and_drawings_of_every_example(path: Path) -> None:
    for recording in recordings(path):
        circuits = [flow.circuit for flow in recording.flows]
        text = print_document(recording.function, [], circuits)
        again = parse_document(text)
        assert print_document(recording.function, [], again) == text
        for circuit in circuits:
            drawn = picture(circuit, path.stem)
            root = ElementTree.fromstring(to_svg(drawn))
            assert len(root.findall("{*}rect")) == 1 + sum(len(boxes) for _, boxes in drawn.rows)
            assert len(root.findall("{*}path")) == len(drawn.edges)
            assert to_dot(drawn).count("->") == len(drawn.edges)


def script(text: str, tmp_path: Path) -> Recording:
    path = tmp_path / "program.enig"
    path.write_text(text, "utf-8")
    plan = compiled(str(path))
    return record(plan, "script", LETS)


#: Secrets that a program writes down are one input where they are equal, so these differ.
@pytest.mark.parametrize("text", (
    "private a: int8 = 1\nprivate b: int8 = 2\nprint(reveal(a * b), reveal(a - b), reveal(-a), reveal(a < b))",
    "private a: int8 = 1\nprivate b: uint8 = 2\nprint(reveal(a // 7), reveal(a % 7), reveal(b // 16), reveal(b % 16))",
    "private a: uint8 = 1\nprivate b: uint8 = 2\nprint(reveal(a // b), reveal(a % b))",
    "private a: uint8 = 1\nprint(reveal(a & 12), reveal(a ^ 5), reveal(a >> 2), reveal(wrap(a * 3, uint8)))",
    "private xs: uint8[5] = [1, 2, 3, 4, 5]\nprint(reveal(sorted(xs)), reveal(max(xs)), reveal(sum(xs)))",
    "private xs: int8[3] = [1, 2, 3]\nprivate i: uint8 = 9\nprint(reveal(xs[i]), reveal(sorted(xs, reverse=True)))",
    "private a: fixed = 1.5\nprivate b: fixed = 2.5\nprint(reveal(a * b), reveal(a + b), reveal(a / b))",
    "private a: bool = True\nprivate b: bool = False\nprint(reveal(a and b), reveal(a or not b), reveal(a != b))",
    "private a: uint64 = 1\nprivate b: uint32 = 2\nprint(reveal(a * b if a > b else b))",
))
def test_gates_of_small_programs(text: str, tmp_path: Path) -> None:
    recording = script(text, tmp_path)
    (flow,) = recording.flows
    check_agreement(recording.inputs, flow, 30)


def test_what_comes_out_has_bits_for_all_that_it_may_be(tmp_path: Path) -> None:
    """-128 // -1 is 128, which no int8 is: the program stops where it is used, the circuit has nothing to stop."""
    recording = script("private a: int8 = 1\nprivate b: int8 = 2\nprint(reveal(a // b))", tmp_path)
    (flow,) = recording.flows
    made = to_boolean(flow.circuit, [item.port for item in recording.inputs], flow.outputs)
    row = np.concatenate([to_bits(-128, 8), to_bits(-1, 8)])
    (parts,) = made.splits(made.evaluate(row[None]))
    assert [from_bits(part) for part in parts] == [128]


def test_document_fits_its_schema(tmp_path: Path) -> None:
    """By the words of the schema that we use; no package that checks schemas is needed."""
    schema = json.loads(SCHEMA.read_text("utf-8"))
    done = enig("compile", "examples/salaries.enig", "--function", "average", "--let", "people=4", "--to", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    check_schema(document, schema, schema)
    assert [i["name"] for i in document["inputs"]] == ["salary"] * 4
    assert document["circuits"][0]["opens"]
    del document["circuits"][0]["layers"]
    with pytest.raises(AssertionError):
        check_schema(document, schema, schema)


def check_schema(value: Any, schema: dict[str, Any], whole: dict[str, Any]) -> None:
    if "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].rpartition("/")[2]]
    if "const" in schema or "enum" in schema:
        assert value in schema.get("enum", [schema.get("const")])
    kinds = {"object": dict, "array": list, "string": str, "integer": int}
    if "type" in schema:
        assert isinstance(value, kinds[schema["type"]])
    if isinstance(value, dict):
        assert set(schema.get("required", ())) <= set(value)
        known = schema.get("properties", {})
        assert schema.get("additionalProperties", True) or set(value) <= set(known)
        for name, item in value.items():
            check_schema(item, known.get(name, {}), whole)
    if isinstance(value, list):
        for item in value:
            check_schema(item, schema.get("items", {}), whole)


def test_json_that_is_no_document() -> None:
    for text in ("", "[]", '{"format": "other", "circuits": []}', '{"format": "enigmalang circuits 1"}',
                 '{"format": "enigmalang circuits 1", "circuits": [{"nodes": [{"op": "add", "args": [0, 0]}]}]}'):
        with pytest.raises(JsonError):
            parse_document(text)
    assert circuit_to_json  # what `print_document` writes of each circuit


def test_generated_aes_gives_the_answer_of_fips_197(tmp_path: Path) -> None:
    out = str(tmp_path / "aes.txt")
    done = enig("compile", "benchmarks/programs/aes.enig", "--function", "encrypted", "--to", "bristol", "-o", out)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "aes.txt").read_text("utf-8").split("\n")[1] == "128 128 128"
    key, block, answer = (int.from_bytes(v.to_bytes(16, "big"), "little") for v in files.AES)
    assert enig("circuit", "eval", out, hex(block), hex(key)).stdout == f"{answer:#034x}\n"


def test_generated_sha256_gives_the_answers_of_fips_180(tmp_path: Path) -> None:
    out = tmp_path / "sha.txt"
    done = enig("compile", "benchmarks/programs/sha256.enig", "--function", "digest", "--to", "bristol-fashion",
                "-o", str(out))
    assert done.returncode == 0, done.stderr
    circuit = parse_bristol(out.read_text("utf-8"))
    for message in (b"", b"abc", secrets.token_bytes(55)):
        words = [files.padded(message) >> 32 * (15 - k) & 0xFFFFFFFF for k in range(16)]
        row = np.concatenate([to_bits(word, 32) for word in words])
        ((digest,),) = circuit.splits(circuit.evaluate(row[None]))
        found = [from_bits(part) for part in np.split(digest, 8)]
        assert sum(word << 32 * (7 - k) for k, word in enumerate(found)) == files.sha256(message)


def test_public_values_and_lengths(tmp_path: Path) -> None:
    path = tmp_path / "f.enig"
    path.write_text("def f(xs: list[uint8, 100], k: uint8) -> bool:\n    return sum(xs) > k\n", "utf-8")
    out = str(tmp_path / "f.txt")
    assert enig("compile", str(path), "--function", "f", "--let", "xs=3", "--let", "k=6", "--to", "bristol-fashion",
                "-o", out).returncode == 0
    assert enig("circuit", "eval", out, "0x030202").stdout == "0x1\n"
    assert enig("circuit", "eval", out, "0x020202").stdout == "0x0\n"
    done = enig("compile", str(path), "--function", "f", "--let", "xs=101", "--to", "json")
    assert done.returncode == 1 and "E0904" in done.stderr and "at most 100" in done.stderr
    done = enig("compile", str(path), "--function", "f", "--let", "ys=3", "--to", "json")
    assert done.returncode == 1 and "E0904" in done.stderr and "ys" in done.stderr


def test_inputs_of_a_function_are_its_parameters(tmp_path: Path) -> None:
    """All of them, and nothing that it writes down itself."""
    path = tmp_path / "f.enig"
    path.write_text("""struct Pair:
    x: uint8
    y: uint8
def offset(private a: uint8, private unused: uint8) -> private uint16:
    private start: uint16 = 100
    xs: list[uint16, 2] = [5, 6]
    xs[a] = 0
    return wrap(start + xs[0] + a)
def constant(private pair: Pair, private b: uint8) -> private uint8:
    return 7
""", "utf-8")
    for name, given, cases in (
        ("offset", ["a", "unused"], {("0", "1"): 100, ("3", "200"): 108, ("255", "0"): 360}),
        ("constant", ["pair", "pair", "b"], {("1", "2", "3"): 7}),
    ):
        made = enig("compile", str(path), "--function", name, "--to", "json")
        assert [item["name"] for item in json.loads(made.stdout)["inputs"]] == given
        out = str(tmp_path / f"{name}.txt")
        assert enig("compile", str(path), "--function", name, "--to", "bristol-fashion", "-o", out).returncode == 0
        for values, wanted in cases.items():
            assert int(enig("circuit", "eval", out, *values).stdout, 16) == wanted


def test_what_is_wrong_is_shown_where_the_function_begins(tmp_path: Path) -> None:
    """Not in lines below it, which say something else."""
    path = tmp_path / "f.enig"
    path.write_text("def f(private a: uint8, k: uint8) -> private uint8:\n    b = a + k\n    return b\n", "utf-8")
    done = enig("compile", str(path), "--function", "f", "--let", "k=3", "--to", "json")
    assert done.returncode == 1 and "E0401" in done.stderr
    assert f"{path}:1:" in done.stderr
    assert "def f(private a" in done.stderr.split("called from here")[0].splitlines()[-2]


def test_what_cannot_be_gates_is_said(tmp_path: Path) -> None:
    done = enig("compile", "examples/auction.enig", "--function", "close", "--let", "bidders=3", "--to", "bristol")
    assert done.returncode == 1 and "E0903" in done.stderr and "auction.enig:26" in done.stderr
    path = tmp_path / "p.enig"
    path.write_text("from sort import shuffle\nprivate xs: uint8[3] = [3, 1, 2]\nprint(reveal(shuffle(xs)))\n", "utf-8")
    done = enig("compile", str(path), "--to", "bristol-fashion")
    assert done.returncode == 1 and "E0902" in done.stderr and f"{path}:3" in done.stderr
    path.write_text("private a: uint8 = 1\nprivate b: uint8 = 2\nprivate c: uint8 = 3\nprint(reveal(a + b + c))\n")
    assert enig("compile", str(path), "--to", "bristol-fashion").returncode == 0
    done = enig("compile", str(path), "--to", "bristol")
    assert done.returncode == 1 and "E0902" in done.stderr and "two inputs, and this circuit 3" in done.stderr


@pytest.mark.parametrize("text", ("# nothing but a comment\n", "contract C:\n    count: uint8\n"))
def test_a_file_without_anything_to_compute_has_no_circuit(tmp_path: Path, text: str) -> None:
    """As a script without secrets: nothing is wrong with how the command was called."""
    path = tmp_path / "p.enig"
    path.write_text(text, "utf-8")
    for target in ("json", "bristol"):
        done = enig("compile", str(path), "--to", target)
        assert done.returncode == 1 and "E0903" in done.stderr and "Usage" not in done.stderr, done.stderr


def test_a_file_of_functions_needs_the_name_of_one(tmp_path: Path) -> None:
    path = tmp_path / "p.enig"
    path.write_text("def twice(x: uint8) -> uint8:\n    return x * 2\n", "utf-8")
    done = enig("compile", str(path), "--to", "json")
    assert done.returncode == 2 and "--function (twice)" in done.stderr, done.stderr


def test_options_that_do_not_fit() -> None:
    for options, text in (
        (("--to", "json"), "say which function"),
        (("--to", "json", "--function", "none"), "no function none"),
        (("--to", "json", "--contract", "Salaries"), "--contract is for"),
        (("--to", "vyper", "--function", "average"), "--function and --let are for"),
        (("--to", "svg", "--function", "average", "--let", "people"), "--let takes NAME=VALUE"),
    ):
        done = enig("compile", "examples/salaries.enig", *options)
        assert done.returncode == 2 and text in done.stderr, done.stderr


def test_ir_and_drawings_by_the_command(tmp_path: Path) -> None:
    done = enig("compile", "examples/salaries.enig", "--function", "join", "--to", "ir")
    assert 'external "Salaries.join!secret"' in done.stdout and '"Salaries.average" in' not in done.stdout
    svg = tmp_path / "rank.svg"
    assert enig("compile", "examples/salaries.enig", "--function", "my_rank", "--let", "people=5", "--to", "svg",
                "-o", str(svg)).returncode == 0
    assert "layer 0: additions" in svg.read_text("utf-8")
    program = tmp_path / "product.enig"
    program.write_text("private a: uint8 = 1\nprivate b: uint8 = 2\nprint(reveal(a * b + a < 9))\n", "utf-8")
    done = enig("compile", str(program), "--to", "dot")
    assert "layer 0: multiplications" in done.stdout and "layer 1: additions" in done.stdout, done.stderr
