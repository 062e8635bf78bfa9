"""A network from a client's side: its chain, the service of its nodes, and the contracts that they serve.

Nothing that the service says is believed that can be checked: a plan is taken by its hash, which the hub has; what
nodes tell of a mask comes encrypted from each of them, and must fit together; results are on the chain.
"""

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from random import SystemRandom
from typing import Self, TypeVar

from enigmalang.chain.client import Chain, Log
from enigmalang.chain.errors import ChainError, ChainUnreachable, Reverted, shown
from enigmalang.chain.hub import Attachment, Committee, Hub, hub_interface, read_event
from enigmalang.chain.interface import Interface
from enigmalang.chain.ledger import FEE, EvmLedger
from enigmalang.chain.rpc import RpcEvm
from enigmalang.ethereum.words import address_word, number_word
from enigmalang.node.devchain import LeafValues
from enigmalang.node.networks import BadRecord, Network, records
from enigmalang.node.reaching import contact_of
from enigmalang.node.remote_service import RemoteError as RemoteError
from enigmalang.node.remote_service import Service as Service
from enigmalang.node.remote_service import checked_plan as checked_plan
from enigmalang.node.remote_service import closed_on_error as closed_on_error
from enigmalang.node.remote_service import keep_plan as keep_plan
from enigmalang.node.remote_service import kept_plan as kept_plan
from enigmalang.plan.plan import Plan
from enigmalang.transport.peering.contacts import Contact

T = TypeVar("T")


_UP = "`enig chain up` or `enig devnet up` starts a network; `--chain URL` names the chain of one that is up"
_ENDPOINT = "unix:"


# ---- chains and networks


def connect(url: str, confirmations: int = 0) -> Chain:
    """The chain at `url`, on which so many blocks must follow what is believed. Raises RemoteError E0708."""
    try:
        evm = RpcEvm(url)
        with closed_on_error(evm):
            return Chain(evm, confirmations=confirmations)
    except ChainError as error:
        raise RemoteError("E0708", str(error)) from None


def known_networks() -> list[Network]:
    """Those that are up on this machine: a record whose operator was killed stays behind. Raises RemoteError E0709."""
    try:
        return [network for network in records() if answers(network)]
    except BadRecord as error:
        raise RemoteError("E0709", str(error), "remove that file, and start the network again") from None


def answers(network: Network) -> bool:
    """Whether its operator is there; its chain, when its committees are drawn."""
    try:
        if network.drawn:
            RpcEvm(network.url).close()
        else:
            Service.at_socket(network.socket).close()
    except (RemoteError, ChainUnreachable):
        return False
    return True


def choose_network(url: str | None, hub: str | None, confirmations: int = 0) -> tuple[Chain, Network]:
    """Where to deploy: the one network that is up here; with `url` or `hub`, the one there. Raises RemoteError."""
    fitting = [n for n in known_networks() if hub is None or n.hub == hub.lower()]
    if url is None:
        if not fitting:
            raise RemoteError("E0709", f"no network is up on this machine{f' with the hub {hub}' if hub else ''}", _UP)
        if len(fitting) > 1:
            rows = "".join(f"\n--chain {shown(n.url)}" for n in fitting)
            raise RemoteError("E0709", f"{len(fitting)} networks are up on this machine", f"say which one:{rows}")
        return connect(fitting[0].url, confirmations), fitting[0]
    chain = connect(url, confirmations)
    with closed_on_error(chain.evm):
        for network in fitting:
            if network.chain == chain.id and chain.code(network.hub):
                return chain, network
        if hub is None:
            raise RemoteError("E0709", f"no network is up on this machine that uses the chain at {shown(url)}",
                              "`enig chain up --chain URL` starts one; for one elsewhere say --hub ADDRESS")
        return chain, _network_of_hub(chain, hub.lower(), url)


def _network_of_hub(chain: Chain, hub: str, url: str) -> Network:
    """The nodes on `hub` that can be reached, from whom committees are drawn; else the network of the committee formed
    last whose service answers."""
    asked = Hub(chain, hub)
    formed = reading(lambda: asked.events(["Formed"]), f"there is no hub at {hub}")
    reached = active_nodes(asked)
    if reached:
        return Network(chain.id, url, hub, 0, "", tuple(contact.address for contact in reached), 0, "")
    for event in reversed(formed):
        service = service_of(asked, int(event.fields["committee"]))
        if service is not None:
            try:
                return service.network()
            finally:
                service.close()
    raise RemoteError("E0709", f"no nodes of the hub {hub} answer", _UP)


def service_of(hub: Hub, committee: int) -> Service | None:
    """The service of a committee's nodes, found by what they registered; None when none of them answers."""
    members = hub.committee(committee).members
    nodes = [hub.node(member) for member in members]
    for node in nodes:
        if node.endpoint.startswith(_ENDPOINT):
            with suppress(RemoteError):
                return Service.at_socket(node.endpoint.removeprefix(_ENDPOINT))
    if any(contact_of(member, node) is not None for member, node in zip(members, nodes, strict=True)):
        with suppress(RemoteError):
            return Service.of_members(lambda: _contacts(hub, members), committee)
    return None


def _contacts(hub: Hub, addresses: Iterable[str]) -> list[Contact]:
    """The active nodes among `addresses` that have a port, in a random order: clients spread."""
    known = [(address, hub.node(address)) for address in addresses]
    found = [contact_of(address, node) for address, node in known if node.deposit]
    contacts = [contact for contact in found if contact is not None]
    SystemRandom().shuffle(contacts)
    return contacts


def active_nodes(hub: Hub) -> list[Contact]:
    """The nodes of the hub that have a port, in no order."""
    return _contacts(hub, dict.fromkeys(str(event.fields["node"]).lower() for event in hub.events(["Registered"])))


def reading(read: Callable[[], T], else_: str) -> T:
    """What `read` gives; RemoteError E0516, saying `else_`, when there is no contract that answers so."""
    from eth_abi.exceptions import DecodingError

    try:
        return read()
    except (Reverted, DecodingError):
        raise RemoteError("E0516", else_, "check the address, and the chain it is on") from None


# ---- contracts


@dataclass(slots=True)
class Served:
    """A contract of a hub, and what answers for the nodes that serve it. A context manager."""

    chain: Chain
    address: str
    hub: Hub
    attachment: Attachment
    service: Service | None  # None: its nodes do not answer, or it needs none

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.service is not None:
            self.service.close()
        self.chain.evm.close()

    def committee(self) -> Committee:
        """Who computes its jobs."""
        return self.hub.committee(self.attachment.committee)

    def follow(self) -> None:
        """The committee that serves the contract by now, which may be another one than it was: it is asked from here
        on."""
        now = self.hub.attachment(self.address)
        if now.committee == self.attachment.committee and self.service is not None:
            self.attachment = now
            return
        before, self.attachment, self.service = self.service, now, None
        if before is not None:
            before.close()
        self.service = service_of(self.hub, now.committee)

    def ended_by(self, job: int, since: int, ended: Log) -> int:
        """The committee that had the job when it was ended by the event `ended`: what it gave is asked for there. It
        was not opened before block `since`."""
        opened, moved = (hub_interface().event(name).topic for name in ("Opened", "Reattached"))
        (log,) = self.chain.logs(self.hub.address, [opened, number_word(job)], since, ended.block)
        found = int(read_event(log).fields["committee"])
        contract = address_word(self.address)
        for move in self.chain.logs(self.hub.address, [moved, contract], log.block, ended.block):
            if (log.block, log.index) < (move.block, move.index) < (ended.block, ended.index):
                found = int(read_event(move).fields["successor"])
        return found

    def served(self) -> Service:
        """Raises RemoteError E0709 when no node answers."""
        if self.service is None:
            raise RemoteError("E0709", f"no node of committee {self.attachment.committee}, which serves "
                              f"{self.address}, answers", f"{_UP}; or ask who runs the nodes")
        return self.service


@dataclass(slots=True)
class Remote(Served):
    """A deployed contract of a program, and all that is needed to use it."""

    name: str
    plan: Plan
    ledger: EvmLedger
    fee: int  # wei offered for the nodes' work on a job

    @property
    def interface(self) -> Interface:
        return self.ledger.adopt(self.address, self.name).interface


def find_contract(address: str, url: str | None, fee: int = FEE, confirmations: int = 0) -> Remote:
    """The contract at `address`, on the chain at `url` or on that of a network that is up here. Raises RemoteError."""
    address = address.lower()
    if url is not None:
        chain = connect(url, confirmations)
        with closed_on_error(chain.evm):
            return open_contract(chain, address, fee)
    networks = known_networks()
    if not networks:
        raise RemoteError("E0709", "no network is up on this machine", _UP)
    for network in networks:
        chain = connect(network.url, confirmations)
        with closed_on_error(chain.evm):
            if chain.code(address):
                return open_contract(chain, address, fee)
        chain.evm.close()
    raise RemoteError("E0516", f"there is no contract at {address}",
                      f"looked at {', '.join(shown(n.url) for n in networks)}; `--chain URL` names another chain")


_OWN = Interface(json.loads("""[
    {"type": "function", "name": "HUB", "inputs": [], "outputs": [{"type": "address"}]},
    {"type": "function", "name": "PLAN_HASH", "inputs": [], "outputs": [{"type": "bytes32"}]}]"""))


def open_contract(chain: Chain, address: str, fee: int = FEE) -> Remote:
    """The contract at `address` of `chain`. Its code must be what its plan compiles to. Raises RemoteError."""
    if not chain.code(address):
        raise RemoteError("E0516", f"there is no contract at {address} on chain {chain.id}",
                          "check the address, and the chain it is on")
    hub_address, plan_hash = (
        reading(lambda method=method: method.decode(chain.call(address, method.encode(())))[0],  # type: ignore[misc]
                f"what is at {address} is no contract of EnigmaLang")
        for method in _OWN.methods.values())
    hub = Hub(chain, hub_address.lower())
    attachment = reading(lambda: hub.attachment(address), f"{address} names a hub that is none: {hub_address}")
    if attachment.plan != plan_hash:
        raise RemoteError("E0706", f"{address} and its hub name different plans", "do not use this contract")
    service = service_of(hub, attachment.committee)
    with closed_on_error(service):
        plan = _plan_of(plan_hash, service)
        ledger = EvmLedger(chain, hub.address, plan, LeafValues(), committee=attachment.committee, fee=fee)
        name = ledger.identify(address)
        if name is None:
            raise RemoteError("E0706", f"the code at {address} is not what its plan compiles to",
                              "do not use this contract, or use the version of EnigmaLang that it was deployed with")
        ledger.adopt(address, name)
        return Remote(chain, address, hub, attachment, service, name, plan, ledger, fee)


def _plan_of(name: bytes, service: Service | None) -> Plan:
    plan = kept_plan(name)
    if plan is not None:
        return plan
    if service is None:
        raise RemoteError("E0709", f"no node answers that has the contract's plan ({name.hex()})", _UP)
    return service.plan(name)
