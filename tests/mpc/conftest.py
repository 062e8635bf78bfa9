"""Committees the protocols are tested on."""

import sys
from pathlib import Path

import pytest
from committee import Committee

from enigmalang.fields import M61, M127, warm

sys.path.append(str(Path(__file__).parent.parent / "sharing"))  # resharing_helpers

#: n, t; from n = 8, t = 3 on committees are wide.
SIZES = [(3, 1), (4, 1), (5, 1), (5, 2), (7, 2), (7, 3), (9, 4), (11, 5)]
CASES = [(n, t, M61) for n, t in SIZES] + [(n, t, M127) for n, t in [(3, 1), (4, 1), (5, 2), (7, 3), (11, 5)]]


@pytest.fixture(scope="session", autouse=True)
def kernels() -> None:
    warm()


@pytest.fixture(params=CASES, ids=lambda p: f"{p[0]}-{p[1]}-{p[2]}")
def committee(request: pytest.FixtureRequest) -> Committee:
    return Committee(*request.param)


@pytest.fixture(params=[M61, M127], ids=str)
def three(request: pytest.FixtureRequest) -> Committee:
    return Committee(3, 1, request.param)
