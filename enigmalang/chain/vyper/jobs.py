"""Jobs: for each function with a private part `request_f` and `fulfil_f`, and one `report_failure`.

The digests are those of `chain/digests.py`: function = keccak256("C.f"); arguments = keccak256(abi_encode(requester,
payment, public parameters…, inputs, mask)); revealed = keccak256 of the attested words, 32 bytes each.
"""

from collections.abc import Sequence
from dataclasses import replace

from enigmalang.chain.vyper.body import Body
from enigmalang.chain.vyper.expr import SUM, Expr, constant, fixed
from enigmalang.chain.vyper.functions import (
    arrow,
    bind_params,
    declared_params,
    gate,
    natspec,
    plain_context,
    public_params,
    returned_types,
    run_body,
    signature,
)
from enigmalang.chain.vyper.lines import Lines
from enigmalang.chain.vyper.names import Names
from enigmalang.chain.vyper.problems import Unsupported
from enigmalang.chain.vyper.types import ADDRESS, UINT256, VDyn, VName, VStatic, VText, VType, abi_type, structs_in
from enigmalang.chain.vyper.unit import Unit
from enigmalang.ir.ir import Function, Operation, Param, Region, Tensor, operations
from enigmalang.ir.leaves import leaves_of
from enigmalang.plan.plan import PlanFunction
from enigmalang.types.types import StructT

#: Bytes of a field word.
WORD = {"M61": 8, "M127": 16}
_WRITES = frozenset({"state_store", "map_set", "emit", "db_set"})
_STOPS = frozenset({"send", "external_call", "attested"})


def private_leaves(function: Function) -> list[tuple[Param, int, tuple[int, ...]]]:
    """Each private leaf of the parameters: its parameter, its number in it, and its greatest shape."""
    found = []
    for param in function.params:
        for number, leaf in enumerate(leaves_of(param.type, param.private)):
            if leaf.private:
                found.append((param, number, tuple(n or 0 for n in leaf.lens)))
    return found


def length_params(function: Function) -> list[tuple[Param, int, int]]:
    """List axes of private parameters, whose lengths are public: parameter, leaf, axis."""
    found = []
    for param in function.params:
        for number, leaf in enumerate(leaves_of(param.type, param.private)):
            if leaf.private:
                found += [(param, number, axis) for axis, exact in enumerate(leaf.exact) if not exact]
    return found


def input_words(function: Function) -> int:
    """The most words that the private inputs have."""
    total = 0
    for _, _, shape in private_leaves(function):
        size = 1
        for n in shape:
            size *= n
        total += size
    return total


def input_bytes(unit_field: str, function: Function) -> int:
    return max(1, WORD[unit_field] * input_words(function))


def abi_size(type: VType, structs: dict[str, StructT]) -> int:
    """The most bytes that a value has in the ABI, its offset included."""
    match type:
        case VText(max=most):
            return 64 + (max(1, most) + 31) // 32 * 32
        case VStatic(element=element, size=size):
            return 32 + size * abi_size(element, structs)
        case VDyn(element=element, max=most):
            return 64 + max(1, most) * abi_size(element, structs)
        case VName(name=name) if name in structs:
            return 32 + sum(abi_size(abi_type(f.type), structs) for f in structs[name].fields)
        case _:
            return 32


def arguments_size(function: PlanFunction) -> int:
    """The most bytes of a request's encoded arguments."""
    params = public_params(function.public)
    structs = {s.name: s for p in params for s in structs_in(p.type)}
    known = sum(abi_size(abi_type(p.type), structs) for p in params)
    lengths = 32 * len(length_params(function.public))
    return known + lengths + 96 + (input_bytes("M127", function.public) + 31) // 32 * 32 + 32


def is_attested(op: Operation) -> bool:
    """Whether a fulfilment takes it from what the nodes signed."""
    return op.op in ("attested", "witness") or bool(op.attrs.get("attested"))


def word_count(function: Function) -> int:
    """The most words that the nodes attest."""
    return _words(function.body, 1)


def _words(region: Region, times: int) -> int:
    total = 0
    for op in region.ops:
        if op.op != "attested" and is_attested(op):
            total += times
        elif op.op == "attested":
            size, lens = 1, op.result.lens
            rank = op.result.rank
            for axis in range(rank):
                size *= lens[axis] or 0
            total += times * (size + rank)
        for inner in op.regions:
            total += _words(inner, times * _rounds(op) if op.op in ("for", "while", "map") else times)
    return total


def _rounds(op: Operation) -> int:
    if op.op == "while":
        if op.attrs["max"] is None and any(is_attested(o) for r in op.regions for o in operations(r)):
            raise Unsupported("E0802", "a `while` without `max` asks the nodes for an unknown number of values",
                              op.span, "write `while … max N:`")
        return op.attrs["max"] or 1
    bounds = [v.lens[0] for v in op.operands[: op.attrs["iterated"]] if v.lens and v.lens[0] is not None]
    return min(bounds) if bounds else 1


class _Job:
    """What the functions of one job share."""

    def __init__(self, unit: Unit, planned: PlanFunction) -> None:
        self.unit, self.planned, self.function = unit, planned, planned.public
        self.short = planned.name.rpartition(".")[2]
        self.digest = f'keccak256("{planned.name}")'
        self.size = input_bytes(unit.plan.field, planned.public)
        self.params = public_params(planned.public)

    def names(self, own: Sequence[str]) -> Names:
        names = Names(self.unit.taken)
        for name in own:
            names.new(name)
        return names

    def declared(self, names: Names) -> tuple[list[str], dict[str, str], list[str]]:
        """Parameters that the request and the fulfilment have in common, and the names of all."""
        params, called = declared_params(names, self.params)
        lengths: list[str] = []
        for param, leaf, _ in length_params(self.function):
            name = names.new(f"{param.name}_length")
            called[f"{param.name}/{leaf}/{len(lengths)}"] = name
            lengths.append(name)
        return params + [f"{n}: uint256" for n in lengths], called, [called[p.name] for p in self.params] + lengths

    def bind(self, body: Body, called: dict[str, str], lengths: Sequence[str]) -> None:
        bind_params(body, self.params, called)
        rest = list(lengths)
        words: list[Expr] = []
        for param in self.function.params:
            for value, leaf in zip(param.values, leaves_of(param.type, param.private), strict=True):
                if not leaf.private:
                    continue
                parts = []
                for size, exact in zip(leaf.lens, leaf.exact, strict=True):
                    if exact:
                        parts.append(constant(size or 0, UINT256))
                        continue
                    name = rest.pop(0)
                    body.say(f'assert {name} <= {size}, "too many elements"')
                    parts.append(fixed(name, UINT256))
                body.define_value(value, *parts)
                words.append(_product(parts))
        if words:
            count = _sum(words)
            unit = WORD[self.unit.plan.field]
            total = str(count.value * unit) if count.literal else f"{unit} * ({count.text})"
            body.say(f'assert len(inputs) == {total}, "inputs"')
        else:
            body.say('assert len(inputs) == 0, "inputs"')


def _product(parts: Sequence[Expr]) -> Expr:
    known = 1
    texts = []
    for part in parts:
        if part.literal:
            known *= part.value
        else:
            texts.append(part.text)
    if not texts:
        return constant(known, UINT256)
    return Expr(" * ".join([*([str(known)] if known != 1 else []), *texts]), UINT256, SUM)


def _sum(parts: Sequence[Expr]) -> Expr:
    known = sum(p.value for p in parts if p.literal)
    texts = [p.text for p in parts if not p.literal]
    if not texts:
        return constant(known, UINT256)
    return Expr(" + ".join([*([str(known)] if known else []), *texts]), UINT256, SUM)


def job_functions(unit: Unit, lines: Lines, jobs: Sequence[PlanFunction], init: PlanFunction | None) -> None:
    for planned in jobs:
        job = _Job(unit, planned)
        first = planned is init
        _request(job, lines, None if first else init, first)
        _fulfil(job, lines, None if first else init, first)
    _failure(lines)
    _default(lines)


def _request(job: _Job, lines: Lines, init: PlanFunction | None, first: bool) -> None:
    names = job.names(("inputs", "mask", "fee", "payment", "job"))
    params, called, given = job.declared(names)
    lines.add("@external")
    lines.add("@payable")
    lines.add("@nonreentrant")
    own = [f"inputs: Bytes[{job.size}]", "mask: uint256", "fee: uint256"]
    lines.add_all(signature(f"request_{job.short}", [*params, *own], " -> uint256"), job.function.span)
    with lines.block():
        natspec(lines, job.function)
        gate(lines, init)
        if first:
            lines.add('assert msg.sender == CREATOR and not self.ready, "init is run once, by the creator"')
        if job.function.payable:
            lines.add("payment: uint256 = msg.value - fee")
        else:
            lines.add("payment: uint256 = 0")
        context = plain_context() | {
            "value": fixed("payment", UINT256),
            "balance": Expr("(self.balance - fee)", UINT256, reads=frozenset({"balance"})),
        }
        checks = checks_of(job.function)
        body = Body(job.unit, checks, lines, names, context)
        body.static = True
        job.bind(body, called, given[len(job.params) :])
        body.run()
        inside = ", ".join(["msg.sender", "payment", *given, "inputs", "mask"])
        lines.add(f"arguments: bytes32 = keccak256(abi_encode({inside}))")
        lines.add(f"job: uint256 = self._open({job.digest}, arguments, payment, fee)")
        inside = ", ".join([*given, "inputs", "mask"])
        lines.add(f"log Requested(job=job, sender=msg.sender, function={job.digest}, arguments=abi_encode({inside}))")
        lines.add("return job")
    lines.add("")
    lines.add("")


def checks_of(function: Function) -> Function:
    """The checks that need only public state: up to the first value the nodes must open, or a public effect that a
    later check could see."""
    kept: list[Operation] = []
    written: set[str] = set()
    for op in function.body.ops[:-1]:
        inside = [op, *(o for r in op.regions for o in operations(r))]
        if any(o.op in _STOPS or (o.op in ("state_load", "map_get", "map_has") and o.attrs["slot"] in written)
               for o in inside):
            break
        if op.op == "witness":
            continue
        if op.op in _WRITES:
            if "slot" in op.attrs:
                written.add(op.attrs["slot"])
            if op.op == "db_set":
                break
            continue
        if op.regions and any(o.op in _WRITES for o in inside):
            break
        kept.append(op)
    needed: set[int] = set()
    sliced: list[Operation] = []
    for op in reversed(kept):
        inside = [op, *(o for r in op.regions for o in operations(r))]
        if any(o.op in ("require", "raise") for o in inside) or any(id(v) in needed for v in op.results):
            needed |= {id(v) for o in inside for v in o.operands}
            sliced.insert(0, op)
    end = function.body.ops[-1]
    body = Region([], [*sliced, Operation("yield", (), (), end.span)])
    return replace(function, body=body)


def _fulfil(job: _Job, lines: Lines, init: PlanFunction | None, first: bool) -> None:
    own = ("job", "requester", "payment", "inputs", "mask", "version", "words", "root", "work", "signatures",
           "arguments", "revealed", "cursor")
    names = job.names(own)
    params, called, given = job.declared(names)
    most = max(1, word_count(job.function))
    types = returned_types(job.planned)
    lines.add("@external")
    lines.add("@nonreentrant")
    before = ["job: uint256", "requester: address", "payment: uint256"]
    after = [f"inputs: Bytes[{job.size}]", "mask: uint256", "version: uint256", f"words: DynArray[int256, {most}]",
             "root: bytes32", "work: Work", "signatures: DynArray[Signature, 31]"]
    result = arrow(types, job.function.span)
    lines.add_all(signature(f"fulfil_{job.short}", [*before, *params, *after], result), job.function.span)
    with lines.block():
        natspec(lines, job.function)
        gate(lines, init)
        if first:
            lines.add('assert not self.ready, "init is run once"')
        inside = ", ".join(["requester", "payment", *given, "inputs", "mask"])
        lines.add(f"arguments: bytes32 = keccak256(abi_encode({inside}))")
        lines.add("revealed: bytes32 = keccak256(slice(abi_encode(words), 64, 32 * len(words)))")
        lines.add(f"self._settle(job, {job.digest}, arguments, version, revealed, root, work, signatures)")
        if job.function.kind == "view":
            lines.add('assert root == self.private_root, "a view changes nothing"')
        else:
            lines.add("self.private_root = root")
            lines.add("self.version = version + 1")
        if first:
            lines.add("self.ready = True")
        context = plain_context() | {"sender": fixed("requester", ADDRESS), "value": fixed("payment", UINT256)}
        body = Body(job.unit, job.function, lines, names, context)
        body.attests = True
        if not _static_words(job.function):
            body.cursor = "cursor"
            lines.add("cursor: uint256 = 0")
        else:
            count = sum(is_attested(o) for o in job.function.body.ops)
            lines.add(f'assert len(words) == {count}, "words"')
        job.bind(body, called, given[len(job.params) :])
        run_body(body, types)
    lines.add("")
    lines.add("")


def _static_words(function: Function) -> bool:
    """Whether each attested value has its place among the words known beforehand."""
    straight = [o for o in function.body.ops if is_attested(o)]
    every = [o for o in operations(function.body) if is_attested(o)]
    return len(straight) == len(every) and all(
        isinstance(v.type, Tensor) and not v.type.rank for o in straight for v in o.results)


def _failure(lines: Lines) -> None:
    lines.add_all('''
@internal
@payable
def _open(function: bytes32, arguments: bytes32, payment: uint256, fee: uint256) -> uint256:
    assert msg.value == payment + fee, "this function takes no payment beyond its fee"
    return extcall HUB.open(function, arguments, msg.sender, payment, value=msg.value)


@internal
def _settle(
        job: uint256, function: bytes32, arguments: bytes32, version: uint256, revealed: bytes32, root: bytes32,
        work: Work, signatures: DynArray[Signature, 31]
):
    assert version == self.version, "stale version"
    extcall HUB.settle(job, function, arguments, version, revealed, root, work, signatures)


@external
@nonreentrant
def report_failure(
        job: uint256, function: bytes32, arguments: bytes32, version: uint256, error: String[256],
        work: Work, signatures: DynArray[Signature, 31]
):
    assert version == self.version, "stale version"
    extcall HUB.settle_failure(job, function, arguments, version, error, work, signatures)
''')
    lines.add("")
    lines.add("")


def _default(lines: Lines) -> None:
    lines.add_all('''
@external
@payable
def __default__():
    """
    @notice Payments of jobs come from the hub, and from nobody else.
    """
    assert msg.sender == HUB.address, "only the hub pays in"
''')
    lines.add("")
    lines.add("")
