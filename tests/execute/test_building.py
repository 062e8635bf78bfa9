"""Building circuits: once for each structure, gathered, with rows of kept arrays, and in bounded memory."""

import gc
import tracemalloc
from pathlib import Path
from typing import Any
from weakref import ref

import numpy as np
import pytest
from runtime_support import compiled

from enigmalang.circuits import gather as gathering
from enigmalang.circuits.circuit import Circuit, Form
from enigmalang.circuits.layers import schedule
from enigmalang.execute import building
from enigmalang.execute import wires as w
from enigmalang.execute.circuit_engine import CircuitEngine
from enigmalang.execute.runner import run_function
from enigmalang.execute.trace import Traced, Tracer
from enigmalang.execute.world import World
from enigmalang.node.local import local_world
from enigmalang.wire.codec import decode_circuit, encode_circuit


class Recorder(CircuitEngine):
    """Takes circuits as nodes do, over the wire."""

    def __init__(self, field: str = "M61") -> None:
        super().__init__(field)
        self.circuits: list[Circuit] = []

    def run(self, circuit: Circuit, *args: Any, **options: Any) -> Any:
        self.circuits.append(circuit)
        return super().run(decode_circuit(encode_circuit(circuit)), *args, **options)


def run(text: str, folder: Path) -> tuple[str, Recorder, World]:
    plan = compiled(text, folder)
    out: list[str] = []
    engine = Recorder(plan.field)
    world = local_world(plan, engine, out=out.append)
    assert plan.script is not None
    run_function(world, plan.script)
    return "".join(out), engine, world


LOOP = """
private total: int32 = 0
for i in range(6):
    private x: int16 = 7 * i
    total = clamp(total + x * x)
    print(reveal(x * x < 500))
print(reveal(total))
"""


def test_loops_build_once_for_each_structure(tmp_path: Path) -> None:
    """The first round loads nothing and the last opens the sum; all others have one structure."""
    text, engine, world = run(LOOP, tmp_path)
    assert text.split() == ["True", "True", "True", "True", "False", "False", "2695"]
    assert world.tracer is not None
    builder = world.tracer.builder
    assert builder.hits + builder.misses == len(engine.circuits) == 7
    assert len({id(c) for c in engine.circuits}) == builder.misses <= 3


def test_constants_are_part_of_the_structure() -> None:
    tracer = Tracer(CircuitEngine())
    x = tracer.traced(w.given(5, Form.ARITH))
    assert x.arith is not None
    for amount in (1, 2, 1, 2):
        opened, _ = tracer.run([w.shift(x.arith, amount)])
        assert opened[0] == 5 + amount
    # the first keeps x, so its circuit is another than that of the third
    assert (tracer.builder.hits, tracer.builder.misses) == (1, 3)


def scalars(tracer: Tracer, count: int) -> list[Traced]:
    made = [tracer.traced(w.given(k - count // 2, Form.ARITH)) for k in range(count)]
    return [tracer.traced(w.mul(a.wire, b.wire)) for a, b in zip(made, made[::-1], strict=True)]


def test_scalars_are_kept_as_rows_of_an_array() -> None:
    engine = Recorder()
    tracer = Tracer(engine)
    values = scalars(tracer, 200)
    opened, _ = tracer.run([v.wire for v in values[:150]])
    wanted = [(k - 100) * (99 - k) for k in range(200)]
    assert [int(x) for x in opened] == wanted[:150]
    # the products that were opened, and the inputs of those that were not computed yet
    assert len(engine.memory) == 2 and len(engine.circuits[0].nodes) < 10
    again, _ = tracer.run([tracer.traced(w.shift(v.wire, 1)).wire for v in reversed(values)])
    assert [int(x) for x in again] == [x + 1 for x in reversed(wanted)]
    assert len(engine.memory) == 3  # and the rest of the products; the inputs are forgotten with the next run
    del values
    tracer.run([w.given(1, Form.ARITH)])
    assert not engine.memory


@pytest.mark.parametrize("steps", [30])
def test_gathering_changes_nothing_but_the_number_of_nodes(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def ran() -> tuple[list[int], Recorder]:
        engine = Recorder()
        tracer = Tracer(engine)
        values = [tracer.traced(w.given(k % 5 - 2, Form.ARITH)) for k in range(50)]
        for step in range(steps):
            smaller = [w.b2a(w.ltz(w.sub(a.wire, values[(k + step) % 50].wire))) for k, a in enumerate(values)]
            values = [tracer.traced(w.select(c, a.wire, values[k * 7 % 50].wire))
                      for k, (c, a) in enumerate(zip(smaller, values, strict=True))]
        opened, _ = tracer.run([v.wire for v in values])
        return [int(x) for x in opened], engine

    gathered, small = ran()
    monkeypatch.setattr(gathering, "LEAST_NODES", 1 << 60)
    plain, large = ran()
    assert gathered == plain
    assert 10 * len(small.circuits[0].nodes) < len(large.circuits[0].nodes)
    rounds = [sum(bool(layer.together) for layer in schedule(e.circuits[0]).layers) for e in (small, large)]
    assert rounds[0] == rounds[1]


def test_memory_of_building() -> None:
    """What building takes beyond the trace itself: a few hundred bytes a node."""
    tracer = Tracer(CircuitEngine())
    count = 20_000
    x, y = (tracer.traced(w.given(v, Form.BITS)).wire for v in (True, False))
    last = x
    for _ in range(count // 2):
        last = w.xor(w.and_(last, x), y)
    tracemalloc.start()
    try:
        tracer.run([last])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1500 * count


def test_large_arrays_are_not_copied_by_building() -> None:
    value = np.arange(1 << 18)
    tracer = Tracer(CircuitEngine())
    x = tracer.traced(w.given(value, Form.ARITH))
    tracemalloc.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(CircuitEngine, "run", lambda *a: pytest.fail("stop here"))
            with pytest.raises(pytest.fail.Exception):
                tracer.run([w.mul(x.wire, x.wire)])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < value.nbytes // 4


def test_statements_with_large_arrays_hold_what_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each statement has another public array. What is not remembered is gone at once, without the garbage collector:
    it looks after so many objects, and large arrays are few."""
    count, kept = 20, 3
    size = np.arange(1 << 16).nbytes
    monkeypatch.setattr(building, "KEPT_BYTES", kept * size + 10_000)
    monkeypatch.setattr(building, "KEPT_CIRCUITS", kept)
    ran: list[ref[Circuit]] = []
    tracer = Tracer(CircuitEngine(), lambda circuit: ran.append(ref(circuit)))
    private = tracer.traced(w.given(np.arange(1 << 16), Form.ARITH))
    tracer.run([w.total(private.wire, 0)])
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for number in range(count):
            factor = np.arange(1 << 16) + number
            tracer.run([w.total(w.mul(private.wire, w.const(factor)), 0)])
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert len(ran) == 1 + count and sum(circuit() is not None for circuit in ran) <= kept
    assert held < 4 * kept * size  # the arrays, and what tells the circuits apart
