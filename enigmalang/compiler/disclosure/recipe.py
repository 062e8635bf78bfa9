"""How a value is computed, as a digest: two versions of a program that let out the same words may mean something else
by them (a constant behind a name, a default, an imported function under another name).

It is made of the operations behind the value, whatever their lines; a secret that the client deals stands for itself,
without its value, so the digest tells nothing of it.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256

from enigmalang.compiler.disclosure.dependence import Dependence, is_dealt
from enigmalang.ir.ir import Operation, Program, Value
from enigmalang.source import Span


def recipe(dependence: Dependence, values: Sequence[Value]) -> str:
    """The digest of what `values` are computed by: 16 hex digits, the same on every machine."""
    text = "\n".join(line for value in values for line in _lines(dependence, value))
    return sha256(text.encode()).hexdigest()[:16]


def rule_recipe(program: Program, dependence: Dependence, rules: Sequence[Value]) -> str:
    """The digest of who may do something by these predicates: of what they are made of, and of what each predicate of
    the program's own gives; "" of none."""
    names = {op.attrs["name"] for rule in rules for op in dependence.behind(rule) if op.op == "predicate"}
    bodies = [program.functions[name].body for name in sorted(names) if name in program.functions]
    return recipe(dependence, [*rules, *(v for body in bodies for v in body.ops[-1].operands)]) if rules else ""


def _lines(dependence: Dependence, value: Value) -> Iterator[str]:
    made = list(dict.fromkeys(dependence.behind(value)))
    numbers = {result: f"{n}.{place}" for n, op in enumerate(made) for place, result in enumerate(op.results)}
    yield f"value {numbers.get(value, _outer(value))}"
    for number, op in enumerate(made):
        operands = [numbers.get(v, _outer(v)) for v in op.operands]
        yield f"{number} {op.op} {_attributes(op)} {operands} {[str(v.type) for v in op.results]}"
        if op.op == "share":
            yield from _dealt(dependence, op)


def _dealt(dependence: Dependence, op: Operation) -> Iterator[str]:
    """Which input a secret is; a number that the client deals as a secret is not told."""
    source = dependence.flow.defined_by.get(op.operands[0])
    if source is not None and (source.op == "input" or (source.op == "const" and not is_dealt(op, dependence.flow))):
        yield f"of {source.op} {_attributes(source)}"


def _outer(value: Value) -> str:
    return f"{value.hint}: {value.type}"


def _attributes(op: Operation) -> list[tuple[str, str]]:
    return sorted((name, repr(value)) for name, value in op.attrs.items() if not isinstance(value, Span))
