"""Generated programs over order and tables print what Python prints, on every engine."""

from pathlib import Path

import pytest
from generate_tables import tables
from run_support import Bench


def check(bench: Bench, folder: Path, seed: int, engine: str) -> None:
    path = folder / "tables.enig"
    text, expected = tables(seed)
    path.write_text(text)
    assert bench.run(path, engine) == expected, f"seed {seed}\n{text}"


@pytest.mark.parametrize("engine", ["clear", "circuit"])
def test_tables_in_this_process(bench: Bench, tmp_path: Path, engine: str) -> None:
    for seed in range(40):
        check(bench, tmp_path, seed, engine)


def test_tables_between_processes(bench: Bench, tmp_path: Path) -> None:
    for seed in range(20, 45):
        check(bench, tmp_path, seed, "mpc")


def test_an_element_past_int64_in_the_circuits(bench: Bench, tmp_path: Path) -> None:
    """One element of an array of Python integers is no array; NumPy reads it as uint64."""
    path = tmp_path / "wide.enig"
    path.write_text(f"private xs: uint64[2] = [{2**64 - 1}, 1]\nprint(reveal(xs[0]), reveal(sorted(xs)[1] - 1))\n")
    assert bench.run(path, "circuit") == f"{2**64 - 1} {2**64 - 2}\n"


def test_an_empty_list_of_wide_numbers_on_the_nodes(bench: Bench, tmp_path: Path) -> None:
    """Masks in stock have as many words as the field's numbers, also before there are any."""
    path = tmp_path / "empty.enig"
    path.write_text("private xs: list[uint64, 30] = []\nprint(reveal(xs), reveal(sorted(xs)))\n")
    assert bench.run(path, "mpc") == "[] []\n"
