"""The verifier: what every stage may rely on. A violation is a bug of the compiler and raises `VerifyError`."""

from collections.abc import Callable
from typing import Any

from enigmalang.ir.arity import misfit
from enigmalang.ir.ir import Function, IRType, Opaque, Operation, Program, Region, Tensor, Value
from enigmalang.ir.leaves import types_of
from enigmalang.ir.ops import OPS, Effect
from enigmalang.ir.typing import ORDERS, columns, compatible, infer
from enigmalang.source import Span
from enigmalang.types.types import ArrayT, BoolT, BytesNT, BytesT, EnumT, FixedT, IntT, ListT, StringT


class VerifyError(Exception):
    """The IR is malformed: names the function, the operation and the place in the source."""

    def __init__(self, function: str, op: str, span: Span, problem: str) -> None:
        super().__init__(f"{span}: in {function}, `{op}`: {problem}")
        self.function, self.op, self.span, self.problem = function, op, span, problem


class _Verifier:
    def __init__(self, program: Program, function: Function) -> None:
        self.program = program
        self.function = function
        self.defined: set[Value] = set()
        self.ever: set[Value] = set()
        self.parents: list[Operation] = []

    def fail(self, op: Operation, problem: str) -> VerifyError:
        return VerifyError(self.function.name, op.op, op.span, problem)

    def define(self, value: Value, op: Operation | None) -> None:
        if value in self.ever:
            raise VerifyError(self.function.name, op.op if op else "param", value.span, "a value is defined twice")
        if isinstance(value.type, Tensor) and len(value.lens) not in (0, value.type.rank):
            raise VerifyError(self.function.name, op.op if op else "param", value.span,
                              f"lens {value.lens} do not fit rank {value.type.rank}")
        self.defined.add(value)
        self.ever.add(value)

    def run(self) -> None:
        function = self.function
        for param in function.params:
            wanted = types_of(param.type)
            if [v.type for v in param.values] != list(wanted):
                problem = f"leaves of `{param.name}` do not fit {param.type}"
                raise VerifyError(function.name, "param", param.span, problem)
            for value in param.values:
                self.define(value, None)
        self.region(function.body, None)
        last = function.body.ops[-1]
        self.types(last, [v.type for v in last.operands], types_of(function.result), "the result")

    def region(self, region: Region, op: Operation | None) -> None:
        for value in region.params:
            self.define(value, op)
        inner = list(region.params)
        if not region.ops or not OPS[region.ops[-1].op].terminator:
            span = region.ops[-1].span if region.ops else (op.span if op else self.function.span)
            raise VerifyError(self.function.name, op.op if op else "function", span, "a region has no terminator")
        for number, operation in enumerate(region.ops):
            if OPS.get(operation.op) is not None and OPS[operation.op].terminator and number + 1 != len(region.ops):
                raise self.fail(operation, "a terminator before the end of its region")
            self.operation(operation)
            inner.extend(operation.results)
        self.defined.difference_update(inner)

    def operation(self, op: Operation) -> None:
        row = OPS.get(op.op)
        if row is None:
            raise self.fail(op, "unknown operation")
        for value in op.operands:
            if value not in self.defined:
                raise self.fail(op, f"operand {value.hint or value.type} (defined at {value.span}) is used before or "
                                    "outside its definition")
        if problem := misfit(op):
            raise self.fail(op, problem)
        self.parents.append(op)
        for region in op.regions:
            self.region(region, op)
        self.parents.pop()
        if row.terminator:
            self.terminator(op)
        self.rules(op)
        for value in op.results:
            self.define(value, op)

    def types(self, op: Operation, found: list[IRType], wanted: "tuple[IRType, ...] | list[IRType]", what: str) -> None:
        if len(found) != len(wanted) or not all(compatible(f, w) for f, w in zip(found, wanted, strict=True)):
            raise self.fail(op, f"{what}: has ({', '.join(map(str, found))}), wants ({', '.join(map(str, wanted))})")

    # ---- terminators

    def terminator(self, op: Operation) -> None:
        found = [v.type for v in op.operands]
        match op.op:
            case "yield":
                if self.parents:
                    self.yielded(op, found)
            case "break" | "continue":
                loop = self.target(op, ("for", "while"), ("map", "scope"))
                self.types(op, found, [v.type for v in loop.results], "carried values")
            case _:
                scope = self.target(op, ("scope",), ("map",))
                self.types(op, found, [v.type for v in scope.results], "the scope's results")

    def target(self, op: Operation, wanted: tuple[str, ...], barriers: tuple[str, ...]) -> Operation:
        for parent in reversed(self.parents):
            if parent.op in wanted:
                return parent
            if parent.op in barriers:
                break
        raise self.fail(op, f"stands in no {' or '.join(wanted)}")

    def yielded(self, op: Operation, found: list[IRType]) -> None:
        parent = self.parents[-1]
        results = [v.type for v in parent.results]
        match parent.op:
            case "while" if self.in_condition(parent, op):
                self.types(op, found, [Tensor(BoolT())], "the condition")
            case "map":
                kept = found[1:] if parent.attrs["filtered"] else found
                if parent.attrs["filtered"] and not (found and found[0] == Tensor(BoolT())):
                    raise self.fail(op, "a filtered map must yield a bool first")
                self.types(op, [_grown(t) for t in kept], results, "an element")
            case "expect_revert" | "expect_leak":
                self.types(op, found, results, "yielded values")
            case _:
                self.types(op, found, results, "yielded values")

    def in_condition(self, parent: Operation, op: Operation) -> bool:
        ops = parent.regions[0].ops
        return bool(ops) and ops[-1] is op

    # ---- operations

    def rules(self, op: Operation) -> None:
        operands = [v.type for v in op.operands]
        results = [v.type for v in op.results]
        row = OPS[op.op]
        if row.effect is Effect.CONTROL:
            self.control(op)
        elif row.elementwise:
            self.elementwise(op, operands, results)
        elif (wanted := infer(op.op, operands, op.attrs)) is not None:
            self.result_types(op, results, wanted)
        self.axes(op, operands)
        if check := _RULES.get(op.op):
            check(self, op)

    def result_types(self, op: Operation, results: list[IRType], wanted: tuple[IRType, ...]) -> None:
        if [_rank(t) for t in results] != [_rank(t) for t in wanted]:
            raise self.fail(op, f"gives ({', '.join(map(str, results))}), wants ({', '.join(map(str, wanted))})")
        if op.op not in ("reduce_sum", "dot", "matmul", "range", "index"):
            self.types(op, results, wanted, "results")

    def elementwise(self, op: Operation, operands: list[IRType], results: list[IRType]) -> None:
        if len(results) != 1:
            raise self.fail(op, "must have one result")
        if op.op in ("eq", "ne", "convert", "select") and any(isinstance(t, Opaque) for t in (*operands, *results)):
            return
        if any(isinstance(t, Opaque) for t in operands):
            raise self.fail(op, "works on scalars and tensors, not on opaque values")
        greatest = max(_rank(t) for t in operands)
        if _rank(results[0]) != greatest:
            raise self.fail(op, f"rank of the result is {_rank(results[0])}, not {greatest}")
        elements = [t.element for t in operands if isinstance(t, Tensor)]
        if op.op in ("and", "or", "xor", "not") and not all(isinstance(e, BoolT) for e in elements):
            raise self.fail(op, "works on bools")
        if op.op == "select":
            if not isinstance(elements[0], BoolT):
                raise self.fail(op, "chooses by a bool")
            elements = elements[1:]
        if op.op not in ("convert", "wrap", "clamp", "shl", "shr", "pow") and not _one_kind(elements):
            raise self.fail(op, f"operands of different kinds: {', '.join(map(str, elements))}")

    def axes(self, op: Operation, operands: list[IRType]) -> None:
        axis = op.attrs.get("axis")
        if not isinstance(axis, int) or not operands or not isinstance(operands[0], Tensor):
            return
        rank = operands[0].rank + (op.op in ("stack", "expand"))
        if op.op == "fill":
            return
        if not -rank <= axis <= -1:
            raise self.fail(op, f"axis {axis} does not exist at rank {rank}")

    def control(self, op: Operation) -> None:
        operands = [v.type for v in op.operands]
        results = [v.type for v in op.results]
        match op.op:
            case "if":
                if operands[0] != Tensor(BoolT()):
                    raise self.fail(op, f"the condition is {operands[0]}, not a bool")
                if len(operands) != 1 or op.regions[0].params or op.regions[1].params:
                    raise self.fail(op, "takes the condition alone")
            case "for":
                count = op.attrs["iterated"]
                items = [self.item(op, t) for t in operands[:count]]
                self.types(op, operands[count:], results, "first values")
                self.types(op, [v.type for v in op.regions[0].params], items + results, "region parameters")
            case "map":
                items = [self.item(op, t) for t in operands]
                if op.attrs["iterated"] != len(operands):
                    raise self.fail(op, "iterates all of its operands")
                self.types(op, [v.type for v in op.regions[0].params], items, "region parameters")
            case "while":
                for region in op.regions:
                    self.types(op, [v.type for v in region.params], operands, "region parameters")
                self.types(op, operands, results, "first values")
            case "call":
                self.call(op, operands, results)

    def item(self, op: Operation, type: IRType) -> IRType:
        if isinstance(type, Opaque) and isinstance(type.type, ListT | ArrayT):
            return types_of(type.type.element)[0]
        if not isinstance(type, Tensor) or type.rank < 1:
            raise self.fail(op, f"cannot iterate {type}")
        return Tensor(type.element, type.rank - 1)

    def call(self, op: Operation, operands: list[IRType], results: list[IRType]) -> None:
        callee = self.program.functions.get(op.attrs["function"])
        if callee is None:
            raise self.fail(op, f"calls `{op.attrs['function']}`, which does not exist")
        wanted = [v.type for p in callee.params for v in p.values]
        self.types(op, operands, wanted, "arguments")
        self.types(op, results, types_of(callee.result), "results")

    # ---- single rules

    def external(self, op: Operation) -> None:
        """A call through an interface is what the program's declaration of that function says."""
        interface = self.program.interfaces.get(op.attrs["interface"])
        declared = interface.functions.get(op.attrs["function"]) if interface is not None else None
        if declared is None:
            raise self.fail(op, f"no interface `{op.attrs['interface']}` declares `{op.attrs['function']}`")
        if op.attrs["value"] and not declared.payable:
            raise self.fail(op, f"`{op.attrs['function']}` takes no money")
        given = op.operands[2 if op.attrs["value"] else 1 :]
        self.types(op, [v.type for v in given], [t for _, p in declared.params for t in types_of(p)], "arguments")
        self.types(op, [v.type for v in op.results], types_of(declared.result), "results")

    def const(self, op: Operation) -> None:
        type = op.result.type
        if isinstance(type, Opaque) or not _well_formed(op.attrs["value"], type.element, type.rank):
            raise self.fail(op, f"{op.attrs['value']!r} is no {type}")

    def state(self, op: Operation) -> None:
        slots = [s for c in self.program.contracts.values() for s in c.slots.values() if s.name == op.attrs["slot"]]
        if not slots:
            raise self.fail(op, f"there is no slot `{op.attrs['slot']}`")
        keyed = op.op.startswith("map_")
        if op.op != "map_has" and not any(bool(s.keys) == keyed for s in slots):
            raise self.fail(op, f"`{op.attrs['slot']}` is{'' if keyed else ' not'} without keys")

    def concat(self, op: Operation) -> None:
        a, b = op.operands[0].type, op.operands[1].type
        if _rank(a) != _rank(b):
            raise self.fail(op, "operands of different rank")

    def order(self, op: Operation) -> None:
        """Columns of one length each, keys among them; ranks and places are numbers, flags are truths."""
        found = columns(op.op, op.operands, op.attrs)
        axes = op.attrs["axes"]
        if not found or not isinstance(axes, tuple) or len(axes) != len(found):
            raise self.fail(op, "wants an axis for each of its columns")
        for value, axis in zip(found, axes, strict=True):
            if not isinstance(value.type, Tensor) or not -value.type.rank <= axis <= -1:
                raise self.fail(op, f"axis {axis} does not exist in {value.type}")
        if op.op == "sort":
            if not 1 <= op.attrs["keys"] <= len(found):
                raise self.fail(op, f"has {op.attrs['keys']} keys among {len(found)} columns")
            self.keys(op)
        elif op.op == "spread" and not _is_element(op.operands[0], BoolT):
            raise self.fail(op, "goes by flags")
        elif op.op == "permute" and not _is_element(op.operands[0], IntT):
            raise self.fail(op, "goes by places")

    def keys(self, op: Operation) -> None:
        for value, axis in list(zip(op.operands, op.attrs["axes"], strict=False))[:op.attrs["keys"]]:
            if not _is_element(value, IntT | FixedT | BoolT | EnumT) or axis != -1:
                raise self.fail(op, f"{value.type} is no column of keys")
        ranks = op.operands[-1]
        if op.attrs["ranked"] and not (_is_element(ranks, IntT) and _rank(ranks.type) == 1):
            raise self.fail(op, "ranks are a list of integers")

    def element(self, op: Operation) -> None:
        whole, part = op.operands[0].type, op.operands[-1].type
        if _rank(part) != _rank(whole) - 1:
            raise self.fail(op, f"an element of {whole} cannot be {part}")


def _is_element(value: Value, kind: Any) -> bool:
    return isinstance(value.type, Tensor) and isinstance(value.type.element, kind)


def _grown(type: IRType) -> IRType:
    return Tensor(type.element, type.rank + 1) if isinstance(type, Tensor) else type


def _rank(type: IRType) -> int:
    return type.rank if isinstance(type, Tensor) else 0


def _one_kind(elements: list[Any]) -> bool:
    def kind(e: Any) -> object:
        match e:
            case FixedT():
                return ("fixed", e.fraction)
            case BytesT() | BytesNT():
                return BytesT
            case _:
                return type(e)
    return len({kind(e) for e in elements}) <= 1


def _well_formed(value: Any, element: Any, rank: int) -> bool:
    if rank:
        return isinstance(value, tuple) and all(_well_formed(v, element, rank - 1) for v in value)
    match element:
        case BoolT():
            return isinstance(value, bool)
        case IntT() | FixedT() | EnumT():
            return isinstance(value, int) and not isinstance(value, bool)
        case BytesT() | BytesNT():
            return isinstance(value, bytes)
        case StringT():
            return isinstance(value, str)
        case _:
            return isinstance(value, str) and value.startswith("0x")


_RULES: dict[str, Callable[[_Verifier, Operation], None]] = {
    "const": _Verifier.const,
    **dict.fromkeys(("state_load", "state_store", "map_get", "map_set", "map_has"), _Verifier.state),
    "concat": _Verifier.concat,
    **dict.fromkeys(ORDERS, _Verifier.order),
    "append": _Verifier.element,
    "set_index": _Verifier.element,
    "external_call": _Verifier.external,
}


def verify_function(program: Program, function: Function) -> None:
    """Raises VerifyError unless `function` is well-formed within `program`."""
    _Verifier(program, function).run()


def verify(program: Program) -> None:
    """Raises VerifyError unless every function of `program` is well-formed."""
    for function in program.functions.values():
        verify_function(program, function)
    for contract in program.contracts.values():
        for name in contract.functions:
            if name not in program.functions:
                problem = f"`{contract.name}` lists a function that is missing"
                raise VerifyError(name, "contract", contract.span, problem)
