"""Answers about expressions: type, secrecy, cost, IR, circuit. Nothing is opened to give one."""

from math import prod

from enigmalang.circuits.circuit import OPS, Circuit
from enigmalang.circuits.costs import rounds_of
from enigmalang.circuits.text import print_circuit
from enigmalang.diagnostics import Sink
from enigmalang.execute.trace import Traced
from enigmalang.fields import field_named
from enigmalang.ir.ir import operations
from enigmalang.ir.printer import print_function
from enigmalang.lowering.inputs import RESULT
from enigmalang.repl.declarations import names_in
from enigmalang.repl.interactive import Interactive
from enigmalang.repl.session import Compiled, Variable, plain_name
from enigmalang.repl.show import place_of
from enigmalang.repl.signatures import header
from enigmalang.source import SourceFile
from enigmalang.syntax import ast
from enigmalang.types.types import IdentityT


def _expression(session: Interactive, text: str) -> tuple[ast.ExprStmt, SourceFile] | None:
    """`text` as the one expression that it is; None when it is none, which is told."""
    source = session.session.source(text)
    items = session.parsed(source)
    if items is None:
        return None
    if len(items) != 1 or not isinstance(items[0], ast.ExprStmt):
        session.out("one expression is asked about, such as `reveal(x + 1)`\n")
        return None
    return items[0], source


def _compiled(session: Interactive, text: str) -> Compiled | None:
    """`text` compiled and not run; None when it is no single expression, which is told."""
    asked = _expression(session, text)
    return None if asked is None else session.compiled(*asked)


def type_of(session: Interactive, text: str) -> str | None:
    """The type of an expression; the head of a declaration."""
    known = session.session.declarations.known.get(text)
    if known is not None:
        return header(text, known)
    compiled = _compiled(session, text)
    if compiled is None:
        return None
    return str(compiled.type_of(RESULT) or "None: it gives no value")


def secrecy_of(session: Interactive, text: str) -> str | None:
    """"public", or "private" and the private names that it is made of."""
    compiled = _compiled(session, text)
    if compiled is None:
        return None
    labels = compiled.labels().get(RESULT, ())
    if not any(labels):
        opened = any(isinstance(node, ast.Reveal) for node in ast.walk(compiled.item))
        return "public: it is revealed" if opened else "public"
    known = session.session.variables
    named = dict.fromkeys(names_in(compiled.item))
    births = [_birth(known[name]) for name in named if name in known and known[name].secret]
    births += ["what is kept under `MPC`"] if "MPC" in named else []
    part = "private" if all(labels) else "private in part"
    return f"{part}, because of {', '.join(births)}" if births else part


def _birth(variable: Variable) -> str:
    how = "declared private" if variable.private else "made from private values"
    return f"`{variable.name}` ({how} in {variable.item.span.path}, line {variable.item.span.line})"


def ir_of(session: Interactive, text: str) -> str | None:
    if not text and session.last is None:
        session.out("nothing has run yet\n")
        return None
    compiled = _compiled(session, text) if text else session.last
    return None if compiled is None else plain_name(print_function(compiled.function))


def circuit_of(session: Interactive, text: str) -> str | None:
    if session.engine is None:
        session.out("the clear engine computes without circuits\n")
        return None
    if not text:
        if session.circuit is None:
            session.out("no circuit has run yet\n")
        return None if session.circuit is None else print_circuit(session.circuit)
    circuit = _previewed(session, text)
    return None if circuit is None else print_circuit(circuit)


def cost_of(session: Interactive, text: str) -> str | None:
    """What the nodes would do to reveal an expression: counts of the circuit that they would run. Its rounds are those
    without anything made ahead; with it, comparisons take fewer. What a comparison is made of is not counted, which
    `enig cost` and `:time` do."""
    if session.engine is None:
        session.out("the clear engine has no costs\n")
        return None
    circuit = _previewed(session, text)
    if circuit is None:
        return None
    if not circuit.nodes:
        return "nothing: the nodes have no part in it"
    counts = "".join(f"{name.ljust(16)} {count:,}\n" for name, count in _counts(circuit))
    return f"{counts}operations of the circuit; what comparisons are made of, `:time` counts as `enig cost` does\n"


def _previewed(session: Interactive, text: str) -> Circuit | None:
    """The circuit that would open an expression. A `reveal(…)` around it is taken off; one inside it would have to run,
    and so would effects: such expressions are refused."""
    asked = _expression(session, text)
    if asked is None:
        return None
    item, source = asked
    if isinstance(item.value, ast.Reveal):
        item = ast.ExprStmt(item.span, item.value.value)
    compiled = session.session.compile(item, source, sink := Sink())
    if compiled is None:
        session.complain(sink.diagnostics, session.session)
        return None
    if any(op.op in _RUNS for op in operations(compiled.function.body)):
        session.out("this reveals something inside, or changes something: `:time` runs it and says what it took\n")
        return None
    values = session.evaluated(compiled)
    tracer = session.world.tracer
    if values is None or tracer is None:
        return None
    return tracer.preview([v.wire for v in values if isinstance(v, Traced)])


_RUNS = frozenset((
    "reveal", "reveal_to", "print", "input", "deploy", "call_contract", "submit", "await", "db_set", "declassify",
    "advance", "shared_identity"))


def _counts(circuit: Circuit) -> list[tuple[str, int]]:
    bits = field_named(circuit.field).p.bit_length()
    depth: list[int] = []
    totals = dict.fromkeys(("products", "comparisons", "ANDs"), 0)
    for node in circuit.nodes:
        here = rounds_of(node.op, dict(node.attrs), bits)
        depth.append(max((depth[a] for a in node.args), default=0) + here)
        kind = _KINDS.get(node.op)
        if kind is not None:
            totals[kind] += prod(node.shape)
    rounds = max((depth[n] for n in circuit.opens), default=0) + bool(circuit.opens)
    return [("rounds, at most", rounds), *((name, count) for name, count in totals.items()),
            ("operations", sum(1 for node in circuit.nodes if OPS[node.op].rounds))]


_KINDS = {
    "mul": "products", "dot": "products", "matmul": "products", "select": "products", "ltz": "comparisons",
    "eqz": "comparisons", "and": "ANDs"}


def names(session: Interactive) -> list[str]:
    """Variables with type and secrecy, then what is declared."""
    rows = []
    for name, variable in session.session.variables.items():
        secrecy = "private" if variable.secret else "public"
        where = place_of(variable.leaves, session.nodes_lost)
        kind = "identity" if isinstance(variable.type, IdentityT) else f"{secrecy} {variable.type}"
        rows.append((name, kind + (f", {where}" if where else "")))
    for name, item in session.session.declarations.known.items():
        rows.append((name, header(name, item)))
    wide = max((len(name) for name, _ in rows), default=0)
    return [f"{name.ljust(wide)}  {kind}" for name, kind in rows] or ["nothing is known yet"]

