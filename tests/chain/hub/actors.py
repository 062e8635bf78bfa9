"""A hub, nodes with keys, and a contract that stands for a generated one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from machine import CHAIN, START, Contract, Machine, Receipt, compiled

import benchmarks
from enigmalang.chain import digests as d
from enigmalang.chain.compiling import own_contract
from enigmalang.ethereum.keys import SigningKey

DEPOSIT, JOB_TIME, MAX_JOB_TIME, UNBONDING = 10**18, 600, 1000, 2400
WEIGHTS = (10**12, 10**9, 10**7)
NOTHING = bytes(32)
FUNCTION = d.function_digest("C", "f")
WORK = d.Work(10, 100, 1000)

#: What the hub sees of a generated contract: it passes everything on.
CONTRACT = Path(benchmarks.__file__).with_name("contracts").joinpath("Passing.vy").read_text("utf-8")


@dataclass(frozen=True)
class Actor:
    name: str
    key: bytes = field(repr=False)
    address: str


def actor(name: str) -> Actor:
    """The same key for the same name."""
    key = d.keccak(name.encode())
    return Actor(name, key, SigningKey(key).address)


class World:
    """A hub on its own machine, with one committee and one contract if asked for."""

    def __init__(self, nodes: int = 3, threshold: int = 1) -> None:
        self.machine = Machine()
        self.alice, self.bob, self.eve = actor("alice"), actor("bob"), actor("eve")
        self.nodes = [actor(f"node {i}") for i in range(nodes)]
        for a in (self.alice, self.bob, self.eve, *self.nodes):
            self.machine.fund(a.address)
        self.hub = deploy_hub(self.machine, self.alice)
        self.domain = d.Domain(CHAIN, self.hub.address)
        self._consents: dict[int, bytes] = {}
        for node in self.nodes:
            self.register(node)
        self.committee = self.form(self.nodes, threshold)
        self.contract = self.deploy()
        self.threshold = threshold

    def register(self, node: Actor, deposit: int = DEPOSIT) -> Receipt:
        return self.hub.send("register", d.keccak(node.address.encode()), NOTHING, "localhost:1", sender=node.address,
                             value=deposit)

    def register_more(self, nodes: Sequence[Actor]) -> None:
        """Nodes beside those of the first committee."""
        for node in nodes:
            self.machine.fund(node.address)
            self.register(node)

    def consents(self, members: Sequence[Actor], threshold: int, salt: bytes, until: int, rotation: int = 0
                 ) -> list[Any]:
        digest = d.consent_digest(self.domain, [m.address for m in members], threshold, salt, until, rotation)
        return signed(digest, members)

    def form(self, members: Sequence[Actor], threshold: int, salt: bytes = NOTHING, until: int = START + 10**9,
             rotation: int = 0) -> int:
        signatures = self.consents(members, threshold, salt, until, rotation)
        return self.formed(self.hub.send("form", [m.address for m in members], threshold, salt, until, signatures,
                                         rotation, sender=self.alice.address))

    def formed(self, receipt: Receipt) -> int:
        """The number of a new committee, and what its members consented to is remembered."""
        _, event = receipt.logs[-1]
        self._consents[event["committee"]] = event["consent"]
        return int(event["committee"])

    def consent(self, committee: int) -> bytes:
        """What its members signed; something that nobody signed for what is no committee."""
        return self._consents.get(committee, d.keccak(b"nobody"))

    def deploy(self, committee: int | None = None, job_time: int = 0) -> Contract:
        return self.machine.deploy(compiled(CONTRACT), self.alice.address, self.hub.address,
                                   committee or self.committee, job_time)

    def request(self, who: Actor, fee: int = 10**15, payment: int = 0, arguments: bytes = NOTHING,
                contract: Contract | None = None) -> int:
        return (contract or self.contract).send("request", FUNCTION, arguments, payment, sender=who.address,
                                                value=fee + payment).value

    def call(self, job: int, arguments: bytes = NOTHING, contract: Contract | None = None) -> d.Call:
        address = (contract or self.contract).address
        return d.Call(address, self.hub.call("attachment", address)["committee"], job, FUNCTION, arguments)

    def result(self, job: int, signers: Sequence[Actor], version: int = 0, work: d.Work = WORK,
               contract: Contract | None = None) -> tuple[Any, ...]:
        """The arguments of `fulfil`, signed."""
        digest = d.result_digest(self.domain, self.call(job, contract=contract), version, NOTHING, NOTHING, work)
        return (job, FUNCTION, NOTHING, version, NOTHING, NOTHING, words(work), signed(digest, signers))

    def failure(self, job: int, signers: Sequence[Actor], error: str = "no", version: int = 0,
                work: d.Work = WORK, contract: Contract | None = None) -> tuple[Any, ...]:
        digest = d.failure_digest(self.domain, self.call(job, contract=contract), version, error, work)
        return (job, FUNCTION, NOTHING, version, error, words(work), signed(digest, signers))

    def fulfil(self, job: int, signers: Sequence[Actor], version: int = 0, contract: Contract | None = None,
               work: d.Work = WORK) -> Receipt:
        return (contract or self.contract).send(
            "fulfil", *self.result(job, signers, version, work, contract), sender=self.eve.address)

    def report(self, job: int, signers: Sequence[Actor], version: int = 0, contract: Contract | None = None) -> Receipt:
        return (contract or self.contract).send(
            "report_failure", *self.failure(job, signers, version=version, contract=contract), sender=self.eve.address)

    def accuse(self, job: int, accused: Actor, signers: Sequence[Actor]) -> Receipt:
        digest = d.accusation_digest(self.domain, job, accused.address, NOTHING)
        return self.hub.send("accuse", job, accused.address, NOTHING, signed(digest, signers), sender=self.eve.address)

    def owed(self, who: Actor) -> int:
        return self.hub.call("owed", who.address)

    def price(self, work: d.Work = WORK) -> int:
        return sum(w * u for w, u in zip(WEIGHTS, words(work), strict=True))


def deploy_hub(machine: Machine, sender: Actor) -> Contract:
    account = machine.deploy_blueprint(own_contract("Account"), sender.address)
    return machine.deploy(own_contract("Hub"), sender.address, DEPOSIT, UNBONDING, JOB_TIME, MAX_JOB_TIME, *WEIGHTS,
                          account)


def words(work: d.Work) -> tuple[int, int, int]:
    return work.rounds, work.products, work.additions


def signed(digest: bytes, signers: Sequence[Actor]) -> list[tuple[bytes, bytes, int]]:
    made = [d.sign(digest, s.key) for s in signers]
    return [(m.r, m.s, m.v) for m in made]
