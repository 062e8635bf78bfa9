"""What nodes ask each other about committees is taken as far as its types go, and no further."""

import pytest

from enigmalang.node.daemon.seats import messages as sm
from enigmalang.wire.errors import WireError
from enigmalang.wire.typed import encode

SOMEBODY, HASH = "0x" + "ab" * 20, bytes(32)
WHAT = sm.Readied(1, HASH, b"layout", [(7, 3, SOMEBODY, HASH)])
GOOD = [
    sm.Propose(3, 1, HASH, 0, (SOMEBODY,)),
    sm.Agree(HASH, 5, 0, 600),
    sm.Mask(1, 2, 3, SOMEBODY, HASH, "M127", HASH),
    sm.WantShares(1, SOMEBODY, HASH, "M61", 2, 0, 4),
    sm.Ready(1, SOMEBODY, 2, "its time is over", sm.Drawn(1, 2, 3, 0)),
    sm.Hand(1, SOMEBODY, 2, "M61", [1, 2], WHAT, HASH, "its time is over"),
]
BAD = [
    sm.Propose(3, 1, HASH, -1),
    sm.Propose(3, 1, HASH, 0, (SOMEBODY,) * 5),
    sm.Propose(3, 1, HASH, 0, ("x" * 1000,)),
    sm.Propose(3, 1, bytes(1000)),
    sm.Agree(HASH, -1, 0, 600),
    sm.Mask(1, 2, -3, SOMEBODY, HASH, "M61", HASH),
    sm.Mask(1, 2, 1 << 40, SOMEBODY, HASH, "M61", HASH),
    sm.Mask(1, 2, 3, SOMEBODY.upper(), HASH, "M61", HASH),
    sm.Mask(1, 2, 3, SOMEBODY, HASH, "M62", HASH),
    sm.Mask(1, 2, 3, SOMEBODY, bytes(31), "M61", HASH),
    sm.WantPlan(bytes(31)),
    sm.WantOutcome(1, -1),
    sm.WantShares(1, SOMEBODY, HASH, "M61", 2, -1, 4),
    sm.Ready(1, "somebody", 2, "its time is over", sm.Drawn()),
    sm.Hand(-1, SOMEBODY, 2, "M61", [1, 2], WHAT, HASH, ""),
    sm.Hand(1, SOMEBODY, 2, "M61", [-1, 2], WHAT, HASH, ""),
    sm.Hand(1, SOMEBODY, 2, "M61", [1, 2], sm.Readied(1, HASH, b"", [(-7, 3, SOMEBODY, HASH)]), HASH, ""),
]


@pytest.mark.parametrize("request_", GOOD, ids=lambda each: type(each).__name__)
def test_a_request_is_read_as_it_was_written(request_):
    assert sm.decode_request(sm.encode(request_)) == request_


@pytest.mark.parametrize("request_", BAD, ids=lambda each: type(each).__name__)
def test_what_is_out_of_bounds_is_refused_when_it_is_read(request_):
    with pytest.raises(WireError, match="malformed message of a committee"):
        sm.decode_request(encode(request_))
