"""Programs on both local engines: values, control, contracts, databases."""

from pathlib import Path

import pytest
from runtime_support import compiled, run_both, worlds

from enigmalang.diagnostics import EnigmaError
from enigmalang.execute.circuit_engine import CircuitEngine
from enigmalang.execute.runner import run_function
from enigmalang.node.cluster import Cluster
from enigmalang.node.local import local_world, run_script

PROGRAMS = Path(__file__).parent / "programs"


@pytest.mark.parametrize("path", sorted(PROGRAMS.glob("*.enig")), ids=lambda p: p.stem)
def test_program(path, tmp_path):
    text = path.read_text()
    expected = [line.removeprefix("# expect:").strip() for line in text.splitlines() if line.startswith("# expect:")]
    assert [line.strip() for line in run_both(text, tmp_path)] == expected


COUNTER = """
contract Counter:
    private total: uint32
    calls: uint32
    private log: list[uint32, 3]
    private seen: map[address, bool]
    error Odd(n: uint32)
    event Added(n: uint32)

    def add(private n: uint32 in 1..100, limit: uint32):
        calls += 1
        emit Added(calls)
        log.append(n)
        seen[sender] = True
        total = clamp(total + n)
        require reveal(total <= limit), "too much"

    def odd():
        calls += 1
        raise Odd(calls)

    def known() -> bool:
        return sender in seen

    def read() -> private uint32:
        return total

    view def peek() -> private uint32:
        return total
"""


def failing(text: str, tmp_path: Path) -> list[EnigmaError]:
    """The failure of the first test, on both engines."""
    plan = compiled(text, tmp_path)
    found = []
    for engine in (None, CircuitEngine(plan.field)):
        with pytest.raises(EnigmaError) as caught:
            run_function(local_world(plan, engine, out=lambda text: None), plan.functions[plan.tests[0]].public)
        found.append(caught.value)
    return found


def test_a_failed_job_leaves_nothing(tmp_path):
    text = COUNTER + """
test "atomic":
    c = deploy Counter()
    as alice: c.add(5, 10)
    as bob:
        expect revert "too much": c.add(50, 10)
        expect revert: c.add(500, 1000)
        expect revert Odd: c.odd()
        assert not c.known()
        assert c.read() == 5
        assert c.peek() == 5
    assert c.calls == 1
    as alice: assert c.known()
"""
    for world in worlds(text, tmp_path):
        assert [event.args for event in world.ledger.events] == [(1,)]
        assert world.ledger.number > 1


def test_a_full_list_is_found_before_any_circuit_runs(tmp_path):
    text = COUNTER + """
test "full":
    c = deploy Counter()
    c.add(1, 99)
    c.add(1, 99)
    c.add(1, 99)
    c.add(1, 99)
"""
    for error in failing(text, tmp_path):
        assert error.diagnostic.code == "E0508"


@pytest.mark.parametrize(("line", "code"), [
    ("c.add(200, 999)", "E0509"),
    ("c.add(90, 1)", "E0501"),
    ("c.odd()", "E0506"),
    ("assert c.calls == 7", "E0505"),
    ('expect revert "never": c.add(1, 99)', "E0513"),
    ('expect revert "something else": c.odd()', "E0513"),
    ("c.add(1, c.calls - 1)", "E0502"),
])
def test_failures_are_diagnostics_at_the_source(line, code, tmp_path):
    text = COUNTER + f'\ntest "fails":\n    c = deploy Counter()\n    {line}\n'
    for error in failing(text, tmp_path):
        assert error.diagnostic.code == code
        assert error.diagnostic.span.path.endswith("program.enig")


def test_submitted_jobs_run_in_order(tmp_path):
    text = COUNTER + """
test "queue":
    c = deploy Counter()
    a = submit c.add(60, 100)
    b = submit c.add(60, 100)
    d = submit c.read()
    assert await d == 60
    await a
    expect revert "too much": await b
"""
    worlds(text, tmp_path)


def test_consecutive_reveals_are_one_circuit(tmp_path):
    text = "private a: uint8 = 3\nprivate b: uint8 = 4\nx = reveal(a)\ny = reveal(b)\nprint(x + y)\n"
    plan = compiled(text, tmp_path)
    circuits = []
    lines = []
    run_script(plan, CircuitEngine(), out=lines.append, watch=circuits.append)
    assert lines == ["7\n"]
    assert len(circuits) == 1


def test_an_input_is_shared_once(tmp_path):
    plan = compiled("private a: uint8 = 3\nprint(reveal(a + 1))\nprint(reveal(a * a))\n", tmp_path)
    circuits = []
    run_script(plan, CircuitEngine(), out=lambda text: None, watch=circuits.append)
    assert sum(node.op == "input" for c in circuits for node in c.nodes) == 1


def test_shares_are_forgotten(tmp_path):
    text = "private a: uint8 = 3\nfor i in range(20):\n    private t = a + i\n    print(reveal(t), reveal(t * 2))\n"
    plan = compiled(text, tmp_path)
    engine = CircuitEngine()
    run_script(plan, engine, out=lambda text: None)
    assert len(engine.memory) < 10


def test_real_nodes_agree(tmp_path):
    text = (PROGRAMS / "contracts.enig").read_text()
    expected = [line.removeprefix("# expect:").strip() for line in text.splitlines() if line.startswith("# expect:")]
    plan = compiled(text, tmp_path)
    lines: list[str] = []
    with Cluster.start(nodes=3, field=plan.field, timeout=60.0) as cluster:
        for test in plan.tests:
            run_function(local_world(plan, cluster, out=lines.append), plan.functions[test].public)
    assert [line.strip() for line in lines] == expected


def test_a_failed_job_leaves_nothing_in_the_databases(tmp_path):
    text = """
contract Board:
    def post(private n: uint8):
        MPC["n"] = n
        L["n"] = 1
        before: uint8 = 9
        if "n" in DHT:
            before = DHT["n"]
        DHT["n"] = before + 1
        after: uint8 = DHT["n"]
        require after == before + 1, "a job sees what it wrote"
        require reveal(n > 5), "small"

    def note(n: uint8):
        DHT["note"] = n
        require n > 5, "small"

test "databases":
    b = deploy Board()
    expect revert "small": b.post(3)
    expect revert "small": b.note(3)
    assert "n" not in MPC
    assert "n" not in L
    assert "n" not in DHT and "note" not in DHT
    b.post(7)
    b.note(7)
    n: uint8 = MPC["n"]
    assert reveal(n) == 7 and "n" in L
    expect revert "small": b.post(2)
    expect revert "small": b.note(2)
    kept: uint8 = DHT["n"]
    note: uint8 = DHT["note"]
    assert kept == 10 and note == 7
"""
    worlds(text, tmp_path)
