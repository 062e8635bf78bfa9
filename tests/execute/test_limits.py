"""A call of a contract is bounded, whatever is asked for: nodes compute what anyone sends them."""

from pathlib import Path

import pytest
from run_support import enig

CONTRACT = """
contract Loops:
    private a: uint32
    out: uint256
    def put(private x: uint32):
        a = x
    def pairs(k: uint16) -> uint256:
        t: uint256 = 0
        for i in range(k):
            for j in range(k):
                t += 1
        return t + reveal(a)
    def mixed(k: uint16) -> uint256:
        t: uint256 = 1
        for i in range(k):
            for j in range(k):
                t = (t * 3 + j) % 1_000_003
        return t + reveal(a)
    def count(k: uint256) -> uint256:
        r = reveal(a)
        i: uint256 = 0
        while i < k: i += 1
        return i
    def sums(k: uint16) -> uint256:
        return sum([sum([i * j for j in range(k)]) for i in range(k)]) + reveal(a)

w = deploy Loops()
w.put(1)
"""


@pytest.mark.parametrize("engine", ["clear", "circuit"])
@pytest.mark.parametrize(("call", "small"), [
    ("pairs", "10"), ("mixed", "23469"), ("count", "3"), ("sums", "10")])
def test_a_call_of_a_contract_is_bounded(call: str, small: str, engine: str, tmp_path: Path) -> None:
    path = tmp_path / "loops.enig"
    many = "2**200" if call == "count" else "60000"
    path.write_text(f"{CONTRACT}print(w.{call}(3))\nw.{call}({many})\n")
    done = enig("run", "--engine", engine, "--chain", "memory", str(path))
    assert done.stdout.split() == [small]
    assert done.returncode == 1 and "error[E0515]" in done.stderr


def test_equal_secrets_stay_two(tmp_path: Path) -> None:
    """What circuits nodes get does not tell whether two secrets in the source are equal."""
    shapes = []
    for number, other in enumerate((1, 2)):
        path = tmp_path / f"equal{number}.enig"
        path.write_text(f"private a: uint8 = 1\nprivate b: uint8 = {other}\nprint(reveal(a * b + a))\n")
        done = enig("dump", "circuit", str(path))
        assert done.returncode == 0, done.stderr
        shapes.append(done.stdout.replace(f"equal{number}", "equal"))
    assert shapes[0] == shapes[1] and shapes[0].count("input") >= 1
