"""The aims of the issue "The engine at memory speed", and whether they are reached."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmarks.run import Result


@dataclass(frozen=True, slots=True)
class Aim:
    """`reached(result)` against `limit`; `most`: the limit is an upper one."""

    workload: str
    text: str
    unit: str
    limit: float
    most: bool
    reached: Callable[[Result], float | None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """An aim, what was reached, and whether that is enough; None where it was not measured."""

    aim: Aim
    size: int
    reached: float | None

    @property
    def passed(self) -> bool | None:
        if self.reached is None:
            return None
        return self.reached <= self.aim.limit if self.aim.most else self.reached >= self.aim.limit


def _mpyc(workload: str, times: float) -> Aim:
    return Aim(workload, f"at least {times:g}× MPyC", "× MPyC", times, False, lambda r: r.times_mpyc)


def _numpy(workload: str, times: float) -> Aim:
    return Aim(workload, f"at most {times:g}× NumPy", "× NumPy", times, True, lambda r: r.times_numpy)


AIMS = (
    Aim("comparisons59", "at most 8 physical floors", "floors", 8, True, lambda r: r.floors),
    _mpyc("comparisons59", 500),
    _mpyc("sort10k", 200),
    Aim("sort1m", "within a minute", "s", 60, True, lambda r: r.ours.whole),
    _numpy("products", 40),
    _mpyc("products", 50),
    *(aim for name in ("matrix256", "matrix1000") for aim in (_numpy(name, 5), _mpyc(name, 10))),
    Aim("chain", "at most 250 µs a round", "µs a round", 250, True, lambda r: r.ours.computing / r.ours.rounds * 1e6),
    _mpyc("chain", 3),
    *(_mpyc(name, 50) for name in ("ranks", "auction", "logistic", "aes", "sha256", "statistics")),
    Aim("script", "under 5 ms a statement", "ms", 5, True, lambda r: r.ours.whole / 100 * 1e3),
)


def verdicts(results: Iterable[Result]) -> list[Verdict]:
    """Of the aims of the workloads that were measured, at the issue's size or the one measured, and three nodes."""
    found = {result.workload.name: result for result in results}
    return [
        Verdict(aim, found[aim.workload].size, aim.reached(found[aim.workload]))
        for aim in AIMS if aim.workload in found
    ]
