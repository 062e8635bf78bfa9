"""`enig node init|start|status|stop|rotate|leave|claim`: a node of the network, as a process of its own."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import click

from enigmalang.cli.chain import ENIG
from enigmalang.cli.remotely import ADDRESS, Wei

if TYPE_CHECKING:
    from enigmalang.ethereum.keys import SigningKey
    from enigmalang.node.daemon.config import Config
    from enigmalang.node.daemon.daemon import Daemon
    from enigmalang.node.daemon.keys import NodeKeys
    from enigmalang.node.daemon.membership import Membership

#: Exit statuses: a node that does not run; what its owner has to change before trying again.
DOWN, MISTAKE = 3, 2
#: Seconds that a daemon has to answer how it is, and to begin.
ANSWER_SECONDS, START_SECONDS = 10.0, 60.0
#: Standard input, where a password's file is named.
STDIN = "-"


@click.group("node")
def command() -> None:
    """Run a node: it registers on a hub with a deposit, computes with others on shares, and stores data.

    \b
    enig node init /var/lib/enigmalang --chain URL --hub ADDRESS --endpoint HOST:PORT
    enig node start /var/lib/enigmalang

    A node's FOLDER holds its configuration (node.toml), its keys and all that it keeps.
    """


_folder = click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
_password_file = click.option(
    "--password-file", metavar="FILE", help="Take the password of the node's keys from the first line of FILE (-: "
    "standard input). Otherwise: node.password_file in node.toml, $ENIGMALANG_NODE_PASSWORD_FILE, systemd's credential "
    "enigmalang-password, or the keyboard.")


@command.command("init")
@_folder
@click.option("--chain", "url", required=True, metavar="URL", help="A node of the chain (http, ws, or its socket).")
@click.option("--hub", required=True, type=ADDRESS, help="The hub's address on it.")
@click.option("--endpoint", metavar="HOST:PORT", help="Where others reach the node. Default: 127.0.0.1:7400.")
@click.option("--listen", metavar="HOST:PORT", help="Where it listens, if that is another place.")
@click.option("--monitor-port", type=click.IntRange(-1, 65_535), metavar="PORT",
              help="Where /health and /metrics are; -1: nowhere. Default: 7401.")
@click.option("--monitor-address", metavar="ADDRESS", help="On which of this machine's addresses; they ask for no "
              "password. Default: 127.0.0.1.")
@click.option("--confirmations", type=click.IntRange(0, 1000), metavar="BLOCKS",
              help="How many blocks must follow before anything on the chain counts. Default: 12; 0 on a development "
              "chain that answers now, and nowhere else.")
@click.option("--deposit", type=Wei(), metavar="WEI", help="What it puts down; default: the least that the hub takes.")
@click.option("--key", metavar="NAME", help="Take this key (`enig keys list`) and its password; default: a new key.")
@_password_file
def init(folder: Path, url: str, hub: str, endpoint: str | None, listen: str | None, monitor_port: int | None,
         monitor_address: str | None, confirmations: int | None, deposit: int | None, key: str | None,
         password_file: str | None) -> int:
    """Make a node's FOLDER: its configuration and its keys. Nothing is overwritten, nothing is sent."""
    from enigmalang.node.daemon.config import Config, with_options
    from enigmalang.node.daemon.connection import default_confirmations
    from enigmalang.node.daemon.folders import make_folder, refuse_made

    def run() -> int:
        refuse_made(folder)
        node = {"endpoint": endpoint, "listen": listen, "deposit": deposit}
        where = url if "://" in url else os.path.abspath(url)  # a socket's path: the node may be started elsewhere
        config = with_options(Config(folder), "chain", url=where, hub=hub)
        depth = default_confirmations(where) if confirmations is None else confirmations
        config = with_options(config, "chain", confirmations=depth)
        config = with_options(config, "node", **{name: value for name, value in node.items() if value is not None})
        monitor = {"port": monitor_port, "address": monitor_address}
        config = with_options(config, "monitor", **{name: v for name, v in monitor.items() if v is not None})
        password = _password(config, password_file, fresh=key is None)
        keys = make_folder(config, password, None if key is None else _named(key, password))
        _introduce(config, keys)
        return 0

    return _guarded(run)


def _introduce(config: "Config", keys: "NodeKeys") -> None:
    from enigmalang.ethereum.hashing import checksummed
    from enigmalang.node.daemon.config import FILE

    print(f"node      {checksummed(keys.address)}\nfolder    {config.folder}\noptions   {config.folder / FILE}\n"
          f"depth     {config.chain.confirmations} blocks (chain.confirmations)\n"
          f"endpoint  {config.node.endpoint}\n"
          "Send the deposit and money for gas to the node's address, then: "
          f"enig node start {config.folder}\n"
          "Who forgets the password, or loses the folder, has lost the key and its deposit.")


def _named(name: str, password: str) -> "SigningKey":
    from enigmalang.identity.files import BadKeystore, BadPassword, KeyFiles, NoSuchKey
    from enigmalang.node.daemon.keys import BadKeys

    try:
        return KeyFiles().load(name, password)
    except (BadKeystore, BadPassword, NoSuchKey) as error:
        raise BadKeys(str(error)) from None


@command.command("start", short_help="Run the node in FOLDER until it is stopped.")
@_folder
@click.option("--detach", is_flag=True, help="Go on in the background; `enig node stop` ends it.")
@click.option("--rejoin", is_flag=True, help="Register again, with a new deposit, after having been slashed or having "
              "withdrawn.")
@_password_file
def start(folder: Path, detach: bool, rejoin: bool, password_file: str | None) -> int:
    """Run the node in FOLDER until it is stopped (Ctrl-C, SIGTERM, `enig node stop`).

    It waits for the chain, registers on the hub when it is not there yet, and tells about itself on /health and
    /metrics, in its log, and to `enig node status`.
    """
    return _guarded(lambda: _start(folder, detach, rejoin, password_file))


def _start(folder: Path, detach: bool, rejoin: bool, password_file: str | None) -> int:
    from enigmalang.node.daemon.config import read_config
    from enigmalang.node.daemon.folders import check_folder
    from enigmalang.node.daemon.keys import KeyFolder
    from enigmalang.node.daemon.pidfile import FolderLock

    config = read_config(folder)
    check_folder(folder)
    if detach:
        return _in_background(config, rejoin, password_file)
    with FolderLock(folder):
        files = KeyFolder(folder)
        keys = files.open(_password(config, password_file))
        return _run(config, keys, files, rejoin)


def _run(config: "Config", keys: "NodeKeys", files: Any, rejoin: bool) -> int:
    from enigmalang.mpc import heap
    from enigmalang.node.daemon.assembly import parts
    from enigmalang.node.daemon.daemon import Daemon
    from enigmalang.node.daemon.log import Log

    heap.share()
    log = Log(config.log, config.folder)
    daemon = Daemon(config, keys, files, log, parts(config), rejoin)
    try:
        with _ended_by_signals(daemon):
            daemon.run()
    finally:
        log.close()
    return 0


@contextmanager
def _ended_by_signals(daemon: "Daemon") -> Iterator[None]:
    """The first asks the node to stop; a second one, to wait for nothing."""
    heard: list[int] = []

    def end(number: int, frame: object) -> None:
        if heard:
            os._exit(128 + number)
        heard.append(number)
        # In another thread: the one that is interrupted here may hold the event's lock, for it waits for the event.
        threading.Thread(target=daemon.stop.set, name="stop").start()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_background(config: "Config", rejoin: bool, password_file: str | None) -> int:
    """The same as a process of its own, which gets the password through its standard input."""
    from enigmalang.node.daemon.control import NoDaemon, ask
    from enigmalang.node.daemon.pidfile import AlreadyRunning, running

    pid = running(config.folder)
    if pid is not None:
        raise AlreadyRunning(config.folder, pid)
    password = _password(config, password_file)
    path = config.folder / "start.log"
    arguments = ["node", "start", str(config.folder), "--password-file", STDIN, *(["--rejoin"] if rejoin else [])]
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as log:
        process = subprocess.Popen([sys.executable, *ENIG, *arguments], stdin=subprocess.PIPE, stdout=log, stderr=log,
                                   start_new_session=True)
    assert process.stdin is not None
    with process.stdin as pipe:
        pipe.write(password.encode() + b"\n")
    deadline = monotonic() + START_SECONDS
    while process.poll() is None and monotonic() < deadline:
        try:
            status = ask(config.folder, "status", ANSWER_SECONDS)
        except NoDaemon:
            sleep(0.05)
            continue
        print(f"in the background: pid {process.pid}, {status['phase']}; log {config.log.file or path}")
        return 0
    process.terminate()
    process.wait()
    print(path.read_text(errors="replace"), end="", file=sys.stderr)
    return process.returncode if process.returncode > 0 else 1


@command.command("stop", short_help="End the node in FOLDER in good order.")
@_folder
def stop(folder: Path) -> int:
    """End the node in FOLDER, and wait until it has ended: what is under way is finished first."""
    return _guarded(lambda: _stop(folder))


def _stop(folder: Path) -> int:
    from enigmalang.node.daemon.config import read_config
    from enigmalang.node.daemon.control import NoDaemon, ask
    from enigmalang.node.daemon.pidfile import running

    config = read_config(folder)
    pid = running(folder)
    if pid is None:
        print(f"enig: the node in {folder} does not run", file=sys.stderr)
        return DOWN
    try:
        ask(folder, "stop", ANSWER_SECONDS)
    except NoDaemon:  # about to begin, or to end
        if pid:
            os.kill(pid, signal.SIGTERM)
    deadline = monotonic() + config.node.stop_seconds + config.chain.timeout_seconds + ANSWER_SECONDS
    while running(folder) is not None:
        if monotonic() > deadline:
            print(f"enig: the node in {folder} (pid {pid}) does not end; `kill -9 {pid}` loses nothing that it has "
                  "acknowledged", file=sys.stderr)
            return 1
        sleep(0.02)
    print(f"the node in {folder} has ended")
    return 0


@command.command("status")
@_folder
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(folder: Path, as_json: bool) -> int:
    """Show what the node in FOLDER is doing. Exit status: 0 when it is well, 1 when not, 3 when it does not run."""
    return _guarded(lambda: _status(folder, as_json))


def _status(folder: Path, as_json: bool) -> int:
    from enigmalang.node.daemon.config import read_config
    from enigmalang.node.daemon.control import NoDaemon, ask
    from enigmalang.node.daemon.keys import KeyFolder
    from enigmalang.node.daemon.pidfile import running
    from enigmalang.node.daemon.status import lines, without_daemon

    config = read_config(folder)
    try:
        found = ask(folder, "status", ANSWER_SECONDS)
    except NoDaemon:
        pid = running(folder)
        if pid is not None:
            print(f"enig: the node in {folder} runs (pid {pid}) and does not answer: it begins, or ends, or is very "
                  "busy; try again", file=sys.stderr)
            return 1
        found = without_daemon(config, KeyFolder(folder).address())
    print(json.dumps(found, indent=2) if as_json else "\n".join(lines(found)))
    return (0 if found["healthy"] else 1) if found["running"] else DOWN


@command.command("rotate", short_help="Make a new channel key, and tell the hub.")
@_folder
@_password_file
def rotate(folder: Path, password_file: str | None) -> int:
    """Make a new channel key, and have the hub know it: the old one is good for nothing from then on."""
    from enigmalang.transport.peering.contacts import fingerprint

    def directly(membership: "Membership") -> str:
        return fingerprint(membership.rotate().certificate).hex()

    return _guarded(lambda: _act(folder, "rotate", password_file, directly, lambda said: f"new channel key {said}"))


@command.command("leave", short_help="Give notice, or take the deposit back.")
@_folder
@click.option("--withdraw", is_flag=True, help="Take the deposit back, when the notice is over.")
@_password_file
def leave(folder: Path, withdraw: bool, password_file: str | None) -> int:
    """Give notice: the node joins no new committee, serves its old ones, and may withdraw its deposit later."""
    from enigmalang.node.daemon.status import moment

    if withdraw:
        return _guarded(lambda: _act(folder, "withdraw", password_file, lambda m: str(m.withdraw()),
                                     lambda said: f"{said} wei came back; the node is none any more"))
    return _guarded(lambda: _act(folder, "leave", password_file, lambda m: m.leave().leaves,
                                 lambda said: f"notice given; until {moment(said)} the node has to run; then: "
                                              f"enig node leave {folder} --withdraw"))


@command.command("claim")
@_folder
@_password_file
def claim(folder: Path, password_file: str | None) -> int:
    """Have the hub pay the node's fees and refunds to its address."""
    return _guarded(lambda: _act(folder, "claim", password_file, lambda m: str(m.claim()),
                                 lambda said: f"{said} wei were paid" if said != "0" else "nothing is owed"))


def _act(folder: Path, verb: str, password_file: str | None, directly: Callable[["Membership"], Any],
         tell: Callable[[Any], str]) -> int:
    """Have the daemon do it; where there is none, do it here."""
    from enigmalang.node.daemon.config import read_config
    from enigmalang.node.daemon.connection import open_chain
    from enigmalang.node.daemon.control import NoDaemon, ask
    from enigmalang.node.daemon.keys import KeyFolder
    from enigmalang.node.daemon.log import Log
    from enigmalang.node.daemon.membership import Membership
    from enigmalang.node.daemon.pidfile import FolderLock

    config = read_config(folder)
    patience = config.chain.patience_seconds * (config.chain.confirmations + 2)
    try:
        print(tell(ask(folder, verb, patience)))
        return 0
    except NoDaemon:
        pass
    with FolderLock(folder):
        files = KeyFolder(folder)
        keys = files.open(_password(config, password_file))
        log = Log(config.log, folder)
        chain, hub = open_chain(config.chain)
        with chain.evm:
            print(tell(directly(Membership(hub, keys, files, config, log))))
        log.close()
    return 0


def _password(config: "Config", named: str | None, fresh: bool = False) -> str:
    """Typed twice when `fresh`. Raises BadKeys."""
    from enigmalang.node.daemon.keys import BadKeys, find_password

    if named == STDIN:
        typed = sys.stdin.readline().rstrip("\r\n")
        if not typed:
            raise BadKeys("standard input has no password in its first line")
        return typed
    configured = config.folder / config.node.password_file if config.node.password_file else None

    def ask() -> str:
        if not sys.stdin.isatty():
            raise BadKeys("the node's keys need their password, and nobody is at the keyboard: say --password-file "
                          "FILE, or set node.password_file in node.toml")
        return str(click.prompt("Password of the node", hide_input=True, confirmation_prompt=fresh, err=True))

    return find_password(Path(named) if named else configured, os.environ, ask)


def _guarded(run: Callable[[], int]) -> int:
    """The exit status of `run`; what its user has to mend is said in a line."""
    from enigmalang.chain.errors import ChainError
    from enigmalang.node.daemon.config import BadConfig
    from enigmalang.node.daemon.connection import Misconfigured
    from enigmalang.node.daemon.folders import MadeAlready
    from enigmalang.node.daemon.keys import BadKeys
    from enigmalang.node.daemon.membership import Ended, NotYet
    from enigmalang.node.daemon.monitor import PortTaken
    from enigmalang.node.daemon.pidfile import AlreadyRunning
    from enigmalang.node.durable.errors import StateError

    try:
        return run()
    except (BadConfig, BadKeys, Misconfigured, Ended, PortTaken) as error:
        print(f"enig: {error}", file=sys.stderr)
        return MISTAKE
    except BrokenPipeError:
        raise  # whoever read the output has gone (`cli.app`)
    except (AlreadyRunning, MadeAlready, NotYet, ChainError, OSError, StateError) as error:
        print(f"enig: {error}", file=sys.stderr)
        return 1
