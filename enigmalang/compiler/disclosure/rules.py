"""What each operation lets someone learn: one rule for each operation that has such an effect."""

from collections.abc import Callable, Sequence

from enigmalang.compiler.disclosure.collect import KNOWN, Listing, count_of, described
from enigmalang.compiler.disclosure.dependence import Cell, Length, Node, Origin, is_dealt
from enigmalang.compiler.disclosure.manifest import Audience, Kind
from enigmalang.compiler.disclosure.recipe import rule_recipe
from enigmalang.ir.ir import Operation, Tensor, Value, operations
from enigmalang.ir.ops import EXACT, OPS, Effect
from enigmalang.types.ranges import held_by
from enigmalang.types.types import Label

Rule = Callable[[Listing, Operation], None]
_ALL = Audience.EVERYONE


# ------------------------------------------------------------------------------------------- values let out


def _reveal(listing: Listing, op: Operation) -> None:
    (value,) = op.operands
    if value.label is Label.PUBLIC and not listing.sources([value], Origin.SECRET):
        return
    listing.value(op, value, f"the value: {described(value)}{listing.often()}", _ALL)
    type = op.result.type
    if isinstance(type, Tensor) and not held_by(type.element, value.range) and _goes_on(listing, op.result):
        listing.add(op, Kind.FAILURE, f"whether the value fits {type.element}; it fails if not",
                    after=listing.after(op, [value]))


def _goes_on(listing: Listing, value: Value) -> bool:
    """Whether a revealed number is used as one of its type, and not just shown or compared."""
    function = listing.function
    return function.contract is not None or any(
        value in op.operands and op.op not in EXACT for op in operations(function.body))


def _reveal_to(listing: Listing, op: Operation) -> None:
    value, who = op.operands
    name = f"`{who.hint or listing.name(who)}`"
    listing.value(op, value, f"the value: {described(value)}{listing.often()}", name)
    listing.add(op, Kind.RESULT, f"that {name} is sent a value of this type and length: {described(value)}",
                after=listing.after(op, [who, value]))


def _declassify(listing: Listing, op: Operation) -> None:
    what = ", ".join(described(v) for v in op.results)
    listing.add(op, Kind.VALUE, f"the value kept under this key: {what}", who="who acts, if it dealt the value",
                secrets=listing.sources([Cell("MPC")], Origin.SECRET) or ("what is kept under MPC",),
                after=listing.after(op, op.operands))
    listing.add(op, Kind.KEY, "which entry of MPC is given back, and to whom", who=Audience.NODES,
                after=listing.after(op, op.operands))


# ------------------------------------------------------------------------------------------- failures, control


def _fails(listing: Listing, op: Operation) -> None:
    """A revert of public arithmetic, an index, a conversion."""
    if OPS[op.op].elementwise:  # lengths fit by then
        nodes: list[Node] = [*listing.around.dependence.controls.get(op, ()), *op.operands]
        after = listing.sources(nodes)
    else:
        after = listing.after(op, op.operands)
    if after and listing.around.facts.may_fail(op):
        listing.add(op, Kind.FAILURE, "whether this reverts", after=after)


def _require(listing: Listing, op: Operation) -> None:
    after = listing.after(op, op.operands)
    if after:
        listing.add(op, Kind.FAILURE, f"whether this `{op.op}` fails", after=after)


def _raise(listing: Listing, op: Operation) -> None:
    after = listing.after(op, op.operands)
    if after:
        listing.add(op, Kind.FAILURE, "that it comes here, and fails", after=after)


def _if(listing: Listing, op: Operation) -> None:
    condition = op.operands[0]
    after = listing.after(op, [condition])
    if after and condition.label is Label.PUBLIC:
        listing.add(op, Kind.BRANCH, "which way it goes", span=condition.span, after=after)


def _while(listing: Listing, op: Operation) -> None:
    condition = op.regions[0].ops[-1].operands[0]
    after = listing.after(op, [condition])
    if after and condition.label is Label.PUBLIC:
        listing.add(op, Kind.BOUND, "how often this loop runs", span=condition.span, after=after)


def _loop(listing: Listing, op: Operation) -> None:
    """A loop over a private list is as long as the list, and told there."""
    dependence = listing.around.dependence
    nodes: list[Node] = [*dependence.controls.get(op, ()), *(Length(v) for v in op.operands[: op.attrs["iterated"]])]
    after = listing.sources(nodes, *KNOWN)
    if after:
        listing.add(op, Kind.BOUND, "how often this loop runs", after=after)


def _call(listing: Listing, op: Operation) -> None:
    """A recursive function, with the calls that led to it; what it does deeper down is told by its first level."""
    callee = listing.around.program.functions[op.attrs["function"]]
    after = listing.after(op, op.operands)
    if after:
        listing.add(op, Kind.BRANCH, "that this is called, and how deep it goes", after=after)
    if callee is listing.function or op.span in listing.via:
        return
    inner = Listing(listing.around, callee, listing.entries, (*listing.via, *op.via, op.span), list(listing.guards))
    inner.collect()


# ------------------------------------------------------------------------------------------- state and keys


def _load(listing: Listing, op: Operation) -> None:
    slot = listing.slot(op)
    if slot is None or slot.label is Label.PUBLIC:
        return
    if op.op != "state_load":
        done = "asked for" if op.op == "map_has" else "read"
        keys = op.operands
        several = listing.times != 1 or _rank(keys)
        which = f"which entries of `{slot.name}` are {done}" if several else f"which entry of `{slot.name}` is {done}"
        listing.add(op, Kind.KEY, which, after=listing.after(op, keys))
    if op.op != "map_has":
        listing.add(op, Kind.SIZE, f"shares of {listing.count(op.result)} of `{slot.name}`", who=Audience.NODES,
                    after=listing.sources([Length(op.result)]))


def _rank(values: Sequence[Value]) -> bool:
    return any(isinstance(v.type, Tensor) and v.type.rank for v in values)


def _entries(keys: Sequence[Value]) -> str:
    return "entries" if _rank(keys) else "entry"


def _are(keys: Sequence[Value]) -> str:
    return "are" if _rank(keys) else "is"


def _store(listing: Listing, op: Operation) -> None:
    slot = listing.slot(op)
    if slot is None:
        return
    *keys, value = op.operands
    if slot.label is Label.PUBLIC:
        listing.change(op, Kind.STATE, f"`{slot.name}`, public state, is written", whole=True,
                       after=listing.after(op, op.operands))
        return
    entry = f"which {_entries(keys)} of `{slot.name}` {_are(keys)}" if keys else f"that `{slot.name}` is"
    # What is revealed of it later is computed by these, too; in a ledger program a public stand-in is stored.
    steps = listing.steps(value, op.span) if value.label is Label.PRIVATE else ()
    listing.change(op, Kind.KEY, f"{entry} written", whole=True, steps=steps, after=listing.after(op, keys))
    if not all(slot.exact):
        nodes: list[Node] = [Length(value), Length(Cell(listing.function.contract or "", slot.name))]
        listing.add(op, Kind.LENGTH, f"the length of `{slot.name}`", whole=True, after=listing.sources(nodes))


# ------------------------------------------------------------------------------------------- the ledger


def _emit(listing: Listing, op: Operation) -> None:
    listing.add(op, Kind.EVENT, f"the event {op.attrs['event']} and its fields", after=listing.after(op, op.operands))


def _send(listing: Listing, op: Operation) -> None:
    listing.change(op, Kind.PAYMENT, "who is paid, and how much", after=listing.after(op, op.operands))


def _external(listing: Listing, op: Operation) -> None:
    listing.change(op, Kind.CALL, f"that {op.attrs['interface']}.{op.attrs['function']} of another contract is "
                   "called, and its arguments", after=listing.after(op, op.operands))


# ------------------------------------------------------------------------------------------- scripts


def _print(listing: Listing, op: Operation) -> None:
    after = listing.after(op, op.operands)
    if after:
        listing.add(op, Kind.OUTPUT, "what is printed", who=Audience.OUTPUT, after=after)


def _contract_call(listing: Listing, op: Operation) -> None:
    name = f"{op.attrs['contract']} is deployed" if op.op == "deploy" else f"{op.attrs['function']} is called"
    listing.add(op, Kind.CALL, f"that {name}, by whom, its public arguments, and the lengths of private ones",
                after=listing.after(op, op.operands))


def _given_back(listing: Listing, op: Operation) -> None:
    """What a call's private result tells; the job itself may be awaited later."""
    results = [v for v in op.results if isinstance(v.type, Tensor)]
    after = listing.sources(results)
    if results and after:
        listing.add(op, Kind.RESULT, f"what comes back: {', '.join(described(v) for v in results)}",
                    who="who acts", after=after)


def _called(listing: Listing, op: Operation) -> None:
    _contract_call(listing, op)
    callee = listing.around.program.functions.get(op.attrs["function"])
    if callee is not None and callee.result_private:
        _given_back(listing, op)


def _acting(listing: Listing, op: Operation) -> None:
    after = listing.after(op, op.operands)
    if after:
        listing.add(op, Kind.IDENTITY, "who acts", span=op.operands[0].span, after=after)


def _shared_identity(listing: Listing, op: Operation) -> None:
    listing.add(op, Kind.IDENTITY, "who its members are, and what each may do", after=listing.after(op, op.operands),
                made=rule_recipe(listing.around.program, listing.around.dependence, op.operands[1::2]))


def _input(listing: Listing, op: Operation) -> None:
    nodes = [Length(v) for v in op.results]
    lengths = listing.sources(nodes) if op.attrs["private"] else ()
    for value in op.results:
        if lengths:
            listing.add(op, Kind.LENGTH, f"how long the list is: {count_of(value)}", who=Audience.NODES, after=lengths)


def _share(listing: Listing, op: Operation) -> None:
    if listing.script and is_dealt(op, listing.around.dependence.flow):
        listing.add(op, Kind.SIZE, f"shares of {listing.count(op.result)}", who=Audience.NODES,
                    after=listing.after(op, op.operands))


def _enters_circuit(listing: Listing, op: Operation) -> None:
    """Public values stand in circuits as they are: nodes see what only the client knew."""
    if op.op in ("share", "db_get") or op.regions or not any(v.label is Label.PRIVATE for v in op.results):
        return
    for value in op.operands:
        if value.label is Label.PUBLIC and isinstance(value.type, Tensor):
            after = listing.sources([value, Length(value)], Origin.CLIENT)
            if after:
                listing.add(op, Kind.OPERAND, "a public value that was the client's alone: it stands in the circuit",
                            who=Audience.NODES, after=after)


# ------------------------------------------------------------------------------------------- databases


def _db_set(listing: Listing, op: Operation) -> None:
    db, count = op.attrs["db"], op.attrs["keys"]
    end = len(op.operands) - int(bool(op.attrs["predicate"]))
    keys, values = op.operands[:count], op.operands[count:end]
    after = listing.after(op, op.operands[:end])
    rule = listing.name(op.operands[-1]) if op.attrs["predicate"] else "owner"
    if db == "L":
        listing.change(op, Kind.STATE, "key and value, kept on the ledger", whole=True, after=after)
        return
    made = rule_recipe(listing.around.program, listing.around.dependence, op.operands[end:])
    listing.add(op, Kind.RECORD, f"the key, how large the record is, who owns it, and the rule `{rule}`",
                who=Audience.NODES, whole=True, after=after)
    if db == "MPC":
        listing.add(op, Kind.IDENTITY, f"who may compute with it: `{rule}`; its raw data is the dealer's alone",
                    whole=True, after=listing.after(op, keys), made=made)
        return
    who = _ALL if rule == "anyone" else "the owner of the record" if rule == "owner" else f"whom `{rule}` lets read"
    what = ", ".join(described(v) for v in values)
    listing.add(op, Kind.VALUE, f"the value: {what}", who=who, whole=True, after=after, made=made)


def _db_get(listing: Listing, op: Operation) -> None:
    if op.attrs["db"] == "L":
        return
    listing.add(op, Kind.KEY, f"which entry of {op.attrs['db']} is asked for, and by whom", who=Audience.NODES,
                after=listing.after(op, op.operands))


def visit(listing: Listing, op: Operation) -> None:
    """Add what `op` itself lets someone learn."""
    rule = RULES.get(op.op)
    if rule is not None:
        rule(listing, op)
    elif OPS[op.op].effect is Effect.FAILS:
        _fails(listing, op)
    if listing.script:
        _enters_circuit(listing, op)


#: By operation. What fails publicly and is not here has the rule `_fails`.
RULES: dict[str, Rule] = {
    "reveal": _reveal, "reveal_to": _reveal_to, "declassify": _declassify,
    "require": _require, "assert": _require, "raise": _raise,
    "if": _if, "while": _while, "for": _loop, "map": _loop, "call": _call,
    "state_load": _load, "map_get": _load, "map_has": _load, "state_store": _store, "map_set": _store,
    "emit": _emit, "send": _send, "external_call": _external,
    "print": _print, "deploy": _contract_call, "submit": _contract_call, "call_contract": _called,
    "await": _given_back, "acting": _acting, "shared_identity": _shared_identity, "input": _input, "share": _share,
    "db_set": _db_set, "db_get": _db_get, "db_get_at": _db_get, "db_has": _db_get, "db_history": _db_get,
}
