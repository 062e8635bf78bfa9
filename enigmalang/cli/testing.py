"""What `enig test` does: each test on each engine, and a summary."""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from enigmalang.chain.errors import ChainError
from enigmalang.cli.ahead import workers_ahead
from enigmalang.cli.files import find_files
from enigmalang.cli.inputs import Inputs
from enigmalang.cli.options import ENGINES
from enigmalang.cli.programs import Refused, as_diagnostic, check_reach, compiled
from enigmalang.cli.progress import Progress
from enigmalang.cli.report import show
from enigmalang.cli.session import Session, Settings
from enigmalang.diagnostics import Diagnostic, EnigmaError
from enigmalang.diagnostics.render import as_dict
from enigmalang.execute.ports import EngineError
from enigmalang.execute.runner import run_function
from enigmalang.plan.plan import Plan, PlanFunction


@dataclass(slots=True)
class Outcome:
    """One test on all engines that were asked for: what it printed on the first, and what went wrong."""

    file: str
    name: str
    engines: tuple[str, ...]
    printed: str = ""
    faults: list[Diagnostic] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        return not self.faults


def run_tests(paths: Sequence[str], settings: Settings, engine: str | None, as_json: bool) -> int:
    """Run every test of `paths`; the exit status."""
    files, faults = find_files(paths)
    engines = (engine,) if engine else tuple(reversed(ENGINES))
    outcomes: list[Outcome] = []
    ahead = workers_ahead(files, "mpc" if "mpc" in engines else "", settings.nodes)
    with ahead as workers, Progress() as progress, Session(settings, workers=workers) as session:
        for path in files:
            progress.phase(f"compiling {path}")
            try:
                plan = compiled(path)
                if settings.chain != "memory":
                    check_reach(plan)
            except Refused as refused:
                faults += refused.diagnostics
                continue
            for name in plan.tests:
                progress.phase(f"{path}: {name}")
                outcome = _run(session, plan, name, path, engines)
                outcomes.append(outcome)
                if not as_json:
                    with progress.paused():
                        _show(outcome)
    if as_json:
        sys.stdout.write(_json(outcomes, faults))
    else:
        show(faults)
        print(_summary(outcomes, files, faults))
    return int(bool(faults) or not all(outcome.passed for outcome in outcomes))


def _run(session: Session, plan: Plan, name: str, path: str, engines: tuple[str, ...]) -> Outcome:
    outcome = Outcome(path, name.removeprefix("test: "), engines)
    start = time.perf_counter()
    for engine in engines:
        printed, fault = _once(session, plan, plan.functions[name], path, engine)
        if engine == engines[0]:
            outcome.printed = printed
            outcome.faults += [fault] if fault else []
        elif (disagreement := _compare(plan.functions[name], outcome, engines[0], engine, printed, fault)) is not None:
            outcome.faults.append(disagreement)
    outcome.seconds = time.perf_counter() - start
    return outcome


def _once(session: Session, plan: Plan, test: PlanFunction, path: str, engine: str) -> tuple[str, Diagnostic | None]:
    printed: list[str] = []
    try:
        run_function(session.world(plan, Inputs({}), printed.append, engine=engine), test.public)
    except (EnigmaError, EngineError, ChainError) as error:
        if isinstance(error, EngineError):
            session.drop(engine, plan.field)
        return "".join(printed), as_diagnostic(error, path)
    return "".join(printed), None


def _compare(
    test: PlanFunction, outcome: Outcome, first: str, engine: str, printed: str, fault: Diagnostic | None
) -> Diagnostic | None:
    """E0707 when `engine` does not do what the first one did; an engine's own failure is shown as such."""
    before = outcome.faults[0] if outcome.faults else None
    same_fault = (before is None) == (fault is None) and (
        before is None or fault is None or (before.code, before.span) == (fault.code, fault.span)
    )
    if same_fault and printed == outcome.printed:
        return None
    if fault is not None and fault.code.startswith("E07"):
        return fault
    told = {name: _told(text, d) for name, text, d in ((first, outcome.printed, before), (engine, printed, fault))}
    shown = ", ".join(f"the engine {name} {what}" for name, what in told.items())
    return Diagnostic("E0707", f"the engines disagree: {shown}", test.public.span, (), "this is a bug in EnigmaLang")


def _told(printed: str, fault: Diagnostic | None) -> str:
    ended = f"failed ({fault.code}: {fault.message})" if fault else "passed"
    return f"{ended} after printing {printed!r}" if printed else ended


def _show(outcome: Outcome) -> None:
    sys.stdout.write(outcome.printed)
    mark = "✓" if outcome.passed else "✗"
    print(f"{mark} {outcome.file}: {outcome.name} ({', '.join(outcome.engines)})")
    sys.stdout.flush()
    show(outcome.faults)


def _summary(outcomes: Sequence[Outcome], files: Sequence[str], faults: Sequence[Diagnostic]) -> str:
    failed = sum(not outcome.passed for outcome in outcomes)
    if not outcomes and not faults:
        return f"no tests in {len(files)} file{'s' * (len(files) != 1)}"
    parts = [f"{len(outcomes) - failed} passed", *([f"{failed} failed"] if failed else [])]
    parts += [f"{len(faults)} error{'s' * (len(faults) != 1)}"] if faults else []
    return ", ".join(parts)


def _json(outcomes: Sequence[Outcome], faults: Sequence[Diagnostic]) -> str:
    data: dict[str, Any] = {
        "tests": [
            {
                "file": o.file, "name": o.name, "engines": list(o.engines), "passed": o.passed,
                "seconds": round(o.seconds, 3), "printed": o.printed, "diagnostics": [as_dict(d) for d in o.faults],
            }
            for o in outcomes
        ],
        "diagnostics": [as_dict(d) for d in faults],
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
