"""What `deploy`, `call`, `events` and `show` share: their options, and what goes wrong as diagnostics."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


class Wei(click.ParamType[int]):
    """An amount: an integer, `_` between its digits as in a program."""

    name = "WEI"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            amount = int(value)
        except ValueError:
            self.fail(f"{value!r} is no integer", param, ctx)
        if not 0 <= amount < 1 << 128:
            self.fail(f"{value} is no amount of wei", param, ctx)
        return amount


class AddressText(click.ParamType[str]):
    """0x and 40 hexadecimal digits."""

    name = "ADDRESS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value).strip().lower()
        try:
            if text[:2] == "0x" and len(bytes.fromhex(text[2:])) == 20:
                return text
        except ValueError:
            pass
        self.fail(f"{value!r} is no address: 0x and 40 hexadecimal digits", param, ctx)


ADDRESS = AddressText()


def chain_of_network(function: F) -> F:
    """`--chain`: which chain, where several are up."""
    return click.option(
        "--chain", "url", metavar="URL",
        help="The chain's node (http, ws, or its socket's path); default: that of the network which is up here.",
    )(function)


def key_options(function: F) -> F:
    """`--key`, `--password-file`, `--value`, `--fee`, `--confirmations`."""
    for option in (
        click.option("--confirmations", type=click.IntRange(0, 1000), default=0, show_default=True, metavar="N",
                     help="Wait until N blocks follow what was done: a reorganisation of the chain may undo less."),
        click.option("--fee", type=Wei(), metavar="WEI", help="At most this for the nodes' work, if they have to work; "
                     "what they do not use comes back. Default: 1_000_000_000_000_000."),
        click.option("--value", type=Wei(), default=0, metavar="WEI", help="Pay this to the contract."),
        click.option(
            "--password-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
            help="Take the key's password from the first line of FILE; without it, it is asked for."),
        click.option(
            "--key", metavar="NAME", help="Act with this key (`enig keys list`); on a development chain any other name "
            "is a development identity's, and without --key it is `me`."),
    ):
        function = option(function)
    return function


def remotely(run: Callable[[], int], where: str) -> int:
    """The exit status of `run`; what went wrong is shown, with `where` for what has no place in a source."""
    from enigmalang.chain.errors import ChainError
    from enigmalang.cli.programs import Refused
    from enigmalang.cli.report import show
    from enigmalang.diagnostics import Diagnostic, EnigmaError
    from enigmalang.node.remote import RemoteError
    from enigmalang.node.remote_calls import nowhere
    from enigmalang.plan.calls import LedgerError

    try:
        return run()
    except Refused as refused:
        show(refused.diagnostics)
    except EnigmaError as error:
        show([error.diagnostic])
    except RemoteError as error:
        show([error.diagnosed(error.code, where, error.help)])
    except LedgerError as error:
        show([Diagnostic("E0501", f"the chain refuses: {error}", nowhere(where))])
    except ChainError as error:
        show([error.diagnosed("E0708", where)])
    return 1
