"""Products that are only opened: one round, the right value, and nothing else to see."""

import numpy as np
import pytest
from committee import Committee, agreed
from test_masks import LIMIT, irregularity

from enigmalang.circuits.circuit import Circuit, Form, Node
from enigmalang.circuits.layers import cut_layers, opened_products
from enigmalang.fields import M61, M127, Field, Raw
from enigmalang.mpc import machine, multiply
from enigmalang.mpc.machine import execute
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
    monkeypatch.setattr(multiply, "masked_product_share", lambda s, field, shape, me, i, local: local.value(field))
    assert irregular(M61, opened_shares(Committee(3, 1, M61), 0, -5)) > LIMIT


# ------------------------------------------------------------ in the machine

A = Form.ARITH


def products(keep: bool, shape: tuple[int, ...] = (2, 2)) -> Circuit:
    """Products of every kind, opened once or twice; kept too if wished, which makes them ordinary."""
    x, y = Node("input", (), shape, A, {"slot": 0}), Node("input", (), shape, A, {"slot": 1})
    nodes = [x, y, Node("mul", (0, 1), shape, A), Node("dot", (0, 1), shape[:1], A), Node("matmul", (0, 1), shape, A)]
    nodes += [Node("select", (0, 1, 0), shape, A), Node("add", (0, 1), shape, A)]
    keeps = tuple((i, i) for i in range(2, 6)) if keep else ()
    return Circuit("M61", tuple(nodes), opens=(2, 3, 4, 5, 6, 2), keeps=keeps)


@pytest.mark.parametrize(("n", "t"), [(3, 1), (4, 1), (5, 1), (5, 2), (7, 3)])
@pytest.mark.parametrize("keep", [False, True])
def test_the_machine_opens_products_at_once(n: int, t: int, keep: bool) -> None:
    c, circuit = Committee(n, t, M61), products(keep)
    assert opened_products(circuit) == (frozenset() if keep else {2, 3, 4, 5})
    assert [layer.protocol for layer in cut_layers(circuit)] == (["products"] if keep else [""])
    xs, ys = np.array([[1, 0], [-3, 4]]), np.array([[5, 6], [-7, 8]])
    x, y = c.deal(xs), c.deal(ys)

    def body(party: Party) -> tuple[list[object], int, int]:
        opened = execute(party, circuit, {0: x(party), 1: y(party)}, {}).opened
        return [value.tolist() for value in opened], party.counters.rounds, party.counters.products

    values, rounds, counted = agreed(c.run(body))
    expected = [xs * ys, (xs * ys).sum(-1), xs @ ys, xs + xs * (ys - xs), xs + ys, xs * ys]
    assert values == [value.tolist() for value in expected]
    assert (rounds, counted) == (1 + keep, 14)


def test_a_product_with_another_use_is_ordinary() -> None:
    nodes = (*products(False).nodes[:3], Node("ltz", (2,), (2, 2), Form.BITS))
    assert opened_products(Circuit("M61", nodes, opens=(2, 3))) == frozenset()
    public = (Node("const", (), (), A, {"value": np.array(3)}), Node("input", (), (), A, {"slot": 0}),
              Node("mul", (0, 1), (), A))
    assert opened_products(Circuit("M61", public, opens=(2,))) == frozenset()
    bits = (Node("input", (), (), Form.BITS, {"slot": 0}), Node("and", (0, 0), (), Form.BITS))
    assert opened_products(Circuit("M61", bits, opens=(1,))) == frozenset()


def machine_opened(c: Committee) -> float:
    """The irregularity of the shares the machine opens products of degree 2t with; constant factors' polynomials."""
    shares: list[Raw] = []
    circuit = Circuit("M61", products(False, (LANES,)).nodes[:3], opens=(2,))
    with pytest.MonkeyPatch.context() as patch:
        open_ = machine.open_elements

        def watched(party: Party, round_: object, share: Raw, receivers: object, degree: int) -> object:
            assert degree == 2 * c.t
            shares.append(share.copy())
            return open_(party, round_, share, receivers, degree)  # type: ignore[arg-type]

        patch.setattr(machine, "open_elements", watched)
        factor = ArithShare(M61, M61.from_ints(np.full(LANES, -5)))
        results = c.run(lambda party: execute(party, circuit, {0: factor, 1: factor}, {}).opened[0].tolist())
    assert agreed(results) == [25] * LANES
    assert len(shares) == c.n
    return irregular(M61, shares)


@pytest.mark.parametrize(("n", "t"), [(3, 1), (4, 1), (5, 2)])
def test_the_machine_opens_uniform_shares(n: int, t: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine_opened(Committee(n, t, M61)) < LIMIT
    monkeypatch.setattr(multiply, "masked_product_share", lambda s, field, shape, me, i, local: local.value(field))
    assert machine_opened(Committee(n, t, M61)) > LIMIT
