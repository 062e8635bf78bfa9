"""The manifest of a plan: each function's entries, from the programs that really run."""

from collections.abc import Iterator

from enigmalang.compiler.disclosure.collect import Listing, Surroundings, count_of, described
from enigmalang.compiler.disclosure.dependence import Length, depend
from enigmalang.compiler.disclosure.manifest import Audience, Disclosed, Entry, Kind, Manifest
from enigmalang.compiler.disclosure.places import Places, Reader, read_source_text
from enigmalang.compiler.disclosure.rules import visit
from enigmalang.ir.ir import Function, Param
from enigmalang.ir.leaves import leaves_of
from enigmalang.ir.signatures import signature
from enigmalang.passes.facts import Facts
from enigmalang.plan.plan import SECRET, Plan, PlanFunction
from enigmalang.source.shipped import STDLIB
from enigmalang.types.types import Label

_LISTED = ("script", "init", "external", "view")
_KINDS = {kind: number for number, kind in enumerate(Kind)}


def manifest_of(plan: Plan, read: Reader = read_source_text) -> Manifest:
    """Who learns what of every function of contracts and of the script of `plan`; `read` gives the text of sources."""
    program = plan.program()
    around = Surroundings(program, depend(program), Facts(program), Places(plan.path, read), visit)
    listed = [f for f in plan.functions.values() if f.public.kind in _LISTED]
    return Manifest(around.places.file_name(), tuple(_disclosed(f, around) for f in listed))


def kind_of(planned: PlanFunction) -> str:
    """What a call is: "job" (the nodes run it), "transaction", "view", or "script"."""
    if planned.public.kind == "script":
        return "script"
    return "job" if planned.secret is not None else "view" if planned.public.kind == "view" else "transaction"


def _disclosed(planned: PlanFunction, around: Surroundings) -> Disclosed:
    function, kind = planned.public, kind_of(planned)
    listing = Listing(around, function)
    if kind in ("job", "transaction"):
        _called(listing, function)
    listing.collect()
    if planned.secret is not None:
        Listing(around, around.program.functions[planned.name + SECRET], listing.entries).collect()
    if kind != "script":
        _results(listing, planned)
    name = planned.name if kind != "script" else "script"
    shown = signature(function) if kind != "script" else "the statements of the script"
    shown = f"{function.contract}.{shown}" if function.contract else shown
    return Disclosed(name, shown, kind, _line(function, listing), tuple(sorted(_unique(listing), key=_order)))


def _line(function: Function, listing: Listing) -> int:
    return function.span.line if function.kind != "script" else min((e.line for e in listing.entries), default=1)


def _order(entry: Entry) -> tuple[object, ...]:
    own = 0 if entry.at.file.startswith(STDLIB) else entry.at.line
    return (entry.line, _KINDS[entry.kind], entry.at.file, own, entry.identity)


def _unique(listing: Listing) -> Iterator[Entry]:
    """One entry for each place and thing learnt: the two programs of a job may know differently much of the cause."""
    found: dict[tuple[object, ...], Entry] = {}
    for entry in listing.entries:
        key = (entry.audience, entry.kind, entry.at, entry.what, entry.via)
        old = found.get(key)
        found[key] = entry if old is None else _merged(old, entry)
    yield from found.values()


def _merged(a: Entry, b: Entry) -> Entry:
    return Entry(a.audience, a.kind, a.at, a.what, a.via, _both(a.secrets, b.secrets), _both(a.steps, b.steps),
                 _both(a.after, b.after), _both(a.guards, b.guards), " ".join(_both((a.made,), (b.made,))).strip())


def _both(x: tuple[str, ...], y: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*x, *y)))


# ------------------------------------------------------------------------------------------- calls and results


def _called(listing: Listing, function: Function) -> None:
    """What a call tells before anything is computed."""
    public = [p.name for p in function.params if not _private(p)]
    told = [*(f"`{name}`" for name in public), *(["amount of wei"] if function.payable else [])]
    _put(listing, Kind.CALL, f"that it is called, when, by whom, and with which {_and(told)}" if told else
         "that it is called, when, and by whom")
    for param in function.params:
        for value, leaf in zip(param.values, leaves_of(param.type, param.private), strict=True):
            if not leaf.private:
                continue
            name = ".".join((param.name, *leaf.path))
            if not all(leaf.exact):
                _put(listing, Kind.LENGTH, f"the length of `{name}`", param)
            within = f"in {param.range}" if param.range is not None else f"a {leaf.declared}"
            _put(listing, Kind.FAILURE, f"whether `{name}` is {within}; else the call fails before it starts", param)
            _put(listing, Kind.SIZE, f"shares of `{name}`: {count_of(value)}", param, Audience.NODES)


def _private(param: Param) -> bool:
    return all(leaf.private for leaf in leaves_of(param.type, param.private))


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _put(listing: Listing, kind: Kind, what: str, param: Param | None = None, who: str = Audience.EVERYONE) -> None:
    place = listing.around.places.place(param.span) if param else listing.around.places.bare(listing.function.span)
    listing.put(Entry(who, kind, place, what))


def _results(listing: Listing, planned: PlanFunction) -> None:
    """The private leaves of the result go to the caller, the public ones to everyone."""
    for function in filter(None, (planned.public, listing.around.program.functions.get(planned.name + SECRET))):
        last = function.body.ops[-1]
        if last.op != "yield":
            continue
        for value in last.operands:
            if value.label is Label.PRIVATE:
                listing.value(last, value, f"the result: {described(value)}", Audience.CALLER, span=value.span)
                after = listing.sources([Length(value)])
                if after:
                    listing.add(last, Kind.LENGTH, "the length of the result", span=value.span, after=after)
            elif after := listing.after(last, [value]):
                listing.add(last, Kind.RESULT, f"the result: {described(value)}", span=value.span, after=after)
