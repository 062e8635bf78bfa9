"""Every program in `programs/fail` is refused, with exactly the diagnostics that stand beside it in `.out`.

A file is named by the code it must trigger: `E0301_print.enig`. Syntax errors (E00xx) need the parser only.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from enigmalang.diagnostics import CODES, Sink, render
from enigmalang.syntax.parser import parse, read_source

PROGRAMS = Path(__file__).parent / "programs" / "fail"
FILES = sorted(PROGRAMS.glob("*.enig"))


def check_file(path: str, sink: Sink) -> None:
    if path.startswith("E00"):
        source = read_source(path, sink)
        if source is not None:
            parse(source, sink)
        return
    from enigmalang.compiler import check

    check(path, sink)


@pytest.mark.parametrize("name", [path.name for path in FILES])
def test_program_is_refused(name: str, golden: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROGRAMS)
    sink = Sink()
    check_file(name, sink)
    codes = {diagnostic.code for diagnostic in sink.diagnostics}
    assert name[:5] in codes, f"{name} should trigger {name[:5]} and gave {sorted(codes)}"
    assert codes <= set(CODES)
    golden(PROGRAMS / f"{name.removesuffix('.enig')}.out", render(sink.diagnostics))


def test_every_syntax_code_has_a_program() -> None:
    shown = {path.name[:5] for path in FILES}
    too_large = {"E0013"}  # made in tests/syntax: a file of that size does not belong here
    assert {code for code in CODES if code.startswith("E00")} - too_large <= shown
