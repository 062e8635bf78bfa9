"""`enig test PATHS`: the tests of files and folders, on all three engines, which must agree."""

import click

from enigmalang.cli.options import chain_option, engine_options


@click.command("test")
@click.argument("paths", nargs=-1, required=True, type=click.Path())
@engine_options(None)
@chain_option
@click.option("--json", "as_json", is_flag=True, help="Write the results to stdout as JSON.")
def command(
    paths: tuple[str, ...], engine: str | None, nodes: int, threshold: int | None, timeout: float, chain: str,
    as_json: bool,
) -> int:
    """Run the tests of files and folders on all three engines, or on the one that --engine names.

    Exit status 1 when a test fails, when the engines disagree, or when a file has errors.
    """
    from enigmalang.cli.running import check_size
    from enigmalang.cli.session import Settings
    from enigmalang.cli.testing import run_tests

    settings = Settings(engine or "mpc", nodes, threshold, timeout, chain)
    try:
        check_size(settings)
    except ValueError as error:
        raise click.UsageError(str(error), click.get_current_context()) from None
    return run_tests(paths, settings, engine, as_json)
