"""Running one program on several ledgers, and what can be seen of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from run_support import EXAMPLES, PROGRAMS, Bench, Program, read_program

from enigmalang.cli.inputs import Inputs, parse_inputs
from enigmalang.cli.session import Settings
from enigmalang.diagnostics import EnigmaError, render
from enigmalang.execute.runner import run_function

OWN = [read_program(p) for p in sorted((Path(__file__).parent / "programs").glob("*.enig"))]
ALL = [read_program(p) for p in (*EXAMPLES, *PROGRAMS)]
NAMES = ("me", "alice", "bob", "carol", "dave")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a run shows: its output, the failure as the user reads it, and what the usual people own afterwards."""

    printed: str
    failure: str
    owned: tuple[int, ...]


class Ledgers:
    """A bench for each ledger, made when it is first asked for; each keeps its chain."""

    def __init__(self) -> None:
        self._benches: dict[str, Bench] = {}

    def __enter__(self) -> "Ledgers":
        return self

    def __exit__(self, *_: object) -> None:
        for bench in self._benches.values():
            bench.session.__exit__()

    def bench(self, chain: str) -> Bench:
        if chain not in self._benches:
            self._benches[chain] = Bench(Settings(chain=chain))
        return self._benches[chain]

    def runs(self, program: Program, chain: str, engine: str) -> list[Seen]:
        """The script, or each test."""
        bench = self.bench(chain)
        plan = bench.plan(program.path)
        functions = [plan.script] if plan.script is not None else [plan.functions[t].public for t in plan.tests]
        return [self._run(bench, plan, f, program, engine) for f in functions]

    def _run(self, bench: Bench, plan: Any, function: Any, program: Program, engine: str) -> Seen:
        printed: list[str] = []
        named, _, numbered = " ".join(program.arguments).partition(" -- ")
        options = [word for word in named.split() if word != "--input"]
        inputs = Inputs(parse_inputs(options, numbered.split()))
        world, failure = bench.session.world(plan, inputs, printed.append, engine=engine), ""
        try:
            run_function(world, function)
        except EnigmaError as error:
            failure = render([error.diagnostic])
        uses = any(plan.contracts) or "L[" in program.path.read_text("utf-8")
        owned = tuple(world.ledger.balance(world.identities.get(n).address) for n in NAMES) if uses else ()
        return Seen("".join(printed), failure, owned)
