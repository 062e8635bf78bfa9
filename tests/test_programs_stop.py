"""Programs that the compiler accepts and that stop when they run: exactly the message that stands beside each.

A file is named by the code it ends with: `E0501_require.enig`. `# run: …` holds more arguments of `enig run`.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from run_support import enig, read_program

PROGRAMS = Path(__file__).parent / "programs" / "stop"


@pytest.mark.parametrize("name", sorted(path.name for path in PROGRAMS.glob("*.enig")))
def test_program_stops(name: str, golden: Callable[[Path, str], None]) -> None:
    path = PROGRAMS / name
    arguments = () if name.startswith("E0602") else read_program(path).arguments
    done = enig("run", name, "--engine", "clear", *arguments, cwd=PROGRAMS)
    assert done.returncode == 1
    assert f"error[{name[:5]}]" in done.stderr
    assert done.stdout == ""
    golden(path.with_suffix(".out"), done.stderr)
