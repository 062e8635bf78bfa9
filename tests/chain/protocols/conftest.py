"""The same programs on every ledger: the memory twin, the embedded EVM, and anvil where its binary is."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from run_support import Bench

from enigmalang.chain.anvil import Anvil, find_anvil, missing
from enigmalang.chain.hub import Hub, HubEvent
from enigmalang.cli.session import Settings

PROGRAMS = Path(__file__).with_name("programs")


@dataclass
class Adapter:
    """Runs programs on one kind of ledger."""

    name: str
    bench: Bench

    def run(self, path: Path, engine: str = "clear") -> str:
        return self.bench.run(path, engine)

    def text(self, folder: Path, text: str, engine: str = "clear") -> list[str]:
        """What a program that is given as text prints, a line each."""
        path = folder / "program.enig"
        path.write_text(text, "utf-8")
        return self.run(path, engine).splitlines()

    @property
    def hub(self) -> Hub:
        """Of the last program's chain."""
        network = self.bench.session.network
        assert network is not None, "nothing ran on this chain"
        return Hub(network.chain, network.hub)

    def events(self, *names: str) -> tuple[HubEvent, ...]:
        return self.hub.events(names)


def _on(name: str, chain: str) -> Iterator[Adapter]:
    bench = Bench(Settings(engine="clear", chain=chain))
    with bench.session:
        yield Adapter(name, bench)


@pytest.fixture(scope="session")
def memory() -> Iterator[Adapter]:
    yield from _on("memory", "memory")


@pytest.fixture(scope="session")
def embedded() -> Iterator[Adapter]:
    yield from _on("embedded", "embedded")


@pytest.fixture(scope="session")
def anvil() -> Iterator[Adapter]:
    with Anvil() as running:
        yield from _on("anvil", str(running.socket))


CHAINS = ["embedded", pytest.param("anvil", marks=pytest.mark.skipif(find_anvil() is None, reason=missing()))]


@pytest.fixture(params=["memory", *CHAINS])
def adapter(request: pytest.FixtureRequest) -> Adapter:
    """A ledger of each kind."""
    found: Adapter = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=CHAINS)
def evm(request: pytest.FixtureRequest) -> Adapter:
    """A ledger of each kind that is a chain."""
    found: Adapter = request.getfixturevalue(request.param)
    return found
