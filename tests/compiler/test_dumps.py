"""Every stage of the compiler as text, for one script and one contract: golden files, `--accept` rewrites them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from run_support import ROOT, enig

GOLDEN = Path(__file__).parent / "golden"
STAGES = ("tokens", "ast", "types", "secrecy", "ranges", "ir", "plan", "circuit")


@pytest.mark.parametrize("example", ["hello", "salaries"])
@pytest.mark.parametrize("stage", STAGES)
def test_dump(stage: str, example: str, golden: Callable[[Path, str], None]) -> None:
    done = enig("dump", stage, f"examples/{example}.enig", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    golden(GOLDEN / f"{example}.{stage}", done.stdout)
