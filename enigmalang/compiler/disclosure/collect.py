"""What each operation of a function lets someone learn: one rule for each operation that has such an effect."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from enigmalang.compiler.disclosure.dependence import (
    Cell,
    Dependence,
    Length,
    Node,
    Origin,
    Source,
    is_dealt,
)
from enigmalang.compiler.disclosure.manifest import Audience, Entry, Kind
from enigmalang.compiler.disclosure.places import Places
from enigmalang.ir.ir import Function, Opaque, Operation, Program, Region, Slot, Tensor, Value
from enigmalang.ir.ops import OPS, Effect
from enigmalang.passes.facts import Facts
from enigmalang.source import Span
from enigmalang.source.shipped import STDLIB
from enigmalang.types.ranges import nominal
from enigmalang.types.types import Label

_ALL = Audience.EVERYONE
#: What is public, but was a secret or a secret's length.
PUBLIC = (Origin.LEARNT, Origin.CLIENT, Origin.LENGTH)
#: What a client or everyone came to know.
KNOWN = (Origin.LEARNT, Origin.CLIENT)


@dataclass(slots=True)
class Surroundings:
    """What the rules look things up in."""

    program: Program
    dependence: Dependence
    facts: Facts
    places: Places


@dataclass(slots=True)
class Listing:
    """The entries of one function, as they are found."""

    around: Surroundings
    function: Function
    entries: dict[Entry, None] = field(default_factory=dict)
    via: tuple[Span, ...] = ()  # calls of recursive functions that led here
    times: int | None = 1  # at most how often the operation at hand runs; None: unknown

    @property
    def script(self) -> bool:
        return self.function.kind == "script"

    # ---- names

    def text(self, span: Span) -> str:
        return self.around.places.text(span)

    def name(self, value: Value) -> str:
        """The value as the source writes it."""
        return self.text(value.span) or value.hint or "this"

    def source(self, source: Source) -> str:
        if source.name:
            return source.name
        own = [s for s in (*source.via, source.span) if not s.path.startswith(STDLIB)]
        span = own[-1] if own else source.span
        return self.text(span) or f"what line {span.line} lets out"

    def sources(self, nodes: Sequence[Node], *origins: Origin) -> tuple[str, ...]:
        found = self.around.dependence.sources(nodes, *(origins or PUBLIC))
        return tuple(dict.fromkeys(self.source(s) for s in found))

    def slot(self, op: Operation) -> Slot | None:
        contract = self.around.program.contracts.get(self.function.contract or "")
        return contract.slots.get(op.attrs["slot"]) if contract else None

    # ---- entries

    def after(self, op: Operation, values: Sequence[Value], *origins: Origin) -> tuple[str, ...]:
        """What was learnt before and decides `values`, their lengths, or whether `op` runs."""
        nodes: list[Node] = [*self.around.dependence.controls.get(op, ()), *values, *(Length(v) for v in values)]
        return self.sources(nodes, *origins)

    def add(self, op: Operation, kind: Kind, what: str, *, who: str = _ALL, span: Span | None = None,
            whole: bool = False, secrets: tuple[str, ...] = (), steps: tuple[str, ...] = (),
            after: tuple[str, ...] = ()) -> None:
        places = self.around.places
        via = tuple(places.place(s) for s in (*self.via, *op.via))
        at = places.statement(op.span) if whole else places.place(span or op.span)
        self.put(Entry(who, kind, at, what, via, secrets, steps, after))

    def put(self, entry: Entry) -> None:
        self.entries.setdefault(entry)

    def value(self, op: Operation, value: Value, what: str, who: str, kind: Kind = Kind.VALUE,
              span: Span | None = None) -> None:
        """A value that is computed from secrets goes to `who`."""
        dependence = self.around.dependence
        at = span or op.span
        made = [op for op in dependence.behind(value) if op.op != "const" and not (
            op.op == "share" and op.operands[0].label is Label.PUBLIC)]
        spans = [s for op in made for s in (*op.via, op.span)]
        steps = (*self.around.places.steps(spans, at), *self.constants(value))
        self.add(op, kind, what, who=who, span=span, secrets=self.sources([value], Origin.SECRET), steps=steps,
                 after=self.after(op, [value], *KNOWN))

    def constants(self, value: Value) -> Iterator[str]:
        """Named constants that take part, with their values: the text of an expression does not tell them."""
        found = {}
        for made in self.around.dependence.behind(value):
            if made.op == "const" and (name := self.text(made.span)).isidentifier() and name not in ("True", "False"):
                found[name] = made.attrs["value"]
        yield from sorted(f"{name} = {shown}" for name, shown in found.items())

    # ---- walking

    def collect(self) -> None:
        self.region(self.function.body)

    def region(self, region: Region) -> None:
        for op in region.ops:
            rule = RULES.get(op.op)
            if rule is not None:
                rule(self, op)
            elif OPS[op.op].effect is Effect.FAILS:
                _fails(self, op)
            if self.script:
                _enters_circuit(self, op)
            outer, self.times = self.times, _product(self.times, _steps(op))
            for inner in op.regions:
                self.region(inner)
            self.times = outer

    def often(self) -> str:
        """How often a loop does this."""
        return "" if self.times == 1 else ", in a loop" if self.times is None else f", up to {self.times} times"

    def count(self, value: Value) -> str:
        return count_of(value, self.times)


def _product(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a * b


def _steps(op: Operation) -> int | None:
    """At most how often the regions of `op` run."""
    if op.op == "while":
        limit = op.attrs["max"]
        return int(limit) if limit is not None else None
    if op.op not in ("for", "map"):
        return 1
    firsts = [v.lens[0] for v in op.operands[: op.attrs["iterated"]] if v.lens]
    known = [n for n in firsts if n is not None]
    return min(known) if known else None


Rule = Callable[[Listing, Operation], None]


def described(value: Value) -> str:
    """The type of a value, and what it is known to be within: how much its receiver can learn."""
    if isinstance(value.type, Opaque):
        return str(value.type.type)
    known = value.range is not None and value.range != nominal(value.type.element)
    low_high = f" in {value.range}" if known else ""
    return f"{value.type.element}{low_high}{_many(value)}"


def _many(value: Value) -> str:
    rank = value.type.rank if isinstance(value.type, Tensor) else 0
    if not rank:
        return ""
    lens = value.lens if len(value.lens) == rank else (None,) * rank
    return f", {' by '.join(f'up to {n}' if n is not None else 'any number' for n in lens)} of them"


# ------------------------------------------------------------------------------------------- values let out


def _reveal(listing: Listing, op: Operation) -> None:
    (value,) = op.operands
    if value.label is Label.PUBLIC and not listing.sources([value], Origin.SECRET):
        return
    listing.value(op, value, f"the value: {described(value)}{listing.often()}", _ALL)


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
    inner = Listing(listing.around, callee, listing.entries, (*listing.via, *op.via, op.span))
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


def count_of(value: Value, times: int | None = 1) -> str:
    """How many numbers a value is, in a loop of so many steps."""
    rank = value.type.rank if isinstance(value.type, Tensor) else 0
    lens = value.lens if len(value.lens) == rank else (None,) * rank
    total = times
    for length in lens:
        total = None if total is None or length is None else total * length
    if total is None:
        return "the values"
    return "1 value" if total == 1 and not rank else f"up to {total} values"


def _store(listing: Listing, op: Operation) -> None:
    slot = listing.slot(op)
    if slot is None:
        return
    *keys, value = op.operands
    if slot.label is Label.PUBLIC:
        listing.add(op, Kind.STATE, f"`{slot.name}`, public state, is written", whole=True,
                    after=listing.after(op, op.operands))
        return
    if keys:
        listing.add(op, Kind.KEY, f"which {_entries(keys)} of `{slot.name}` {_are(keys)} written", whole=True,
                    after=listing.after(op, keys))
    else:
        listing.add(op, Kind.KEY, f"that `{slot.name}` is written", whole=True, after=listing.after(op, ()))
    if not all(slot.exact):
        nodes: list[Node] = [Length(value), Length(Cell(listing.function.contract or "", slot.name))]
        listing.add(op, Kind.LENGTH, f"the length of `{slot.name}`", whole=True, after=listing.sources(nodes))


# ------------------------------------------------------------------------------------------- the ledger


def _emit(listing: Listing, op: Operation) -> None:
    listing.add(op, Kind.EVENT, f"the event {op.attrs['event']} and its fields", after=listing.after(op, op.operands))


def _send(listing: Listing, op: Operation) -> None:
    listing.add(op, Kind.PAYMENT, "who is paid, and how much", after=listing.after(op, op.operands))


def _external(listing: Listing, op: Operation) -> None:
    listing.add(op, Kind.CALL, f"that {op.attrs['interface']}.{op.attrs['function']} of another contract is called, "
                "and its arguments", after=listing.after(op, op.operands))


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
    listing.add(op, Kind.IDENTITY, "who its members are, and what each may do", after=listing.after(op, op.operands))


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
        listing.add(op, Kind.STATE, "key and value, kept on the ledger", whole=True, after=after)
        return
    listing.add(op, Kind.RECORD, f"the key, how large the record is, who owns it, and the rule `{rule}`",
                who=Audience.NODES, whole=True, after=after)
    if db == "MPC":
        listing.add(op, Kind.IDENTITY, f"who may compute with it: `{rule}`; its raw data is the dealer's alone",
                    whole=True, after=listing.after(op, keys))
        return
    who = _ALL if rule == "anyone" else "the owner of the record" if rule == "owner" else f"whom `{rule}` lets read"
    what = ", ".join(described(v) for v in values)
    listing.add(op, Kind.VALUE, f"the value: {what}", who=who, whole=True, after=after)


def _db_get(listing: Listing, op: Operation) -> None:
    if op.attrs["db"] == "L":
        return
    listing.add(op, Kind.KEY, f"which entry of {op.attrs['db']} is asked for, and by whom", who=Audience.NODES,
                after=listing.after(op, op.operands))


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
