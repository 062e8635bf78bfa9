"""A follower of a chain that falls silent in the middle of an answer hands out everything all the same, once."""

from enigmalang.chain.client import Chain
from enigmalang.chain.errors import ChainUnreachable
from enigmalang.chain.follow import Follower


class Scripted:
    """Blocks and logs that a test makes up; the `left`th request from now is not answered."""

    def __init__(self) -> None:
        self.blocks, self.left = [], 0

    def grow(self, number, name):
        self.blocks = [*self.blocks[:number], name]

    def request(self, method, params=()):
        self.left -= 1
        if self.left == 0:
            raise ChainUnreachable("there", "silent", "")
        match method:
            case "web3_clientVersion":
                return "scripted"
            case "eth_chainId":
                return "0x1"
            case "eth_blockNumber":
                return hex(len(self.blocks) - 1)
            case "eth_getBlockByNumber":
                return self.block(int(params[0], 16))
        first, last = (int(params[0][key], 16) for key in ("fromBlock", "toBlock"))
        return [self.log(number) for number in range(first, min(last, len(self.blocks) - 1) + 1)]

    def batch(self, calls):
        return [self.request(method, params) for method, params in calls]

    def block(self, number):
        if number >= len(self.blocks):
            return None
        return {"number": hex(number), "hash": self.blocks[number], "parentHash": "", "timestamp": "0x0"}

    def log(self, number):
        return {"address": "0x", "topics": [], "data": "0x", "blockNumber": hex(number), "logIndex": "0x0",
                "blockHash": self.blocks[number], "transactionHash": self.blocks[number]}


def patient(follower, evm):
    """What `poll` gives in the end, when its first request fails, then its second, …; and how often it failed."""
    for failures in range(100):
        evm.left = failures + 1
        try:
            return [(notice.log.transaction, notice.removed) for notice in follower.poll()], failures
        except ChainUnreachable:
            continue
    raise AssertionError("never answered")


def test_nothing_is_lost_and_nothing_comes_twice(monkeypatch):
    monkeypatch.setattr("enigmalang.chain.follow.STRIDE", 3)
    evm = Scripted()
    for number in range(10):
        evm.grow(number, f"a{number}")
    follower = Follower(Chain(evm))
    found, failures = patient(follower, evm)
    assert found == [(f"a{number}", False) for number in range(10)] and failures > 5
    for number in range(4, 12):
        evm.grow(number, f"b{number}")
    found, failures = patient(follower, evm)
    assert failures > 5 and found == [
        *((f"a{number}", True) for number in reversed(range(4, 10))),
        *((f"b{number}", False) for number in range(4, 12))]
