"""The Python client of `enig compile --to python`, over web3.py, on the embedded chain and on anvil."""

import importlib.util
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from run_support import ROOT
from twin import ACCOUNTS, plan_of

from enigmalang.chain import development
from enigmalang.chain.anvil import Anvil, find_anvil, missing
from enigmalang.chain.embedded import EmbeddedEvm
from enigmalang.chain.memory import FUNDS
from enigmalang.chain.python_client import python_module
from enigmalang.chain.vyper import compile_contract
from enigmalang.identity.keys import identity_of
from enigmalang.node.remote_calls import deploy

sys.path.insert(0, str(ROOT / "tests" / "cli"))
from standin import StandIn, standing_in

needs_anvil = pytest.mark.skipif(find_anvil() is None, reason=missing())
TALLY = Path(__file__).parent / "contracts" / "tally.enig"


def source_of(path: Path, name: str) -> str:
    plan = plan_of(path)
    made = compile_contract(plan, name)
    return python_module(plan, [(name, made.compiled, made.generated.tracked)])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("client") / "client_of_tally.py"
    path.write_text(source_of(TALLY, "Tally"), "utf-8")
    return path


@pytest.fixture(scope="module")
def module(written: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("client_of_tally", written)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["client_of_tally"] = module
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what web3's own imports warn of
        spec.loader.exec_module(module)
    return module


@pytest.fixture(params=["embedded", pytest.param("anvil", marks=needs_anvil)])
def network(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    monkeypatch.setenv("ENIGMALANG_HOME", str(tmp_path / "home"))
    if request.param == "embedded":
        with EmbeddedEvm() as evm, standing_in(evm, tmp_path) as made:
            yield made
    else:
        with Anvil() as anvil, anvil.connect() as evm, standing_in(evm, tmp_path) as made:
            yield made


@pytest.fixture
def tally(network: StandIn, module: ModuleType) -> Iterator[Any]:
    from eth_account import Account
    from web3 import IPCProvider, Web3

    development.fund(network.chain, ACCOUNTS[0].address, FUNDS)
    owner = identity_of("owner", ACCOUNTS[0])
    address = deploy(network.chain, network.network, plan_of(TALLY), "Tally", owner, ())
    account = Account.from_key(ACCOUNTS[0].reveal())
    provider = IPCProvider(network.socket)
    try:
        yield module.Tally(Web3(provider), address, account)
    finally:
        if provider._socket.sock is not None:  # a provider closes its socket after errors only
            provider._socket.sock.close()


def test_views_transactions_events_and_reverts(tally: Any, module: ModuleType) -> None:
    from web3.exceptions import ContractLogicError

    assert (tally.total(), tally.doubled()) == (0, 0)
    receipt = tally.add(21)
    assert receipt["status"] == 1
    assert tally.doubled() == 42
    (event,) = tally.added_events()
    assert isinstance(event, module.TallyAdded)
    assert (event.block, event.who.lower(), event.amount) == (receipt["blockNumber"], ACCOUNTS[0].address, 21)
    with pytest.raises(ContractLogicError, match="too much"):
        tally.add(100)
    reader = module.Tally(tally.web3, tally.contract.address)
    assert reader.doubled() == 42
    with pytest.raises(ValueError, match="needs an account"):
        reader.add(1)


def test_jobs_give_their_results(tally: Any, module: ModuleType) -> None:
    from enigmalang.diagnostics import EnigmaError

    assert tally.hide(50) is None
    assert tally.above([60, 40, 51], 7, value=3) == (9, module.Side.Right)
    assert tally.mine(module.Pair(1, 2), fee=10**15) == 53
    with pytest.raises(EnigmaError, match="pay three"):
        tally.above([1], 2, value=4)
    with pytest.raises(ValueError, match="needs an account"):
        module.Tally(tally.web3, tally.contract.address).hide(1)


def test_a_chain_without_an_address_has_no_jobs(module: ModuleType) -> None:
    from eth_account import Account
    from web3 import Web3
    from web3.providers.base import BaseProvider

    client = module.Tally(Web3(BaseProvider()), "0x" + "11" * 20, Account.from_key(ACCOUNTS[0].reveal()))
    with pytest.raises(ValueError, match=r"`hide` is a job: the nodes need a chain with an address"):
        client.hide(1)


def test_without_enigmalang_jobs_say_what_to_do(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    from eth_account import Account
    from web3 import HTTPProvider, Web3

    monkeypatch.setitem(sys.modules, "enigmalang.node.python_calls", None)
    client = module.Tally(Web3(HTTPProvider("http://127.0.0.1:9")), "0x" + "11" * 20,
                          Account.from_key(ACCOUNTS[0].reveal()))
    with pytest.raises(RuntimeError, match=r"install enigmalang, or use `enig call 0x1111.* hide"):
        client.hide(1)


def test_the_module_is_strictly_typed(written: Path, tmp_path: Path) -> None:
    user = tmp_path / "user.py"
    user.write_text("from client_of_tally import Pair, Side, Tally\n\n\ndef f(t: Tally) -> tuple[int, Side]:\n"
                    "    t.mine(Pair(1, 2))\n    return t.above([1], 2, value=3)\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", f"--cache-dir={ROOT / '.mypy_cache'}",
         str(written), str(user)], cwd=ROOT, env={"MYPYPATH": str(written.parent), "PATH": ""},
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
