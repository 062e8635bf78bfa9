"""The `enig` group: names its commands without importing them, and turns what goes wrong into an exit status."""

import importlib
import os
import sys
from collections.abc import Sequence
from types import TracebackType

import click

import enigmalang
from enigmalang.diagnostics.diagnostic import EnigmaError

#: Command name -> what `enig --help` says about it. The module `enigmalang.cli.<name>` has it as `command`.
COMMANDS = {
    "run": "Run a program: its statements, or its tests when it has no statements.",
    "test": "Run the tests of files and folders on all three engines.",
    "cost": "Say what functions and lines cost: rounds, bytes, seconds, gas; nothing runs on secrets.",
    "repl": "Type programs and see what they do; the nodes start once and stay.",
    "bench": "Measure a program: seconds, rounds, bytes, memory, and the physical floor.",
    "new": "Begin a project: a folder with a contract, a test and a README.",
    "check": "Find the errors of files and folders without running them.",
    "fmt": "Bring files and folders into the one canonical layout.",
    "disclose": "Say who learns what of a program, and what a change discloses anew.",
    "compile": "Write what a program becomes: circuits, drawings, IR; Vyper source, ABI, a Python client module.",
    "circuit": "Look at boolean circuits in Bristol format, and evaluate them: info, eval, run.",
    "deploy": "Put a contract on a chain, served by a network's nodes.",
    "call": "Call a function of a contract on a chain, or read its public state.",
    "events": "Show what a contract on a chain emitted, and how its jobs went.",
    "show": "Show what a contract on a chain is: functions, who learns what, public state.",
    "dump": "Show what a stage of the compiler made of a file.",
    "chain": "Start and end a network on this machine: a chain, its hub, and nodes.",
    "devnet": "Run a network for development that outlives its end: up, down, status.",
    "node": "Run a node of the network: init, start, status, stop; rotate, leave, claim.",
    "dht": "Keep files at the nodes of a network: put, get, show; rent, balance, reader.",
    "keys": "Keep signing keys in encrypted files: new, list, import.",
    "lsp": "Serve editors: errors as one types, hover, definitions, rename, completion, fixes.",
    "explain": "Explain a diagnostic code, such as E0301.",
}

FINE, DIAGNOSTICS, USAGE, BUG, INTERRUPTED = 0, 1, 2, 70, 130


class LazyGroup(click.Group):
    """A group that imports a command's module only when that command runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"enigmalang.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(enigmalang.__version__, prog_name="enig")
def enig() -> None:
    """EnigmaLang: private smart contracts. Say `private` once per secret; nodes compute on secret shares.

    \b
    enig run examples/salaries.enig         run a program between three nodes
    enig check examples                     find errors without running
    """


class Guard:
    """The outermost frame: an exception that nobody expected is a bug of ours, said in one line (status 70)."""

    def __init__(self) -> None:
        self.status = FINE

    def __enter__(self) -> "Guard":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None or not isinstance(error, Exception) or os.environ.get("ENIG_DEBUG"):
            return False
        print(
            f"enig: this is a bug in EnigmaLang, not in your program ({type(error).__name__}: {error}).\n"
            "      Please report it with the file and the output of the same command under ENIG_DEBUG=1.",
            file=sys.stderr,
        )
        self.status = BUG
        return True


def run(arguments: Sequence[str]) -> int:
    """Run `enig` with `arguments` and give the exit status."""
    guard = Guard()
    with guard:
        guard.status = _run(arguments)
    return guard.status


def _run(arguments: Sequence[str]) -> int:
    try:
        status = enig.main(args=list(arguments), prog_name="enig", standalone_mode=False)
        sys.stdout.flush()
    except click.UsageError as error:
        error.show()
        return USAGE
    except (click.exceptions.Abort, KeyboardInterrupt):
        print("enig: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (such as `head`) has gone; nothing more can be said, also not by the interpreter's last flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DIAGNOSTICS
    except EnigmaError as error:
        from enigmalang.cli.report import show

        show([error.diagnostic])
        return DIAGNOSTICS
    except RuntimeError as error:
        # Ctrl-C while a module makes its classes: until Python 3.11, whatever a descriptor's `__set_name__` raises
        # arrives as the cause of a RuntimeError.
        if not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        print("enig: interrupted", file=sys.stderr)
        return INTERRUPTED
    return status if isinstance(status, int) else FINE
