"""`enig check PATHS`: every error and warning, without running anything."""

import sys

import click

from enigmalang.cli.files import find_files
from enigmalang.cli.report import has_errors, show


@click.command("check")
@click.argument("paths", nargs=-1, required=True, type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Write the diagnostics to stdout as a JSON array.")
def command(paths: tuple[str, ...], as_json: bool) -> int:
    """Find the errors of files and folders without running them. Exit status 1 when there are any.

    Warnings about the standard library's own lines are left out: its documentation says what they would.
    """
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
        if job.get("analysed") is not None and has_budgets(job.need("module")) and job.get("plan") is not None:
            found += budget_faults(job)
        found += [d for d in sink.diagnostics if d.severity is Severity.ERROR or not in_stdlib(d.span.path)]
    if as_json:
        sys.stdout.write(render_json(found))
    elif found:
        show(found)
    else:
        print(f"{len(files)} file{'s' if len(files) != 1 else ''} checked, no errors", file=sys.stderr)
    return int(has_errors(found))
