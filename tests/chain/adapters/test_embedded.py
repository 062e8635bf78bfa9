"""The embedded chain by itself: against other programs, and against a node on random sequences."""

import subprocess
import sys

import pytest
from adapters_support import compiled, data, needs_anvil
from eth_account import Account
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enigmalang.chain.anvil import Anvil
from enigmalang.chain.client import Chain
from enigmalang.chain.development import advance, fund, restore, snapshot
from enigmalang.chain.embedded import FAUCET_WEI, EmbeddedEvm, faucet_key
from enigmalang.chain.errors import Reverted, RpcError, TransactionRefused
from enigmalang.chain.server import Server
from enigmalang.ethereum.hashing import keccak256
from enigmalang.ethereum.keys import SigningKey

SOMEONE = "0x" + "11" * 20


@pytest.fixture
def chain():
    return Chain(EmbeddedEvm())


def test_nothing_heavy_is_imported():
    code = (
        "import sys\nfrom enigmalang.chain.client import Chain\nfrom enigmalang.chain.rpc import RpcEvm\n"
        "from enigmalang.chain.embedded import EmbeddedEvm\n"
        "print([m for m in ('eth', 'websockets') if m in sys.modules])\n"
        "Chain(EmbeddedEvm()).block()\nassert sys.getrecursionlimit() < 20_000\n"
        "print([m for m in ('web3', 'eth_tester', 'eth_account', 'py_ecc.bls') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n[]\n"


def test_who_owns_what_at_the_start():
    chain = Chain(EmbeddedEvm({SOMEONE: 7}))
    assert chain.balance(SOMEONE) == 7
    assert chain.balance(faucet_key().address) == FAUCET_WEI


def test_web3_speaks_with_it(tmp_path):
    """web3.py, through the served socket: another program's view of blocks, transactions, receipts and events."""
    from web3 import IPCProvider, Web3

    key = SigningKey.generate()
    with Server(EmbeddedEvm({key.address: 10**18}), tmp_path / "chain.ipc") as server:
        web3 = Web3(IPCProvider(str(server.path)))
        assert web3.is_connected()
        account = Account.from_key(key.reveal())
        contract = Chain(EmbeddedEvm()).deploy(faucet_key(), compiled()).contract
        for nonce, kind in enumerate((0, 1, 2)):
            asked = {"nonce": nonce, "gas": 2_000_000, "to": b"", "value": 0, "data": compiled(), "chainId": 1337}
            asked |= {"maxFeePerGas": 10, "maxPriorityFeePerGas": 3} if kind == 2 else {"gasPrice": 3}
            if kind == 1:
                asked |= {"type": 1, "accessList": [{"address": contract, "storageKeys": ["0x" + "00" * 32]}]}
            sent = web3.eth.send_raw_transaction(account.sign_transaction(asked).raw_transaction)
            receipt = web3.eth.wait_for_transaction_receipt(sent)
            shown = web3.eth.get_transaction(sent)
            assert (receipt["status"], shown["type"], receipt["effectiveGasPrice"]) == (1, kind, 3)
            assert web3.eth.get_code(receipt["contractAddress"])
        assert web3.eth.get_balance(account.address) < 10**18
        assert web3.eth.get_block(2, full_transactions=True)["transactions"][0]["nonce"] == 1
        assert web3.eth.get_block("latest")["number"] == 3
        at = web3.eth.contract(receipt["contractAddress"], abi=ABI)
        hash = web3.eth.send_raw_transaction(account.sign_transaction(
            at.functions.set(5).build_transaction({"from": account.address, "nonce": 3, "gas": 100_000})
        ).raw_transaction)
        assert at.functions.value().call() == 5
        (event,) = at.events.Set().process_receipt(web3.eth.get_transaction_receipt(hash))
        assert (event["args"]["who"], event["args"]["value"]) == (account.address, 5)
        assert [e["args"]["value"] for e in at.events.Set().get_logs(from_block=0)] == [5]


ABI = [
    {"type": "function", "name": "set", "stateMutability": "nonpayable", "outputs": [],
     "inputs": [{"name": "number", "type": "uint256"}]},
    {"type": "function", "name": "value", "stateMutability": "view", "inputs": [], "outputs": [{"type": "uint256"}]},
    {"type": "event", "name": "Set", "anonymous": False, "inputs": [
        {"name": "who", "type": "address", "indexed": True}, {"name": "value", "type": "uint256", "indexed": False}]},
]


def test_a_contract_may_be_the_sender_of_a_call(chain):
    contract = chain.deploy(faucet_key(), compiled()).contract
    assert chain.call(contract, data("value()"), sender=contract) == bytes(32)


def test_money_that_a_caller_does_not_have(chain):
    contract = chain.deploy(faucet_key(), compiled()).contract
    with pytest.raises(TransactionRefused):
        chain.call(contract, data("pay()"), sender=SOMEONE, value=1)
    assert chain.call(contract, data("pay()"), sender=faucet_key().address, value=1) == b""


def test_the_bls_precompiles_are_there(chain):
    """EIP-2537: the sum of two points at infinity is the point at infinity; its module is loaded by this call."""
    assert chain.call("0x" + "0b".rjust(40, "0"), bytes(256)) == bytes(128)


def test_hashes_of_earlier_blocks(chain):
    """Creation code that returns blockhash(number - 1)."""
    code = bytes.fromhex("6001430340" + "60005260206000f3")
    mark = snapshot(chain)
    chain.send(faucet_key(), SOMEONE)
    chain.send(faucet_key(), SOMEONE)
    restore(chain, mark)
    chain.send(faucet_key(), SOMEONE, value=1)
    made = chain.deploy(faucet_key(), code)
    assert chain.code(made.contract).hex() == chain.block(made.block - 1).hash[2:]


def test_blocks_are_those_that_py_evm_mines(chain):
    """Headers are taken as they are pending; py-evm's own mining changes nothing in them."""
    machine = chain.evm._evm
    seen = []

    def mined():
        seen.append((machine._chain.header, machine._chain.mine_block().header))
        machine.head = seen[-1][1]
        return machine.head

    machine._mined = mined
    contract = chain.deploy(faucet_key(), compiled()).contract
    chain.send(faucet_key(), contract, data("set(uint256)", 5))
    advance(chain, blocks=2)
    assert len(seen) == 4
    assert all(ours.as_dict() == theirs.as_dict() for ours, theirs in seen)


def test_storage_and_blocks_by_hash(chain):
    contract = chain.deploy(faucet_key(), compiled()).contract
    chain.send(faucet_key(), contract, data("set(uint256)", 5))
    slots = {chain.ask("eth_getStorageAt", contract, hex(n), "latest") for n in range(2)}
    assert "0x" + (5).to_bytes(32, "big").hex() in slots
    hash = chain.block(1).hash
    assert chain.ask("eth_getBlockByHash", hash, True)["transactions"][0]["nonce"] == "0x0"
    call = {"to": contract, "data": "0x" + data("value()").hex()}
    assert chain.ask("eth_call", call, {"blockHash": hash}) == "0x" + "00" * 32
    assert chain.ask("eth_getLogs", {"blockHash": hash}) == []
    assert len(chain.ask("eth_getLogs", {"blockHash": chain.block(2).hash})) == 1
    assert chain.ask("eth_getBlockByHash", "0x" + "00" * 32) is None


@pytest.mark.parametrize(("method", "params"), [
    ("eth_sendRawTransaction", ("0x",)), ("eth_sendRawTransaction", ("0x02",)), ("eth_sendRawTransaction", ("0x02c0",)),
    ("eth_sendRawTransaction", ("0x7fc0",)), ("eth_sendRawTransaction", ("garbage",)), ("eth_call", ()),
    ("eth_call", ({"to": "0x12"}, "latest")), ("eth_getBalance", (SOMEONE, "0x99")),
    ("eth_getBlockByNumber", ("none",)), ("eth_getLogs", ({"blockHash": "0x" + "00" * 32},)),
    ("evm_setNextBlockTimestamp", ("0x1",)),
])
def test_bad_requests_change_nothing(method, params):
    evm = EmbeddedEvm()
    with pytest.raises(RpcError):
        evm.request(method, params)
    assert evm.request("eth_blockNumber") == "0x0"
    assert Chain(evm).send(faucet_key(), SOMEONE, value=1).ok


STEPS = st.lists(st.one_of(
    st.tuples(st.just("set"), st.integers(0, 20)),
    st.tuples(st.just("pay"), st.integers(0, 5)),
    st.tuples(st.just("poor"), st.integers(0, 2)),
    st.tuples(st.just("descend"), st.integers(0, 8)),
    st.tuples(st.just("mine"), st.integers(1, 3)),
    st.tuples(st.just("later"), st.integers(1, 10**6)),
    st.tuples(st.just("fund"), st.integers(0, 3)),
    st.tuples(st.just("mark"), st.just(0)),
    st.tuples(st.just("back"), st.just(0)),
), max_size=12)


def told_by(chain, contract, steps):
    """What a chain says of each step: the same of every chain."""
    key, poor, marks, said = faucet_key(), SigningKey(keccak256(b"poor")), [], []
    for step, number in steps:
        try:
            if step == "mine":
                advance(chain, blocks=number)
            elif step == "later":
                advance(chain, seconds=number)
            elif step == "fund":
                fund(chain, poor.address, number)
            elif step == "mark":
                marks.append(snapshot(chain))
            elif step == "back" and marks:
                restore(chain, marks.pop())
            elif step in ("set", "pay", "poor", "descend"):
                call = {"set": data("set(uint256)", number), "descend": data("descend(uint256)", number)}
                receipt = chain.send(poor if step == "poor" else key, contract, call.get(step, data("pay()")),
                                     number if step in ("pay", "poor") else 0)
                said.append((receipt.gas_used, [(log.topics, log.data, log.block) for log in receipt.logs]))
        except Reverted as error:
            said.append(("reverted", error.revert))
        except TransactionRefused:
            said.append(("refused",))
        head = chain.block()
        said.append((head.number, head.time, chain.balance(contract), chain.balance(poor.address),
                     chain.nonce(key.address), chain.call(contract, data("now()"), tag=head.number),
                     chain.call(contract, data("value()")), len(chain.logs(contract))))
    return said


@pytest.fixture(scope="module")
def node():
    with Anvil() as anvil, anvil.connect() as evm:
        chain = Chain(evm)
        yield chain, chain.deploy(faucet_key(), compiled()).contract


@needs_anvil
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_it_does_what_a_node_does(node, steps):
    there, contract = node
    mark = snapshot(there)
    here = Chain(EmbeddedEvm())
    assert here.deploy(faucet_key(), compiled()).contract == contract
    theirs = told_by(there, contract, steps)
    restore(there, mark)
    assert told_by(here, contract, steps) == theirs
