"""A session that runs: inputs and commands go in, texts come out. It knows nothing of terminals.

`Interactive.feed` takes one input and says whether it went well. What went wrong is told, and the session goes on.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from enigmalang.chain.errors import ChainError
from enigmalang.circuits.circuit import Circuit
from enigmalang.diagnostics import Diagnostic, EnigmaError, Severity, Sink
from enigmalang.execute.circuit_engine import CircuitEngine
from enigmalang.execute.client import finish_queue
from enigmalang.execute.ports import Engine, EngineError
from enigmalang.execute.runner import run_function, run_input
from enigmalang.execute.secret import Secret
from enigmalang.execute.trace import Tracer
from enigmalang.execute.world import InputReader, NoInputs, World
from enigmalang.lowering.inputs import RESULT
from enigmalang.node.local import local_world
from enigmalang.node.processes import Processes
from enigmalang.repl.declarations import Item, declared
from enigmalang.repl.network import Network
from enigmalang.repl.saving import Entry
from enigmalang.repl.session import FIELD, Compiled, Session, Variable
from enigmalang.repl.settings import Settings
from enigmalang.repl.show import shown
from enigmalang.semantics import FileLoader, Loader
from enigmalang.source import SourceFile, Span
from enigmalang.source.shipped import STDLIB
from enigmalang.syntax import ast

Write = Callable[[str], Any]
#: Of what no single input asked for: line 0 stands in no text.
NOWHERE = Span("<session>", 0, 1, 0, 1)


@dataclass(slots=True)
class Interactive:
    """A context manager: when it ends, every worker is gone. `out` gets what is shown, `complain` what went wrong."""

    settings: Settings
    out: Write
    complain: Callable[[Sequence[Diagnostic], Session], Any]
    inputs: InputReader = field(default_factory=NoInputs)
    loader: Loader = field(default_factory=lambda: FileLoader("session.enig"))
    workers: Processes | None = None  # started ahead, for the first network
    session: Session = field(init=False)
    world: World = field(init=False)
    engine: Engine | None = field(init=False, default=None)
    acting: str | None = None  # whom `:as` named
    history: list[Entry] = field(default_factory=list)  # inputs that went well, for `:save`
    last: Compiled | None = None
    circuit: Circuit | None = None  # the last one that ran
    told: str | None = None  # of the network's failure

    def __post_init__(self) -> None:
        self._begin()

    def __enter__(self) -> "Interactive":
        return self

    def __exit__(self, *_: object) -> None:
        if self.engine is not None:
            self.engine.close()

    # ---- the world

    def _begin(self) -> None:
        self.session = Session(self.loader)
        self.acting, self.last, self.circuit, self.told = None, None, None, None
        self.history.clear()
        if self.engine is None:
            self.engine = self._made_engine()
        self.world = self._fresh_world()

    def _made_engine(self) -> Engine | None:
        given = self.settings
        match given.engine:
            case "mpc":
                workers, self.workers = self.workers, None
                return Network(given.nodes, given.threshold, FIELD, given.timeout, workers)
            case "circuit":
                return CircuitEngine(FIELD)
            case _:
                return None

    def _fresh_world(self) -> World:
        tracer = Tracer(self.engine, self._watch) if self.engine is not None else None
        return local_world(self.session.plan, self.engine, inputs=self.inputs, out=self.out, tracer=tracer)

    def _watch(self, circuit: Circuit) -> None:
        self.circuit = circuit

    def reset(self) -> None:
        """Forget all names and values, and start the nodes anew if some are lost, or still at what was stopped."""
        if isinstance(self.engine, Network):
            if self.engine.state != "ready" or self.engine.ending:
                self.engine.close()
                self.engine = None
        elif self.engine is not None:
            self.engine.close()
            self.engine = None
        self._begin()

    def lost(self) -> str | None:
        """Why the nodes are lost, the first time that it is asked after they were."""
        failure = self.engine.failure() if isinstance(self.engine, Network) else None
        if failure is None or failure == self.told:
            return None
        self.told = failure
        return failure

    @property
    def nodes_lost(self) -> bool:
        """Whether no node holds the session's private values any more."""
        return isinstance(self.engine, Network) and self.engine.state == "lost"

    # ---- inputs

    def feed(self, text: str) -> bool:
        """Run one input (not a command), show its value; whether it went well."""
        return self.run_source(self.session.source(text))

    def run_source(self, source: SourceFile, echo: bool = True) -> bool:
        """All of a text: its declarations, then its statements in order, then its tests; the first mistake ends it.
        `echo`: show the value of the last statement, and references to what is declared private."""
        items = self.parsed(source)
        if items is None:
            return False
        sink = Sink()
        names = self.session.declare(items, source, sink)
        self._warn(sink)
        if names is None:
            return False
        statements = [item for item in items if not declared(item) and not isinstance(item, ast.TestDef)]
        good = all(self._statement(item, source, echo, item is statements[-1]) for item in statements)
        if good:
            good = self._tests([item for item in items if isinstance(item, ast.TestDef)], source)
        if good and items:  # a comment alone does nothing, and may speak of a secret
            self.history.append(Entry(source, None if names else self.acting))
        return good

    def parsed(self, source: SourceFile) -> tuple[Item, ...] | None:
        sink = Sink()
        items = self.session.parse(source, sink)
        self._warn(sink)
        return items

    def _statement(self, item: Item, source: SourceFile, echo: bool, last: bool) -> bool:
        compiled = self.compiled(item, source)
        if compiled is None:
            return False
        kept = self.run(compiled)
        if kept is None:
            return False
        self.last = compiled
        for variable in kept if echo else ():
            if (variable.name == RESULT and last) or (variable.private and isinstance(item, ast.VarDecl)):
                name = "" if variable.name == RESULT else f"{variable.name} = "
                self.out(f"{name}{shown(variable, self.nodes_lost)}\n")
                if variable.name not in self.session.variables:
                    self.out(f"`{RESULT}` does not keep this: a {variable.type} cannot hold it\n")
        return True

    def compiled(self, item: Item, source: SourceFile) -> Compiled | None:
        sink = Sink()
        compiled = self.session.compile(item, source, sink)
        self._warn(sink)
        return compiled

    def _warn(self, sink: Sink) -> None:
        found = [d for d in sink.diagnostics if d.severity is Severity.ERROR or not d.span.path.startswith(STDLIB)]
        if found:
            self.complain(found, self.session)

    def run(self, compiled: Compiled) -> list[Variable] | None:
        """Run a statement and keep what it gave; None when it failed, which is told. Raises KeyboardInterrupt."""
        values = self.evaluated(compiled)
        if values is None:
            return None
        kept = self.session.keep(compiled, values)
        secrets = [leaf for v in kept if v.private and isinstance(compiled.item, ast.VarDecl)
                   for leaf in v.leaves if isinstance(leaf, Secret)]
        if secrets and not self._guarded(lambda: self.world.domain.finish(secrets, ()), compiled.item.span):
            self.session.forget([v.name for v in kept])
            return None
        return kept

    def evaluated(self, compiled: Compiled) -> list[Any] | None:
        """The leaves that a statement gives; None when it failed."""
        found: list[Any] = []
        self.world.plan = compiled.plan
        good = self._guarded(lambda: found.extend(run_input(
            self.world, compiled.function, compiled.arguments, compiled.shown())), compiled.item.span)
        return found if good else None

    def _guarded(self, work: Callable[[], Any], place: Span = NOWHERE) -> bool:
        """Do `work`, which `place` asked for; tell how it failed. What the ledger had not finished is undone."""
        ledger = self.world.ledger
        acting = list(self.world.acting)
        mark = ledger.checkpoint()
        done = False
        try:
            work()
            done = True
        except EnigmaError as error:
            self.complain([error.diagnostic], self.session)
        except EngineError as error:
            self.told = self.engine.failure() if isinstance(self.engine, Network) else None
            self.complain([_of_engine(error, place)], self.session)
        except ChainError as error:
            self.complain([Diagnostic("E0708", str(error), place)], self.session)
        finally:
            if not done:
                ledger.rollback(mark)
                self.world.acting[:] = acting
        return done

    # ---- tests

    def _tests(self, tests: list[ast.TestDef], source: SourceFile) -> bool:
        """Run all of them, also after one that failed."""
        failed = [test for test in tests if not self.run_test(test, source)]
        return not failed

    def run_test(self, node: ast.TestDef, source: SourceFile) -> bool:
        """Run a test on a ledger of its own."""
        sink = Sink()
        plan = self.session.test_plan(node, source, sink)
        self._warn(sink)
        if plan is None:
            return False
        world, kept = self.world, self.world.plan
        tracer = world.tracer
        self.world = local_world(plan, self.engine, inputs=self.inputs, out=self.out, tracer=tracer)
        try:
            good = self._guarded(lambda: run_function(self.world, plan.functions[plan.tests[0]].public), node.span)
        finally:
            self.world = world
            world.plan = kept
        if good:
            self.out(f"✓ {node.name}\n")
        return good

    # ---- who acts

    def act_as(self, name: str | None) -> None:
        """From now on inputs run as `name`, or as nobody named."""
        self.acting = name
        self.world.acting[:] = [] if name is None else [self.world.identities.get(name)]

    def finish(self) -> bool:
        """Run the jobs that were submitted and never awaited."""
        return not self.world.queue or self._guarded(lambda: finish_queue(self.world))

    def timed(self, work: Callable[[], bool]) -> tuple[bool, float]:
        """Whether `work` went well, and its seconds."""
        start = time.perf_counter()
        good = work()
        return good, time.perf_counter() - start


def _of_engine(error: EngineError, place: Span) -> Diagnostic:
    return Diagnostic(error.code, str(error), place, (),
                      "`:reset` starts new nodes; private values of this session are gone with the old ones")
