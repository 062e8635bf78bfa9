"""Many nodes in virtual time: lookups find what is there, in few steps, in good weather and in bad."""

import json
from math import log2

import pytest

from enigmalang.dht import ports
from enigmalang.dht.ids import key_id
from enigmalang.dht.settings import Settings
from enigmalang.dht.simulator import Scenario, main, simulate
from enigmalang.dht.virtual import Network, Weather

SETTINGS = Settings(k=8, alpha=3)


def found(network: Network, ticket: int) -> ports.Found:
    answer = network.answers[ticket][0]
    assert isinstance(answer, ports.Found)
    return answer


def test_in_a_quiet_network_a_lookup_finds_exactly_the_nearest() -> None:
    network = Network(400, 1)
    for ticket in range(25):
        asker, target = network.random_node(), key_id(bytes([ticket]))
        network.request(asker, ports.Find(ticket, target))
        network.run(network.now + 60.0, [ticket])
        expected = [name for name in network.nearest(target, 21) if name != asker][:20]
        assert list(found(network, ticket).nodes) == expected


def test_a_network_grown_by_the_protocol_alone_finds_the_nearest() -> None:
    network = Network(1, 2, SETTINGS)
    founder = network.random_node()
    for ticket in range(60):
        network.add([founder], ticket)
        network.run(network.now + 20.0)
    for ticket in range(100, 120):
        asker, target = network.random_node(), key_id(bytes([ticket]))
        network.request(asker, ports.Find(ticket, target))
        network.run(network.now + 60.0, [ticket])
        expected = [name for name in network.nearest(target, 9) if name != asker][:8]
        assert list(found(network, ticket).nodes) == expected


def test_steps_grow_with_the_logarithm() -> None:
    medians = []
    for nodes in (100, 400, 1600):
        report = simulate(Scenario(nodes, 40, seed=3), SETTINGS)
        assert report.success == report.recall == 1.0
        assert report.hops_max <= log2(nodes)
        medians.append(report.hops_median)
    assert medians[0] <= medians[-1] <= medians[0] + 2  # 16 times the nodes


def test_crashes_newcomers_and_loss() -> None:
    report = simulate(Scenario(500, 150, seed=4, churn=0.2, loss=0.05, seconds=900.0), SETTINGS)
    assert report.answered + report.abandoned == 150
    assert report.success >= 0.97
    assert report.recall is not None and report.recall >= 0.9
    assert report.joined == 1.0
    assert report.messages_max <= 2 * SETTINGS.budget


def test_liars_who_know_only_each_other() -> None:
    report = simulate(Scenario(500, 200, seed=5, liars=0.3))
    assert report.success >= 0.99
    assert report.recall is not None and report.recall >= 0.99


def test_when_all_peers_lie_lookups_end_all_the_same() -> None:
    report = simulate(Scenario(300, 50, seed=6, liars=0.9, loss=0.3))
    assert report.answered == 50
    assert report.messages_max <= 2 * Settings().budget


def test_records_are_found_after_crashes() -> None:
    report = simulate(Scenario(300, 100, seed=7, churn=0.2, loss=0.02, records=20, seconds=900.0), SETTINGS)
    assert report.success >= 0.98


def test_seven_nodes_lose_any_two_and_no_record() -> None:
    for first in range(7):
        network = Network(1, 10)
        names = [network.random_node()]
        for ticket in range(6):
            names.append(network.add(names[:1], ticket))
            network.run(network.now + 20.0)
        network.request(names[3], ports.Put(10, b"key", b"ok" + bytes(8) + b"text", 3))
        network.run(network.now + 60.0, [10])
        for gone in (names[first], names[(first + 2) % 7]):
            network.crash(gone)
        reader = next(name for name in names if name in network.nearest(0, 7) and b"key" not in network.shelf(name))
        network.request(reader, ports.Get(11, b"key"))
        network.run(network.now + 60.0, [11])
        got = network.answers[11][0]
        assert isinstance(got, ports.Got) and got.record == b"ok" + bytes(8) + b"text"


def test_false_records_lose_against_the_true_one() -> None:
    network = Network(100, 8, SETTINGS)
    key, record = b"key", b"ok" + (5).to_bytes(8, "big") + b"text"
    network.request(network.random_node(), ports.Put(1, key, record, 3))
    network.run(60.0, [1])
    placed = network.answers[1][0]
    assert isinstance(placed, ports.Placed) and len(placed.holders) == 3
    network.shelf(placed.holders[0])[key] = b"false"
    network.shelf(placed.holders[1])[key] = b"ok" + (4).to_bytes(8, "big") + b"old"
    network.request(network.random_node(), ports.Get(2, key, copies=3))
    network.run(network.now + 60.0, [2])
    got = network.answers[2][0]
    assert isinstance(got, ports.Got) and got.record == record
    assert set(got.holders) == set(placed.holders[1:])


def test_after_a_partition_of_one_node_it_finds_back() -> None:
    """Its own network is down, so everybody looks gone; when it is back, its table still serves."""
    network = Network(200, 9, SETTINGS, Weather(loss=1.0))
    asker = network.random_node()
    for ticket in range(3):
        network.request(asker, ports.Find(ticket, key_id(bytes([ticket]))))
        network.run(network.now + 60.0, [ticket])
        assert found(network, ticket).nodes == ()
    network.weather = Weather()
    network.request(asker, ports.Find(9, key_id(b"x")))
    network.run(network.now + 60.0, [9])
    assert list(found(network, 9).nodes) == [
        name for name in network.nearest(key_id(b"x"), 9) if name != asker][:8]


def test_ten_thousand_nodes() -> None:
    report = simulate(Scenario(10_000, 60, seed=1, seconds=60.0))
    assert report.success == 1.0
    assert report.recall is not None and report.recall > 0.999
    assert report.hops_median <= 5 and report.hops_max <= log2(10_000) / 2
    assert report.messages_mean < 100


def test_the_same_seed_gives_the_same_numbers() -> None:
    scenario = Scenario(100, 20, seed=9, churn=0.1, loss=0.1, seconds=120.0)
    assert simulate(scenario) == simulate(scenario)


@pytest.mark.parametrize("records", [0, 5])
def test_the_command_reports(records: int, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--nodes", "60", "--lookups", "10", "--churn", "0.1", "--records", str(records), "--seconds", "60"]
    main(arguments)
    text = capsys.readouterr().out
    assert "hops      median" in text and "success   100.00%" in text and "messages  mean" in text
    main([*arguments, "--json"])
    report = json.loads(capsys.readouterr().out)
    assert report["scenario"]["nodes"] == 60
    assert report["report"]["success"] == 1.0
