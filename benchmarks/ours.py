"""Running a workload's EnigmaLang program: the whole path, on worker processes."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.workloads import Data, Workload
from enigmalang.cli.programs import Refused, compiled
from enigmalang.diagnostics import render
from enigmalang.execute.values import AnyValue
from enigmalang.execute.world import World
from enigmalang.plan.plan import Plan
from enigmalang.source import Span
from enigmalang.types.types import Type


class Given:
    """The inputs, as the command line would give them after reading its files."""

    def __init__(self, data: Data) -> None:
        self._data = data

    def read(self, name: str, type: Type, span: Span) -> Any:
        return self._data[name]


def plan_of(workload: Workload, size: int) -> Plan:
    """The program's plan. Sizes that types need are constants in a module `sizes` beside it; all else are inputs."""
    with _folder(workload, size) as path:
        try:
            return compiled(str(path))
        except Refused as refused:
            raise SystemExit(render(refused.diagnostics)) from None


@contextmanager
def _folder(workload: Workload, size: int) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(workload.path, folder)
        lines = [f"const {name} = {value}\n" for name, value in workload.constants(size).items()]
        Path(folder, "sizes.enig").write_text("".join(lines), "utf-8")
        yield Path(folder, workload.path.name)


def results(world: World, workload: Workload, data: Data) -> dict[str, Any]:
    """What the program wrote into `L`."""
    keys = workload.expect(data, workload.numpy(data)) if data else {}
    return {key: _value(world.ledger.read_log((key,))[-1].value) for key in keys}


def _value(value: Any) -> Any:
    if isinstance(value, AnyValue):
        (leaf,) = value.leaves
        return leaf
    return value
