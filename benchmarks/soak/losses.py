"""What is lost for good, and who is not let in: a stored file loses two of its three holders, and a stranger without a
deposit tries to be a node."""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from subprocess import DEVNULL, STDOUT, Popen
from time import monotonic, sleep
from urllib.request import urlopen

from benchmarks.soak.network import ENIG, Devnet, Node, SoakError, enig
from enigmalang.chain.hub import Hub
from enigmalang.chain.logbook import key_id
from enigmalang.node.daemon.control import NoDaemon, ask
from enigmalang.node.daemon.keys import KeyFolder, NodeKeys
from enigmalang.node.remote import active_nodes
from enigmalang.node.remote_storage import Nodes, find
from enigmalang.transport.peering.contacts import Contact
from enigmalang.transport.peering.errors import PeeringError
from enigmalang.transport.peering.limits import Limits
from enigmalang.transport.peering.peering import Peering

KEY = "soak/file"
#: Seconds in which the others have copied what two nodes held, and between two looks.
REPAIRED, PAUSE = 300.0, 0.5
#: Seconds in which a stranger is told that it is none of them.
TOLD = 60.0


@dataclass(frozen=True, slots=True)
class Loss:
    """`stored`, `read`, `repaired`: seconds that the file took to be stored, to be read when two holders were gone, and
    to be held as often as before by others; `faults` is empty when all went well."""

    size: int
    killed: tuple[int, ...]
    stored: float
    read: float
    repaired: float
    faults: tuple[str, ...]


def lose_two(devnet: Devnet, hub: Hub, size: int, rng: Random, folder: Path) -> Loss:
    """Store a file, kill two of its holders for good, read it from who is left, and wait for new copies."""
    source, copy = folder / "file", folder / "copy"
    source.write_bytes(rng.randbytes(size))
    began = monotonic()
    enig("dht", "put", KEY, str(source))
    stored = monotonic() - began
    before = _holders(hub)
    gone = rng.sample([node for node in devnet.nodes if node.address in before], 2)
    for node in gone:
        node.kill()
    faults, began = [], monotonic()
    enig("dht", "get", KEY, "-o", str(copy))
    read = monotonic() - began
    if copy.read_bytes() != source.read_bytes():
        faults.append("the file that came back is another one")
    repaired = _repaired(hub, len(before), {node.address for node in gone})
    if repaired is None:
        faults.append(f"{REPAIRED:g} s later fewer than {len(before)} nodes have the file: {sorted(_holders(hub))}")
    else:
        copy.unlink()
        enig("dht", "get", KEY, "-o", str(copy))
        if copy.read_bytes() != source.read_bytes():
            faults.append("the file that came back after the repair is another one")
    return Loss(size, tuple(node.number for node in gone), stored, read, repaired or 0.0, tuple(faults))


def _holders(hub: Hub) -> set[str]:
    """Who says to have all of the file."""
    with Nodes(active_nodes(hub)) as nodes:
        return set(find(hub, nodes, key_id((KEY,))).holders)


def _repaired(hub: Hub, wanted: int, gone: set[str]) -> float | None:
    """Seconds until so many others have it; None when that takes too long."""
    began = monotonic()
    while monotonic() - began < REPAIRED:
        if len(_holders(hub) - gone) >= wanted:
            return monotonic() - began
        sleep(PAUSE)
    return None


@dataclass(frozen=True, slots=True)
class Stranger:
    """A node without a deposit: what its owner is told of it (`enig node status`); what it is told when it connects to
    a node all the same, and how many such refusals that node counts (`enig_refusals_total`) since."""

    standing: str
    refused: bool
    answer: str
    counted: int
    faults: tuple[str, ...]


class _Book:
    """What a stranger knows of the others: they are on the hub."""

    def __init__(self, hub: Hub) -> None:
        self._known = {contact.address: contact for contact in active_nodes(hub)}

    def who(self, fingerprint: bytes) -> str | None:
        """See `peering.contacts.Registry`."""
        return next((known.address for known in self._known.values() if known.fingerprint == fingerprint), None)

    def contact(self, address: str) -> Contact | None:
        """See `peering.contacts.Registry`."""
        return self._known.get(address)


def try_stranger(devnet: Devnet, hub: Hub, folder: Path, say: Callable[[str], None]) -> Stranger:
    """Make a node that has no money, and run it: it must not get in."""
    where, words = folder / "stranger", folder / "stranger.password"
    words.write_text("a stranger's password\n")
    words.chmod(0o600)
    ports = _free_ports(2)
    enig("node", "init", str(where), "--chain", devnet.url, "--hub", devnet.network.hub, "--endpoint",
         f"127.0.0.1:{ports[0]}", "--monitor-port", str(ports[1]), "--password-file", str(words))
    with (folder / "stranger.out").open("wb") as output, Popen(
            [*ENIG, "node", "start", str(where), "--password-file", str(words)], stdin=DEVNULL, stdout=output,
            stderr=STDOUT) as process:
        try:
            status = _told(where, process)
            shown = enig("node", "status", str(where), check=False).stdout
            say(shown)
        finally:
            process.terminate()
    standing, refused = str(status["standing"]), not hub.is_active(str(status["address"]))
    before = _refusals(devnet.nodes[-1])
    answer = _knock(devnet.nodes[-1], hub, KeyFolder(where).open(words.read_text().strip()))
    counted = _refusals(devnet.nodes[-1]) - before
    faults = []
    if not refused:
        faults.append("a stranger is on the hub")
    if "for the deposit" not in standing:
        faults.append(f"a stranger's status does not say what it lacks: {standing}")
    if not answer or not counted:
        faults.append("a stranger was listened to, or the node did not count that it was not")
    return Stranger(standing, refused, answer, counted, tuple(faults))


def _knock(node: Node, hub: Hub, keys: NodeKeys) -> str:
    """Connect to `node` under the keys of a stranger: why it does not answer; empty when it does."""
    def deaf(peer: str, body: memoryview) -> bytes:
        return b""

    with Peering(keys.address, keys.channel, _Book(hub), ("127.0.0.1", 0), Limits(), deaf) as channels:
        try:
            channels.ask(node.address, b"hello", TOLD)
        except PeeringError as error:
            return error.reason
        return ""


def _refusals(node: Node) -> int:
    """Connections that it refused, as its metrics tell."""
    port = ask(node.folder, "status", TOLD)["monitor"]
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=TOLD) as answer:
        rows = answer.read().decode().splitlines()
    return sum(int(float(row.split()[-1])) for row in rows if row.startswith("enig_refusals_total{"))


def _told(where: Path, process: "Popen[bytes]") -> dict[str, object]:
    """Its status, when it knows why it is not let in."""
    deadline = monotonic() + TOLD
    while monotonic() < deadline and process.poll() is None:
        try:
            status = ask(where, "status", 10.0)
        except NoDaemon:
            sleep(PAUSE)
            continue
        if status["standing"] not in ("not registered yet", ""):
            return dict(status)
        sleep(PAUSE)
    raise SoakError(f"the stranger in {where} was told nothing")


def _free_ports(count: int) -> Sequence[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in held]
    for each in held:
        each.close()
    return ports


__all__ = ["Loss", "Node", "Stranger", "lose_two", "try_stranger"]
