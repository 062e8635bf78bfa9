"""`enig run FILE`: the statements of a program, or its tests when it has none."""

import sys
from typing import Any

import click

from enigmalang.cli.options import chain_option, engine_options, network_options


@click.command("run")
@click.argument("file", type=click.Path())
@engine_options("mpc")
@chain_option
@network_options
@click.option("--stats", is_flag=True, help="Say at the end, on stderr, what it cost.")
@click.option(
    "--input", "inputs", multiple=True, metavar="NAME=FILE|VALUE",
    help='What `input("NAME")` gives: FILE.csv, FILE.csv:COLUMN, FILE.json, or the value itself. May be repeated.',
)
@click.argument("arguments", nargs=-1, metavar="[-- ARGS]...")
def command(
    file: str, engine: str, nodes: int, threshold: int | None, timeout: float, chain: str, stats: bool,
    inputs: tuple[str, ...], arguments: tuple[str, ...], **network: Any,
) -> int:
    """Run the statements of FILE; a file without statements runs its tests instead.

    With --network the script's `L`, `DHT`, `MPC` and identities are those of a network. What it computes in private is
    computed by workers of this command, or, if it uses `MPC` anywhere, by the nodes that keep it.

    The program reads ARGS as `input("1")`, `input("2")`, and so on. Exit status 1 when it fails.
    """
    from enigmalang.cli.ahead import workers_ahead

    if network.pop("network"):
        if chain == "memory":
            raise click.UsageError("--network needs a chain that is up: name it, or leave --chain memory out")
        chosen = None if chain == "embedded" else chain
        return _on_network(file, (engine, nodes, threshold, timeout), stats, inputs, arguments, {
            "url": chosen, **network})
    if any(network[name] is not None for name in ("hub", "vault", "fee", "key", "password_file", "rent")):
        raise click.UsageError("--hub, --vault, --fee, --key, --password-file and --rent go with --network")

    with workers_ahead([file], engine, nodes) as workers:
        from enigmalang.cli.inputs import BadInput, Inputs, parse_inputs
        from enigmalang.cli.running import check_size, run_file
        from enigmalang.cli.session import Settings

        try:
            given = parse_inputs(inputs, arguments)
            settings = Settings(engine, nodes, threshold, timeout, chain)
            check_size(settings)
        except (BadInput, ValueError) as error:
            raise click.UsageError(str(error), click.get_current_context()) from None
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        return run_file(file, settings, Inputs(given), stats, workers)


def _on_network(file: str, engine: tuple[str, int, int | None, float], stats: bool, inputs: tuple[str, ...],
                arguments: tuple[str, ...], place: dict[str, Any]) -> int:
    from enigmalang.cli.inputs import BadInput, Inputs, parse_inputs
    from enigmalang.cli.on_network import Place, run_on_network
    from enigmalang.cli.running import check_size
    from enigmalang.cli.session import Settings

    try:
        given = parse_inputs(inputs, arguments)
        settings = Settings(*engine)
        check_size(settings)
    except (BadInput, ValueError) as error:
        raise click.UsageError(str(error), click.get_current_context()) from None
    period = place.pop("days") * 24 * 3600
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    return run_on_network(file, settings, Inputs(given), stats, Place(**place, period=period))
