"""What `enig run` does, once its options are known to be good."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from enigmalang.chain.errors import ChainError
from enigmalang.cli.inputs import Inputs
from enigmalang.cli.programs import Refused, check_inputs, check_reach, compiled, tell
from enigmalang.cli.progress import Progress
from enigmalang.cli.report import show
from enigmalang.cli.session import Session, Settings
from enigmalang.diagnostics import EnigmaError
from enigmalang.execute.ports import EngineError, EngineStats
from enigmalang.execute.runner import run_function
from enigmalang.plan.plan import Plan
from enigmalang.repl.settings import Settings as SessionSettings

if TYPE_CHECKING:
    from enigmalang.node.processes import Processes

Write = Callable[[str], None]


def check_size(settings: SessionSettings) -> None:
    """Raise ValueError, in words for the user, for impossible numbers."""
    if settings.engine == "mpc":
        from enigmalang.node.cluster import check_numbers

        check_numbers(settings.nodes, settings.threshold, "M61", settings.timeout)


def run_file(
    path: str, settings: Settings, inputs: Inputs, stats: bool, workers: "Processes | None" = None
) -> int:
    """Run the file at `path`, on `workers` if they were started ahead; the exit status."""
    with Progress() as progress, Session(settings, progress.phase, workers) as session:

        def out(text: str) -> None:
            with progress.paused():
                sys.stdout.write(text)

        try:
            progress.phase(f"compiling {path}")
            with session.timed("compile"):
                plan = compiled(path)
            check_inputs(plan, inputs)
            if settings.chain != "memory":
                check_reach(plan)
            progress.phase("running")
            with session.timed("run"):
                passed = _run(session, plan, inputs, out)
            if stats:
                sys.stdout.flush()
                sys.stderr.write(shown_stats(session.stats()))
            return 0 if passed else 1
        except (Refused, EnigmaError, EngineError, ChainError) as error:
            return tell(error, path, progress)


def _run(session: Session, plan: Plan, inputs: Inputs, out: Write) -> bool:
    if plan.script is not None or not plan.tests:
        if plan.script is not None:
            run_function(session.world(plan, inputs, out), plan.script)
        return True
    passed = True
    for name in plan.tests:
        passed = _one_test(session, plan, name, inputs, out) and passed
    return passed


def _one_test(session: Session, plan: Plan, name: str, inputs: Inputs, out: Write) -> bool:
    title = name.removeprefix("test: ")
    try:
        run_function(session.world(plan, inputs, out), plan.functions[name].public)
    except EnigmaError as error:
        out(f"✗ {title}\n")
        sys.stdout.flush()
        show([error.diagnostic])
        return False
    out(f"✓ {title}\n")
    return True


#: What is shown of preprocessing, which needs no input and is counted apart.
_AHEAD = {"rounds": "rounds", "bytes_sent": "bytes sent by a node", "products": "products", "ands": "ANDs"}


def shown_stats(stats: EngineStats) -> str:
    """Two columns: what, how much."""
    rows = [
        ("circuits", f"{stats.circuits:,}"),
        ("rounds", f"{stats.rounds:,}"),
        ("bytes sent by a node", f"{stats.bytes_sent:,}"),
        ("products", f"{stats.products:,}"),
        ("ANDs", f"{stats.ands:,}"),
        ("comparisons", f"{stats.comparisons:,}"),
        *(
            (f"made ahead: {name}", f"{stats.ahead[key]:,}")
            for key, name in _AHEAD.items() if stats.ahead.get(key)
        ),
        *((f"seconds: {name}", f"{seconds:.3f}") for name, seconds in stats.seconds.items()),
    ]
    wide, deep = max(len(name) for name, _ in rows), max(len(value) for _, value in rows)
    return "".join(f"{name.ljust(wide)}  {value.rjust(deep)}\n" for name, value in rows)
