"""Anyone may write anything to `L`, and send any bytes as a text: reading it is an error that says so, or a value."""

from pathlib import Path

import pytest
from eth_abi import encode

from enigmalang.chain.decoding import decode
from enigmalang.chain.logbook import Logbook
from enigmalang.compiler import compile_file
from enigmalang.diagnostics import Sink
from enigmalang.node.devchain import DevChain, LeafValues
from enigmalang.plan.calls import LedgerError

ONE = (1).to_bytes(32, "big")
KINDS = [
    "", "list[", "any", "identity", "None", "map[address, uint8]", "fixed[-1, 3]", "fixed[0, 0]", "uint7", "uint0",
    "uint9999", "int999999999999", "uint8[-1]", "int8[0]", "uint8[2,0]", "uint8[20000000]", "list[uint8[0], 9]",
    "list[(), 9]", "list[map[uint8, uint8], 3]", "bytes99", "tensor[3]", "\x00", "[" * 60, "(" * 60, "list[" * 12,
    "private uint8", "Note",
]


@pytest.fixture(scope="module")
def logbook(tmp_path_factory: pytest.TempPathFactory) -> Logbook:
    path = Path(tmp_path_factory.mktemp("log"), "log.enig")
    path.write_text('L["k"] = 1\n')
    plan = compile_file(str(path), Sink())
    assert plan is not None
    network = DevChain.embedded()
    return Logbook(network.chain, network.hub, plan, LeafValues())


@pytest.mark.parametrize("kind", KINDS, ids=repr)
@pytest.mark.parametrize("content", [b"", ONE, ONE * 3, (32).to_bytes(32, "big") + b"\xff" * 32])
def test_kinds_of_strangers(logbook: Logbook, kind: str, content: bytes) -> None:
    with pytest.raises(LedgerError, match="a value"):
        logbook._value(kind, content)


def test_kinds_of_ours_are_read(logbook: Logbook) -> None:
    assert logbook._value("uint8", ONE).leaves == (1,)
    assert logbook._value("list[uint8, 9]", encode(["uint8[]"], [[1, 2]])).leaves[0].tolist() == [1, 2]


def test_texts_that_are_no_utf8_are_read() -> None:
    data = encode(["bytes", "uint256", "bytes[]"], [b"\xff\xfe", 3, [b"a\xc3"]])
    assert decode(["string", "uint256", "string[]"], data) == ("\ufffd\ufffd", 3, ("a\ufffd",))
