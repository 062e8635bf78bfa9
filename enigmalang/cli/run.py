"""`enig run FILE`: the statements of a program, or its tests when it has none."""

import sys

import click

from enigmalang.cli.options import chain_option, engine_options


@click.command("run")
@click.argument("file", type=click.Path())
@engine_options("mpc")
@chain_option
@click.option("--stats", is_flag=True, help="Say at the end, on stderr, what it cost.")
@click.option(
    "--input", "inputs", multiple=True, metavar="NAME=FILE|VALUE",
    help='What `input("NAME")` gives: FILE.csv, FILE.csv:COLUMN, FILE.json, or the value itself. May be repeated.',
)
@click.argument("arguments", nargs=-1, metavar="[-- ARGS]...")
def command(
    file: str, engine: str, nodes: int, threshold: int | None, timeout: float, chain: str, stats: bool,
    inputs: tuple[str, ...], arguments: tuple[str, ...],
) -> int:
    """Run the statements of FILE; a file without statements runs its tests instead.

    The program reads ARGS as `input("1")`, `input("2")`, and so on. Exit status 1 when it fails.
    """
    from enigmalang.cli.ahead import workers_ahead

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
