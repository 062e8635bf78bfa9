"""The same chain by each adapter."""

import pytest
from adapters_support import compiled, needs_anvil

from enigmalang.chain.anvil import Anvil
from enigmalang.chain.chainfile import ChainFile
from enigmalang.chain.client import Chain
from enigmalang.chain.embedded import EmbeddedEvm, faucet_key
from enigmalang.chain.rpc import RpcEvm
from enigmalang.chain.server import Server


@pytest.fixture(params=["embedded", "in a file", "served", pytest.param("anvil", marks=needs_anvil)])
def evm(request, tmp_path):
    """An adapter of each kind, each with a fresh chain."""
    if request.param == "embedded":
        yield EmbeddedEvm()
    elif request.param == "in a file":
        with EmbeddedEvm(store=ChainFile(tmp_path / "chain.db")) as kept:
            yield kept
    elif request.param == "served":
        with Server(EmbeddedEvm(), tmp_path / "run" / "chain.ipc") as server, RpcEvm(str(server.path)) as connected:
            yield connected
    else:
        with Anvil() as anvil, anvil.connect() as connected:
            yield connected


@pytest.fixture
def chain(evm):
    return Chain(evm)


@pytest.fixture
def contract(chain):
    return chain.deploy(faucet_key(), compiled()).contract
