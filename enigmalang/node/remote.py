"""A network from a client's side: its chain, the service of its nodes, and the contracts that they serve.

Nothing that the service says is believed that can be checked: a plan is taken by its hash, which the hub has; what
nodes tell of a mask comes encrypted from each of them, and must fit together; results are on the chain.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from enigmalang.chain.client import Chain
from enigmalang.chain.digests import Domain
from enigmalang.chain.errors import ChainError, ChainUnreachable, Reverted
from enigmalang.chain.hub import Attachment, Committee, Hub
from enigmalang.chain.interface import Interface
from enigmalang.chain.ledger import FEE, EvmLedger
from enigmalang.chain.rpc import RpcEvm
from enigmalang.circuits.circuit import Array
from enigmalang.identity.files import home
from enigmalang.node.devchain import LeafValues
from enigmalang.node.masking import MaskError
from enigmalang.node.networks import BadRecord, Network, read_network, records
from enigmalang.node.reserved import open_told
from enigmalang.plan.codec import PlanError, decode_plan, encode_plan, hash_plan
from enigmalang.plan.plan import Plan

T = TypeVar("T")


class Closed(Protocol):
    """Whatever is to be closed."""

    def close(self) -> None: ...


#: Seconds that a service may take for an answer: its nodes may be in the middle of a job.
ANSWER_SECONDS = 120.0
_UP = "`enig chain up` starts a network; `--chain URL` names the chain of one that is up"
_ENDPOINT = "unix:"


class RemoteError(Exception):
    """What is wrong, as a diagnostic's code, text and way out."""

    def __init__(self, code: str, text: str, help: str | None = None) -> None:
        super().__init__(text)
        self.code, self.text, self.help = code, text, help


class Service:
    """What answers for a committee's nodes. A context manager. Raises RemoteError E0709 when nobody answers."""

    def __init__(self, socket: str) -> None:
        try:
            self._rpc = RpcEvm(socket, ANSWER_SECONDS)
        except ChainUnreachable as error:
            raise RemoteError("E0709", f"the nodes' service at {socket} does not answer: {error.reason}",
                              "start it again with `enig chain up`, or ask who runs it") from None
        self.socket = socket

    def close(self) -> None:
        self._rpc.close()

    def network(self) -> Network:
        found = self._ask("enigma_network")
        try:
            return read_network({"socket": self.socket, **found} if isinstance(found, Mapping) else found)
        except BadRecord as error:
            raise self._nonsense(str(error)) from None

    def put_plan(self, plan: Plan) -> None:
        """Hand the plan over, for everyone who asks for it by its hash."""
        told = self._ask("enigma_putPlan", "0x" + encode_plan(plan).hex())
        if _bytes(told) != hash_plan(plan):
            raise self._nonsense("it gave another hash to the plan")

    def plan(self, name: bytes) -> Plan:
        """The plan with hash `name`."""
        data = _bytes(self._ask("enigma_getPlan", "0x" + name.hex()))
        if data is None:
            raise self._nonsense("a plan that is no bytes")
        return checked_plan(data, name)

    def reserve(self, field: str, size: int, owner: str, receiver: X25519PrivateKey, members: Sequence[str],
                threshold: int, domain: Domain) -> tuple[int, Array]:
        """A mask for `size` numbers that only jobs of `owner` may use: its number, and its values, which nobody but
        the holder of `receiver` is told, by all `members` of the committee."""
        told = self._ask("enigma_reserve", field, size, owner, "0x" + receiver.public_key().public_bytes_raw().hex())
        try:
            return open_told(told, receiver.private_bytes_raw(), field, size, owner, members, threshold, domain)
        except MaskError as error:
            raise RemoteError("E0706", str(error), "nothing was sent; ask who runs the nodes") from None

    def result(self, job: int) -> Mapping[str, Any]:
        found = self._ask("enigma_result", job)
        if not isinstance(found, Mapping):
            raise self._nonsense("a result that is none")
        return found

    def _ask(self, method: str, *params: Any) -> Any:
        try:
            return self._rpc.request(method, params)
        except ChainUnreachable as error:
            raise RemoteError("E0709", f"the nodes' service at {self.socket} no longer answers: {error.reason}",
                              "look at what `enig chain up` says there") from None
        except ChainError as error:
            raise RemoteError("E0709", f"the nodes' service refuses: {error}") from None

    def _nonsense(self, what: str) -> RemoteError:
        return RemoteError("E0703", f"the nodes' service at {self.socket} told nonsense: {what}")


def _bytes(text: Any) -> bytes | None:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except (AttributeError, ValueError):
        return None


# ---- plans


def _plan_path(name: bytes) -> Path:
    return home() / "plans" / f"{name.hex()}.plan"


def checked_plan(data: bytes, name: bytes) -> Plan:
    """The plan whose bytes are `data`, which must hash to `name`. Raises RemoteError."""
    try:
        plan = decode_plan(data)
    except PlanError as error:
        raise RemoteError("E0703", f"what should be the contract's plan is none: {error}") from None
    if hash_plan(plan) != name:
        raise RemoteError("E0703", f"what should be the plan {name.hex()} is another one: nothing was done with it")
    keep_plan(plan)
    return plan


def keep_plan(plan: Plan) -> None:
    """Keep it on this machine, so that what is public can be read when no node is up."""
    path = _plan_path(hash_plan(plan))
    if path.exists():
        return
    with suppress(OSError):  # a convenience: without it the service is asked
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_bytes(encode_plan(plan))
        os.replace(temporary, path)


def kept_plan(name: bytes) -> Plan | None:
    """The plan with hash `name`, if it was kept here, whole."""
    try:
        plan = decode_plan(_plan_path(name).read_bytes())
    except (OSError, PlanError):
        return None
    return plan if hash_plan(plan) == name else None


# ---- chains and networks


def connect(url: str, confirmations: int = 0) -> Chain:
    """The chain at `url`, on which so many blocks must follow what is believed. Raises RemoteError E0708."""
    try:
        evm = RpcEvm(url)
        with closed_on_error(evm):
            return Chain(evm, confirmations=confirmations)
    except ChainError as error:
        raise RemoteError("E0708", str(error)) from None


@contextmanager
def closed_on_error(held: Closed | None) -> Iterator[None]:
    """Close `held` when what follows fails."""
    try:
        yield
    except BaseException:
        if held is not None:
            held.close()
        raise


def known_networks() -> list[Network]:
    """Those that are up on this machine: a record whose operator was killed stays behind. Raises RemoteError E0709."""
    try:
        return [network for network in records() if _answers(network)]
    except BadRecord as error:
        raise RemoteError("E0709", str(error), "remove that file, and start the network again") from None


def _answers(network: Network) -> bool:
    try:
        Service(network.socket).close()
    except RemoteError:
        return False
    return True


def choose_network(url: str | None, hub: str | None, confirmations: int = 0) -> tuple[Chain, Network]:
    """Where to deploy: the one network that is up here; with `url` or `hub`, the one there. Raises RemoteError."""
    fitting = [n for n in known_networks() if hub is None or n.hub == hub.lower()]
    if url is None:
        if not fitting:
            raise RemoteError("E0709", f"no network is up on this machine{f' with the hub {hub}' if hub else ''}", _UP)
        if len(fitting) > 1:
            rows = "".join(f"\n--chain {n.url}" for n in fitting)
            raise RemoteError("E0709", f"{len(fitting)} networks are up on this machine", f"say which one:{rows}")
        return connect(fitting[0].url, confirmations), fitting[0]
    chain = connect(url, confirmations)
    with closed_on_error(chain.evm):
        for network in fitting:
            if network.chain == chain.id and chain.code(network.hub):
                return chain, network
        if hub is None:
            raise RemoteError("E0709", f"no network is up on this machine that uses the chain at {url}",
                              f"`enig chain up --chain {url}` starts one; for one elsewhere say --hub ADDRESS")
        return chain, _network_of_hub(chain, hub.lower())


def _network_of_hub(chain: Chain, hub: str) -> Network:
    """The network of the committee formed last on `hub` whose service answers."""
    asked = Hub(chain, hub)
    formed = reading(lambda: asked.events(["Formed"]), f"there is no hub at {hub}")
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
    for member in hub.committee(committee).members:
        endpoint = hub.node(member).endpoint
        if endpoint.startswith(_ENDPOINT):
            with suppress(RemoteError):
                return Service(endpoint.removeprefix(_ENDPOINT))
    return None


def reading(read: Callable[[], T], else_: str) -> T:
    """What `read` gives; RemoteError E0516, saying `else_`, when there is no contract that answers so."""
    from eth_abi.exceptions import DecodingError

    try:
        return read()
    except (Reverted, DecodingError):
        raise RemoteError("E0516", else_, "check the address, and the chain it is on") from None


# ---- contracts


@dataclass(slots=True)
class Remote:
    """A deployed contract, and all that is needed to use it. A context manager."""

    chain: Chain
    address: str
    name: str
    plan: Plan
    hub: Hub
    attachment: Attachment
    ledger: EvmLedger
    service: Service | None  # None: its nodes do not answer, or it needs none
    fee: int  # wei offered for the nodes' work on a job

    def __enter__(self) -> "Remote":
        return self

    def __exit__(self, *_: object) -> None:
        if self.service is not None:
            self.service.close()
        self.chain.evm.close()

    def committee(self) -> Committee:
        """Who computes its jobs."""
        return self.hub.committee(self.attachment.committee)

    @property
    def interface(self) -> Interface:
        return self.ledger.adopt(self.address, self.name).interface

    def served(self) -> Service:
        """Raises RemoteError E0709 when no node answers."""
        if self.service is None:
            raise RemoteError("E0709", f"no node of committee {self.attachment.committee}, which serves "
                              f"{self.address}, answers", f"{_UP}; or ask who runs the nodes")
        return self.service


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
                      f"looked at {', '.join(n.url for n in networks)}; `--chain URL` names another chain")


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
        return Remote(chain, address, name, plan, hub, attachment, ledger, service, fee)


def _plan_of(name: bytes, service: Service | None) -> Plan:
    plan = kept_plan(name)
    if plan is not None:
        return plan
    if service is None:
        raise RemoteError("E0709", f"no node answers that has the contract's plan ({name.hex()})", _UP)
    return service.plan(name)
