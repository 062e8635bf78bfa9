"""Comprehensions: one clause is a `map`; several are loops that append what the last clause's `map` gives."""

from collections.abc import Callable, Sequence

from enigmalang.ir.ir import IRType, Opaque, Region, Tensor, Value
from enigmalang.ir.leaves import leaves_of, types_of
from enigmalang.lowering.access import axis_of
from enigmalang.lowering.choices import choose_values, shortcut
from enigmalang.lowering.control import bind_carried
from enigmalang.lowering.convert import fit, is_unknown, truth
from enigmalang.lowering.exits import assigned
from enigmalang.lowering.frame import Bundle, Frame, fresh
from enigmalang.lowering.iterate import Iteration, bind_item, iterate
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.types.types import ERROR, ListT, Type


def comprehension(f: Frame, node: ast.Comprehension) -> Bundle:
    """The list that a comprehension (or generator) makes; its variables stay its own."""
    env, items = dict(f.env), set(f.items)
    changed = assigned((ast.ExprStmt(node.span, node),))
    keys = [key for key in env if key in changed]
    if keys:
        made = _one_by_one(f, node, keys)
        env.update({key: f.env[key] for key in keys})
    else:
        made = _clauses(f, node, node.clauses)
    f.env, f.items = env, items
    return made


def _clauses(f: Frame, node: ast.Comprehension, clauses: Sequence[ast.CompClause]) -> Bundle:
    clause, inner = clauses[0], clauses[1:]
    if inner:
        return _loop(f, node, clause, inner)
    element, target = node.element, clause.target
    same = isinstance(element, ast.Name) and isinstance(target, ast.Name) and element.id == target.id
    return mapped(f, iterate(f, clause.iterable), clause, lambda: f.expr(element), node.span, _listed(f, node), same)


def _listed(f: Frame, node: ast.Comprehension) -> Type | None:
    type = f.type_of(node)
    return None if type == ERROR or is_unknown(type) else type


def grown(type: IRType) -> IRType:
    return Tensor(type.element, type.rank + 1) if isinstance(type, Tensor) else Opaque(ListT(type.type, None))


def mapped(
    f: Frame, iteration: Iteration, clause: ast.CompClause, element: Callable[[], Bundle], span: Span,
    listed: Type | None, kept_as_is: bool = False,
) -> Bundle:
    """`[element for target in iterable if …]`: the conditions choose items first, so that the element is computed
    only for those that stay. `kept_as_is`: the element is the target itself."""
    if clause.conditions:
        iteration = _filtered(f, iteration, clause, span)
        if kept_as_is and listed is not None:
            return Bundle(listed, iteration.tensors)
    region = Region(iteration.items(clause.target.span))
    with f.branch(region):
        bind_item(f, clause.target, Bundle(iteration.type, tuple(region.params)))
        made = element()
        if isinstance(listed, ListT) and len(leaves_of(listed.element)) == len(made.leaves):
            made = fit(f, made, listed.element, span)
        f.finish(made.leaves, span)
    attrs = {"iterated": len(iteration.tensors), "filtered": False}
    op = f.build.emit("map", iteration.tensors, span, types=[grown(v.type) for v in made.leaves], attrs=attrs,
                      regions=(region,))
    fitting = isinstance(listed, ListT) and len(leaves_of(listed)) == len(op.results)
    return Bundle(listed if fitting and listed else ListT(made.type, None), op.results)


def _filtered(f: Frame, iteration: Iteration, clause: ast.CompClause, span: Span) -> Iteration:
    region = Region(iteration.items(clause.target.span))
    with f.branch(region):
        bind_item(f, clause.target, Bundle(iteration.type, tuple(region.params)))
        keep = _all_conditions(f, clause.conditions, span)
        f.finish((keep, *region.params), span)
    attrs = {"iterated": len(iteration.tensors), "filtered": True}
    types = [v.type for v in iteration.tensors]
    op = f.build.emit("map", iteration.tensors, clause.conditions[0].span, types=types, attrs=attrs, regions=(region,))
    return Iteration(iteration.type, op.results)


def _all_conditions(f: Frame, conditions: Sequence[ast.Expr], span: Span) -> Value:
    first = truth(f, f.value(conditions[0]), span)
    if len(conditions) == 1:
        return first
    return shortcut(f, "and", first, lambda: _all_conditions(f, conditions[1:], span), span)


def _loop(f: Frame, node: ast.Comprehension, clause: ast.CompClause, inner: Sequence[ast.CompClause]) -> Bundle:
    """An outer clause: a `for` that carries the list so far and joins each inner list to its end."""
    iteration = iterate(f, clause.iterable)
    if clause.conditions:
        iteration = _filtered(f, iteration, clause, node.span)
    region = Region(iteration.items(clause.target.span))
    with f.branch(region):
        bind_item(f, clause.target, Bundle(iteration.type, tuple(region.params)))
        part = _clauses(f, node, inner)
        so_far = fresh([v.type for v in part.leaves], node.span)
        region.params += so_far
        joined = [
            f.build.value("concat", (x, y), node.span, type=x.type, axis=axis_of(x))
            for x, y in zip(so_far, part.leaves, strict=True)
        ]
        f.finish(joined, node.span)
    types = [v.type for v in part.leaves]
    first = [f.build.value("empty", (), node.span, type=t) for t in types]
    op = f.build.emit(
        "for", (*iteration.tensors, *first), node.span, types=types, regions=(region,),
        attrs={"iterated": len(iteration.tensors)})
    return Bundle(part.type, op.results)


# ------------------------------------------------------------------------- comprehensions that change a variable

#: The list so far, among the variables; no name of the source can be this.
SO_FAR = "[]"


def _one_by_one(f: Frame, node: ast.Comprehension, keys: list[str]) -> Bundle:
    """`[xs.pop() for i in …]` changes `xs` on the way: loops that carry it, and append."""
    listed = f.type_of(node)
    f.env[SO_FAR] = Bundle(listed, tuple(f.build.value("empty", (), node.span, type=t) for t in types_of(listed)))
    _step(f, node, node.clauses, [*keys, SO_FAR])
    return f.env.pop(SO_FAR)


def _step(f: Frame, node: ast.Comprehension, clauses: Sequence[ast.CompClause], keys: list[str]) -> None:
    clause = clauses[0]
    iteration = iterate(f, clause.iterable)
    before = {key: f.env[key] for key in keys}

    def leaves() -> list[Value]:
        return [leaf for key in keys for leaf in f.env[key].leaves]

    def inner() -> list[Value]:
        if clauses[1:]:
            _step(f, node, clauses[1:], keys)
        else:
            _append(f, node)
        return []  # what it changed are variables

    first = leaves()
    carried = fresh([v.type for v in first], node.span)
    items = iteration.items(clause.target.span)
    region = Region([*items, *carried])
    with f.branch(region):
        bind_carried(f, keys, before, carried)
        bind_item(f, clause.target, Bundle(iteration.type, tuple(items)))
        if clause.conditions:
            keep = _all_conditions(f, clause.conditions, node.span)
            choose_values(f, keep, inner, list, node.span)
        else:
            inner()
        f.finish(leaves(), node.span)
    op = f.build.emit("for", (*iteration.tensors, *first), node.span, types=[v.type for v in first], regions=(region,),
                      attrs={"iterated": len(iteration.tensors)})
    bind_carried(f, keys, before, op.results)


def _append(f: Frame, node: ast.Comprehension) -> None:
    """The next element, to the end of the list so far."""
    so_far = f.env[SO_FAR]
    assert isinstance(so_far.type, ListT)
    element = fit(f, f.expr(node.element), so_far.type.element, node.element.span)
    made = tuple(
        f.build.value("append", (xs, x), node.span, type=xs.type, axis=axis_of(xs))
        for xs, x in zip(f.env[SO_FAR].leaves, element.leaves, strict=True))
    f.env[SO_FAR] = Bundle(so_far.type, made)
