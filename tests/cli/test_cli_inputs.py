"""`--input`: literals, JSON and CSV against a declared type; what is wrong names its place."""

from pathlib import Path
from typing import Any

import pytest

from enigmalang.cli.inputs import BadInput, Given, Inputs, parse_inputs
from enigmalang.diagnostics import Diagnostic, EnigmaError
from enigmalang.source import Span
from enigmalang.types.types import (
    ADDRESS,
    BOOL,
    FIXED,
    ArrayT,
    BytesNT,
    BytesT,
    EnumT,
    Field,
    IntT,
    ListT,
    StringT,
    StructT,
    TupleT,
    Type,
)

HERE = Span("program.enig", 3, 9, 3, 20)
U8, I16, U256 = IntT(False, 8), IntT(True, 16), IntT(False, 256)
PERSON = StructT("Person", (Field("age", U8), Field("pay", FIXED, True)))


def value(text: str, type: Type) -> Any:
    return Given("n", text).value(type, HERE)


def fault(text: str, type: Type) -> Diagnostic:
    with pytest.raises(EnigmaError) as caught:
        value(text, type)
    return caught.value.diagnostic


@pytest.mark.parametrize(
    ("text", "type", "expected"),
    [
        ("255", U8, 255),
        ("1_000", I16, 1000),
        ("-5", I16, -5),
        ("0x10", U8, 16),
        ("3.0", U8, 3),
        (str(2**256 - 1), U256, 2**256 - 1),
        ("True", BOOL, True),
        ("false", BOOL, False),
        ("1.25", FIXED, 81920),
        ("-0.00001", FIXED, -1),
        ("7", FIXED, 7 << 16),
        ("Ada Lovelace", StringT(20), "Ada Lovelace"),
        ("12", StringT(20), "12"),
        ('"quoted"', StringT(20), "quoted"),
        ("RED", EnumT("Color", ("GREEN", "RED")), 1),
        ("0x" + "Ab" * 20, ADDRESS, "0x" + "ab" * 20),
        ("0x01020304", BytesNT(4), b"\x01\x02\x03\x04"),
        ("0x", BytesT(4), b""),
        ("[1, 2]", ListT(U8, 3), [1, 2]),
        ("[]", ListT(U8, 3), []),
        ("[[1, 2], [3, 4]]", ArrayT(U8, (2, 2)), [[1, 2], [3, 4]]),
        ("[1, true]", TupleT((U8, BOOL)), (1, True)),
        ('{"pay": 1.5, "age": 30}', PERSON, (30, 98304)),
        ('[{"age": 1, "pay": 0}]', ListT(PERSON, 3), [(1, 0)]),
    ],
)
def test_literal(text: str, type: Type, expected: object) -> None:
    got = value(text, type)
    assert got == expected
    assert isinstance(got, bool) == isinstance(expected, bool)


@pytest.mark.parametrize(
    ("text", "type", "code", "words"),
    [
        ("256", U8, "E0606", "outside of uint8 (0 to 255)"),
        ("-1", U8, "E0606", "outside of uint8"),
        ("40000", FIXED, "E0606", "outside of fixed (-32768.0 to "),
        ("1e999", FIXED, "E0606", "outside of fixed"),
        ("1.5", U8, "E0608", "an integer (uint8)"),
        ("true", U8, "E0608", "an integer"),
        ("2", BOOL, "E0608", "True or False"),
        ("x", FIXED, "E0608", "a decimal number"),
        ("nan", FIXED, "E0608", "a decimal number"),
        ("5", ListT(U8, 3), "E0608", "a list"),
        ("[1, 2, 3, 4]", ListT(U8, 3), "E0608", "has 4 elements"),
        ("[1, 256]", ListT(U8, 3), "E0606", "input 'n'[1] is outside of uint8"),
        ("[1]", ArrayT(U8, (2,)), "E0608", "has 1 elements, and should have 2"),
        ("[[1, 2], [3]]", ArrayT(U8, (2, 2)), "E0608", "[1] has 1 elements"),
        ("[1]", TupleT((U8, BOOL)), "E0608", "has 1 parts"),
        ('{"age": 1}', PERSON, "E0608", "'pay' is missing"),
        ('{"age": 1, "pay": 1, "x": 1}', PERSON, "E0608", "'x' is no field"),
        ("[1, 2", ListT(U8, 3), "E0604", "is not JSON"),
        ("[NaN]", ListT(FIXED, 3), "E0604", "NaN"),
        ("[" * 100_000, ListT(U8, 3), "E0604", "nested too deeply"),
        ("12345", StringT(3), "E0608", "longer than 3 bytes"),
        ("BLUE", EnumT("Color", ("GREEN", "RED")), "E0608", "GREEN, RED"),
        ("0x12", ADDRESS, "E0608", "40 hexadecimal digits"),
        ("0x0102", BytesT(1), "E0608", "bytes[1]"),
        ("9" * 5000, U256, "E0604", "an integer of 5000 digits is longer than any type holds"),
        ("[1,\n2,,3]", ListT(U8, 3), "E0604", "the value, line 2, column 3, is not JSON"),
    ],
)
def test_wrong_literal(text: str, type: Type, code: str, words: str) -> None:
    found = fault(text, type)
    assert found.code == code
    assert words in found.message
    assert found.span == HERE


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text, "utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("text", "column", "type", "expected"),
    [
        ("1\n2\n", "", ListT(U8, 9), [1, 2]),
        ("pay\n1\n2\n", "", ListT(U8, 9), [1, 2]),
        ("\ufeffpay\r\n1\r\n\r\n2\r\n", "", ListT(U8, 9), [1, 2]),
        ("a,b\n1,2\n3,4\n", ":b", ListT(U8, 9), [2, 4]),
        ("pay,age\n1.5,30\n2,40\n", "", ListT(PERSON, 9), [(30, 98304), (40, 131072)]),
        ("1,True\n2,False\n", "", ListT(TupleT((U8, BOOL)), 9), [(1, True), (2, False)]),
        ("1,2,3\n4,5,6\n", "", ArrayT(U8, (2, 3)), [[1, 2, 3], [4, 5, 6]]),
        ("x,y\n1,2\n", "", ListT(ArrayT(U8, (2,)), 9), [[1, 2]]),
        ("1\n2\n3\n", "", ArrayT(U8, (3,)), [1, 2, 3]),
        ("7\n", "", U8, 7),
        ('"a,b"\nc\n', "", ListT(StringT(9), 9), ["a,b", "c"]),
        ("n\nx\n", "", ListT(StringT(9), 9), ["x"]),
        ("pay\n", "", ListT(U8, 9), []),
    ],
)
def test_table(tmp_path: Path, text: str, column: str, type: Type, expected: object) -> None:
    assert value(write(tmp_path, "t.csv", text) + column, type) == expected


@pytest.mark.parametrize(
    ("text", "column", "type", "code", "words"),
    [
        ("pay\n1\nx2\n", "", ListT(U8, 9), "E0605", "line 3: row 3, column 1 should be an integer (uint8)"),
        ("a,b\n1,2\n3,?\n", ":b", ListT(U8, 9), "E0605", "line 3: row 3, column b"),
        ("12x\n1\n", "", ListT(U8, 9), "E0605", "line 1: row 1, column 1"),
        ("a,b\n1,2\n\n3\n", ":b", ListT(U8, 9), "E0605", "line 4: row 3, column b is missing"),
        ("age,pay\n1,2\n1,two\n", "", ListT(PERSON, 9), "E0605", "line 3: row 3, column 2"),
        ("1\n300\n", "", ListT(U8, 9), "E0606", "line 2: row 2, column 1 is outside of uint8 (0 to 255)"),
    ],
)
def test_wrong_cell(tmp_path: Path, text: str, column: str, type: Type, code: str, words: str) -> None:
    path = write(tmp_path, "t.csv", text)
    found = fault(path + column, type)
    assert (found.code, found.span) == (code, HERE)  # no line of the file is quoted
    assert found.message.startswith(f"{path}, ")
    assert words in found.message


@pytest.mark.parametrize(
    ("name", "text", "type"),
    [
        ("", "77777", U8), ("", "77777.5", U8), ("", "[77777]", ListT(U8, 3)), ("", "77777x", U8), ("", "77777", BOOL),
        ("", "77777", FIXED), ("", "77777", ListT(U8, 3)), ("", "77777", EnumT("Color", ("GREEN", "RED"))),
        ("", '{"age": 77777, "pay": 1}', PERSON), ("", "77777", ADDRESS), ("", "0x77777", BytesT(1)),
        ("", "[77777", ListT(U8, 3)), ("", "[77777, NaN]", ListT(FIXED, 3)), ("", "77777", StringT(3)),
        (".json", "[1, 77777]", ListT(U8, 3)), (".json", "[1, 77777", ListT(U8, 3)),
        (".csv", "1\n77777\n", ListT(U8, 3)), (".csv", "1\n77777x\n", ListT(U8, 3)), (".csv", "1\n77777", U8),
        (".csv", "77777,3\n1,2\n", ListT(PERSON, 3)), (".csv", "77777,3\n1,2\n", ListT(U8, 3)),
        (".csv", '1\n"77777', ListT(U8, 3)), (".csv:pay", "77777\n", ListT(U8, 3)),
        (".csv:a", "a,a,77777\n1,2,3\n", ListT(U8, 3)),
    ],
)
def test_what_was_given_is_not_repeated(tmp_path: Path, name: str, text: str, type: Type) -> None:
    """It may be a secret."""
    ending, _, column = name.partition(":")
    given = write(tmp_path, f"v{ending}", text) + (f":{column}" if column else "") if name else text
    found = fault(given, type)
    assert found.span == HERE
    assert not found.notes
    assert "7777" not in found.message.replace(str(tmp_path), "") + str(found.help).replace(str(tmp_path), "")
    assert "7777" not in repr(Given("n", text))


@pytest.mark.parametrize(
    ("text", "column", "type", "code", "words"),
    [
        ("1\n2\n3\n", "", ListT(U8, 2), "E0608", "3 rows"),
        ("1\n2\n", "", ArrayT(U8, (3,)), "E0608", "2 rows"),
        ("1\n2\n", "", U8, "E0608", "2 rows"),
        ("", "", U8, "E0604", "is empty"),
        ("\n\n", "", ListT(U8, 9), "E0604", "is empty"),
        ("1,2\n", "", ListT(U8, 2), "E0608", "2 columns"),
        ("a,b\n1,2\n", ":c", ListT(U8, 2), "E0608", "no column 'c'"),
        ("1,2\n3\n", "", ArrayT(U8, (2, 2)), "E0608", "1 columns in row 2"),
        ("age\n1\n", "", ListT(PERSON, 2), "E0608", "no column 'pay'"),
        ('"a\n', "", ListT(U8, 2), "E0604", "malformed CSV"),
        ("a,b,a\n1,2,3\n", ":a", ListT(U8, 2), "E0604", "more than one column 'a'"),
        ("a,b\n1,2\n1,2,3\n", ":a", ListT(U8, 2), "E0608", "3 columns in row 3, and 2 names"),
    ],
)
def test_wrong_table(tmp_path: Path, text: str, column: str, type: Type, code: str, words: str) -> None:
    found = fault(write(tmp_path, "t.csv", text) + column, type)
    assert found.code == code
    assert words in found.message


def test_json_file(tmp_path: Path) -> None:
    assert value(write(tmp_path, "v.json", "[1, 2]"), ListT(U8, 3)) == [1, 2]
    broken = fault(write(tmp_path, "w.json", "[1,\n oops]"), ListT(U8, 3))
    assert broken.code == "E0604"
    assert "line 2, column 2" in broken.message
    assert fault(str(tmp_path / "v.json:a"), U8).code == "E0604"


def test_unreadable_files(tmp_path: Path) -> None:
    assert fault(str(tmp_path / "none.csv"), U8).code == "E0601"
    (tmp_path / "folder.csv").mkdir()
    assert fault(str(tmp_path / "folder.csv"), U8).code == "E0601"
    (tmp_path / "latin.csv").write_bytes(b"1\n2\n\xe9\n")
    found = fault(str(tmp_path / "latin.csv"), U8)
    assert found.code == "E0602"
    assert "line 3" in found.message


def test_names() -> None:
    given = parse_inputs(["a=1", " b =x=y"], ["7"])
    assert {name: g.text for name, g in given.items()} == {"1": "7", "a": "1", "b": "x=y"}
    for wrong in (["77777"], ["=77777"], ["a=1", "a=77777"]):
        with pytest.raises(BadInput) as caught:
            parse_inputs(wrong, [])
        assert "77777" not in str(caught.value)


def test_missing_and_unknown() -> None:
    inputs = Inputs(parse_inputs(["pay=1"], []))
    assert inputs.read("pay", U8, HERE) == 1
    with pytest.raises(EnigmaError) as missing:
        inputs.read("age", U8, HERE)
    assert missing.value.diagnostic.code == "E0603"
    assert "--input age=" in str(missing.value.diagnostic.help)
    inputs.refuse_unknown(["pay", "age"], HERE)
    with pytest.raises(EnigmaError) as unknown:
        inputs.refuse_unknown(["age"], HERE)
    assert unknown.value.diagnostic.code == "E0607"
