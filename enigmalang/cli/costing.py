"""What `enig cost` does, once its options are known to be good."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click

from enigmalang.chain.errors import ChainError
from enigmalang.cli.columns import columns, told_bytes, told_seconds
from enigmalang.cli.programs import Refused, head_of, tell
from enigmalang.cli.progress import Progress
from enigmalang.cli.report import show
from enigmalang.compiler import compile_file
from enigmalang.diagnostics import Diagnostic, EnigmaError, Sink
from enigmalang.execute.ports import EngineError
from enigmalang.node.costing import (
    BadLet,
    Cost,
    Link,
    Missing,
    cost_of,
    cost_of_program,
    priced_functions,
    unknown_lets,
)
from enigmalang.node.costing.gas import Gas, MeteredLedger
from enigmalang.plan.plan import Plan

SCHEMA = 1
Lets = Mapping[str, int | str]
Committee = tuple[int, int | None]


def parse_lets(options: Sequence[str]) -> dict[str, int | str]:
    """`NAME=VALUE` each. Raises ValueError, in words for the user."""
    found: dict[str, int | str] = {}
    for option in options:
        name, equals, text = (part.strip() for part in option.partition("="))
        if not equals or not name or not text:
            raise ValueError(f"--let takes NAME=VALUE, such as n=1000, not {option!r}")
        if name in found:
            raise ValueError(f"--let gives {name!r} twice")
        digits = text.removeprefix("-").replace("_", "")
        found[name] = int(text) if digits.isascii() and digits.isdigit() else text
    return found


@dataclass(frozen=True, slots=True)
class Costs:
    """Of a file: its functions, what a run of it costs, and what could not be told."""

    path: str
    link: Link
    functions: tuple[Cost, ...]
    run: Cost | None
    failed: tuple[Diagnostic, ...]


def cost_file(
    path: str, committee: Committee, lets: Lets, link: Link, wanted: str | None, chain: bool, as_json: bool,
    network: bool = False,
) -> int:
    """Write what the file at `path` costs; the exit status."""
    with Progress() as progress:
        try:
            progress.phase(f"compiling {path}")
            plan = _compiled(path)
            names = _chosen(plan, wanted)
            unknown = unknown_lets(plan, lets)
            if unknown:
                raise click.UsageError(f"--let {unknown[0]}: nothing in {path} has this name",
                                       click.get_current_context())
            progress.phase("counting")
            found = costs(plan, names, committee, lets, link, chain, wanted is None, network)
        except (Refused, EnigmaError, EngineError, ChainError) as error:
            return tell(error, path, progress)
    sys.stdout.write(json.dumps(as_dict(found), indent=2) + "\n" if as_json else as_text(found))
    sys.stdout.flush()
    if found.failed:
        show(found.failed)
    return int(bool(found.failed))


def _compiled(path: str) -> Plan:
    """The plan, whatever its budgets say. Raises Refused."""
    sink = Sink()
    plan = compile_file(path, sink)
    if plan is None:
        raise Refused(sink.errors)
    return plan


def _chosen(plan: Plan, wanted: str | None) -> list[str]:
    names = priced_functions(plan)
    if wanted is None:
        return [name for name in names if name not in plan.tests]
    found = [name for name in names if wanted in (name, name.rpartition(".")[2], name.removeprefix("test: "))]
    if not found:
        told = ", ".join(names) or "no function that nodes or a chain run"
        raise click.UsageError(f"there is no function {wanted} in {plan.path}; it has {told}",
                               click.get_current_context())
    return found


def costs(
    plan: Plan, names: Sequence[str], committee: Committee, lets: Lets, link: Link, chain: bool, whole: bool,
    network: bool = False,
) -> Costs:
    """Count them all; with `whole` a run of the file, too; scripts as on a `network`. Raises EnigmaError, EngineError,
    ChainError."""
    found: list[Cost] = []
    failed: list[Diagnostic] = []
    for name in names:
        try:
            found.append(cost_of(plan, name, committee[0], lets, committee[1], network))
        except (Missing, BadLet) as error:
            failed.append(_not_known(plan, name, error))
        except EnigmaError as error:
            failed.append(error.diagnostic)
    run, gas = None, Gas()
    if plan.script is None and plan.tests and (whole or chain):
        run = _tests(plan, committee, lets, chain, gas)
    return Costs(plan.path, link, tuple(_with_gas(cost, gas) for cost in found), run if whole else None, tuple(failed))


def _tests(plan: Plan, committee: Committee, lets: Lets, chain: bool, gas: Gas) -> Cost:
    """All tests, as `enig run` runs them."""
    nodes, threshold = committee
    if not chain or not plan.contracts:
        return cost_of_program(plan, nodes, lets, threshold)
    from enigmalang.node.devchain import DevChain

    network = DevChain.embedded(nodes, threshold)
    try:
        return cost_of_program(plan, nodes, lets, threshold,
                               lambda: MeteredLedger(network.fresh(plan), network.chain, gas))
    finally:
        network.close()


def _with_gas(cost: Cost, gas: Gas) -> Cost:
    return replace(cost, gas=gas.used.get(cost.name, cost.gas))


def _not_known(plan: Plan, name: str, error: Missing | BadLet) -> Diagnostic:
    first = next(iter(error.names), "n") if isinstance(error, Missing) else ""
    help = f"add `--let {first}=1000`" if first else None
    return Diagnostic("E1002", f"the cost of {name} cannot be told: {error}", head_of(plan, name), (), help)


# ------------------------------------------------------------------------------------------- showing


def as_text(found: Costs) -> str:
    """A table of functions, then one of lines for each that nodes work for."""
    everything = [*found.functions, *([found.run] if found.run is not None else [])]
    if not everything:
        return ""
    first = everything[0]
    link = found.link
    text = (f"{first.nodes} nodes, any {first.threshold} of which learn nothing; {link.delay * 1000:g} ms one way, "
            f"{link.bits / 1e6:g} Mbit/s\n\n")
    head = ("", "rounds", "products", "ANDs", "comparisons", "bytes a node", "seconds", "orders", "gas",
            "fee (gwei)")
    rows = [(_title(cost, found.run), *_amounts(cost, link)) for cost in everything]
    text += columns(*_without_empty(head, rows))
    for cost in everything:
        if cost.lines and (cost is not found.run or not found.functions):
            text += "\n" + _of_lines(cost, link)
    return text + _ahead(everything)


def _title(cost: Cost, run: Cost | None) -> str:
    return "enig run (its tests)" if cost is run else cost.name


def _amounts(cost: Cost, link: Link) -> tuple[str, ...]:
    return (f"{cost.rounds:,}", f"{cost.products:,}", f"{cost.ands:,}", f"{cost.comparisons:,}", f"{cost.bytes_sent:,}",
            told_seconds(cost.seconds(link)), f"{cost.orders:,}" if cost.orders else "",
            "" if cost.gas is None else f"{cost.gas:,}", "" if cost.fee is None else f"{cost.fee / 1e9:,.3f}")


def _without_empty(head: Sequence[str], rows: list[tuple[str, ...]]) -> tuple[list[str], list[list[str]]]:
    """Without columns that say nothing."""
    kept = [n for n, name in enumerate(head) if not name or any(row[n] for row in rows)]
    return [head[n] for n in kept], [[row[n] for n in kept] for row in rows]


def _of_lines(cost: Cost, link: Link) -> str:
    """The lines of a function with their text; lines share rounds."""
    rows = [
        (line.place, f"{line.rounds:,}", f"{line.products:,}", f"{line.ands:,}", f"{line.comparisons:,}",
         f"{line.bytes_sent:,}", told_seconds(cost.seconds_of(line, link)), _source(line.path, line.line))
        for line in cost.lines]
    rows.append((f"agreeing on {cost.circuits:,} circuit{'s' if cost.circuits != 1 else ''}", f"{cost.circuits:,}", "",
                 "", "", f"{cost.agreeing:,}", told_seconds(link.seconds(cost.circuits, cost.agreeing, 0, 0)), ""))
    head = (cost.name, "rounds*", "products", "ANDs", "comparisons", "bytes a node", "seconds", "")
    text = columns(head, rows, left=(0, 7))
    return text + "".join(f"  assumed: {what}\n" for what in cost.assumed)


def _ahead(found: Sequence[Cost]) -> str:
    """Preprocessing, apart."""
    most = max(found, key=lambda cost: cost.ahead.get("bytes_sent", 0))
    text = "\n* rounds in which the line takes part: lines share them\n" if any(cost.lines for cost in found) else ""
    if not most.ahead.get("bytes_sent"):
        return text
    return (f"{text}made ahead, when a network starts: {most.ahead['rounds']:,} rounds, "
            f"{told_bytes(most.ahead['bytes_sent'])} a node\n")


def _source(path: str, line: int) -> str:
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    text = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    return text if len(text) <= 60 else text[:59] + "…"


def as_dict(found: Costs) -> dict[str, Any]:
    """Everything, for JSON. Seconds are on the link; bytes those of the node that sends most; the fee in wei."""
    return {
        "schema": SCHEMA, "file": found.path, "link": asdict(found.link),
        "functions": list(_dicts(found.functions, found.link)),
        "run": next(_dicts([found.run], found.link)) if found.run is not None else None,
        "not_told": [{"code": d.code, "message": d.message, "line": d.span.line} for d in found.failed],
    }


def _dicts(found: Sequence[Cost], link: Link) -> Iterator[dict[str, Any]]:
    for cost in found:
        made = asdict(cost) | {"seconds": cost.seconds(link)}
        made["line"] = made.pop("span")["line"]
        for shown, line in zip(made["lines"], cost.lines, strict=True):
            del shown["numbers"]
            shown["seconds"] = cost.seconds_of(line, link)
        yield made
