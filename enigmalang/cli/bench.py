"""`enig bench FILE`: what a program costs between worker processes, against the same program in the clear."""

import sys

import click


@click.command("bench")
@click.argument("file", type=click.Path())
@click.option("--nodes", type=int, default=3, show_default=True, metavar="N", help="Worker processes.")
@click.option(
    "--threshold", type=int, metavar="T",
    help="How many nodes may pool what they saw and still learn nothing; default: (N-1)/2, rounded down.",
)
@click.option(
    "--timeout", type=click.FloatRange(0.1, 86_400), default=60.0, show_default=True, metavar="SECONDS",
    help="How long a silent node is waited for.",
)
@click.option("--runs", type=click.IntRange(1, 1000), default=5, show_default=True, help="Medians of so many runs.")
@click.option("--json", "as_json", is_flag=True, help="Write everything to stdout as JSON.")
@click.option(
    "--input", "inputs", multiple=True, metavar="NAME=FILE|VALUE",
    help='What `input("NAME")` gives, as for `enig run`. May be repeated.',
)
@click.argument("arguments", nargs=-1, metavar="[-- ARGS]...")
def command(
    file: str, nodes: int, threshold: int | None, timeout: float, runs: int, as_json: bool,
    inputs: tuple[str, ...], arguments: tuple[str, ...],
) -> int:
    """Run the statements of FILE (or its tests) several times and say what a run costs.

    What the program prints is not shown. One more run, before the others, warms up. Exit status 1 when it fails.
    """
    from enigmalang.cli.benching import bench_file
    from enigmalang.cli.inputs import BadInput, Inputs, parse_inputs
    from enigmalang.cli.running import check_size
    from enigmalang.cli.session import Settings

    try:
        given = parse_inputs(inputs, arguments)
        settings = Settings("mpc", nodes, threshold, timeout)
        check_size(settings)
    except (BadInput, ValueError) as error:
        raise click.UsageError(str(error), click.get_current_context()) from None
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    return bench_file(file, settings, Inputs(given), runs, as_json)
