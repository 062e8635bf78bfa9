"""`L` from scripts and contracts, on every ledger: types, times, histories, and what is no value of the program's."""

from pathlib import Path

import pytest
from run_support import read_program

from enigmalang.chain import development
from enigmalang.chain.digests import log_key
from enigmalang.chain.hub import Hub
from enigmalang.diagnostics import EnigmaError
from enigmalang.execute.runner import run_function
from enigmalang.identity.keys import Keystore
from enigmalang.node.local import local_world

PROGRAMS = Path(__file__).with_name("programs")
WRITER = Keystore().get("writer").signing


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def text(content: str) -> bytes:
    """As the ABI has it."""
    return word(32) + word(len(content)) + content.encode().ljust(32, b"\0")


WORD = word(7)


@pytest.mark.parametrize("name", ["log_types", "log_times"])
def test_log(adapter, name):
    program = read_program(PROGRAMS / f"{name}.enig")
    assert program.expected
    assert adapter.run(program.path).splitlines() == list(program.expected)


def failure(adapter, folder, text):
    with pytest.raises(EnigmaError) as failed:
        adapter.text(folder, text)
    found = failed.value.diagnostic
    return found.code, found.span.line, found.message


def test_what_is_missing_or_of_another_type_is_told_at_its_line(adapter, tmp_path):
    code, line, text = failure(adapter, tmp_path, 'L["x"] = 1\nprint(L["y"])\n')
    assert (code, line, text) == ("E0511", 2, "L['y'] does not exist")
    code, line, text = failure(adapter, tmp_path, 'L["x"] = 300\nx: uint8 = L["x"]\nprint(x)\n')
    assert (code, line, text) == ("E0201", 2, "a value of type int256 is no uint8")
    code, line, text = failure(adapter, tmp_path, 'L["x"] = 1\nx: string[5] = L["x"]\nprint(x)\n')
    assert (code, line, text) == ("E0201", 2, "a value of type int256 is no string[5]")
    code, line, text = failure(adapter, tmp_path, 'L["x"] = 1\nL["x"] = True\nx: list[int64, 5] = L.history("x")\n')
    assert (code, line, text) == ("E0201", 3, "a value of type bool is no int64")


def test_what_is_too_large_is_told_at_its_line(adapter, tmp_path):
    text = 'big: list[int64, 300] = [n for n in range(127)]\nL["x"] = big\n'
    assert failure(adapter, tmp_path, text) == (
        "E0501", 2, "reverted: a value of L has 4096 bytes at most, and this one 4128")
    assert adapter.text(tmp_path, text.replace("127", "126") + 'print("x" in L)\n') == ["True"]


def test_a_contract_that_may_write_too_much_is_told_at_its_line(evm, tmp_path):
    text = """
contract Big:
    def put(v: list[uint256, 200]):
        L["big"] = v
b = deploy Big()
"""
    code, line, message = failure(evm, tmp_path, text)
    assert (code, line) == ("E0802", 4)
    assert "up to 6,464 bytes" in message


def test_lists_of_identities_have_no_type_to_be_stored_under(embedded, tmp_path):
    path = tmp_path / "program.enig"
    path.write_text('identity alice, bob\nL["x"] = [alice, bob]\n')
    with pytest.raises(AssertionError, match="E0201"):
        embedded.run(path)


# ---- what others wrote


READS = """
enum Colour:
    Red
    Green

contract Reader:
    view def number(k: string[10]) -> uint64:
        return L[k]
    view def text(k: string[10]) -> string[5]:
        return L[k]
    view def truth(k: string[10]) -> bool:
        return L[k]
    view def colour(k: string[10]) -> Colour:
        return L[k]
    view def part(k: string[10]) -> fixed:
        return L[k]

r = deploy Reader()
"""
TYPES = {"number": "uint64", "text": "string[5]", "truth": "bool", "colour": "Colour", "part": "fixed"}


def reading(evm, folder, kind: str, content: bytes, how: str) -> str:
    """What comes of reading a value that somebody wrote without this language: printed, or what is wrong. Scripts and
    contracts say the same."""
    said = []
    for number, expression in enumerate((f'r.{how}("x")', "x")):
        path = folder / f"reads{number}.enig"
        path.write_text(READS + (f'x: {TYPES[how]} = L["x"]\n' if number else "") + f"print({expression})\n")
        plan, printed = evm.bench.plan(path), list[str]()
        network = evm.bench.session._chain()  # where the program is going to run
        ledger = network.fresh(plan)
        development.fund(network.chain, WRITER.address, 10**18)
        Hub(network.chain, network.hub).write(WRITER, log_key(["x"]), kind, content)
        try:
            run_function(local_world(plan, chain=lambda ledger=ledger: ledger, out=printed.append), plan.script)
        except EnigmaError as failed:
            assert failed.diagnostic.code == "E0201", failed.diagnostic
            printed.append(failed.diagnostic.message)
        said.append("".join(printed).strip())
    assert said[0] == said[1]
    return said[0]


@pytest.mark.parametrize(("kind", "content", "how", "said"), [
    ("uint8", WORD, "number", "7"),
    ("uint8", word(300), "number", "300"),  # it is a uint64, whatever else it claims to be
    ("int16", word(2**256 - 1), "number", "a value of type int16 is no uint64"),
    ("uint", WORD, "number", "a value of type uint, which this program does not know"),
    ("Widget", WORD, "number", "a value of type Widget, which this program does not know"),
    ("uint8[2]", WORD, "number", "a value that is no uint8[2]"),
    ("", b"", "number", "a value of type , which this program does not know"),
    ("uint64", b"", "number", "a value that is no uint64"),
    ("bool", WORD, "truth", "a value that is no bool"),
    ("bool", word(1), "truth", "True"),
    ("Colour", word(1), "colour", "Colour.Green"),
    ("Colour", word(2), "colour", "a value that is no Colour"),
    ("fixed", word(2**16), "part", "1.0"),
    ("fixed", word(2**40), "part", "a value that is no fixed"),
    ("string[3]", text("four"), "text", "four"),
    ("string", text("sixsix"), "text", "a value of type string is no string[5]"),
    ("string[3]", text("sixsix"), "text", "a value of type string is no string[5]"),
    ("string[3]", WORD, "text", "a value that is no string[3]"),
    ("string[3", text("one"), "text", "a value of type string[3, which this program does not know"),
], ids=lambda part: part.hex()[-8:] if isinstance(part, bytes) else part)
def test_what_others_write_is_a_value_or_told(embedded, tmp_path, kind, content, how, said):
    assert reading(embedded, tmp_path, kind, content, how) == said
