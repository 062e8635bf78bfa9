"""`enig deploy`, `call`, `events` and `show` against a network in this process."""

import io
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from run_support import ROOT
from standin import StandIn, standing_in

from enigmalang.chain.embedded import EmbeddedEvm
from enigmalang.cli.app import run

SALARIES = str(ROOT / "examples" / "salaries.enig")


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    monkeypatch.setenv("ENIGMALANG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_COLOR", "1")
    with EmbeddedEvm() as evm, standing_in(evm, tmp_path) as made:
        yield made


class Said:
    """What a command said, and its status."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


@pytest.fixture
def enig(network: StandIn, capfd: pytest.CaptureFixture[str]):
    def call(*arguments: str, stdin: str = "", monkey: pytest.MonkeyPatch | None = None) -> Said:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.stdin", io.StringIO(stdin))
            capfd.readouterr()
            status = run(arguments)
        out, err = capfd.readouterr()
        return Said(status, out, err)

    return call


def deploy(enig, file: str = SALARIES, *more: str) -> str:
    said = enig("deploy", file, *more)
    assert said.status == 0, said.err
    assert re.fullmatch(r"0x[0-9a-fA-F]{40}\n", said.out)
    return said.out.strip()


def test_salaries_from_deployment_to_a_private_result(enig, network: StandIn) -> None:
    address = deploy(enig)
    for name, pay in (("alice", "90_000"), ("bob", "60_000"), ("carol", "75000")):
        said = enig("call", address, "join", pay, "--key", name)
        assert (said.status, said.out) == (0, ""), said.err
        assert f"as {name}, 0x" in said.err and "development identity" in said.err
    said = enig("call", address, "average", "--json")
    told = json.loads(said.out)
    assert told["result"] == 75_000 and told["job"] == 4 and told["transaction"].startswith("0x")
    assert enig("call", address, "my_rank", "--key", "carol").out == "2\n"
    assert enig("call", address, "my_rank", "--key", "alice").out == "1\n"
    people = json.loads(enig("call", address, "people", "--json").out)["result"]
    assert len(people) == 3


def test_show_says_who_learns_what(enig) -> None:
    address = deploy(enig)
    shown = enig("show", address).out
    assert "join(private amount: uint32)" in shown
    assert "average() -> uint32" in shown
    assert "my_rank() -> private uint32" in shown
    assert "everyone: the value: uint256 in 0..4294967295000, from salary, amount of Salaries.join, line 18" in shown
    assert "the caller: the result: uint32 in 1..1001, from salary, amount of Salaries.join, line 22" in shown
    assert "salary: map[address, uint32]  private, with the nodes" in shown
    assert "people: list[address, 1000]  []" in shown
    told = json.loads(enig("show", address, "--json").out)
    assert told["threshold"] == 1 and len(told["nodes"]) == 3
    assert {f["name"]: f["kind"] for f in told["functions"]} == {"join": "job", "average": "job", "my_rank": "job"}


def test_events_of_contract_and_jobs(enig) -> None:
    address = deploy(enig)
    enig("call", address, "join", "5", "--key", "alice")
    lines = [json.loads(line) for line in enig("events", address, "--json").out.splitlines()]
    assert [line["event"] for line in lines] == ["JobOpened", "Joined", "JobSettled"] or (
        [line["event"] for line in lines] == ["JobOpened", "JobSettled", "Joined"])
    fields = {line["event"]: line["fields"] for line in lines}
    assert fields["Joined"]["total"] == 1
    assert fields["JobOpened"]["function"] == "join"
    assert fields["JobOpened"]["requester"] == fields["Joined"]["who"]
    assert "Joined(who=0x" in enig("events", address).out


TYPES = """
enum Colour:
    RED
    GREEN

struct Point:
    x: int16
    y: fixed

contract Types:
    marked: bool
    colour: Colour
    price: fixed
    title: string[20]
    blob: bytes[8]
    who: address
    spot: Point
    counts: map[address, uint32]

    def init(start: uint32):
        counts[sender] = start

    def put(f: bool, c: Colour, p: fixed, n: string[20], d: bytes[8], w: address, s: Point):
        marked = f
        colour = c
        price = p
        title = n
        blob = d
        who = w
        spot = s

    view def total(xs: list[uint32, 4], least: int8) -> int64:
        return int64(sum([int32(x) for x in xs])) + least

    def pick(private xs: list[uint16, 4], private yes: bool) -> uint32:
        return reveal(sum(xs) if yes else 0)

    payable def give() -> uint256:
        return value
"""


@pytest.fixture
def types(enig, tmp_path: Path) -> str:
    (tmp_path / "types.enig").write_text(TYPES)
    return deploy(enig, str(tmp_path / "types.enig"), "--key", "alice", "--", "7")


def test_arguments_of_every_type(enig, types: str, tmp_path: Path) -> None:
    said = enig("call", types, "put", "True", "GREEN", "1.5", "a name", "0x0102", "bob", '{"x": -3, "y": 0.25}')
    assert said.status == 0, said.err
    read = {name: json.loads(enig("call", types, name, "--json").out)["result"]
            for name in ("marked", "colour", "price", "title", "blob", "spot")}
    assert read == {"marked": True, "colour": "GREEN", "price": "1.5", "title": "a name", "blob": "0x0102",
                    "spot": {"x": -3, "y": "0.25"}}
    assert enig("call", types, "spot").out == "Point(x=-3, y=0.25)\n"
    assert enig("call", types, "counts", "alice").out == "7\n"
    assert enig("call", types, "who").out == enig("call", types, "who").out.lower()
    assert enig("call", types, "total", "--", "[1, 2, 3]", "-10").out == "-4\n"


def test_private_arguments_stay_off_the_command_line(enig, types: str, tmp_path: Path) -> None:
    (tmp_path / "xs").write_text("[10, 20, 30]\n")
    said = enig("call", types, "pick", f"@{tmp_path / 'xs'}", "-", stdin="True\n")
    assert (said.status, said.out) == (0, "60\n"), said.err
    said = enig("call", types, "pick", "[1, 99999]", "True")
    assert said.status == 1 and "error[E0606]" in said.err and "99999" not in said.err
    assert "error[E0603]" in enig("call", types, "pick", "[1]", "-").err
    assert "error[E0601]" in enig("call", types, "pick", "[1]", f"@{tmp_path / 'none'}").err


def test_payments(enig, types: str) -> None:
    assert enig("call", types, "give", "--value", "1_000").out == "1000\n"
    said = enig("call", types, "total", "[1]", "1", "--value", "5")
    assert said.status == 1 and "takes no payment" in said.err
    said = enig("call", types, "give", "--value", str(10**30))
    assert said.status == 1 and "error[E0512]" in said.err


WRONG = [
    (("nothing",), "E0516", "put, total, pick, give"),
    (("total",), "E0608", "total takes 2 arguments, not 0"),
    (("total", "[1]", "1", "2"), "E0608", "total(xs: list[uint32, 4], least: int8) -> int64"),
    (("total", "[1]", "x"), "E0608", "least should be an integer"),
    (("total", "[1]", "300"), "E0606", "300, outside of int8"),
    (("total", "[1, 2, 3, 4, 5]", "1"), "E0608", "at most 4"),
    (("total", "[1", "1"), "E0604", "not JSON"),
    (("counts",), "E0608", "is read with 1 keys, not 0"),
    (("put", "maybe", "GREEN", "1.5", "n", "0x", "bob", "{}"), "E0608", "True or False"),
    (("put", "True", "BLUE", "1.5", "n", "0x", "bob", "{}"), "E0608", "one of RED, GREEN"),
    (("put", "True", "RED", "1.5", "n", "0x", "not a name", "{}"), "E0608", "an address"),
]


def test_a_wrong_call_is_a_diagnostic(enig, types: str) -> None:
    for arguments, code, words in WRONG:
        said = enig("call", types, *arguments)
        assert said.status == 1 and said.out == "", arguments
        assert f"error[{code}]" in said.err and words in said.err, said.err
        assert "Traceback" not in said.err


def test_what_the_contract_refuses_is_said_at_its_line(enig) -> None:
    address = deploy(enig)
    assert enig("call", address, "join", "5", "--key", "alice").status == 0
    said = enig("call", address, "join", "6", "--key", "alice")
    assert said.status == 1
    assert "already joined" in said.err and "salaries.enig:11" in said.err
    said = enig("call", address, "average")
    assert said.status == 1 and "too few people to hide among" in said.err


def test_addresses_that_are_none_of_ours(enig, network: StandIn) -> None:
    said = enig("call", "0x" + "12" * 20, "f")
    assert said.status == 1 and "error[E0516]" in said.err
    said = enig("show", network.hub.address)
    assert said.status == 1 and "error[E0516]" in said.err and "no contract of EnigmaLang" in said.err
    assert enig("call", "0x12", "f").status == 2
    assert enig("call", "salaries", "f").status == 2


def test_no_network_is_up(enig, network: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = deploy(enig)
    monkeypatch.setenv("ENIGMALANG_HOME", str(tmp_path / "empty"))
    for arguments in (("deploy", SALARIES), ("call", address, "average"), ("show", address)):
        said = enig(*arguments)
        assert said.status == 1 and "error[E0709]" in said.err and "enig chain up" in said.err
    said = enig("deploy", SALARIES, "--chain", str(tmp_path / "nobody"))
    assert said.status == 1 and "error[E0708]" in said.err
    # The chain alone is enough: the contract knows its hub, the hub its nodes, and they the plan.
    assert enig("show", address, "--chain", network.socket).status == 0
    assert enig("deploy", SALARIES, "--chain", network.socket, "--hub", network.hub.address).status == 0


def test_keys(enig, network: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from enigmalang.identity import files

    monkeypatch.setattr(files.KeyFiles.__init__, "__defaults__", (None, 1 << 10))
    good, wrong = tmp_path / "good", tmp_path / "wrong"
    good.write_text("correct horse\n")
    wrong.write_text("battery staple\n")
    assert enig("keys", "new", "dora", "--password-file", str(good)).status == 0
    address = deploy(enig, SALARIES, "--key", "dora", "--password-file", str(good))
    said = enig("call", address, "join", "5", "--key", "dora", "--password-file", str(good))
    assert said.status == 0 and "a key in" in said.err
    assert enig("call", address, "my_rank", "--key", "dora", "--password-file", str(good)).out == "1\n"
    said = enig("call", address, "my_rank", "--key", "dora", "--password-file", str(wrong))
    assert said.status == 1 and "error[E0710]" in said.err and "battery" not in said.err
    before = StandIn.request
    monkeypatch.setattr(StandIn, "request", lambda self, method, params=(): (
        "geth" if method == "web3_clientVersion" else before(self, method, params)))
    said = enig("call", address, "my_rank")  # on a chain that is no development chain
    assert said.status == 1 and "error[E0710]" in said.err and "dora" in said.err
    assert "error[E0710]" in enig("call", address, "my_rank", "--key", "erin").err
    said = enig("call", address, "my_rank", "--key", "dora", "--password-file", str(good), "--fee", str(10**30))
    assert said.status == 1 and "error[E0512]" in said.err and "fee" in said.err


def test_a_mask_that_the_operator_made_is_not_used(enig, network: StandIn) -> None:
    address = deploy(enig)
    network.lies = True
    said = enig("call", address, "join", "5")
    assert said.status == 1 and "error[E0706]" in said.err and "did not sign" in said.err


def test_a_job_that_nobody_computes_is_paid_back(enig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("enigmalang.node.remote_jobs.GRACE", 0.0)
    with EmbeddedEvm() as evm, standing_in(evm, tmp_path / "short", job_time=10) as short:
        address = deploy(enig, SALARIES, "--chain", short.socket)
        short.dead.set()
        monkeypatch.setattr("enigmalang.node.remote_jobs.monotonic", Leaping())
        before = short.chain.balance(short.hub.address)
        said = enig("call", address, "join", "5", "--chain", short.socket)
        assert said.status == 1 and "error[E0711]" in said.err and "came back (1000000000000000 wei)" in said.err
        assert short.chain.balance(short.hub.address) == before
        short.results[2] = {"status": "open", "error": "these nodes do not have its state"}
        said = enig("call", address, "join", "5", "--chain", short.socket)
        assert said.status == 1 and "these nodes do not have its state" in said.err


def test_nodes_of_another_field_are_not_asked(enig, network: StandIn, tmp_path: Path) -> None:
    (tmp_path / "wide.enig").write_text(
        "contract Wide:\n    def f(private x: uint64) -> uint128:\n        return reveal(uint128(x) * 1_000_003)\n")
    said = enig("deploy", str(tmp_path / "wide.enig"))
    assert said.status == 1 and "error[E0709]" in said.err and "--field M127" in said.err, said.err
    assert network.plans == {}


def test_entries_are_kept_by_nodes_that_are_run_one_by_one(enig, network: StandIn, tmp_path: Path) -> None:
    (tmp_path / "script.enig").write_text('print("x" in MPC)\n')
    for arguments in (("run", str(tmp_path / "script.enig"), "--network"), ("deploy", "--vault")):
        said = enig(*arguments)
        assert said.status == 1 and "error[E0803]" in said.err and "enig devnet up" in said.err, said.err
    said = enig("run", str(tmp_path / "script.enig"), "--network", "--engine", "clear")
    assert said.status == 1 and "error[E0803]" in said.err and "--engine" in said.err, said.err
    assert enig("run", str(tmp_path / "script.enig"), "--vault", network.hub.address).status == 2
    assert enig("deploy").status == 2


class Leaping:
    """A clock that goes a minute at each look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 60.0
        return self.now


JOBS = """
contract Jobs:
    private secret: uint32
    best: uint32

    def init(private start: uint32):
        secret = start

    def raise_to(private bid: uint32):
        require reveal(bid > secret), "too low"
        secret = bid

    def tell(private x: uint32, who: address):
        reveal(x + secret, to=who)
"""


def test_jobs_that_fail_and_values_revealed_by_name(enig, tmp_path: Path) -> None:
    (tmp_path / "jobs.enig").write_text(JOBS)
    said = enig("deploy", str(tmp_path / "jobs.enig"))
    assert said.status == 1 and "error[E0608]" in said.err and "init takes 1 argument, not 0" in said.err
    address = deploy(enig, str(tmp_path / "jobs.enig"), "--key", "alice", "--", "10")
    said = enig("call", address, "raise_to", "9", "--key", "bob")
    assert said.status == 1 and "error[E0501]" in said.err and "too low" in said.err, said.err
    assert enig("call", address, "raise_to", "11", "--key", "bob").status == 0
    events = [json.loads(line) for line in enig("events", address, "--json").out.splitlines()]
    assert [e["event"] for e in events if e["event"] != "JobOpened"] == ["JobSettled", "JobFailed", "JobSettled"]
    assert next(e for e in events if e["event"] == "JobFailed")["fields"]["error"] == "too low"
    assert "`who`: the value: uint32" in enig("show", address).out


def test_deploy_says_which_contracts_there_are(enig, tmp_path: Path) -> None:
    said = enig("deploy", SALARIES, "--contract", "Salary")
    assert said.status == 1 and "error[E0516]" in said.err and "Salaries" in said.err
    said = enig("deploy", str(ROOT / "examples" / "lookup.enig"))
    assert said.status == 1 and "lookup.enig has no contract" in said.err and "`enig run`" in said.err
    (tmp_path / "bad.enig").write_text("contract C:\n    x: uint8 = y\n")
    said = enig("deploy", str(tmp_path / "bad.enig"))
    assert said.status == 1 and "bad.enig:2" in said.err
    assert enig("deploy", SALARIES, "--", "5").status == 1
    assert enig("deploy", SALARIES, "--fee", "much").status == 2


def test_a_record_that_a_killed_operator_left_is_passed_over(enig, network: StandIn, tmp_path: Path) -> None:
    from dataclasses import replace

    from enigmalang.node.networks import keep_record

    keep_record(replace(network.network, chain=1, socket=str(tmp_path / "gone"), url=str(tmp_path / "gone")))
    assert enig("call", deploy(enig), "people").out == "[]\n"


def test_code_that_is_not_what_its_plan_compiles_to_is_refused(
        enig, network: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    address, real = deploy(enig), StandIn.request

    def other(self: StandIn, method: str, params: Sequence[Any] = ()) -> Any:
        found = real(self, method, params)
        return found.replace("5f", "60", 1) if method == "eth_getCode" else found

    monkeypatch.setattr(StandIn, "request", other)
    said = enig("call", address, "people")
    assert said.status == 1 and "error[E0706]" in said.err and "not what its plan compiles to" in said.err


def test_events_are_followed_as_they_come(enig, network: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    address = deploy(enig)

    paused: list[float] = []

    def pause(seconds: float) -> None:
        paused.append(seconds)
        if len(paused) > 1:
            raise KeyboardInterrupt
        assert run(["call", address, "join", "5", "--key", "alice"]) == 0

    monkeypatch.setattr("enigmalang.cli.events.pause", pause)
    said = enig("events", address, "--follow")
    assert said.status == 130, said.err
    assert all(name in said.out for name in ("JobOpened", "Joined", "JobSettled"))
