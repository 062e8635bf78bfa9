"""The source of one contract, section by section: state, events, init, functions, jobs, getters."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from enigmalang.chain.vyper.body import Body
from enigmalang.chain.vyper.convert import from_abi, to_abi
from enigmalang.chain.vyper.expr import Expr, constant, fixed
from enigmalang.chain.vyper.foreign import called, declaration, returned
from enigmalang.chain.vyper.getters import getters, tracked_slots
from enigmalang.chain.vyper.lines import Lines, rendered
from enigmalang.chain.vyper.names import RESERVED, Names, plain
from enigmalang.chain.vyper.problems import Unsupported
from enigmalang.chain.vyper.state import length_names
from enigmalang.chain.vyper.types import (
    ADDRESS,
    UINT256,
    NoVyperType,
    VInt,
    VName,
    VStatic,
    VType,
    abi_type,
    leaf_type,
    scalar_type,
    structs_in,
)
from enigmalang.chain.vyper.unit import Unit
from enigmalang.diagnostics import EnigmaError
from enigmalang.ir.ir import Function, Param, Tensor, operations
from enigmalang.ir.leaves import leaves_of
from enigmalang.plan.codec import hash_plan
from enigmalang.plan.plan import Plan, PlanFunction
from enigmalang.source import Span
from enigmalang.types.types import EnumT, NoneT, TupleT, Type
from enigmalang.types.types import Label as Secrecy

#: Names that every generated contract has for itself.
OWN = frozenset({
    "version", "private_root", "ready", "report_failure", "_open", "_settle", "HUB", "CREATOR", "PLAN_HASH"})
_MODULE = frozenset({"HUB", "CREATOR", "PLAN_HASH", "Hub", "Entry", "Signature", "Work", "Requested", "KIND"})


@dataclass(frozen=True)
class Generated:
    """Vyper source of a contract. `lines`: which line came from where in the `.enig` file. `tracked`: map slots that
    have a getter `has_…`."""

    name: str
    source: str
    lines: dict[int, Span]
    tracked: frozenset[str]

    def line_table(self) -> str:
        """`lines` as JSON: line -> [path, line, column]."""
        return json.dumps({n: [s.path, s.line, s.column] for n, s in sorted(self.lines.items())})


def generate(plan: Plan, contract: str) -> Generated:
    """The Vyper source of a contract of `plan`. Raises EnigmaError (E08xx) for what cannot live on the chain."""
    try:
        return _generate(plan, contract)
    except Unsupported as problem:
        raise EnigmaError(problem.diagnostic) from None


def _generate(plan: Plan, name: str) -> Generated:
    contract = plan.contracts[name]
    functions = tuple(plan.functions[f] for f in contract.functions if f in plan.functions)
    unit = Unit(plan, contract, functions, tracked_slots(plan, contract), _renamed(contract.slots.values()))
    unit.taken = _MODULE | frozenset(contract.events) | {s.name for s in _structs(unit)} | frozenset(called(unit))
    _check_names(unit)
    init = next((f for f in functions if f.public.kind == "init"), None)
    external = [f for f in functions if f.public.kind in ("external", "view")]
    jobs = [f for f in functions if f.secret is not None]
    parts = Lines()
    _constructor(unit, parts, init)
    _plain_functions(unit, parts, [f for f in external if f.secret is None], init)
    _predicates(unit, parts)
    if jobs:
        from enigmalang.chain.vyper.jobs import job_functions

        _title(parts, "Jobs: requested by a caller, fulfilled with what the nodes attest")
        job_functions(unit, parts, jobs, init)
    getters(unit, parts)
    head = Lines()
    _head(unit, head, jobs, init)
    helper_rows = Lines()
    if unit.helpers:
        _title(helper_rows, "Arithmetic with the language's meaning")
        for text in unit.helpers.values():
            helper_rows.add("@internal")
            helper_rows.add_all(text)
            helper_rows.add("")
            helper_rows.add("")
    source, lines = rendered([*head.rows, *parts.rows, *helper_rows.rows])
    return Generated(name, source.rstrip() + "\n", lines, unit.tracked)


def _renamed(slots) -> frozenset[str]:  # type: ignore[no-untyped-def]
    """Public slots that Vyper's own getter would show otherwise than the language does."""
    found = set()
    for slot in slots:
        element = slot.type.element if isinstance(slot.type, Tensor) else None
        abi = scalar_type(element, abi=True) if element is not None and not _unbounded(element) else None
        if slot.label is Secrecy.PUBLIC and (slot.lens or (abi is not None and abi != scalar_type(element))):
            found.add(slot.name)
    return frozenset(found)


def _unbounded(element: object) -> bool:
    return getattr(element, "max", 0) is None


def _structs(unit: Unit) -> list:  # type: ignore[type-arg]
    """Every struct that the contract's ABI mentions, inner ones first."""
    found: dict[str, object] = {}
    types: list[Type] = [t for fields in unit.contract.events.values() for _, t in fields]
    types += [t for fields in unit.contract.errors.values() for _, t in fields]
    for function in unit.functions:
        if function.public.kind in ("external", "view", "init"):
            types += [p.type for p in function.public.params]
            result = function.public.result
            types += list(result.items) if isinstance(result, TupleT) else [result]
    types += [value for value, _ in unit.contract.state.values()]
    for functions in called(unit).values():
        types += [t for f in functions.values() for t in (*(p for _, p in f.params), *returned(f.result))]
    for type in types:
        for struct in structs_in(_value_of(type)):
            found.setdefault(struct.name, struct)
    return list(found.values())


def _value_of(type: Type) -> Type:
    from enigmalang.types.types import MapT

    while isinstance(type, MapT):
        type = type.value
    return type


def _check_names(unit: Unit) -> None:
    """E0805 for names that the generated contract, or Vyper, has for itself."""
    used: dict[str, Span] = {}
    for function in unit.functions:
        short = function.name.rpartition(".")[2]
        if function.public.kind not in ("external", "view"):
            continue
        for taken in ([short] if function.secret is None else [f"request_{short}", f"fulfil_{short}"]):
            _claim(used, taken, function.public.span)
    for slot in unit.contract.slots.values():
        _claim(used, plain(slot.name), slot.span)
        if slot.name in unit.tracked:
            _claim(used, f"has_{plain(slot.name)}", slot.span)


def _claim(used: dict[str, Span], name: str, span: Span) -> None:
    if name in OWN or name in used or name in RESERVED:
        why = "is a word of Vyper" if name in RESERVED else "is a name of the generated contract already"
        raise Unsupported("E0805", f"`{name}` {why}: on the chain this needs another name", span, "rename it")
    used[name] = span


# ---- the head


def _title(lines: Lines, text: str) -> None:
    lines.add(f"# ---- {text}")
    lines.add("")


def _head(unit: Unit, lines: Lines, jobs: Sequence[PlanFunction], init: PlanFunction | None) -> None:
    contract = unit.contract
    lines.add("# pragma version 0.4.3")
    lines.add(f"# Generated from {PurePath(unit.plan.path).name} by EnigmaLang: change that file, not this one.")
    text = contract.docstring or f"{contract.name}: the public part of a private contract."
    lines.add('"""')
    lines.add(f"@title {contract.name}")
    lines.add(f"@notice {notice(text)}")
    lines.add('"""')
    lines.add("")
    _hub_interface(unit, lines, bool(jobs))
    for name, functions in called(unit).items():
        lines.add(f"interface {name}:", unit.plan.interfaces[name].span)
        for function, declared in functions.items():
            lines.add(f"    {declaration(function, declared)}")
        lines.add("")
    for struct in _structs(unit):
        lines.add(f"struct {struct.name}:")
        for field in struct.fields:
            lines.add(f"    {field.name}: {_typed(field.type, contract.span)}")
        lines.add("")
    lines.add("")
    _title(lines, "State")
    lines.add("HUB: public(immutable(Hub))")
    lines.add("CREATOR: public(immutable(address))")
    lines.add(f"PLAN_HASH: public(constant(bytes32)) = 0x{hash_plan(unit.plan).hex()}")
    lines.add("version: public(uint256)  # raised by every transaction that changes state")
    lines.add("private_root: public(bytes32)  # commitment of the nodes to the private state")
    if init is not None and init.secret is not None:
        lines.add("ready: public(bool)  # `init` has been fulfilled")
    _slots(unit, lines)
    lines.add("")
    lines.add("")
    if contract.events or jobs:
        _title(lines, "Events")
        _events(unit, lines, jobs)


def _typed(type: Type, span: Span) -> VType:
    try:
        return abi_type(type)
    except NoVyperType as problem:
        raise Unsupported("E0802", f"{problem} cannot live on the chain", span,
                          "declare it with a size (`list[T, max]`, `string[max]`)") from None


def _hub_interface(unit: Unit, lines: Lines, jobs: bool) -> None:
    lines.add("interface Hub:")
    lines.add("    def attach(committee: uint256, plan: bytes32): nonpayable")
    if jobs:
        lines.add("    def open(function: bytes32, arguments: bytes32, requester: address, payment: uint256)"
                  " -> uint256: payable")
        lines.add("    def settle(job: uint256, function: bytes32, arguments: bytes32, version: uint256,")
        lines.add("               revealed: bytes32, root: bytes32, work: Work,")
        lines.add("               signatures: DynArray[Signature, 31]): nonpayable")
        lines.add("    def settle_failure(job: uint256, function: bytes32, arguments: bytes32, version: uint256,")
        lines.add("                       error: String[256], work: Work,")
        lines.add("                       signatures: DynArray[Signature, 31]): nonpayable")
    if _uses_log(unit):
        lines.add("    def write(key: bytes32, kind: String[64], content: Bytes[4096]): nonpayable")
        lines.add("    def latest(key: bytes32) -> Entry: view")
        lines.add("    def at(key: bytes32, when: uint256) -> Entry: view")
        lines.add("    def has(key: bytes32) -> bool: view")
        lines.add("    def count(key: bytes32) -> uint256: view")
        lines.add("    def entry(key: bytes32, index: uint256) -> Entry: view")
    lines.add("")
    if jobs:
        lines.add("struct Signature:")
        lines.add_all("    r: bytes32\n    s: bytes32\n    v: uint8")
        lines.add("")
        lines.add("struct Work:")
        lines.add_all("    rounds: uint256\n    products: uint256\n    additions: uint256")
        lines.add("")
    if _uses_log(unit):
        lines.add("struct Entry:")
        lines.add_all("    block: uint256\n    time: uint256\n    writer: address\n    kind: String[64]\n"
                      "    value: Bytes[4096]")
        lines.add("")


def _uses_log(unit: Unit) -> bool:
    bodies = [f.public for f in (*unit.functions, *predicates_of(unit))]
    return any(op.op.startswith("db_") for f in bodies for op in operations(f.body))


def _slots(unit: Unit, lines: Lines) -> None:
    for slot in unit.contract.slots.values():
        name = plain(slot.name)
        if slot.name in unit.tracked:
            lines.add(f"has_{name}: public({_mapped(slot.keys, VName('bool'))})", slot.span)
        if slot.label is Secrecy.PRIVATE:
            for _, stored in length_names(slot):
                lines.add(f"{stored}: {_mapped(slot.keys, UINT256)}", slot.span)
            if not length_names(slot) and slot.name not in unit.tracked:
                lines.add(f"# {name}: private, with the nodes", slot.span)
            continue
        try:
            held = _mapped(slot.keys, leaf_type(slot))
        except NoVyperType as problem:
            raise Unsupported("E0802", f"the state `{slot.name}` has {problem}", slot.span,
                              "declare it with a size (`list[T, max]`, `string[max]`)") from None
        lines.add(f"_{name}: {held}" if slot.name in unit.getters else f"{name}: public({held})", slot.span)


def _mapped(keys: Sequence[object], type: VType) -> str:
    made = str(type)
    for key in reversed(keys):
        made = f"HashMap[{scalar_type(key)}, {made}]"
    return made


def _events(unit: Unit, lines: Lines, jobs: Sequence[PlanFunction]) -> None:
    from enigmalang.chain.vyper.jobs import arguments_size

    if jobs:
        most = max(arguments_size(f) for f in jobs)
        lines.add("event Requested:")
        lines.add_all(f"    job: indexed(uint256)\n    sender: indexed(address)\n    function: bytes32\n"
                      f"    arguments: Bytes[{most}]")
        lines.add("")
    for name, fields in unit.contract.events.items():
        lines.add(f"event {name}:")
        with lines.block():
            for field, type in fields:
                lines.add(f"{field}: {_typed(type, unit.contract.span)}")
        lines.add("")
    lines.add("")


# ---- functions


def plain_context() -> dict[str, Expr]:
    return {
        "sender": fixed("msg.sender", ADDRESS), "value": fixed("msg.value", UINT256),
        "now": fixed("block.timestamp", UINT256), "block": fixed("block.number", UINT256),
        "self": fixed("self", ADDRESS), "chain": fixed("chain.id", UINT256),
        "balance": Expr("self.balance", UINT256, reads=frozenset({"balance"})),
    }


def public_params(function: Function) -> list[Param]:
    return [p for p in function.params if any(not leaf.private for leaf in leaves_of(p.type, p.private))]


def declared_params(names: Names, params: Sequence[Param]) -> tuple[list[str], dict[str, str]]:
    """Declarations of public parameters, and how each is called."""
    called = {p.name: names.new(p.name) for p in params}
    return [f"{called[p.name]}: {_typed(p.type, p.span)}" for p in params], called


def bind_params(body: Body, params: Sequence[Param], called: dict[str, str]) -> None:
    """The leaves of public parameters, and the checks of their ranges."""
    for param in params:
        body.span = param.span
        expr = fixed(called[param.name], abi_type(param.type))
        leaves = from_abi(body, param.type, expr)
        for value, leaf, found in zip(param.values, leaves_of(param.type, param.private), leaves, strict=True):
            if leaf.private:
                continue
            found = _checked(body, param, leaf.declared, found)
            body.define_value(value, found)


def _checked(body: Body, param: Param, declared: Type, expr: Expr) -> Expr:
    type = expr.type
    if isinstance(declared, EnumT):
        body.say(f'assert {expr.text} < {len(declared.members)}, "{param.name} is no {declared.name}"')
        return expr
    if param.range is None or not isinstance(type, VInt):
        return expr
    expr = body.kept(expr, param.name)
    tests = []
    if param.range.low > type.low:
        tests.append(f"{expr.text} >= {constant(param.range.low, type).text}")
    if param.range.high < type.high:
        tests.append(f"{expr.text} <= {constant(param.range.high, type).text}")
    if tests:
        body.say(f'assert {" and ".join(tests)}, "{param.name} is outside of its range"')
    return expr


def returned_types(function: PlanFunction) -> list[Type]:
    """The public results: of a job's public part each leaf by itself, when another is private."""
    result = function.public.result
    leaves = function.result_leaves
    if isinstance(result, NoneT) or all(leaf.private for leaf in leaves):
        return []
    if any(leaf.private for leaf in leaves):
        return [leaf.declared for leaf in leaves if not leaf.private]
    return list(result.items) if isinstance(result, TupleT) else [result]


def arrow(types: Sequence[Type], span: Span) -> str:
    shown = [str(_typed(t, span)) for t in types]
    return "" if not shown else f" -> {shown[0] if len(shown) == 1 else '(' + ', '.join(shown) + ')'}"


def notice(text: str) -> str:
    """A docstring's text within NatSpec: one line, without what would end it or begin a field."""
    return " ".join(text.split()).replace('"', "'").replace("\\", "/").replace("@", "at ")


def natspec(lines: Lines, function: Function) -> None:
    """The function's docstring, for those who read the ABI's documentation."""
    if function.docstring is not None and function.docstring.strip():
        lines.add(f'"""@notice {notice(function.docstring)}"""')


def signature(name: str, params: Sequence[str], result: str) -> str:
    """`def name(…) -> …:`, over several lines where it is long."""
    line = f"def {name}({', '.join(params)}){result}:"
    if len(line) <= 110:
        return line
    return f"def {name}(\n        " + ",\n        ".join(params) + f"\n){result}:"


def run_body(body: Body, types: Sequence[Type]) -> None:
    """The statements, and `return` of the results."""

    def give(parts: Sequence[tuple[Expr, ...]]) -> None:
        leaves = [e for p in parts for e in p]
        shown = []
        for type in types:
            count = len(leaves_of(type))
            shown.append(to_abi(body, type, leaves[:count]))
            leaves = leaves[count:]
        if len(shown) == 1 and shown[0].items is not None and isinstance(shown[0].type, VStatic) is False:
            shown = [body.saved(shown[0], "result")]
        body.say(f"return {', '.join(e.text for e in shown)}".rstrip())

    body.returns = give
    ended = body.run()
    if not ended:
        body.span = body.function.body.ops[-1].span
        values = [body.use_parts(v) for v in body.function.body.ops[-1].operands]
        if types:
            give(values)


def _constructor(unit: Unit, lines: Lines, init: PlanFunction | None) -> None:
    _title(lines, "Init")
    names = Names(unit.taken)
    own = ["hub: address", "committee: uint256"]
    for taken in ("hub", "committee"):
        names.new(taken)
    public = init is not None and init.secret is None
    function = init.public if init is not None and public else None
    params, called = declared_params(names, function.params if function is not None else ())
    lines.add("@deploy")
    if function is not None and function.payable:
        lines.add("@payable")
    lines.add_all(signature("__init__", [*own, *params], ""), function.span if function is not None else None)
    with lines.block():
        lines.add("HUB = Hub(hub)")
        lines.add("CREATOR = msg.sender")
        if any(f.secret is not None for f in unit.functions):
            lines.add("extcall Hub(hub).attach(committee, PLAN_HASH)")
        else:
            lines.add("if committee != 0:  # no function needs the nodes")
            lines.add("    extcall Hub(hub).attach(committee, PLAN_HASH)")
        if function is not None:
            lines.add("self.version += 1")
            body = Body(unit, function, lines, names, plain_context())
            bind_params(body, function.params, called)
            run_body(body, ())
    lines.add("")
    lines.add("")


def gate(lines: Lines, init: PlanFunction | None) -> None:
    """Nothing runs before a private `init` has."""
    if init is not None and init.secret is not None:
        lines.add('assert self.ready, "init has not been fulfilled"')


def _plain_functions(unit: Unit, lines: Lines, functions: Sequence[PlanFunction], init: PlanFunction | None) -> None:
    if functions:
        _title(lines, "Functions")
    for planned in functions:
        function = planned.public
        names = Names(unit.taken)
        params, called = declared_params(names, function.params)
        types = returned_types(planned)
        view = function.kind == "view"
        lines.add("@external")
        lines.add("@view" if view else "@nonreentrant")
        if function.payable:
            lines.add("@payable")
        short = function.name.rpartition(".")[2]
        lines.add_all(signature(short, params, arrow(types, function.span)), function.span)
        with lines.block():
            natspec(lines, function)
            gate(lines, init)
            if not view:
                lines.add("self.version += 1")
            body = Body(unit, function, lines, names, plain_context())
            body.static = view
            bind_params(body, function.params, called)
            run_body(body, types)
        lines.add("")
        lines.add("")


def predicates_of(unit: Unit) -> list[PlanFunction]:
    """The file's predicates that this contract can show as views."""
    names = {f.name.rpartition(".")[2] for f in unit.functions} | {plain(s) for s in unit.contract.slots} | OWN
    return [f for f in unit.plan.functions.values()
            if f.public.kind == "predicate" and f.name.isidentifier() and f.name not in names | RESERVED]


def _predicates(unit: Unit, lines: Lines) -> None:
    found = predicates_of(unit)
    if found:
        _title(lines, "Predicates")
    for planned in found:
        function = planned.public
        names = Names(unit.taken)
        params, called = declared_params(names, function.params)
        lines.add("@external")
        lines.add("@view")
        lines.add_all(signature(function.name, params, " -> bool"), function.span)
        with lines.block():
            body = Body(unit, function, lines, names, plain_context())
            body.static = True
            bind_params(body, function.params, called)
            run_body(body, returned_types(planned))
        lines.add("")
        lines.add("")
