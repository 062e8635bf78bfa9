"""What everybody can read of a contract on a chain: its public state, and its events."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from enigmalang.chain.abi import from_abi
from enigmalang.chain.client import Log
from enigmalang.chain.hub import hub_interface
from enigmalang.ir.leaves import leaves_of
from enigmalang.node.remote import Remote
from enigmalang.types.types import UINT256, AddressT, MapT, StringT, Type

#: Events of the hub that tell how a contract's jobs went.
JOBS = ("Opened", "Settled", "Failed", "Expired", "Slashed")


class NotThere(Exception):
    """A map has nothing under a key."""


def read_state(remote: Remote, name: str, keys: Sequence[Any] = ()) -> list[Any]:
    """The leaves of public state `name` under the leaves of its keys, in the last block. Raises NotThere."""
    contract = remote.ledger.adopt(remote.address, remote.name)
    type, _ = remote.plan.contracts[remote.name].state[name]
    while isinstance(type, MapT):
        type = type.value
    at, found = remote.chain.block_number(), []
    for leaf in leaves_of(type):
        (value,) = contract.read(".".join((name, *leaf.path)), [tuple(keys)], at)
        if value is None:
            raise NotThere(name)
        found.append(value)
    return found


@dataclass(frozen=True, slots=True)
class Event:
    """What a contract, or the hub about its jobs, put on the chain: fields with their types and Python data."""

    name: str
    fields: tuple[tuple[str, Type, Any], ...]
    log: Log
    removed: bool = False


def topics_of(remote: Remote) -> tuple[list[str], list[Any]]:
    """Where a contract's events and those of its jobs come from: addresses, and topics for `Chain.logs`."""
    events = remote.plan.contracts[remote.name].events
    own = [remote.interface.event(name).topic for name in events]
    return [remote.address, remote.hub.address], [[*own, *(hub_interface().event(name).topic for name in JOBS)]]


def read_event(remote: Remote, log: Log, removed: bool = False) -> Event | None:
    """The event that `log` is; None for another contract's job."""
    if log.address == remote.hub.address:
        return _of_job(remote, log, removed)
    event = remote.interface.events.get(log.topics[0])
    if event is None or event.name not in remote.plan.contracts[remote.name].events:
        return None
    raw = event.decode(log.topics, log.data)
    declared = remote.plan.contracts[remote.name].events[event.name]
    return Event(event.name, tuple((n, t, from_abi(raw[n], t)) for n, t in declared), log, removed)


def _of_job(remote: Remote, log: Log, removed: bool) -> Event | None:
    event = hub_interface().events[log.topics[0]]
    raw = event.decode(log.topics, log.data)
    contract = raw.get("contract")
    if contract is None:  # a node was accused
        contract = remote.hub.job(raw["job"]).contract
    if str(contract).lower() != remote.address:
        return None
    fields: list[tuple[str, Type, Any]] = [("job", UINT256, raw["job"])]
    if event.name == "Opened":
        fields += [("function", StringT(None), _function(remote, raw["function"])),
                   ("requester", AddressT(), str(raw["requester"]).lower())]
    if event.name in ("Settled", "Failed"):
        fields.append(("paid", UINT256, raw["paid"]))
    if event.name == "Failed":
        fields.append(("error", StringT(None), raw["error"]))
    if event.name == "Slashed":
        fields.append(("accused", AddressT(), str(raw["accused"]).lower()))
    return Event(f"Job{event.name}", tuple(fields), log, removed)


def _function(remote: Remote, digest: bytes) -> str:
    """The name of the function whose digest a job carries."""
    from enigmalang.chain.digests import function_digest

    names = (n.rpartition(".")[2] for n in remote.plan.contracts[remote.name].functions)
    return next((n for n in names if function_digest(remote.name, n) == digest), digest.hex())
