"""Committees the protocols are tested on."""

import pytest
from committee import Committee

from enigmalang.fields import M61, M127, warm

SIZES = [(3, 1), (4, 1), (5, 2), (7, 3)]


@pytest.fixture(scope="session", autouse=True)
def kernels() -> None:
    warm()


@pytest.fixture(params=[(n, t, f) for n, t in SIZES for f in (M61, M127)], ids=lambda p: f"{p[0]}-{p[1]}-{p[2]}")
def committee(request: pytest.FixtureRequest) -> Committee:
    return Committee(*request.param)


@pytest.fixture(params=[M61, M127], ids=str)
def three(request: pytest.FixtureRequest) -> Committee:
    return Committee(3, 1, request.param)
