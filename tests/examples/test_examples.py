"""Every example, run by the real command between three worker processes, prints what it says it prints."""

import pytest
from run_support import EXAMPLES, ROOT, Program, enig, read_program


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 11


@pytest.mark.parametrize("example", [read_program(path) for path in EXAMPLES], ids=str)
def test_example(example: Program) -> None:
    assert example.expected
    done = enig("run", str(example.path.relative_to(ROOT)), *example.arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == list(example.expected)
    assert done.stderr == ""


def test_five_nodes_agree() -> None:
    example = read_program(ROOT / "examples" / "salaries.enig")
    done = enig("run", str(example.path), "--nodes", "5")
    assert (done.returncode, done.stdout.splitlines()) == (0, list(example.expected)), done.stderr
