"""`enig disclose FILE`: who learns what of a program, and what a change of it discloses anew."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from enigmalang.cli.report import show

if TYPE_CHECKING:
    from enigmalang.compiler.disclosure import Manifest


@click.command("disclose")
@click.argument("file", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Write JSON: a manifest that --diff reads, or the differences.")
@click.option("--diff", "old", type=click.Path(), metavar="OLD",
              help="Show what FILE discloses that OLD, an .enig file or a saved manifest, did not, and no longer.")
def command(file: str, as_json: bool, old: str | None) -> int:
    """Say who learns what of FILE: for every function, what everyone, the caller, each named identity and the nodes
    learn, with the line that causes it.

    \b
    enig disclose examples/vote.enig
    enig disclose --json examples/vote.enig > vote.json
    enig disclose examples/vote.enig --diff vote.json       status 1 if something is newly disclosed

    Moving lines discloses nothing new; computing a revealed value from something else does. So does a setter, or
    anything else that is written, paid or called, of which a condition (`require sender == boss`) is gone.
    """
    from enigmalang.cli.programs import Refused
    from enigmalang.compiler.disclosure import dump_manifest, print_manifest

    try:
        manifest = _manifest(file)
        if old is not None:
            return _compare(_older(old), manifest, as_json)
    except Refused as refused:
        show(refused.diagnostics)
        return 1
    sys.stdout.write(dump_manifest(manifest) if as_json else print_manifest(manifest))
    return 0


def _manifest(path: str) -> "Manifest":
    """Raises Refused."""
    from enigmalang.cli.programs import Refused
    from enigmalang.compiler import plan_as_written
    from enigmalang.compiler.disclosure import manifest_of
    from enigmalang.diagnostics import Sink

    sink = Sink()
    plan = plan_as_written(path, sink)
    if plan is None:
        raise Refused(sink.errors)
    return manifest_of(plan)


def _older(path: str) -> "Manifest":
    """What OLD says. Raises Refused, and click.UsageError when it is neither a program nor a manifest."""
    from enigmalang.circuits.bristol_file import OPEN_ALREADY
    from enigmalang.compiler.disclosure import ManifestError, load_manifest

    if path.endswith(".enig"):
        return _manifest(path)
    way = "give an older .enig file, or what `enig disclose --json FILE` wrote"
    if os.path.exists(path) and not os.path.isfile(path) and not path.startswith(OPEN_ALREADY):
        raise click.UsageError(f"{path} is no file on a disk; {way}")  # a pipe may never be written into
    try:
        return load_manifest(Path(path).read_text("utf-8"))
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}; {way}") from None
    except UnicodeDecodeError:
        raise click.UsageError(f"{path} is not text; {way}") from None
    except ManifestError as error:
        raise click.UsageError(f"{path}: {error}; {way}") from None


def _compare(old: "Manifest", new: "Manifest", as_json: bool) -> int:
    from enigmalang.compiler.disclosure import compare, comparison_data, print_comparison

    comparison = compare(old, new)
    if as_json:
        print(json.dumps(comparison_data(comparison), indent=1, ensure_ascii=False))
    else:
        sys.stdout.write(print_comparison(comparison))
    return int(bool(comparison.new))
