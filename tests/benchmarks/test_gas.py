"""What the hub costs stays what it was: within 5 % of benchmarks/results/gas.json, up or down."""

import json

from benchmarks.gas import FILE, gas_table, measure_gas

MOST = 0.05


def test_gas_is_what_it_was():
    """A change is no fault: `python -m benchmarks gas --save benchmarks/results/gas.json`, then review."""
    kept = json.loads(FILE.read_text("utf-8"))["gas"]
    found = measure_gas()
    assert list(found) == list(kept)
    moved = {name: (kept[name], gas) for name, gas in found.items() if abs(gas - kept[name]) > MOST * kept[name]}
    assert not moved
    assert f"{found['claim']:,}" in gas_table(found)
