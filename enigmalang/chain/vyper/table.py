"""Which emitter writes which operation."""

from collections.abc import Callable

from enigmalang.chain.vyper import arrays, control, effects, state
from enigmalang.chain.vyper.body import Body, Emit
from enigmalang.chain.vyper.foreign import external_call
from enigmalang.chain.vyper.scalars import SCALARS, Scalar
from enigmalang.ir.ir import Opaque, Operation


def _elementwise(function: Scalar) -> Emit:
    def emit(body: Body, op: Operation) -> None:
        args = [body.use(v) for v in op.operands]
        if arrays.rank_of(op.result):
            arrays.mapped(body, op, args, function)
        else:
            body.define(op, function(body, op, args))
    return emit


def _convert(body: Body, op: Operation) -> None:
    call = body.held.get(op.operands[0])
    if isinstance(call, str):
        return effects.from_any(body, op, call)
    if isinstance(op.operands[0].type, Opaque) or isinstance(op.result.type, Opaque):
        return body.define(op, body.use(op.operands[0]))
    _elementwise(SCALARS["convert"])(body, op)


def _either(then: Callable[[Body, Operation], bool], otherwise: Emit) -> Emit:
    def emit(body: Body, op: Operation) -> None:
        if not then(body, op):
            otherwise(body, op)
    return emit


def _passed(body: Body, op: Operation) -> None:
    body.define(op, *body.use_parts(op.operands[0]))


EMITTERS: dict[str, Emit] = {
    **{name: _elementwise(function) for name, function in SCALARS.items()},
    "convert": _convert,
    "const": arrays.const, "stack": arrays.stack, "empty": arrays.empty, "fill": arrays.repeated,
    "expand": arrays.expand, "concat": arrays.concat, "len": arrays.size_of, "index": arrays.index,
    "slice": arrays.cut, "gather": arrays.gather, "range": arrays.ranged, "reverse": arrays.reverse,
    "contains": arrays.contains, "dot": arrays.dot,
    **dict.fromkeys(("reduce_sum", "reduce_any", "reduce_all", "reduce_min", "reduce_max"), arrays.reduced),
    "append": _either(state.in_place, arrays.append),
    "set_index": _either(state.in_place, arrays.set_index),
    "pop": _either(state.in_place, arrays.pop),
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
    "if": control.branch, "for": control.for_loop, "while": control.while_loop, "map": control.comprehension,
    "scope": control.scope, "call": control.call,
}
