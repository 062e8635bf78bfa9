"""What anybody can check of a job, with web3.py and the contract's ABI alone: it imports nothing of EnigmaLang.

    python verify_job.py URL CONTRACT CONTRACT_NAME FUNCTION ABI.json

Reads the last fulfilment of FUNCTION from the chain, recomputes from its calldata the EIP-712 digest that nodes sign
(the whole structure is written out below), recovers the signers, and looks their seats up in the hub's committee.
Prints the result that the transaction returned, and the signers, as JSON. Fails with an AssertionError.
"""

import json
import sys
from pathlib import Path

from eth_abi import encode
from eth_account import Account
from eth_account.messages import encode_typed_data
from web3 import HTTPProvider, IPCProvider, Web3

HUB_ABI = json.loads("""[
 {"type": "function", "name": "attachment", "stateMutability": "view",
  "inputs": [{"name": "contract", "type": "address"}],
  "outputs": [{"name": "", "type": "tuple", "components": [
   {"name": "committee", "type": "uint256"}, {"name": "plan", "type": "bytes32"},
   {"name": "job_time", "type": "uint256"}, {"name": "oldest", "type": "uint256"},
   {"name": "newest", "type": "uint256"}]}]},
 {"type": "function", "name": "committee", "stateMutability": "view",
  "inputs": [{"name": "number", "type": "uint256"}],
  "outputs": [{"name": "", "type": "tuple", "components": [
   {"name": "members", "type": "address[]"}, {"name": "threshold", "type": "uint256"},
   {"name": "present", "type": "uint256"}, {"name": "open_jobs", "type": "uint256"}]}]},
 {"type": "event", "name": "Settled", "anonymous": false, "inputs": [
  {"name": "job", "type": "uint256", "indexed": true}, {"name": "contract", "type": "address", "indexed": true},
  {"name": "version", "type": "uint256", "indexed": false}, {"name": "revealed", "type": "bytes32", "indexed": false},
  {"name": "root", "type": "bytes32", "indexed": false},
  {"name": "work", "type": "tuple", "indexed": false, "components": [
   {"name": "rounds", "type": "uint256"}, {"name": "products", "type": "uint256"},
   {"name": "additions", "type": "uint256"}]},
  {"name": "paid", "type": "uint256", "indexed": false}]}
]""")

RESULT = [
    ("contract", "address"), ("committee", "uint256"), ("job", "uint256"), ("function", "bytes32"),
    ("arguments", "bytes32"), ("version", "uint256"), ("revealed", "bytes32"), ("root", "bytes32"),
    ("rounds", "uint256"), ("products", "uint256"), ("additions", "uint256"),
]
DOMAIN = [("name", "string"), ("version", "string"), ("chainId", "uint256"), ("verifyingContract", "address")]


def main(url: str, address: str, name: str, function: str, abi_path: str) -> None:
    web3 = Web3(HTTPProvider(url) if url.startswith("http") else IPCProvider(url))
    contract = web3.eth.contract(address=Web3.to_checksum_address(address), abi=json.loads(Path(abi_path).read_text()))
    hub = web3.eth.contract(address=contract.functions.HUB().call(), abi=HUB_ABI)
    event, transaction, called, given = last_fulfilment(web3, hub, contract, f"fulfil_{function}")

    inputs = next(f["inputs"] for f in contract.abi if f.get("name") == called)
    names = [field["name"] for field in inputs]
    types = [field["type"] for field in inputs]
    last = names.index("mask") + 1
    arguments = Web3.keccak(encode(types[1:last], [given[n] for n in names[1:last]]))
    revealed = Web3.keccak(b"".join(word.to_bytes(32, "big", signed=True) for word in given["words"]))
    number = hub.functions.attachment(contract.address).call()[0]
    message = {
        "contract": contract.address, "committee": number, "job": given["job"],
        "function": Web3.keccak(text=f"{name}.{function}"), "arguments": arguments, "version": given["version"],
        "revealed": revealed, "root": given["root"],
        **{field: given["work"][field] for field in ("rounds", "products", "additions")},
    }
    assert event["args"]["revealed"] == revealed and event["args"]["version"] == given["version"]
    signable = encode_typed_data(full_message={
        "types": {kind: [{"name": n, "type": t} for n, t in fields]
                  for kind, fields in (("EIP712Domain", DOMAIN), ("Result", RESULT))},
        "primaryType": "Result",
        "domain": {"name": "EnigmaLang", "version": "1", "chainId": web3.eth.chain_id,
                   "verifyingContract": hub.address},
        "message": message,
    })
    signers = [Account.recover_message(signable, vrs=(s["v"], s["r"], s["s"])) for s in given["signatures"]]

    members, threshold, *_ = hub.functions.committee(number).call()
    assert len(set(signers)) == len(signers), "a node signed twice"
    assert set(signers) <= set(members), "a stranger signed"
    assert len(signers) > threshold, "too few signatures"

    result = contract.get_function_by_name(called)(*[given[n] for n in names]).call(
        {"from": transaction["from"]}, block_identifier=transaction["blockNumber"] - 1)
    assert not [module for module in sys.modules if module.split(".")[0] == "enigmalang"]
    print(json.dumps({"result": result, "words": given["words"], "signers": signers, "members": members,
                      "threshold": threshold}))


def last_fulfilment(web3, hub, contract, called):
    """The hub's event, the transaction, its function's name and arguments."""
    for event in reversed(hub.events.Settled().get_logs(from_block=0, argument_filters={"contract": contract.address})):
        transaction = web3.eth.get_transaction(event["transactionHash"])
        found, given = contract.decode_function_input(transaction["input"])
        if found.fn_name == called:
            assert web3.eth.get_transaction_receipt(event["transactionHash"])["status"] == 1
            return event, transaction, called, given
    raise AssertionError(f"no {called} on the chain")


if __name__ == "__main__":
    main(*sys.argv[1:])
