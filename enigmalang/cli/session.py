"""The engines of one command: started when a program first needs one, shared between programs, closed at the end."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from enigmalang.circuits.circuit import Array, Circuit
from enigmalang.execute.circuit_engine import CircuitEngine
from enigmalang.execute.ports import Engine, EngineStats, RunResult, Sealed
from enigmalang.execute.trace import Tracer
from enigmalang.execute.world import InputReader, World
from enigmalang.node.local import local_world
from enigmalang.plan.plan import Plan
from enigmalang.repl.settings import Settings as SessionSettings

if TYPE_CHECKING:
    from enigmalang.node.devchain import DevChain
    from enigmalang.node.processes import Processes


@dataclass(frozen=True, slots=True)
class Settings(SessionSettings):
    """What the options say of a command that may run on a chain."""

    chain: str = "embedded"  # or "memory", or the URL of a development chain


class LazyEngine:
    """An `Engine` that `start` makes when something is first computed on secrets."""

    def __init__(self, field: str, start: Callable[[], Engine]) -> None:
        self.field = field
        self._start = start
        self._engine: Engine | None = None

    def _running(self) -> Engine:
        if self._engine is None:
            self._engine = self._start()
        return self._engine

    def run(self, circuit: Circuit, inputs: Sequence[Array], recipients: Sequence[bytes] = (),
            handles: Sequence[int] | None = None) -> RunResult:
        return self._running().run(circuit, inputs, recipients, handles)

    def reserve(self, size: int) -> tuple[int, Array]:
        return self._running().reserve(size)

    def admit(self, mask: int, masked: bytes, shapes: Sequence[tuple[int, ...]], handles: Sequence[int]) -> None:
        self._running().admit(mask, masked, shapes, handles)

    def unseal(self, sealed: Sealed, private_key: bytes, form_bits: bool) -> Array:
        return self._running().unseal(sealed, private_key, form_bits)

    def forget(self, handles: Sequence[int]) -> None:
        if self._engine is not None:
            self._engine.forget(handles)

    def stats(self) -> EngineStats:
        return self._engine.stats() if self._engine is not None else EngineStats()

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()


@dataclass(slots=True)
class Session:
    """Gives a `World` to each program. A context manager: when it ends, every worker is gone."""

    settings: Settings
    phase: Callable[[str], None] = lambda text: None
    workers: "Processes | None" = None  # started ahead, for the first cluster
    seconds: dict[str, float] = field(default_factory=dict)
    tracers: dict[tuple[str, str], Tracer] = field(default_factory=dict)
    network: "DevChain | None" = None  # made when a program first needs its ledger

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        for tracer in self.tracers.values():
            tracer.engine.close()
        if self.network is not None:
            self.network.close()

    def world(
        self, plan: Plan, inputs: InputReader, out: Callable[[str], None], *,
        engine: str | None = None, watch: Callable[[Circuit], None] | None = None,
        around: Mapping[str, Any] | None = None,
    ) -> World:
        """Surroundings for one run of `plan`; `out` gets what it prints. `around`: what `local_world` is given instead
        of a chain of this session."""
        kind = engine or self.settings.engine
        options: dict[str, Any] = {"inputs": inputs, "out": out}
        if around is not None:
            options |= around
        elif self.settings.chain != "memory":
            options["chain"] = lambda: self._chain().fresh(plan)
        if kind == "clear":
            return local_world(plan, **options)
        tracer = self.tracer(plan.field, kind, watch)
        return local_world(plan, tracer.engine, tracer=tracer, **options)

    def tracer(self, field: str, kind: str | None = None, watch: Callable[[Circuit], None] | None = None) -> Tracer:
        """The tracer of the engine over a field, made when it is first asked for."""
        kind = kind or self.settings.engine
        found = self.tracers.get((kind, field))
        if found is None:
            found = self.tracers[kind, field] = Tracer(self._engine(kind, field), watch)
        return found

    def drop(self, engine: str, field: str) -> None:
        """Forget an engine that failed; the next program gets a new one."""
        tracer = self.tracers.pop((engine, field), None)
        if tracer is not None:
            tracer.engine.close()

    def _chain(self) -> "DevChain":
        """The chain with the hub on it. Raises ChainError."""
        if self.network is None:
            from enigmalang.node.devchain import DevChain

            given = self.settings
            self.phase("starting the chain")
            if given.chain == "embedded":
                self.network = DevChain.embedded(given.nodes, given.threshold)
            else:
                self.network = DevChain.at(given.chain, given.nodes, given.threshold)
            self.phase("running")
        return self.network

    def _engine(self, kind: str, field: str) -> Engine:
        return CircuitEngine(field) if kind == "circuit" else LazyEngine(field, lambda: self._start(field))

    def _start(self, field: str) -> Engine:
        from enigmalang.node.cluster import Cluster

        self.phase(f"starting {self.settings.nodes} nodes")
        workers, self.workers = self.workers, None
        given = self.settings
        engine = Cluster.start(given.nodes, given.threshold, field, given.timeout, workers)
        self.phase("running")
        return engine

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Seconds of a phase, for `--stats`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[phase] = self.seconds.get(phase, 0.0) + time.perf_counter() - start

    def stats(self) -> EngineStats:
        """All engines together, and the seconds of our own phases before theirs."""
        total = EngineStats(seconds=dict(self.seconds))
        for tracer in self.tracers.values():
            found = tracer.engine.stats()
            for name in ("rounds", "bytes_sent", "products", "ands", "comparisons", "circuits"):
                setattr(total, name, getattr(total, name) + getattr(found, name))
            for name, count in found.ahead.items():
                total.ahead[name] = total.ahead.get(name, 0) + count
            for name, value in found.seconds.items():
                total.seconds[name] = total.seconds.get(name, 0.0) + value
        return total
