"""`enig circuit info|eval|run FILE`: boolean circuits in Bristol format, made here or elsewhere."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from enigmalang.circuits.boolean import BooleanCircuit

F = TypeVar("F", bound=Callable[..., Any])


@click.group("circuit")
def command() -> None:
    """Look at boolean circuits in Bristol format (old or "fashion" header), and evaluate them.

    \b
    enig circuit info aes_128.txt
    enig circuit eval aes_128.txt 0x000102030405060708090a0b0c0d0e0f 0x00112233445566778899aabbccddeeff
    enig circuit run aes_128.txt --from blocks.txt       on three nodes, 1,000 lines at a time
    """


def _values(function: F) -> F:
    """Where values come from and in which order their bits lie."""
    for option in (
        click.argument("values", nargs=-1, metavar="[VALUE]..."),
        click.option("--input", "named", multiple=True, metavar="N=VALUE",
                     help="The value of input N, counted from 1."),
        click.option("--from", "lines", type=click.Path(allow_dash=True), metavar="FILE",
                     help="Many evaluations: a line for each, with a value for each input. `-`: standard input."),
        click.option("--msb-first", is_flag=True,
                     help="The first wire of a value is its most significant bit; else its least significant."),
        click.option("--json", "as_json", is_flag=True, help="A JSON list of lists of texts such as 0x2a."),
    ):
        function = option(function)
    return function


@command.command("info", short_help="Show inputs, outputs, gates and depth of FILE.")
@click.argument("file", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def info(file: str, as_json: bool) -> int:
    """Show the inputs and outputs of FILE, how many gates of which kind it has, and how deep its ANDs are."""
    from enigmalang.circuits.bristol_file import read_bristol

    circuit = read_bristol(file)
    facts = {"inputs": circuit.inputs, "outputs": circuit.outputs, "wires": circuit.width + len(circuit.kinds),
             "gates": circuit.counts, "and_depth": circuit.and_depth}
    if as_json:
        import json

        click.echo(json.dumps(facts))
        return 0
    gates = ", ".join(f"{count:,} {kind}" for kind, count in circuit.counts.items()) or "none"
    click.echo(f"inputs     {_bits(circuit.inputs) or 'none'}\noutputs    {_bits(circuit.outputs)}\n"
               f"gates      {len(circuit.kinds):,}: {gates}\nAND depth  {circuit.and_depth:,}")
    return 0


def _bits(widths: tuple[int, ...]) -> str:
    return ", ".join("1 bit" if width == 1 else f"{width} bits" for width in widths)


@command.command("eval", short_help="Evaluate FILE in the clear.", context_settings={"ignore_unknown_options": True})
@click.argument("file", type=click.Path())
@_values
def evaluate(file: str, values: tuple[str, ...], named: tuple[str, ...], lines: str | None, msb_first: bool,
             as_json: bool) -> int:
    """Evaluate FILE in the clear: a VALUE for each input, such as 42, -1, 0x2a or 0b101010.

    A line for each evaluation, with each output in hexadecimal.
    """
    from enigmalang.circuits.bristol_file import read_bristol
    from enigmalang.cli.circuit_values import rows_of, shown

    circuit = read_bristol(file)
    rows = rows_of(circuit, file, values, named, lines, msb_first)
    sys.stdout.write(shown(circuit, circuit.evaluate(rows), msb_first, as_json))
    return 0


@command.command("run", short_help="Evaluate FILE on shares, between worker processes.",
                 context_settings={"ignore_unknown_options": True})
@click.argument("file", type=click.Path())
@_values
@click.option("--count", type=click.IntRange(1, 10_000_000), metavar="N",
              help="On N random inputs instead; what the nodes give is compared with an evaluation in the clear.")
@click.option("--batch", type=click.IntRange(1, 1_000_000), default=1000, show_default=True, metavar="N",
              help="Evaluations that share the nodes' messages.")
@click.option("--nodes", type=int, default=3, show_default=True, metavar="N", help="Worker processes: 3 to 31.")
@click.option("--threshold", type=int, metavar="T", help="How many nodes may pool what they saw and learn nothing.")
@click.option("--timeout", type=click.FloatRange(0.1, 86_400), default=60.0, show_default=True, metavar="SECONDS",
              help="How long a silent node is waited for.")
@click.option("--stats", is_flag=True, help="Say at the end, on stderr, what it cost.")
def run(file: str, values: tuple[str, ...], named: tuple[str, ...], lines: str | None, msb_first: bool, as_json: bool,
        count: int | None, batch: int, nodes: int, threshold: int | None, timeout: float, stats: bool) -> int:
    """Evaluate FILE on secret shares, between worker processes on this machine; only the outputs are opened.

    Values as for `enig circuit eval`.
    """
    from enigmalang.circuits.bristol_file import read_bristol
    from enigmalang.cli.circuit_values import random_rows, rows_of, shown
    from enigmalang.cli.running import check_size
    from enigmalang.cli.session import Settings

    settings = Settings("mpc", nodes, threshold, timeout, "memory")
    try:
        check_size(settings)
    except ValueError as error:
        raise click.UsageError(str(error), click.get_current_context()) from None
    if count is not None and (values or named or lines):
        raise click.UsageError("--count takes random inputs: give it or values, not both", click.get_current_context())
    circuit = read_bristol(file)
    rows = rows_of(circuit, file, values, named, lines, msb_first) if count is None else random_rows(circuit, count)
    outputs = _on_nodes(circuit, file, rows, batch, settings, stats)
    if outputs is None:
        return 1
    if count is None:
        sys.stdout.write(shown(circuit, outputs, msb_first, as_json))
        return 0
    return _compared(circuit, file, rows, outputs)


def _on_nodes(circuit: "BooleanCircuit", file: str, rows: Any, batch: int, settings: Any, stats: bool) -> Any | None:
    """The outputs of all rows; None, and a diagnostic on stderr, when the nodes failed."""
    from enigmalang.cli.circuit_values import run_rows
    from enigmalang.cli.programs import as_diagnostic
    from enigmalang.cli.progress import Progress
    from enigmalang.cli.report import show
    from enigmalang.cli.running import shown_stats
    from enigmalang.cli.session import Session
    from enigmalang.execute.ports import EngineError

    with Progress() as progress, Session(settings, progress.phase) as session:
        try:
            with session.timed("run"):
                outputs = run_rows(circuit, rows, batch, session.tracer("M61"), progress.phase)
        except EngineError as error:
            with progress.paused():
                show([as_diagnostic(error, file)])
            return None
        if stats:
            with progress.paused():
                sys.stderr.write(shown_stats(session.stats()))
    return outputs


def _compared(circuit: "BooleanCircuit", file: str, rows: Any, outputs: Any) -> int:
    """What is said of random inputs."""
    from enigmalang.cli.texts import fail
    from enigmalang.source import Span

    wrong = (circuit.evaluate(rows) != outputs).any(axis=1).nonzero()[0]
    if len(wrong):
        raise fail("E0707", f"{len(wrong)} of {len(rows)} evaluations differ between the nodes and the clear",
                   Span(file, 1, 1, 1, 1))
    click.echo(f"{len(rows):,} random inputs: the nodes give what an evaluation in the clear gives")
    return 0
