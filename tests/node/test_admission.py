"""Inputs that come over the ledger: masked by their client, admitted by the nodes."""

import numpy as np
import pytest
from node_helpers import LONG

from enigmalang.execute.masks import unmasked
from enigmalang.execute.ports import EngineError
from enigmalang.execute.trace import Tracer
from enigmalang.execute.traced import TracedDomain
from enigmalang.ir.ir import Tensor
from enigmalang.node.cluster import Cluster
from enigmalang.types.types import BOOL, IntT

NUMBER = Tensor(IntT(64, True))
ROW = Tensor(IntT(64, True), 1)


@pytest.mark.parametrize(("nodes", "field"), [(3, "M61"), (3, "M127"), (11, "M61")])
def test_what_is_admitted_is_what_was_masked(nodes: int, field: str) -> None:
    edge = (1 << (60 if field == "M61" else 126)) - 1
    row = np.array([0, 1, -1, edge, -edge], dtype=object)
    with Cluster.start(nodes, None, field, LONG) as cluster:
        domain = TracedDomain(Tracer(cluster))
        masked = domain.mask([row, 42, True])
        number, again = domain.mask([7]), domain.mask([7])
        made = domain.admit(masked, [ROW, NUMBER, Tensor(BOOL)])
        opened = [domain.reveal(secret, kind) for secret, kind in zip(made, [ROW, NUMBER, NUMBER], strict=True)]
        domain.flush()
        assert [int(v) for v in opened[0].value] == list(row)
        assert (opened[1].value, opened[2].value) == (42, 1)
        assert number.content != again.content


def test_a_masked_value_is_the_value_less_its_mask() -> None:
    with Cluster.start(3, timeout=LONG) as cluster:
        number, mask = cluster.reserve(3)
        assert number != cluster.reserve(3)[0]
        assert len(set(mask.tolist())) == 3
        zero = unmasked("M61", bytes(24), mask, [(3,)])[0]
        assert [int(v) % ((1 << 61) - 1) for v in zero] == [int(r) % ((1 << 61) - 1) for r in mask]


@pytest.mark.parametrize("content", [bytes(8), bytes(24), b"\xff" * 16])
def test_bytes_that_do_not_fit_end_in_an_error(content: bytes) -> None:
    with Cluster.start(3, timeout=LONG) as cluster:
        number, _ = cluster.reserve(2)
        cluster.admit(number, content, [(2,)], [1])
        with pytest.raises(EngineError, match=r"an input"):
            cluster.stats()


def test_a_mask_serves_once() -> None:
    with Cluster.start(3, timeout=LONG) as cluster:
        number, _ = cluster.reserve(1)
        cluster.admit(number, bytes(8), [()], [1])
        cluster.admit(number, bytes(8), [()], [2])
        with pytest.raises(EngineError, match="was used"):
            cluster.stats()
