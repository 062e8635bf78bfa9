"""What became of every job, by the chain, and whether it is what the models say; and what the members' disks hold."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any

from benchmarks.soak.jobs import Asked
from benchmarks.soak.models import MODELS, Model
from benchmarks.soak.network import Devnet
from enigmalang.chain.hub import Hub
from enigmalang.node.daemon.daemon import DATA
from enigmalang.node.daemon.keys import KeyFolder
from enigmalang.node.daemon.seats.part import STATE
from enigmalang.node.devnet import folder as folders
from enigmalang.node.durable.settling import chain_root
from enigmalang.node.durable.sqlite import SqliteState

ENDS = ("Settled", "Failed", "Expired")


@dataclass(slots=True)
class Audit:
    """How many jobs ended how: `right`; `unfetched` (done right, but the client got no result); `refunded`; `failed`
    (by the members' word; what was paid came back); `unsent` (never on the chain, which the client was told);
    `open`; `wrong`. `wrong` and all that is not as it should be is told in `faults`."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)


def await_ends(hub: Hub, seconds: float) -> list[int]:
    """Wait until every job has ended; those that have not by then."""
    deadline = monotonic() + seconds
    while True:
        events = hub.events(["Opened", *ENDS])
        ended = {event.fields["job"] for event in events if event.name in ENDS}
        left = sorted(event.fields["job"] for event in events if event.name == "Opened" and
                      event.fields["job"] not in ended)
        if not left or monotonic() > deadline:
            return left
        sleep(1.0)


def audit_jobs(hub: Hub, contracts: Mapping[str, str], asked: Sequence[Asked]) -> Audit:
    """Each job of the clients, in the order in which the hub had them computed, beside its model."""
    found = Audit()
    events = hub.events(["Opened", *ENDS])
    ends = {event.fields["job"]: event for event in events if event.name in ENDS}
    opened = {event.fields["job"]: event.fields for event in events if event.name == "Opened"}
    by_job = {each.job: each for each in asked if each.job}
    clients = {each.client for each in asked}
    models: dict[str, Model] = {name: MODELS[name]() for name in contracts}
    for job, fields in sorted(opened.items()):
        if str(fields["requester"]).lower() not in clients:
            continue  # an `init`
        each = by_job.get(job)
        if each is None:
            found.faults.append(f"job {job} was asked for by nobody")
        elif job not in ends:
            found.counts["open"] += 1
            found.faults.append(f"job {job} ({each.contract}.{each.function}) is still open: {each.words}")
        else:
            _judge(found, each, ends[job].name, models[each.contract], str(ends[job].fields.get("error", "")))
    for each in asked:
        if not each.job:
            found.counts["unsent"] += 1
            found.faults.append(f"{each.contract}.{each.function} was never sent, in {each.tries} tries: {each.words}")
        elif each.job not in opened:
            found.faults.append(f"job {each.job} is not on the hub")
    return found


def _judge(found: Audit, asked: Asked, end: str, model: Model, error: str) -> None:
    name = f"job {asked.job} ({asked.contract}.{asked.function} of {asked.client})"
    if end == "Expired":
        found.counts["refunded"] += 1
        return
    if end == "Failed":
        found.counts["failed"] += 1
        found.faults.append(f"{name} failed: {error}")
        return
    expected: list[Any] = model.call(asked.function, asked.client, asked.args)
    if asked.leaves is None:
        found.counts["unfetched"] += 1
        found.faults.append(f"{name} is done, and its client got no result: {asked.words}")
    elif asked.leaves != expected:
        found.counts["wrong"] += 1
        found.faults.append(f"{name}: {asked.leaves} instead of {expected}")
    else:
        found.counts["right"] += 1
        found.latencies.append(asked.took)


def chain_roots(hub: Hub, contracts: Mapping[str, str]) -> dict[str, tuple[int, tuple[str, ...], bytes]]:
    """By contract: its committee, who is in it, and the root of its private state."""
    found = {}
    for name, address in contracts.items():
        number = hub.attachment(address).committee
        members = tuple(member.lower() for member in hub.committee(number).members)
        found[name] = number, members, chain_root(hub, address, hub.chain.block_number())
    return found


def audit_disks(devnet: Devnet, contracts: Mapping[str, str],
                roots: Mapping[str, tuple[int, tuple[str, ...], bytes]]) -> list[str]:
    """What is wrong with the private state on the members' disks; the nodes have ended."""
    faults = []
    belongs = f"chain {devnet.network.chain}, hub {devnet.network.hub}"
    for node in devnet.nodes:
        password = (node.folder / folders.PASSWORD).read_text("utf-8").splitlines()[0]
        keys = KeyFolder(node.folder).open(password)
        with SqliteState(node.folder / DATA / "seats" / STATE, keys.storage, belongs) as state:
            for name, (number, members, root) in roots.items():
                if node.address in members and state.committee(number).root(contracts[name]) != root:
                    faults.append(f"node {node.number} has not the private state of {name} that the chain has")
    return faults
