"""Which emitter writes which operation."""

from collections.abc import Callable

from enigmalang.chain.vyper import access, building, effects, iteration, loops, reductions, state, updates
from enigmalang.chain.vyper.arithmetic import ARITHMETIC
from enigmalang.chain.vyper.body import Body, Emit
from enigmalang.chain.vyper.branches import branch
from enigmalang.chain.vyper.casts import CASTS
from enigmalang.chain.vyper.comparisons import COMPARISONS
from enigmalang.chain.vyper.elementwise import elementwise
from enigmalang.chain.vyper.foreign import external_call
from enigmalang.chain.vyper.problems import Unsupported
from enigmalang.chain.vyper.scalars import Scalar
from enigmalang.chain.vyper.truths import TRUTHS
from enigmalang.ir.ir import Opaque, Operation


def _convert(body: Body, op: Operation) -> None:
    call = body.held.get(op.operands[0])
    if isinstance(call, str):
        return effects.from_any(body, op, call)
    if isinstance(op.operands[0].type, Opaque) or isinstance(op.result.type, Opaque):
        return body.define(op, body.use(op.operands[0]))
    elementwise(CASTS["convert"])(body, op)


def _either(then: Callable[[Body, Operation], bool], otherwise: Emit) -> Emit:
    def emit(body: Body, op: Operation) -> None:
        if not then(body, op):
            otherwise(body, op)
    return emit


def _passed(body: Body, op: Operation) -> None:
    body.define(op, *body.use_parts(op.operands[0]))


def _call(body: Body, op: Operation) -> bool:
    raise Unsupported("E0801", f"{op.attrs['function']} calls itself: the chain has no recursion",
                      op.via[0] if op.via else op.span, "write it as a loop, or as `while … max N`")


_SCALARS: dict[str, Scalar] = {**ARITHMETIC, **COMPARISONS, **TRUTHS, **CASTS}
EMITTERS: dict[str, Emit] = {
    **{name: elementwise(function) for name, function in _SCALARS.items()},
    "convert": _convert,
    "const": building.const, "stack": building.stack, "empty": building.empty, "fill": building.repeated,
    "expand": building.expand, "concat": updates.concat, "len": access.size_of, "index": access.index,
    "slice": access.cut, "gather": access.gather, "range": iteration.ranged, "reverse": access.reverse,
    "contains": access.contains, "dot": reductions.dot,
    **dict.fromkeys(("reduce_sum", "reduce_any", "reduce_all", "reduce_min", "reduce_max"), reductions.reduced),
    "append": _either(state.in_place, updates.append),
    "set_index": _either(state.in_place, updates.set_index),
    "pop": _either(state.in_place, updates.pop),
    "state_load": state.state_load, "state_store": state.state_store, "map_get": state.map_get,
    "map_set": state.map_set, "map_has": state.map_has,
    "context": effects.context, "require": effects.require, "raise": effects.raised, "emit": effects.emit,
    "send": effects.send, "external_call": external_call, "db_set": effects.db_set,
    "db_get": effects.db_get, "db_get_at": effects.db_get_at, "db_has": effects.db_has,
    "db_history": effects.db_history, "attested": effects.attested,
    "witness": effects.witness, "reveal": _passed, "reveal_to": effects.nothing,
    "share": _passed,
}

CONTROL: dict[str, Callable[[Body, Operation], bool]] = {
    "if": branch, "for": loops.for_loop, "while": loops.while_loop, "map": loops.comprehension,
    "scope": loops.scope, "call": _call,
}
