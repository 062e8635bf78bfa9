"""The interpreter: control flow over structured IR. Computing is the domains' and kernels', effects are handlers'."""

import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from enigmalang.diagnostics import OutsideError
from enigmalang.execute.domain import ClearDomain, Domain, peek
from enigmalang.execute.expecting import acting, expect_leak, expect_revert
from enigmalang.execute.failures import notes_of, revert
from enigmalang.execute.iterations import Iterations
from enigmalang.execute.joins import check_joined, wider_joins
from enigmalang.execute.kernels import ELEMENTWISE, elementwise
from enigmalang.execute.limits import MOST_STEPS, check_elements
from enigmalang.execute.liveness import last_uses
from enigmalang.execute.numbers import scalar
from enigmalang.execute.opaque import compare_opaque, convert_opaque, index_opaque
from enigmalang.execute.orders import KERNELS as ORDER_KERNELS
from enigmalang.execute.orders import ordered
from enigmalang.execute.repeats import LEAST, Whole
from enigmalang.execute.secret import Pending, Secret
from enigmalang.execute.shapes import SHAPED, shaped
from enigmalang.execute.splits import pure_condition, split_of
from enigmalang.execute.stacking import stacked
from enigmalang.execute.world import World
from enigmalang.ir.ir import Function, Opaque, Operation, Region, Tensor, Value
from enigmalang.ir.ops import EXACT, OPS
from enigmalang.plan.calls import LedgerError
from enigmalang.types.types import Label

MAX_DEPTH = 256
#: Python frames for MAX_DEPTH levels of the program, each some regions deep.
RECURSION = 50_000
Signal = tuple[str, list[Any]]
Handler = Callable[["Machine", Operation, tuple[Any, ...]], Sequence[Any]]
Control = Callable[["Machine", Operation], Signal | None]
#: An operation, its name, what runs it if it has regions, whether it is a terminator, its operands, its result if it
#: has one only, and the values that nothing uses after it: worked out once for each region.
Step = tuple[Operation, str, Control | None, bool, tuple[Value, ...], Value | None, tuple[Value, ...]]


@dataclass(slots=True)
class Context:
    """One call: where and for whom. mode: "client", "ledger", "secret", or "whole" (a function that is not split)."""

    mode: str
    contract: str | None = None
    address: str = ""
    sender: str = ""
    value: int = 0
    attested: list[Any] | None = None  # ledger programs; None: only what comes before the first one may run
    said: list[Any] = field(default_factory=list)  # ledger programs: what the nodes attest, in order
    writes: dict[tuple[str, str, tuple[Any, ...]], Secret] = field(default_factory=dict)  # private state, uncommitted
    revealed: list[Any] = field(default_factory=list)
    deliveries: list[tuple[Secret, Tensor, str]] = field(default_factory=list)  # reveal_to: value, type, address


class Machine:
    """Runs functions in one context against one domain."""

    def __init__(self, world: World, domain: Domain, context: Context, handlers: dict[str, Handler]) -> None:
        self.world = world
        self.domain = domain
        self.context = context
        self.handlers = handlers
        self.env: dict[Value, Any] = {}
        self.depth = 0
        self.steps = 0  # of loops
        sys.setrecursionlimit(max(RECURSION, sys.getrecursionlimit()))

    # ---- functions

    def run(self, function: Function, args: Sequence[Any], shown: Collection[int] = ()) -> list[Any]:
        """The leaves that `function` yields for the leaves `args`; of those in `shown` the exact numbers that were
        opened, also where their types do not hold them."""
        outer, self.env = self.env, {}
        params = [v for p in function.params for v in p.values]
        self.env.update(zip(params, args, strict=True))
        try:
            _, values = self.region(function.body)
            return [self.forced(v, number not in shown) for number, v in enumerate(values)]
        finally:
            self.env = outer

    def forced(self, value: Any, typed: bool = True) -> Any:
        """The value behind a pending opening. Reverts for one that its check refuses, where it goes on as its type."""
        if type(value) is Pending:
            if not value.ready:
                self.domain.flush()
            if typed and value.check is not None:
                value.check(value.value)
            return value.value
        return value

    # ---- regions

    def region(self, region: Region) -> Signal:
        """Run to the terminator: its name and (unforced) operands."""
        env, handlers, apply = self.env, self.handlers, self.domain.apply
        bounded = self.context.mode != "client"
        steps: list[Step] | None = self.world.steps.get(region)
        if steps is None:
            steps = self.world.steps[region] = [_step(op, gone) for op, gone in zip(
                region.ops, last_uses(region), strict=True)]
        try:
            for op, name, control, terminator, operands, result, dead in steps:
                if control is not None:
                    signal = control(self, op)
                    if signal is not None:
                        return signal
                elif terminator:
                    return op.op, [env[v] for v in operands]
                else:
                    args = tuple([env[v] for v in operands])
                    secret = False
                    for arg in args:
                        if isinstance(arg, Secret):
                            secret = True
                        elif type(arg) is Pending:
                            args = tuple([self.forced(a, name not in EXACT) for a in args])
                    if bounded:
                        check_elements(op, args)
                    handler = handlers.get(name)
                    if handler is not None:
                        try:
                            results = handler(self, op, args)
                        except LedgerError as error:  # what the ledger refuses reverts where it was asked for
                            raise revert(op, "E0501", f"reverted: {error.text}") from None
                    elif secret:
                        results = apply(op, args)
                    else:
                        results = self.perform(op, args)
                    if result is not None:
                        (env[result],) = results
                    else:
                        for value, found in zip(op.results, results, strict=True):
                            env[value] = found
                for value in dead:
                    env.pop(value, None)
        except OutsideError as error:
            error.asked_at(op.span, notes_of(op.via))
            raise
        return "yield", []

    def perform(self, op: Operation, args: tuple[Any, ...]) -> Sequence[Any]:
        """The results of an operation on public values, without regions and without a handler."""
        name = op.op
        if any(isinstance(v.type, Opaque) for v in (*op.operands, *op.results)):
            return (self.opaque(op, args),)
        if name in ELEMENTWISE:
            return (elementwise(op, False, args),)
        if name in SHAPED:
            made = shaped(op, False, args)
            return made if isinstance(made, tuple) and name == "pop" else (made,)
        if name in ORDER_KERNELS:
            return ordered(op, False, args)
        raise revert(op, "E0516", f"`{name}` cannot run here")

    def opaque(self, op: Operation, args: tuple[Any, ...]) -> Any:
        """Identities, references and values of any type."""
        match op.op:
            case "convert":
                return convert_opaque(self.world, op, args[0])
            case "eq" | "ne":
                return compare_opaque(args[0], args[1]) == (op.op == "eq")
            case "select":
                return args[1] if args[0] else args[2]
            case "const":
                return op.attrs["value"]
            case _:
                return index_opaque(op, args)

    def bind(self, op: Operation, values: Sequence[Any]) -> None:
        self.env.update(zip(op.results, values, strict=False))

    def branch(self, op: Operation) -> Signal | None:
        """`if`. A private condition (not yet lowered away) is for the clear domain only."""
        condition = self.forced(self.env[op.operands[0]])
        hidden = isinstance(condition, Secret)
        signal = self.region(op.regions[0 if _truth(self.domain, condition) else 1])
        if signal[0] != "yield":
            return signal
        values = signal[1]
        if hidden:
            values = [self.hidden(v, value) for v, value in zip(op.results, values, strict=True)]
        else:
            for number in wider_joins(op):
                check_joined(op, number, values[number])
        self.bind(op, values)
        return None

    def hidden(self, value: Value, result: Any) -> Any:
        if isinstance(result, Secret) or not isinstance(value.type, Tensor):
            return result
        return self.domain.share(self.forced(result), value.type, client=False)

    # ---- loops

    def items(self, tensors: Sequence[Any], params: Sequence[Value], number: int) -> None:
        """Row `number` of each iterated tensor."""
        for tensor, param in zip(tensors, params, strict=True):
            if isinstance(tensor, Secret):
                assert isinstance(param.type, Tensor)
                self.env[param] = self.domain.row(tensor, number, param.type)
            else:
                self.env[param] = scalar(tensor[number])

    def iterated(self, op: Operation) -> tuple[list[Any], int]:
        tensors = [self.forced(self.env[v]) for v in op.operands[: op.attrs["iterated"]]]
        steps = min((_length(t) for t in tensors), default=0)
        self._spend(op, steps)
        # rows of public numbers at once as Python's
        return [t.tolist() if isinstance(t, np.ndarray) and t.ndim == 1 else t for t in tensors], steps

    def for_loop(self, op: Operation) -> Signal | None:
        (region,) = op.regions
        found = Whole(self, op).again()
        if found is not None:
            self.bind(op, found)
            return None
        tensors, steps = self.iterated(op)
        count = len(tensors)
        carried = [self.env[v] for v in op.operands[count:]]
        for number in range(steps):
            if number == 1 and steps > LEAST:
                rest = self.rest_of_for(op, tensors, carried, steps)
                if rest is not None:
                    carried = rest
                    break
            self.items(tensors, region.params[:count], number)
            self.env.update(zip(region.params[count:], carried, strict=True))
            name, values = self.region(region)
            if name == "leave":
                return name, values
            carried = values
            if name == "break":
                break
        self.bind(op, carried)
        return None

    def rest_of_for(self, op: Operation, tensors: Sequence[Any], carried: list[Any], steps: int) -> list[Any] | None:
        """What is carried out of a loop after its first iteration, if the others trace alike."""
        (region,) = op.regions
        split = split_of(self, op, region, len(tensors))
        if split is None:
            return None
        rest = Iterations(self, split, carried, region.params[: len(tensors)], tensors, 1)
        if not rest.able():
            return None
        rest.all(steps)
        return rest.done()

    def while_loop(self, op: Operation) -> Signal | None:
        condition, body = op.regions
        found = Whole(self, op).again()
        if found is not None:
            self.bind(op, found)
            return None
        carried = [self.env[v] for v in op.operands]
        limit, number, hidden = op.attrs["max"], 0, False
        while limit is None or number < limit:
            if number == LEAST:
                rest = self.rest_of_while(op, carried, limit)
                if rest is not None:
                    carried = rest
                    break
            self.env.update(zip(condition.params, carried, strict=True))
            _, (going,) = self.region(condition)
            going = self.forced(going)
            hidden = hidden or isinstance(going, Secret)
            if not _truth(self.domain, going):
                break
            self.env.update(zip(body.params, carried, strict=True))
            name, values = self.region(body)
            if name == "leave":
                return name, values
            carried = values
            if name == "break":
                break
            number += 1
            self._spend(op, 1)
        if hidden:
            carried = [self.hidden(v, c) for v, c in zip(op.results, carried, strict=True)]
        self.bind(op, carried)
        return None

    def _spend(self, op: Operation, steps: int) -> None:
        """Contracts end: whoever calls one could otherwise have all nodes count for ever."""
        if self.context.mode == "client":
            return
        self.steps += steps
        if self.steps > MOST_STEPS:
            raise revert(op, "E0515", f"a call whose loops take more than {MOST_STEPS:,} steps together")

    def rest_of_while(self, op: Operation, carried: list[Any], limit: int | None) -> list[Any] | None:
        """What is carried out of a loop after some iterations, if the others trace alike."""
        condition, body = op.regions
        split = split_of(self, op, body, 0)
        if split is None or not pure_condition(condition):
            return None
        rest = Iterations(self, split, carried)
        if not rest.able():
            return None
        number = LEAST
        while (limit is None or number < limit) and rest.condition(condition):
            rest.step()
            number += 1
            self._spend(op, 1)
        return rest.done()

    def comprehension(self, op: Operation) -> Signal | None:
        (region,) = op.regions
        tensors, steps = self.iterated(op)
        filtered = bool(op.attrs["filtered"])
        columns: list[list[Any]] = [[] for _ in op.results]
        for number in range(steps):
            self.items(tensors, region.params, number)
            _, values = self.region(region)
            if filtered:
                keep, *values = values
                if not _truth(self.domain, self.forced(keep)):
                    continue
            for column, value in zip(columns, values, strict=True):
                column.append(value)
        self.bind(op, [self.listed(v, c) for v, c in zip(op.results, columns, strict=True)])
        return None

    def listed(self, value: Value, column: list[Any]) -> Any:
        """The yielded values as one tensor with a new first axis."""
        if not isinstance(value.type, Tensor):
            return [self.forced(v) for v in column]
        return stacked(self.domain, value.type, [self.forced(v) for v in column], value.label is Label.PRIVATE)

    # ---- blocks

    def scope(self, op: Operation) -> Signal | None:
        name, values = self.region(op.regions[0])
        if name in ("break", "continue"):
            return name, values
        self.bind(op, values)
        return None

    def block(self, op: Operation) -> Signal | None:
        """A region that runs once: handlers around it decide what else happens."""
        name, values = self.region(op.regions[0])
        if name != "yield":
            return name, values
        self.bind(op, values)
        return None

    def check_depth(self, op: Operation) -> None:
        if self.depth > MAX_DEPTH:
            raise revert(op, "E0507", f"the calls are nested more than {MAX_DEPTH} deep")

    def call(self, op: Operation) -> Signal | None:
        self.depth += 1
        args = [self.env[v] for v in op.operands]
        try:
            self.check_depth(op)
            values = self.run(self.world.plan.bodies[op.attrs["function"]], args)
        finally:
            self.depth -= 1
        self.bind(op, values)
        return None


def _step(op: Operation, dead: tuple[Value, ...]) -> Step:
    single = op.results[0] if len(op.results) == 1 else None
    return op, op.op, _CONTROL.get(op.op), OPS[op.op].terminator, op.operands, single, dead


def _truth(domain: Domain, condition: Any) -> bool:
    if isinstance(condition, Secret):
        if not isinstance(domain, ClearDomain):
            raise TypeError("a private condition was not lowered")
        return bool(peek(condition))
    return bool(condition)


def _length(tensor: Any) -> int:
    return int(tensor.shape[0]) if isinstance(tensor, Secret) else len(tensor)


_CONTROL: dict[str, Control] = {
    "if": Machine.branch,
    "for": Machine.for_loop,
    "while": Machine.while_loop,
    "map": Machine.comprehension,
    "scope": Machine.scope,
    "call": Machine.call,
    "acting": acting,
    "expect_revert": expect_revert,
    "expect_leak": expect_leak,
}
