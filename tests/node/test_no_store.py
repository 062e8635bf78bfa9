"""A plan that was made by hand may use DHT where a node runs it: the job fails, and nothing else does."""

from enigmalang.cli.programs import compiled
from enigmalang.execute.runner import run_function
from enigmalang.node.local import local_world
from enigmalang.node.no_store import NoStore

PROGRAM = """
contract Sly:
    x: uint32
    def put(private v: uint32):
        DHT["k"] = 1
        x = reveal(v)
    def look(private v: uint32) -> private uint32:
        found: uint32 = DHT["k"]
        return v // (found + 1)
    def has(private v: uint32) -> private bool:
        return "k" in DHT and v > 1

test "refused":
    s = deploy Sly()
    expect revert "off the chain": s.put(1)
    expect revert "off the chain": s.look(1)
    expect revert "off the chain": s.has(1)
    assert s.x == 0
"""


def test_a_job_that_would_use_the_store_fails(tmp_path):
    path = tmp_path / "sly.enig"
    path.write_text(PROGRAM)
    plan = compiled(str(path))
    run_function(local_world(plan, store=NoStore()), plan.functions["test: refused"].public)
