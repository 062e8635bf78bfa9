"""What functions do by calling others: writes in views, client statements in contracts, recursion."""

from enigmalang.diagnostics import Note
from enigmalang.semantics.model import Instance
from enigmalang.semantics.program import Program
from enigmalang.source import Span
from enigmalang.syntax import ast

_HELP = {
    "uses `assert`": "in a contract write `require condition, \"message\"`",
    "uses `print`": "a contract shows something with an event: `emit Shown(…)`",
    "uses `input`": "a contract takes its input as parameters",
}


def check_effects(program: Program, instances: list[Instance]) -> None:
    """Fill `writes`, `client` and `recursive` of `instances` (callees first), and report what is out of place."""
    _mark_recursive(instances)
    for kind in ("write", "client"):
        causes = _causes(program, instances, kind)
        for instance in instances:
            if instance in causes:
                if kind == "write":
                    instance.writes = True
                else:
                    instance.client = True
                _report(program, instance, kind, causes)


Cause = tuple[Span, str, Instance | None]  # where, what, and the callee through which it happens


def _causes(program: Program, instances: list[Instance], kind: str) -> dict[Instance, Cause]:
    """For every instance that does `kind`, directly or by calls, the first place that does."""
    found: dict[Instance, Cause] = {}
    for instance in instances:
        body = program.bodies.get(instance)
        direct = next(((s, w) for k, s, w in body.effects if k == kind), None) if body is not None else None
        if direct is not None:
            found[instance] = (*direct, None)
    changed = True
    while changed:
        changed = False
        for instance in instances:
            if instance in found:
                continue
            for node, callee in instance.calls.items():
                if callee in found and not _foreign(instance, node):
                    found[instance] = (node.span, found[callee][1], callee)
                    changed = True
                    break
    return found


def _foreign(instance: Instance, node: ast.Node) -> bool:
    """Whether `node` calls a deployed contract from outside."""
    if isinstance(node, ast.Deploy):
        return True
    member = instance.members.get(node.function) if isinstance(node, ast.Call) else None
    deployed = isinstance(node, ast.Call) and isinstance(instance.types.get(node), object) and instance.contract is None
    return (member is not None and member.kind == "method") or (
        deployed and instance.calls[node].contract is not None)


def _report(program: Program, instance: Instance, kind: str, causes: dict[Instance, Cause]) -> None:
    reading = kind == "write" and instance.kind in ("view", "predicate")
    alone = kind == "client" and (instance.contract is not None or instance.kind == "predicate")
    if not (reading or alone):
        return
    body = program.bodies[instance]
    name = getattr(instance.node, "name", "")
    for span, what, callee in _places(program, instance, kind, causes):
        notes = _notes(callee, causes)
        if alone:
            body.error("E0110", f"a contract runs without a client, and this {what}", span, notes=notes,
                       help=_HELP.get(what, "this belongs into a script or a test"))
        elif instance.kind == "view":
            body.error("E0219", f"`{name}` is a view, and it {what}", span, notes=notes, help="leave out `view`")
        else:
            body.error("E0219", f"`{name}` is a predicate, and it {what}", span, notes=notes,
                       help="a predicate only reads")


def _places(program: Program, instance: Instance, kind: str, causes: dict[Instance, Cause]) -> list[Cause]:
    """Every place of the body that does `kind`, itself or by a call."""
    found: list[Cause] = [(s, w, None) for k, s, w in program.bodies[instance].effects if k == kind]
    for node, callee in instance.calls.items():
        if callee in causes and not _foreign(instance, node):
            found.append((node.span, causes[callee][1], callee))
    return found


def _notes(callee: Instance | None, causes: dict[Instance, Cause]) -> tuple[Note, ...]:
    """The way from a call to what is done in the end."""
    notes = []
    while callee is not None:
        span, what, following = causes[callee]
        notes.append(Note(span, f"`{callee.name}` calls on" if following is not None else f"it {what} here"))
        callee = following
    return tuple(notes)


def _mark_recursive(instances: list[Instance]) -> None:
    """An instance is recursive when it can reach itself by calls."""
    index: dict[Instance, int] = {}
    low: dict[Instance, int] = {}
    stack: list[Instance] = []

    def visit(instance: Instance) -> None:
        index[instance] = low[instance] = len(index)
        stack.append(instance)
        for callee in instance.calls.values():
            if callee not in index:
                visit(callee)
                low[instance] = min(low[instance], low[callee])
            elif callee in stack:
                low[instance] = min(low[instance], index[callee])
        if low[instance] == index[instance]:
            _close(instance, stack)

    for instance in instances:
        if instance not in index:
            visit(instance)


def _close(instance: Instance, stack: list[Instance]) -> None:
    component = [stack.pop()]
    while component[-1] is not instance:
        component.append(stack.pop())
    if len(component) > 1 or instance in instance.calls.values():
        for member in component:
            member.recursive = True
