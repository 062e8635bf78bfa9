"""Logs of many blocks, from nodes that answer for few at a time, or give few at a time."""

import pytest
from adapters_support import compiled, data

from enigmalang.chain import client, development
from enigmalang.chain.client import Chain
from enigmalang.chain.embedded import EmbeddedEvm, faucet_key
from enigmalang.chain.errors import RpcError
from enigmalang.chain.evm import LocalEvm


class Public(LocalEvm):
    """A node that refuses what it is asked too much for."""

    def __init__(self, evm, blocks, logs):
        self.evm, self.blocks, self.logs, self.refused, self.answered = evm, blocks, logs, 0, []

    def request(self, method, params=()):
        found = self.evm.request(method, params)
        if method != "eth_getLogs":
            return found
        height = int(self.evm.request("eth_blockNumber"), 16)
        first, last = (height if params[0][name] == "latest" else int(params[0][name], 16)
                       for name in ("fromBlock", "toBlock"))
        if last - first >= self.blocks or len(found) > self.logs:
            self.refused += 1
            raise RpcError(-32005, "limit exceeded")
        self.answered.append((first, last))
        return found


@pytest.fixture(scope="module")
def filled():
    evm = EmbeddedEvm()
    chain = Chain(evm)
    contract = chain.deploy(faucet_key(), compiled()).contract
    for number in range(12):
        chain.send(faucet_key(), contract, data("set(uint256)", number))
        development.advance(chain, blocks=2)
    return evm, contract


@pytest.mark.parametrize("last", ["latest", 37])
@pytest.mark.parametrize(("blocks", "logs", "refused"), [(5, 100, False), (3, 100, True), (5, 1, True)])
def test_all_are_found_in_their_order(filled, monkeypatch, last, blocks, logs, refused):
    evm, contract = filled
    whole = Chain(evm).logs(contract)
    assert len(whole) == 12 and Chain(evm).block_number() == 37
    monkeypatch.setattr(client, "LOG_BLOCKS", 5)
    node = Public(evm, blocks, logs)
    assert Chain(node).logs(contract, last=last) == whole
    assert bool(node.refused) == refused
    assert [n for first, end in node.answered for n in range(first, end + 1)] == list(range(38)), "each block once"


def test_a_range_that_is_short_is_asked_for_at_once(filled, monkeypatch):
    evm, contract = filled
    monkeypatch.setattr(client, "LOG_BLOCKS", 5)
    node = Public(evm, 5, 100)
    assert Chain(node).logs(contract, first=34) == Chain(evm).logs(contract, first=34)
    assert Chain(node).logs(contract, first=30, last=20) == ()
    assert len(node.answered) == 2


@pytest.mark.parametrize(("blocks", "logs"), [(7, 100), (100, 1)])
def test_a_short_range_up_to_the_newest_block_is_refused(filled, blocks, logs):
    evm, contract = filled
    node = Public(evm, blocks, logs)
    assert Chain(node).logs(contract, first=10) == Chain(evm).logs(contract, first=10)
    assert node.refused and node.answered[-1][1] == 37


def test_a_node_that_answers_nothing(filled):
    """Its error is told, after few tries."""
    evm, contract = filled
    node = Public(evm, 0, 0)
    with pytest.raises(RpcError, match="limit"):
        Chain(node).logs(contract, last=37)
    assert node.refused < 10
