"""The shared layer over the embedded chain."""

import pytest

from enigmalang.chain.client import Chain
from enigmalang.chain.embedded import EmbeddedEvm, faucet_key
from enigmalang.chain.errors import Reverted, TransactionRefused
from enigmalang.ethereum.keys import SigningKey

SOMEONE = "0x" + "11" * 20


@pytest.fixture
def chain():
    return Chain(EmbeddedEvm())


def test_money_moves(chain):
    receipt = chain.send(faucet_key(), SOMEONE, value=5)
    assert (receipt.ok, receipt.gas_used, receipt.block) == (True, 21_000, 1)
    assert chain.balance(SOMEONE) == 5
    assert chain.balance(SOMEONE, 0) == 0


def test_a_stranger_has_no_money(chain):
    with pytest.raises(TransactionRefused, match=r"(?i)insufficient|balance|funds"):
        chain.send(SigningKey.generate(), SOMEONE, value=1)
    assert chain.block_number() == 0


def test_a_revert_is_not_mined(chain):
    # Creation code that reverts with the byte 0x2a.
    code = bytes.fromhex("602a60005360016000fd")
    with pytest.raises(Reverted) as caught:
        chain.deploy(faucet_key(), code)
    assert caught.value.data == b"\x2a"
    assert chain.block_number() == 0
