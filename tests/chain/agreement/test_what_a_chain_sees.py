"""The chain sees no secret, and nothing is left when a program has ended."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from run_support import ROOT, enig

from enigmalang.compiler import compile_file
from enigmalang.diagnostics import Sink
from enigmalang.execute.circuit_engine import CircuitEngine
from enigmalang.execute.runner import run_function
from enigmalang.node.cluster import Cluster
from enigmalang.node.devchain import DevChain
from enigmalang.node.local import local_world
from enigmalang.plan.plan import Plan

#: Values that turn up nowhere by chance.
SECRETS = (3_141_592_653, 2_718_281_828, 1_618_033_988, 1_414_213_562, -1_732_050_807)
PROGRAM = """
contract Vault:
    private kept: map[address, uint32]
    private rows: list[uint32, 5]
    private low: int32
    people: list[address, 9]

    def init(private first: uint32):
        rows.append(first)

    def keep(private x: uint32):
        people.append(sender)
        kept[sender] = x

    def several(private xs: list[uint32, 4], private y: int32):
        rows.append(xs[0])
        low = y

    def refuse(private x: uint32):
        require reveal(x < 10), "too large"

    def larger(private x: uint32) -> bool:
        return reveal(x > kept[sender])

    def mine() -> private uint32:
        return kept[sender]

identity alice
as alice:
    v = deploy Vault(3_141_592_653)
    v.keep(2_718_281_828)
    v.several([1_618_033_988, 1_414_213_562], -1_732_050_807)
    expect revert "too large": v.refuse(2_718_281_828)
    print(v.larger(3_141_592_653), v.mine())
"""


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    path = tmp_path_factory.mktemp("vault") / "vault.enig"
    path.write_text(PROGRAM)
    made = compile_file(str(path), Sink())
    assert made is not None and made.script is not None
    return made


@pytest.fixture(scope="module")
def network() -> Iterator[DevChain]:
    made = DevChain.embedded()
    yield made
    made.close()


@pytest.fixture(params=["clear", "circuit", "mpc"])
def engine(request: pytest.FixtureRequest, plan: Plan) -> Iterator[Any]:
    if request.param == "clear":
        yield None
        return
    made = CircuitEngine(plan.field) if request.param == "circuit" else Cluster.start(3, 1, plan.field, 60.0, None)
    yield made
    made.close()


def everything(network: DevChain, plan: Plan, engine: Any) -> tuple[list[bytes], list[bytes]]:
    """All that a run put on the chain: what was sent with transactions, and what was logged."""
    lines: list[str] = []
    ledger = network.fresh(plan)
    first = network.chain.block_number() + 1
    assert plan.script is not None
    run_function(local_world(plan, engine, out=lines.append, chain=lambda: ledger), plan.script)
    assert lines == ["True 2718281828\n"]
    blocks = [network.chain.ask("eth_getBlockByNumber", hex(n), True)
              for n in range(first, network.chain.block_number() + 1)]
    sent = [bytes.fromhex(t["input"][2:]) for block in blocks for t in block["transactions"]]
    logged = [b"".join(log.topics) + log.data for log in network.chain.logs(first=first)]
    assert len(sent) >= 12 and len(logged) >= 12
    return sent, logged


def forms(secret: int) -> set[bytes]:
    """How a number could be written: words of all sizes, either way round, as a field element, as digits."""
    made = {str(abs(secret)).encode(), f"{abs(secret):x}".encode()}
    for size in (4, 8, 16, 32):
        for value in (secret, abs(secret), secret % ((1 << 61) - 1), secret % ((1 << 127) - 1)):
            if value < 1 << 8 * size - 1 or size == 32:
                for order in ("little", "big"):
                    made.add(value.to_bytes(size, order, signed=True))  # type: ignore[arg-type]
    return made | {abs(secret).to_bytes(4, "little"), abs(secret).to_bytes(4, "big")}


def test_the_chain_sees_no_secret(network: DevChain, plan: Plan, engine: Any) -> None:
    sent, logged = everything(network, plan, engine)
    for secret in SECRETS:
        for form in forms(secret):
            assert not any(form in data for data in (*sent, *logged)), (secret, form.hex())


def test_the_scan_finds_what_is_in_the_clear(
    network: DevChain, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client whose masks are nothing is found out."""
    monkeypatch.setattr("enigmalang.execute.masks.secrets", SimpleNamespace(randbelow=lambda p: 0))
    sent, logged = everything(network, plan, None)
    assert any(form in data for form in forms(SECRETS[1]) for data in sent)
    assert any(form in data for form in forms(SECRETS[1]) for data in logged)


def test_the_same_secret_is_masked_anew(network: DevChain, plan: Plan, engine: Any) -> None:
    """What is public of two runs is the same, what is masked never is."""
    (first, _), (second, _) = (everything(network, plan, engine) for _ in range(2))
    assert [len(data) for data in first] == [len(data) for data in second]
    interface = network_interface(network, plan)
    masked = [[interface[data[:4]].decode_inputs(data)[-3] for data in sent if data[:4] in interface]
              for sent in (first, second)]
    assert len(masked[0]) == len(masked[1]) >= 6
    given = [(a, b) for a, b in zip(*masked, strict=True) if a or b]
    assert len(given) == 5
    assert all(a != b for a, b in given)
    assert len({a for pair in given for a in pair}) == 10


class _Request:
    """A `request_f` by its ABI."""

    def __init__(self, inputs: tuple[str, ...]) -> None:
        self._inputs = inputs

    def decode_inputs(self, data: bytes) -> tuple[Any, ...]:
        from eth_abi.abi import decode

        return tuple(decode(self._inputs, data[4:]))


def network_interface(network: DevChain, plan: Plan) -> dict[bytes, _Request]:
    from enigmalang.chain.interface import Interface
    from enigmalang.chain.vyper import compile_contract

    methods = Interface(compile_contract(plan, "Vault").compiled.abi).methods
    return {m.selector: _Request(m.inputs) for name, m in methods.items() if name.startswith("request_")}


def processes(marker: str) -> list[str]:
    """The command lines of all processes that have `marker` in their environment."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                if marker.encode() in (folder / "environ").read_bytes():
                    found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue  # it has ended, or is another user's
    return found


@pytest.mark.parametrize("engine", ["clear", "mpc"])
@pytest.mark.parametrize("program", ["salaries.enig", "login.enig"])
def test_nothing_is_left(program: str, engine: str, tmp_path: Path) -> None:
    marker = f"enigmalang-left-{tmp_path.name}-{engine}"
    (temporary := tmp_path / "tmp").mkdir()
    before = sorted(p.name for p in ROOT.iterdir())
    done = enig("run", f"examples/{program}", "--engine", engine, TMPDIR=str(temporary), LEFT=marker,
                ENIGMALANG_HOME=str(tmp_path / "home"))
    assert (done.returncode, done.stderr) == (0, "")
    assert processes(marker) == []
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / "home").exists()
    assert sorted(p.name for p in ROOT.iterdir()) == before
