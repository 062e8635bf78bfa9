"""What the tests that run programs share: the comments a program carries, and the real command."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from enigmalang.cli.inputs import Inputs, parse_inputs
from enigmalang.cli.programs import Refused, compiled
from enigmalang.cli.session import Session, Settings
from enigmalang.diagnostics import render
from enigmalang.execute.runner import run_function
from enigmalang.plan.plan import Plan

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


Done = subprocess.CompletedProcess[str]


def enig(*arguments: str, cwd: Path = ROOT, timeout: float = 120, **environment: str) -> Done:
    """Run the real command."""
    return subprocess.run(
        [sys.executable, "-c", "from enigmalang.cli import main; main()", *arguments],
        cwd=cwd, capture_output=True, text=True, timeout=timeout, env={**os.environ, **environment}, check=False,
    )


ENGINES = ("clear", "circuit", "mpc")


class Bench:
    """Runs programs in this process; one cluster per field for as long as the bench lives."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.session = Session(settings or Settings())
        self._plans: dict[tuple[Path, str], Plan] = {}

    def plan(self, path: Path) -> Plan:
        key = path, path.read_text("utf-8")
        if key not in self._plans:
            try:
                self._plans[key] = compiled(str(path))
            except Refused as refused:
                raise AssertionError(render(refused.diagnostics)) from None
        return self._plans[key]

    def run(self, path: Path, engine: str, arguments: Sequence[str] = ()) -> str:
        """What the program prints, and a line for each test it passes."""
        plan, inputs, printed = self.plan(path), _inputs(arguments), list[str]()
        if plan.script is not None:
            run_function(self.session.world(plan, inputs, printed.append, engine=engine), plan.script)
            return "".join(printed)
        for name in plan.tests:
            world = self.session.world(plan, inputs, printed.append, engine=engine)
            run_function(world, plan.functions[name].public)
            printed.append(f"✓ {name.removeprefix('test: ')}\n")
        return "".join(printed)


def _inputs(arguments: Sequence[str]) -> Inputs:
    named, _, numbered = " ".join(arguments).partition(" -- ")
    options = [word for word in named.split() if word != "--input"]
    return Inputs(parse_inputs(options, numbered.split()))


@pytest.fixture(scope="session")
def bench() -> Iterator[Bench]:
    made = Bench()
    with made.session:
        yield made
