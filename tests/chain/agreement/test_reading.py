"""Reading a chain: many keys in few messages, each key once a block."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from enigmalang.chain.embedded import EmbeddedEvm
from enigmalang.compiler import compile_file
from enigmalang.diagnostics import Sink
from enigmalang.execute.runner import run_function
from enigmalang.node.devchain import DevChain
from enigmalang.node.local import local_world

PROGRAM = """
contract Names:
    named: map[uint32, string[8]]
    people: list[uint32, 600]
    private secret: uint64

    def fill(a: uint32, b: uint32):
        for i in range(a, b):
            people.append(i)
            named[i] = "x"

    def job(private x: uint64) -> uint64:
        found = [named[p] for p in people]
        again = [p in named for p in people]
        secret = clamp(secret + x + sum([1 for f in found if f == "x"]) + sum([1 for a in again if a]))
        return reveal(secret)

n = deploy Names()
n.fill(0, 130)
print(n.job(5))
"""


def test_a_job_reads_many_keys_in_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "names.enig").write_text(PROGRAM)
    plan = compile_file(str(tmp_path / "names.enig"), Sink())
    assert plan is not None and plan.script is not None
    network, counted, batch = DevChain.embedded(), Counter[str](), EmbeddedEvm.batch

    def batch_counted(self: EmbeddedEvm, calls: Any) -> Any:
        counted["messages"] += 1
        counted["calls"] += sum(method == "eth_call" for method, _ in calls)
        return batch(self, calls)

    monkeypatch.setattr(EmbeddedEvm, "batch", batch_counted)
    lines: list[str] = []
    run_function(local_world(plan, out=lines.append, chain=lambda: network.fresh(plan)), plan.script)
    assert lines == ["265\n"]
    assert counted["messages"] < 30
    assert 130 * 2 <= counted["calls"] < 130 * 2 * 3
