"""`enig dump STAGE FILE`: what a stage of the compiler made of a file, as text."""

import sys

import click

from enigmalang.cli.report import has_errors, show

STAGES = ("tokens", "ast", "types", "secrecy", "ranges", "ir", "plan", "circuit")


@click.command("dump")
@click.argument("stage", type=click.Choice(STAGES))
@click.argument("file", type=click.Path())
@click.option("--input", "inputs", multiple=True, metavar="NAME=FILE|VALUE", help="For circuit: as for `enig run`.")
def command(stage: str, file: str, inputs: tuple[str, ...]) -> int:
    """Show what a stage of the compiler made of FILE.

    `circuit` runs the program on the circuit engine and shows every circuit that it built.
    """
    from enigmalang.compiler import dump
    from enigmalang.diagnostics import Sink

    if stage == "circuit":
        from enigmalang.cli.circuits import circuits_of
        from enigmalang.cli.programs import Refused

        try:
            sys.stdout.write(circuits_of(file, inputs))
        except Refused as refused:
            show(refused.diagnostics)
            return 1
        return 0
    sink = Sink()
    text = dump(stage, file, sink)
    if text is not None:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
    if sink.diagnostics:
        show(sink.diagnostics)
    return int(has_errors(sink.diagnostics))
