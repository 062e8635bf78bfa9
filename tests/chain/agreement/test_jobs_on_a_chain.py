"""Jobs on a chain where others act, too: computed again, given up, failed, late; nothing but the failure is left."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from enigmalang.chain import development
from enigmalang.chain.hub import EXPIRED, FAILED, FULFILLED, OPEN, Hub
from enigmalang.chain.logbook import key_id
from enigmalang.compiler import compile_file
from enigmalang.diagnostics import EnigmaError, Sink, render
from enigmalang.ethereum.hashing import keccak256
from enigmalang.ethereum.keys import SigningKey
from enigmalang.execute import onchain
from enigmalang.execute.circuit_engine import CircuitEngine
from enigmalang.execute.runner import run_function
from enigmalang.node.devchain import DevChain
from enigmalang.node.local import local_world

CONTRACT = """
contract Board:
    base: uint32
    count: uint32
    private secret: uint32

    def bump(x: uint32):
        base += x

    payable def add(private x: uint32) -> uint32:
        count += 1
        secret = clamp(secret + x + base)
        return reveal(secret)

    payable def fails(private x: uint32):
        count += 1
        require reveal(x > 10 + base), "too small for this board"
        secret = x

identity alice
b = deploy Board()
"""
STRANGER = SigningKey(keccak256(b"a stranger"))
WEI = 10**18


@pytest.fixture(scope="module")
def network() -> Iterator[DevChain]:
    made = DevChain.embedded()
    yield made
    made.close()


class Scene:
    """A script on the chain, and a stranger who acts on it while jobs are computed."""

    def __init__(self, network: DevChain, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._network, self._folder, self._monkeypatch = network, folder, monkeypatch
        self.hub = Hub(network.chain, network.hub)
        self.computed = 0
        self.contract = CONTRACT
        self.ledger: Any = None

    def run(self, script: str, between: Callable[[int], None] = lambda time: None, engine: Any = None) -> list[str]:
        """What the script prints after the contract was deployed; `between(n)` happens while a job is computed for
        the n-th time."""
        path = self._folder / "board.enig"
        path.write_text(self.contract + script)
        plan = compile_file(str(path), sink := Sink())
        assert plan is not None and plan.script is not None, render(sink.diagnostics)
        self.ledger, lines, outcome = self._network.fresh(plan), list[str](), onchain.outcome
        development.fund(self._network.chain, STRANGER.address, WEI)

        def outcome_later(world: Any, request: Any) -> Any:
            self.computed += 1
            try:
                return outcome(world, request)
            finally:
                between(self.computed)

        self._monkeypatch.setattr(onchain, "outcome", outcome_later)
        self.world = local_world(plan, engine, out=lines.append, chain=lambda: self.ledger)
        run_function(self.world, plan.script)
        return lines

    def bump(self, amount: int) -> None:
        """The stranger's transaction."""
        board = self.board
        data = board.encode(self.world.plan.functions["Board.bump"], (amount,))
        self._network.chain.send(STRANGER, board.address, data)

    @property
    def board(self) -> Any:
        return next(c for c in self.ledger.contracts._known.values() if c is not None)

    def state(self) -> tuple[int, ...]:
        """base, count, version of the contract."""
        board, at = self.board, self._network.chain.block_number()
        return (*board.read("base", [()], at), *board.read("count", [()], at), board.version(at))

    def jobs(self) -> list[int]:
        """The status of every job, oldest first."""
        return [self.hub.job(e.fields["job"]).status for e in self.hub.events(["Opened"])]

    def alice(self) -> int:
        """What she owns, with what the hub has for her."""
        return int(self.ledger.balance(self.world.identities.get("alice").address))

    def later(self, seconds: int) -> None:
        development.advance(self._network.chain, seconds=seconds)


@pytest.fixture
def scene(network: DevChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(network, tmp_path, monkeypatch)


@pytest.mark.parametrize("engine", [None, CircuitEngine("M61")], ids=["clear", "circuit"])
def test_a_job_is_computed_again_when_the_state_moved_on(scene: Scene, engine: Any) -> None:
    lines = scene.run("as alice: print(b.add(5, value=7), b.add(1), b.base, b.count)",
                      lambda time: scene.bump(100) if time <= 3 else None, engine)
    assert lines == ["305 606 300 2\n"]
    assert scene.computed == 4 + 1
    assert scene.jobs() == [FULFILLED] * 2
    assert scene.alice() == 10_000 * WEI - 7


WORLD = """
contract World:
    private a: uint32
    private b: uint32
    out: uint32
    which: uint256
    when: uint256
    limit: uint32
    def put(private x: uint32, private y: uint32):
        a = x
        b = y
    def parity():
        which = now % 2
        when = now
        if now % 2 == 0: out = reveal(a)
        else: out = reveal(b)
    def below():
        limit = L["limit"]
        require reveal(a < limit), "above"
    def owns() -> uint256:
        require reveal(a < 1000), "much"
        return self.balance
w = deploy World()
w.put(40, 50)
"""


@pytest.mark.parametrize("seconds", [1, 2])
def test_a_job_has_one_time(scene: Scene, seconds: int) -> None:
    """Time goes on between computing and fulfilling: both have that of the nodes."""
    scene.contract = WORLD
    lines = scene.run("w.parity()\nprint(w.which, w.out, w.when)",
                      lambda time: scene.later(seconds) if time == 2 else None)
    which, out, when = map(int, lines[0].split())
    assert (which, out) in ((0, 40), (1, 50)) and when % 2 == which
    assert when < scene.ledger.time - seconds
    assert scene.computed == 2


def test_a_job_is_computed_again_when_what_it_read_elsewhere_has_changed(scene: Scene) -> None:
    scene.contract = WORLD

    def lowered(time: int) -> None:
        if time == 2:
            scene.hub.write(STRANGER, key_id(("limit",)), "uint256", (41).to_bytes(32, "big"))

    assert scene.run('L["limit"] = 60\nw.below()\nprint(w.limit)', lowered) == ["41\n"]
    assert scene.computed == 3


def test_what_a_job_read_elsewhere_may_have_become_too_little(scene: Scene) -> None:
    scene.contract = WORLD

    def lower(time: int) -> None:
        if time == 2:
            scene.hub.write(STRANGER, key_id(("limit",)), "uint256", (40).to_bytes(32, "big"))

    with pytest.raises(EnigmaError, match="above"):
        scene.run('L["limit"] = 60\nw.below()', lower)
    assert scene.computed == 3


def test_a_balance_is_what_the_contract_owns(scene: Scene) -> None:
    scene.contract = WORLD
    assert scene.run("print(w.owns())") == ["0\n"]


def test_a_job_is_given_up_when_the_state_never_rests(scene: Scene) -> None:
    with pytest.raises(EnigmaError) as caught:
        scene.run("as alice: b.add(5, value=7)", lambda time: scene.bump(1))
    assert caught.value.diagnostic.code == "E0517"
    assert caught.value.diagnostic.span.line == CONTRACT.count("\n") + 1
    assert scene.computed == onchain.TRIES
    assert scene.state()[:2] == (onchain.TRIES, 0)
    assert scene.jobs() == [FAILED]
    assert scene.alice() == 10_000 * WEI


def test_the_next_job_of_a_contract_is_done_after_one_given_up(scene: Scene) -> None:
    lines = scene.run('as alice:\n    expect revert "moved on": b.add(5)\n    print(b.add(6))',
                      lambda time: scene.bump(1) if time <= onchain.TRIES else None)
    assert lines == [f"{6 + onchain.TRIES}\n"]


def test_the_chain_has_the_text_of_a_failure(scene: Scene) -> None:
    text = "too small for this board"
    lines = scene.run(f'as alice:\n    expect revert "{text}": b.fails(3, value=9)\n    print(b.count)')
    assert lines == ["0\n"]
    (event,) = scene.hub.events(["Failed"])
    assert event.fields["error"] == text
    assert scene.state() == (0, 0, 0)
    assert scene.jobs() == [FAILED]
    assert scene.alice() == 10_000 * WEI


def test_a_failure_of_a_state_that_is_gone_is_none(scene: Scene) -> None:
    """x = 12 was enough for the board as it was asked for, and is not any more when it is computed."""
    with pytest.raises(EnigmaError) as caught:
        scene.run("as alice:\n    b.fails(12)", lambda time: scene.bump(5) if time == 1 else None)
    assert (caught.value.diagnostic.code, scene.computed) == ("E0501", 2)
    assert scene.jobs() == [FAILED]


def test_a_job_that_is_late_gives_everything_back(scene: Scene) -> None:
    with pytest.raises(EnigmaError) as caught:
        scene.run("as alice:\n    b.add(5, value=7)", lambda time: scene.later(3600))
    assert caught.value.diagnostic.code == "E0518"
    assert "b.add" in render([caught.value.diagnostic])
    assert scene.jobs() == [EXPIRED]
    assert scene.state() == (0, 0, 0)
    assert scene.alice() == 10_000 * WEI


def test_a_failure_that_is_late_gives_everything_back(scene: Scene) -> None:
    with pytest.raises(EnigmaError) as caught:
        scene.run("as alice:\n    b.fails(5, value=7)", lambda time: scene.later(3600))
    assert caught.value.diagnostic.code == "E0518"
    assert (scene.jobs(), scene.alice()) == ([EXPIRED], 10_000 * WEI)


def test_after_a_late_job_the_next_is_done(scene: Scene) -> None:
    lines = scene.run('as alice:\n    expect revert "in time": b.add(5, value=7)\n    print(b.add(6))',
                      lambda time: scene.later(3600) if time == 1 else None)
    assert lines == ["6\n"]
    assert scene.jobs() == [EXPIRED, FULFILLED]


def test_jobs_that_are_submitted_run_in_order_and_fail_alone(scene: Scene) -> None:
    script = """
as alice:
    first = submit b.add(1, value=1)
    second = submit b.fails(1, value=2)
    third = submit b.add(2, value=4)
    print(await third, b.count)
    expect revert "too small": await second
    print(await first)
"""
    assert scene.run(script) == ["3 2\n", "1\n"]
    assert scene.jobs() == [FULFILLED, FAILED, FULFILLED]
    assert scene.alice() == 10_000 * WEI - 5


def test_what_a_request_refuses_opens_no_job(scene: Scene) -> None:
    """Checks that need public state alone come first."""
    with pytest.raises(EnigmaError) as caught:
        scene.run("as alice:\n    b.add(5, value=20_000 ether)")
    assert caught.value.diagnostic.code == "E0512"
    assert scene.jobs() == []
    assert OPEN not in scene.jobs()
