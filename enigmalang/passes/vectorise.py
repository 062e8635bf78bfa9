"""Loops to arrays: a `map`, or a `for` that only accumulates, becomes array operations over all its iterations.

100,000 comparisons in a comprehension are one `lt` on tensors afterwards. Inner loops go first, so nested
comprehensions end as operations on matrices. A loop with an operation that has no batched form stays a loop.
"""

from dataclasses import dataclass

from enigmalang.ir.ir import Operation, Program, Region, Tensor, Value
from enigmalang.passes.batch import Batch, CannotBatch
from enigmalang.passes.facts import Facts
from enigmalang.passes.product_tree import ProductTree
from enigmalang.source import Span
from enigmalang.types.ranges import Range
from enigmalang.types.types import BoolT, IntT, Label


def vectorise(program: Program) -> Program:
    """Vectorise every function of `program`, in place."""
    facts = Facts(program)
    for function in program.functions.values():
        _region(function.body, {}, facts)
    return program


def _region(region: Region, known: dict[Value, Value], facts: Facts) -> None:
    made: list[Operation] = []
    for op in region.ops:
        op.operands = tuple(known.get(v, v) for v in op.operands)
        for inner in op.regions:
            _region(inner, known, facts)
        if op.op in ("for", "map"):
            choose_quietly(op.regions[0], facts)
        batched = _loop(op, known, facts)
        made.extend([op] if batched is None else batched)
    region.ops = made


def choose_quietly(region: Region, facts: Facts) -> None:
    """Public `if`s of a loop's body that may run both sides become selects, so that accumulations show."""
    made: list[Operation] = []
    for op in region.ops:
        if op.op == "if" and op.results and all(facts.harmless(r) for r in op.regions) and all(
                isinstance(v.type, Tensor) and v.type.rank == 0 and v.label is Label.PRIVATE for v in op.results):
            then, otherwise = op.regions
            made += [*then.ops[:-1], *otherwise.ops[:-1]]
            for result, a, b in zip(op.results, then.ops[-1].operands, otherwise.ops[-1].operands, strict=True):
                made.append(Operation("select", (op.operands[0], a, b), (result,), op.span, {}, (), op.via))
        else:
            made.append(op)
    region.ops = made


def _loop(op: Operation, known: dict[Value, Value], facts: Facts) -> list[Operation] | None:
    """What replaces the loop `op` (its results are then in `known`), or None when it stays."""
    if op.op not in ("map", "for") or op.attrs.get("filtered"):
        return None
    count = op.attrs["iterated"]
    (body,) = op.regions
    if body.ops[-1].op != "yield" or count == 0 or any(not isinstance(v.type, Tensor) for v in op.operands[:count]):
        return None
    batch = Batch(body.params[:count], op.operands[:count], dict(known), facts)
    found: dict[Value, Value] = {}
    try:
        if op.op == "map":
            _map(op, body, batch, found)
        else:
            _for(op, body, batch, found)
    except CannotBatch:
        return None
    known.update(batch.known)
    known.update(found)
    facts.learn(batch.ops)
    for old, new in found.items():  # what is known of a length stays known
        facts.lengths.known.setdefault(new, facts.lengths.shape(old))
    return batch.ops


def _map(op: Operation, body: Region, batch: Batch, found: dict[Value, Value]) -> None:
    batch.run(body.ops[:-1])
    for result, made in zip(op.results, body.ops[-1].operands, strict=True):
        found[result] = batch.spread(made)


@dataclass(frozen=True, slots=True)
class _Step:
    """How one carried value changes: `carried = carried <op> term`, where `condition` (None: always) holds."""

    op: str
    term: Value
    condition: Value | None
    spine: tuple[Operation, ...]  # the operations that make the step itself, not its term


#: Accumulating operation -> the reduction that does all steps at once.
_REDUCTIONS = {"add": "reduce_sum", "and": "reduce_all", "or": "reduce_any", "min": "reduce_min", "max": "reduce_max"}


def _for(op: Operation, body: Region, batch: Batch, found: dict[Value, Value]) -> None:
    count = op.attrs["iterated"]
    carried = body.params[count:]
    makers = {v: o for o in body.ops[:-1] for v in o.results}
    uses = _uses(body)
    steps: list[_Step | None] = []
    for param, update in zip(carried, body.ops[-1].operands, strict=True):
        steps.append(None if update is param else _step(param, update, makers, uses))
    spine = {id(o) for step in steps if step is not None for o in step.spine}
    rest = [o for o in body.ops[:-1] if id(o) not in spine]
    for param, step in zip(carried, steps, strict=True):
        if step is None and uses.get(param, 0) > 1:
            batch.known[param] = op.operands[count + carried.index(param)]
    moving = {p for p, step in zip(carried, steps, strict=True) if step is not None}
    if any(v in moving for o in rest for v in o.operands):
        raise CannotBatch("an accumulator that the loop also reads")
    batch.run(rest)
    for i, (step, result) in enumerate(zip(steps, op.results, strict=True)):
        start = op.operands[count + i]
        found[result] = start if step is None else _accumulate(batch, step, start, result)


def _uses(body: Region) -> dict[Value, int]:
    """How often each value is used in `body`, inner regions included."""
    counts: dict[Value, int] = {}
    stack = [body]
    while stack:
        for o in stack.pop().ops:
            stack.extend(o.regions)
            for v in o.operands:
                counts[v] = counts.get(v, 0) + 1
    return counts


def _step(param: Value, update: Value, makers: dict[Value, Operation], uses: dict[Value, int]) -> _Step:
    """Recognise `param <op> term`, under a private condition, through converts that the range analysis proved."""
    spine: list[Operation] = []
    condition: Value | None = None
    allowed = 1
    while True:
        maker = makers.get(update)
        if maker is None or uses[update] != 1:
            raise CannotBatch("not an accumulation")
        spine.append(maker)
        if maker.op == "convert" and _proven(maker):
            update = maker.operands[0]
        elif maker.op == "select" and maker.operands[2] is param and condition is None:
            condition, update, allowed = maker.operands[0], maker.operands[1], 2
        else:
            break
    if (maker.op not in _REDUCTIONS and maker.op not in ("append", "mul")) or uses.get(param, 0) != allowed:
        raise CannotBatch("not an accumulation")
    left, right = maker.operands
    if left is not param and (right is not param or maker.op == "append"):
        raise CannotBatch("not an accumulation")
    step = _Step(maker.op, right if left is param else left, condition, tuple(spine))
    _permitted(step, maker, param)
    return step


def _proven(op: Operation) -> bool:
    """A conversion that changes nothing: private integers, shown to fit by the range analysis."""
    types = (op.operands[0].type, op.result.type)
    integers = all(isinstance(t, Tensor) and isinstance(t.element, IntT) for t in types)
    return op.result.label is Label.PRIVATE and integers


def _permitted(step: _Step, maker: Operation, param: Value) -> None:
    """Refuse accumulations whose checks would differ when done at the end instead of at each step."""
    type = maker.result.type
    assert isinstance(type, Tensor)
    if step.op == "append":
        if step.condition is not None or maker.attrs.get("max") is not None:
            raise CannotBatch("a bounded or conditional append")
        return
    if step.op == "mul":
        if maker.result.label is not Label.PRIVATE or not isinstance(type.element, IntT) or type.rank or step.condition:
            raise CannotBatch("a product that rounds, is checked, or is chosen")
        return
    if isinstance(type.element, BoolT) and step.op in ("and", "or") and step.condition is None:
        return
    monotone = isinstance(type.element, IntT) and not type.element.signed
    if step.op == "add" and (maker.result.label is Label.PRIVATE or (monotone and step.condition is None)):
        return
    if step.op in ("min", "max") and step.condition is None and type.rank == 0:
        return
    raise CannotBatch("an accumulation with checks at each step")


def _accumulate(batch: Batch, step: _Step, start: Value, result: Value) -> Value:
    """`start` and all terms at once, as one value that stands for `result`."""
    assert isinstance(result.type, Tensor)
    batch.via = step.spine[-1].via
    term = batch.spread(step.term)
    rank = result.type.rank
    span = step.spine[-1].span
    if step.condition is not None:
        term = _masked(batch, step, term, rank)
    if step.op == "append":
        return batch.new("concat", (start, term), result, rank, span, axis=-rank)
    if step.op == "mul":
        return _multiplied(batch, start, term, result, span)
    if step.op in ("min", "max"):
        return _extreme(batch, step, start, term, result, span)
    total = batch.new(_REDUCTIONS[step.op], (term,), result, rank, span, axis=-(rank + 1))
    total.range = _total_range(batch, step, term, total)
    joined = batch.new(step.op, (start, total), result, rank, span)
    joined.lens = result.lens
    return joined


def _multiplied(batch: Batch, start: Value, term: Value, result: Value, span: Span) -> Value:
    """A tree of products over the first value and all terms; its depth is the logarithm of their number."""
    if batch.count is None or start.range is None or term.range is None:
        raise CannotBatch("a product without a bound")
    both = _with_first(batch, start, term, span)
    both.label = Label.PRIVATE
    most = max(start.range.magnitude, 1) * max(term.range.magnitude, 1) ** batch.count
    signed = min(start.range.low, term.range.low) < 0
    tree = ProductTree(span, batch.via)
    product = tree.build(both, Range(-most if signed else 0, most))
    product.hint = result.hint
    batch.ops += tree.ops
    return product


def _with_first(batch: Batch, start: Value, term: Value, span: Span) -> Value:
    """`[start, *terms]`."""
    first = batch.new("expand", (start,), start, 1, span, axis=-1)
    first.lens = (1,)
    both = batch.new("concat", (first, term), term, 1, span, axis=-1)
    both.range = None if start.range is None or term.range is None else start.range.join(term.range)
    both.lens = (None if batch.count is None else batch.count + 1,)
    return both


def _extreme(batch: Batch, step: _Step, start: Value, term: Value, result: Value, span: Span) -> Value:
    """The first value joins the terms: a reduction of none at all would fail."""
    both = _with_first(batch, start, term, span)
    both.label = result.label
    return batch.new(_REDUCTIONS[step.op], (both,), result, 0, span, axis=-1)


def _masked(batch: Batch, step: _Step, term: Value, rank: int) -> Value:
    """The term where the condition holds, else 0."""
    assert step.condition is not None and isinstance(term.type, Tensor)
    if term.type.rank != 1 or rank != 0:
        raise CannotBatch("a choice between rows")
    zero = batch.new("const", (), term, 0, step.spine[0].span, value=0)
    zero.label, zero.range = Label.PUBLIC, Range(0, 0)
    out = batch.new("select", (batch.spread(step.condition), term, zero), term, 1, step.spine[0].span)
    out.label, out.lens = step.condition.label.with_(term.label), term.lens
    if term.range is not None:
        out.range = term.range.join(Range(0, 0))
    return out


def _total_range(batch: Batch, step: _Step, term: Value, total: Value) -> Range | None:
    if step.op != "add" or term.range is None:
        return term.range
    if batch.count is None:
        if total.label is Label.PRIVATE:
            raise CannotBatch("a sum of unknown length")
        return None
    return Range(min(0, term.range.low * batch.count), max(0, term.range.high * batch.count))
