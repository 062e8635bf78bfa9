"""People who use a vault by orders of their own making, as a script's engine does for them."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from seat_nodes import LONG, Nodes, development, until

from enigmalang.chain.client import Log
from enigmalang.chain.digests import keccak
from enigmalang.chain.hub import MPC, OPEN, Hub, hub_interface
from enigmalang.chain.rules import rule_name, words_of
from enigmalang.chain.vault import FIELD, Vault, deploy_vault, sign_order
from enigmalang.circuits.circuit import Circuit, Form, Node, Output
from enigmalang.ethereum.keys import SigningKey
from enigmalang.execute.masks import masked_bytes
from enigmalang.fields import field_named
from enigmalang.identity.keys import Keystore
from enigmalang.mpc.outputs import unseal
from enigmalang.node.remote import service_of
from enigmalang.node.remote_forming import with_committee
from enigmalang.node.remote_service import NotNow
from enigmalang.node.reserved import read_parcels
from enigmalang.node.vaults import opened_of
from enigmalang.sharing import structure
from enigmalang.wire.codec import encode_circuit
from enigmalang.wire.orders import (
    DECLASSIFY,
    RUN,
    Erase,
    Leaf,
    Order,
    Place,
    SignedOrder,
    Write,
    circuit_of,
    encode_core,
)
from enigmalang.wire.orders import encode_order as encoded

A, B = Form.ARITH, Form.BITS
FEE = 10**15
KEYS = Keystore()


class Refused(Exception):
    """The order failed; the text is on the chain."""


def key_of(name: str) -> bytes:
    """The key of an entry."""
    return keccak(name.encode())


class Rows:
    """The nodes of a circuit, one after another."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    def __call__(self, op: str, *args: int, shape: tuple[int, ...] = (), form: Form = A, **attrs: Any) -> int:
        self.nodes.append(Node(op, args, shape, form, attrs))
        return len(self.nodes) - 1

    def circuit(self, opens: Sequence[int] = (), outputs: Sequence[int] = (), keeps: Sequence[tuple[int, int]] = ()
                ) -> bytes:
        given = tuple(Output(node, 0) for node in outputs)
        return encode_circuit(Circuit(FIELD, tuple(self.nodes), tuple(opens), given, tuple(keeps)))


@dataclass(frozen=True)
class Done:
    """`opened` and `received` (by the holder of the order's key) in the circuit's order."""

    job: int
    log: Log
    opened: list[Any] = field(repr=False)
    received: list[Any] = field(repr=False)


class Towns:
    """A vault of a committee of the nodes."""

    def __init__(self, nodes: Nodes, who: str = "alice", rotation: int = 0) -> None:
        self.nodes = nodes
        self.chain = nodes.world.chain
        self.hub = Hub(self.chain, nodes.world.hub.address)
        network = with_committee(self.chain, nodes.network(), KEYS.get(who), FIELD, rotation=rotation)
        self._deploy(network.committee, who)

    def _deploy(self, committee: int, who: str) -> None:
        self.address = deploy_vault(self.chain, KEYS.get(who).signing, self.hub.address, committee)
        self.vault = Vault(self.hub, self.address)

    def beside(self, who: str = "alice") -> "Towns":
        """Another vault of the same committee."""
        other = copy(self)
        other._deploy(self.committee, who)
        return other

    @property
    def committee(self) -> int:
        """That serves it now."""
        return self.hub.attachment(self.address).committee

    @property
    def members(self) -> tuple[str, ...]:
        return tuple(member.lower() for member in self.hub.committee(self.committee).members)


class Person:
    """Somebody with a session of their own."""

    def __init__(self, town: Towns, who: str, session: SigningKey | None = None) -> None:
        self.town, self.identity = town, KEYS.get(who)
        self.session, self._numbers = session or SigningKey.generate(), count(1)
        self.receiver = X25519PrivateKey.generate()
        development.fund(town.chain, self.address, 10**19)

    @property
    def address(self) -> str:
        return self.identity.address

    def served(self, ask: Callable[[Any], Any]) -> Any:
        """What some member answers; a committee that was just formed does not yet."""

        def asked() -> Any:
            service = service_of(self.town.hub, self.town.committee)
            if service is None:
                return None
            try:
                return (ask(service),)
            except NotNow:
                return None
            finally:
                service.close()

        return until(asked, "somebody to answer", LONG)[0]

    # ---- orders

    def order(self, circuit: bytes = b"", values: Sequence[Any] = (), **fields: Any) -> Order:
        """With `values` masked."""
        arrays = [np.asarray(value) for value in values]
        mask, masked = 0, b""
        if arrays:
            committee = self.town.hub.committee(self.town.committee)
            mask, numbers = self.served(lambda service: service.reserve(
                FIELD, sum(array.size for array in arrays), self.address, X25519PrivateKey.generate(),
                committee.members, committee.threshold, self.town.hub.domain))
            masked = masked_bytes(FIELD, arrays, numbers)
        session = fields.pop("session", bytes.fromhex(self.session.address[2:]))
        return Order(fields.pop("kind", RUN), session, circuit, mask.to_bytes(32, "big"), masked,
                     [list(array.shape) for array in arrays],
                     **{"number": next(self._numbers), **fields})

    def signed(self, order: Order, *approvers: str) -> bytes:
        def by(key: SigningKey) -> bytes:
            return sign_order(self.town.hub.domain, self.town.address, self.address, order, key)

        return encoded(SignedOrder(encode_core(order), by(self.session),
                                   [by(KEYS.get(who).signing) for who in approvers]))

    def hand_over(self, data: bytes) -> None:
        self.served(lambda service: service.put_order(data))

    def request(self, data: bytes) -> int:
        receipt = self.town.chain.send(
            self.identity.signing, self.town.address, self.town.vault.encode_request(data), FEE)
        return self.town.vault.job_of(receipt.logs)

    def ask(self, order: Order, *approvers: str) -> Done:
        """Hand the order over, request it, and wait for what comes of it. Raises Refused."""
        data = self.signed(order, *approvers)
        self.hand_over(data)
        circuit = circuit_of(order)
        told = circuit is not None and bool(circuit.opens or circuit.outputs)
        return self.awaited(self.request(data), told)

    def awaited(self, job: int, told: bool = False) -> Done:
        """`told`: whether anything is opened, or sealed for somebody."""
        hub = self.town.hub

        until(lambda: hub.job(job).status != OPEN, f"job {job} done", LONG)
        event = next(each for each in hub.events(["Settled", "Failed", "Expired"]) if each.fields["job"] == job)
        if event.name != "Settled":
            raise Refused(event.fields.get("error", "it was not done in time"))
        if not told:
            return Done(job, event.log, [], [])
        members = hub.committee(self.town.committee).members
        results, parcels = read_parcels(self.served(lambda service: service.result(job)), job, members, hub.domain)
        digest = self.town.vault.opened(job, event.log.block)
        received = [self._unsealed(pieces) for pieces in zip(*results, strict=True)]
        return Done(job, event.log, opened_of(parcels, digest) if any(parcels) else [], received)

    def _unsealed(self, pieces: Sequence[Any]) -> Any:
        shape = structure(len(self.town.members), 1)
        return unseal({node: each.piece for node, each in enumerate(pieces, 1)}, self.receiver.private_bytes_raw(),
                      tuple(pieces[0].shape), B if pieces[0].bits else A, field_named(FIELD), shape)

    # ---- entries

    def write(self, name: str, *values: Any, rule: Any = "owner", args: tuple[Any, ...] = (), about: bytes = b"",
              point: bool = True) -> Done:
        """`MPC[name] = values`, each a leaf."""
        rows, arrays = Rows(), [np.asarray(value) for value in values]
        loads = [rows("load", shape=array.shape, handle=number) for number, array in enumerate(arrays)]
        declared, key = self.declare(rule, args), key_of(name)
        circuit = rows.circuit(keeps=[(node, len(arrays) + number) for number, node in enumerate(loads)])
        done = self.ask(self.order(circuit, arrays, keeps=[Leaf(key, number) for number in range(len(arrays))],
                                   writes=[Write(key, declared, about, len(arrays))]))
        if point:
            self.point(name, declared, about)
        return done

    def declare(self, rule: str = "owner", args: tuple[Any, ...] = ()) -> bytes:
        words = words_of(KEYS.predicate(rule, args), _none)
        name = rule_name(words)
        if not self.town.hub.rule(name):
            self.town.hub.declare(self.identity.signing, words)
        return name

    def point(self, name: str, rule: bytes, about: bytes = b"") -> None:
        data = hub_interface().methods["point"].encode((MPC, key_of(name), keccak(about), rule))
        self.town.chain.send(self.identity.signing, self.town.hub.address, data)

    def read(self, name: str, shape: tuple[int, ...] = (), plus: int = 0, form: Form = A, **fields: Any) -> Any:
        """`reveal(MPC[name] + plus)` of an entry with one leaf."""
        rows = Rows()
        node = rows("load", shape=shape, form=form, handle=0)
        if plus:
            node = rows("add", node, rows("const", shape=shape, value=np.full(shape, plus, np.int64)), shape=shape)
        return self.ask(self.order(rows.circuit(opens=[node]), reads=[Leaf(key_of(name), 0)], **fields)).opened[0]

    def declassify(self, name: str, shape: tuple[int, ...] = (), number: int = 0, **fields: Any) -> Any:
        rows = Rows()
        node = rows("load", shape=shape, handle=0)
        return self.ask(self.order(
            rows.circuit(outputs=[node]), kind=DECLASSIFY, reads=[Leaf(key_of(name), number)],
            recipients=[self.receiver.public_key().public_bytes_raw()], **fields)).received[0]


def _none(found: Any) -> Any:
    raise AssertionError("no predicates of programs here")


__all__ = ["FEE", "KEYS", "A", "B", "Done", "Erase", "Person", "Place", "Refused", "Rows", "Towns", "key_of"]
