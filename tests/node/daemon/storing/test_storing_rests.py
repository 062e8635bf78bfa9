"""What a node does with stored data by itself rests after it came to nothing."""

import threading
from types import SimpleNamespace

from enigmalang.chain.errors import ChainUnreachable
from enigmalang.node.daemon.config import StorageOptions
from enigmalang.node.daemon.storing.tending import Refusals, Tending


def test_a_chain_that_is_gone_is_not_asked_again_and_again(monkeypatch):
    """Though a look at what is stored is due: it stays due until the chain answers."""
    asked, again, said = [], threading.Event(), threading.Event()

    def refresh():
        asked.append(None)
        if len(asked) > 1:
            again.set()
        raise ChainUnreachable("here", "nobody is there", "")

    def fail(*_):
        raise AssertionError("nothing else is done")

    options = StorageOptions(check_seconds=0.0)
    keeper = SimpleNamespace(ledger=SimpleNamespace(rent=None))
    tending = Tending(keeper, None, None, None, Refusals(1), None, options, refresh, fail, lambda trouble: said.set(),
                      fail)
    tending.start()
    assert said.wait(60.0)
    tending.expire()  # which does not wake it either
    assert not again.wait(0.3)
    tending.end()
    tending.close(60.0)
    assert len(asked) == 1
