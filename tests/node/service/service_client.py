"""A client of a network in this process: what it signs and masks is its own. The operator is stepped by the test."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from enigmalang.chain import development
from enigmalang.chain.client import Chain
from enigmalang.chain.hub import EMPTY, Hub
from enigmalang.chain.ledger import EvmLedger
from enigmalang.chain.receiving import publish_receiving_key
from enigmalang.chain.rpc import RpcEvm
from enigmalang.circuits.circuit import Form
from enigmalang.compiler.compiler import compile_file
from enigmalang.diagnostics import Sink
from enigmalang.ethereum.keys import SigningKey
from enigmalang.execute.masks import masked_bytes
from enigmalang.execute.requests import private_leaves
from enigmalang.fields import field_named
from enigmalang.mpc.outputs import unseal
from enigmalang.node.devchain import LeafValues
from enigmalang.node.hosting import Host, HostSettings
from enigmalang.node.reserved import open_told, read_parcels
from enigmalang.plan.calls import LedgerCall
from enigmalang.plan.codec import encode_plan
from enigmalang.plan.plan import Plan
from enigmalang.sharing import structure

PLAN = Path(__file__).parent / "pool.enig"
FEE = 10**16


@contextmanager
def hosted(folder: Path, chain: str = "embedded", **settings: Any) -> Iterator[Host]:
    """A network whose socket lies in `folder`; its nodes are given the time that a busy machine takes."""
    settings = {"timeout": 60.0} | settings
    with Host.up(HostSettings(chain=chain, socket=folder / "net.sock", **settings)) as host:
        yield host


def compiled(path: Path = PLAN) -> Plan:
    plan = compile_file(str(path), Sink())
    assert plan is not None
    return plan


@dataclass(slots=True)
class Person:
    """Who acts, signs and receives."""

    name: str
    signing: SigningKey = field(default_factory=SigningKey.generate)
    receiving: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)

    @property
    def address(self) -> str:
        return self.signing.address


class Contract:
    """A deployed contract, and calls of it."""

    def __init__(self, host: Host, plan: Plan, rpc: RpcEvm, owner: Person, name: str = "Pool") -> None:
        self.host, self.plan, self._rpc, self.name = host, plan, rpc, name
        self.chain = Chain(rpc)
        self.hub = Hub(self.chain, host.hub.address)
        self.fund(owner)
        self.ledger = EvmLedger(self.chain, host.hub.address, plan, LeafValues(), committee=host.network.committee,
                                fee=FEE)
        rpc.request("enigma_putPlan", ["0x" + encode_plan(plan).hex()])
        self.address = self.ledger.create(name, owner, 0, ())

    def fund(self, person: Person) -> None:
        development.fund(self.chain, person.address, 10**20)
        publish_receiving_key(self.chain, self.host.hub.address, person.signing,
                              person.receiving.public_key().public_bytes_raw())

    def call(self, name: str, sender: Person, args: tuple[Any, ...], shapes: tuple[tuple[int, ...], ...] = (),
             value: int = 0) -> LedgerCall:
        function = self.plan.functions[f"{self.name}.{name}"]
        return LedgerCall(self.address, self.name, function, sender, value, args, shapes)

    def transact(self, name: str, sender: Person, *args: Any) -> None:
        self.ledger.transact(self.call(name, sender, args))

    def reserve(self, person: Person, size: int) -> tuple[int, Any]:
        """A mask's number and values."""
        public = "0x" + person.receiving.public_key().public_bytes_raw().hex()
        answer = self._rpc.request("enigma_reserve", ["M61", size, person.address, public])
        network = self.host.network
        return open_told(answer, person.receiving.private_bytes_raw(), "M61", size, person.address, network.nodes,
                         network.threshold, self.hub.domain)

    def request(self, name: str, sender: Person, *args: Any, value: int = 0, masked: tuple[bytes, int] | None = None
                ) -> int:
        """Ask for a job with leaves `args`; its number."""
        kinds = private_leaves(self.plan.functions[f"{self.name}.{name}"].public)
        private = [np.asarray(arg) for arg, kind in zip(args, kinds, strict=True) if kind is not None]
        if masked is None and private:
            number, mask = self.reserve(sender, sum(prod(array.shape) for array in private))
            masked = masked_bytes("M61", [array.astype(object) for array in private], mask), number
        public = tuple(None if kind is not None else arg for arg, kind in zip(args, kinds, strict=True))
        shapes = tuple(array.shape for array in private)
        content, number = masked or (b"", 0)
        return self.ledger.request(self.call(name, sender, public, shapes, value), content, number)

    def result(self, job: int) -> Any:
        return self._rpc.request("enigma_result", [job])

    def private_result(self, job: int, person: Person, others: bool = False) -> Any:
        """What the nodes sealed for the caller, or for `others`, opened with `person`'s key."""
        network = self.host.network
        sealed = read_parcels(self.result(job), job, network.nodes, self.hub.domain)[others]
        first = sealed[0][0]
        pieces = {node: own[0].piece for node, own in enumerate(sealed, 1)}
        form = Form.BITS if first.bits else Form.ARITH
        return unseal(pieces, person.receiving.private_bytes_raw(), tuple(first.shape), form, field_named("M61"),
                      structure(len(network.nodes), network.threshold)).tolist()

    def read(self, slot: str) -> Any:
        contract = self.ledger.contracts.find(self.address)
        assert contract is not None
        return contract.read(slot, [()], self.chain.block_number())[0]

    def root(self) -> bytes:
        contract = self.ledger.contracts.find(self.address)
        assert contract is not None
        return contract.private_root(self.chain.block_number())


__all__ = ["EMPTY", "FEE", "Contract", "Person", "compiled", "hosted"]
