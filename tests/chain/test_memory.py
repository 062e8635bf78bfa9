"""The in-memory ledger: what is rolled back is as if it never was."""

import pytest

from enigmalang.chain.memory import FUNDS, GENESIS_TIME, MemoryLedger
from enigmalang.execute.values import AnyValue
from enigmalang.plan.calls import LedgerError
from enigmalang.types.types import IntT, StringT

ONE, TWO = (AnyValue(IntT(False, 8), (n,)) for n in (1, 2))


def test_rollback_undoes_everything():
    ledger = MemoryLedger()
    kept = ledger.deploy("Kept", "0x1")
    ledger.put(kept, "x", (), 1)
    ledger.write_log(("k",), ONE)
    mark = ledger.checkpoint()
    ledger.put(kept, "x", (), 2)
    ledger.put(kept, "y", ("a",), 3)
    ledger.write_log(("k",), TWO)
    ledger.emit(kept, "Done", (1,))
    assert ledger.transfer("0x1", kept, 5)
    gone = ledger.deploy("Gone", "0x1")
    ledger.rollback(mark)
    assert ledger.get(kept, "x", ()) == 1
    assert ledger.get(kept, "y", ("a",)) is None
    assert [entry.value for entry in ledger.read_log(("k",))] == [ONE]
    assert ledger.events == ()
    assert ledger.balance(kept) == 0
    assert ledger.balance("0x1") == FUNDS
    assert ledger.contract_at(gone) is None
    assert ledger.contract_at(kept) == "Kept"


def test_money():
    ledger = MemoryLedger()
    contract = ledger.deploy("C", "0x1")
    assert ledger.transfer("0x1", contract, 7)
    assert not ledger.transfer(contract, "0x1", 8)
    assert ledger.balance(contract) == 7
    assert ledger.balance("0x1") == FUNDS - 7


def test_time_and_blocks():
    ledger = MemoryLedger()
    ledger.seal()
    assert (ledger.number, ledger.time) == (2, GENESIS_TIME + 1)
    ledger.advance(10, "blocks")
    assert ledger.number == 12
    ledger.advance(172_800, "seconds")
    assert ledger.time == GENESIS_TIME + 1 + 120 + 172_800


def test_addresses_differ():
    ledger = MemoryLedger()
    assert ledger.deploy("C", "0x1") != ledger.deploy("C", "0x1")


def test_a_value_of_the_log_has_a_most():
    ledger = MemoryLedger()
    ledger.write_log(("k",), AnyValue(StringT(None), ("x" * (4096 - 64),)))
    with pytest.raises(LedgerError, match="4096 bytes at most, and this one 4128"):
        ledger.write_log(("k",), AnyValue(StringT(None), ("x" * (4097 - 64),)))
    assert len(ledger.read_log(("k",))) == 1
