"""The same programs on three ledgers: the one in memory, the embedded EVM, and anvil."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from agreement_support import Ledgers
from run_support import ROOT

from enigmalang.chain.anvil import Anvil, find_anvil


@pytest.fixture(scope="session")
def node() -> Iterator[str]:
    """An anvil's socket."""
    if find_anvil() is None:
        pytest.skip("there is no anvil here")
    with Anvil() as anvil:
        yield str(anvil.socket)


@pytest.fixture(scope="session")
def ledgers() -> Iterator[Ledgers]:
    with Ledgers() as made:
        yield made


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Programs name their files as seen from the repository."""
    monkeypatch.chdir(ROOT)
    return ROOT
