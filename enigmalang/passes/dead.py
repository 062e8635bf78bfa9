"""Dead code: what neither has an effect nor feeds one goes, also single results and carried values of loops.

`prune` is told what counts as an effect.
"""

from collections.abc import Callable, Sequence

from enigmalang.ir.ir import Function, Operation, Program, Region, Value
from enigmalang.ir.ops import OPS, Effect
from enigmalang.passes.facts import Facts

IsRoot = Callable[[Operation], bool]


def remove_dead(program: Program) -> Program:
    """Drop dead code from every function of `program`, in place."""
    facts = Facts(program)
    for function in program.functions.values():
        prune(function, lambda op: has_effect(op, facts))
    return program


def has_effect(op: Operation, facts: Facts) -> bool:
    """Whether `op` must stay although nothing uses its results: effects, and failures that are not excluded."""
    effect = OPS[op.op].effect
    if effect is Effect.FAILS:
        return facts.may_fail(op)
    none = (Effect.NONE, Effect.READS, Effect.RANDOM, Effect.CONTROL)
    return effect not in none or op.op in ("call", "expect_revert")


def prune(function: Function, is_root: IsRoot) -> None:
    """Keep operations for which `is_root` holds, the function's result, and what these need."""
    live = _Liveness(is_root)
    live.region(function.body, None)
    live.values(function.body.ops[-1].operands)
    live.settle()
    _rebuild(function.body, live)


class _Liveness:
    """Marks: a value is live when something kept uses it. `owner[value]` tells what makes a value live in turn."""

    def __init__(self, is_root: IsRoot) -> None:
        self.is_root = is_root
        self.live: set[Value] = set()
        self.kept: set[Operation] = set()
        self.sources: dict[Value, list[Value]] = {}  # a live key makes these live
        self.maker: dict[Value, Operation] = {}
        self.enclosing: dict[Operation, Operation | None] = {}
        self.work: list[Value] = []

    def values(self, values: Sequence[Value]) -> None:
        for value in values:
            if value not in self.live:
                self.live.add(value)
                self.work.append(value)

    def keep(self, op: Operation) -> None:
        """`op` stays: so does what surrounds it, and what it needs whatever its results are for."""
        current: Operation | None = op
        while current is not None and current not in self.kept:
            self.kept.add(current)
            self.values(_needed(current))
            current = self.enclosing[current]

    def settle(self) -> None:
        while self.work:
            value = self.work.pop()
            maker = self.maker.get(value)
            if maker is not None:
                self.keep(maker)
            self.values(self.sources.get(value, ()))

    def region(self, region: Region, parent: Operation | None) -> None:
        for op in region.ops:
            self.enclosing[op] = parent
            for value in op.results:
                self.maker[value] = op
            for inner in op.regions:
                for param in inner.params:
                    self.maker[param] = op
                self.region(inner, op)
            self.flows(op)
            if self.is_root(op) or op.op in ("break", "continue", "leave"):
                self.keep(op)

    def flow(self, targets: Sequence[Value], sources: Sequence[Value]) -> None:
        for target, source in zip(targets, sources, strict=True):
            self.sources.setdefault(target, []).append(source)

    def flows(self, op: Operation) -> None:
        """What each result (or region parameter) of `op` is made from."""
        ends = [region.ops[-1] for region in op.regions]
        match op.op:
            case "for":
                count = op.attrs["iterated"]
                self.flow(op.regions[0].params[:count], op.operands[:count])
                self.loop(op, op.operands[count:], [op.regions[0].params[count:]], ends[0])
            case "while":
                self.loop(op, op.operands, [region.params for region in op.regions], ends[1])
            case "map":
                self.flow(op.regions[0].params, op.operands)
                self.flow(op.results, ends[0].operands[1:] if op.attrs["filtered"] else ends[0].operands)
            case "if" | "scope" | "acting" | "expect_revert" | "expect_leak":
                for end in ends:
                    if end.op == "yield":
                        self.flow(op.results, end.operands)
            case "break" | "continue":
                self.exits(op, ("for", "while"))
            case "leave":
                self.exits(op, ("scope",))

    def loop(
        self, op: Operation, starts: Sequence[Value], params: Sequence[Sequence[Value]], end: Operation
    ) -> None:
        """Carried values: a result, the parameters in its place, and what is yielded for it live together."""
        for result, start in zip(op.results, starts, strict=True):
            self.sources.setdefault(result, []).append(start)
        for group in params:
            self.flow(group, op.results)
            self.flow(op.results, group)
        if end.op == "yield":
            self.flow(op.results, end.operands)

    def exits(self, op: Operation, kinds: tuple[str, ...]) -> None:
        target = self.enclosing[op]
        while target is not None and target.op not in kinds:
            target = self.enclosing[target]
        assert target is not None, f"{op.op} outside of {kinds}"
        self.flow(target.results, op.operands)


def _needed(op: Operation) -> Sequence[Value]:
    """Operands that a kept `op` needs even when none of its results is used."""
    match op.op:
        case "if" | "acting" | "expect_revert":
            return op.operands[:1]
        case "for":
            return op.operands[: op.attrs["iterated"]]
        case "while":
            return op.regions[0].ops[-1].operands
        case "map":
            return (*op.operands, *(op.regions[0].ops[-1].operands[:1] if op.attrs["filtered"] else ()))
        case "scope" | "expect_leak" | "yield" | "break" | "continue" | "leave":
            return ()
        case _:
            return op.operands


def _rebuild(region: Region, live: _Liveness, carried: Sequence[bool] | None = None) -> None:
    """Drop what is not kept from `region`; `carried` says which operands its terminators keep (None: all)."""
    _ends(region, carried, ("yield",))
    made = []
    for op in region.ops:
        if op in live.kept or OPS[op.op].terminator:
            made.append(op)
            _shrink(op, live)
    region.ops = made


def _ends(region: Region, keep: Sequence[bool] | None, kinds: tuple[str, ...]) -> None:
    end = region.ops[-1]
    if keep is not None and end.op in kinds and len(keep) == len(end.operands):
        end.operands = _chosen(end.operands, keep)


def _chosen(values: Sequence[Value], keep: Sequence[bool]) -> tuple[Value, ...]:
    return tuple(v for v, kept in zip(values, keep, strict=True) if kept)


def _exits(region: Region, keep: Sequence[bool], kinds: tuple[str, ...], stop: tuple[str, ...]) -> None:
    """Shrink the terminators of `kinds` that leave the operation owning `region`, in nested regions too."""
    for op in region.ops:
        if op.op in kinds:
            op.operands = _chosen(op.operands, keep)
        elif op.op not in stop:
            for inner in op.regions:
                _exits(inner, keep, kinds, stop)


def _shrink(op: Operation, live: _Liveness) -> None:
    """Drop unused results of a control operation, with the carried values and yields that go with them."""
    if not op.regions:
        return
    keep = [v in live.live for v in op.results]
    if op.op in ("for", "while"):
        count = op.attrs["iterated"] if op.op == "for" else 0
        op.operands = (*op.operands[:count], *_chosen(op.operands[count:], keep))
        for number, region in enumerate(op.regions):
            region.params = [*region.params[:count], *_chosen(region.params[count:], keep)]
            _exits(region, keep, ("break", "continue"), ("for", "while"))
            _rebuild(region, live, None if op.op == "while" and number == 0 else keep)
    else:
        if op.op == "scope":
            _exits(op.regions[0], keep, ("leave",), ("scope",))
        ends = [True, *keep] if op.op == "map" and op.attrs["filtered"] else keep
        for region in op.regions:
            _rebuild(region, live, ends)
    op.results = _chosen(op.results, keep)
