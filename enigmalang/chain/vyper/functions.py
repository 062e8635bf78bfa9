"""A generated contract's functions: `init`, those without a private part, predicates; and what jobs share with them."""

from collections.abc import Sequence

from enigmalang.chain.vyper.body import Body
from enigmalang.chain.vyper.convert import from_abi, to_abi
from enigmalang.chain.vyper.expr import Expr, constant, fixed
from enigmalang.chain.vyper.lines import Lines, notice
from enigmalang.chain.vyper.names import Names, predicates_of
from enigmalang.chain.vyper.types import ADDRESS, UINT256, VInt, VStatic, abi_type, typed
from enigmalang.chain.vyper.unit import Unit
from enigmalang.ir.ir import Function, Param
from enigmalang.ir.leaves import leaves_of
from enigmalang.plan.plan import PlanFunction
from enigmalang.source import Span
from enigmalang.types.types import EnumT, NoneT, TupleT, Type


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
    return [f"{called[p.name]}: {typed(p.type, p.span)}" for p in params], called


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
    shown = [str(typed(t, span)) for t in types]
    return "" if not shown else f" -> {shown[0] if len(shown) == 1 else '(' + ', '.join(shown) + ')'}"


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


def constructor(unit: Unit, lines: Lines, init: PlanFunction | None) -> None:
    lines.title("Init")
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


def plain_functions(unit: Unit, lines: Lines, functions: Sequence[PlanFunction], init: PlanFunction | None) -> None:
    if functions:
        lines.title("Functions")
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


def predicates(unit: Unit, lines: Lines) -> None:
    found = predicates_of(unit)
    if found:
        lines.title("Predicates")
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
