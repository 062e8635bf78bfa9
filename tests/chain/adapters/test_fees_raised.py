"""A transaction that no block takes is offered at a higher price, up to a limit; any of the offers may be taken."""

import pytest

from enigmalang.chain.client import Chain, Sent
from enigmalang.chain.errors import TransactionLost
from enigmalang.chain.fees import MOST, raised
from enigmalang.ethereum.hashing import keccak256
from enigmalang.ethereum.keys import SigningKey
from enigmalang.ethereum.transactions import Transaction, sign_transaction

KEY = SigningKey(keccak256(b"sender"))
SOMEONE = "0x" + "22" * 20
GWEI = 10**9


class Busy:
    """A node whose blocks take none of what it holds until `enough(offers)` gives one; it takes what is an eighth
    higher, and counts its blocks only when it mines one."""

    def __init__(self, enough) -> None:
        self.enough = enough
        self.offers: list[str] = []
        self.block = 7

    def request(self, method, params=()):
        answers = {
            "web3_clientVersion": "Geth/v1", "eth_chainId": "0x5", "eth_blockNumber": hex(self.block),
            "eth_getBlockByNumber": {"baseFeePerGas": hex(10 * GWEI)}, "eth_maxPriorityFeePerGas": hex(GWEI),
            "eth_getTransactionCount": "0x3", "eth_estimateGas": "0x5208",
        }
        if method == "eth_sendRawTransaction":
            raw = bytes.fromhex(params[0][2:])
            self.offers.append("0x" + keccak256(raw).hex())
            return self.offers[-1]
        if method == "eth_getTransactionByHash":
            return {"hash": params[0]} if params[0] in self.offers else None
        if method == "eth_getTransactionReceipt":
            return self._receipt(params[0])
        return answers[method]

    def _receipt(self, hash):
        if self.enough(self.offers) != hash:
            return None
        return {"transactionHash": hash, "blockNumber": hex(self.block), "blockHash": "0x77", "from": KEY.address,
                "to": SOMEONE, "gasUsed": "0x5208", "status": "0x1", "logs": []}

    def batch(self, calls):
        return [self.request(*call) for call in calls]

    def close(self):
        pass


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_whichever_offer_a_block_takes(taken):
    node = Busy(lambda offers: offers[taken] if len(offers) >= 4 else "")
    receipt = Chain(node, raise_after=0).send(KEY, SOMEONE, value=1)
    assert (receipt.hash, receipt.ok) == (node.offers[taken], True)
    assert len(set(node.offers)) == len(node.offers) == 4


def test_what_is_taken_in_time_is_offered_once():
    node = Busy(lambda offers: offers[0])
    assert Chain(node, raise_after=0).send(KEY, SOMEONE, value=1).hash == node.offers[0]
    assert len(node.offers) == 1


def test_there_is_a_most():
    node = Busy(lambda offers: "")
    chain = Chain(node, raise_after=0, patience=0.3)
    with pytest.raises(TransactionLost):
        chain.send(KEY, SOMEONE, value=1)
    assert 2 <= len(node.offers) <= 21


def test_who_signed_elsewhere_is_not_offered_again():
    node = Busy(lambda offers: "")
    signed = sign_transaction(Transaction(5, 3, 2 * GWEI, GWEI, 21_000, SOMEONE, 1, b""), KEY)
    with pytest.raises(TransactionLost):
        Chain(node, raise_after=0, patience=0.1).wait(Sent(signed, {}))
    assert node.offers == [signed.hash]


def test_the_price_of_an_offer():
    first = Transaction(5, 3, 100 * GWEI, 8 * GWEI, 21_000, SOMEONE, 1, b"")
    offer, count = first, 0
    while (after := raised(offer, first, 0, 0)) is not None:
        assert (after.nonce, after.value, after.gas) == (first.nonce, first.value, first.gas)
        assert 8 * after.max_fee >= 9 * offer.max_fee and 8 * after.tip >= 9 * offer.tip
        assert after.tip <= after.max_fee <= MOST * first.max_fee
        offer, count = after, count + 1
    assert count == 19 and offer.max_fee > MOST * first.max_fee * 8 // 9
    dear = raised(first, first, 50 * GWEI, 300 * GWEI)
    assert dear is not None and (dear.tip, dear.max_fee) == (50 * GWEI, 300 * GWEI)
    dearest = raised(first, first, 5000 * GWEI, 9000 * GWEI)
    assert dearest is not None and dearest.max_fee == dearest.tip == MOST * first.max_fee


def test_a_chain_where_gas_costs_nothing_is_offered_no_more():
    free = Transaction(5, 3, 0, 0, 21_000, SOMEONE, 1, b"")
    assert raised(free, free, 0, 0) is None
