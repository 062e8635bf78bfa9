"""`enig compile FILE --to FORMAT`: what a program becomes, for other tools to take up."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from enigmalang.cli.report import show

if TYPE_CHECKING:
    from enigmalang.plan.plan import Plan


#: Formats of contracts, and of circuits.
CONTRACTS, CIRCUITS = ("vyper", "abi", "python"), ("ir", "json", "bristol", "bristol-fashion", "dot", "svg")


@click.command("compile")
@click.argument("file", type=click.Path())
@click.option("--contract", "wanted", metavar="NAME", help="The contract; without it all of the file.")
@click.option("--function", metavar="NAME", help="For circuits: a `def` of the file, or a function such as "
              "Salaries.average; without it the file's statements.")
@click.option("--let", "lets", multiple=True, metavar="NAME=VALUE",
              help="For circuits: the length of a list, or a public value: --let n=100. May be repeated.")
@click.option("--to", "target", type=click.Choice((*CONTRACTS, *CIRCUITS)), required=True,
              help="vyper: the source that is deployed; abi: its ABI as JSON; python: a typed client module over web3. "
              "ir: the optimised IR; json: the layered arithmetic circuits; bristol, bristol-fashion: one circuit of "
              "XOR, AND and INV gates, with the old or the newer header; dot, svg: a drawing.")
@click.option("-o", "out", type=click.Path(), metavar="OUT",
              help="Write there instead of to stdout; a folder takes a file for each contract.")
def command(file: str, wanted: str | None, function: str | None, lets: tuple[str, ...], target: str, out: str | None
            ) -> int:
    """Compile FILE: its contracts for the chain, or a function to circuits.

    \b
    enig compile examples/salaries.enig --to vyper -o build
    enig compile examples/salaries.enig --function average --let people=10 --to svg -o average.svg
    enig compile benchmarks/programs/aes.enig --function encrypted --to bristol-fashion -o aes.txt

    Beside a Vyper source with -o stands NAME.lines.json: which of its lines came from which line of FILE.

    JSON has `inputs` (name, type, shape; private state is an input) and `circuits`: `nodes` in topological order, each
    with op, args, shape, form (arith or bits) and attrs; `layers`, each with the nodes that are computed locally and
    those computed together in messages; `opens`, `outputs` and `keeps`, the nodes that everyone learns, that one
    receiver learns, and that become state. enigmalang/circuits/circuit.schema.json is its JSON Schema.

    Of a boolean circuit the inputs are those of the JSON, in order, and the outputs what is opened, sealed and kept:
    each value least significant bit first, negative numbers as two's complement, an array's elements one after the
    other.
    """
    context = click.get_current_context()
    if target in CIRCUITS:
        from enigmalang.cli.exporting import export

        if wanted is not None:
            raise click.UsageError(f"--contract is for {', '.join(CONTRACTS)}; take --function", context)
        return export(file, function, lets, target, out)
    if function is not None or lets:
        raise click.UsageError(f"--function and --let are for {', '.join(CIRCUITS)}; take --contract", context)
    from enigmalang.cli.programs import Refused, compiled

    try:
        plan = compiled(file)
    except Refused as refused:
        show(refused.diagnostics)
        return 1
    if not plan.contracts:
        raise click.UsageError(f"{file} has no contract", click.get_current_context())
    if wanted is not None and wanted not in plan.contracts:
        names = ", ".join(plan.contracts)
        raise click.UsageError(f"{file} has no contract {wanted}, but {names}", click.get_current_context())
    try:
        found = _files(plan, [wanted] if wanted is not None else list(plan.contracts), target)
    except Refused as refused:
        show(refused.diagnostics)
        return 1
    _write(found, out)
    return 0


def _files(plan: "Plan", names: Sequence[str], target: str) -> dict[str, str]:
    """File name -> text. Raises Refused."""
    import json

    from enigmalang.chain.python_client import python_module
    from enigmalang.chain.vyper import Deployable, compile_contract
    from enigmalang.cli.programs import Refused
    from enigmalang.diagnostics import Diagnostic, EnigmaError

    made: dict[str, Deployable] = {}
    faults: list[Diagnostic] = []
    for name in names:
        try:
            made[name] = compile_contract(plan, name)
        except EnigmaError as error:
            faults.append(error.diagnostic)
    if faults:
        raise Refused(faults)
    if target == "python":
        stem = Path(plan.path).stem.replace("-", "_")
        return {f"{stem}.py": python_module(plan, [(n, d.compiled, d.generated.tracked) for n, d in made.items()])}
    if target == "abi":
        return {f"{n}.json": json.dumps(d.compiled.abi, indent=1) + "\n" for n, d in made.items()}
    files = {f"{n}.vy": d.generated.source for n, d in made.items()}
    return files | {f"{n}.lines.json": d.generated.line_table() + "\n" for n, d in made.items()}


def _write(files: dict[str, str], out: str | None) -> None:
    main = {n: t for n, t in files.items() if not n.endswith(".lines.json")}
    if out is None:
        sys.stdout.write("\n".join(main.values()))
        return
    folder = Path(out)
    if len(main) > 1 or folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, "utf-8")
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder if name in main else folder.with_suffix(".lines.json")
        path.write_text(text, "utf-8")

