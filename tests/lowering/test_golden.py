"""Golden files: each form of the language, and the IR it becomes (before inlining). `--accept` rewrites them."""

from pathlib import Path

import pytest
from lowering_helpers import lowered

from enigmalang.ir.text import parse_program, print_program
from enigmalang.ir.verify import verify
from enigmalang.passes.inline import inline

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*.enig")), ids=lambda file: file.stem)
def test_forms_become_the_expected_ir(file, pytestconfig):
    program = lowered(file.read_text(), file.name)
    verify(program)
    text = print_program(program)
    assert print_program(parse_program(text)) == text
    golden = file.with_suffix(".ir")
    if pytestconfig.getoption("--accept"):
        golden.write_text(text)
    assert text == golden.read_text()
    inlined = inline(program)
    verify(inlined)
    spans = print_program(inlined, spans=True)
    assert print_program(parse_program(spans), spans=True) == spans
