"""Inputs of many values are converted together: as one by one, wherever they are converted at all."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enigmalang.cli import tables
from enigmalang.cli.convert import Place, convert, convert_scalar, many
from enigmalang.cli.tables import read_table
from enigmalang.diagnostics.diagnostic import EnigmaError
from enigmalang.source import Span
from enigmalang.types.types import BoolT, FixedT, IntT, ListT, TupleT, Type

SPAN = Span("main.enig", 1, 1, 1, 2)
PLACE = Place("input 'x'", SPAN)
SMALL, FIXED = IntT(True, 8), FixedT()
NUMBERS = st.one_of(
    st.integers(-200, 200), st.integers(), st.decimals(), st.decimals(-200, 200, places=6), st.booleans(),
    st.integers(-200, 200).map(lambda k: Decimal(2 * k + 1) / (2 << FIXED.fraction)),  # ties
)
TEXTS = st.one_of(
    NUMBERS.map(str), st.text("0123456789_+-.eExX \t\x1f٣", max_size=8),
    st.sampled_from(["", "1e9", "nan", "0x10", "²"]),
)


def one_by_one(items: list[Any], type: Type) -> list[Any] | None:
    try:
        return [convert_scalar(item, type, PLACE) for item in items]
    except EnigmaError:
        return None


@given(st.one_of(st.lists(NUMBERS, max_size=4), st.lists(TEXTS, max_size=4)), st.sampled_from([SMALL, FIXED, BoolT()]))
def test_as_one_by_one(items: list[Any], type: Type) -> None:
    found = many(items, type)
    if found is not None:
        assert found == one_by_one(items, type)
        assert [value.__class__ for value in found] == [bool if type == BoolT() else int] * len(items)


@pytest.mark.parametrize(
    ("items", "type"),
    [
        ([1, -128, 127], SMALL), ([" 1", "+1_0"], SMALL), ([Decimal("0.5"), 3, Decimal("-7.25")], FIXED),
        (["0.1", " 2e1 "], FIXED), ([True, False], BoolT()),
    ],
)
def test_what_is_right_goes_together(items: list[Any], type: Type) -> None:
    assert many(items, type) == one_by_one(items, type) is not None
    assert convert(items, ListT(type, None), PLACE) == many(items, type)


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(EnigmaError, match=r"input 'x'\[2\] is outside of int8") as caught:
        convert([1, 2, 128], ListT(SMALL, None), PLACE)
    assert caught.value.diagnostic.code == "E0606"


def test_columns_go_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.csv"
    path.write_text("7,0.5\n8,-2\n", "utf-8")
    table, type = read_table(path, None, "x", SPAN), ListT(TupleT((SMALL, FIXED)), None)
    together = table.value(type, SPAN)
    monkeypatch.setattr(tables, "many", lambda cells, type: None)
    assert table.value(type, SPAN) == together == [(7, 1 << 15), (8, -2 << 16)]
