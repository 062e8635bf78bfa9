"""Reorganisations: what was confirmed stays, what was not is waited for again, what was handed out is taken back."""

import threading

import pytest
from adapters_support import compiled, data, needs_anvil

from enigmalang.chain import follow
from enigmalang.chain.anvil import Anvil
from enigmalang.chain.client import Chain
from enigmalang.chain.development import advance, restore, snapshot
from enigmalang.chain.embedded import faucet_key
from enigmalang.chain.errors import ChainError, TransactionLost
from enigmalang.chain.follow import Follower
from enigmalang.ethereum.transactions import Transaction, sign_transaction

SOMEONE = "0x" + "11" * 20
SET = "set(uint256)"


def told(notices):
    """Values logged; negative ones were taken back."""
    return [int.from_bytes(n.log.data, "big") * (-1 if n.removed else 1) for n in notices]


def put(chain, contract, *values):
    for value in values:
        chain.send(faucet_key(), contract, data(SET, value))


def test_logs_come_once_and_at_their_depth(chain, contract):
    follower = Follower(chain, contract, depth=2)
    put(chain, contract, 1)
    assert told(follower.poll()) == []
    put(chain, contract, 2, 3)
    assert told(follower.poll()) == [1]
    advance(chain, blocks=2)
    assert told(follower.poll()) == [2, 3]
    assert told(follower.poll()) == []
    assert follower.next_block == chain.block_number() - 1


def test_a_shallow_reorganisation_is_never_seen(chain, contract):
    follower = Follower(chain, contract, depth=2)
    put(chain, contract, 1)
    mark = snapshot(chain)
    put(chain, contract, 2, 3)
    assert told(follower.poll()) == [1]
    restore(chain, mark)
    put(chain, contract, 4, 5, 6)
    assert told(follower.poll()) == [4]
    advance(chain, blocks=2)
    assert told(follower.poll()) == [5, 6]


def test_a_deeper_one_takes_back_what_is_gone_and_no_more(chain, contract):
    follower = Follower(chain, contract, depth=0)
    put(chain, contract, 1)
    mark = snapshot(chain)
    put(chain, contract, 2, 3)
    assert told(follower.poll()) == [1, 2, 3]
    restore(chain, mark)
    assert told(follower.poll()) == [-3, -2]
    put(chain, contract, 4)
    assert told(follower.poll()) == [4]


def test_what_is_taken_back_comes_before_what_replaces_it(chain, contract):
    follower = Follower(chain, contract, depth=0)
    mark = snapshot(chain)
    put(chain, contract, 1)
    assert told(follower.poll()) == [1]
    put(chain, contract, 2)
    assert told(follower.poll()) == [2]
    restore(chain, mark)
    put(chain, contract, 3, 4, 5)
    assert told(follower.poll()) == [-2, -1, 3, 4, 5]


def test_many_blocks_are_asked_for_in_strides(chain, contract, monkeypatch):
    monkeypatch.setattr(follow, "STRIDE", 2)
    put(chain, contract, 1, 2, 3, 4, 5)
    assert told(Follower(chain, contract, start=3).poll()) == [2, 3, 4, 5]


def test_deeper_than_is_remembered(chain, contract, monkeypatch):
    monkeypatch.setattr(follow, "MEMORY", 2)
    follower = Follower(chain, contract, depth=0)
    mark = snapshot(chain)
    for value in (1, 2, 3):
        put(chain, contract, value)
        follower.poll()
    restore(chain, mark)
    put(chain, contract, 4)
    with pytest.raises(ChainError, match="more than the 2 steps"):
        follower.poll()


def test_a_stream_ends_when_told(chain, contract):
    put(chain, contract, 1, 2)
    stop = threading.Event()
    seen = []
    for notice in Follower(chain, contract).stream(stop, pause=0.01):
        seen.append(notice)
        if len(seen) == 2:
            stop.set()
    assert told(seen) == [1, 2]


def test_a_transaction_taken_out_is_handed_over_again(chain, contract):
    mark = snapshot(chain)
    sent = chain.submit(faucet_key(), contract, data(SET, 7))
    first = chain.wait(sent)
    restore(chain, mark)
    advance(chain, blocks=1)
    again = chain.wait(sent)
    assert again.hash == first.hash
    assert again.block_hash != first.block_hash
    assert len(chain.logs(contract)) == 1


def test_a_transaction_whose_place_is_taken_is_lost(chain, contract):
    mark = snapshot(chain)
    sent = chain.submit(faucet_key(), contract, data(SET, 7))
    chain.wait(sent)
    restore(chain, mark)
    chain.send(faucet_key(), SOMEONE, value=1)
    with pytest.raises(TransactionLost, match="not taken back"):
        chain.wait(sent)


def test_confirmations_are_waited_for(evm):
    chain = Chain(evm, confirmations=2, patience=30)
    sent = chain.submit(faucet_key(), SOMEONE, value=1)
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(chain.wait(sent)))
    waiting.start()
    advance(chain, blocks=1)
    assert chain.wait(sent, confirmations=1).block == 1
    assert not answers
    advance(chain, blocks=1)
    waiting.join(30)
    assert answers[0].block == 1


def test_patience_ends(evm):
    chain = Chain(evm, confirmations=5, patience=0.05)
    with pytest.raises(TransactionLost, match="5 blocks deep"):
        chain.send(faucet_key(), SOMEONE, value=1)


@needs_anvil
def test_a_nodes_own_reorganisation():
    """anvil_reorg: the last two blocks are mined anew with other transactions."""
    with Anvil() as anvil, anvil.connect() as evm:
        chain = Chain(evm)
        contract = chain.deploy(faucet_key(), compiled()).contract
        seen, safe = Follower(chain, contract, depth=0), Follower(chain, contract, depth=3)
        put(chain, contract, 1, 2, 3)
        assert told(seen.poll()) == [1, 2, 3]
        other = sign_transaction(Transaction(chain.id, 2, 0, 0, 100_000, contract, 0, data(SET, 9)), faucet_key())
        evm.request("anvil_reorg", (2, [["0x" + other.raw.hex(), 0]]))
        assert told(seen.poll()) == [-3, -2, 9]
        assert told(safe.poll()) == []
        advance(chain, blocks=3)
        assert told(safe.poll()) == [1, 9]
