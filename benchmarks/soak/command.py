"""`python -m benchmarks soak`: everything, in order."""

import json
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from time import monotonic, sleep

from benchmarks.soak.audit import audit_disks, audit_jobs, await_ends, chain_roots
from benchmarks.soak.clients import MODELS, Board, Client, run_all
from benchmarks.soak.killing import Killer
from benchmarks.soak.losses import lose_two, try_stranger
from benchmarks.soak.network import Devnet, devnet, down, up_again
from benchmarks.soak.options import Options, arguments
from benchmarks.soak.report import Report, as_json, as_text
from benchmarks.soak.watching import Watch
from enigmalang.chain.client import Chain
from enigmalang.chain.hub import Hub, Parameters
from enigmalang.compiler.compiler import compile_file
from enigmalang.diagnostics import Sink
from enigmalang.identity.keys import Keystore
from enigmalang.node.remote import connect
from enigmalang.node.remote_calls import deploy

SOURCE = Path(__file__).with_name("contracts.enig")
#: Seconds for which open jobs are waited for at the end: until their deadlines, and a little.
ENDING = Parameters().job_time + 120.0
#: Seconds in which every acknowledged value must be found at the end, when all nodes are there.
FOUND = 60.0
#: Seconds after which a holder that is lost is replaced, and between two looks, where two are lost for good.
AWAY, CHECK = 10.0, 2.0
Say = Callable[[str], None]


def main(words: Sequence[str]) -> int:
    """Status 0 when all went well, 1 when anything was not as it must be."""
    options, save = arguments(words)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # the devnet is ended all the same
    report = soak(options, lambda line: print(line, file=sys.stderr, flush=True))
    print(as_text(report))
    if save is not None:
        save.parent.mkdir(parents=True, exist_ok=True)
        save.write_text(json.dumps(as_json(report), indent=1, ensure_ascii=False) + "\n", "utf-8")
    return int(bool(report.faults))


def soak(options: Options, say: Say) -> Report:
    """Raises SoakError when it cannot go on."""
    began, rng = monotonic(), Random(options.seed)

    def stage(text: str) -> None:
        say(f"{monotonic() - began:6.1f} s  {text}")

    with devnet(options.nodes, options.folder) as net:
        with connect(net.url).evm as evm:
            hub = Hub(Chain(evm), net.network.hub)
            stage("the devnet is up")
            contracts = _deployed(net, hub, say)
            stage("clients and kills begin")
            report, clients = _under_kills(options, net, hub, contracts, rng, say)
            stage("every job has ended; every private value is read, and every stored one")
            _read_all(report, clients, hub, contracts)
            roots = chain_roots(hub, contracts)
            say(as_text(report))  # what follows takes its time: a chain that comes back does all it did again
        stage("down, and up again")
        down(net)
        report.faults += audit_disks(net, contracts, roots)
        up_again(net, AWAY, CHECK)
        with connect(net.url).evm as evm, tempfile.TemporaryDirectory() as folder:
            hub = Hub(Chain(evm), net.network.hub)
            report.faults += _unfound(clients, hub)
            stage("a stranger")
            report.stranger = try_stranger(net, hub, Path(folder), say)
            report.faults += report.stranger.faults
            stage("two nodes are lost for good")
            if options.file_bytes:
                report.loss = lose_two(net, hub, options.file_bytes, rng, Path(folder))
                report.faults += report.loss.faults
        stage("done")
        return report


def _under_kills(options: Options, net: Devnet, hub: Hub, contracts: Mapping[str, str], rng: Random, say: Say
                 ) -> tuple[Report, Sequence[Client]]:
    """Jobs, stores and reads while nodes are killed, until every job has ended."""
    names = [f"client{number}" for number in range(options.clients)]
    board = Board(net.url, hub.address, contracts, [Keystore().get(name).address for name in names], options.jobs,
                  monotonic() + 60 * options.minutes)
    clients = [Client(name, board, Random(rng.random()), say) for name in names]
    watch = Watch(net)
    killer = Killer(net.nodes, options.spare, options.kill_every, Random(rng.random()), say)
    try:
        run_all([client.run for client in clients], board)
    finally:
        killer.close()
        watch.close()
    report = Report(options, monotonic() - board.began, board, killer.kills, watch.trends(), watch.courses(),
                    watch.peak(), watch.chain)
    for node in net.nodes:
        node.await_serving()
    await_ends(hub, ENDING)
    report.faults += [*([killer.trouble] if killer.trouble else []),
                      *(f"{trend.what} of node {trend.node} grows" for trend in report.trends if not trend.flat)]
    return report, clients


def _read_all(report: Report, clients: Sequence[Client], hub: Hub, contracts: Mapping[str, str]) -> None:
    """Every private value by a job, every stored one from its holders; then what came of all jobs."""
    board = report.board
    before = len(board.asked)
    run_all([lambda client=client: client.last(client is clients[0]) for client in clients], board)  # type: ignore[misc]
    for client in clients:
        client.close()
    await_ends(hub, ENDING)
    report.final = len(board.asked) - before
    report.audit = audit_jobs(hub, contracts, board.asked)
    report.faults += [*report.audit.faults, *board.bugs, *_unfound(clients, hub)]
    report.stores, report.reads = sum(c.shelf.stores for c in clients), sum(c.shelf.reads for c in clients)
    report.storing_trouble = [words for client in clients for words in client.shelf.trouble]


def _deployed(net: Devnet, hub: Hub, say: Say) -> Mapping[str, str]:
    """Each contract on a committee of its own: their addresses."""
    sink = Sink()
    plan = compile_file(str(SOURCE), sink)
    assert plan is not None, sink
    owner = Keystore().get("soak")
    return {name: deploy(hub.chain, net.network, plan, name, owner, [], say=say).lower() for name in MODELS}


def _unfound(clients: Sequence[Client], hub: Hub) -> list[str]:
    """Acknowledged values that no node gives, or another one."""
    deadline, faults = monotonic() + FOUND, list[str]()
    for client in clients:
        for name in client.shelf.acknowledged:
            while not client.shelf.look(hub, name):
                if monotonic() > deadline:
                    faults.append(f"{name} is not found: {client.shelf.trouble[-1]}")
                    break
                sleep(1.0)
        faults += client.shelf.wrong
        client.shelf.wrong.clear()
    return faults


__all__ = ["main", "soak"]
