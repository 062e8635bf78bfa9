"""What the tests that run programs share: the comments a program carries, and the real command."""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.enig"))
PROGRAMS = sorted((ROOT / "tests" / "programs" / "run").glob("*.enig"))


@dataclass(frozen=True, slots=True)
class Program:
    """A program and its comments: `# expect: LINE` for each line of output, `# run: ARGUMENTS` for its inputs."""

    path: Path
    expected: tuple[str, ...]
    arguments: tuple[str, ...]

    def __str__(self) -> str:
        return self.path.stem


def read_program(path: Path) -> Program:
    text = path.read_text("utf-8")
    expected = re.findall(r"^# expect:(?: (.*))?$", text, re.MULTILINE)
    arguments = [word for line in re.findall(r"^# run: (.*)$", text, re.MULTILINE) for word in shlex.split(line)]
    return Program(path, tuple(expected), tuple(arguments))


def enig(*arguments: str, cwd: Path = ROOT, timeout: float = 120, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the real command."""
    return subprocess.run(
        [sys.executable, "-c", "from enigmalang.cli import main; main()", *arguments],
        cwd=cwd, capture_output=True, text=True, timeout=timeout, env={**os.environ, **environment}, check=False,
    )
