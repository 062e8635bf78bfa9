"""What members decide before they begin a job: the same at all of them, from what all of them say."""

import pytest

from enigmalang.node.durable.muster import ROW, Row, Standing, Verdict, decide, decode_row

WORK, KEY, OTHER = b"w" * 32, b"k" * 32, b"o" * 32
GOOD, UNKNOWN = Row(True, WORK, Standing.GOOD, KEY), Row(True, WORK, Standing.UNKNOWN)


def decided(*rows, threshold=1):
    return decide({node: row.encode() for node, row in enumerate(rows, 1)}, threshold)


@pytest.mark.parametrize("row", [GOOD, UNKNOWN, Row(False, bytes(32)), Row(True, WORK, Standing.BAD)])
def test_a_row_is_read_as_it_was_written(row):
    assert len(row.encode()) == ROW and decode_row(row.encode()) == row


@pytest.mark.parametrize("data", [b"", bytes(ROW - 1), bytes([2]) + bytes(ROW - 1), bytes([1, 9]) + bytes(ROW - 2)])
def test_what_is_no_row_counts_as_one_that_is_not_ready(data):
    assert decode_row(data) is None
    assert decide({1: GOOD.encode(), 2: data, 3: GOOD.encode()}, 1) == Verdict("node 2 cannot compute it now", None)


def test_all_begin_or_none():
    nothing = Row(True, WORK)
    assert decided(nothing, nothing, nothing) == Verdict("", None)
    away = decided(nothing, Row(False, bytes(32)), Row(False, bytes(32)))
    assert away == Verdict("node 2, 3 cannot compute it now", None)
    assert decided(nothing, nothing, Row(True, b"x" * 32)).refused == "the nodes were asked for different things"


def test_a_mask_that_more_than_t_know_and_nobody_knows_better():
    assert decided(GOOD, GOOD, GOOD).receiver == KEY
    assert decided(GOOD, UNKNOWN, GOOD).receiver == KEY
    assert decided(GOOD, UNKNOWN, UNKNOWN).receiver is None
    assert decided(UNKNOWN, UNKNOWN, UNKNOWN).receiver is None
    assert decided(GOOD, GOOD, Row(True, WORK, Standing.BAD)).receiver is None
    assert decided(GOOD, GOOD, Row(True, WORK, Standing.GOOD, OTHER)).receiver is None
    assert decided(GOOD, GOOD, UNKNOWN, UNKNOWN, UNKNOWN, threshold=2).receiver is None
