"""Loops traced once and repeated: the circuits are those that tracing every iteration gives."""

from pathlib import Path
from typing import Any

import pytest
from runtime_support import compiled

from enigmalang.circuits import gather as gathering
from enigmalang.circuits.circuit import Circuit
from enigmalang.circuits.table import Rows
from enigmalang.diagnostics import EnigmaError
from enigmalang.execute import machine, placeholders, repeats
from enigmalang.execute.blocks import Block
from enigmalang.execute.circuit_engine import CircuitEngine
from enigmalang.execute.runner import run_function
from enigmalang.node.local import local_world

HEADER = "private x: int8 = 3\nprivate y: int8 = -2\nprivate p = True\nprivate q = False\n"
#: Programs, and whether something in them is repeated.
PROGRAMS = {
    "chain": ("""
for i in range(60):
    p = (p and q) ^ (x < y)
print(reveal(p))
""", True),
    "swap": ("""
private a: int64 = 1
private b: int64 = 1
for i in range(40):
    private c = clamp(a + b, int64)
    a = b
    b = c
print(reveal(a), reveal(b))
""", True),
    "negations": ("""
for i in range(50):
    p = not (p and q)
    q = not (p ^ q) and not p
print(reveal(p), reveal(q))
""", True),
    "three": ("""
private r = True
for i in range(50):
    private s = p
    p = q
    q = not r
    r = s ^ p
print(reveal(p), reveal(q), reveal(r))
""", True),
    "while": ("""
n: uint32 = 0
top: uint32 = 0
while n < 70:
    n += 1
    top = n * n
    p = not (p and (x < y or q))
print(n, top, reveal(p))
""", True),
    "kept": ("""
private r = p
for i in range(40):
    r = r ^ (p and q)
    p = p ^ r
print(reveal(r))
print(reveal(p and r))
""", True),
    "nested": ("""
private found: list[bool] = []
k: uint32 = 0
while k < 8:
    private a: bool = x * k < 3
    private b: bool = not (x < k)
    step: uint32 = 0
    while step < 5:
        a = (a and b) ^ (b or a)
        b = not (a and b)
        step += 1
    found.append(a)
    k += 1
print(reveal(found))
""", True),
    "public that changes": ("""
private s: int32 = 0
for i in range(40):
    if p:
        s = clamp(s * 2 + x * i, int32)
print(reveal(s))
""", True),
    "every operation": ("""
private s: int32 = 0
n: uint32 = 50
for i in range(n):
    private t = s * 3 + (n - 1 - i) * i - 7
    s = clamp(max(t, i) - min(x * i, t * (i + 1)), int32)
    p = (p ^ (s < i * i + 3)) or (q and s != i) or (x >= i)
    q = (p and i % 3 == 0) ^ (q or i % 2 == 1) ^ (i <= s) ^ ((s == i) == (i > 20))
    s = wrap(s * 5 - i, int32)
print(reveal(s), reveal(p), reveal(q))
""", True),
    "rows": ("""
private xs: int16[40] = [i * 7 for i in range(40)]
private truths: list[bool] = [k % 3 == 0 for k in range(40)]
private s: int64 = 0
for i in range(40):
    s = wrap(s + xs[i] * xs[39 - i], int64)
    p = p ^ truths[i] and (xs[i // 2] < i)
print(reveal(s), reveal(p))
""", True),
    "items": ("""
private xs: list[int16] = [i * 7 for i in range(40)]
private truths: list[bool] = [k % 3 == 0 for k in range(40)]
private s: int64 = 0
private last: int16 = 0
for each, t in zip(xs, truths):
    s = wrap(s * 3 + each * last, int64)
    p = not (p and t)
    last = each
print(reveal(s), reveal(p), reveal(last))
""", True),
    "rows while": ("""
private xs: list[int16] = [i * 7 for i in range(40)]
private s: int64 = 0
k: uint32 = 0
while k < 39:
    s = wrap(s + xs[k] * k, int64)
    k += 3
    k -= 2
print(k, reveal(s))
""", True),
    "rows of a matrix": ("""
private m: int16[20, 3] = [[i * j for j in range(3)] for i in range(20)]
private s: int64 = 0
for i in range(20):
    row = m[i]
    s = wrap(s * 2 + row[0] + row[1] * i - row[2], int64)
print(reveal(s))
""", True),
    "wide constants": ("""
private s: uint64 = 3
for i in range(30):
    p = p ^ (s + 2 ** (i + 10) < 2 ** 40 - i)
print(reveal(p))
""", True),
    "public condition": ("""
for i in range(40):
    if i % 3 == 0:
        p = not (p and q)
    else:
        p = p ^ q
print(reveal(p))
""", False),
    "left early": ("""
n: uint32 = 0
for i in range(60):
    p = not (p and q)
    n += 1
    if n > 30:
        break
print(n, reveal(p))
""", False),
}


class Recorder(CircuitEngine):
    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.circuits: list[Circuit] = []

    def run(self, circuit: Circuit, *args: Any, **options: Any) -> Any:
        self.circuits.append(circuit)
        return super().run(circuit, *args, **options)


def run(text: str, folder: Path, clear: bool = False) -> tuple[str, list[Circuit]]:
    plan = compiled(HEADER + text + "\n", folder)
    engine = None if clear else Recorder(plan.field)
    out: list[str] = []
    assert plan.script is not None
    run_function(local_world(plan, engine, out=out.append), plan.script)
    return "".join(out), [] if engine is None else engine.circuits


def counts(circuits: list[Circuit]) -> dict[str, int]:
    """How much is computed of each kind, in all circuits together: a block is computed as a whole."""
    found: dict[str, int] = {}
    for circuit in circuits:
        for node in circuit.nodes:
            if node.op != "load":
                found[node.op] = found.get(node.op, 0) + node.size
    return found


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_circuits_are_those_of_every_iteration_traced(name: str, tmp_path: Path,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    text, alike = PROGRAMS[name]
    puts: list[int] = []
    put = placeholders.put

    def counted(block: Any, args: Any) -> Any:
        puts.append(block.size)
        return put(block, args)

    monkeypatch.setattr(placeholders, "put", counted)
    monkeypatch.setattr(gathering, "LEAST_NODES", 1 << 60)
    said, found = run(text, tmp_path)
    assert bool(puts) == alike
    assert said == run(text, tmp_path, clear=True)[0]
    monkeypatch.setattr(machine, "LEAST", 1 << 60)
    monkeypatch.setattr(repeats.Whole, "again", lambda self: None)
    again, every = run(text, tmp_path)
    assert again == said
    assert counts(found) == counts(every)


def test_values_that_only_change_places_are_no_block() -> None:
    with pytest.raises(ValueError, match="change places"):
        Block(Rows(), Rows().table(), 2, 5, (1, 0))


def test_an_overflow_in_a_repeated_loop_is_told(tmp_path: Path) -> None:
    text = "n: uint8 = 0\nwhile n < 400:\n    n += 1\n    p = not (p and q)\nprint(reveal(p))"
    with pytest.raises(EnigmaError, match="overflow"):
        run(text, tmp_path)


@pytest.mark.parametrize("body", ["s = wrap(s + xs[i], int64)", "s = wrap(s + xs[i + 3 - 3] * i, int64)",
                                  "s = wrap(s + xs[i] * i + 24 // (28 - i), int64)"])
def test_what_fails_in_a_repeated_loop_is_what_fails_first(body: str, tmp_path: Path) -> None:
    text = f"private xs: list[int16] = [k for k in range(30)]\nprivate s: int64 = 0\nn: uint32 = 40\n" \
           f"for i in range(n):\n    {body}\nprint(reveal(s))"
    told = []
    for clear in (False, True):
        with pytest.raises(EnigmaError) as caught:
            run(text, tmp_path, clear)
        told.append(caught.value.diagnostic)
    assert told[0].code == told[1].code
    assert told[0].message == told[1].message
    assert told[0].span == told[1].span
