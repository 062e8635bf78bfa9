"""`enig chain up|down`: a network on this machine, with a chain, a hub on it, and nodes that serve its jobs."""

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from enigmalang.ethereum.keys import SigningKey
    from enigmalang.node.hosting import Host

#: The last line that `up` says when the network is ready.
READY = "ready"
#: Seconds in which a network that goes to the background is up, and in which one ends.
UP_SECONDS, DOWN_SECONDS = 120.0, 30.0
#: Leaves Python's own places in the path alone: the folder that the user works in is none to import from.
ENIG = ("-P", "-c", "import sys; from enigmalang.cli.app import run; sys.exit(run(sys.argv[1:]))")


@click.group("chain")
def command() -> None:
    """Start and end a network on this machine: a chain, the hub on it, and nodes that compute its jobs."""


@command.command("up")
@click.option(
    "--chain", default="local", show_default="anvil if there is one, else embedded", metavar="anvil|embedded|URL",
    help="The chain: a local anvil; an EVM in this process; or a node that runs already (http, ws, or its socket).",
)
@click.option("--nodes", type=int, default=3, show_default=True, metavar="N", help="Worker processes: 3 to 31.")
@click.option("--threshold", type=int, metavar="T", help="How many nodes may pool what they saw; default: (N-1)/2.")
@click.option("--field", type=click.Choice(["M61", "M127"]), default="M61", show_default=True,
              help="What the nodes compute over; `enig deploy` says when a contract needs the other.")
@click.option("--timeout", type=click.FloatRange(0.1, 86_400), default=20.0, show_default=True, metavar="SECONDS",
              help="How long a silent node is waited for.")
@click.option("--hub", metavar="ADDRESS", help="A hub that is there already; without it, one is deployed.")
@click.option("--job-time", type=click.IntRange(10, 86_400), default=600, show_default=True, metavar="SECONDS",
              help="How long a job may take before it is refunded, on a new hub.")
@click.option("--confirmations", type=click.IntRange(0, 1000), default=0, show_default=True, metavar="BLOCKS",
              help="How many blocks must follow before anything is acted on.")
@click.option("--socket", type=click.Path(path_type=Path), metavar="PATH",
              help="Where clients reach the nodes; default: networks/CHAIN.sock under ~/.enigmalang.")
@click.option("--port", type=click.IntRange(1, 65_535), metavar="PORT", help="Serve a local anvil's HTTP here.")
@click.option("--state", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
              help="Where a local anvil keeps its chain between runs. What is private is not kept.")
@click.option("--key", metavar="NAME", help="The key that pays, where money is not for nothing (`enig keys list`).")
@click.option("--password-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
              help="Take the key's password from the first line of FILE; without it, it is asked for.")
@click.option("--detach", is_flag=True, help="Go on in the background; `enig chain down` ends it.")
def up(key: str | None, password_file: Path | None, detach: bool, **given: Any) -> int:
    """Start a network and serve jobs until Ctrl-C.

    The nodes make keys of their own, register on the hub, and agree to be a committee. `enig deploy` and `enig call`
    find the network by themselves.
    """
    from enigmalang.node.cluster import check_numbers

    try:
        check_numbers(given["nodes"], given["threshold"], given["field"], given["timeout"])
    except ValueError as error:
        raise click.UsageError(str(error), click.get_current_context()) from None
    if detach:
        return _in_background()
    return _up(given, _key(key, password_file))


def _key(name: str | None, password_file: Path | None) -> "SigningKey | None":
    if name is None:
        return None
    from enigmalang.cli.keys import ask_password
    from enigmalang.identity.files import BadKeystore, BadPassword, KeyFiles, NoSuchKey

    files = KeyFiles()
    if all(key.name != name for key in files.list()):
        raise click.UsageError(f"there is no key {name} in {files.folder}", click.get_current_context())
    try:
        return files.load(name, ask_password(name, password_file))
    except (BadKeystore, BadPassword, NoSuchKey) as error:
        raise click.UsageError(str(error), click.get_current_context()) from None


def _up(given: dict[str, Any], key: "SigningKey | None") -> int:
    signal.signal(signal.SIGTERM, _interrupt)
    from enigmalang.chain.errors import ChainError
    from enigmalang.execute.ports import EngineError
    from enigmalang.node.hosting import Host, HostSettings

    try:
        with Host.up(HostSettings(**given), key, _say) as host:
            with suppress(KeyboardInterrupt):  # from the moment at which it is said to be ready
                _introduce(host)
                host.serve()
            _say("ending")
    except (ChainError, EngineError) as error:
        print(f"enig: {error}", file=sys.stderr)
        return 1
    return 0


def _introduce(host: "Host") -> None:
    network = host.network
    rows = [
        ("chain", f"{network.url}  ({host.chain.client.split('/')[0]}, number {network.chain})"),
        ("hub", network.hub),
        ("committee", f"{network.committee}  ({len(network.nodes)} nodes, threshold {network.threshold}, "
                      f"{network.field})"),
        *((f"node {node}", f"{address}  pid {host.cluster.pids[node]}") for node, address in
          enumerate(network.nodes, 1)),
        ("socket", network.socket),
    ]
    for name, text in rows:
        _say(f"{name:10} {text}")
    _say(READY)


def _say(line: str) -> None:
    print(line, flush=True)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _in_background() -> int:
    """The same command again as a process of its own, which writes to a file; this one ends when it is ready."""
    from enigmalang.node.networks import folder

    arguments = [argument for argument in sys.argv[1:] if argument != "--detach"]
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix="up-", suffix=".log", dir=folder())
    with open(descriptor, "wb") as log:
        process = subprocess.Popen([sys.executable, *ENIG, *arguments], stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=log, start_new_session=True)
    deadline = monotonic() + UP_SECONDS
    while process.poll() is None and monotonic() < deadline:
        text = Path(name).read_text(errors="replace")
        if f"\n{READY}\n" in text:
            print(f"{text}in the background: pid {process.pid}, log {name}")
            return 0
        sleep(0.05)
    process.terminate()
    process.wait()
    print(Path(name).read_text(errors="replace"), end="", file=sys.stderr)
    os.unlink(name)
    return 1


@command.command("down", short_help="End the networks that are up here.")
@click.option("--chain", "number", type=int, metavar="NUMBER", help="Only the network on this chain.")
def down(number: int | None) -> int:
    """End the networks that are up on this machine, and wait until they have ended."""
    from enigmalang.chain.errors import ChainError
    from enigmalang.chain.rpc import RpcEvm
    from enigmalang.node.networks import BadRecord, drop_record, records

    try:
        # Whose nodes are each on its own, nobody's socket ends: `enig devnet down` does.
        found = [network for network in records() if number in (None, network.chain) and not network.drawn]
    except BadRecord as error:
        print(f"enig: {error}", file=sys.stderr)
        return 1
    if not found:
        print("enig: no network is up", file=sys.stderr)
        return 1
    for network in found:
        try:
            with RpcEvm(network.socket) as rpc:
                rpc.request("enigma_down")
        except ChainError:
            drop_record(network)  # whoever kept it was killed
        if not _gone(Path(network.socket)):
            print(f"enig: the network at {network.socket} does not end", file=sys.stderr)
            return 1
        print(f"the network on chain {network.chain} has ended")
    return 0


def _gone(socket: Path) -> bool:
    """Whether nobody answers at `socket`, now or soon."""
    from enigmalang.chain.errors import ChainError
    from enigmalang.chain.rpc import RpcEvm

    deadline = monotonic() + DOWN_SECONDS
    while socket.exists():
        try:
            RpcEvm(str(socket)).close()
        except ChainError:
            return True
        if monotonic() > deadline:
            return False
        sleep(0.05)
    return True
