"""Products that are only opened: one round, the right value, and nothing else to see."""

import numpy as np
import pytest
from committee import Committee, agreed
from test_masks import LIMIT, irregularity

from enigmalang.fields import M61, M127, Field, Raw
from enigmalang.mpc import multiply
from enigmalang.mpc.multiply import open_product
from enigmalang.mpc.party import Party
from enigmalang.sharing import ArithShare

LANES = 2048


@pytest.fixture(params=[(n, t, f) for n, t in [(3, 1), (4, 1), (5, 1), (5, 2), (7, 3)] for f in (M61, M127)],
                ids=lambda p: f"{p[0]}-{p[1]}-{p[2]}")
def committee(request: pytest.FixtureRequest) -> Committee:
    return Committee(*request.param)


def test_open_product(committee: Committee) -> None:
    xs, ys = np.array([[0, 1, -1, 12345], [0, -7, 9, 2]]), np.array([5, 0, -3, 1 << 40])
    x, y = committee.deal(xs), committee.deal(ys)

    def body(party: Party) -> tuple[list[int], int, int]:
        values = open_product(party, x(party), y(party))
        sent = party.counters.bytes_sent
        return [int(v) for v in party.field.to_ints(values).reshape(-1)], party.counters.rounds, sent

    values, rounds, sent = agreed(committee.run(body))
    assert values == (xs * ys).reshape(-1).tolist()
    assert rounds == 1
    assert sent == 8 * 2 * committee.t * committee.field.nbytes


def opened_shares(c: Committee, x: int, y: int) -> list[Raw]:
    """All shares of the opened polynomial, for factors whose own polynomials are constant."""
    field = c.field

    def body(party: Party) -> Raw:
        factors = [ArithShare(field, field.from_ints(np.full(LANES, v))) for v in (x, y)]
        local = field.mul(factors[0].raw, factors[1].raw)
        return multiply.masked_product(party, local)

    return c.run(body)


def irregular(field: Field, shares: list[Raw]) -> float:
    return max(irregularity(field, share) for share in shares)


def test_opened_shares_are_uniform_given_the_product(committee: Committee) -> None:
    """The exact joint distribution is in tests/sharing/test_joint_views.py; here each share, for real."""
    for x, y in ((0, 0), (0, -5), (1, -5)):
        assert irregular(committee.field, opened_shares(committee, x, y)) < LIMIT


def test_products_opened_bare_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multiply, "product_zero_share", lambda s, field, shape, me, i, count: field.zeros((count,)))
    assert irregular(M61, opened_shares(Committee(3, 1, M61), 0, -5)) > LIMIT
