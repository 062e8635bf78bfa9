"""`enig fmt PATHS`: files in the canonical layout."""

import os
import stat
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from enigmalang.cli.files import find_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from enigmalang.diagnostics import Diagnostic, Sink
    from enigmalang.source import SourceFile

_STDIN = "-"


@dataclass(frozen=True, slots=True)
class Formatted:
    """A file as it is and as it should be, both as bytes: line ends and a byte order mark count."""

    path: str
    before: bytes
    after: bytes

    @property
    def changed(self) -> bool:
        return self.before != self.after


@click.command("fmt")
@click.argument("paths", nargs=-1, required=True, type=click.Path(allow_dash=True))
@click.option("--check", "check", is_flag=True, help="Write nothing; name the files that would change (status 1).")
@click.option("--diff", "diff", is_flag=True, help="Write nothing; show what would change (status 1 if anything).")
def command(paths: tuple[str, ...], check: bool, diff: bool) -> int:
    """Bring files and folders into the one canonical layout; `-` reads standard input and writes standard output.

    \b
    enig fmt examples                      rewrite what is not laid out so
    enig fmt --check examples              name it only, for scripts and CI
    enig fmt --diff examples/hello.enig    show what would change
    enig fmt - < draft.enig                as a filter, for editors

    Comments stay, and a program means the same before and after. Lines hold 100 characters; an expression that is
    longer is broken at its brackets and operators, and a comma behind the last element asks for one element a line.
    A file with syntax errors is left as it is (status 1), and so is a blank one (status 0).
    """
    if _STDIN in paths and len(paths) > 1:
        raise click.UsageError("`-` stands alone", click.get_current_context())
    if paths == (_STDIN,):
        return _filter(check, diff)
    return _files(paths, check, diff)


def _files(paths: "Sequence[str]", check: bool, diff: bool) -> int:
    from enigmalang.cli.report import show
    from enigmalang.diagnostics import Sink
    from enigmalang.syntax.parser import read_source

    files, refused = find_files(paths)
    changed = fine = 0
    failed = bool(refused)
    for path in files:
        sink = Sink()
        source = read_source(path, sink)
        if _is_blank(sink):
            fine += 1
            continue
        found = None if source is None else _formatted(_bytes(path), source, sink)
        refused += sink.diagnostics
        if found is None:
            failed = True
        elif not found.changed:
            fine += 1
        elif check or diff:
            changed += 1
            _report(found, check, diff)
        elif _write(found):
            changed += 1
        else:
            failed = True
    show(refused)
    _summary(changed, fine, check or diff)
    return int(failed or (changed > 0 and (check or diff)))


def _is_blank(sink: "Sink") -> bool:
    """Whether all that was wrong with a file is that nothing stands in it: no program, but laid out well enough."""
    return [d.code for d in sink.diagnostics] == ["E0014"]


def _bytes(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _summary(changed: int, fine: int, dry: bool) -> None:
    parts = [f"{_counted(changed)} {'would change' if dry else 'formatted'}"] if changed else []
    parts += [f"{_counted(fine)} unchanged"] if fine else []
    if parts:
        print(", ".join(parts), file=sys.stderr)


def _counted(number: int) -> str:
    return f"{number} file{'' if number == 1 else 's'}"


def _filter(check: bool, diff: bool) -> int:
    """Standard input to standard output; with errors nothing is written."""
    from enigmalang.cli.report import show
    from enigmalang.diagnostics import Sink, from_sources
    from enigmalang.source import SourceFile
    from enigmalang.syntax.parser import source_of

    raw, sink = sys.stdin.buffer.read(), Sink()
    source = source_of(raw, "<stdin>", sink)
    found = None if source is None else _formatted(raw, source, sink)
    if _is_blank(sink):
        found = Formatted("<stdin>", raw, raw)
    if found is None:
        show(sink.diagnostics, from_sources(source or SourceFile("<stdin>", "")))
        return 1
    if check or diff:
        if found.changed:
            _report(found, check, diff)
        return int(found.changed)
    sys.stdout.buffer.write(found.after)
    return 0


def _formatted(raw: bytes, source: "SourceFile", sink: "Sink") -> Formatted | None:
    """The layout of `source`; None, and its errors in `sink`, when it does not parse."""
    from enigmalang.syntax.formatting import Refused, format_source

    try:
        text = format_source(source.text, source.path)
    except Refused as refused:
        _tell(refused.diagnostics, sink)
        return None
    return Formatted(source.path, raw, text.encode())


def _tell(diagnostics: "Sequence[Diagnostic]", sink: "Sink") -> None:
    for diagnostic in diagnostics:
        sink.report(diagnostic)


def _report(found: Formatted, check: bool, diff: bool) -> None:
    if not diff:
        print(found.path)
        return
    from difflib import unified_diff

    before, after = (raw.decode("utf-8").splitlines(keepends=True) for raw in (found.before, found.after))
    for line in unified_diff(before, after, found.path, f"{found.path} (formatted)"):
        sys.stdout.write(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")


def _write(found: Formatted) -> bool:
    """Replace the file, whole or not at all, with its mode; a link stays a link. False, and a message, if it cannot."""
    path = os.path.realpath(found.path)
    temporary = None
    try:
        if not os.access(path, os.W_OK):
            raise PermissionError(None, "it is read-only")
        descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".")
        with os.fdopen(descriptor, "wb") as file:
            file.write(found.after)
            os.fchmod(descriptor, stat.S_IMODE(os.stat(path).st_mode))
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)
        print(f"enig fmt: {found.path} cannot be written: {error.strerror or error}", file=sys.stderr)
        return False
    return True
