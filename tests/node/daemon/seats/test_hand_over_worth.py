"""Which contracts of a committee count: with fakes of the chain and of those who have plans."""

import pytest

from enigmalang.chain.errors import ChainError, ChainUnreachable
from enigmalang.chain.hub import EMPTY, Attachment
from enigmalang.node.daemon.seats.handing import worth
from enigmalang.node.daemon.seats.handing.worth import Worth

PLAN, ROOT, WHO = bytes(range(32)), b"r" * 32, "0x" + "ab" * 20


class Chain:
    """One contract, perhaps, and its root. It is the hub's."""

    def __init__(self, code=b"code", root=EMPTY):
        self.has, self.root, self.chain = code, root, self

    def code(self, address, tag):
        return self.has

    def call(self, address, data, tag):
        if isinstance(self.root, ChainError):
            raise self.root
        return self.root


def looked(chain, settled=0, known=(), plans=(PLAN,)):
    def field_of(plan):
        if plan not in plans:
            raise KeyError("nobody has handed over the plan")
        return "M61"

    return Worth(chain, lambda: set(known), field_of), Attachment(7, PLAN, 0, 0, 0, settled, 0, 0)


@pytest.mark.parametrize(("chain", "more", "counts"), [
    (Chain(), {}, True),  # nobody has called it yet
    (Chain(root=ROOT), {"settled": 1}, True),
    (Chain(root=ROOT), {"known": [WHO], "plans": ()}, True),  # there is state here
    (Chain(code=b""), {}, False),
    (Chain(), {"plans": ()}, False),
    (Chain(), {"plans": (), "settled": 9}, False),
    (Chain(root=ROOT), {}, False),  # no job has made that
    (Chain(root=ChainError("reverted")), {}, False),
])
def test_what_counts(chain, more, counts):
    found, attached = looked(chain, **more)
    assert found.counts(WHO, attached, 1) is counts


def test_what_is_of_no_worth_is_looked_at_again_and_ignored_in_the_end(monkeypatch):
    now, chain = [0.0], Chain(code=b"")
    monkeypatch.setattr(worth, "monotonic", lambda: now[0])
    found, attached = looked(chain)
    assert not found.ignored(WHO) and not found.counts(WHO, attached, 1)
    now[0] = worth.PATIENCE - 1
    assert not found.counts(WHO, attached, 1) and not found.ignored(WHO)
    now[0] = worth.PATIENCE
    assert found.ignored(WHO)
    chain.has = b"code"
    now[0] += worth.AGAIN
    assert found.counts(WHO, attached, 1) and not found.ignored(WHO)


def test_a_chain_that_is_away_says_nothing_of_a_contract():
    found, attached = looked(Chain(root=ChainUnreachable("here", "gone", "Wait.")))
    with pytest.raises(ChainUnreachable):
        found.counts(WHO, attached, 1)
