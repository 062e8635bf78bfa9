"""`enig repl`: a session with nodes of its own, at a terminal or from a pipe."""

import click

from enigmalang.cli.options import engine_options


@click.command("repl")
@engine_options("mpc")
@click.option(
    "--input", "inputs", multiple=True, metavar="NAME=FILE|VALUE",
    help='What `input("NAME")` gives; at a terminal one is asked for what was not given. May be repeated.',
)
@click.argument("file", required=False, type=click.Path())
def command(
    engine: str, nodes: int, threshold: int | None, timeout: float, inputs: tuple[str, ...], file: str | None,
) -> int:
    """Type programs and see what they do; the nodes start once and stay. FILE is loaded first.

    \b
    $ enig repl
    enig> private x = 41
    x = <private int32, shared>
    enig> reveal(x + 1)
    42
    enig> :help

    Without a terminal, inputs are read from a pipe; the exit status is 1 when any went wrong.
    """
    from enigmalang.cli.ahead import workers_at_once

    with workers_at_once(engine, nodes) as workers:
        from enigmalang.cli.inputs import BadInput, parse_inputs
        from enigmalang.cli.interacting import run_session
        from enigmalang.cli.running import check_size
        from enigmalang.repl.settings import Settings

        settings = Settings(engine, nodes, threshold, timeout)
        try:
            given = parse_inputs(inputs, ())
            check_size(settings)
        except (BadInput, ValueError) as error:
            raise click.UsageError(str(error), click.get_current_context()) from None
        return run_session(settings, given, file, workers)
