"""The last log is found from the end, in pieces that grow."""

from enigmalang.chain.client import Chain


class Logged:
    """A chain with logs in some blocks; it remembers what was asked for."""

    def __init__(self, *blocks):
        self.blocks, self.asked = blocks, []

    def request(self, method, params=()):
        if method != "eth_getLogs":
            return {"web3_clientVersion": "logged", "eth_chainId": "0x1"}[method]
        first, last = (int(params[0][key], 16) for key in ("fromBlock", "toBlock"))
        self.asked.append((first, last))
        return [{"address": "0x", "topics": [], "data": "0x", "blockNumber": hex(number), "logIndex": "0x0",
                 "blockHash": "0x", "transactionHash": "0x"} for number in self.blocks if first <= number <= last]

    def batch(self, calls):
        return [self.request(method, params) for method, params in calls]


def last(evm, first, end):
    found = Chain(evm).last_log("0x", [], first, end)
    return found.block if found is not None else None


def test_what_is_not_long_ago_takes_one_question():
    evm = Logged(5, 9_998, 9_999)
    assert last(evm, 0, 10_000) == 9_999 and len(evm.asked) == 1
    assert last(evm, 0, 9_998) == 9_998


def test_every_block_is_looked_at_once_and_none_beyond():
    evm = Logged(99, 50_001)
    assert last(evm, 100, 50_000) is None
    blocks = [number for begin, end in evm.asked for number in range(begin, end + 1)]
    assert sorted(blocks) == list(range(100, 50_001))
    assert last(Logged(100), 100, 50_000) == 100
    assert last(Logged(7), 8, 7) is None
