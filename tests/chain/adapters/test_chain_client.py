"""The shared layer over each adapter: what one chain answers, they all answer."""

import pytest
from adapters_support import compiled, data, needs_anvil

from enigmalang.chain.anvil import Anvil
from enigmalang.chain.client import Chain, Sent
from enigmalang.chain.development import advance, fund, restore, snapshot
from enigmalang.chain.embedded import EmbeddedEvm, faucet_key
from enigmalang.chain.errors import ChainError, Reverted, RpcError, TransactionRefused
from enigmalang.chain.memory import CHAIN_ID, GENESIS_TIME
from enigmalang.ethereum.hashing import keccak256
from enigmalang.ethereum.keys import SigningKey
from enigmalang.ethereum.transactions import Transaction, created_address, sign_transaction

SOMEONE = "0x" + "11" * 20
SET = "set(uint256)"


def word(number):
    return number.to_bytes(32, "big")


def test_money_moves(chain):
    receipt = chain.send(faucet_key(), SOMEONE, value=5)
    assert (receipt.ok, receipt.gas_used, receipt.block) == (True, 21_000, 1)
    assert chain.balance(SOMEONE) == 5
    assert chain.balance(SOMEONE, 0) == 0
    assert chain.nonce(faucet_key().address) == 1


def test_gas_costs_nothing(chain):
    before = chain.balance(faucet_key().address)
    chain.deploy(faucet_key(), compiled())
    assert chain.balance(faucet_key().address) == before


def test_blocks(chain):
    assert (chain.id, chain.block_number()) == (CHAIN_ID, 0)
    for expected in (1, 2):
        chain.send(faucet_key(), SOMEONE)
        assert chain.block().number == expected
    assert [chain.block(n).time - GENESIS_TIME for n in range(3)] == [-1, 0, 1]
    assert chain.block(2).parent == chain.block(1).hash
    assert chain.find_block(3) is None
    with pytest.raises(ChainError, match="no block 3"):
        chain.block(3)


def test_a_stranger_has_no_money(chain):
    with pytest.raises(TransactionRefused):
        chain.send(SigningKey.generate(), SOMEONE, value=1)
    assert chain.block_number() == 0


def test_a_contract(chain):
    receipt = chain.deploy(faucet_key(), compiled())
    assert receipt.contract == created_address(faucet_key().address, 0)
    assert chain.code(receipt.contract)
    assert chain.code(SOMEONE) == b""
    changed = chain.send(faucet_key(), receipt.contract, data(SET, 5))
    (log,) = changed.logs
    assert (log.address, log.data, log.block, log.index) == (receipt.contract, word(5), 2, 0)
    assert log.topics == (keccak256(b"Set(address,uint256)"), word(int(faucet_key().address, 16)))
    assert chain.call(receipt.contract, data("value()")) == word(5)
    assert chain.call(receipt.contract, data("value()"), tag=1) == word(0)
    assert chain.calls([(receipt.contract, data("value()"))] * 2) == [word(5)] * 2


@pytest.mark.parametrize(("value", "kind", "text"), [
    (13, "error", "unlucky"), (14, "empty", "execution reverted without a reason"),
    (15, "custom", f"execution reverted with error 0x{keccak256(b'Strange(uint256)')[:4].hex()}"),
    (16, "panic", "arithmetic overflow"),
])
def test_reverts(chain, contract, value, kind, text):
    for attempt in (
        lambda: chain.send(faucet_key(), contract, data(SET, value)),
        lambda: chain.call(contract, data(SET, value)),
        lambda: chain.estimate(faucet_key().address, contract, data(SET, value)),
    ):
        with pytest.raises(Reverted) as caught:
            attempt()
        assert (caught.value.revert.kind, caught.value.text) == (kind, text)
    assert chain.block_number() == 1
    if kind == "custom":
        assert caught.value.selector == keccak256(b"Strange(uint256)")[:4]
        assert caught.value.data[4:] == word(15)


def test_an_invalid_instruction_is_a_fault(chain, contract):
    with pytest.raises(Reverted) as caught:
        chain.call(contract, data(SET, 17))
    assert (caught.value.revert.kind, caught.value.text) == ("fault", "invalid instruction")


def test_a_revert_in_a_block(chain, contract):
    key = faucet_key()
    signed = sign_transaction(Transaction(chain.id, 1, 0, 0, 100_000, contract, 0, data(SET, 13)), key)
    chain.ask("eth_sendRawTransaction", "0x" + signed.raw.hex())
    request = {"from": key.address, "to": contract, "data": "0x" + data(SET, 13).hex()}
    with pytest.raises(Reverted, match="unlucky") as caught:
        chain.wait(Sent(signed, request))
    assert caught.value.hash == signed.hash
    assert chain.ask("eth_getTransactionReceipt", signed.hash)["status"] == "0x0"
    assert (chain.nonce(key.address), chain.block_number()) == (2, 2)


def test_sending_twice_is_sending_once(chain):
    sent = chain.submit(faucet_key(), SOMEONE, value=5)
    chain._hand_over(sent.signed)
    assert chain.wait(sent).ok
    assert chain.balance(SOMEONE) == 5


def test_a_used_nonce_is_refused(chain):
    chain.send(faucet_key(), SOMEONE)
    other = sign_transaction(Transaction(chain.id, 0, 0, 0, 21_000, SOMEONE, 1, b""), faucet_key())
    with pytest.raises(TransactionRefused):
        chain._hand_over(other)


def test_another_chains_transaction_is_refused(chain):
    other = sign_transaction(Transaction(chain.id + 1, 0, 0, 0, 21_000, SOMEONE, 1, b""), faucet_key())
    with pytest.raises((TransactionRefused, RpcError)):
        chain._hand_over(other)
    assert chain.balance(SOMEONE) == 0


def test_logs_are_found(chain, contract):
    other = chain.deploy(faucet_key(), compiled()).contract
    for target, value in ((contract, 1), (other, 2), (contract, 3)):
        chain.send(faucet_key(), target, data(SET, value))
    topic = keccak256(b"Set(address,uint256)")

    def values(*args, **kwargs):
        return [int.from_bytes(log.data, "big") for log in chain.logs(*args, **kwargs)]

    assert values() == [1, 2, 3]
    assert values(contract) == [1, 3]
    assert values([contract, other]) == [1, 2, 3]
    assert values(contract, first=4) == [3]
    assert values(contract, last=3) == [1]
    assert values(topics=[topic]) == [1, 2, 3]
    assert values(topics=[None, [word(1), word(int(faucet_key().address, 16))]]) == [1, 2, 3]
    assert values(topics=[None, word(1)]) == []
    assert values(topics=[topic, None, word(3)]) == []
    assert values(SOMEONE) == []


def test_snapshots_take_logs_and_money_back(chain, contract):
    chain.send(faucet_key(), contract, data(SET, 1))
    mark = snapshot(chain)
    before = chain.block()
    chain.send(faucet_key(), contract, data(SET, 2))
    chain.send(faucet_key(), SOMEONE, value=5)
    restore(chain, mark)
    assert chain.block() == before
    assert chain.call(contract, data("value()")) == word(1)
    assert len(chain.logs(contract)) == 1
    assert chain.balance(SOMEONE) == 0
    with pytest.raises(ChainError, match="no snapshot"):
        restore(chain, mark)
    again = chain.send(faucet_key(), contract, data(SET, 3))
    assert again.block == before.number + 1
    assert [log.data for log in chain.logs(contract)] == [word(1), word(3)]
    assert chain.block().parent == before.hash


def test_time(chain, contract):
    start = chain.block()
    advance(chain, blocks=3)
    assert (chain.block().number, chain.block().time) == (start.number + 3, start.time + 36)
    advance(chain, seconds=86_400)
    assert (chain.block().number, chain.block().time) == (start.number + 4, start.time + 36 + 86_400)
    chain.send(faucet_key(), contract, data(SET, 1))
    assert chain.block().time == start.time + 36 + 86_400 + 1


def test_gifts(chain):
    fund(chain, SOMEONE, 7)
    fund(chain, SOMEONE, 1)
    assert (chain.balance(SOMEONE), chain.block_number()) == (8, 0)
    chain.send(faucet_key(), SOMEONE, value=2)
    assert chain.balance(SOMEONE) == 10
    assert chain.balance(SOMEONE, 0) in (0, 8)  # anvil changes the block it stands at


def test_an_estimate_is_enough_and_no_more(chain, contract):
    key = faucet_key()
    for call in (data(SET, 5), data("clear()"), data("descend(uint256)", 9)):
        gas = chain.estimate(key.address, contract, call)
        mark = snapshot(chain)
        with pytest.raises((Reverted, TransactionRefused)):
            chain.ask("eth_call", {"from": key.address, "to": contract, "data": "0x" + call.hex(),
                                   "gas": hex(gas * 97 // 100)}, "latest")
        restore(chain, mark)
        assert chain.send(key, contract, call, gas=gas).ok


def test_what_it_does_not_know(evm):
    with pytest.raises(RpcError):
        evm.request("eth_unheardOf")
    with pytest.raises(RpcError):
        evm.request("eth_getBalance", ("nonsense", "latest"))
    with pytest.raises(RpcError):
        evm.batch([("eth_chainId", ()), ("eth_unheardOf", ())])
    assert evm.batch([]) == []
    assert evm.request("eth_chainId") == hex(CHAIN_ID)


@needs_anvil
def test_gas_is_what_a_node_measures():
    def measured(chain):
        contract = chain.deploy(faucet_key(), compiled())
        used = [contract.gas_used]
        calls = (data(SET, 5), data(SET, 6), data("clear()"), data("descend(uint256)", 30))
        estimates = [chain.estimate(faucet_key().address, contract.contract, call) for call in calls[:2]]
        for call in calls:
            used.append(chain.send(faucet_key(), contract.contract, call).gas_used)
        used.append(chain.send(faucet_key(), contract.contract, data("pay()"), value=1).gas_used)
        return used, estimates

    with Anvil() as anvil, anvil.connect() as evm:
        node = measured(Chain(evm))
    assert measured(Chain(EmbeddedEvm())) == node
