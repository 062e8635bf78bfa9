"""Calls: the program's functions, structs, deployed contracts, interfaces, databases, predicates."""

from enigmalang.ir.ir import Opaque, Value
from enigmalang.ir.leaves import leaves_of, types_of
from enigmalang.lowering.access import axis_of, describe, entry_of, load, row_type, store, store_database
from enigmalang.lowering.arguments import bound_arguments, given_in_order, params_of
from enigmalang.lowering.convert import as_address, fit, share, share_private, store_as
from enigmalang.lowering.foreign import foreign
from enigmalang.lowering.frame import NOTHING, Bundle, Frame, LoweringError
from enigmalang.lowering.places import Place, State, database_of, find_place, keys_of
from enigmalang.semantics.model import Instance, Kind, Symbol
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.types.types import ERROR, ContractT, IdentityT, JobT, Label, ListT, PredicateT, StructT, Type

PREDICATES = frozenset(("owner", "anyone", "only_compute", "only", "members", "after", "before", "at_least"))


def call(f: Frame, node: ast.Call) -> Bundle:
    """A call of anything but a builtin."""
    member = f.instance.members.get(node.function)
    callee = f.instance.calls.get(node)
    if member is not None and isinstance(node.function, ast.Attribute):
        match member.kind:
            case "method" | "interface":
                return contract_call(f, node, node.function)
            case "list":
                return list_method(f, node, node.function)
            case "db":
                return database_call(f, node, node.function)
            case _:
                pass
    if callee is not None:
        return user_call(f, node, callee)
    symbol = f.symbol(node.function) or (member.symbol if member else None)
    if symbol is not None and symbol.kind is Kind.PREDICATE:
        return _own_predicate(f, node, symbol)
    if symbol is not None and symbol.kind is Kind.STRUCT:
        return struct(f, node)
    if symbol is not None and symbol.kind in (Kind.INTERFACE, Kind.CONTRACT):
        return _reference(f, node)
    if isinstance(node.function, ast.Attribute) and isinstance(f.type_of(node.function.value), ContractT):
        return contract_call(f, node, node.function)
    raise LoweringError(node.span, "a call of something that is no function")


def user_call(f: Frame, node: ast.Call, callee: Instance) -> Bundle:
    """A function of the program: stays a `call` here, and is inlined after lowering unless it is recursive."""
    leaves = bound_arguments(f, callee, node.args, node.keywords, node.span, share=True)
    return call_instance(f, callee, leaves, node.span)


def call_instance(f: Frame, callee: Instance, leaves: tuple[Value, ...], span: Span) -> Bundle:
    op = f.build.emit("call", leaves, span, types=types_of(callee.result), attrs={"function": callee.name})
    return Bundle(callee.result, op.results)


def _own_predicate(f: Frame, node: ast.Call, symbol: Symbol) -> Bundle:
    """`paid(item)`: one's own predicate as a value. Its first parameter, who asks, is given when it is evaluated."""
    found = next((i for i in f.unit.checked.instances if i.node is symbol.node), None)
    if found is None:
        raise LoweringError(node.span, f"the predicate `{symbol.name}` was not checked")
    leaves: list[Value] = []
    for arg, param, type in zip(node.args, params_of(found)[1:], found.param_types[1:], strict=True):
        leaves += store_as(f, f.expr(arg), type, arg.span, f"the parameter {param.name}").leaves
    value = f.build.value("predicate", leaves, node.span, type=Opaque(PredicateT()), name=found.name)
    return Bundle(PredicateT(), (value,))


def struct(f: Frame, node: ast.Call) -> Bundle:
    """`Point(1, y=2)`: each field is a typed destination, private ones take shares."""
    type = f.type_of(node)
    assert isinstance(type, StructT)
    given = given_in_order([field.name for field in type.fields], node.args, node.keywords)
    leaves: list[Value] = []
    for field, argument in zip(type.fields, given, strict=True):
        if argument is None:
            raise LoweringError(node.span, f"no value for the field `{field.name}`")
        stored = store_as(f, f.expr(argument), field.type, argument.span, f"the field {field.name} of {type.name}")
        leaves += share_private(f, stored, field.private, argument.span).leaves
    return Bundle(type, tuple(leaves))


def _reference(f: Frame, node: ast.Call) -> Bundle:
    """`Token(address)`: a reference to a contract that is already there."""
    type = f.type_of(node)
    value = f.build.value("convert", (f.value(node.args[0]),), node.span, type=Opaque(type))
    return Bundle(type, (value,))


# ------------------------------------------------------------------------------------------------- contracts


def contract_call(f: Frame, node: ast.Call, target: ast.Attribute, op: str = "call_contract") -> Bundle:
    """`c.f(…)` on a deployed contract, or on an interface."""
    receiver = f.expr(target.value)
    assert isinstance(receiver.type, ContractT)
    sent = next((k.value for k in node.keywords if k.name == "value"), None)
    keywords = [k for k in node.keywords if k.name != "value"]
    wei = () if sent is None else (f.value(sent),)
    callee = f.instance.calls.get(node) or _method_of(f, receiver.type, target.name)
    if callee is None:
        return _interface_call(f, node, target, receiver, wei)
    leaves = bound_arguments(f, callee, node.args, keywords, node.span, share=False)
    result: Type = JobT(callee.result) if op == "submit" else callee.result
    attrs = {"function": callee.name, "value": sent is not None}
    made = f.build.emit(op, (receiver.only, *wei, *leaves), node.span, types=types_of(result), attrs=attrs)
    return Bundle(result, made.results)


def _method_of(f: Frame, type: ContractT, name: str) -> Instance | None:
    contract = f.unit.checked.contracts.get(type.name)
    return contract.functions.get(name) if contract and not type.interface else None


def _interface_call(
    f: Frame, node: ast.Call, target: ast.Attribute, receiver: Bundle, wei: tuple[Value, ...],
) -> Bundle:
    assert isinstance(receiver.type, ContractT)
    name, declared = foreign(f, receiver.type.name, target.name, node.span)
    leaves: list[Value] = []
    for arg, (param, type) in zip(node.args, declared.params, strict=True):
        leaves += store_as(f, f.expr(arg), type, arg.span, f"the argument {param} of {target.name}").leaves
    attrs = {"interface": name, "function": target.name, "value": bool(wei)}
    op = f.build.emit("external_call", (receiver.only, *wei, *leaves), node.span, types=types_of(declared.result),
                      attrs=attrs)
    return Bundle(declared.result, _bounded(op.results, declared.result))


def _bounded(values: tuple[Value, ...], type: Type) -> tuple[Value, ...]:
    """What comes from outside is as long as its type says at most: that is checked."""
    for value, leaf in zip(values, leaves_of(type), strict=True):
        value.lens = leaf.lens
    return values


def deploy(f: Frame, node: ast.Deploy) -> Bundle:
    type = f.type_of(node)
    assert isinstance(type, ContractT)
    contract = f.unit.checked.contracts[type.name]
    init = contract.functions.get("init")
    sent = [k.value for k in node.call.keywords if k.name == "value"]
    keywords = [k for k in node.call.keywords if k.name != "value"]
    leaves = bound_arguments(f, init, node.call.args, keywords, node.span, share=False) if init else ()
    wei = tuple(f.value(v) for v in sent)
    value = f.build.value("deploy", (*leaves, *wei), node.span, type=Opaque(type), contract=type.name)
    return Bundle(type, (value,))


def submit(f: Frame, node: ast.Submit) -> Bundle:
    if not isinstance(node.call.function, ast.Attribute) or node.call.function not in f.instance.members:
        return f.expr(node.call)
    if f.instance.members[node.call.function].kind != "method":
        return f.expr(node.call)
    return contract_call(f, node.call, node.call.function, "submit")


def await_job(f: Frame, node: ast.Await) -> Bundle:
    job = f.expr(node.value)
    if not isinstance(job.type, JobT):
        return job
    result = job.type.result
    op = f.build.emit("await", job.leaves, node.span, types=types_of(result))
    return Bundle(result, op.results)


# ------------------------------------------------------------------------------------------- methods of lists


def list_method(f: Frame, node: ast.Call, target: ast.Attribute) -> Bundle:
    place = find_place(f, target.value)
    match target.name:
        case "append":
            return _append(f, node, place)
        case "pop":
            return _pop(f, node, place)
        case _:
            raise LoweringError(node.span, f"lists have no `{target.name}`")


def _append(f: Frame, node: ast.Call, place: Place) -> Bundle:
    assert isinstance(place.type, ListT)
    whole = load(f, place)
    argument = node.args[0]
    item = f.expr(argument)
    destination = describe(f, place)
    if destination is not None:
        item = store_as(f, item, place.type.element, argument.span, destination)
    elif place.type.element != ERROR:
        item = fit(f, item, place.type.element, argument.span)
    if isinstance(place.root, State) and any(s.label is Label.PRIVATE for s in place.root.slots):
        item = share(f, item, argument.span, [s.label is Label.PRIVATE for s in place.root.slots])
    made = tuple(
        f.build.value("append", (xs, x), node.span, type=xs.type, hint=xs.hint, axis=axis_of(xs), max=place.type.max)
        for xs, x in zip(whole.leaves, item.leaves, strict=True))
    _write_list(f, place, Bundle(whole.type, made), node.span)
    return NOTHING


def _pop(f: Frame, node: ast.Call, place: Place) -> Bundle:
    assert isinstance(place.type, ListT)
    whole = load(f, place)
    shorter: list[Value] = []
    last: list[Value] = []
    for xs, leaf in zip(whole.leaves, leaves_of(place.type.element), strict=True):
        op = f.build.emit("pop", (xs,), node.span, types=(xs.type, row_type(xs, leaf)), attrs={"axis": axis_of(xs)},
                          hints=(xs.hint,))
        shorter.append(op.results[0])
        last.append(op.results[1])
    _write_list(f, place, Bundle(whole.type, tuple(shorter)), node.span)
    return Bundle(place.type.element, tuple(last))


def _write_list(f: Frame, place: Place, bundle: Bundle, span: Span) -> None:
    """The list's elements were converted one by one: it is written back as it is."""
    store(f, place, bundle, span, converted=True)


# ----------------------------------------------------------------------------------- databases and predicates


def database_call(f: Frame, node: ast.Call, target: ast.Attribute) -> Bundle:
    """`L.get(k, t)`, `L.history(k)`, `DHT.set(k, v, p)`, `MPC.declassify(k)`."""
    db = database_of(f, target.value)
    if db is None:
        raise LoweringError(node.span, "not a database")
    type = f.type_of(node)
    args = dict(zip(_DB_ARGS.get(target.name, ("key",)), node.args, strict=False))
    args.update({k.name: k.value for k in node.keywords})
    key = args["key"]
    keys = keys_of(f, key.items if isinstance(key, ast.TupleLit) else (key,))
    match target.name:
        case "set":
            value = f.expr(args["value"])
            if db == "MPC":
                kind = f.type_of(target)
                value = share(f, store_as(f, value, kind, args["value"].span, entry_of(kind)), args["value"].span)
            predicate = f.value(args["predicate"]) if "predicate" in args else None
            store_database(f, db, keys, value, predicate, node.span)
            return NOTHING
        case "get" if "time" in args:
            return _database_result(f, "db_get_at", (f.value(args["time"]), *keys), db, type, node.span)
        case "get":
            return _database_result(f, "db_get", keys, db, type, node.span)
        case "history":
            return _database_result(f, "db_history", keys, db, type, node.span)
        case "declassify":
            op = f.build.emit("declassify", keys, node.span, types=types_of(type), attrs={"type": type})
            return Bundle(type, op.results)
        case _:
            raise LoweringError(node.span, f"{db} has no `{target.name}`")


_DB_ARGS = {"set": ("key", "value", "predicate"), "get": ("key", "time")}


def _database_result(f: Frame, op: str, operands: tuple[Value, ...], db: str, type: Type, span: Span) -> Bundle:
    made = f.build.emit(op, operands, span, types=types_of(type), attrs={"db": db, "type": type})
    return Bundle(type, _bounded(made.results, type) if op != "db_history" else made.results)


def predicate(f: Frame, name: str, args: tuple[ast.Expr, ...], span: Span) -> Bundle:
    """A built-in predicate as a value; `owner` and `anyone` have no arguments."""
    operands: list[Value] = []
    for arg in args:
        bundle = f.expr(arg)
        addresses = name == "only" and isinstance(bundle.type, IdentityT)
        operands += [as_address(f, v, arg.span) for v in bundle.leaves] if addresses else bundle.leaves
    value = f.build.value("predicate", operands, span, type=Opaque(PredicateT()), name=name)
    return Bundle(PredicateT(), (value,))


def shared_identity(f: Frame, node: ast.Call) -> Bundle:
    """`shared_identity({alice: owner, bob: only_compute})`: pairs of identity and predicate."""
    (table,) = node.args
    if not isinstance(table, ast.DictLit):
        raise LoweringError(table.span, "`shared_identity` takes {identity: predicate, …}")
    operands: list[Value] = []
    for key, value in zip(table.keys, table.values, strict=True):
        operands += [f.value(key), f.value(value)]
    made = f.build.value("shared_identity", operands, node.span, type=Opaque(IdentityT()))
    return Bundle(IdentityT(), (made,))
