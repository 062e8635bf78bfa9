"""Pipelined batches over TLS: a party that ends in the middle ends the others too, and nobody hangs."""

import threading
from typing import Any

import numpy as np
import pytest
from tls_helpers import mesh, together

from enigmalang.fields import M61, warm
from enigmalang.mpc import addends, dealing
from enigmalang.mpc.compare import ltz
from enigmalang.mpc.multiply import mul
from enigmalang.mpc.opening import reveal, reveal_bits
from enigmalang.mpc.party import Party
from enigmalang.mpc.setup import exchange_keys
from enigmalang.sharing import ArithShare
from enigmalang.sharing.shamir import share
from enigmalang.transport.network import PeerError
from enigmalang.transport.tls import TlsNetwork

COUNT = 40_000


class _Gone(Exception):
    """What the test's party ends with."""


def _batch(network: TlsNetwork, shares: Any, last: int | None = None) -> tuple[list[int], bytes]:
    """Products and comparisons of the first party's number of values; ends itself at its frame number `last`."""
    party = Party(network, exchange_keys(network, 1), M61, b"pipelined")
    if last is not None:
        _end_at(network, last)
    x = ArithShare(M61, shares[party.me])
    square = M61.to_ints(reveal(party, mul(party, x, x)))
    return square.tolist(), reveal_bits(party, ltz(party, x, 20)).tobytes()


def _end_at(network: TlsNetwork, last: int) -> None:
    post, count = network.post, iter(range(last))

    def ending(tag: int, sends: Any) -> None:
        if next(count, None) is None:
            network.close()
            raise _Gone
        post(tag, sends)

    network.post = ending  # type: ignore[method-assign]


@pytest.fixture
def shares(monkeypatch: pytest.MonkeyPatch) -> dict[int, Any]:
    """Pieces whose frames are larger and smaller than what a caller writes itself."""
    warm()
    monkeypatch.setattr(dealing, "PIECE", 1 << 12)
    monkeypatch.setattr(addends, "PIECE_BYTES", 1 << 13)
    values = M61.from_ints(np.arange(COUNT) - COUNT // 2)
    return share(M61, values, 3, 1)


def test_over_tls(shares: dict[int, Any]) -> None:
    with mesh(3) as networks:
        results = together(*[lambda n=n: _batch(n, shares) for n in networks])
    values = np.arange(COUNT) - COUNT // 2
    expected = (values * values).tolist(), np.packbits(values < 0, bitorder="little").tobytes()
    assert results == [expected] * 3


@pytest.mark.parametrize("last", [5, 14, 60])
def test_an_end_in_the_middle(shares: dict[int, Any], last: int) -> None:
    """Nobody's sender thread is left, though large frames were on their way."""

    def ending(network: TlsNetwork) -> type[Exception]:
        try:
            _batch(network, shares, last if network.me == 2 else None)
        except (PeerError, _Gone) as error:
            network.close()
            return type(error)
        raise AssertionError("it went through")

    before = _senders()
    with mesh(3) as networks:
        kinds = together(*[lambda n=n: ending(n) for n in networks])
    assert kinds[1] is _Gone and all(issubclass(kinds[i], PeerError) for i in (0, 2))
    assert _senders() == before


def _senders() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("send-")}
