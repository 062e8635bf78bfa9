"""`enig check PATHS`: every error and warning, without running anything."""

import sys
from typing import TYPE_CHECKING

import click

from enigmalang.cli.files import find_files
from enigmalang.cli.report import has_errors, show

if TYPE_CHECKING:
    from enigmalang.diagnostics import Diagnostic
    from enigmalang.plan.plan import Plan


@click.command("check")
@click.argument("paths", nargs=-1, required=True, type=click.Path())
@click.option("--network", is_flag=True, help="Also find what scripts could not do on a network.")
@click.option("--json", "as_json", is_flag=True, help="Write the diagnostics to stdout as a JSON array.")
def command(paths: tuple[str, ...], network: bool, as_json: bool) -> int:
    """Find the errors of files and folders without running them. Exit status 1 when there are any.

    Warnings about the standard library's own lines are left out: its documentation says what they would.
    """
    from enigmalang.analysis.reach import off_chain
    from enigmalang.cli.programs import budget_faults
    from enigmalang.compiler import Compilation
    from enigmalang.diagnostics import Severity, Sink
    from enigmalang.diagnostics.render import render_json
    from enigmalang.semantics.loader import in_stdlib
    from enigmalang.syntax.ast import has_budgets

    files, found = find_files(paths)
    for path in files:
        sink = Sink()
        job = Compilation(path, sink)
        if (analysed := job.get("analysed")) is not None:
            found += off_chain(analysed.program.functions.values())
        if network and (plan := job.get("plan")) is not None:
            found += _off_network(plan)
        if analysed is not None and has_budgets(job.need("module")) and job.get("plan") is not None:
            found += budget_faults(job)
        found += [d for d in sink.diagnostics if d.severity is Severity.ERROR or not in_stdlib(d.span.path)]
    if as_json:
        sys.stdout.write(render_json(found))
    elif found:
        show(found)
    else:
        print(f"{len(files)} file{'s' if len(files) != 1 else ''} checked, no errors", file=sys.stderr)
    return int(has_errors(found))


def _off_network(plan: "Plan") -> "list[Diagnostic]":
    from enigmalang.node.network_check import off_network

    return off_network(plan)
