"""The memory benchmark at a small size: a checked run, and its table."""

from benchmarks.memory import AIM, Memory, measure_memory, memory_table


def test_a_small_run() -> None:
    (found,) = measure_memory(names=("products",), size=20_000)
    assert found.shares == 3 * 20_000 * 8
    assert 0 < found.idle <= found.peak


def test_table() -> None:
    good, bad = (Memory(name, 1000, 100, 100 + above, 1000) for name, above in (("a", 3000), ("b", 3100)))
    assert (good.ratio, bad.ratio) == (AIM, 3.1)
    lines = memory_table([good, bad]).splitlines()
    assert lines[1].endswith("✓") and lines[2].endswith("✗")
    assert Memory("c", 1, 100, 90, 8).above == 0
