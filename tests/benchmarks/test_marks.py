"""`python -m benchmarks marks`: what it runs, and how its ratios read."""

from benchmarks.marks import MARKS, Beside, Mark, marks_table, measure_marks
from benchmarks.workloads import WORKLOADS


def test_marks_are_of_workloads_that_there_are():
    assert {mark.workload for mark in MARKS} <= set(WORKLOADS)
    assert len({(mark.workload, mark.size) for mark in MARKS}) == len(MARKS)


def test_a_mark_is_run_at_its_own_size_through_the_whole_path():
    told: list[str] = []
    (beside,) = measure_marks(3, 1, told.append, [Mark("sort10k", 16, 1.5, 0.5)])
    assert (beside.title, beside.size, beside.shamir, beside.ring) == ("sort of 16 values", 16, 1.5, 0.5)
    assert beside.ours > 0
    assert told == ["sort of 16 values …"]


def test_the_table_says_how_often_faster():
    line = marks_table([Beside("sort", 16, 0.25, 1.0, 0.05)]).splitlines()[1]
    assert line.split() == ["sort", "250", "ms", "1.00", "s", "4.00", "50.0", "ms", "0.20"]
