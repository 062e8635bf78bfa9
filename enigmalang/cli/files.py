"""Which `.enig` files the arguments of `check` and `test` mean."""

import os
from collections.abc import Iterable
from pathlib import Path

from enigmalang.cli.texts import fail
from enigmalang.diagnostics.diagnostic import Diagnostic, EnigmaError
from enigmalang.source import Span


def find_files(paths: Iterable[str]) -> tuple[list[str], list[Diagnostic]]:
    """The files among `paths`, and for a folder every `.enig` file below it in order of name; each once.

    A path that does not exist, or a folder without any such file, gives E0601.
    """
    found: dict[str, None] = {}
    faults: list[Diagnostic] = []
    for path in paths:
        if not os.path.isdir(path):
            found.setdefault(path)  # whether it can be read is said by whoever reads it
            continue
        inside = sorted(str(p) for p in Path(path).rglob("*.enig") if _visible(p.relative_to(path)))
        if not inside:
            faults.append(_error(path).diagnostic)
        found.update(dict.fromkeys(inside))
    return list(found), faults


def _visible(path: Path) -> bool:
    return not any(part.startswith(".") for part in path.parts)


def _error(path: str) -> EnigmaError:
    return fail("E0601", f"there is no .enig file in {path}", Span(path, 1, 1, 1, 1))
