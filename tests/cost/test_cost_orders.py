"""What scripts cost on a network whose nodes compute for them: `enig cost --network`. That the counts are those of a
run is tested with nodes (`test_vault_scripts`)."""

import json
from pathlib import Path
from typing import Any

import pytest
from run_support import enig

from enigmalang.node.costing.orders import POINT_GAS, REQUEST_GAS
from enigmalang.node.vault_room import ROUNDS, Amounts

GWEI = 10**9


@pytest.fixture
def cost(tmp_path: Path) -> Any:
    """What a script costs, as JSON."""

    def told(text: str, *options: str) -> Any:
        path = tmp_path / "program.enig"
        path.write_text(text)
        done = enig("cost", str(path), "--json", *options)
        assert done.returncode == 0, done.stderr
        (found,) = json.loads(done.stdout)["functions"]
        return found

    return told


def orders(cost: Any, text: str) -> int:
    return int(cost(text, "--network")["orders"])


def test_without_a_network_there_are_no_orders(cost: Any) -> None:
    text = 'MPC["x"] = 5\nprint(reveal(MPC["x"]))'
    here, there = cost(text), cost(text, "--network")
    assert (here["orders"], here["gas"], here["fee"]) == (0, None, None)
    assert there["orders"] > 0 and (here["prime"], there["prime"]) == ("M61", "M127")
    assert cost("private x = 5\nprint(reveal(x))", "--network")["orders"] == 0, "its workers compute it"


def test_an_order_for_each_statement_that_writes_or_reveals_and_one_to_end_it(cost: Any) -> None:
    assert orders(cost, 'MPC["x"] = 5') == 2
    assert orders(cost, 'MPC["x"] = 5\nprint(reveal(MPC["x"] + 1))') == 3
    assert orders(cost, 'private a = 5\nMPC["x"] = a\nMPC["y"] = a\nprint(reveal(a))') == 4


def test_gas_and_fee(cost: Any) -> None:
    """One entry, written twice: it is paid for once, and the hub is told of it once. What the script still refers to
    is kept, too, until it ends."""
    once, twice = (cost('MPC["x"] = 5\n' * times, "--network") for times in (1, 2))
    room = Amounts(1, 1).rounds + Amounts(1, 1, 1).rounds
    assert room == ROUNDS * (1 + 256 + 1 + 256 + 4096)
    assert once["gas"] == 2 * REQUEST_GAS + POINT_GAS
    assert twice["gas"] - once["gas"] == (twice["orders"] - once["orders"]) * REQUEST_GAS
    assert twice["fee"] - once["fee"] <= (Amounts(1, 1).rounds + 2) * GWEI  # until the script lets go of the first
    assert once["fee"] - once["additions"] - 1000 * once["products"] == (once["rounds"] + room) * GWEI
    first = Amounts(1, 1, 1).rounds
    assert f"{room:,} gwei of the fee are for room, of one order up to {first:,}" in once["assumed"][0]


def test_what_is_too_much_for_one_order_goes_in_parts(cost: Any) -> None:
    size = 30_000  # three nodes tell 21,845 numbers at once, and a client masks 65,536
    shown = f"private xs: list[uint16, {size}] = [uint16(1) for _ in range({size})]\n"
    use = 'MPC["sum"] = 1\n'
    one, many = (orders(cost, f"{use}{shown}print(reveal({what}))") for what in ("sum(xs)", "xs"))
    assert many == one + 2
