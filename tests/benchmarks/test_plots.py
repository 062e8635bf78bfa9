"""Figures: of stored points alone, the same every time, small, and of what was measured."""

import json
from pathlib import Path
from typing import Any

from benchmarks.__main__ import main
from benchmarks.growth import measure_growth
from benchmarks.workloads import WORKLOADS


def points() -> list[dict[str, Any]]:
    ours = [
        {"program": "products", "title": "n products", "size": size, "nodes": nodes, "computing": size * nodes * 1e-6,
         "floor": size * 1e-7, "numpy": size * 1e-9}
        for nodes in (3, 5, 7) for size in (10, 100, 1000)
    ]
    mpyc = {"program": "products", "title": "n products", "size": 10, "nodes": 0, "mpyc": 0.1}
    return [*ours, mpyc]


def test_figures_are_redrawn_from_what_is_stored(tmp_path: Path) -> None:
    stored = tmp_path / "results" / "growth.json"
    stored.parent.mkdir()
    stored.write_text(json.dumps({"points": points()}), "utf-8")
    assert main(["--redraw", "--out", str(tmp_path)]) == 0
    drawn = (tmp_path / "plots" / "products.svg").read_text("utf-8")
    assert main(["--redraw", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "plots" / "products.svg").read_text("utf-8") == drawn
    assert len(drawn) < 60_000
    for text in ("n products", "7 nodes", "7 nodes, floor", "MPyC, 3 parties", "NumPy, in the clear", "size n"):
        assert text in drawn


def test_a_line_without_points_is_left_out(tmp_path: Path) -> None:
    stored = tmp_path / "results" / "growth.json"
    stored.parent.mkdir()
    stored.write_text(json.dumps({"points": [p for p in points() if p["nodes"] == 5]}), "utf-8")
    assert main(["--redraw", "--out", str(tmp_path)]) == 0
    drawn = (tmp_path / "plots" / "products.svg").read_text("utf-8")
    assert "5 nodes" in drawn
    assert "7 nodes" not in drawn
    assert "MPyC" not in drawn


def test_growth_is_measured_at_three_sizes() -> None:
    (found,) = measure_growth([WORKLOADS["chain"]], runs=1, patience=60, tiny=True, mpyc=False, among=(3,))
    assert [(p["nodes"], p["size"]) for p in found] == [(n, size) for n in (3,) for size in (20, 40, 60)]
    assert all(p["computing"] > 0 and p["floor"] > 0 and p["numpy"] > 0 for p in found)
    json.dumps(found)
