"""`enig cost FILE`: what a program costs, before it runs on any secret."""

import sys

import click


@click.command("cost")
@click.argument("file", type=click.Path())
@click.option("--nodes", type=int, default=3, show_default=True, metavar="N", help="How many nodes compute.")
@click.option(
    "--threshold", type=int, metavar="T",
    help="How many nodes may pool what they saw and still learn nothing; default: (N-1)/2, rounded down.",
)
@click.option(
    "--let", "lets", multiple=True, metavar="NAME=VALUE",
    help="The length of a list, or a public value, that the program does not say: --let n=1000. May be repeated.",
)
@click.option("--link", "link", default="lan", show_default=True, metavar="lan|wan|MS,MBIT",
              help="Between the nodes: milliseconds one way and Mbit/s.")
@click.option("--function", "wanted", metavar="NAME", help="Only this function, such as average or Salaries.average.")
@click.option("--chain", type=click.Choice(("embedded", "memory")), default="embedded", show_default=True,
              help="embedded: gas is measured in the file's tests, on an EVM in this process; memory: no gas.")
@click.option("--network", is_flag=True, help="As `enig run --network`: a script that uses `MPC` has its orders, their "
              "gas and their fees counted, too.")
@click.option("--json", "as_json", is_flag=True, help="Write everything to stdout as JSON.")
def command(
    file: str, nodes: int, threshold: int | None, lets: tuple[str, ...], link: str, wanted: str | None, chain: str,
    network: bool, as_json: bool,
) -> int:
    """Say what each function and line of FILE costs: rounds, products, ANDs, comparisons, bytes that a node sends,
    seconds, and for contracts gas and fee.

    \b
    enig cost examples/salaries.enig --let people=100 --link wan

    Nothing is computed on secrets: the nodes' code runs in this process, on zeros. The counts are those of
    `enig run --stats`. A line's rounds are those in which it takes part; lines share rounds.
    """
    from enigmalang.cli.costing import cost_file, parse_lets
    from enigmalang.node.cluster import check_numbers
    from enigmalang.node.costing import parse_link

    try:
        given, between = parse_lets(lets), parse_link(link)
        check_numbers(nodes, threshold, "M61", 1.0)
    except ValueError as error:
        raise click.UsageError(str(error), click.get_current_context()) from None
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    return cost_file(file, (nodes, threshold), given, between, wanted, chain == "embedded", as_json, network)
