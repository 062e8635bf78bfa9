"""What the hub's transactions cost: `python -m benchmarks gas`.

On the embedded chain, which meters as the rules of Prague say, so that the numbers are those of any chain. The contract
passes on what it is called with (`contracts/Passing.vy`): a generated one adds its own public part. "first": what
writes where nothing was written before, which costs 17,100 more a word.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from enigmalang.cli.columns import columns

FILE = Path(__file__).parent / "results" / "gas.json"
NODES = (3, 5, 7)
ETHER = 10**18
EMPTY = bytes(32)


def measure_gas() -> dict[str, int]:
    """Gas by what was done. Deterministic, in a few seconds."""
    from enigmalang.chain.client import Chain
    from enigmalang.chain.embedded import EmbeddedEvm, faucet_key

    with EmbeddedEvm() as evm:
        chain, found = Chain(evm), {}
        hub = _deploy(chain, faucet_key(), found)
        for nodes in NODES:
            _jobs(chain, hub, nodes, found)
        _rest(hub, found)
    return found


def gas_table(found: dict[str, int]) -> str:
    return columns(("what", "gas"), [(name, f"{gas:,}") for name, gas in found.items()])


def _deploy(chain: Any, key: Any, found: dict[str, int]) -> Any:
    from enigmalang.chain.hub import Parameters, deploy_hub

    first = chain.block_number()
    hub = deploy_hub(chain, key, Parameters(minimum_deposit=ETHER))
    found["deploy the account's blueprint"], found["deploy the hub"] = (
        _used(chain, number) for number in (first + 1, first + 2))
    return hub


def _jobs(chain: Any, hub: Any, count: int, found: dict[str, int]) -> None:
    """A committee, a contract, and its first and second job."""
    from eth_abi.abi import encode

    from enigmalang.chain import digests
    from enigmalang.chain.compiling import compile_source
    from enigmalang.chain.embedded import faucet_key
    from enigmalang.chain.interface import Interface

    key = faucet_key()
    keys = _nodes(hub, count, found)
    threshold, until = (count - 1) // 2, 2**40
    members = [node.address for node in keys]
    consent = digests.consent_digest(hub.domain, members, threshold, EMPTY, until)
    number = hub.form(key, members, threshold, EMPTY, until, _signed(consent, keys))
    found[f"form a committee of {count}"] = _used(chain, chain.block_number())
    source = (Path(__file__).parent / "contracts" / "Passing.vy").read_text("utf-8")
    compiled = compile_source(source, "Passing")
    interface = Interface(compiled.abi)
    made = chain.deploy(key, compiled.init, encode(interface.constructor, (hub.address, number, 0)))
    found["deploy a contract that only passes on"] = made.gas_used
    function = digests.function_digest("C", "f")
    for version, when in enumerate(("first", "later")):
        arguments = digests.keccak(bytes([version]))
        asked = interface.methods["request"].encode((function, arguments, 0))
        receipt = chain.send(key, made.contract, asked, ETHER // 1000)
        found[f"request ({when})"] = receipt.gas_used
        job, work = hub.attachment(made.contract).oldest, digests.Work(100, 10_000, 100_000)
        call = digests.Call(made.contract, number, job, function, arguments)
        digest = digests.result_digest(hub.domain, call, version, EMPTY, EMPTY, work)
        data = interface.methods["fulfil"].encode((
            job, function, arguments, version, EMPTY, EMPTY, (work.rounds, work.products, work.additions),
            [(s.r, s.s, s.v) for s in _signed(digest, keys[:threshold + 1])]))
        found[f"fulfil with {count} nodes, {threshold + 1} signatures ({when})"] = chain.send(
            key, made.contract, data).gas_used
    hub.claim(keys[0])
    found["claim"] = _used(chain, chain.block_number())


def _nodes(hub: Any, count: int, found: dict[str, int]) -> list[Any]:
    """Fresh nodes, registered."""
    from enigmalang.chain import development, digests
    from enigmalang.ethereum.keys import SigningKey

    keys = [SigningKey(digests.keccak(f"gas {count} {i}".encode())) for i in range(count)]
    for node in keys:
        development.fund(hub.chain, node.address, 10 * ETHER)
        receipt = hub.register(node, digests.keccak(b"key"), digests.keccak(b"tls"), "node.example:7000", ETHER)
        found["register a node"] = receipt.gas_used
    return keys


def _rest(hub: Any, found: dict[str, int]) -> None:
    """`L`, identities, rules and pointers."""
    from enigmalang.chain import digests, rules
    from enigmalang.chain.embedded import faucet_key

    key, chain, name = faucet_key(), hub.chain, digests.log_key(["price"])
    for what, size in (("32 bytes of a new type", 32), ("32 bytes", 32), ("1,024 bytes", 1024)):
        found[f"L: write {what}"] = hub.write(key, name, "int64", b"\1" * size).gas_used
    members = [f"0x{i:040x}" for i in range(1, 4)]
    owner, compute = (rules.rule_name([op << 248]) for op in (rules.OWNER, rules.ONLY_COMPUTE))
    for count in (2, 3):
        hub.create_identity(key, members[:count], [owner, *[compute] * (count - 1)])
        found[f"create an identity of {count}"] = _used(chain, chain.block_number())
    words = [rules.ONLY << 248 | 7, rules.ONLY_COMPUTE << 248, rules.AND << 248]
    found["declare a rule of 3 words"] = hub.declare(key, words).gas_used
    found["point to data"] = hub.point(key, 1, name, digests.keccak(b"data"), owner).gas_used


def _used(chain: Any, number: int) -> int:
    """Of the one transaction in a block of the embedded chain."""
    return int(chain.ask("eth_getBlockByNumber", hex(number), False)["gasUsed"], 16)


def _signed(digest: bytes, keys: Sequence[Any]) -> list[Any]:
    from enigmalang.chain import digests

    return [digests.sign(digest, key.reveal()) for key in keys]
