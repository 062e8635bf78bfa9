"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from enigmalang.cli.remotely import ADDRESS, Wei

F = TypeVar("F", bound=Callable[..., Any])

ENGINES = ("mpc", "circuit", "clear")


def chain_option(function: F) -> F:
    """`--chain`: where contracts and `L` live."""
    return click.option(
        "--chain", default="embedded", show_default=True, metavar="embedded|memory|URL",
        help="Where contracts live: an EVM in this process; a twin without EVM; a development node (http, ws, or "
        "the path of its socket).",
    )(function)


def network_options(function: F) -> F:
    """`--network`, and what it needs: `--hub`, `--vault`, `--key`, `--password-file`, `--rent`, `--days`, `--fee`."""
    for option in (
        click.option("--fee", type=Wei(), metavar="WEI", help="With --network: at most this for each order that the "
                     "vault's nodes carry out; what they do not use comes back. Default: 1_000_000_000_000_000."),
        click.option("--vault", type=ADDRESS, help="With --network: the vault whose nodes keep `MPC`, and compute with "
                     "it; on a development chain the newest one, which is made if there is none."),
        click.option("--days", type=click.IntRange(1, 36_500), default=30, show_default=True, metavar="N",
                     help="With --rent: for so long, and again and again from what the owner has in the contract."),
        click.option("--rent", type=ADDRESS, help="With --network: pay for what is stored to this contract, where "
                     "nodes ask for rent."),
        click.option(
            "--password-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
            help="Take the keys' password from the first line of FILE; without it, it is asked for."),
        click.option("--key", metavar="NAME", help="With --network: who acts where the program names nobody."),
        click.option("--hub", type=ADDRESS, help="With --network: its hub, when it is not up on this machine."),
        click.option("--network", is_flag=True, help="Run the script on the network that is up here (`--chain URL`: on "
                     "that chain): `L`, `DHT` and `MPC` are its."),
    ):
        function = option(function)
    return function


def engine_options(default: str | None) -> Callable[[F], F]:
    """`--engine`, `--nodes`, `--threshold`, `--timeout`. The numbers are checked by `check_size`."""

    def decorate(function: F) -> F:
        for option in (
            click.option(
                "--timeout", type=click.FloatRange(0.1, 86_400), default=20.0, show_default=True, metavar="SECONDS",
                help="How long a silent node is waited for.",
            ),
            click.option(
                "--threshold", type=int, metavar="T",
                help="How many nodes may pool what they saw and still learn nothing; default: (N-1)/2, rounded down.",
            ),
            click.option(
                "--nodes", type=int, default=3, show_default=True, metavar="N", help="Worker processes: 3 to 31."
            ),
            click.option(
                "--engine", type=click.Choice(ENGINES), default=default, show_default=default is not None,
                help="mpc: shares between nodes; circuit: the same circuits in the clear; clear: no circuits.",
            ),
        ):
            function = option(function)
        return function

    return decorate
