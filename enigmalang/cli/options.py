"""Options that several commands share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

ENGINES = ("mpc", "circuit", "clear")


def chain_option(function: F) -> F:
    """`--chain`: where contracts and `L` live."""
    return click.option(
        "--chain", default="embedded", show_default=True, metavar="embedded|memory|URL",
        help="Where contracts live: an EVM in this process; a twin without EVM; a development node (http, ws, or "
        "the path of its socket).",
    )(function)


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
