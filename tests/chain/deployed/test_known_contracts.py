"""Contracts of a plan that are found by their code: as many as anybody makes, and the last ones are remembered."""

from types import SimpleNamespace

import pytest

from enigmalang.chain import deployed
from enigmalang.chain.deployed import Contracts
from enigmalang.chain.vyper.compiled import IMMUTABLES
from enigmalang.compiler.compiler import compile_file
from enigmalang.diagnostics import Sink

SOURCE = """
contract Counter:
    count: uint32

    def bump():
        count = count + 1
"""
HUB = "0x" + "11" * 20


@pytest.fixture
def contracts(tmp_path):
    path = tmp_path / "counter.enig"
    path.write_text(SOURCE)
    plan = compile_file(str(path), Sink())
    made = Contracts(SimpleNamespace(code=lambda address: code), HUB, plan, None)
    code = made.compiled("Counter").runtime + bytes(IMMUTABLES)
    return made


def test_the_last_ones_are_remembered_and_others_found_again(contracts, monkeypatch):
    monkeypatch.setattr(deployed, "KNOWN", 3)
    addresses = [f"0x{number:040x}" for number in range(5)]
    found = [contracts.find(address) for address in addresses]
    assert [contracts.at(address) for address in addresses] == [None, None, *found[2:]]
    again = contracts.find(addresses[0])
    assert again is not None and (again.address, again.name) == (addresses[0], "Counter")
    assert len(contracts._known) == 3


def test_they_share_what_is_the_same_of_all(contracts):
    one, other = (contracts.find(f"0x{number:040x}") for number in (1, 2))
    assert one.interface is other.interface and "bump" in one.interface.methods
