"""`enig devnet up|down|status`: a network on this machine for development, in the background, that outlives its end."""

import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import click

from enigmalang.cli.chain import ENIG, READY

#: Exit statuses: nothing of it runs; what its user has to change before trying again.
DOWN, MISTAKE = 3, 2


@click.group("devnet")
def command() -> None:
    """Run a network for development: a chain, its hub and nodes, each a process in the background with its own folder.

    \b
    enig devnet up --nodes 5
    enig deploy examples/salaries.enig
    enig devnet down

    After `down`, and after anything of it was killed, `up` goes on where it was. `enig deploy` and `enig call` find it.
    """


_folder = click.option("--folder", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
                       help="Where all of it is kept; default: devnet under ~/.enigmalang.")


@command.command("up")
@click.option("--nodes", type=click.IntRange(3, 31), metavar="N",
              help="Nodes: 3 to 31; default: as many as there are already, or 5. More are made, fewer not unmade.")
@click.option("--chain", type=click.Choice(["anvil", "embedded"]), help="The chain of a new devnet: anvil, which is "
              "faster, or our own EVM. Default: anvil if there is one.")
@click.option("--rent", is_flag=True, help="The nodes of a new devnet keep data only as long as rent is paid for it, "
              "to a contract that `enig devnet status` names.")
@_folder
def up(nodes: int | None, chain: str | None, rent: bool, folder: Path | None) -> int:
    """Start what does not run, and wait until every node serves.

    Keys and passwords of the nodes lie in FOLDER, for development only. Clients find one such network at a time.
    """
    return _guarded(lambda: _up(folder, nodes, chain, rent))


def _up(folder: Path | None, nodes: int | None, chain: str | None, rent: bool) -> int:
    from enigmalang.node.devnet.devnet import Devnet
    from enigmalang.node.devnet.status import lines, look

    devnet = Devnet(_chosen(folder), (sys.executable, *ENIG), _say)
    began = devnet.up(nodes, chain, rent)
    for line in lines(look(devnet.folder)):
        _say(line)
    _say(READY if began else "is up already")
    return 0


@command.command("down")
@_folder
def down(folder: Path | None) -> int:
    """End the nodes and the chain, and wait until they have ended. Nothing is lost."""
    return _guarded(lambda: _down(folder))


def _down(folder: Path | None) -> int:
    from enigmalang.node.devnet.devnet import Devnet

    said = Devnet(_chosen(folder)).down()
    for line in said or ["nothing was up"]:
        _say(line)
    return 0


@command.command("status")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@_folder
def status(as_json: bool, folder: Path | None) -> int:
    """Show chain, hub and nodes. Exit status: 0 when all is well, 1 when not, 3 when nothing of it runs."""
    return _guarded(lambda: _status(folder, as_json))


def _status(folder: Path | None, as_json: bool) -> int:
    from enigmalang.node.devnet.status import lines, look, runs

    found = look(_chosen(folder))
    print(json.dumps(found, indent=2) if as_json else "\n".join(lines(found)))
    return (0 if found["healthy"] else 1) if runs(found) else DOWN


@command.command("keep-chain", hidden=True)
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), required=True)
def keep_chain(folder: Path) -> int:
    """The chain's process, which `up` starts."""
    signal.signal(signal.SIGTERM, _interrupt)
    return _guarded(lambda: _keep_chain(folder))


def _keep_chain(folder: Path) -> int:
    from enigmalang.mpc import heap
    from enigmalang.node.devnet.chain import serve
    from enigmalang.node.devnet.folder import DevnetError, chain_folder, read_made

    heap.share()  # it has a thread for each connection
    made = read_made(folder)
    if made is None:
        raise DevnetError(f"there is no devnet in {folder}")
    try:
        serve(chain_folder(folder), made.chain)
    except KeyboardInterrupt:
        _say("ending")
    return 0


def _interrupt(number: int, frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once: the end is to be an orderly one
    raise KeyboardInterrupt


def _chosen(folder: Path | None) -> Path:
    from enigmalang.node.devnet.folder import default_folder

    return (folder or default_folder()).absolute()


def _say(line: str) -> None:
    print(line, flush=True)


def _guarded(run: Callable[[], int]) -> int:
    """The exit status of `run`; what its user has to mend is said in a line."""
    from enigmalang.chain.errors import ChainError
    from enigmalang.node.daemon.config import BadConfig
    from enigmalang.node.daemon.connection import Misconfigured
    from enigmalang.node.daemon.keys import BadKeys
    from enigmalang.node.daemon.pidfile import AlreadyRunning
    from enigmalang.node.devnet.folder import DevnetError
    from enigmalang.node.networks import BadRecord

    try:
        return run()
    except (BadConfig, BadKeys, Misconfigured) as error:
        print(f"enig: {error}", file=sys.stderr)
        return MISTAKE
    except BrokenPipeError:
        raise  # whoever read the output has gone (`cli.app`)
    except OSError as error:  # it may have a number only, and no file
        where = f" ({error.filename})" if error.filename else ""
        print(f"enig: in the devnet's folder: {error.strerror or error}{where}", file=sys.stderr)
        return 1
    except (DevnetError, BadRecord, AlreadyRunning, ChainError) as error:
        print(f"enig: {error}", file=sys.stderr)
        return 1
